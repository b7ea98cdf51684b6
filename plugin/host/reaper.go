package host

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"datastore/plugin"
)

// reaper frees values of native types beside the server, where their modules say that it takes long. Its goroutine exists
// while there is something to do.
type reaper struct {
	mu      sync.Mutex
	queue   []dying
	running bool
	freed   int64
	wg      sync.WaitGroup
}

// dying is a value that is to be freed.
type dying struct {
	t *nativeType
	v any
}

// maxDying is how many values may wait; more are freed by whoever lets go of them.
const maxDying = 1 << 16

// add takes a value; false when too many wait.
func (r *reaper) add(t *nativeType, v any) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) >= maxDying {
		return false
	}
	r.queue = append(r.queue, dying{t, v})
	if !r.running {
		r.running = true
		r.wg.Add(1)
		go r.run()
	}
	return true
}

// run frees what waits. A method that ends its goroutine gets another one started in its place.
func (r *reaper) run() {
	debug.SetPanicOnFault(true)
	done := false
	defer func() {
		if done {
			r.wg.Done()
			return
		}
		go r.run()
	}()
	for {
		r.mu.Lock()
		queue := r.queue
		if len(queue) == 0 {
			r.queue, r.running, done = nil, false, true
			r.mu.Unlock()
			return
		}
		next := queue[0]
		queue[0] = dying{}
		r.queue = queue[1:]
		r.freed++
		r.mu.Unlock()
		next.t.free(next.v)
	}
}

// counts returns how many values wait, and how many have been freed since the start.
func (r *reaper) counts() (waiting int, freed int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue), r.freed
}

// LazyFree returns how many native values wait to be freed beside the server, and how many have been since the start.
func (h *Modules) LazyFree() (waiting int, freed int64) { return h.reaper.counts() }

// Close waits, at most as long as for an OnUnload, until what the modules' values need to be freed is done. No module may be
// used afterwards.
func (h *Modules) Close() {
	done := make(chan struct{})
	go func() {
		h.reaper.wg.Wait()
		close(done)
	}()
	timer := time.NewTimer(h.o.UnloadTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		waiting, _ := h.reaper.counts()
		h.server.Log(plugin.Warning, fmt.Sprintf("Values of modules are still being freed, %d more wait: left behind", waiting))
	}
}

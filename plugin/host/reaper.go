package host

import (
	"fmt"
	"sync"
	"time"

	"datastore/plugin"
)

// reaper frees values of native types beside the server, where their modules say that it takes long. Its goroutine exists
// while there is something to do.
type reaper struct {
	mu      sync.Mutex
	queue   []dying
	heaps   []*offHeap // with blocks to be given back
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
	r.begin()
	return true
}

// wake has the blocks given back that wait in a heap.
func (r *reaper) wake(o *offHeap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heaps = append(r.heaps, o)
	r.begin()
}

// begin starts the goroutine, unless it is running; the caller holds r.mu.
func (r *reaper) begin() {
	if !r.running {
		r.running = true
		r.wg.Add(1)
		go r.run()
	}
}

// run frees what waits.
func (r *reaper) run() {
	defer r.wg.Done()
	for {
		next, heaps := r.next()
		switch {
		case next.t != nil:
			next.t.free(next.v)
		case len(heaps) > 0:
			heaps[0].host.server.Locked(func() {
				for _, o := range heaps {
					o.settle()
				}
			})
		default:
			return
		}
	}
}

// next takes a value that is to be freed, or else all heaps with blocks to be given back. When it returns neither, the goroutine
// counts as ended.
func (r *reaper) next() (v dying, heaps []*offHeap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) > 0 {
		v, r.queue[0] = r.queue[0], dying{}
		r.queue = r.queue[1:]
		r.freed++
		return v, nil
	}
	heaps, r.queue, r.heaps = r.heaps, nil, nil
	r.running = len(heaps) > 0
	return dying{}, heaps
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
	h.workers.close()
}

package host

import (
	"runtime/debug"
	"sync/atomic"
)

// worker is a goroutine on which methods of native types run, one at a time, while the caller waits. The callers are in the
// middle of something, a deletion or a save, on a goroutine that the server needs: runtime.Goexit, which nothing stops, must
// not end that. Handing over costs 0.3 µs, where starting a goroutine for each call would cost ten times as much.
type worker struct {
	begin, end chan struct{}
	method     func()      // what is to run, or nil for
	sized      *nativeType // the AllocSize of this type for
	value      any         // this value; no allocation for that
	size       int64
	err        error // a *PanicError, or ErrGoexit
}

// workers keep the worker that is idle. Methods run at the same time when the reaper frees a value; then there are two.
type workers struct{ idle atomic.Pointer[worker] }

// take returns a worker that belongs to the caller until give.
func (ws *workers) take() *worker {
	w := ws.idle.Swap(nil)
	if w == nil {
		w = &worker{begin: make(chan struct{}), end: make(chan struct{})}
		go w.run()
	}
	return w
}

// give ends the caller's use of a worker, whose goroutine has ended already when a method has ended it.
func (ws *workers) give(w *worker) {
	gone := w.err == ErrGoexit
	w.method, w.sized, w.value, w.err = nil, nil, nil, nil
	if !gone && !ws.idle.CompareAndSwap(nil, w) {
		close(w.begin)
	}
}

// close ends the idle worker.
func (ws *workers) close() {
	if w := ws.idle.Swap(nil); w != nil {
		close(w.begin)
	}
}

// do runs what the worker was given and waits for it.
func (w *worker) do() error {
	w.begin <- struct{}{}
	<-w.end
	return w.err
}

// run is the worker's goroutine. Faults at wild addresses in module code are panics.
func (w *worker) run() {
	debug.SetPanicOnFault(true)
	for range w.begin {
		w.once()
	}
}

func (w *worker) once() {
	returned := false
	defer func() {
		if v := recover(); v != nil {
			w.err = newPanicError(v)
		} else if !returned {
			w.err = ErrGoexit
		}
		w.end <- struct{}{}
	}()
	if w.method != nil {
		w.method()
	} else {
		w.size = w.sized.m.AllocSize(w.value)
	}
	returned = true
}

package host

import (
	"errors"
	"fmt"
	"sync"

	"datastore/keyspace"
	"datastore/plugin"
)

// offHeap is the host's side of a module's plugin.Heap. Blocks are made under the execution lock. They may be let go of
// beside the server, and wait then until somebody has the lock: the next one who makes a block, or the reaper.
type offHeap struct {
	host   *Modules
	module *module
	ready  bool // the module is active, or becoming so: what asks for memory has the lock

	mu      sync.Mutex
	waiting [][]byte
}

// Heap implements plugin.Types.
func (f *frame) Heap() *plugin.Heap { return &plugin.Heap{Impl: &f.module.offHeap} }

// Alloc implements plugin.HeapImpl.
func (o *offHeap) Alloc(n int) ([]byte, error) { return o.Realloc(nil, n) }

// Realloc implements plugin.HeapImpl.
func (o *offHeap) Realloc(p []byte, n int) (b []byte, err error) {
	switch {
	case !o.ready:
		return nil, plugin.ErrNotInitialized
	case n < 0 || p != nil && cap(p) == 0:
		return nil, plugin.ErrInvalid
	}
	o.settle()
	if m := o.module.heap.memory; p == nil {
		b, err = m.Alloc(n)
	} else {
		b, err = m.Resize(p, n)
	}
	switch {
	case errors.Is(err, keyspace.ErrNoBlock):
		return nil, plugin.ErrBadFree
	case err != nil:
		return nil, fmt.Errorf("%w: %w", plugin.ErrOOM, err)
	}
	return b, nil
}

// Free implements plugin.HeapImpl.
func (o *offHeap) Free(p []byte) error {
	if p == nil {
		return nil
	}
	if cap(p) == 0 {
		return plugin.ErrInvalid
	}
	o.mu.Lock()
	o.waiting = append(o.waiting, p)
	first := len(o.waiting) == 1
	o.mu.Unlock()
	if first {
		o.host.reaper.wake(o)
	}
	return nil
}

// settle gives back what waits. It is called under the execution lock.
func (o *offHeap) settle() {
	o.mu.Lock()
	waiting := o.waiting
	o.waiting = nil
	o.mu.Unlock()
	for _, p := range waiting {
		if h := o.module.heap; h == nil || !h.memory.Free(p) {
			o.module.misuses.Add(1)
			o.host.server.Log(plugin.Warning, fmt.Sprintf("<%s> API misuse: Heap.Free: %v", o.module.name, plugin.ErrBadFree))
		}
	}
}

package host

import (
	"errors"
	"fmt"
	"math"

	"datastore/keyspace"
	"datastore/plugin"
)

// heap is the memory of a module outside the keyspace. It belongs to the name, not to one life of the module: package variables
// survive an unload, and what they point to must survive with them.
type heap struct {
	memory    *keyspace.Memory
	accounted int64 // bytes of the Go heap that the module says it holds
}

// heapOf returns the memory of the module with that name.
func (h *Modules) heapOf(name string) *heap {
	m := h.heaps[name]
	if m == nil {
		if h.heaps == nil {
			h.heaps = make(map[string]*heap)
		}
		m = &heap{memory: h.server.Context().Store.NewMemory()}
		h.heaps[name] = m
	}
	return m
}

// abandon logs what a module leaves behind that ends, and forgets what the garbage collector sees to.
func (h *Modules) abandon(m *module) {
	m.offHeap.ready = false
	if m.heap == nil {
		return
	}
	m.offHeap.settle()
	if n := m.heap.memory.Blocks(); n > 0 {
		h.server.Log(plugin.Warning, fmt.Sprintf("Module %s has not freed %d bytes in %d blocks", m.name, m.heap.memory.Bytes(), n))
	}
	m.heap.accounted = 0
	if m.heap.memory.Blocks() == 0 {
		delete(h.heaps, m.name)
	}
}

// alloc does the work of the methods that return memory: it makes n bytes, or p n bytes long.
func (f *frame) alloc(p []byte, n int, zero bool) ([]byte, error) {
	switch {
	case f.use != inUse:
		return nil, f.barred()
	case f.module.heap == nil:
		return nil, plugin.ErrNotInitialized
	case n < 0:
		return nil, plugin.ErrInvalid
	}
	m := f.module.heap.memory
	var b []byte
	var err error
	switch {
	case p != nil:
		b, err = m.Resize(p, n)
	case zero:
		b, err = m.AllocZeroed(n)
	default:
		b, err = m.Alloc(n)
	}
	switch {
	case errors.Is(err, keyspace.ErrNoBlock):
		panic(plugin.ErrBadFree)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", plugin.ErrOOM, err)
	}
	return b, nil
}

// mustAlloc turns the error of an allocation into a panic, which fails the command and nothing else.
func mustAlloc(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// Alloc implements plugin.Memory.
func (f *frame) Alloc(n int) []byte { return mustAlloc(f.alloc(nil, n, false)) }

// TryAlloc implements plugin.Memory.
func (f *frame) TryAlloc(n int) ([]byte, error) { return f.alloc(nil, n, false) }

// Calloc implements plugin.Memory.
func (f *frame) Calloc(n, size int) []byte { return mustAlloc(f.alloc(nil, product(n, size), true)) }

// product multiplies two lengths; what makes no sense or is too large for any memory is -1.
func product(n, size int) int {
	if n < 0 || size < 0 || size > 0 && n > math.MaxInt/size {
		return -1
	}
	return n * size
}

// Realloc implements plugin.Memory.
func (f *frame) Realloc(p []byte, n int) []byte { return mustAlloc(f.alloc(p, n, false)) }

// TryRealloc implements plugin.Memory.
func (f *frame) TryRealloc(p []byte, n int) ([]byte, error) { return f.alloc(p, n, false) }

// Free implements plugin.Memory.
func (f *frame) Free(p []byte) {
	if p == nil {
		return
	}
	if f.use != inUse || f.module.heap == nil || !f.module.heap.memory.Free(p) {
		panic(plugin.ErrBadFree)
	}
}

// Strdup implements plugin.Memory.
func (f *frame) Strdup(s string) []byte {
	b := f.Alloc(len(s))
	copy(b, s)
	return b
}

// AccountMemory implements plugin.Memory.
func (f *frame) AccountMemory(delta int64) {
	if f.module.heap != nil && f.use != over {
		f.module.heap.accounted += delta
	}
}

// AutoMemory implements plugin.Memory.
func (f *frame) AutoMemory() { f.auto = true }

// countLeaks counts what a handler without AutoMemory leaves to be released: keys and replies. It runs before that is done.
func (f *frame) countLeaks() {
	if f.auto {
		return
	}
	r, open := &f.calls.replies, f.host.open
	leaked := r.used - r.freed
	for n := len(open) - 1; n >= 0 && open[n].frame == f; n-- {
		leaked++
	}
	if leaked == 0 {
		return
	}
	f.module.leaked += int64(leaked)
	if !f.self.leakTold && f.self.full != "" { // a command's handler, no other callback
		f.self.leakTold = true
		f.logf(plugin.Verbose, "command '%s' left %d keys and replies open without AutoMemory", f.self.full, leaked)
	}
}

// pool hands out memory that is taken back when the callback returns. Whoever still has a slice of it then sees what the next
// callback writes, but no memory of anybody else's: the blocks stay the pool's, or the garbage collector's.
type pool struct {
	blocks [][]byte // of poolBlockBytes; those before the last one are full
	spare  [][]byte
	used   int // of the last block
}

const (
	poolBlockBytes = 8 << 10
	maxPoolBytes   = 512 << 20
	keptPoolBlocks = 8
	poolAlign      = 8
)

// PoolAlloc implements plugin.Memory.
func (f *frame) PoolAlloc(n int) []byte {
	switch {
	case n == 0:
		return nil
	case n < 0:
		panic(plugin.ErrInvalid)
	case n > maxPoolBytes:
		panic(plugin.ErrTooLarge)
	case n > poolBlockBytes || f.use == over:
		return make([]byte, n)
	}
	return f.pool.alloc(n)
}

// keep copies bytes into memory that is valid until the callback returns. The copy is never nil.
func (f *frame) keep(b []byte) []byte { return append(f.room(len(b)), b...) }

// keepValue is keep for the text of an element.
func (f *frame) keepValue(v keyspace.Value) plugin.String {
	return plugin.StringOf(v.AppendTo(f.room(v.Len())))
}

// room returns memory of the pool for n bytes.
func (f *frame) room(n int) []byte {
	if n == 0 || n > poolBlockBytes {
		return make([]byte, 0, n)
	}
	return f.pool.alloc(n)[:0]
}

func (p *pool) alloc(n int) []byte {
	align := poolAlign
	for align/2 >= n {
		align /= 2
	}
	at := (p.used + align - 1) &^ (align - 1)
	if len(p.blocks) == 0 || at+n > poolBlockBytes {
		p.grow()
		at = 0
	}
	p.used = at + n
	b := p.blocks[len(p.blocks)-1][at : at+n : at+n]
	clear(b)
	return b
}

// grow adds a block.
func (p *pool) grow() {
	if n := len(p.spare); n > 0 {
		p.blocks, p.spare = append(p.blocks, p.spare[n-1]), p.spare[:n-1]
		return
	}
	p.blocks = append(p.blocks, make([]byte, poolBlockBytes))
}

// reset takes everything back and keeps some blocks, the first one to be handed out first again.
func (p *pool) reset() {
	for n := len(p.blocks) - 1; n >= 0; n-- {
		if len(p.spare) < keptPoolBlocks || n == 0 {
			p.spare = append(p.spare, p.blocks[n])
		}
		p.blocks[n] = nil
	}
	p.blocks, p.used = p.blocks[:0], 0
}

//go:build invariants

package slab

import "fmt"

const (
	invariants = true

	poison      = 0xdb    // fills freed blocks; a use after free shows, a write after free is found at the next Alloc
	auditEvery  = 1 << 12 // calls between two audits of all runs, and one for each block and page
	markBytes   = 8       // of a freed block, in which the free list may write
	poisonLimit = 1 << 16 // bytes of a block that are poisoned and looked at
)

// checker holds what the invariants build knows about an arena on the side.
type checker struct {
	live  map[Ref]int // block: usable bytes
	dead  map[Ref]int // freed small block that has not been handed out again
	calls int
}

func (k *checker) alloc(a *Arena, r Ref) {
	if k.live == nil {
		k.live, k.dead = make(map[Ref]int), make(map[Ref]int)
	}
	size := a.SizeOf(r)
	if _, ok := k.live[r]; ok {
		panic(fmt.Errorf("slab: block %#x handed out twice: %w", r, errMisuse))
	}
	if was, ok := k.dead[r]; ok && was == size {
		for i, b := range Bytes(r, 0, min(size, poisonLimit)) {
			if i >= markBytes && b != poison {
				panic(fmt.Errorf("slab: block %#x written at %d after free: %w", r, i, errMisuse))
			}
		}
	}
	delete(k.dead, r)
	k.live[r] = size
	for i := range Bytes(r, 0, min(size, poisonLimit)) {
		Store8(r, i, poison)
	}
	k.tick(a)
}

func (k *checker) free(a *Arena, r Ref) {
	size, ok := k.live[r]
	if !ok {
		panic(fmt.Errorf("slab: free of %#x, which is no live block: %w", r, errMisuse))
	}
	if got := a.SizeOf(r); got != size {
		panic(fmt.Errorf("slab: block %#x of %d bytes has become %d: %w", r, size, got, errMisuse))
	}
	k.tick(a)
	delete(k.live, r)
	for i := range Bytes(r, 0, min(size, poisonLimit)) {
		Store8(r, i, poison)
	}
	if size <= maxSmall {
		k.dead[r] = size
	}
}

// release forgets the freed blocks of a run that goes back to its chunk.
func (k *checker) release(base uintptr, run *entry) {
	c := classes[run.class]
	for i := range uintptr(c.blocks) {
		delete(k.dead, Ref(base+i*uintptr(c.sizeBytes)))
	}
}

func (k *checker) adopt(r Ref, size int) {
	if k.live == nil {
		k.live, k.dead = make(map[Ref]int), make(map[Ref]int)
	}
	k.live[r] = size
}

func (k *checker) disown(r Ref) { delete(k.live, r) }

func (k *checker) resize(r Ref, size int) { k.live[r] = size }

func (k *checker) tick(a *Arena) {
	if k.calls++; k.calls < auditEvery+int(a.blocks+a.usedPages) {
		return
	}
	k.calls = 0
	if err := a.audit(); err != nil {
		panic(err)
	}
}

// Package slab owns the memory of the data set: blocks outside the Go heap, allocated by size class and freed exactly,
// so that the collector sees none of it. It is the only package that uses unsafe. It refuses to know what a block
// holds, to move one, and to be called by two goroutines at once: the lock is above it.
package slab

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	protNone = unix.PROT_NONE
	protRW   = unix.PROT_READ | unix.PROT_WRITE

	maxBlock = 1 << 46 // bytes; anything larger is refused before the system is asked
)

// Arena allocates blocks. The zero value is not usable; see New. DESIGN.md tells why it is built like this.
//
// Invariants: a page is either in a run, or free and dirty (its memory is still there), or free and clean (it reads as
// zero). A run of small blocks is in its class's list exactly while it has a free block. Of the runs of a class at most
// one is wholly free, and of the chunks at most spareChunks.
type Arena struct {
	partial [classCount]uintptr // entry of the run that serves the class; its list holds the others with free blocks
	bins    [binCount]uintptr   // chunks by the bit length of their longest free run

	purgeFirst, purgeLast uintptr // chunks with dirty pages, the oldest first
	region, regionEnd     uintptr // reserved address space not yet made chunks

	usedBytes  int64
	blocks     int64
	usedPages  int64 // in runs
	dirtyPages int64 // free, memory still there

	emptyChunks int
	chunks      []uintptr
	direct      map[Ref]int // blocks with a mapping of their own: bytes
	directBytes int64

	check checker
}

// New returns an empty arena. It takes no memory from the system before the first Alloc.
func New() *Arena {
	return &Arena{direct: make(map[Ref]int)}
}

// Alloc returns a block of at least n bytes, n >= 1, aligned to 8 bytes. Its content is undefined. It panics with an
// error that wraps ErrNoMemory when the system refuses.
func (a *Arena) Alloc(n int) Ref {
	var r Ref
	switch {
	case uint(n-1) < maxSmall:
		r = a.allocSmall(classOf(n))
	case uint(n-1) < maxRun*pageSize:
		r, _ = a.allocLarge(n)
	default:
		r = a.allocDirect(n)
	}
	if invariants {
		a.check.alloc(a, r)
	}
	return r
}

// AllocZeroed is Alloc with a block of zeros. Memory fresh from the system is not cleared again.
func (a *Arena) AllocZeroed(n int) Ref {
	if uint(n-1) < maxSmall || uint(n-1) >= maxRun*pageSize {
		r := a.Alloc(n)
		if n <= maxSmall {
			clear(Bytes(r, 0, a.SizeOf(r)))
		} else if invariants {
			clear(Bytes(r, 0, n))
		}
		return r
	}
	r, clean := a.allocLarge(n)
	if invariants {
		a.check.alloc(a, r)
	}
	if !clean || invariants {
		clear(Bytes(r, 0, a.SizeOf(r)))
	}
	return r
}

func (a *Arena) allocSmall(c int) Ref {
	e := a.partial[c]
	if e == 0 {
		e = a.newRun(c)
	}
	run, size := entryAt(e), uintptr(classes[c].sizeBytes)
	var addr uintptr
	if run.mark != noMark {
		addr = runBase(e) + uintptr(run.mark-1)*8
		run.mark = Load16(Ref(addr), 0)
	} else {
		addr = runBase(e) + uintptr(run.bump)*8
		run.bump += uint16(size / 8)
	}
	run.live++
	if run.live == classes[c].blocks {
		a.partial[c] = run.run.next
		if run.run.next != 0 {
			entryAt(run.run.next).run.prev = 0
		}
	}
	a.usedBytes += int64(size)
	a.blocks++
	return Ref(addr)
}

// newRun makes a run of class c the one that serves it.
func (a *Arena) newRun(c int) uintptr {
	n := uintptr(classes[c].pages)
	e, _ := a.allocPages(int(n))
	first := uint16((e&chunkMask - entriesAt) / entrySize)
	for i := range n {
		*entryAt(e + i*entrySize) = entry{first: first, kind: kindSmall, class: uint8(c), pages: uint16(n)}
	}
	a.partial[c] = e
	return e
}

func (a *Arena) allocLarge(n int) (r Ref, clean bool) {
	pages := (n + pageSize - 1) / pageSize
	e, clean := a.allocPages(pages)
	first := uint16((e&chunkMask - entriesAt) / entrySize)
	*entryAt(e) = entry{first: first, kind: kindLarge, pages: uint16(pages), live: 1}
	a.usedBytes += int64(pages) * pageSize
	a.blocks++
	return Ref(runBase(e)), clean
}

// allocDirect gives the block a mapping of its own, at a multiple of chunkSize: where a chunk has its header, so that
// Free can tell.
func (a *Arena) allocDirect(n int) Ref {
	if n < 1 {
		panic(fmt.Errorf("slab: block of %d bytes: %w", n, errMisuse))
	}
	if n > maxBlock {
		panic(fmt.Errorf("slab: block of %d bytes: %w", n, ErrNoMemory))
	}
	size := (n + pageSize - 1) &^ (pageSize - 1)
	base, err := mapAligned(uintptr(size), protRW)
	if err != nil {
		panic(err)
	}
	adviseHuge(base, uintptr(size), true)
	a.direct[Ref(base)] = size
	a.directBytes += int64(size)
	a.usedBytes += int64(size)
	a.blocks++
	return Ref(base)
}

// Free returns a block. r must come from Alloc of this arena and must not be used afterwards.
func (a *Arena) Free(r Ref) {
	if invariants {
		a.check.free(a, r)
	}
	addr := uintptr(r)
	base := addr &^ chunkMask
	if addr == base {
		a.freeDirect(r)
		return
	}
	e := entryOf(base, uintptr(entryAt(entryOf(base, (addr-base)/pageSize)).first))
	run := entryAt(e)
	a.blocks--
	if run.kind == kindLarge {
		a.usedBytes -= int64(run.pages) * pageSize
		a.freePages(e, int(run.pages))
		return
	}
	Store16(r, 0, run.mark)
	run.mark = uint16((addr-runBase(e))/8) + 1
	run.live--
	c := &classes[run.class]
	a.usedBytes -= int64(c.sizeBytes)
	switch run.live {
	case c.blocks - 1:
		a.addPartial(e, run)
	case 0:
		a.freeRun(e, run)
	}
}

// addPartial enters a run that was full behind the one that serves its class: it has time to become emptier.
func (a *Arena) addPartial(e uintptr, run *entry) {
	head := a.partial[run.class]
	if head == 0 {
		a.partial[run.class] = e
		run.run = link{}
		return
	}
	next := entryAt(head).run.next
	run.run = link{head, next}
	entryAt(head).run.next = e
	if next != 0 {
		entryAt(next).run.prev = e
	}
}

// freeRun handles a run without live blocks: the last one of its class with free blocks stays, so that a single block
// that comes and goes costs no run each time.
func (a *Arena) freeRun(e uintptr, run *entry) {
	if a.partial[run.class] == e && run.run.next == 0 {
		run.mark, run.bump = noMark, 0
		return
	}
	if run.run.prev != 0 {
		entryAt(run.run.prev).run.next = run.run.next
	} else {
		a.partial[run.class] = run.run.next
	}
	if run.run.next != 0 {
		entryAt(run.run.next).run.prev = run.run.prev
	}
	if invariants {
		a.check.release(runBase(e), run)
	}
	a.freePages(e, int(run.pages))
}

func (a *Arena) freeDirect(r Ref) {
	size, ok := a.direct[r]
	if !ok {
		panic(fmt.Errorf("slab: free of %#x, which is no block: %w", r, errMisuse))
	}
	delete(a.direct, r)
	a.directBytes -= int64(size)
	a.usedBytes -= int64(size)
	a.blocks--
	unmap(uintptr(r), uintptr(size))
}

// Discard tells that n bytes of r from off on are not needed any more; they read as zero or as they were. The memory
// of whole pages among them goes back to the system at once if the block has a mapping of its own. It is meant for
// large arrays that are emptied from one end, whose Free would take long otherwise.
func (a *Arena) Discard(r Ref, off, n int) {
	if _, ok := a.direct[r]; !ok || uintptr(r)&chunkMask != 0 {
		return
	}
	from := (uintptr(off) + pageSize - 1) &^ (pageSize - 1)
	if to := uintptr(off+n) &^ (pageSize - 1); from < to {
		discard(uintptr(r)+from, to-from)
	}
}

// Close gives everything back. No block may be used afterwards; the arena is empty and usable.
func (a *Arena) Close() {
	for r, size := range a.direct {
		unmap(uintptr(r), uintptr(size))
	}
	for _, base := range a.chunks {
		unmap(base, chunkSize)
	}
	if a.region != a.regionEnd {
		unmap(a.region, a.regionEnd-a.region)
	}
	*a = *New()
}

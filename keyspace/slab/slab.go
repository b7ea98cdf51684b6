// Package slab owns the memory of the data set: blocks outside the Go heap, allocated by size class and freed exactly,
// so that the collector sees none of it. Apart from server/sockio, which hands buffers to system calls, it is the only
// package that uses unsafe. It refuses to know what a block holds, to move one, and to be called by two goroutines at once:
// the lock is above it.
package slab

import "fmt"

const maxBlock = 1 << 46 // bytes; anything larger is refused before the system is asked

// Arena allocates blocks. The zero value is not usable; see New. DESIGN.md tells why it is built like this.
//
// Invariants: a page is either in a run, or free and dirty (its memory is still there), or free and clean (it reads as
// zero). A run of small blocks is the one that serves its class, or full, or in its class's list for how full it is. Of
// the runs of a class only the serving one may be wholly free, and of the chunks at most spareChunks.
type Arena struct {
	serving [classCount]uintptr // entry of the run that blocks of the class are taken from, 0 for none
	partial [classCount]byFill  // the other runs that have free blocks
	sparse  [classCount]uint8   // lists below this one hold runs that compaction empties
	moveAll bool                // every run counts as one of those
	bins    [binCount]uintptr   // chunks by the bit length of their longest free run

	purgeFirst, purgeLast uintptr // chunks with dirty pages, the oldest first
	region, following     region  // reserved address space
	ahead                 ahead

	usedBytes  int64
	blocks     int64
	usedPages  int64 // in runs
	dirtyPages int64 // free, memory still there
	dirtyLow   int64 // the fewest of them since the last Age

	emptyChunks int
	chunks      []uintptr
	newest      uintptr     // the chunk added last, 0 when it has been given back
	newestUsed  bool        // pages of it were taken or given back since the last Age
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
	e := a.serving[c]
	if e == 0 {
		e = a.nextRun(c)
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
		run.floor = run.live
		a.serving[c] = 0
	}
	a.usedBytes += int64(size)
	a.blocks++
	return Ref(addr)
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
	r, size, err := Map(n)
	if err != nil {
		panic(err)
	}
	a.addDirect(r, size)
	return r
}

func (a *Arena) addDirect(r Ref, size int) {
	a.direct[r] = size
	a.directBytes += int64(size)
	a.usedBytes += int64(size)
	a.blocks++
}

// MinDirect is the size in bytes from which blocks have a mapping of their own.
const MinDirect = maxRun*pageSize + 1

// Map returns a block with a mapping of its own of at least n bytes that belongs to no arena, and its size. An arena can
// adopt it. Any goroutine may call it.
func Map(n int) (r Ref, size int, err error) {
	if n < 1 {
		return 0, 0, fmt.Errorf("slab: block of %d bytes: %w", n, errMisuse)
	}
	if n > maxBlock {
		return 0, 0, fmt.Errorf("slab: block of %d bytes: %w", n, ErrNoMemory)
	}
	size = (n + pageSize - 1) &^ (pageSize - 1)
	base, err := mapAligned(uintptr(size))
	if err != nil {
		return 0, 0, err
	}
	adviseHuge(base, uintptr(size), true)
	return Ref(base), size, nil
}

// Unmap frees a block that belongs to no arena.
func Unmap(r Ref, size int) { unmap(uintptr(r), uintptr(size)) }

// Adopt makes a block from Map, or one that an arena has disowned, a block of this arena.
func (a *Arena) Adopt(r Ref, size int) {
	a.addDirect(r, size)
	if invariants {
		a.check.adopt(r, size)
	}
}

// Disown takes a block that has a mapping of its own out of the arena and returns its size, by which it can be adopted or
// unmapped.
func (a *Arena) Disown(r Ref) (size int) {
	size = a.direct[r]
	if invariants {
		a.check.disown(r)
	}
	a.dropDirect(r, size)
	return size
}

// IsDirect tells whether r is a block with a mapping of its own.
func (a *Arena) IsDirect(r Ref) bool {
	_, ok := a.direct[r]
	return ok
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
	a.usedBytes -= int64(classes[run.class].sizeBytes)
	if run.live < run.floor {
		a.emptier(e, run)
	}
}

func (a *Arena) freeDirect(r Ref) {
	size, ok := a.direct[r]
	if !ok {
		panic(fmt.Errorf("slab: free of %#x, which is no block: %w", r, errMisuse))
	}
	a.dropDirect(r, size)
	unmap(uintptr(r), uintptr(size))
}

func (a *Arena) dropDirect(r Ref, size int) {
	delete(a.direct, r)
	a.directBytes -= int64(size)
	a.usedBytes -= int64(size)
	a.blocks--
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

// Shrink gives n bytes at the end of a block that has a mapping of its own back to the system at once, for an owner who
// has no use for the block any more and frees gigabytes in steps. It does nothing and returns false for other blocks and
// for those of at most n bytes.
func (a *Arena) Shrink(r Ref, n int) bool {
	size, ok := a.direct[r]
	if n &^= pageSize - 1; !ok || size <= n || n <= 0 {
		return false
	}
	if invariants {
		a.check.resize(r, size-n)
	}
	unmap(uintptr(r)+uintptr(size-n), uintptr(n))
	a.direct[r] = size - n
	a.directBytes -= int64(n)
	a.usedBytes -= int64(n)
	return true
}

// CloseSome gives about n bytes back and reports whether there are more. No block may be used from the first call on, and
// nothing but CloseSome and Close be called until it returns false; then the arena is empty and usable. It is Close for an
// owner who cannot wait while the system takes back gigabytes.
func (a *Arena) CloseSome(n int) (more bool) {
	n = max(n&^(pageSize-1), pageSize)
	a.usedBytes = 0
	for r, size := range a.direct {
		if n < size {
			unmap(uintptr(r)+uintptr(size-n), uintptr(n))
			a.direct[r] = size - n
			a.directBytes -= int64(n)
			return true
		}
		unmap(uintptr(r), uintptr(size))
		delete(a.direct, r)
		a.directBytes -= int64(size)
		if n -= size; n <= 0 {
			return true
		}
	}
	for len(a.chunks) > 0 {
		last := len(a.chunks) - 1
		c := chunkAt(a.chunks[last])
		a.usedPages -= int64(usablePages - c.freeN)
		a.dirtyPages -= int64(c.dirtyN)
		unmap(a.chunks[last], chunkSize)
		a.chunks = a.chunks[:last]
		if n -= chunkSize; n <= 0 {
			return true
		}
	}
	a.Close()
	return false
}

// Close gives everything back. No block may be used afterwards; the arena is empty and usable.
func (a *Arena) Close() {
	for r, size := range a.direct {
		unmap(uintptr(r), uintptr(size))
	}
	for _, base := range a.chunks {
		unmap(base, chunkSize)
	}
	for _, r := range [2]region{a.region, a.following} {
		if r.at != r.end {
			unmap(r.at, r.end-r.at)
		}
	}
	*a = Arena{direct: make(map[Ref]int), ahead: ahead{grows: a.ahead.grows}}
}

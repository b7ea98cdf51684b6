package slab

import (
	"math/bits"
	"unsafe"
)

const (
	pageSize    = 4096
	chunkPages  = 1024
	chunkSize   = chunkPages * pageSize
	chunkMask   = chunkSize - 1
	headerPages = 9
	usablePages = chunkPages - headerPages
	maxRun      = usablePages / 2 // longest run of a single block, pages; larger blocks are mapped on their own
	entrySize   = unsafe.Sizeof(entry{})
	entriesAt   = unsafe.Offsetof(chunk{}.entries)

	regionChunks = 16 // chunks reserved at once, at least
	regionShare  = 4  // or one for so many in use
	maxRegion    = 64 // but no more than this
	binCount     = 11 // of chunks, by the bit length of their longest free run
	binTries     = 8  // chunks looked at in the bin that need not fit

	spareChunks   = 1                    // wholly free chunks kept
	minDirty      = (1 << 20) / pageSize // free pages that may keep their memory, at least
	dirtyShift    = 4                    // and at most this fraction of the pages in use
	purgeRanges   = 32                   // ranges given back per purge
	hugeFreePages = usablePages / 8      // below this many free pages a purged chunk may be huge again
	noMark        = uint16(0)            // of an empty free list; marks are offset/8+1
	kindSmall     = uint8(1)             // a page of a run of small blocks
	kindLarge     = uint8(2)             // the first page of a run that is one block
)

// chunk is the header at the start of every chunkSize-aligned chunk. It lies outside the Go heap, so its links are
// addresses rather than pointers.
type chunk struct {
	free    bitmap // pages that belong to no run
	dirty   bitmap // of those, the ones that still hold memory; the others read as zero
	bin     link   // list of the chunks with a similar longest free run
	purge   link   // list of the chunks with dirty pages
	longest int32  // longest run of free pages
	freeN   int32
	dirtyN  int32
	index   int32 // in Arena.chunks
	huge    bool
	ready   bool // it was announced, so its clean pages may have memory as well
	entries [chunkPages]entry
}

// entry describes a page. Only first and kind are meant for the later pages of a run of small blocks.
type entry struct {
	first uint16 // index of the run's first page
	kind  uint8
	class uint8
	pages uint16
	live  uint16
	mark  uint16 // of the first free block that has been used before; its first two bytes hold the next mark
	bump  uint16 // offset/8 of the first block that has never been used
	floor uint16 // fewer live blocks than these take the run to another list
	fill  uint8  // the list it is in, unfilled for none
	_     uint8
	run   link // that list
}

// link is a place in a doubly linked list of addresses.
type link struct{ prev, next uintptr }

var _ [headerPages*pageSize - unsafe.Sizeof(chunk{})]struct{} // the header fits its pages

func chunkAt(base uintptr) *chunk { return (*chunk)(at(base)) }

func entryAt(e uintptr) *entry { return (*entry)(at(e)) }

func entryOf(base uintptr, page uintptr) uintptr { return base + entriesAt + page*entrySize }

// runBase returns the address of the first block of the run whose first entry is e.
func runBase(e uintptr) uintptr {
	return e&^chunkMask + (e&chunkMask-entriesAt)/entrySize*pageSize
}

// newChunk adds an empty chunk.
func (a *Arena) newChunk() *chunk {
	if a.region.at == a.region.end {
		if a.region, a.following = a.following, (region{}); a.region.at == a.region.end {
			next, err := a.reserve()
			if err != nil {
				panic(err)
			}
			a.region = next
		}
	}
	base := a.region.at
	a.region.at += chunkSize
	a.ahead.idle = 0
	c := chunkAt(base)
	c.ready = base < a.region.ready
	c.huge = c.ready || a.ahead.grows == nil
	c.free.set(headerPages, usablePages)
	c.freeN, c.longest, c.index = usablePages, usablePages, int32(len(a.chunks))
	a.chunks = append(a.chunks, base)
	a.newest, a.newestUsed = base, true
	a.emptyChunks++
	a.enlist(base)
	return c
}

// reserve sets aside address space for the next chunks, side by side so that the kernel keeps them as one mapping. Where
// another thread gets memory ready, it asks for huge pages as well: the first touch of a chunk that it has not come to yet
// costs a small page, not the clearing of a huge one.
func (a *Arena) reserve() (region, error) {
	size := uintptr(min(max(regionChunks, len(a.chunks)/regionShare), maxRegion) * chunkSize)
	base, err := mapAligned(size)
	if err != nil { // a limit may still have room for one
		size = chunkSize
		if base, err = mapAligned(size); err != nil {
			return region{}, err
		}
	}
	adviseHuge(base, size, a.ahead.grows == nil)
	return region{at: base, end: base + size}, nil
}

// dropChunk gives a wholly free chunk back.
func (a *Arena) dropChunk(base uintptr) {
	c := chunkAt(base)
	a.delist(base)
	if c.dirtyN > 0 {
		a.unqueue(base)
	}
	if base == a.newest {
		a.newest = 0
	}
	a.dirtyPages -= int64(c.dirtyN)
	a.emptyChunks--
	last := a.chunks[len(a.chunks)-1]
	a.chunks[c.index] = last
	chunkAt(last).index = c.index
	a.chunks = a.chunks[:len(a.chunks)-1]
	unmap(base, chunkSize)
}

// allocPages takes n free pages side by side and returns the entry of the first. clean tells that they read as zero.
func (a *Arena) allocPages(n int) (e uintptr, clean bool) {
	base := a.chunkWith(n)
	c := chunkAt(base)
	first, length := c.free.fit(n)
	if c.freeN == usablePages {
		a.emptyChunks--
	}
	c.free.unset(first, n)
	c.freeN -= int32(n)
	dirty := c.dirty.unset(first, n)
	if dirty > 0 {
		c.dirtyN -= int32(dirty)
		a.dirtyPages -= int64(dirty)
		a.dirtyLow = min(a.dirtyLow, a.dirtyPages)
		if c.dirtyN == 0 {
			a.unqueue(base)
		}
	}
	if length == int(c.longest) {
		a.delist(base)
		c.longest = int32(c.free.longest())
		a.enlist(base)
	}
	if !c.huge && c.freeN < hugeFreePages {
		c.huge = true
		adviseHuge(base, chunkSize, true)
	}
	a.usedPages += int64(n)
	if base == a.newest {
		a.newestUsed = true
		if c.freeN < usablePages/2 {
			a.announce()
		}
	}
	return entryOf(base, uintptr(first)), dirty == 0
}

// chunkWith finds a chunk with n free pages side by side: the one with the shortest sufficient run, roughly, so that
// the emptier chunks have a chance to become wholly free.
func (a *Arena) chunkWith(n int) uintptr {
	bin := bits.Len(uint(n))
	base := a.bins[bin]
	for tries := 0; base != 0 && tries < binTries; tries++ {
		c := chunkAt(base)
		if int(c.longest) >= n {
			return base
		}
		base = c.bin.next
	}
	for bin++; bin < binCount; bin++ {
		if a.bins[bin] != 0 {
			return a.bins[bin]
		}
	}
	return uintptr(unsafe.Pointer(a.newChunk()))
}

// freePages takes back the run whose first entry is e.
func (a *Arena) freePages(e uintptr, n int) {
	base := e &^ chunkMask
	c := chunkAt(base)
	first := int((e - base - entriesAt) / entrySize)
	entryAt(e).kind = 0
	c.free.set(first, n)
	c.dirty.set(first, n)
	c.freeN += int32(n)
	if c.dirtyN == 0 {
		a.queue(base)
	}
	c.dirtyN += int32(n)
	a.dirtyPages += int64(n)
	a.usedPages -= int64(n)
	a.newestUsed = a.newestUsed || base == a.newest
	if _, length := c.free.around(first); length > int(c.longest) {
		a.delist(base)
		c.longest = int32(length)
		a.enlist(base)
	}
	if c.freeN == usablePages {
		if a.emptyChunks++; a.emptyChunks > spareChunks {
			a.dropChunk(base)
		}
	}
	if a.dirtyPages > max(minDirty, a.usedPages>>dirtyShift) {
		a.giveBack()
	}
}

// DirtyBytes returns the bytes of free pages that keep their memory.
func (a *Arena) DirtyBytes() int64 { return a.dirtyPages * pageSize }

// Purge returns the memory of some free pages to the system, a bounded piece of work, and reports whether it could.
func (a *Arena) Purge() bool {
	before := a.dirtyPages
	a.giveBack()
	return a.dirtyPages < before
}

// giveBack returns the memory of up to purgeRanges dirty ranges of the chunk that has been waiting longest.
func (a *Arena) giveBack() {
	base := a.purgeFirst
	if base == 0 {
		return
	}
	c := chunkAt(base)
	if c.huge { // or the kernel would soon fill the holes again
		c.huge = false
		adviseHuge(base, chunkSize, false)
	}
	for i := 0; i < purgeRanges && c.dirtyN > 0; i++ {
		first, n := c.dirty.next(0)
		if !discard(base+uintptr(first)*pageSize, uintptr(n)*pageSize) {
			return // still dirty, tried again later
		}
		c.dirty.unset(first, n)
		c.dirtyN -= int32(n)
		a.dirtyPages -= int64(n)
		a.dirtyLow = min(a.dirtyLow, a.dirtyPages)
	}
	if c.dirtyN == 0 {
		a.unqueue(base)
	}
}

func (a *Arena) enlist(base uintptr) {
	c := chunkAt(base)
	head := &a.bins[bits.Len(uint(c.longest))]
	c.bin = link{0, *head}
	if *head != 0 {
		chunkAt(*head).bin.prev = base
	}
	*head = base
}

func (a *Arena) delist(base uintptr) {
	c := chunkAt(base)
	if c.bin.prev != 0 {
		chunkAt(c.bin.prev).bin.next = c.bin.next
	} else {
		a.bins[bits.Len(uint(c.longest))] = c.bin.next
	}
	if c.bin.next != 0 {
		chunkAt(c.bin.next).bin.prev = c.bin.prev
	}
}

// queue appends a chunk to those with dirty pages.
func (a *Arena) queue(base uintptr) {
	chunkAt(base).purge = link{a.purgeLast, 0}
	if a.purgeLast != 0 {
		chunkAt(a.purgeLast).purge.next = base
	} else {
		a.purgeFirst = base
	}
	a.purgeLast = base
}

func (a *Arena) unqueue(base uintptr) {
	l := chunkAt(base).purge
	if l.prev != 0 {
		chunkAt(l.prev).purge.next = l.next
	} else {
		a.purgeFirst = l.next
	}
	if l.next != 0 {
		chunkAt(l.next).purge.prev = l.prev
	} else {
		a.purgeLast = l.prev
	}
}

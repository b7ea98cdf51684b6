package slab

import "math/bits"

const hugePages = (2 << 20) / pageSize // in a huge page

// Age tells that about a second has passed since the last call. Runs that serve a class without a block in them become free
// pages: a value that has grown through many sizes leaves one of each. It returns the bytes of the free pages that no
// allocation has needed in that time, their low water; what comes and goes is not among them and should stay.
func (a *Arena) Age() (idle int64) {
	for c, e := range a.serving {
		if e != 0 && entryAt(e).live == 0 {
			a.serving[c] = 0
			a.freeRun(e)
		}
	}
	a.ageAhead()
	idle = min(a.dirtyLow, a.dirtyPages) + a.ageNewest()
	a.dirtyLow = a.dirtyPages
	return idle * pageSize
}

// ageNewest looks at the chunk that was added last. If nothing was taken from it or given to it since the last call, the
// kernel's huge pages in it are worth less than the memory in them that was never used: it counts as free pages that keep
// their memory from now on, so that it can be given back. It returns how many pages that are.
func (a *Arena) ageNewest() int64 {
	if a.newest == 0 {
		return 0
	}
	c := chunkAt(a.newest)
	used := a.newestUsed
	a.newestUsed = false
	if used || !c.huge || c.freeN <= hugeFreePages {
		return 0
	}
	n := 0
	for from := 0; from < chunkPages; from += hugePages {
		n += c.soil(from/64, (from+hugePages)/64)
	}
	c.ready = false
	if n > 0 && c.dirtyN == 0 {
		a.queue(a.newest)
	}
	c.dirtyN += int32(n)
	a.dirtyPages += int64(n)
	return int64(n)
}

// soil marks the clean pages of some words of the bitmaps as dirty if there is a page in use among them, or all of the chunk
// was got ready, and returns how many they were.
func (c *chunk) soil(from, to int) (n int) {
	used := c.ready
	for w := from; w < to; w++ {
		used = used || c.free[w] != ^uint64(0)
	}
	for w := from; used && w < to; w++ {
		n += bits.OnesCount64(c.free[w] &^ c.dirty[w])
		c.dirty[w] |= c.free[w]
	}
	return n
}

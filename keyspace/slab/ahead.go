package slab

import "sync/atomic"

// Extent is address space of an arena that will be used soon and has no memory yet.
//
// The first touch of a page stops whoever touches it until the system has found memory and cleared it: a fraction of a
// millisecond for a huge page at best, several where the machine is a virtual one and its host has to find the memory as
// well. An arena that grows therefore tells what it will need next, and another thread takes those stops. Nothing waits for
// that: a page that is needed before its turn is touched by whoever needs it, as ever.
type Extent struct {
	addr, size uintptr
	growth     *Growth // that it is a part of, or nil
}

// Growth is a block whose memory is being got ready, in the order of its extents.
type Growth struct {
	extents int64
	done    atomic.Int64 // extents that have been populated, with or without success
}

// Half returns how many bytes from the beginning and from the middle on have their memory, and whether all of the block has.
func (g *Growth) Half() (bytes uintptr, all bool) {
	done := g.done.Load()
	return uintptr(done) / 2 * populateStep, done == g.extents
}

// Waited tells whether the owner of the block does something else until the extent has its memory. Other extents are for what
// comes next whether they have it or not, and should be populated first.
func (e Extent) Waited() bool { return e.growth != nil }

const (
	populateStep = 2 << 20 // bytes per call: the system holds a lock on the address space meanwhile

	aheadShare = 32 // one chunk is got ready ahead for so many in use
	maxAhead   = 8  // and this many at most
	aheadAges  = 3  // without growth until what was got ready is given back
)

// ahead is what an arena knows about its growth.
type ahead struct {
	grows func(Extent)
	idle  int // calls of Age since the last chunk was added
}

// region is address space for the next chunks.
type region struct {
	at, end uintptr // what is not yet chunks
	ready   uintptr // chunks below this one have been announced
}

// ahead returns the bytes that were announced and are not yet chunks.
func (r *region) ahead() uintptr { return max(r.ready, r.at) - r.at }

// OnGrowth sets a function that is told about memory that will be needed soon, for Extent.Populate. It is called from
// within operations of the arena and must not use it. nil is nobody.
func (a *Arena) OnGrowth(f func(Extent)) { a.ahead.grows = f }

// Populate gets the memory of an extent from the system, up to the first error. Contents do not change. Any goroutine may call
// it at any time, once, whatever has happened to the arena: at worst it is useless, when the address space is not mapped any
// more. It is slow. The extents of one block must be populated in the order in which they were told.
func (e Extent) Populate() error {
	if e.growth != nil {
		defer e.growth.done.Add(1)
	}
	if e.growth == nil {
		adviseHuge(e.addr, e.size, true)
	}
	for at := uintptr(0); at < e.size; at += populateStep {
		if err := populate(e.addr+at, min(populateStep, e.size-at)); err != nil {
			return err
		}
	}
	return nil
}

// CanPopulate tells whether the system can do what Populate asks for; nothing is announced to anybody where it cannot.
func CanPopulate() bool {
	base, err := mapAligned(pageSize)
	if err != nil {
		return false
	}
	defer unmap(base, pageSize)
	return populate(base, pageSize) == nil
}

// Announce tells whoever waits for it (see OnGrowth) that all of a block with a mapping of its own will be used soon, from
// the beginning and from the middle on: so a table grows. It returns how far that has come, or nil for other blocks, or when
// nobody waits.
func (a *Arena) Announce(r Ref) *Growth {
	size, ok := a.direct[r]
	if !ok || a.ahead.grows == nil {
		return nil
	}
	half := (uintptr(size)/2 + populateStep - 1) &^ (populateStep - 1)
	g := &Growth{}
	var extents []Extent
	for at := uintptr(0); at < half; at += populateStep {
		for _, from := range [2]uintptr{at, half + at} {
			if from < uintptr(size) {
				extents = append(extents, Extent{uintptr(r) + from, min(populateStep, uintptr(size)-from), g})
			}
		}
	}
	g.extents = int64(len(extents))
	for _, e := range extents {
		a.ahead.grows(e)
	}
	return g
}

// announce tells which chunks come next, when the newest one is half used.
func (a *Arena) announce() {
	if a.ahead.grows == nil {
		return
	}
	n := uintptr(min(1+len(a.chunks)/aheadShare, maxAhead)) * chunkSize
	n -= min(n, a.announceIn(&a.region, n))
	if n > 0 && a.following.at == a.following.end {
		next, err := a.reserve()
		if err != nil {
			return // nobody needs it yet
		}
		a.following = next
	}
	a.announceIn(&a.following, n)
}

// announceIn announces up to n bytes of a region and returns how much of it is announced.
func (a *Arena) announceIn(r *region, n uintptr) uintptr {
	from, until := max(r.ready, r.at), min(r.at+n, r.end)
	if from < until {
		r.ready = until
		a.ahead.grows(Extent{addr: from, size: until - from})
	}
	return max(r.ready, r.at) - r.at
}

// aheadBytes returns the bytes that were announced and are not in use.
func (a *Arena) aheadBytes() int64 { return int64(a.region.ahead() + a.following.ahead()) }

// ageAhead gives back what was got ready when the arena has stopped growing.
func (a *Arena) ageAhead() {
	if a.ahead.idle++; a.ahead.idle < aheadAges {
		return
	}
	for _, r := range [2]*region{&a.region, &a.following} {
		if n := r.ahead(); n > 0 && discard(r.at, n) {
			r.ready = r.at
		}
	}
}

package slab

// Runs of small blocks. Which run serves a class decides how much memory a data set keeps after much of it has gone: the
// fullest run with a free block is taken, so that the emptier ones lose their blocks to frees and go back to their
// chunk. Runs are therefore listed by how full they are, in steps of an eighth; a run knows at how many live blocks it
// leaves its list, so that a free costs one comparison unless that happens.

const (
	fills    = 8 // lists per class
	unlisted = fills
)

// byFill holds the first entries of a class's lists and their lengths. List f has the runs of which f eighths up to, but
// not including, f+1 eighths are in use.
type byFill struct {
	first [fills]uintptr
	count [fills]int32
}

// fillOf returns the list for a run with live of its blocks in use, at least one of them free.
func fillOf(live, blocks uint16) uint8 { return uint8(uint32(live) * fills / uint32(blocks)) }

// floorOf returns the least number of live blocks that list fill has.
func floorOf(fill uint8, blocks uint16) uint16 {
	return uint16((uint32(fill)*uint32(blocks) + fills - 1) / fills)
}

// nextRun makes the fullest run with a free block, or a new one, the one that serves class c.
func (a *Arena) nextRun(c int) uintptr {
	p := &a.partial[c]
	for f := fills - 1; f >= 0; f-- {
		if e := p.first[f]; e != 0 {
			a.unlist(e, entryAt(e))
			a.serve(c, e)
			return e
		}
	}
	n := uintptr(classes[c].pages)
	e, _ := a.allocPages(int(n))
	first := uint16((e&chunkMask - entriesAt) / entrySize)
	for i := range n {
		*entryAt(e + i*entrySize) = entry{first: first, kind: kindSmall, class: uint8(c), pages: uint16(n), fill: unlisted}
	}
	a.serve(c, e)
	return e
}

// serve makes e, which is in no list, the run that blocks of class c are taken from. It stops when it is full.
func (a *Arena) serve(c int, e uintptr) {
	entryAt(e).floor = 1
	a.serving[c] = e
}

// emptier is called when a run has fewer live blocks than its floor.
func (a *Arena) emptier(e uintptr, run *entry) {
	switch {
	case a.serving[run.class] == e:
		run.mark, run.bump = noMark, 0 // used from the start again, which keeps its later pages untouched
		return
	case run.fill != unlisted:
		a.unlist(e, run)
	case a.serving[run.class] == 0: // it was full, so none is fuller
		a.serve(int(run.class), e)
		return
	}
	if run.live > 0 {
		a.list(e, run)
		return
	}
	a.freeRun(e)
}

// freeRun gives the pages of a run, which has no live blocks and is in no list, back to their chunk.
func (a *Arena) freeRun(e uintptr) {
	run := entryAt(e)
	if invariants {
		a.check.release(runBase(e), run)
	}
	a.freePages(e, int(run.pages))
}

// list enters a run into the list that it belongs to.
func (a *Arena) list(e uintptr, run *entry) {
	blocks := classes[run.class].blocks
	f := fillOf(run.live, blocks)
	run.fill, run.floor = f, max(floorOf(f, blocks), 1)
	p := &a.partial[run.class]
	run.run = link{0, p.first[f]}
	if p.first[f] != 0 {
		entryAt(p.first[f]).run.prev = e
	}
	p.first[f] = e
	p.count[f]++
}

// unlist takes a run out of its list.
func (a *Arena) unlist(e uintptr, run *entry) {
	p := &a.partial[run.class]
	if run.run.prev != 0 {
		entryAt(run.run.prev).run.next = run.run.next
	} else {
		p.first[run.fill] = run.run.next
	}
	if run.run.next != 0 {
		entryAt(run.run.next).run.prev = run.run.prev
	}
	p.count[run.fill]--
	run.fill = unlisted
}

// Slack returns the bytes of the free blocks in listed runs, by the middle of what their lists allow: about what
// compaction can give back.
func (a *Arena) Slack() int64 {
	n := int64(0)
	for c := range a.partial {
		n += a.partial[c].slack(&classes[c])
	}
	return n
}

func (p *byFill) slack(c *class) int64 {
	n := int64(0)
	for f, count := range p.count {
		n += int64(count) * int64(2*(fills-f)-1)
	}
	return n * int64(c.pages) * pageSize / (2 * fills)
}

// Plan decides which runs are worth emptying until the next call: in classes with at least minSlack bytes in the free
// blocks of listed runs, those that are no fuller than the mean of them, and never those that are nearly full. A negative
// minSlack makes every small block worth moving, which serves tests of those who move.
func (a *Arena) Plan(minSlack int64) {
	a.moveAll = minSlack < 0
	for c := range a.partial {
		p := &a.partial[c]
		a.sparse[c] = 0
		sum, runs := 0, 0
		for f, count := range p.count {
			sum, runs = sum+f*int(count), runs+int(count)
		}
		if runs == 0 || p.slack(&classes[c]) < minSlack {
			continue
		}
		a.sparse[c] = uint8(min((sum+runs-1)/runs+1, fills-1))
	}
}

// Sparse tells whether the block r should move (see Dup) so that its run becomes empty, as the last Plan has it.
func (a *Arena) Sparse(r Ref) bool {
	if uintptr(r)&chunkMask == 0 {
		return false
	}
	run := entryAt(runOf(r))
	return run.kind == kindSmall && (run.fill < a.sparse[run.class] || a.moveAll)
}

// Dup returns a new block with the content of r, which must be a block of up to maxSmall bytes: the first half of a move,
// of which Free(r) is the second.
func (a *Arena) Dup(r Ref) Ref {
	n := a.SizeOf(r)
	d := a.Alloc(n)
	Copy(d, 0, r, 0, n)
	return d
}

//go:build invariants

package slab

import (
	"fmt"
	"math/bits"
)

// audit walks all chunks and compares what they hold with the counters and lists.
func (a *Arena) audit() error {
	var used, dirty, blocks, size int64
	for i, base := range a.chunks {
		c := chunkAt(base)
		if int(c.index) != i {
			return fmt.Errorf("slab: chunk %#x has index %d, not %d: %w", base, c.index, i, errMisuse)
		}
		free, dirtyN := 0, 0
		for w := range c.free {
			free += bits.OnesCount64(c.free[w])
			dirtyN += bits.OnesCount64(c.dirty[w])
			if c.dirty[w]&^c.free[w] != 0 {
				return fmt.Errorf("slab: chunk %#x has dirty pages in use: %w", base, errMisuse)
			}
		}
		if free != int(c.freeN) || dirtyN != int(c.dirtyN) || c.free.longest() != int(c.longest) {
			return fmt.Errorf("slab: chunk %#x miscounts its pages: %w", base, errMisuse)
		}
		used += int64(usablePages - free)
		dirty += int64(dirtyN)
		n, b, err := a.auditRuns(base, c)
		if err != nil {
			return err
		}
		blocks, size = blocks+n, size+b
	}
	blocks, size = blocks+int64(len(a.direct)), size+a.directBytes
	if used != a.usedPages || dirty != a.dirtyPages || blocks != a.blocks || size != a.usedBytes {
		return fmt.Errorf("slab: counted %d pages, %d dirty, %d blocks, %d bytes; expected %d, %d, %d, %d: %w",
			used, dirty, blocks, size, a.usedPages, a.dirtyPages, a.blocks, a.usedBytes, errMisuse)
	}
	return a.auditLists()
}

// auditRuns sums up the live blocks of a chunk and their bytes.
func (a *Arena) auditRuns(base uintptr, c *chunk) (blocks, size int64, err error) {
	for p := headerPages; p < chunkPages; {
		if c.free.has(p) {
			p++
			continue
		}
		e := &c.entries[p]
		if int(e.first) != p || e.pages == 0 {
			return 0, 0, fmt.Errorf("slab: page %d of chunk %#x is lost: %w", p, base, errMisuse)
		}
		blocks += int64(e.live)
		if e.kind == kindLarge {
			size += int64(e.pages) * pageSize
		} else {
			cl := classes[e.class]
			if e.fill == unlisted && e.live != cl.blocks && a.serving[e.class] != entryOf(base, uintptr(p)) {
				return 0, 0, fmt.Errorf("slab: run at page %d of chunk %#x is in no list: %w", p, base, errMisuse)
			}
			size += int64(e.live) * int64(cl.sizeBytes)
			if n := freeBlocks(entryOf(base, uintptr(p))); n+int(e.live) != int(cl.blocks) {
				return 0, 0, fmt.Errorf("slab: run at page %d of chunk %#x has %d free of %d blocks, %d live: %w",
					p, base, n, cl.blocks, e.live, errMisuse)
			}
		}
		p += int(e.pages)
	}
	return blocks, size, nil
}

// freeBlocks counts the blocks on a run's free list and those never used.
func freeBlocks(e uintptr) int {
	run := entryAt(e)
	c := classes[run.class]
	n := int(c.blocks) - int(run.bump)/int(c.sizeBytes/8)
	for mark := run.mark; mark != noMark && n <= int(c.blocks); n++ {
		mark = Load16(Ref(runBase(e)+uintptr(mark-1)*8), 0)
	}
	return n
}

// auditLists checks that the serving runs are in no list and all others with free blocks in the one for how full they are.
func (a *Arena) auditLists() error {
	for c := range a.partial {
		if e := a.serving[c]; e != 0 {
			run := entryAt(e)
			if run.kind != kindSmall || int(run.class) != c || run.live == classes[c].blocks || run.fill != unlisted {
				return fmt.Errorf("slab: class %d is served by a wrong run: %w", c, errMisuse)
			}
		}
		for f := range fills {
			if err := a.auditList(c, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Arena) auditList(c, f int) error {
	n, prev := int32(0), uintptr(0)
	for e := a.partial[c].first[f]; e != 0; prev, e = e, entryAt(e).run.next {
		run := entryAt(e)
		wrong := run.kind != kindSmall || int(run.class) != c || run.live == classes[c].blocks || run.live == 0
		if wrong || int(run.fill) != f || fillOf(run.live, classes[c].blocks) != run.fill || run.run.prev != prev {
			return fmt.Errorf("slab: list %d of class %d holds a wrong run: %w", f, c, errMisuse)
		}
		n++
	}
	if n != a.partial[c].count[f] {
		return fmt.Errorf("slab: list %d of class %d has %d runs, not %d: %w", f, c, n, a.partial[c].count[f], errMisuse)
	}
	return nil
}

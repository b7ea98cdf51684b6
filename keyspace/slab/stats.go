package slab

// SizeOf returns the usable bytes of a block.
func (a *Arena) SizeOf(r Ref) int {
	if uintptr(r)&chunkMask == 0 {
		return a.direct[r]
	}
	run := entryAt(runOf(r))
	if run.kind == kindLarge {
		return int(run.pages) * pageSize
	}
	return int(classes[run.class].sizeBytes)
}

// ClassSize returns the usable bytes that Alloc(n) would give, n >= 1.
func ClassSize(n int) int {
	if n <= maxSmall {
		return int(classes[classOf(n)].sizeBytes)
	}
	return (n + pageSize - 1) &^ (pageSize - 1)
}

// Used returns the usable bytes of all live blocks.
func (a *Arena) Used() int64 { return a.usedBytes }

// Blocks returns the number of live blocks.
func (a *Arena) Blocks() int64 { return a.blocks }

// Mapped returns the bytes obtained from the system and not given back: pages of runs, free pages whose memory is kept
// for reuse, headers, large blocks and what is got ready for growth. Pages never used and pages given back do not count.
func (a *Arena) Mapped() int64 {
	return (a.usedPages+a.dirtyPages+int64(len(a.chunks))*headerPages)*pageSize + a.directBytes + a.aheadBytes()
}

// Active returns the bytes of the pages in runs and of large blocks: those of Mapped without free pages and headers.
func (a *Arena) Active() int64 { return a.usedPages*pageSize + a.directBytes }

// HeaderBytes returns the bytes of the chunks' headers.
func (a *Arena) HeaderBytes() int64 { return int64(len(a.chunks)) * headerPages * pageSize }

// runOf returns the first entry of the run that holds r.
func runOf(r Ref) uintptr {
	base := uintptr(r) &^ chunkMask
	return entryOf(base, uintptr(entryAt(entryOf(base, (uintptr(r)-base)/pageSize)).first))
}

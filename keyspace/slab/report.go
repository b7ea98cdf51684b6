package slab

// Report describes what an arena holds, for people.
type Report struct {
	Chunks, Walked int   // chunks, and how many of them were looked at for Classes and Large
	Empty          int   // chunks without a block
	HeaderBytes    int64 // of all chunks
	RunBytes       int64 // pages in runs and blocks of pages
	FreeBytes      int64 // free pages whose memory is kept
	Direct         int   // blocks with a mapping of their own
	DirectBytes    int64
	Large          ClassReport // blocks of pages; SizeBytes is the sum of them all
	Classes        []ClassReport
}

// ClassReport counts the runs of one size class.
type ClassReport struct {
	SizeBytes int64 // of a block
	Runs      int
	Blocks    int // that the runs have room for
	Live      int // in use
}

// Report looks at the pages of at most maxChunks chunks, at equal distances when there are more.
func (a *Arena) Report(maxChunks int) Report {
	r := Report{
		Chunks: len(a.chunks), Empty: a.emptyChunks, HeaderBytes: a.HeaderBytes(), RunBytes: a.usedPages * pageSize,
		FreeBytes: a.dirtyPages * pageSize, Direct: len(a.direct), DirectBytes: a.directBytes,
	}
	var all [classCount]ClassReport
	step := max(1, (len(a.chunks)+maxChunks-1)/max(maxChunks, 1))
	for i := 0; i < len(a.chunks); i += step {
		r.Walked++
		chunkAt(a.chunks[i]).report(&r, &all)
	}
	for c := range all {
		if all[c].Runs > 0 {
			all[c].SizeBytes = int64(classes[c].sizeBytes)
			r.Classes = append(r.Classes, all[c])
		}
	}
	return r
}

func (c *chunk) report(r *Report, all *[classCount]ClassReport) {
	for p := headerPages; p < chunkPages; {
		if c.free.has(p) {
			p++
			continue
		}
		e := &c.entries[p]
		if e.kind == kindLarge {
			r.Large.Runs++
			r.Large.Blocks++
			r.Large.Live++
			r.Large.SizeBytes += int64(e.pages) * pageSize
		} else {
			cl := &all[e.class]
			cl.Runs++
			cl.Blocks += int(classes[e.class].blocks)
			cl.Live += int(e.live)
		}
		p += int(e.pages)
	}
}

package server

import (
	"fmt"
	"runtime/debug"
	"strings"

	"datastore/server/command"
)

// What MEMORY DOCTOR takes for odd.
const (
	doctorLeastBytes  = 5 << 20  // with less in use ratios mean nothing
	doctorWasteBytes  = 10 << 20 // waste worth mentioning
	doctorPeak        = 1.5      // peak to present use
	doctorFragmented  = 1.4      // resident to used
	doctorAllocator   = 1.1      // between neighbouring figures of the allocator
	doctorElsewhere   = 64 << 20 // beside the allocator and the heap; the program itself is among it
	doctorClientBytes = 200 << 10
)

// finding is something that MEMORY DOCTOR looks for.
type finding struct {
	holds bool
	text  string
}

// memoryDoctor answers in words.
func (s *Server) memoryDoctor(c *command.Ctx) error {
	f := s.memoryFacts()
	var b strings.Builder
	if f.used < doctorLeastBytes {
		b.WriteString("There is next to no data here, so there is nothing to say about its memory. Ask again when there is more.\n")
		c.W.Verbatim("txt", []byte(b.String()))
		return nil
	}
	n := 0
	for _, finding := range f.findings(s.values.MaxMemoryBytes) {
		if finding.holds {
			n++
			fmt.Fprintf(&b, " * %s\n\n", finding.text)
		}
	}
	text := "No problems were found with the memory of this instance.\n"
	if n > 0 {
		text = "What is worth knowing about the memory of this instance:\n\n" + b.String()
	}
	c.W.Verbatim("txt", []byte(text))
	return nil
}

func (f *memoryFacts) findings(maxMemory int64) []finding {
	// wasteful reports whether a exceeds b by a factor and by an amount that is worth mentioning.
	wasteful := func(a, b int64, factor float64) bool {
		return a-b > doctorWasteBytes && quotient(a, b) > factor
	}
	return []finding{
		{wasteful(f.peak, f.used, doctorPeak), fmt.Sprintf("Peak: %s were once in use, now it is %s. If the resident memory is still "+
			"near the peak, MEMORY PURGE gives back at once what would otherwise take a while.", human(f.peak), human(f.used))},
		{wasteful(f.rss, f.used, doctorFragmented) && f.rss-f.used > doctorElsewhere, fmt.Sprintf("Fragmentation: %s are resident for %s in use. The next lines, if any, "+
			"say where the difference is.", human(f.rss), human(f.used))},
		{wasteful(f.active, f.allocated, doctorAllocator), fmt.Sprintf("Partly used pages: blocks of %s lie in pages of %s. Compaction "+
			"moves them together when there is enough to gain.", human(f.allocated), human(f.active))},
		{wasteful(f.resident, f.active, doctorAllocator), fmt.Sprintf("Kept pages: %s are kept for reuse by the allocator and the Go "+
			"heap. They go back by and by, or with MEMORY PURGE.", human(f.resident-f.active))},
		{wasteful(f.rss, f.resident+doctorElsewhere, doctorAllocator), fmt.Sprintf("Memory from elsewhere: %s are resident beyond what the allocator "+
			"and the Go heap account for; modules with memory of their own may be the reason.", human(f.rss-f.resident))},
		{f.clients > 0 && f.normal/int64(max(f.clients, 1)) > doctorClientBytes, fmt.Sprintf("Clients: %d of them have buffers of %s. "+
			"CLIENT LIST shows who does not read replies or sends very large commands.", f.clients, human(f.normal))},
		{f.replicas > doctorWasteBytes, fmt.Sprintf("Replicas: %s wait to be sent to them. Their network or their machine may be too "+
			"slow for what is written here.", human(f.replicas))},
		{maxMemory > 0 && f.used > maxMemory, fmt.Sprintf("Limit: %s are in use and maxmemory is %s, so that commands that need memory "+
			"are refused.", human(f.used), human(maxMemory))},
	}
}

// reportChunks is the number of chunks of 4 MB that MEMORY MALLOC-STATS looks at, which takes some milliseconds at most.
const reportChunks = 1024

// memoryMallocStats describes the allocator of the dataset by size class, and the Go heap.
func (s *Server) memoryMallocStats(c *command.Ctx) error {
	r := s.store.Report(reportChunks)
	f := s.memoryFacts()
	var b strings.Builder
	fmt.Fprintf(&b, "dataset: %s in blocks, %s in pages with blocks, %s obtained from the system\n", human(f.allocated-f.heap.objects),
		human(f.active-f.heap.inUse), human(s.store.MappedBytes()))
	fmt.Fprintf(&b, "chunks: %d of 4 MB, %d of them empty; runs %s, free pages kept %s, headers %s\n", r.Chunks, r.Empty,
		human(r.RunBytes), human(r.FreeBytes), human(r.HeaderBytes))
	fmt.Fprintf(&b, "blocks mapped by themselves: %d, %s\n", r.Direct, human(r.DirectBytes))
	fmt.Fprintf(&b, "deleted and not freed yet: %d objects\n", s.store.Trash())
	fmt.Fprintf(&b, "\nby size of block, in %d chunks:\n%10s %10s %12s %12s %6s\n", r.Walked, "bytes", "runs", "blocks", "in use", "use")
	for _, cl := range r.Classes {
		fmt.Fprintf(&b, "%10d %10d %12d %12d %6s\n", cl.SizeBytes, cl.Runs, cl.Blocks, cl.Live, percentOf(cl.Live, cl.Blocks))
	}
	fmt.Fprintf(&b, "%10s %10d %12d %12d %6s  %s together\n", "pages", r.Large.Runs, r.Large.Blocks, r.Large.Live,
		percentOf(r.Large.Live, r.Large.Blocks), human(r.Large.SizeBytes))
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	fmt.Fprintf(&b, "\nGo heap: %s in objects, %s in use, %s resident; %s were live when collection %d ended\n", human(f.heap.objects),
		human(f.heap.inUse), human(f.heap.resident), human(f.heap.marked), gc.NumGC)
	c.W.Verbatim("txt", []byte(b.String()))
	return nil
}

func percentOf(part, whole int) string {
	return fmt.Sprintf("%.0f%%", 100*quotient(int64(part), int64(whole)))
}

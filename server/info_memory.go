package server

import (
	"fmt"
	"runtime"
	"runtime/metrics"
)

// goHeap is what the Go runtime holds, in bytes.
type goHeap struct {
	live     int64 // objects
	inUse    int64 // spans that hold objects
	resident int64 // mapped and not given back to the system
}

func readGoHeap() goHeap {
	m := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(m)
	n := func(i int) int64 { return int64(m[i].Value.Uint64()) }
	return goHeap{live: n(0), inUse: n(0) + n(1), resident: n(2) - n(3)}
}

func (s *Server) infoMemory(t *infoText) {
	used, data := s.usedMemory(), s.store.UsedBytes()
	s.stats.peakMemory = max(s.stats.peakMemory, used)
	heap, rss, total := readGoHeap(), residentBytes(), systemMemoryBytes()
	mapped := s.store.MappedBytes()
	allocated, active, resident := data+heap.live, mapped+heap.inUse, mapped+heap.resident
	start := s.admin.startupBytes
	t.line("used_memory", used)
	t.line("used_memory_human", human(used))
	t.line("used_memory_rss", rss)
	t.line("used_memory_rss_human", human(rss))
	t.line("used_memory_peak", s.stats.peakMemory)
	t.line("used_memory_peak_human", human(s.stats.peakMemory))
	t.line("used_memory_peak_perc", percent(used, s.stats.peakMemory))
	t.line("used_memory_overhead", used-data)
	t.line("used_memory_startup", start)
	t.line("used_memory_dataset", data)
	t.line("used_memory_dataset_perc", percent(data, max(used-start, data)))
	t.line("allocator_allocated", allocated)
	t.line("allocator_active", active)
	t.line("allocator_resident", resident)
	t.line("total_system_memory", total)
	t.line("total_system_memory_human", human(total))
	infoScripts(t)
	t.line("maxmemory", s.values.MaxMemoryBytes)
	t.line("maxmemory_human", human(s.values.MaxMemoryBytes))
	t.line("maxmemory_policy", s.policyName())
	t.line("allocator_frag_ratio", ratio(active, allocated))
	t.line("allocator_frag_bytes", active-allocated)
	t.line("allocator_rss_ratio", ratio(resident, active))
	t.line("allocator_rss_bytes", resident-active)
	t.line("rss_overhead_ratio", ratio(rss, resident))
	t.line("rss_overhead_bytes", rss-resident)
	t.line("mem_fragmentation_ratio", ratio(rss, used))
	t.line("mem_fragmentation_bytes", rss-used)
	s.infoBuffers(t)
	t.line("mem_allocator", "slab+"+runtime.Version())
	t.line("active_defrag_running", yes(s.store.Compacting()))
	t.line("lazyfree_pending_objects", s.store.Trash())
	t.line("lazyfreed_objects", s.store.Freed())
}

// infoScripts is about scripts and functions, which this server does not run.
func infoScripts(t *infoText) {
	t.zeros("used_memory_lua", "used_memory_vm_eval")
	t.line("used_memory_lua_human", human(0))
	t.zeros("used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries",
		"used_memory_vm_functions", "used_memory_vm_total")
	t.line("used_memory_vm_total_human", human(0))
	t.zeros("used_memory_functions", "used_memory_scripts")
	t.line("used_memory_scripts_human", human(0))
}

// infoBuffers is about memory that belongs to connections and logs rather than to keys.
func (s *Server) infoBuffers(t *infoText) {
	var normal, replicas, aof int64
	for _, c := range s.conns {
		if c.replica != nil {
			replicas += int64(c.memory())
		} else {
			normal += int64(c.memory())
		}
	}
	if s.log != nil && s.log.Running() {
		aof = s.log.Status().BufferBytes
	}
	backlog := s.repl.stream.HeldBytes()
	t.line("mem_not_counted_for_evict", replicas+aof)
	t.line("mem_replication_backlog", backlog)
	t.line("mem_total_replication_buffers", backlog+replicas)
	t.line("mem_clients_slaves", replicas)
	t.line("mem_clients_normal", normal)
	t.zeros("mem_cluster_links")
	t.line("mem_aof_buffer", aof)
}

// human renders bytes as Redis does: two digits behind the point and one letter.
func human(n int64) string {
	f := float64(n)
	for _, unit := range [...]string{"B", "K", "M", "G", "T", "P"} {
		switch {
		case unit == "B" && n < 1024:
			return fmt.Sprintf("%dB", n)
		case f < 1024 || unit == "P":
			return fmt.Sprintf("%.2f%s", f, unit)
		}
		f /= 1024
	}
	return ""
}

func percent(part, whole int64) string {
	if whole <= 0 {
		return "0.00%"
	}
	return fmt.Sprintf("%.2f%%", float64(part)*100/float64(whole))
}

func ratio(a, b int64) string {
	if b <= 0 {
		return "0.00"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

package server

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

func (s *Server) infoMemory(t *infoText) {
	f := s.memoryFacts()
	total := systemMemoryBytes()
	t.line("used_memory", f.used)
	t.line("used_memory_human", human(f.used))
	t.line("used_memory_rss", f.rss)
	t.line("used_memory_rss_human", human(f.rss))
	t.line("used_memory_peak", f.peak)
	t.line("used_memory_peak_human", human(f.peak))
	t.line("used_memory_peak_perc", percent(f.used, f.peak))
	t.line("used_memory_overhead", f.overhead)
	t.line("used_memory_startup", f.startup)
	t.line("used_memory_dataset", f.dataset)
	t.line("used_memory_dataset_perc", percent(f.dataset, f.gained()))
	t.line("allocator_allocated", f.allocated)
	t.line("allocator_active", f.active)
	t.line("allocator_resident", f.resident)
	t.line("total_system_memory", total)
	t.line("total_system_memory_human", human(total))
	infoScripts(t)
	t.line("maxmemory", s.values.MaxMemoryBytes)
	t.line("maxmemory_human", human(s.values.MaxMemoryBytes))
	t.line("maxmemory_policy", s.policyName())
	t.line("allocator_frag_ratio", ratio(f.active, f.allocated))
	t.line("allocator_frag_bytes", f.active-f.allocated)
	t.line("allocator_rss_ratio", ratio(f.resident, f.active))
	t.line("allocator_rss_bytes", f.resident-f.active)
	t.line("rss_overhead_ratio", ratio(f.rss, f.resident))
	t.line("rss_overhead_bytes", f.rss-f.resident)
	t.line("mem_fragmentation_ratio", ratio(f.rss, f.used))
	t.line("mem_fragmentation_bytes", f.rss-f.used)
	t.line("mem_not_counted_for_evict", f.replicas+f.aofBuffer)
	t.line("mem_replication_backlog", f.backlog)
	t.line("mem_total_replication_buffers", f.backlog+f.replicas)
	t.line("mem_clients_slaves", f.replicas)
	t.line("mem_clients_normal", f.normal)
	t.zeros("mem_cluster_links")
	t.line("mem_aof_buffer", f.aofBuffer)
	t.line("mem_allocator", "slab+"+runtime.Version())
	t.line("active_defrag_running", yes(s.store.Compacting()))
	waiting, freed := s.lazyFreed()
	t.line("lazyfree_pending_objects", waiting)
	t.line("lazyfreed_objects", freed)
	t.line("used_memory_modules", s.store.OwnedBytes())
	infoGo(t, &f.heap)
}

// infoGo is about the Go heap; the fields are our own. A limit of 0 is none, a percentage of -1 is GOGC=off.
func infoGo(t *infoText, g *goHeap) {
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	longest := time.Duration(0)
	for _, pause := range gc.Pause { // the last 256
		longest = max(longest, pause)
	}
	limit := g.limit
	if limit == noMemoryLimit {
		limit = 0
	}
	t.line("go_memory_limit", limit)
	t.line("go_gc_percent", g.percent)
	t.line("go_heap_objects", g.objects)
	t.line("go_heap_live", g.marked)
	t.line("go_heap_resident", g.resident)
	t.line("go_gc_cycles", gc.NumGC)
	t.line("go_gc_pause_total_usec", gc.PauseTotal.Microseconds())
	t.line("go_gc_pause_longest_usec", longest.Microseconds())
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
	return fmt.Sprintf("%.2f", quotient(a, b))
}

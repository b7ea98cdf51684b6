package servertest

import (
	"slices"
	"strings"
	"testing"
)

// ownFields are the fields of INFO that Redis 7.0 does not have.
var ownFields = []string{
	"datastore_version",                                                        // the daemon's own release
	"client_query_buffer_limit_disconnections",                                 // Redis 7.2
	"client_output_buffer_limit_disconnections",                                // Redis 7.2
	"acl_access_denied_auth",                                                   // Redis 7.2
	"eventloop_cycles", "eventloop_duration_sum", "eventloop_duration_cmd_sum", // Redis 7.2
	"instantaneous_eventloop_cycles_per_sec", "instantaneous_eventloop_duration_usec", // Redis 7.2
	"eventloop_longest_turn_usec", "eventloop_longest_turn_cpu_usec", "eventloop_longest_share_usec", "protocol_errors", "command_panics", // ours
	"go_memory_limit", "go_gc_percent", "go_heap_objects", "go_heap_live", "go_heap_resident", // of the Go runtime
	"go_gc_cycles", "go_gc_pause_total_usec", "go_gc_pause_longest_usec",
	"used_memory_modules", // what modules have allocated outside the Go heap
}

// TestInfoFields compares the sections of INFO and the fields of each, in their order.
func TestInfoFields(t *testing.T) {
	for _, directives := range [][]string{nil, {"--appendonly", "yes"}} {
		p := NewPair(t, directives...)
		for _, args := range [][]string{{"INFO"}, {"INFO", "all"}, {"INFO", "everything"}, {"INFO", "keyspace", "cpu"}} {
			ours, theirs := infoShape(p.Ours.Must(args...).Str), infoShape(p.Theirs.Must(args...).Str)
			if !slices.Equal(ours, theirs) {
				t.Errorf("%v\nours %v\nwant %v", args, ours, theirs)
			}
		}
	}
}

// infoShape returns the section headers and field names, of statistics by command only that they are there.
func infoShape(text string) []string {
	var shape []string
	for _, line := range strings.Split(text, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch {
		case slices.Contains(ownFields, name), strings.HasPrefix(name, "cmdstat_"), strings.HasPrefix(name, "latency_"):
		default:
			shape = append(shape, name)
		}
	}
	return shape
}

// TestInfoValues wants fields that dashboards draw to follow what happens.
func TestInfoValues(t *testing.T) {
	s := Start(t)
	s.Must("SET", "a", "1", "EX", "100")
	s.Must("GET", "a")
	s.Must("GET", "missing")
	s.Do("NOSUCH")
	for field, want := range map[string]string{
		"connected_clients": "1", "keyspace_hits": "1", "keyspace_misses": "1", "rdb_changes_since_last_save": "1",
		"role": "master", "total_error_replies": "1", "errorstat_ERR": "count=1", "maxmemory_policy": "noeviction",
	} {
		if got := s.Info(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got := s.Info("db0"); !strings.HasPrefix(got, "keys=1,expires=1,avg_ttl=9") {
		t.Errorf("db0 is %q", got)
	}
	if got := s.Info("cmdstat_get"); !strings.HasPrefix(got, "calls=2,usec=") || !strings.HasSuffix(got, "rejected_calls=0,failed_calls=0") {
		t.Errorf("cmdstat_get is %q", got)
	}
	for _, field := range []string{"used_memory", "used_memory_rss", "total_system_memory", "total_reads_processed", "uptime_in_seconds"} {
		if got := s.Info(field); got == "" || field != "uptime_in_seconds" && got == "0" {
			t.Errorf("%s is %q", field, got)
		}
	}
	s.Must("CONFIG", "RESETSTAT")
	if got := s.Info("cmdstat_get"); got != "" {
		t.Errorf("after RESETSTAT cmdstat_get is %q", got)
	}
}

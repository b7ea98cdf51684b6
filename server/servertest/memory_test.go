package servertest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMemoryStatsFields compares the fields of MEMORY STATS and their order.
func TestMemoryStatsFields(t *testing.T) {
	p := NewPair(t)
	fields := func(s *Server) []string {
		s.Must("SET", "k", "v")
		r := s.Must("MEMORY", "STATS")
		var names []string
		for i := 0; i < len(r.Elems); i += 2 {
			names = append(names, r.Elems[i].Str)
			for k := 0; k < len(r.Elems[i+1].Elems); k += 2 {
				names = append(names, r.Elems[i].Str+" "+r.Elems[i+1].Elems[k].Str)
			}
		}
		return names
	}
	if ours, theirs := fields(p.Ours), fields(p.Theirs); !slices.Equal(ours, theirs) {
		t.Errorf("ours %q\nwant %q", ours, theirs)
	}
}

// TestMemoryTexts wants the reports for people to say what there is to say.
func TestMemoryTexts(t *testing.T) {
	s := Start(t)
	if got := s.Must("MEMORY", "DOCTOR").Str; !strings.Contains(got, "next to no data") {
		t.Errorf("of an empty server the doctor says %q", got)
	}
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		s.Must("SETRANGE", key, "20000000", "x")
	}
	if got := s.Must("MEMORY", "DOCTOR").Str; !strings.Contains(got, "No problems") {
		t.Errorf("of large strings the doctor says %q", got)
	}
	s.Must("CONFIG", "SET", "maxmemory", "50mb")
	if got := s.Must("MEMORY", "DOCTOR").Str; !strings.Contains(got, "* Limit: ") {
		t.Errorf("beyond maxmemory the doctor says %q", got)
	}
	s.Must("DEL", "a", "b", "c", "d")
	s.Eventually("the peak is mentioned", 5*time.Second, func() bool {
		return strings.Contains(s.Must("MEMORY", "DOCTOR").Str, "* Peak: ")
	})
	for i := range 1000 {
		s.Must("SET", "key"+strings.Repeat("k", i%90), "v")
	}
	got := s.Must("MEMORY", "MALLOC-STATS").Str
	for _, want := range []string{"dataset: ", "chunks: 1 of 4 MB", "blocks mapped by themselves: 2, ", "Go heap: "} {
		if !strings.Contains(got, want) {
			t.Errorf("MALLOC-STATS lacks %q:\n%s", want, got)
		}
	}
}

// TestMemoryPurge wants what has been deleted to be gone from the process.
func TestMemoryPurge(t *testing.T) {
	s := Start(t)
	for i := range 200 {
		commands := make([][]string, 500)
		for k := range commands {
			commands[k] = []string{"SET", strings.Repeat("k", 1+i%7) + string(rune('0'+i)) + "/" + string(rune('0'+k)), strings.Repeat("v", 300)}
		}
		s.Dial().Pipeline(commands...)
	}
	s.Must("FLUSHDB", "SYNC")
	s.Must("MEMORY", "PURGE")
	s.Eventually("nothing is kept", 5*time.Second, func() bool {
		s.Must("MEMORY", "PURGE")
		return strings.Contains(s.Must("MEMORY", "MALLOC-STATS").Str, "free pages kept 0B")
	})
}

// TestMemoryOfOthers wants INFO to tell what clients and replication hold, and a long string that is being sent not to count
// again.
func TestMemoryOfOthers(t *testing.T) {
	s := Start(t, "--appendonly", "yes")
	number := func(name string) int {
		n, err := strconv.Atoi(s.Info(name))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := number("mem_replication_backlog"); n != 0 {
		t.Errorf("the backlog has %d bytes without a replica", n)
	}
	replica := Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(s.Port))
	replica.Eventually("the link is up", 10*time.Second, func() bool { return replica.Info("master_link_status") == "up" })
	s.Must("SET", "k", "v")
	for _, name := range []string{"mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves"} {
		if number(name) == 0 {
			t.Errorf("%s is 0 with a replica", name)
		}
	}
	before := number("mem_clients_normal")
	c := s.Dial()
	c.Must("MULTI")
	for range 100 {
		c.Must("SET", "k", strings.Repeat("v", 10_000))
	}
	if n := number("mem_clients_normal") - before; n < 1_000_000 || n > 1_200_000 {
		t.Errorf("a queue of a megabyte counts as %d bytes", n)
	}
	c.Must("DISCARD")
	s.Must("SETRANGE", "big", "20000000", "x")
	slow := s.Dial()
	slow.Send("GET", "big")
	s.Eventually("the reply is under way", 5*time.Second, func() bool { return number("client_recent_max_output_buffer") > 1<<20 })
	if n := number("mem_clients_normal") - before; n > 1<<20 {
		t.Errorf("a string that is being sent counts as %d bytes of a client", n)
	}
	if n := len(slow.Receive().Str); n != 20_000_001 {
		t.Errorf("%d bytes came", n)
	}
}

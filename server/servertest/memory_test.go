package servertest

import (
	"slices"
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

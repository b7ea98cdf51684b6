package servertest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// numbers matches what differs between two servers in statistics.
var numbers = regexp.MustCompile(`=[0-9.]+`)

// TestLatencyStats compares the lines of INFO latencystats and commandstats, without their times, for various percentiles.
func TestLatencyStats(t *testing.T) {
	p := NewPair(t)
	statistics := func(s *Server, section string) []string {
		lines := strings.Split(s.Must("INFO", section).Str, "\r\n")
		for i, line := range lines {
			name, values, _ := strings.Cut(line, ":")
			usec := regexp.MustCompile(`usec=\d+,usec_per_call=[0-9.]+`)
			if strings.HasPrefix(name, "latency_") {
				usec = numbers
			}
			lines[i] = name + ":" + usec.ReplaceAllString(values, "")
		}
		slices.Sort(lines)
		return lines
	}
	for _, percentiles := range []string{"50 99 99.9", "", "0 10 50.5 99.999 100", "99 50 99 1e1"} {
		var got [2][]string
		for i, s := range []*Server{p.Ours, p.Theirs} {
			s.Must("CONFIG", "SET", "latency-tracking-info-percentiles", percentiles)
			s.Must("CONFIG", "RESETSTAT")
			s.Must("SET", "a", "b")
			s.Do("LPUSH", "a", "x")
			s.Do("GET", "a", "b")
			s.Must("MULTI")
			s.Must("GET", "a")
			s.Must("EXEC")
			got[i] = append(statistics(s, "latencystats"), statistics(s, "commandstats")...)
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("%q\nours %q\nwant %q", percentiles, got[0], got[1])
		}
	}
}

// field returns one number of a line of statistics.
func field(t *testing.T, line, name string) float64 {
	t.Helper()
	for _, word := range strings.Split(line, ",") {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			f, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("no %s in %q", name, line)
	return 0
}

// TestCommandsAreMeasuredByThemselves runs slow commands among fast ones in one batch: each has its own time, those of a
// transaction theirs and EXEC all of it, on both servers.
func TestCommandsAreMeasuredByThemselves(t *testing.T) {
	p := NewPair(t)
	for _, s := range []*Server{p.Ours, p.Theirs} {
		s.Must("CONFIG", "SET", "latency-tracking-info-percentiles", "50 100")
		s.Must("CONFIG", "RESETSTAT")
		var batch [][]string
		for range 50 {
			batch = append(batch, []string{"GET", "a"})
		}
		batch = append(batch, []string{"DEBUG", "SLEEP", "0.05"}, []string{"GET", "a"}, []string{"DEBUG", "SLEEP", "0.1"},
			[]string{"MULTI"}, []string{"GET", "a"}, []string{"DEBUG", "SLEEP", "0.2"}, []string{"EXEC"}, []string{"PING"})
		s.Dial().Pipeline(batch...)
		for _, want := range []struct {
			name        string
			least, most float64 // usec of the call that half of all take at most
		}{
			{"get", 0, 5_000}, {"ping", 0, 50_000}, {"multi", 0, 50_000}, {"exec", 200_000, 400_000}, {"debug", 100_000, 150_000},
		} {
			line := s.Info("latency_percentiles_usec_" + want.name)
			if half := field(t, line, "p50"); half < want.least || half > want.most {
				t.Errorf("%s: half of the calls of %s within %v µs, want %v to %v", s.Program, want.name, half, want.least, want.most)
			}
		}
		stats := s.Info("cmdstat_debug")
		if calls, usec := field(t, stats, "calls"), field(t, stats, "usec"); calls != 3 || usec < 350_000 || usec > 900_000 {
			t.Errorf("%s: cmdstat_debug is %q", s.Program, stats)
		}
		if usec := field(t, s.Info("cmdstat_exec"), "usec"); usec < 200_000 {
			t.Errorf("%s: EXEC took %v µs, without what it ran", s.Program, usec)
		}
	}
}

// TestHistogramSums wants each call to be in exactly one bucket.
func TestHistogramSums(t *testing.T) {
	s := Start(t)
	const n = 5000
	batch := make([][]string, n)
	for i := range batch {
		batch[i] = []string{"SET", fmt.Sprint("k", i), "v"}
	}
	c := s.Dial()
	c.Resp3()
	c.Pipeline(batch...)
	set := c.Must("LATENCY", "HISTOGRAM", "set").Map()["set"].Map()
	var count, limit int64
	for i, e := range set["histogram_usec"].Elems {
		last := &limit
		if i%2 == 1 {
			last = &count
		}
		if e.Int <= *last {
			t.Errorf("%d follows %d", e.Int, *last)
		}
		*last = e.Int
	}
	if set["calls"].Int != n || count != n {
		t.Errorf("%d calls, %d in buckets, want %d", set["calls"].Int, count, n)
	}
}

// events waits until an event has a sample and returns the names of all that have one.
func events(s *Server, want string) []string {
	var names []string
	s.Eventually("there is an event "+want, 10*time.Second, func() bool {
		names = names[:0]
		for _, e := range s.Must("LATENCY", "LATEST").Elems {
			names = append(names, e.Elems[0].Str)
		}
		return slices.Contains(names, want)
	})
	return names
}

// TestLatencyEvents makes the server stop for each reason that can be brought about.
func TestLatencyEvents(t *testing.T) {
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			s := Start(t, "--event-loop", driver, "--latency-monitor-threshold", "200", "--enable-debug-command", "yes",
				"--appendonly", "yes", "--appendfsync", "always")
			var names []string
			for range 5 { // a machine that stops for as long proves nothing
				s.Must("LATENCY", "RESET")
				s.Must("DEBUG", "SLEEP", "0.3")
				s.Must("PING")
				if names = events(s, "command"); len(names) == 1 {
					break
				}
			}
			if len(names) > 1 {
				t.Errorf("a slow command is told as %v", names) // the turn and the lock that it held lasted as long
			}
			s.Must("CONFIG", "SET", "latency-monitor-threshold", "1")
			s.Must("SET", "big", strings.Repeat("x", 16<<20))
			events(s, "aof-fsync-always")
			if names = events(s, "aof-write"); !slices.Contains(names, "aof-write-alone") && !slices.Contains(names, "aof-write-pending-fsync") {
				t.Errorf("a write to the AOF is told as %v", names)
			}
			hset := []string{"HSET", "h"}
			for i := range 200_000 {
				hset = append(hset, strconv.Itoa(i), "v")
			}
			s.Must(hset...)
			events(s, "fast-command")
			fillList(s)
			greedy(t, s, 1, "LRANGE", "list", "0", "999")
			names = events(s, "loop-turn")
			text := s.Must("LATENCY", "DOCTOR").Str
			for _, name := range names {
				if !strings.Contains(text, ". "+name+": ") {
					t.Errorf("LATENCY DOCTOR does not mention %s:\n%s", name, text)
				}
				if r := s.Must("LATENCY", "GRAPH", name); !strings.HasPrefix(r.Str, name+" - high ") {
					t.Errorf("LATENCY GRAPH %s: %s", name, r)
				}
			}
		})
	}
}

// TestProcessorTimeOfTurns tells a turn that waits from one that works: the former is long and uses little processor.
func TestProcessorTimeOfTurns(t *testing.T) {
	s := Start(t, "--latency-monitor-threshold", "1", "--enable-debug-command", "yes")
	turns := func(args ...string) (whole, used int) {
		s.Must("CONFIG", "RESETSTAT")
		s.Must(args...)
		s.Must("PING")
		for name, to := range map[string]*int{"eventloop_longest_turn_usec": &whole, "eventloop_longest_turn_cpu_usec": &used} {
			n, err := strconv.Atoi(s.Info(name))
			if err != nil {
				t.Fatal(err)
			}
			*to = n
		}
		return whole, used
	}
	if whole, used := turns("DEBUG", "SLEEP", "0.1"); whole < 100_000 || used > 50_000 {
		t.Errorf("a turn that slept 100 ms: %d µs, %d of them on the processor", whole, used)
	}
	add := []string{"SADD", "set"}
	for i := range 100_000 {
		add = append(add, strconv.Itoa(i))
	}
	if whole, used := turns(add...); used < 1_000 || used > whole {
		t.Errorf("a turn that added 100,000 members: %d µs, %d of them on the processor", whole, used)
	}
}

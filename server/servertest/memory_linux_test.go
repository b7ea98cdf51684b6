package servertest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"datastore/server/servertest"
)

// field returns a field of INFO as a number.
func field(t *testing.T, s *servertest.Server, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s.Info(name), 10, 64)
	if err != nil {
		t.Fatalf("INFO %s: %v", name, err)
	}
	return n
}

// fillings are the kinds of data of TestUsedMemoryIsResident: the command for element i.
func fillings() map[string]func(i int) []string {
	value := strings.Repeat("v", 32)
	key := func(i int) string { return fmt.Sprintf("key:%012d", i) }
	return map[string]func(i int) []string{
		"strings":      func(i int) []string { return []string{"SET", key(i), value} },
		"integers":     func(i int) []string { return []string{"SET", key(i), strconv.Itoa(i)} },
		"expiring":     func(i int) []string { return []string{"SET", key(i), value, "EX", "10000"} },
		"small hashes": func(i int) []string { return []string{"HSET", "h" + strconv.Itoa(i/10), key(i % 10), value} },
		"hashes":       func(i int) []string { return []string{"HSET", "h" + strconv.Itoa(i/1000), key(i), value} },
		"large hash":   func(i int) []string { return []string{"HSET", "h", key(i), value} },
		"large set":    func(i int) []string { return []string{"SADD", "s", key(i)} },
		"small zsets":  func(i int) []string { return []string{"ZADD", "z" + strconv.Itoa(i/10), strconv.Itoa(i), key(i % 10)} },
		"large zset":   func(i int) []string { return []string{"ZADD", "z", strconv.Itoa(i * 7919 % 1_000_003), key(i)} },
		"small lists":  func(i int) []string { return []string{"RPUSH", "l" + strconv.Itoa(i/10), value} },
		"large list":   func(i int) []string { return []string{"LPUSH", "l", value} },
	}
}

// fillWith runs the command of each element.
func fillWith(c *servertest.Conn, n int, command func(i int) []string) {
	const batch = 500
	for i := 0; i < n; i += batch {
		commands := make([][]string, 0, batch)
		for k := i; k < min(i+batch, n); k++ {
			commands = append(commands, command(k))
		}
		c.Pipeline(commands...)
	}
}

// TestUsedMemoryIsResident fills servers with each kind of data, with huge pages and without: what used_memory grows by is
// what the process grows by, within 3 percent and a megabyte for the Go heap.
func TestUsedMemoryIsResident(t *testing.T) {
	if servertest.RaceEnabled {
		t.Skip("the race detector's notes are resident as well")
	}
	elements := 300_000
	if testing.Short() {
		elements = 100_000
	}
	for name, command := range fillings() {
		for _, hugePages := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, huge pages %v", name, hugePages), func(t *testing.T) {
				const allowed = 1 << 20
				s := startWithHugePages(t, hugePages)
				c := s.Dial()
				fillWith(c, 2000, func(int) []string { return []string{"ECHO", strings.Repeat("x", 100)} }) // buffers
				used, rss := field(t, s, "used_memory"), int64(rssKB(t, s.PID()))<<10
				fillWith(c, elements, command)
				var usedBy, rssBy int64
				s.Eventually("resident and used memory grow alike", 20*time.Second, func() bool {
					time.Sleep(200 * time.Millisecond)
					usedBy, rssBy = field(t, s, "used_memory")-used, int64(rssKB(t, s.PID()))<<10-rss
					return max(rssBy-usedBy, usedBy-rssBy) <= usedBy*3/100+allowed
				})
				t.Logf("per element: %.2f bytes used, %.2f resident (%+.2f %%)", float64(usedBy)/float64(elements),
					float64(rssBy)/float64(elements), 100*float64(rssBy-usedBy)/float64(usedBy))
			})
		}
	}
}

// startWithHugePages starts a server to which the system gives huge pages, or not: a process inherits that.
func startWithHugePages(t *testing.T, on bool) *servertest.Server {
	t.Helper()
	if !on {
		if err := unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0); err != nil {
			t.Skipf("huge pages cannot be switched off here: %v", err)
		}
		defer func() { _ = unix.Prctl(unix.PR_SET_THP_DISABLE, 0, 0, 0, 0) }()
	}
	return servertest.Start(t)
}

// TestHeapFollowsMaxMemory wants the Go heap to get what maxmemory leaves beside the dataset, at any time.
func TestHeapFollowsMaxMemory(t *testing.T) {
	s := servertest.Start(t, "--maxmemory", "200mb")
	limit := func() int64 { return field(t, s, "go_memory_limit") }
	within := func(what string, least, most int64) {
		t.Helper()
		s.Eventually(what, 15*time.Second, func() bool { n := limit(); return n >= least<<20 && n <= most<<20 })
	}
	within("of 200 MB nearly all is free", 180, 200)
	for i := range 100 {
		s.Must("SET", strconv.Itoa(i), strings.Repeat("x", 1<<20))
	}
	within("half of it is used", 70, 108) // it follows in steps
	s.Must("CONFIG", "SET", "maxmemory", "1gb")
	within("there is much more", 880, 924)
	s.Must("CONFIG", "SET", "maxmemory", "50mb")
	within("there is nothing left but the floor", 32, 64)
	if r := s.Do("SET", "k", "v"); !strings.HasPrefix(r.Str, "OOM") {
		t.Errorf("beyond maxmemory SET answers %s", r)
	}
	s.Must("CONFIG", "SET", "maxmemory", "200mb")
	s.Must("FLUSHALL")
	within("all is free again", 180, 200)
	s.Must("CONFIG", "SET", "maxmemory", "0")
	within("there is no limit", 0, 0)
}

// TestHeapEnvironment wants what the operator has set to stay.
func TestHeapEnvironment(t *testing.T) {
	s := servertest.StartWith(t, servertest.Options{Env: []string{"GOGC=77", "GOMEMLIMIT=300MiB"}, Directives: []string{"--maxmemory", "100mb"}})
	time.Sleep(300 * time.Millisecond)
	if limit, percent := field(t, s, "go_memory_limit"), field(t, s, "go_gc_percent"); limit != 300<<20 || percent != 77 {
		t.Errorf("limit %d, percent %d", limit, percent)
	}
	s.Must("CONFIG", "SET", "maxmemory", "1gb")
	if limit := field(t, s, "go_memory_limit"); limit != 300<<20 {
		t.Errorf("limit %d after CONFIG SET", limit)
	}
	off := servertest.StartWith(t, servertest.Options{Env: []string{"GOGC=off"}})
	if limit, percent := field(t, off, "go_memory_limit"), field(t, off, "go_gc_percent"); limit != 0 || percent != -1 {
		t.Errorf("with GOGC=off limit %d, percent %d", limit, percent)
	}
}

// TestCollectorDoesNotSpin has far more live on the Go heap than maxmemory allows. The collector must not work without end
// to free what is needed.
func TestCollectorDoesNotSpin(t *testing.T) {
	s := servertest.Start(t, "--maxmemory", "10mb")
	const size, clients = 1 << 20, 128
	var c *servertest.Conn
	for range clients { // each sends all but the last byte of an argument, which waits in the input buffer
		c = s.Dial()
		c.Write(fmt.Appendf(nil, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", size))
		c.Write([]byte(strings.Repeat("x", size-1)))
	}
	s.Eventually("the arguments have come", 10*time.Second, func() bool {
		return field(t, s, "mem_clients_normal") > clients*size*9/10
	})
	s.Eventually("the limit leaves room", 5*time.Second, func() bool {
		return field(t, s, "go_memory_limit") > clients*size*5/4
	})
	cycles, cpu := field(t, s, "go_gc_cycles"), cpuMs(t, s.PID())
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		s.Must("ECHO", "hello")
	}
	if n := field(t, s, "go_gc_cycles") - cycles; n > 2 {
		t.Errorf("%d collections in a second, %d ms of processor time", n, cpuMs(t, s.PID())-cpu)
	}
	c.Write([]byte("x\r\n"))
	if r := c.Receive(); !strings.HasPrefix(r.Str, "OOM") {
		t.Errorf("the command answers %s", r)
	}
}

// TestMemoryUsageIsExact wants the dataset to lose what MEMORY USAGE says when a key goes, its slot in the table aside.
func TestMemoryUsageIsExact(t *testing.T) {
	const slotBytes = 16
	s := servertest.Start(t)
	s.Must("SET", "another", "key")
	dataset := func() int64 {
		m := s.Must("MEMORY", "STATS").Elems
		for i := 0; i < len(m); i += 2 {
			if m[i].Str == "dataset.bytes" {
				return m[i+1].Int
			}
		}
		t.Fatal("MEMORY STATS has no dataset.bytes")
		return 0
	}
	before := dataset()
	for name, command := range fillings() {
		if strings.Contains(name, "small") || name == "hashes" {
			continue
		}
		c := s.Dial()
		fillWith(c, 20_000, func(i int) []string {
			words := command(i)
			words[1] = "k"
			if words[0] == "SET" {
				words = []string{"APPEND", "k", words[2]}
			}
			return words
		})
		usage := s.Must("MEMORY", "USAGE", "k").Int - slotBytes
		if got := dataset() - before; got != usage {
			t.Errorf("%s: MEMORY USAGE says %d, the dataset has grown by %d", name, usage, got)
		}
		s.Must("UNLINK", "k")
		s.Eventually("the memory is free", 10*time.Second, func() bool { return s.Info("lazyfree_pending_objects") == "0" })
		if got := dataset(); got != before {
			t.Errorf("%s: %d bytes are left", name, got-before)
		}
	}
}

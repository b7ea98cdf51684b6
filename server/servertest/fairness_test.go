package servertest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// drivers runs a test under the event loop and under goroutines.
func drivers(t *testing.T, test func(t *testing.T, s *Server)) {
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) { test(t, Start(t, "--event-loop", driver, "--enable-debug-command", "yes")) })
	}
}

// greedy lets n clients send commands without end and read the replies as they come. It returns what each has received so
// far; the clients end with the test.
func greedy(t *testing.T, s *Server, n int, command ...string) []atomic.Int64 {
	t.Helper()
	received := make([]atomic.Int64, n)
	pipeline := bytes.Repeat(Encode(command...), 10_000)
	for i := range n {
		c := s.Dial()
		go func() {
			for {
				if _, err := c.Net.Write(pipeline); err != nil {
					return
				}
			}
		}()
		go func() {
			buf := make([]byte, 64<<10)
			for {
				n, err := c.Net.Read(buf)
				received[i].Add(int64(n))
				if err != nil {
					return
				}
			}
		}()
	}
	return received
}

// fillList makes a list of a thousand elements.
func fillList(s *Server) {
	push := []string{"RPUSH", "list"}
	for range 1000 {
		push = append(push, "element")
	}
	s.Must(push...)
	s.Must("SET", "k", "v")
}

// TestShareOfTurn lets one client or many send expensive commands with short replies without end. The evidence is the
// server's own: how many of them it executes in a turn. Uncut it would be all that are read at a time, some eight hundred of
// each client. That the turns are short as well is logged only: a loaded machine stops the process in the middle of any.
func TestShareOfTurn(t *testing.T) {
	for _, clients := range []int{1, 20} {
		t.Run(strconv.Itoa(clients), func(t *testing.T) {
			drivers(t, func(t *testing.T, s *Server) {
				s.Must("DEBUG", "POPULATE", "5000")
				greedy(t, s, clients, "KEYS", "x")
				s.Must("CONFIG", "RESETSTAT")
				calls, turns := 0, 0
				s.Eventually("a hundred turns have passed", 20*time.Second, func() bool {
					turns = number(t, s, "eventloop_cycles")
					return turns > 100
				})
				line := s.Info("cmdstat_keys")
				calls = int(field(t, line, "calls"))
				t.Logf("%d commands in %d turns, the longest share %s µs, the longest turn %s µs", calls, turns,
					s.Info("eventloop_longest_share_usec"), s.Info("eventloop_longest_turn_usec"))
				if calls == 0 || calls > 60*turns {
					t.Errorf("%d commands in %d turns of %.0f µs each", calls, turns, field(t, line, "usec_per_call"))
				}
			})
		})
	}
}

func number(t *testing.T, s *Server, field string) int {
	t.Helper()
	n, err := strconv.Atoi(s.Info(field))
	if err != nil {
		t.Fatalf("%s: %v", field, err)
	}
	return n
}

// TestAllGreedyAreServed wants clients that send without end to advance alike: more than the event loop reads in one turn.
func TestAllGreedyAreServed(t *testing.T) {
	for _, command := range [][]string{{"GET", "k"}, {"LRANGE", "list", "0", "99"}} {
		t.Run(command[0], func(t *testing.T) {
			drivers(t, func(t *testing.T, s *Server) {
				fillList(s)
				received := greedy(t, s, 100, command...)
				enough := int64(100_000) // each has had many turns
				if RaceEnabled {
					enough = 20_000 // all is many times slower
				}
				var all []int64
				defer func() { t.Logf("bytes: %d to %d, half of them %d", all[0], all[len(all)-1], all[len(all)/2]) }()
				s.Eventually("all have got something, the least a quarter of what half of them have", 20*time.Second, func() bool {
					all = all[:0]
					for i := range received {
						all = append(all, received[i].Load())
					}
					slices.Sort(all)
					return all[0] > enough && all[0] > all[len(all)/2]/4
				})
			})
		})
	}
}

// TestProbe asks for little while others ask for much. What it waits is measured by the client and so by the load of this
// machine as well: the assertion is what no machine should miss, the log has the figures.
func TestProbe(t *testing.T) {
	drivers(t, func(t *testing.T, s *Server) {
		fillList(s)
		greedy(t, s, 4, "LRANGE", "list", "0", "999")
		c := s.Dial()
		var took []time.Duration
		for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			began := time.Now()
			c.Must("GET", "k")
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		half, most := took[len(took)/2], took[len(took)-1]
		t.Logf("%d probes, half within %v, the longest %v", len(took), half, most)
		if half > 100*time.Millisecond {
			t.Errorf("half of the probes waited %v and more", half)
		}
	})
}

// TestTransactionIsNotCut runs transactions that take longer than a share, and never sees half of one.
func TestTransactionIsNotCut(t *testing.T) {
	drivers(t, func(t *testing.T, s *Server) {
		const n = 3000
		batch := "MULTI\r\n" + strings.Repeat("INCR a\r\n", n) + strings.Repeat("INCR b\r\n", n) + "EXEC\r\n"
		c := s.Dial()
		go func() {
			for range 20 {
				if c.TryWrite([]byte(batch)) != nil {
					return
				}
			}
		}()
		go func() { _, _ = c.ReadAll() }()
		s.Eventually("all have run", 20*time.Second, func() bool {
			r := s.Must("MGET", "a", "b").Strings()
			if a, _ := strconv.Atoi(r[0]); r[0] != r[1] || a%n != 0 {
				t.Fatalf("a is %s, b is %s", r[0], r[1])
			}
			return r[0] == strconv.Itoa(20*n)
		})
	})
}

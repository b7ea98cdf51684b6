package servertest_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"datastore/server/servertest"
)

// TestF01KillDashNine kills a daemon under writers again and again. After each restart every acknowledged write must be
// there, and no transaction may be torn: both of its keys hold the same number.
func TestF01KillDashNine(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	for _, policy := range []string{"always", "everysec", "no"} {
		for _, driver := range []string{"epoll", "goroutines"} {
			t.Run(policy+"/"+driver, func(t *testing.T) {
				t.Parallel()
				s := servertest.Start(t, "--appendonly", "yes", "--appendfsync", policy, "--event-loop", driver)
				acked := make([]int64, 8)
				for round := range rounds {
					write(t, s, acked, time.Duration(30+round*7)*time.Millisecond)
					s.Kill()
					s.Restart()
					verify(t, s, acked)
				}
			})
		}
	}
}

// write lets one goroutine per slot of acked write until the server is killed after d, and records the last number that
// was acknowledged.
func write(t *testing.T, s *servertest.Server, acked []int64, d time.Duration) {
	var wg sync.WaitGroup
	for w := range acked {
		c := s.Dial()
		wg.Go(func() {
			for n := acked[w] + 1; ; n++ {
				v := strconv.FormatInt(n, 10)
				var commands [][]string
				switch w % 3 {
				case 0: // single writes
					commands = [][]string{{"SET", fmt.Sprintf("a%d", w), v}}
				case 1: // a transaction over two keys and a list
					commands = [][]string{{"MULTI"}, {"SET", fmt.Sprintf("a%d", w), v}, {"RPUSH", fmt.Sprintf("l%d", w), v},
						{"SET", fmt.Sprintf("b%d", w), v}, {"EXEC"}}
				default: // a pipeline, acknowledged by its last reply
					commands = [][]string{{"HSET", fmt.Sprintf("h%d", w), "f", v}, {"SET", fmt.Sprintf("a%d", w), v}}
				}
				var raw []byte
				for _, args := range commands {
					raw = append(raw, servertest.Encode(args...)...)
				}
				if c.TryWrite(raw) != nil {
					return
				}
				for range commands {
					r, err := c.TryReceive(5 * time.Second)
					if err != nil {
						return
					}
					if r.IsError() {
						t.Errorf("writer %d: %s", w, r)
						return
					}
				}
				acked[w] = n
			}
		})
	}
	time.Sleep(d)
	s.Signal(9)
	wg.Wait()
}

func verify(t *testing.T, s *servertest.Server, acked []int64) {
	t.Helper()
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(s.Must("GET", key).Str, 10, 64) // missing is 0
		return n
	}
	for w, want := range acked {
		a := number(fmt.Sprintf("a%d", w))
		if a < want {
			t.Errorf("writer %d: %d was acknowledged, %d is there after kill -9", w, want, a)
		}
		if w%3 != 1 {
			acked[w] = a
			continue
		}
		b, l := number(fmt.Sprintf("b%d", w)), s.Must("LLEN", fmt.Sprintf("l%d", w)).Int
		if a != b || a != l {
			t.Errorf("writer %d: torn transaction: a=%d b=%d list has %d", w, a, b, l)
		}
		acked[w] = a
	}
}

// TestF02Terminate checks the orderly end: exit code 0, nothing lost even with appendfsync no, and a second signal ends
// the process at once.
func TestF02Terminate(t *testing.T) {
	s := servertest.Start(t, "--appendonly", "yes", "--appendfsync", "no", "--enable-debug-command", "local")
	for i := range 1000 {
		s.Must("SET", fmt.Sprint("k", i), "v")
	}
	digest := s.Digest()
	if code := s.Terminate(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	if !strings.Contains(s.Log(), "ready to exit, bye bye") {
		t.Error("the log lacks the words that supervisors wait for")
	}
	s.Restart()
	if got := s.Digest(); got != digest {
		t.Errorf("digest %s after restart, %s before", got, digest)
	}
}

// TestF17TwoServersOneDirectory checks that a second daemon refuses a directory in use and names the holder.
func TestF17TwoServersOneDirectory(t *testing.T) {
	first := servertest.Start(t, "--appendonly", "yes")
	second := servertest.StartWith(t, servertest.Options{Dir: first.Dir, NoWait: true, Directives: []string{"--appendonly", "yes"}})
	if code := second.WaitExit(10 * time.Second); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if want := strconv.Itoa(first.PID()); !strings.Contains(second.Log(), want) {
		t.Errorf("the log does not name pid %s:\n%s", want, second.Log())
	}
}

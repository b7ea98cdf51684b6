package servertest_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

// noise returns n bytes that compress badly and differ everywhere, so that a shifted or torn value shows.
func noise(seed uint64, n int) string {
	src := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], src.Uint64())
	}
	return string(b[:n])
}

const largeBytes = 5<<20 + 123 // above the size from which strings are received and sent without a copy

// Long arguments and replies take ways of their own through the server; whatever the command does with them, and however
// they are cut, the values are right, before and after a restart from the AOF.
func TestLargeValues(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		c := s.Dial()
		a, b := noise(1, largeBytes), noise(2, largeBytes+1)
		c.Must("SET", "a", a)
		c.Must("SET", "b", b, "EX", "1000")
		c.Must("MSET", "c", b, "small", "x", "d", a)
		c.Must("SETEX", "e", "1000", a)
		c.Must("RPUSH", "list", a, "x", b)
		c.Must("HSET", "hash", "f", a, "g", "y", b, "z")
		for key, want := range map[string]string{"a": a, "b": b, "c": b, "d": a, "e": a, "small": "x"} {
			if got := c.Do("GET", key); got.Str != want {
				t.Errorf("GET %s: %d bytes, not the %d set", key, len(got.Str), len(want))
			}
		}
		if got := c.Do("HGET", "hash", b); got.Str != "z" {
			t.Errorf("HGET of a long field: %.20q", got.Str)
		}
		if got := c.Do("LINDEX", "list", "2"); got.Str != b {
			t.Errorf("LINDEX: %d bytes", len(got.Str))
		}
		for i, r := range c.Do("MGET", "a", "none", "small", "b").Elems {
			if want := [...]string{a, "", "x", b}[i]; r.Str != want {
				t.Errorf("MGET %d: %d bytes, want %d", i, len(r.Str), len(want))
			}
		}
		for _, wrong := range [][]string{{"SET", a}, {"SET", "a", b, "NOSUCH"}, {"GETSET", "list", a}, {"NOSUCH", a, b}, {"INCRBY", "a", b}} {
			if got := c.Do(wrong...); got.Type != '-' {
				t.Errorf("%s: %.60q", wrong[0], got.Str)
			}
		}
		c.Must("MULTI")
		c.Must("SET", "m", b)
		c.Must("GET", "a")
		c.Must("GET", "m")
		if r := c.Do("EXEC"); len(r.Elems) != 3 || r.Elems[1].Str != a || r.Elems[2].Str != b {
			t.Error("EXEC does not give the long values back")
		}
		if got := c.Do("SET", "a", b, "GET"); got.Str != a {
			t.Error("SET with GET does not return the old value")
		}
		if got := c.Do("GETDEL", "a"); got.Str != b {
			t.Error("GETDEL does not return the value")
		}
		s.MustSurviveRestart()
	}, "--appendonly", "yes", "--enable-debug-command", "yes")
}

// A long argument may come in any pieces, with commands before and behind it in the same packets.
func TestLargeArgumentsInPieces(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		rng := rand.New(rand.NewPCG(1, 2))
		for round := range 3 {
			c := s.Dial()
			v := noise(uint64(round), largeBytes+rng.IntN(1<<20))
			var raw []byte
			raw = append(raw, servertest.Encode("PING")...)
			raw = append(raw, servertest.Encode("SET", "k", v)...)
			raw = append(raw, servertest.Encode("ECHO", "behind")...)
			raw = append(raw, servertest.Encode("MSET", "x", v, "y", v[1:], "z", "3")...)
			raw = append(raw, servertest.Encode("GET", "y")...)
			go func() {
				for rest := raw; len(rest) > 0; {
					n := min(len(rest), 1+rng.IntN(1<<(8+rng.IntN(14))))
					if c.TryWrite(rest[:n]) != nil {
						return
					}
					rest = rest[n:]
				}
			}()
			for i, want := range []string{"PONG", "OK", "behind", "OK", v[1:]} {
				if got := c.Receive(); got.Str != want {
					t.Fatalf("round %d, reply %d: %d bytes %.40q, want %d bytes", round, i, len(got.Str), got.Str, len(want))
				}
			}
			if got := c.Do("GET", "k"); got.Str != v {
				t.Fatalf("round %d: GET k: %d bytes, want %d", round, len(got.Str), len(v))
			}
			c.Close()
		}
	})
}

// While a client is slow to take a long value, the value is changed in every way there is; the client still gets what it
// was when the command ran, and no memory is lost.
func TestLargeReplyIsASnapshot(t *testing.T) {
	changes := [][]string{
		{"SETRANGE", "k", "100", "changed"}, {"APPEND", "k", "more"}, {"SET", "k", "short"}, {"DEL", "k"}, {"UNLINK", "k"},
		{"FLUSHALL"}, {"FLUSHDB", "ASYNC"}, {"EXPIRE", "k", "-1"}, {"RENAME", "k", "other"}, {"SET", "k", noise(9, largeBytes)},
		{"DEBUG", "RELOAD"},
	}
	both(t, func(t *testing.T, s *servertest.Server) {
		v, filler := noise(3, 16<<20), noise(4, 16<<20) // more than the sockets hold
		for i, change := range changes {
			if testing.Short() && i%3 > 0 {
				continue
			}
			slow, other := s.Dial(), s.Dial()
			other.Must("SET", "k", v)
			id := slow.Must("CLIENT", "ID").Int
			for range 2 {
				slow.Send("GET", "k")
			}
			slow.Send("PING")
			s.Eventually("the slow client's commands are executed", 20*time.Second, func() bool {
				return strings.Contains(other.Must("CLIENT", "LIST", "ID", strconv.FormatInt(id, 10)).Str, "cmd=ping")
			})
			other.Must(change...)
			other.Must("SET", "filler", filler) // would land in memory that was freed too early
			for range 2 {
				if got := slow.Receive(); got.Str != v {
					t.Fatalf("%v: the client got %d bytes, not what the value was\n%s", change, len(got.Str), s.Log())
				}
			}
			if got := slow.Receive(); got.Str != "PONG" {
				t.Fatalf("%v: after the value came %.20q", change, got.Str)
			}
			other.Must("FLUSHALL")
			slow.Close()
		}
		memoryReturns(t, s)
	}, "--enable-debug-command", "yes", "--save", "")
}

// A client that goes away in the middle of sending or receiving a long value leaves nothing behind.
func TestLargeValuesOfClientsThatLeave(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		v := noise(5, 16<<20)
		s.Must("SET", "k", v)
		for i := range 8 {
			c := s.Dial()
			if i%2 == 0 {
				raw := servertest.Encode("SET", "other", v)
				c.Write(raw[:len(raw)/2])
			} else {
				c.Send("GET", "k")
				c.ReadRaw(1 << 20)
			}
			if i%4 < 2 {
				s.Must("CLIENT", "KILL", "LADDR", s.Addr, "SKIPME", "yes")
			}
			c.Close()
		}
		if got := s.Do("GET", "k"); got.Str != v {
			t.Error("the value has changed")
		}
		s.Must("FLUSHALL")
		memoryReturns(t, s)
	})
}

// memoryReturns checks that an empty server holds little memory again.
func memoryReturns(t *testing.T, s *servertest.Server) {
	t.Helper()
	last := ""
	s.Eventually("the memory of deleted values is given back", 20*time.Second, func() bool {
		last = s.Info("allocator_active") + " of " + s.Info("used_memory")
		n, _ := strconv.Atoi(s.Info("allocator_active"))
		return n < 80<<20 && s.Info("lazyfree_pending_objects") == "0"
	})
	if strings.Contains(s.Log(), "Panic") {
		t.Errorf("a handler panicked; %s", last)
	}
}

// What a hundred clients announce and do not send takes no memory.
func TestLargeAnnouncements(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		before, _ := strconv.Atoi(s.Info("used_memory_rss"))
		head := append([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n"), bytes.Repeat([]byte("x"), 20_000)...)
		for range 100 {
			s.Dial().Write(head)
		}
		s.Must("PING")
		time.Sleep(100 * time.Millisecond)
		after, _ := strconv.Atoi(s.Info("used_memory_rss"))
		if after-before > 300<<20 { // a huge page each, at worst
			t.Errorf("%d MB for 100 clients that have sent 20 KB each", (after-before)>>20)
		}
	})
}

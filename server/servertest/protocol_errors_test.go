package servertest_test

import (
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

// closedAfter sends bytes over a new connection and returns everything that comes before the server closes it.
func closedAfter(t *testing.T, s *servertest.Server, raw string) string {
	t.Helper()
	c := s.Dial()
	go func() { _ = c.TryWrite([]byte(raw)) }() // the server may close before it has read everything
	got, err := c.ReadAll()
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("%.40q: not closed: %v", raw, err)
	}
	return string(got)
}

// TestF29LongLines sends lines beyond every limit; the shorter protocol errors are in testdata/diff/protocol.txt.
func TestF29LongLines(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		const kb = 1 << 10
		for _, c := range []struct{ raw, want string }{
			{strings.Repeat("a", 70*kb), "too big inline request"},
			{"PING " + strings.Repeat("a", 70*kb) + "\r\n", "too big inline request"},
			{"*" + strings.Repeat("1", 70*kb), "too big mbulk count string"},
			{"*1\r\n$" + strings.Repeat("1", 70*kb), "too big bulk count string"},
			{"*1048577\r\n$x\r\n", "invalid bulk length"},
			{"*2147483648\r\n", "invalid multibulk length"},
		} {
			if got, want := closedAfter(t, s, c.raw), "-ERR Protocol error: "+c.want+"\r\n"; got != want {
				t.Errorf("%.20q… is answered %q, want %q", c.raw, got, want)
			}
		}
		if got := s.Must("PING").Str; got != "PONG" {
			t.Error(got)
		}
	})
}

// TestF30BeforeLogin checks what a client may send that has not logged in: ten arguments, 16 KB each, 1 MB unexecuted.
func TestF30BeforeLogin(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		for _, c := range []struct{ raw, want string }{
			{"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"},
			{"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"},
			{"PING\r\n*1\r\n$16385\r\n", "-NOAUTH Authentication required.\r\n-ERR Protocol error: unauthenticated bulk length\r\n"},
		} {
			if got := closedAfter(t, s, c.raw); got != c.want {
				t.Errorf("%q is answered %q, want %q", c.raw, got, c.want)
			}
		}
		c := s.Dial()
		if r := c.Do("AUTH", strings.Repeat("x", 16384)); !strings.HasPrefix(r.Str, "WRONGPASS") {
			t.Error(r)
		}
		// Logging in lifts the limits, also for what is behind AUTH in the same bytes.
		long := strings.Repeat("y", 20000)
		c.Write(append(servertest.Encode("AUTH", "secret"), servertest.Encode("ECHO", long)...))
		if r := c.Receive(); r.Str != "OK" {
			t.Error(r)
		}
		if r := c.Receive(); r.Str != long {
			t.Error(r)
		}
	}, "--requirepass", "secret")
}

// TestF30UnreadErrors lets a client that has not logged in ask without reading: it is closed.
func TestF30UnreadErrors(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		c := s.Dial()
		deadline := time.Now().Add(20 * time.Second)
		request := []byte(strings.Repeat("PING\r\n", 10_000))
		for c.TryWrite(request) == nil {
			if time.Now().After(deadline) {
				t.Fatal("still connected")
			}
		}
	}, "--requirepass", "secret")
}

// TestF31CrossProtocol hides an HTTP request behind commands: it closes the connection at once, and nothing behind it runs.
func TestF31CrossProtocol(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		for _, raw := range []string{
			"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k 1\r\n", "PING\r\nhost: x\r\nSET k 1\r\n",
			"MULTI\r\nPOST x\r\nSET k 1\r\nEXEC\r\n",
		} {
			if got := closedAfter(t, s, raw); got != "" {
				t.Errorf("%q is answered %q", raw, got)
			}
		}
		if r := s.Must("EXISTS", "k"); r.Int != 0 {
			t.Error("a command behind the request was executed")
		}
		if n := strings.Count(s.Log(), "Possible SECURITY ATTACK detected"); n != 3 {
			t.Errorf("the log names %d attacks, want 3", n)
		}
	})
}

// TestF34QueueLimit lets a client queue without end: it is closed at client-query-buffer-limit and nothing has been
// executed. One that leaves in the middle of MULTI leaves nothing behind either.
func TestF34QueueLimit(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		c := s.Dial()
		c.Must("MULTI")
		go func() {
			for {
				if _, err := c.TryReceive(time.Second); err != nil {
					return
				}
			}
		}()
		sent, request := 0, []byte(strings.Repeat("INCR n\r\n", 1000))
		for c.TryWrite(request) == nil {
			if sent += 1000; sent > 1_000_000 {
				t.Fatal("a million commands are queued")
			}
		}
		s.WaitLog("reached max query buffer length", 5*time.Second)
		d := s.Dial()
		d.Must("MULTI")
		d.Must("INCR", "n")
		d.Close()
		s.Eventually("both are gone", 5*time.Second, func() bool { return s.Info("connected_clients") == "1" })
		if r := s.Must("EXISTS", "n"); r.Int != 0 {
			t.Error("a queued command was executed")
		}
		// The queue is counted, not what has passed: a connection may send many transactions.
		e := s.Dial()
		for range 20 {
			e.Must("MULTI")
			e.Write(request)
			for range 1000 {
				e.Receive()
			}
			e.Must("EXEC")
		}
	}, "--client-query-buffer-limit", "1mb")
}

// TestF34EffectsOfExec restarts from an AOF after a transaction of which some commands failed.
func TestF34EffectsOfExec(t *testing.T) {
	s := servertest.Start(t, "--appendonly", "yes", "--enable-debug-command", "yes")
	s.Must("SET", "str", "abc")
	c := s.Dial()
	c.Must("MULTI")
	for _, args := range [][]string{{"SET", "a", "1"}, {"INCR", "str"}, {"LPUSH", "str", "x"}, {"RPUSH", "l", "1", "2"},
		{"SET", "b", "2"}} {
		c.Must(args...)
	}
	if r := c.Do("EXEC"); len(r.Elems) != 5 || !r.Elems[1].IsError() || !r.Elems[2].IsError() || r.Elems[3].Int != 2 {
		t.Fatal(r)
	}
	digest := s.Must("DEBUG", "DIGEST").Str
	s.Kill()
	s.Restart()
	if got := s.Must("DEBUG", "DIGEST").Str; got != digest {
		t.Errorf("digest %s, want %s", got, digest)
	}
	if a, b, n := s.Must("GET", "a").Str, s.Must("GET", "b").Str, s.Must("LLEN", "l").Int; a != "1" || b != "2" || n != 2 {
		t.Errorf("a is %q, b is %q, l has %d elements", a, b, n)
	}
}

package servertest_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"datastore/server/servertest"
)

// cpuMs returns the processor time that a process has used; its clock ticks every 10 ms.
func cpuMs(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return (user + system) * 10
}

// idles fails unless the server uses next to no processor time for a second.
func idles(t *testing.T, s *servertest.Server, mostMs int) {
	t.Helper()
	before := cpuMs(t, s.PID())
	time.Sleep(time.Second)
	if used := cpuMs(t, s.PID()) - before; used > mostMs {
		t.Errorf("the server used %d ms of processor time in a second of idleness", used)
	}
}

// TestHalfClosed sends commands, closes its own direction, and gets all replies before the end.
func TestHalfClosed(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		for range 50 {
			c := s.Dial()
			c.Write(bytes.Repeat([]byte("PING\r\n"), 100))
			if err := c.Net.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := c.ReadAll()
			if err != nil || string(got) != strings.Repeat("+PONG\r\n", 100) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		}
	})
}

// TestPeerGoneWhileBlocked closes clients that wait, some with commands sent ahead: the server forgets them.
func TestPeerGoneWhileBlocked(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		for i := range 20 {
			c := s.Dial()
			c.Write([]byte("SET k v\r\nWAIT 1 0\r\n" + strings.Repeat("GET k\r\n", i%2)))
			if r := c.Receive(); r.Str != "OK" {
				t.Fatal(r)
			}
			if i%3 == 0 {
				s.Eventually("it waits", 5*time.Second, func() bool { return s.Info("blocked_clients") == "1" })
			}
			if i%4 == 1 {
				c.Write([]byte("GET k\r\n"))
			}
			c.Close()
			s.Eventually("it is forgotten", 5*time.Second, func() bool { return s.Info("blocked_clients") == "0" })
		}
	})
}

// TestGoesOnAfterWait blocks connections again and again with commands sent ahead and behind: all replies come, in order.
func TestGoesOnAfterWait(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		c, began := s.Dial(), time.Now()
		for i := range 30 {
			n := strconv.Itoa(i)
			c.Write([]byte("SET k " + n + "\r\nWAIT 1 5\r\nECHO " + n + "\r\nWAIT 1 1\r\n"))
			time.Sleep(time.Duration(i%8) * time.Millisecond)
			c.Write([]byte("ECHO x" + n + "\r\n"))
			got := fmt.Sprint(c.Receive().Str, c.Receive().Int, c.Receive().Str, c.Receive().Int, c.Receive().Str)
			if want := fmt.Sprint("OK", int64(0), n, int64(0), "x"+n); got != want {
				t.Fatalf("%d: %q, want %q", i, got, want)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("waits of 180 ms took %v", took)
		}
		c.Write([]byte("WAIT 1 0\r\nPING\r\n"))
		s.Eventually("it waits", 5*time.Second, func() bool { return s.Info("blocked_clients") == "1" })
		if strings.Contains(s.Must("CLIENT", "LIST").Str, "flags=b") {
			id := strings.Fields(strings.SplitN(s.Must("CLIENT", "LIST").Str, "id=", 3)[1])[0]
			if !strings.Contains(s.Must("CLIENT", "LIST", "ID", id).Str, "flags=b") {
				id = strings.Fields(strings.SplitN(s.Must("CLIENT", "LIST").Str, "id=", 3)[2])[0]
			}
			s.Must("CLIENT", "UNBLOCK", id)
		}
		if a, b := c.Receive(), c.Receive(); a.Int != 0 || b.Str != "PONG" {
			t.Errorf("%s %s", a, b)
		}
	})
}

// TestClosingWithoutReader says QUIT with commands behind it, reads nothing, and costs nothing.
func TestClosingWithoutReader(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		s.Must("SET", "big", strings.Repeat("x", 1<<20))
		c := s.Dial()
		c.Write([]byte(strings.Repeat("GET big\r\n", 40) + "QUIT\r\n" + strings.Repeat("PING\r\n", 1000)))
		s.Eventually("it is closing", 5*time.Second, func() bool {
			return strings.Contains(s.Must("CLIENT", "LIST").Str, "flags=c")
		})
		idles(t, s, 60)
		got, err := c.ReadAll()
		if want := 40*(1<<20+len("$1048576\r\n\r\n")) + len("+OK\r\n"); err == nil && len(got) != want {
			t.Errorf("%d bytes, want %d", len(got), want)
		}
	})
}

// TestGoneWithoutReading sends many commands and goes away: what was sent and not executed costs nothing afterwards.
func TestGoneWithoutReading(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		s.Must("SET", "k", strings.Repeat("v", 1000))
		for range 8 {
			c, err := servertest.TryDial(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Net.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			_, _ = c.Net.Write(bytes.Repeat([]byte("GET k\r\n"), 500_000))
			c.Close()
		}
		s.Eventually("they are forgotten", 5*time.Second, func() bool { return s.Info("connected_clients") == "1" })
		time.Sleep(100 * time.Millisecond)
		idles(t, s, 60)
	})
}

// TestLargeReplyToSlowReader takes a large value in small pieces; the rest is not moved for each of them.
func TestLargeReplyToSlowReader(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		const size = 64 << 20
		s.Must("SETRANGE", "big", strconv.Itoa(size-1), "x")
		before := cpuMs(t, s.PID())
		c := s.Dial()
		if err := c.Net.(*net.TCPConn).SetReadBuffer(256 << 10); err != nil {
			t.Fatal(err)
		}
		c.Send("GET", "big")
		left, buf := size+len("$67108864\r\n\r\n"), make([]byte, 32<<10)
		for left > 0 {
			n, err := c.Net.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			left -= n
		}
		if used := cpuMs(t, s.PID()) - before; used > 3000 {
			t.Errorf("the reply cost %d ms of processor time", used)
		}
	})
}

// TestBuffersAreGivenBack passes large values over many connections, which then own next to nothing.
func TestBuffersAreGivenBack(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		value := strings.Repeat("v", 1<<20)
		for range 100 {
			c := s.Dial()
			c.Must("SET", "k", value)
			if r := c.Must("GET", "k"); r.Str != value {
				t.Fatal("another value came back")
			}
		}
		churn := s.Dial()
		s.Eventually("memory is free again", 10*time.Second, func() bool {
			for range 20 {
				churn.Must("ECHO", value) // garbage for the collector to run
			}
			used, err := strconv.Atoi(s.Info("used_memory"))
			return err == nil && used < 48<<20
		})
	})
}

// TestF27OutOfDescriptors lets the server run out of file descriptors: it neither spins nor floods the log, and goes on
// accepting when one is closed.
func TestF27OutOfDescriptors(t *testing.T) {
	s := servertest.Start(t)
	s.Must("PING")
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	limit := uint64(len(list) + 5)
	if err := unix.Prlimit(s.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
	var conns []*servertest.Conn
	for range 20 {
		conns = append(conns, s.Dial()) // the kernel's queue takes what the server does not
	}
	conns[0].Must("PING")
	time.Sleep(50 * time.Millisecond)
	idles(t, s, 60)
	if n := strings.Count(s.Log(), "Accepting client connection"); n == 0 || n > 5 {
		t.Errorf("%d lines in the log, want 1 to 5", n)
	}
	for i, c := range conns {
		if r := c.Do("ECHO", strconv.Itoa(i)); r.Str != strconv.Itoa(i) {
			t.Fatal(r)
		}
		c.Close()
	}
}

// TestIdleConnections holds thousands of connections that have each been used once and are silent now.
func TestIdleConnections(t *testing.T) {
	const n = 5000
	s := servertest.Start(t)
	s.Must("PING")
	before := rssKB(t, s.PID())
	for i := range n {
		c := s.Dial()
		c.Must("SET", "k"+strconv.Itoa(i%10), "v")
	}
	limit := 4.0
	if servertest.RaceEnabled {
		limit = 16 // the race detector keeps notes of all memory
	}
	if perConn := float64(rssKB(t, s.PID())-before) / n; perConn > limit {
		t.Errorf("a connection occupies %.1f KB", perConn)
	} else {
		t.Logf("a connection occupies %.1f KB", perConn)
	}
	time.Sleep(500 * time.Millisecond)
	idles(t, s, 50)
}

package servertest_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
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
		most := 3000
		if servertest.RaceEnabled {
			most *= 5
		}
		if used := cpuMs(t, s.PID()) - before; used > most {
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

// idleConns opens n connections, uses each once, and leaves them alone. They close with the test.
func idleConns(t *testing.T, s *servertest.Server, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	const reply = "+OK\r\n"
	for from := 0; from < n; from += 100 { // as many as the kernel's queue takes
		some := conns[from:min(from+100, n)]
		for i := range some {
			c, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			some[i] = c
			if _, err := fmt.Fprintf(c, "SET k%d v\r\n", i); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range some {
			buf := make([]byte, len(reply))
			if _, err := io.ReadFull(c, buf); err != nil || string(buf) != reply {
				t.Fatalf("%q, %v", buf, err)
			}
		}
	}
	return conns
}

// TestIdleConnections holds ten thousand connections that have each been used once and are silent now: they occupy next to
// no memory and cost no time, and a client that does something is not delayed by them.
func TestIdleConnections(t *testing.T) {
	n := 10_000
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if most := int(files.Cur) - 500; n > most {
		t.Logf("%d connections, as this process may have %d files", most, files.Cur)
		n = most
	}
	s := servertest.Start(t, "--maxclients", strconv.Itoa(n+10))
	s.Must("PING")
	before := rssKB(t, s.PID())
	idleConns(t, s, n)
	limit := 4.0
	if servertest.RaceEnabled {
		limit = 16 // the race detector keeps notes of all memory
	}
	perConn := float64(rssKB(t, s.PID())-before) / float64(n)
	t.Logf("a connection occupies %.2f KB", perConn)
	if perConn > limit {
		t.Errorf("a connection occupies %.2f KB", perConn)
	}
	time.Sleep(500 * time.Millisecond)
	idles(t, s, 50)
	longest := 1 << 40 // turn of the event loop with a whole round of cron, in the best of some
	for range 5 {
		s.Must("CONFIG", "RESETSTAT")
		time.Sleep(1100 * time.Millisecond)
		usec, err := strconv.Atoi(s.Info("eventloop_longest_turn_usec"))
		if err != nil {
			t.Fatal(err)
		}
		if longest = min(longest, usec); longest < 3000 {
			break
		}
	}
	t.Logf("the longest turn in a second took %d µs", longest)
	if longest >= 3000 && !servertest.RaceEnabled {
		t.Errorf("with %d idle connections a turn takes %d µs", n, longest)
	}
}

// TestTimeout closes the connections that are silent, and only those.
func TestTimeout(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		conns := idleConns(t, s, 300)
		s.Must("CONFIG", "SET", "timeout", "2")
		busy := s.Dial()
		for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			busy.Must("PING")
		}
		s.Eventually("the others are closed", 5*time.Second, func() bool {
			busy.Must("PING")
			return strings.Contains(busy.Must("INFO", "clients").Str, "connected_clients:1\r\n") ||
				strings.Contains(busy.Must("INFO", "clients").Str, "connected_clients:2\r\n") // with the test's own
		})
		for _, c := range conns {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("a silent connection ends with %v", err)
			}
		}
		busy.Must("PING")
	})
}

// TestBurstIsGivenBack lets clients ask for megabytes each, so much at once that most of it waits in memory, and read it
// then. Afterwards nobody sends anything, and the memory returns to the system nevertheless.
func TestBurstIsGivenBack(t *testing.T) {
	if testing.Short() {
		t.Skip("moves a gigabyte: runs without -short only")
	}
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) { burst(t, servertest.Start(t, "--event-loop", driver)) })
	}
}

func burst(t *testing.T, s *servertest.Server) {
	const clients, commands, elements, size = 60, 10, 100, 10_000 // the kernel takes up to 4 MB for each
	push := []string{"RPUSH", "list"}
	for range elements {
		push = append(push, strings.Repeat("x", size))
	}
	s.Must(push...)
	before := rssKB(t, s.PID())
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error { // a small window, set before it is agreed on
		return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10) })
	}}
	conns := make([]net.Conn, clients)
	for i := range conns {
		c, err := dialer.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
		if _, err := c.Write(bytes.Repeat([]byte("LRANGE list 0 -1\r\n"), commands)); err != nil {
			t.Fatal(err)
		}
	}
	executed := fmt.Sprintf("calls=%d,", clients*commands)
	s.Eventually("all have been executed", 30*time.Second, func() bool {
		return strings.HasPrefix(s.Info("cmdstat_lrange"), executed)
	})
	during := rssKB(t, s.PID())
	reply := len(fmt.Sprintf("*%d\r\n", elements)) + elements*(len(fmt.Sprintf("$%d\r\n\r\n", size))+size)
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		if n, err := io.Copy(io.Discard, io.LimitReader(c, int64(commands*reply))); err != nil || int(n) != commands*reply {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	most := 48 << 10 // KB beyond what there was before
	if servertest.RaceEnabled {
		most *= 4
	}
	after := 0
	s.Eventually("the memory is given back", 30*time.Second, func() bool {
		time.Sleep(100 * time.Millisecond) // INFO, which would be traffic, is not asked for
		after = rssKB(t, s.PID())
		return after < before+most
	})
	t.Logf("resident: %d MB, %d MB when all was executed, %d MB at the end", before>>10, during>>10, after>>10)
	if during < before+4*most && !servertest.RaceEnabled {
		t.Errorf("the replies did not wait in memory, so that this test has shown nothing")
	}
}

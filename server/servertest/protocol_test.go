package servertest_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

// both runs a test with each driver of connections.
func both(t *testing.T, f func(t *testing.T, s *servertest.Server), directives ...string) {
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			f(t, servertest.Start(t, append(directives, "--event-loop", driver)...))
		})
	}
}

// TestF33SplitAnywhere sends a pipeline in two pieces, cut at every byte, and in single bytes: the replies are always the
// same.
func TestF33SplitAnywhere(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		var stream []byte
		for _, args := range [][]string{{"DEL", "k", "l"}, {"SET", "k", "a\r\nb"}, {"GET", "k"}, {"RPUSH", "l", "1", "", "3"},
			{"LRANGE", "l", "0", "-1"}, {"NOSUCH", "x"}, {"MULTI"}, {"INCR", "n"}, {"SET", "n", "0"}, {"EXEC"}} {
			stream = append(stream, servertest.Encode(args...)...)
		}
		stream = append(stream, "\r\n*0\r\nPING\r\n*-1\r\nECHO \"in line\"\n"...)
		c := s.Dial()
		c.Must("SET", "n", "0")
		c.Write(stream)
		want := "+"
		var replies []byte
		for len(replies) == 0 || !bytes.HasSuffix(replies, []byte("in line\r\n")) {
			replies = append(replies, c.ReadRaw(1)...)
		}
		if !strings.Contains(string(replies), want) {
			t.Fatalf("replies %q", replies)
		}
		check := func(what string) {
			if got := c.ReadRaw(len(replies)); !bytes.Equal(normal(got), normal(replies)) {
				t.Fatalf("%s: %q, want %q", what, got, replies)
			}
		}
		for cut := 1; cut < len(stream); cut++ {
			c.Write(stream[:cut])
			time.Sleep(200 * time.Microsecond)
			c.Write(stream[cut:])
			check(fmt.Sprint("cut at ", cut))
		}
		for _, b := range stream {
			c.Write([]byte{b})
		}
		check("byte by byte")
	})
}

// normal hides the reply of the first DEL, which differs between the first and later runs.
func normal(b []byte) []byte { return b[bytes.IndexByte(b, '\n'):] }

// TestF33DeepPipeline sends far more commands than a batch takes before it reads any reply.
func TestF33DeepPipeline(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		const n = 50_000
		c := s.Dial()
		var stream []byte
		for i := range n {
			stream = append(stream, servertest.Encode("SET", "k"+strconv.Itoa(i%100), strconv.Itoa(i))...)
			stream = append(stream, servertest.Encode("GET", "k"+strconv.Itoa(i%100))...)
		}
		c.Write(stream)
		for i := range n {
			if r := c.Receive(); r.Str != "OK" {
				t.Fatalf("SET %d: %s", i, r)
			}
			if r := c.Receive(); r.Str != strconv.Itoa(i) {
				t.Fatalf("GET %d: %s", i, r)
			}
		}
	})
}

// TestF32LargeValues stores values up to the limit, refuses one byte more, and gets them back whole.
func TestF32LargeValues(t *testing.T) {
	if testing.Short() {
		t.Skip("moves gigabytes")
	}
	s := servertest.Start(t)
	c := s.Dial()
	for _, size := range []int{1 << 20, 37<<20 + 1, 512 << 20} {
		value := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		c.Write(fmt.Appendf(nil, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n", size))
		c.Write(value)
		c.Write([]byte("\r\n"))
		if r := c.Receive(); r.Str != "OK" {
			t.Fatalf("SET of %d bytes: %s", size, r)
		}
		if r := c.Do("GET", "big"); r.Str != string(value) {
			t.Fatalf("GET of %d bytes gives %d bytes or other ones", size, len(r.Str))
		}
	}
	c.Write([]byte("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$536870913\r\n"))
	if r := c.Receive(); r.Str != "ERR Protocol error: invalid bulk length" {
		t.Errorf("one byte too many: %s", r)
	}
}

// TestF32AnnouncedOnly checks that memory grows with the bytes that arrived, not with the lengths announced.
func TestF32AnnouncedOnly(t *testing.T) {
	s := servertest.Start(t)
	s.Must("PING")
	before := rssKB(t, s.PID())
	for range 100 {
		c := s.Dial()
		c.Write([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n"))
		d := s.Dial()
		d.Write([]byte("*1048577\r\n"))
	}
	time.Sleep(200 * time.Millisecond)
	s.Must("PING")
	if grown := rssKB(t, s.PID()) - before; grown > 16<<10 {
		t.Errorf("the process grew by %d KB", grown)
	}
}

// TestF23SlowReader closes a client that asks and does not read, and serves the others meanwhile.
func TestF23SlowReader(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		s.Must("SET", "big", strings.Repeat("x", 1<<20))
		slow := s.Dial()
		slow.Must("PING")
		request := bytes.Repeat(servertest.Encode("GET", "big"), 1000)
		go func() { _ = slow.TryWrite(request) }() // fails when the server closes
		worst := time.Duration(0)
		deadline := time.Now().Add(20 * time.Second)
		for s.Info("connected_clients") != "1" && time.Now().Before(deadline) {
			began := time.Now()
			s.Must("PING")
			worst = max(worst, time.Since(began))
			time.Sleep(time.Millisecond)
		}
		if got := s.Info("connected_clients"); got != "1" {
			t.Errorf("%s clients are connected, want 1", got)
		}
		if worst > 500*time.Millisecond {
			t.Errorf("another client waited %v", worst)
		}
		if !strings.Contains(s.Log(), "output buffer limits") {
			t.Error("the log does not say why")
		}
	}, "--client-output-buffer-limit", "normal 16mb 0 0")
}

// TestF28Connections opens and closes many connections; their number and the process's descriptors return to the start.
func TestF28Connections(t *testing.T) {
	both(t, func(t *testing.T, s *servertest.Server) {
		s.Must("PING")
		fds := func() int {
			list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		before := fds()
		for range 5 {
			var conns []*servertest.Conn
			for range 200 {
				c := s.Dial()
				c.Must("PING")
				conns = append(conns, c)
			}
			for _, c := range conns {
				c.Close()
			}
		}
		s.Eventually("descriptors are closed", 5*time.Second, func() bool { return fds() <= before })
	})
}

func rssKB(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

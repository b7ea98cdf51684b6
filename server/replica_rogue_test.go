package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"datastore/server/servertest"
)

const fakeReplID = "0123456789abcdef0123456789abcdef01234567"

// fakePrimary answers the handshake of replicas and then runs a script on each connection.
type fakePrimary struct {
	t      *testing.T
	ln     net.Listener
	port   int
	conns  atomic.Int64
	script func(n int64, c net.Conn, r *bufio.Reader)
}

// newFakePrimary listens; script gets the number of the connection, from 1, and owns it after PSYNC was received.
func newFakePrimary(t *testing.T, script func(n int64, c net.Conn, r *bufio.Reader)) *fakePrimary {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakePrimary{t: t, ln: ln, port: ln.Addr().(*net.TCPAddr).Port, script: script}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return f
}

func (f *fakePrimary) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(c)
	for {
		words, err := readRequest(r)
		if err != nil {
			return
		}
		switch strings.ToUpper(words[0]) {
		case "PSYNC":
			f.script(f.conns.Add(1), c, r)
			return
		case "PING":
			_, _ = io.WriteString(c, "+PONG\r\n")
		default:
			_, _ = io.WriteString(c, "+OK\r\n")
		}
	}
}

// readRequest reads one command in RESP.
func readRequest(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	for err == nil && strings.TrimSpace(line) == "" {
		line, err = r.ReadString('\n')
	}
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		return nil, err
	}
	words := make([]string, n)
	for i := range words {
		if line, err = r.ReadString('\n'); err != nil {
			return nil, err
		}
		size, err := strconv.Atoi(strings.TrimSpace(line[1:]))
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		words[i] = string(b[:size])
	}
	return words, nil
}

func fullResync(offset int) string { return fmt.Sprintf("+FULLRESYNC %s %d\r\n", fakeReplID, offset) }

func announced(payload []byte) string { return fmt.Sprintf("$%d\r\n%s", len(payload), payload) }

// snapshotOf fetches the RDB file that a server sends to replicas, and the server's digest.
func snapshotOf(t *testing.T, s *servertest.Server) (payload []byte, digest string) {
	t.Helper()
	digest = s.Must("DEBUG", "DIGEST").Str
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = c.Write(servertest.Encode("SYNC"))
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	return payload, digest
}

// TestRoguePayload lets a primary send what is no sound snapshot: the replica keeps its data and tries again.
func TestRoguePayload(t *testing.T) {
	source := startPrimary(t)
	fillAll(source, "x")
	good, _ := snapshotOf(t, source)
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 1
	badSum := bytes.Clone(good)
	badSum[len(badSum)-1] ^= 1
	mark := strings.Repeat("m", 40)
	for name, sent := range map[string]string{
		"nothing":             "",
		"garbage":             strings.Repeat("\x00\xff", 5000),
		"error":               "-ERR no\r\n",
		"bad id":              "+FULLRESYNC ../../x 0\r\n" + announced(good),
		"bad offset":          "+FULLRESYNC " + fakeReplID + " -5\r\n" + announced(good),
		"continue":            "+CONTINUE " + fakeReplID + "\r\n",
		"long line":           "+" + strings.Repeat("x", 200_000) + "\r\n",
		"no announcement":     fullResync(0) + "\r\n\r\n:5\r\n",
		"negative length":     fullResync(0) + "$-1\r\n",
		"short mark":          fullResync(0) + "$EOF:abc\r\n" + string(good),
		"elf":                 fullResync(0) + announced([]byte("\x7fELF"+strings.Repeat("x", 1000))),
		"elf to mark":         fullResync(0) + "$EOF:" + mark + "\r\n\x7fELF" + strings.Repeat("x", 1000) + mark,
		"empty":               fullResync(0) + "$0\r\n",
		"magic only":          fullResync(0) + announced([]byte("REDIS0010")),
		"truncated":           fullResync(0) + announced(good)[:len(good)/2],
		"truncated content":   fullResync(0) + announced(good[:len(good)/2]),
		"truncated to mark":   fullResync(0) + "$EOF:" + mark + "\r\n" + string(good[:len(good)-9]) + mark,
		"no mark":             fullResync(0) + "$EOF:" + mark + "\r\n" + string(good),
		"wrong checksum":      fullResync(0) + announced(badSum),
		"damaged":             fullResync(0) + announced(damaged),
		"bytes behind":        fullResync(0) + announced(append(bytes.Clone(good), "more"...)),
		"from another planet": fullResync(0) + announced([]byte("REDIS9999"+string(good[9:]))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := make(chan struct{}, 100)
			p := newFakePrimary(t, func(_ int64, c net.Conn, _ *bufio.Reader) {
				_, _ = io.WriteString(c, sent)
				again <- struct{}{}
			})
			replica := startPrimary(t, "--appendonly", "yes")
			fillAll(replica, "own")
			digest := replica.Must("DEBUG", "DIGEST").Str
			replica.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(p.port))
			<-again
			<-again
			if replica.Must("DEBUG", "DIGEST").Str != digest {
				t.Error("the dataset has changed")
			}
			if replica.Info("master_link_status") != "down" {
				t.Error("the link counts as up")
			}
			replica.Must("REPLICAOF", "NO", "ONE")
			replica.Eventually("no files but AOF directory and lock", syncTimeout, func() bool {
				entries, err := os.ReadDir(replica.Dir)
				return err == nil && len(entries) <= 2
			})
		})
	}
}

// TestRogueStream lets a primary send what is no effect: the replica disconnects before it runs any of it.
func TestRogueStream(t *testing.T) {
	source := startPrimary(t)
	fillAll(source, "x")
	good, digest := snapshotOf(t, source)
	enc := func(words ...string) string { return string(servertest.Encode(words...)) }
	for name, sent := range map[string]string{
		"module":          enc("MODULE", "LOAD", "/tmp/x.so"),
		"config":          enc("CONFIG", "SET", "dir", "/"),
		"debug":           enc("DEBUG", "FLUSHALL"),
		"debug sleep":     enc("DEBUG", "SLEEP", "100"),
		"shutdown":        enc("SHUTDOWN", "NOSAVE"),
		"replicaof":       enc("REPLICAOF", "NO", "ONE"),
		"slaveof inline":  "SLAVEOF NO ONE\r\n",
		"acl":             enc("ACL", "SETUSER", "default", "off"),
		"save":            enc("SAVE"),
		"unknown":         enc("NO-SUCH-COMMAND", "a"),
		"arity":           enc("SET", "a"),
		"garbage":         "\x7fELF\x01\x01" + strings.Repeat("\x00", 70_000),
		"exec":            enc("EXEC"),
		"nested multi":    enc("MULTI") + enc("MULTI") + enc("EXEC"),
		"half multi":      enc("MULTI") + enc("SET", "half", "1"),
		"config in multi": enc("MULTI") + enc("SET", "half", "1") + enc("CONFIG", "SET", "dir", "/") + enc("EXEC"),
		"watch":           enc("WATCH", "a"),
		"psync":           enc("PSYNC", "?", "-1"),
		"auth":            enc("AUTH", "x"),
		"wrong type":      enc("SET", "xlist:str", "1") + enc("LPUSH", "xlist:str", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := make(chan int64, 100)
			p := newFakePrimary(t, func(n int64, c net.Conn, r *bufio.Reader) {
				again <- n
				_, _ = io.WriteString(c, fullResync(7)+announced(good))
				if n > 1 {
					_, _ = io.Copy(io.Discard, r)
					return
				}
				_, _ = io.WriteString(c, sent)
				if strings.Contains(name, "half") {
					time.Sleep(300 * time.Millisecond)
					return
				}
				_, _ = io.Copy(io.Discard, r) // until the replica disconnects
			})
			replica := startPrimary(t)
			replica.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(p.port))
			<-again
			select {
			case <-again:
			case <-time.After(15 * time.Second):
				t.Fatalf("the replica did not disconnect\n%s", replica.Log())
			}
			waitUp(replica)
			if replica.Must("DEBUG", "DIGEST").Str != digest {
				t.Error("the dataset is not the snapshot's")
			}
			if replica.Must("EXISTS", "half").Int != 0 {
				t.Error("half a transaction is visible")
			}
			if v := replica.Info("slave_repl_offset"); v != "7" {
				t.Errorf("offset %s", v)
			}
		})
	}
}

// TestLinkCutEverywhere cuts the link after every few bytes of a stream of transactions. No reader ever sees half of one,
// and the last synchronization has everything.
func TestLinkCutEverywhere(t *testing.T) {
	source := startPrimary(t)
	source.Must("SET", "a", "0")
	source.Must("SET", "b", "0")
	good, _ := snapshotOf(t, source)
	var stream []byte
	for i := range 40 {
		n := strconv.Itoa(i)
		stream = append(stream, servertest.Encode("MULTI")...)
		if i == 0 {
			stream = append(stream, servertest.Encode("SELECT", "0")...)
		}
		stream = append(stream, servertest.Encode("SET", "a", n)...)
		stream = append(stream, servertest.Encode("SET", "b", n)...)
		stream = append(stream, servertest.Encode("EXEC")...)
		stream = append(stream, servertest.Encode("PING")...)
	}
	const cuts = 60
	finished := make(chan struct{})
	p := newFakePrimary(t, func(n int64, c net.Conn, r *bufio.Reader) {
		_, _ = io.WriteString(c, fullResync(0)+announced(good))
		if n <= cuts {
			_, _ = c.Write(stream[:int(n)*len(stream)/cuts-int(n)%7])
			return
		}
		_, _ = c.Write(stream)
		if n == cuts+1 {
			close(finished)
		}
		_, _ = io.Copy(io.Discard, r)
	})
	var replicas [8]*servertest.Server // each backs off on its own, so that many cuts fit into the time
	for i := range replicas {
		replicas[i] = startPrimary(t)
		replicas[i].Must("REPLICAOF", "127.0.0.1", strconv.Itoa(p.port))
	}
	for done := false; !done; {
		select {
		case <-finished:
			done = true
		default:
		}
		for i, r := range replicas {
			if v := r.Must("MGET", "a", "b").Strings(); v[0] != v[1] {
				t.Fatalf("replica %d shows half a transaction: %q", i, v)
			}
		}
	}
	for i, r := range replicas {
		waitUp(r)
		r.Eventually("the whole stream", syncTimeout, func() bool { return r.Must("GET", "b").Str == "39" })
		if got := r.Info("slave_repl_offset"); got != strconv.Itoa(len(stream)) {
			t.Errorf("replica %d is at offset %s, want %d", i, got, len(stream))
		}
	}
}

// TestSlowReplica lets a replica read nothing behind its snapshot: it is disconnected at the limit.
func TestSlowReplica(t *testing.T) {
	primary := startPrimary(t, "--client-output-buffer-limit", "replica 2mb 0 0")
	c := primary.Dial()
	c.Send("SYNC")
	c.ReadRaw(4)
	primary.Eventually("replica is connected", syncTimeout, func() bool { return primary.Info("connected_slaves") == "1" })
	value := strings.Repeat("x", 100_000)
	for range 300 {
		primary.Must("SET", "k", value)
	}
	primary.Eventually("replica is disconnected", syncTimeout, func() bool { return primary.Info("connected_slaves") == "0" })
	if !strings.Contains(primary.Log(), "for overcoming of output buffer limits") {
		t.Error("the log does not say why")
	}
	if n, err := strconv.Atoi(primary.Info("mem_replication_backlog")); err != nil || n > 3<<20 {
		t.Errorf("%d bytes of the stream are still held (%v)", n, err)
	}
}

// TestSharedSnapshot attaches several replicas at once while writes go on.
func TestSharedSnapshot(t *testing.T) {
	primary := startPrimary(t)
	fillAll(primary, "x")
	var replicas [4]*servertest.Server
	for i := range replicas {
		replicas[i] = startPrimary(t)
	}
	for i, r := range replicas {
		r.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(primary.Port))
		primary.Must("SELECT", strconv.Itoa(i))
		primary.Must("INCR", "n")
	}
	for _, r := range replicas {
		waitUp(r)
	}
	change(primary, "x")
	sameData(t, primary, replicas[:]...)
}

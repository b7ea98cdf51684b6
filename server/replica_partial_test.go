package server_test

import (
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"datastore/server/servertest"
)

// cutter forwards connections to a server and cuts each after a number of bytes from the server, while that is not 0.
type cutter struct {
	port  int
	limit atomic.Int64
	cuts  atomic.Int64
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &cutter{port: ln.Addr().(*net.TCPAddr).Port}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			down, err := ln.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", target)
			if err != nil {
				_ = down.Close()
				continue
			}
			mu.Lock()
			open = append(open, down, up)
			mu.Unlock()
			wg.Go(func() { _, _ = io.Copy(up, down); _ = up.Close() })
			wg.Go(func() { p.forward(down, up) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return p
}

func (p *cutter) forward(down, up net.Conn) {
	defer func() { _ = down.Close() }()
	defer func() { _ = up.Close() }()
	buf := make([]byte, 512)
	var sent int64
	for {
		n, err := up.Read(buf)
		if err != nil {
			return
		}
		if limit := p.limit.Load(); limit > 0 && sent+int64(n) > limit {
			n = int(max(0, min(int64(n), limit-sent)))
			_, _ = down.Write(buf[:n])
			p.cuts.Add(1)
			return
		}
		sent += int64(n)
		if _, err := down.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestPartialResync cuts the link again and again under writes: each time the stream goes on where it was.
func TestPartialResync(t *testing.T) {
	ours := func(t *testing.T) *servertest.Server { return startPrimary(t) }
	redis := func(t *testing.T) *servertest.Server { return startRedisPrimary(t) }
	for _, tc := range []struct {
		name             string
		primary, replica func(*testing.T) *servertest.Server
		cuts             int
	}{
		{"ours to ours", ours, ours, 8}, {"ours to redis", ours, redis, 2}, {"redis to ours", redis, ours, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			primary, replica := tc.primary(t), tc.replica(t)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("primary\n%s\nreplica\n%s", primary.Log(), replica.Log())
				}
			})
			fillAll(primary, "x")
			p := newCutter(t, primary.Addr)
			replica.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(p.port))
			waitUp(replica)
			deadline := time.Now().Add(30 * time.Second)
			for i := 0; int(p.cuts.Load()) < tc.cuts && time.Now().Before(deadline); i++ {
				p.limit.Store(int64(700 + 37*i%500))
				change(primary, "x")
				time.Sleep(20 * time.Millisecond)
			}
			p.limit.Store(0)
			sameData(t, primary, replica)
			if n := primary.Info("sync_full"); n != "1" {
				t.Errorf("%s full synchronizations", n)
			}
			if n := primary.Info("sync_partial_ok"); n == "0" {
				t.Errorf("no partial synchronization")
			}
			change(primary, "x")
			sameData(t, primary, replica)
		})
	}
}

// TestPartialAfterPromotion lets a replica go on with a promoted one, and the former primary with its own replica.
func TestPartialAfterPromotion(t *testing.T) {
	a, b, c := startPrimary(t), startPrimary(t), startPrimary(t)
	fillAll(a, "x")
	replicate(b, a)
	replicate(c, a)
	a.Must("SELECT", "7")
	a.Must("SET", "in", "7")
	if n := a.Must("WAIT", "2", "5000").Int; n != 2 {
		t.Fatalf("WAIT gave %d", n)
	}
	sameData(t, a, b, c)
	b.Must("REPLICAOF", "NO", "ONE")
	b.Must("SELECT", "7")
	b.Must("SET", "more", "in 7")
	c.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(b.Port))
	waitUp(c)
	b.Must("SET", "still more", "in 7")
	sameData(t, b, c)
	if ok, full := b.Info("sync_partial_ok"), b.Info("sync_full"); ok != "1" || full != "0" {
		t.Errorf("%s partial and %s full synchronizations of the other replica\n%s", ok, full, b.Log())
	}
	a.Must("SET", "lost", "write of the old primary")
	a.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(b.Port))
	waitUp(a)
	sameData(t, b, a, c)
	if n := a.Must("EXISTS", "lost").Int; n != 0 {
		t.Error("the old primary kept a write that the new one never had")
	}
}

// TestBacklogOverrun loses more of the stream than the backlog keeps: the synchronization is full.
func TestBacklogOverrun(t *testing.T) {
	primary, replica := startPrimary(t, "--repl-backlog-size", "20000"), startPrimary(t)
	p := newCutter(t, primary.Addr)
	replica.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(p.port))
	waitUp(replica)
	p.limit.Store(1)
	primary.Must("SET", "k", "v")
	primary.Eventually("link is cut", syncTimeout, func() bool { return primary.Info("connected_slaves") == "0" })
	for range 50 {
		primary.Must("SET", "k", strings.Repeat("x", 1000))
	}
	p.limit.Store(0)
	waitUp(replica)
	sameData(t, primary, replica)
	if n := primary.Info("sync_full"); n != "2" {
		t.Errorf("%s full synchronizations, want 2", n)
	}
	first, _ := strconv.Atoi(primary.Info("repl_backlog_first_byte_offset"))
	length, _ := strconv.Atoi(primary.Info("repl_backlog_histlen"))
	end, _ := strconv.Atoi(primary.Info("master_repl_offset"))
	if length > 20000 || first+length != end+1 {
		t.Errorf("backlog from %d with %d bytes, stream ends at %d", first, length, end)
	}
}

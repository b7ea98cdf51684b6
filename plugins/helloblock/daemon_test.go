package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

const patience = 20 * time.Second

// want runs a command, given as words, and compares its reply as servertest shows it.
func want(t *testing.T, c *servertest.Conn, command, reply string) {
	t.Helper()
	if got := c.Do(strings.Fields(command)...).String(); got != reply {
		t.Errorf("%s: %s, want %s", command, got, reply)
	}
}

func received(t *testing.T, c *servertest.Conn, reply string) {
	t.Helper()
	if got := c.Receive().String(); got != reply {
		t.Errorf("received %s, want %s", got, reply)
	}
}

func blockedClients(s *servertest.Server, n int) {
	s.Eventually(fmt.Sprint("blocked_clients:", n), patience, func() bool { return s.Info("blocked_clients") == fmt.Sprint(n) })
}

// Rules: BLK-2, BLK-3, BLK-4.
func TestHelloBlock(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", servertest.BuildModule(t, "plugins/helloblock"))
	c := s.Dial()
	if r := c.Do("HELLO.BLOCK", "0", "0"); r.Type != ':' {
		t.Errorf("HELLO.BLOCK: %s", r)
	}
	want(t, c, "HELLO.BLOCK 100 20", "Request timedout")
	for _, wrong := range []string{"x 1", "1 x", "-1 0", "1 -1"} {
		want(t, c, "HELLO.BLOCK "+wrong, "(error) ERR invalid count")
	}
	want(t, c, "HELLO.BLOCK 1", "(error) ERR wrong number of arguments for 'hello.block' command")
	gone := s.Dial()
	gone.Send("HELLO.BLOCK", "100", "0")
	blockedClients(s, 1)
	gone.Close()
	s.WaitLog("<helloblock> a blocked client has disconnected", patience)
	s.Eventually("the handle is given back", patience, func() bool {
		return strings.HasSuffix(s.Info("module_helloblock"), "blocked=0,goroutines=0")
	})
}

func TestHelloKeys(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", servertest.BuildModule(t, "plugins/helloblock"))
	c := s.Dial()
	want(t, c, "HELLO.KEYS", "[]")
	c.Must("SELECT", "3")
	keys := make([]string, 500)
	for i := range keys {
		keys[i] = fmt.Sprintf("key%03d", i)
		c.Must("SET", keys[i], "v")
	}
	got := c.Do("HELLO.KEYS").Strings()
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, keys) {
		t.Errorf("%d keys of %d", len(got), len(keys))
	}
}

// TestBPop: who waits first is served first, by lists only, and what is popped reaches replicas and the append-only file
// without the module.
//
// Rules: BLK-7, BLK-10.
func TestBPop(t *testing.T) {
	module := servertest.BuildModule(t, "plugins/helloblock")
	s := servertest.Start(t, "--loadmodule", module, "--appendonly", "yes", "--enable-debug-command", "yes")
	replica := servertest.Start(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", s.Port), "--enable-debug-command", "yes")
	replica.Eventually("the replica is connected", patience, func() bool { return replica.Info("master_link_status") == "up" })
	c, clients := s.Dial(), []*servertest.Conn{s.Dial(), s.Dial(), s.Dial()}
	clients[2].Resp3()
	for i, w := range clients {
		w.Send("HELLOBLOCK.BPOP", "l", "0")
		blockedClients(s, i+1)
	}
	want(t, c, "SADD l x", "(integer) 1")
	want(t, c, "HELLOBLOCK.BPOP l 0", "(error) WRONGTYPE Operation against a key holding the wrong kind of value")
	want(t, c, "DEL l", "(integer) 1")
	want(t, c, "RPUSH l a b", "(integer) 2")
	received(t, clients[0], `"b"`)
	received(t, clients[1], `"a"`)
	if !clients[2].Silent(50 * time.Millisecond) {
		t.Error("the third client got something")
	}
	want(t, c, "EXISTS l", "(integer) 0")
	want(t, c, "RPUSH l c d", "(integer) 2")
	received(t, clients[2], `"d"`)
	want(t, clients[2], "HELLOBLOCK.BPOP none 20", "(nil)")
	want(t, c, "HELLOBLOCK.BPOP none 20", "(nil)")
	want(t, c, "HELLOBLOCK.BPOP none x", "(error) ERR invalid count")
	// A client that is being closed is not served any more.
	id := fmt.Sprint(clients[0].Do("CLIENT", "ID").Int)
	clients[0].Send("HELLOBLOCK.BPOP", "l2", "0")
	blockedClients(s, 1)
	got := c.Pipeline([]string{"CLIENT", "KILL", "ID", id}, []string{"RPUSH", "l2", "x"}, []string{"LLEN", "l2"})
	if got[2].Int != 1 {
		t.Errorf("an element was popped for a client that was killed: %v", got)
	}
	digest := s.Digest()
	replica.Eventually("the replica is equal", patience, func() bool { return replica.Digest() == digest })
	s.Restart("--appendonly", "yes", "--enable-debug-command", "yes")
	if got := s.Digest(); got != digest {
		t.Error("the data after the restart differs")
	}
	want(t, s.Dial(), "LRANGE l 0 -1", `["c"]`)
}

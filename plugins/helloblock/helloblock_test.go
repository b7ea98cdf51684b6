package main

import (
	"strings"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/plugin/plugintest"
)

// TestWaitingForTime: HELLO.BLOCK ends with its timeout by the server's clock, which the test moves, or with its delay by
// the goroutine's, which is real.
func TestWaitingForTime(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{})
	c := s.Client()
	c.Send("HELLO.BLOCK", 100, 5000)
	c.Send("PING")
	s.Advance(4999 * time.Millisecond)
	if !c.Blocked() {
		t.Fatal("the client does not wait")
	}
	s.Advance(time.Millisecond)
	c.Recv().Want("Request timedout")
	c.Recv().Want("PONG")
	c.Do("HELLO.BLOCK", 0, 0).Int()
	for _, wrong := range [][]any{{"x", 1}, {1, "x"}, {-1, 0}, {1, -1}} {
		s.Do(append([]any{"HELLO.BLOCK"}, wrong...)...).Want(plugin.ReplyError("ERR invalid count"))
	}
	s.Do("MULTI")
	s.Do("HELLO.BLOCK", 0, 0)
	if r := s.Do("EXEC").Elems(); len(r) != 1 || r[0].Err() == nil {
		t.Errorf("in a transaction: %v", r)
	}
}

// TestWaitingForAKey: who waits first is served first, and what is popped is propagated as such.
func TestWaitingForAKey(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{AOF: true, Replica: true})
	first, second := s.Client(), s.Client3()
	for _, c := range []*plugintest.Client{first, second} {
		c.Send("HELLOBLOCK.BPOP", "l", 1000)
		if !c.Blocked() {
			t.Fatal("the client does not wait")
		}
	}
	s.Do("SADD", "l", "x")
	s.Do("HELLOBLOCK.BPOP", "l", 0).Want(plugin.ErrWrongType)
	s.Do("DEL", "l")
	s.Do("RPUSH", "l", "a", "b").Want(2)
	first.Recv().Want("b")
	second.Recv().Want("a")
	s.WantStream("SADD l x", "DEL l", "RPUSH l a b", "RPOP l", "RPOP l")
	first.Send("HELLOBLOCK.BPOP", "l", 1000)
	s.Advance(time.Second)
	first.Recv().Want(nil)
	s.ReplayAOF(nil).Do("DBSIZE").Want(0)
}

// TestGoneClient: a client that goes away while it waits leaves nothing behind.
func TestGoneClient(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{})
	c := s.Client()
	c.Send("HELLO.BLOCK", 100, 0)
	if !c.Blocked() {
		t.Fatal("the client does not wait")
	}
	if err := s.Unload(); err == nil {
		t.Error("a module with a blocked client can be unloaded")
	}
	c.Close()
	for deadline := time.Now().Add(10 * time.Second); s.Unload() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the handle is not given back")
		}
	}
	if !strings.Contains(s.Log(), "# <helloblock> a blocked client has disconnected") {
		t.Errorf("log:\n%s", s.Log())
	}
}

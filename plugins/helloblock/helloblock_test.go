package main

import (
	"testing"
	"time"

	"datastore/plugin/plugintest"
)

func TestBPopWaitsForAKey(t *testing.T) {
	t.Parallel()
	s := plugintest.New(t, OnLoad, plugintest.Options{AOF: true, Replica: true})
	first, second, late := s.Client(), s.Client3(), s.Client()
	for _, c := range []*plugintest.Client{first, second} {
		c.Send("HELLOBLOCK.BPOP", "l", 0)
		if !c.Blocked() {
			t.Fatal("HELLOBLOCK.BPOP does not wait for a missing key")
		}
	}
	late.Send("HELLOBLOCK.BPOP", "l", 5000)
	if !late.Blocked() {
		t.Fatal("HELLOBLOCK.BPOP does not wait for a missing key")
	}
	s.Do("RPUSH", "l", "a", "b")
	first.Recv().Want("b")
	second.Recv().Want("a")
	s.WantStream("RPUSH l a b", "RPOP l", "RPOP l")
	s.Advance(4999 * time.Millisecond)
	if !late.Blocked() {
		t.Error("HELLOBLOCK.BPOP ends before its time")
	}
	s.Advance(time.Millisecond)
	late.Recv().Want(nil)
	s.WantStream()
}

func TestBlockInATransaction(t *testing.T) {
	t.Parallel()
	c := plugintest.New(t, OnLoad, plugintest.Options{}).Client()
	c.Do("MULTI")
	c.Do("HELLO.BLOCK", 1, 0)
	c.Do("HELLO.KEYS")
	for i, r := range c.Do("EXEC").Elems() {
		if got, want := r.Err(), "ERR Blocking module command called from transaction"; got == nil || got.Error() != want {
			t.Errorf("reply %d: %v, want %s", i, got, want)
		}
	}
}

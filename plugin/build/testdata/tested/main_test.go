package main

import (
	"testing"

	"datastore/plugin/plugintest"
)

func TestPush(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{AOF: true, Replica: true})
	s.Do("TESTED.PUSH", "l", "a").Want(1)
	s.WantStream("RPUSH l a")
	s.ReplayAOF(nil)
}

func TestThatFails(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{})
	s.Do("TESTED.PUSH", "l", "a").Want(2)
}

package main_test

import (
	"testing"

	"datastore/server/servertest"
)

// TestDaemon: the module builds and loads as a plugin, and what it holds outlives it.
func TestDaemon(t *testing.T) {
	module := servertest.BuildModule(t, "plugins/bloom")
	s := servertest.Start(t, "--loadmodule", module, "--appendonly", "yes")
	s.Must("BF.RESERVE", "f", "0.001", "1000")
	s.Must("BF.MADD", "f", "alice", "bob")
	s.Must("BF.ADD", "f", "carol")
	s.Must("SAVE")
	s.Restart("--loadmodule", module, "--appendonly", "yes")
	if got := s.Must("BF.MEXISTS", "f", "alice", "bob", "carol", "dave").String(); got != "[(integer) 1 (integer) 1 (integer) 1 (integer) 0]" {
		t.Errorf("after a restart: %s", got)
	}
	s.Must("CONFIG", "SET", "appendonly", "no")
	s.Must("SAVE")
	s.Restart() // without the module
	if got := s.Must("TYPE", "f").Str; got != "bloomfltr" {
		t.Errorf("without the module the filter is a %q", got)
	}
	s.Must("SAVE")
	s.Restart("--loadmodule", module)
	if got := s.Must("BF.MEXISTS", "f", "alice", "dave").String(); got != "[(integer) 1 (integer) 0]" {
		t.Errorf("with the module again: %s", got)
	}
}

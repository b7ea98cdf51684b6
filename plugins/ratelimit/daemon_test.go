package main_test

import (
	"testing"

	"datastore/server/servertest"
)

// TestDaemon: the module builds and loads as a plugin; its limits outlive it.
func TestDaemon(t *testing.T) {
	module := servertest.BuildModule(t, "plugins/ratelimit")
	s := servertest.Start(t, "--loadmodule", module, "--appendonly", "yes")
	if r := s.Must("RL.THROTTLE", "user", "2", "1", "1000", "3"); len(r.Elems) != 5 || r.Elems[0].Int != 0 {
		t.Errorf("the first request: %s", r)
	}
	state := s.Must("GET", "user").Str
	s.Restart("--appendonly", "yes") // without the module
	if got := s.Must("GET", "user").Str; got != state {
		t.Errorf("after a restart without the module the state is %q, want %q", got, state)
	}
	if r := s.Do("RL.THROTTLE", "user", "2", "1", "1000"); !r.IsError() {
		t.Errorf("the command is still there: %s", r)
	}
	s.Restart("--appendonly", "yes", "--loadmodule", module)
	if r := s.Must("RL.THROTTLE", "user", "2", "1", "1000"); r.Elems[0].Int != 1 {
		t.Errorf("the limit is forgotten: %s", r)
	}
}

package main_test

import (
	"strings"
	"testing"

	"datastore/server/servertest"
)

// TestDaemon: the module builds and loads as a plugin, and what it wrote is replayed by a daemon without it.
func TestDaemon(t *testing.T) {
	module := servertest.BuildModule(t, "plugins/helloworld")
	s := servertest.Start(t, "--loadmodule", module, "an argument", "--appendonly", "yes")
	c := s.Dial()
	for _, command := range []string{"HELLO.PUSH.NATIVE l a", "HELLO.PUSH.CALL l b", "HELLO.COUNTER n 5"} {
		c.Must(strings.Fields(command)...)
	}
	if !strings.Contains(s.Log(), "<helloworld> loaded with argument 0: an argument") {
		t.Error("the log does not have the argument")
	}
	s.Restart("--appendonly", "yes")
	c = s.Dial()
	if got := c.Must("LRANGE", "l", "0", "-1").String() + c.Must("GET", "n").String(); got != `["a" "b"]"5"` {
		t.Errorf("after a restart without the module: %s", got)
	}
}

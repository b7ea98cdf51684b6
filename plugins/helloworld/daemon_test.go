package main_test

import (
	"strings"
	"testing"

	"datastore/server/servertest"
)

// want runs a command, given as words, and compares its reply as servertest shows it.
func want(t *testing.T, c *servertest.Conn, command, reply string) {
	t.Helper()
	if got := c.Do(strings.Fields(command)...).String(); got != reply {
		t.Errorf("%s: %s, want %s", command, got, reply)
	}
}

func TestCommands(t *testing.T) {
	module := servertest.BuildModule(t, "plugins/helloworld")
	s := servertest.Start(t, "--loadmodule", module, "an argument", "--appendonly", "yes")
	c := s.Dial()
	for _, tt := range [][2]string{
		{"SELECT 5", "OK"},
		{"HELLO.SIMPLE", "(integer) 5"},
		{"HELLO.PUSH.NATIVE l 1", "(integer) 1"},
		{"HELLO.PUSH.CALL l twenty", "(integer) 2"},
		{"hello.push.native l 300", "(integer) 3"},
		{"HELLO.LIST.SUM.LEN l", "(integer) 10"},
		{"HELLO.LIST.SUM.LEN missing", "(integer) 0"},
		{"HELLO.LIST.SPLICE l l2 2", "(integer) 1"},
		{"LRANGE l2 0 -1", `["twenty" "300"]`},
		{"HELLO.LIST.SPLICE.AUTO l2 l2 1", "(integer) 2"},
		{"LRANGE l2 0 -1", `["300" "twenty"]`},
		{"HELLO.LIST.SPLICE l l2 99", "(integer) 0"},
		{"EXISTS l", "(integer) 0"},
		{"HELLO.LIST.SPLICE l l2 -1", "(error) ERR invalid count"},
		{"HELLO.RAND.ARRAY 0", "[]"},
		{"HELLO.RAND.ARRAY x", "(error) ERR invalid count"},
		{"HELLO.REPL1", "(integer) 0"},
		{"SET s aBc-1", "OK"},
		{"HELLO.TOGGLE.CASE s", "OK"},
		{"GET s", `"AbC-1"`},
		{"HELLO.TOGGLE.CASE missing", "OK"},
		{"EXISTS missing", "(integer) 0"},
		{"HELLO.MORE.EXPIRE s 1000", "OK"},
		{"TTL s", "(integer) -1"},
		{"EXPIRE s 1000", "(integer) 1"},
		{"HELLO.MORE.EXPIRE s 500000", "OK"},
		{"TTL s", "(integer) 1500"},
		{"HELLO.MORE.EXPIRE s -1", "(error) ERR invalid expire time"},
		{"HELLO.COUNTER n", `[(integer) 1 "2"]`},
		{"HELLO.COUNTER n 4", `[(integer) 5 "10"]`},
		{"HELLO.COUNTER s", "(error) ERR value is not an integer or out of range"},
		{"HELLO.COUNTER n 1 2", "(error) ERR wrong number of arguments for 'hello.counter' command"},
		{"HELLO.LEFTPAD x 4 -", `"---x"`},
		{"HELLO.LEFTPAD long 2 -", `"long"`},
		{"HELLO.LEFTPAD x 4 ab", "(error) ERR padding must be a single char"},
		{"HELLO.PUSH.NATIVE s 1", "(error) WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"HELLO.PUSH.CALL s 1", "(error) WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"HELLO.LIST.SUM.LEN s", "(error) WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"HELLO.PUSH.NATIVE s", "(error) ERR wrong number of arguments for 'hello.push.native' command"},
	} {
		want(t, c, tt[0], tt[1])
	}
	if r := c.Must("HELLO.RAND.ARRAY", "1000"); len(r.Elems) != 1000 || r.Elems[0].Type != ':' {
		t.Errorf("HELLO.RAND.ARRAY: %d elements", len(r.Elems))
	}
	if r := c.Must("HELLOWORLD.RAND"); r.Type != ':' {
		t.Errorf("HELLOWORLD.RAND: %s", r)
	}
	if !strings.Contains(s.Log(), "<helloworld> loaded with argument 0: an argument") {
		t.Error("the log does not have the argument")
	}

	// What the commands wrote is replayed without the module.
	s.Restart("--appendonly", "yes")
	c = s.Dial()
	for _, tt := range [][2]string{
		{"SELECT 5", "OK"},
		{"LRANGE l2 0 -1", `["1" "300" "twenty"]`},
		{"GET s", `"AbC-1"`},
		{"TTL s", "(integer) 1500"},
		{"GET n", `"5"`},
		{"DBSIZE", "(integer) 3"},
	} {
		want(t, c, tt[0], tt[1])
	}
}

// TestVerbatim: a command that is replicated as it was sent needs its module for the replay.
func TestVerbatim(t *testing.T) {
	module := servertest.BuildModule(t, "plugins/helloworld")
	s := servertest.Start(t, "--loadmodule", module, "--appendonly", "yes")
	c := s.Dial()
	c.Must("RPUSH", "l", "1", "x", "40")
	want(t, c, "HELLO.REPL2 l", "(integer) 44")
	want(t, c, "LRANGE l 0 -1", `["2" "1" "41"]`)
	s.Restart("--loadmodule", module, "--appendonly", "yes")
	want(t, s.Dial(), "LRANGE l 0 -1", `["2" "1" "41"]`)
}

package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
	module := servertest.BuildModule(t, "plugins/hellotype")
	s := servertest.Start(t, "--loadmodule", module, "--appendonly", "yes", "--enable-debug-command", "yes")
	c := s.Dial()
	for _, tt := range [][2]string{
		{"HELLOTYPE.LEN l", "(integer) 0"},
		{"HELLOTYPE.RANGE l 0 10", "[]"},
		{"EXISTS l", "(integer) 0"},
		{"HELLOTYPE.INSERT l 5", "(integer) 1"},
		{"HELLOTYPE.INSERT l -9223372036854775808", "(integer) 2"},
		{"HELLOTYPE.INSERT l 5", "(integer) 3"},
		{"HELLOTYPE.INSERT l 3", "(integer) 4"},
		{"HELLOTYPE.INSERT l x", "(error) ERR invalid value: must be a signed 64 bit integer"},
		{"HELLOTYPE.INSERT l", "(error) ERR wrong number of arguments for 'hellotype.insert' command"},
		{"HELLOTYPE.RANGE l 0 10", "[(integer) -9223372036854775808 (integer) 3 (integer) 5 (integer) 5]"},
		{"HELLOTYPE.RANGE l 1 2", "[(integer) 3 (integer) 5]"},
		{"HELLOTYPE.RANGE l 9 2", "[]"},
		{"HELLOTYPE.RANGE l 0 -1", "(error) ERR invalid first or count parameters"},
		{"HELLOTYPE.RANGE l -1 1", "(error) ERR invalid first or count parameters"},
		{"HELLOTYPE.LEN l", "(integer) 4"},
		{"TYPE l", "hellotype"},
		{"COPY l copy", "(integer) 1"},
		{"HELLOTYPE.INSERT copy 7", "(integer) 5"},
		{"HELLOTYPE.LEN l", "(integer) 4"},
		{"SET s x", "OK"},
		{"HELLOTYPE.LEN s", "(error) WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"HELLOTYPE.INSERT s 1", "(error) WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"GET l", "(error) WRONGTYPE Operation against a key holding the wrong kind of value"},
	} {
		want(t, c, tt[0], tt[1])
	}
	replica := servertest.Start(t, "--loadmodule", module, "--enable-debug-command", "yes", "--replicaof", fmt.Sprint("127.0.0.1 ", s.Port))
	replica.Eventually("the link is up", 10*time.Second, func() bool { return replica.Info("master_link_status") == "up" })
	want(t, c, "HELLOTYPE.INSERT l 4", "(integer) 5")
	c.Must("WAIT", "1", "10000")
	if got := replica.Digest(); got != s.Digest() {
		t.Errorf("the replica has %s, the primary %s", got, s.Digest())
	}
	want(t, replica.Dial(), "HELLOTYPE.RANGE l 1 2", "[(integer) 3 (integer) 4]")
	s.MustSurviveReload()
	s.MustSurviveRestart()
	want(t, s.Dial(), "HELLOTYPE.RANGE l 1 2", "[(integer) 3 (integer) 4]")
}

// TestOriginalPayload reads a value as the original module saves it: type 7, the id of "hellotype" in version 0, and 2 and
// 7 and -1 as unsigned numbers.
//
// Rules: RDB-1, TYP-2.
func TestOriginalPayload(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", servertest.BuildModule(t, "plugins/hellotype"))
	c := s.Dial()
	want(t, c, "HELLOTYPE.INSERT l 7", "(integer) 1")
	want(t, c, "HELLOTYPE.INSERT l -1", "(integer) 2")
	// h 33, e 30, l 37, l 37, o 40, t 45, y 50, p 41, e 30; a signed number is written with all of its 64 bits.
	id := uint64(33<<58 | 30<<52 | 37<<46 | 37<<40 | 40<<34 | 45<<28 | 50<<22 | 41<<16 | 30<<10)
	value := fmt.Sprintf("\x07\x81%s\x02\x02\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\x02\x07\x00", bigEndian(id))
	if got := c.Must("DUMP", "l").Str; !strings.HasPrefix(got, value+"\n\x00") || len(got) != len(value)+10 {
		t.Errorf("dumped %q, want %q and the footer", got, value)
	}
}

func bigEndian(n uint64) string {
	var b [8]byte
	for i := range b {
		b[i] = byte(n >> (56 - 8*i))
	}
	return string(b[:])
}

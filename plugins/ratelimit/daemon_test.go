package main_test

import (
	"strings"
	"testing"

	"datastore/server/servertest"
)

func numbers(r servertest.Reply) []int64 {
	var list []int64
	for _, e := range r.Elems {
		list = append(list, e.Int)
	}
	return list
}

// wantNumbers compares a reply. Seconds to wait (1000 and more in these tests) may have become fewer meanwhile.
func wantNumbers(t *testing.T, got servertest.Reply, want ...int64) {
	t.Helper()
	list := numbers(got)
	if len(list) != len(want) {
		t.Fatalf("got %q", got.Raw)
	}
	for i := range want {
		if passed := want[i] - list[i]; passed != 0 && (want[i] < 1000 || passed < 0 || passed > 60) {
			t.Errorf("got %d, want %d", list, want)
			return
		}
	}
}

func TestThrottle(t *testing.T) {
	module := servertest.BuildModule(t, "plugins/ratelimit")
	s := servertest.Start(t, "--loadmodule", module, "--appendonly", "yes")
	c := s.Dial()
	wantNumbers(t, c.Must("RL.THROTTLE", "user", "2", "1", "1000"), 0, 3, 2, -1, 1000)
	wantNumbers(t, c.Must("RL.THROTTLE", "user", "2", "1", "1000", "2"), 0, 3, 0, -1, 3000)
	wantNumbers(t, c.Must("RL.THROTTLE", "user", "2", "1", "1000"), 1, 3, 0, 1000, 3000)
	wantNumbers(t, c.Must("RL.THROTTLE", "user", "2", "1", "1000", "4"), 1, 3, 0, -1, 3000)
	wantNumbers(t, c.Must("RL.THROTTLE", "new", "2", "1", "1000", "0"), 0, 3, 3, -1, 0)
	if c.Must("EXISTS", "new").Int != 0 {
		t.Error("asking has made a key")
	}
	if ms := c.Must("PTTL", "user").Int; ms < 2_900_000 || ms > 3_000_000 {
		t.Errorf("the key expires in %d ms", ms)
	}
	c.Must("SET", "text", "x")
	c.Must("RPUSH", "list", "x")
	for _, tt := range []struct{ args, want string }{
		{"RL.THROTTLE k 1 1", "ERR wrong number of arguments for 'rl.throttle' command"},
		{"RL.THROTTLE k 1 1 1 1 1", "ERR wrong number of arguments for 'rl.throttle' command"},
		{"RL.THROTTLE k 1 1 x", "ERR value is not an integer or out of range"},
		{"RL.THROTTLE k -1 1 1", "ERR invalid limit"},
		{"RL.THROTTLE k 1 1 1 -1", "ERR invalid limit"},
		{"RL.THROTTLE k 9223372036854775807 9223372036854775807 9223372036854775807", "ERR invalid limit"},
		{"RL.THROTTLE text 1 1 1", "ERR the key holds a string that is no rate limit"},
		{"RL.THROTTLE list 1 1 1", "WRONGTYPE"},
	} {
		if r := c.Do(strings.Fields(tt.args)...); !r.IsError() || !strings.HasPrefix(r.Str, tt.want) {
			t.Errorf("%s: %q", tt.args, r.Raw)
		}
	}
	state := c.Must("GET", "user").Str
	s.Restart("--appendonly", "yes") // without the module
	c = s.Dial()
	if got := c.Must("GET", "user").Str; got != state {
		t.Errorf("after a restart without the module the state is %q, want %q", got, state)
	}
	if ms := c.Must("PTTL", "user").Int; ms < 2_900_000 || ms > 3_000_000 {
		t.Errorf("after a restart the key expires in %d ms", ms)
	}
	if r := c.Do("RL.THROTTLE", "user", "2", "1", "1000"); !r.IsError() {
		t.Errorf("the command is still there: %q", r.Raw)
	}
	s.Restart("--appendonly", "yes", "--loadmodule", module)
	wantNumbers(t, s.Must("RL.THROTTLE", "user", "2", "1", "1000", "4"), 1, 3, 0, -1, 3000)
}

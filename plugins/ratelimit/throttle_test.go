package main

import (
	"fmt"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/plugin/plugintest"
)

func throttleServer(t *testing.T) *plugintest.Server {
	t.Helper()
	return plugintest.New(t, OnLoad, plugintest.Options{AOF: true, Replica: true})
}

func TestThrottle(t *testing.T) {
	s := throttleServer(t)
	s.Do("RL.THROTTLE", "user", 2, 1, 1000).Want([]int{0, 3, 2, -1, 1000})
	s.Do("RL.THROTTLE", "user", 2, 1, 1000, 2).Want([]int{0, 3, 0, -1, 3000})
	s.Do("RL.THROTTLE", "user", 2, 1, 1000).Want([]int{1, 3, 0, 1000, 3000})
	s.Do("RL.THROTTLE", "user", 2, 1, 1000, 4).Want([]int{1, 3, 0, -1, 3000})
	s.Do("PTTL", "user").Want(3_000_000)

	s.Advance(999*time.Second + 999*time.Millisecond)
	s.Do("RL.THROTTLE", "user", 2, 1, 1000).Want([]int{1, 3, 0, 1, 2001})
	s.Advance(time.Millisecond)
	s.Do("RL.THROTTLE", "user", 2, 1, 1000).Want([]int{0, 3, 0, -1, 3000})
	s.Advance(3000*time.Second + time.Millisecond)
	s.Do("EXISTS", "user").Want(0)
	s.Do("RL.THROTTLE", "user", 2, 1, 1000, 0).Want([]int{0, 3, 3, -1, 0})
	s.Do("EXISTS", "user").Want(0) // asking makes no key
}

// TestThrottlePropagation: replicas get the moment at which the limit is new again, not the command.
func TestThrottlePropagation(t *testing.T) {
	s := throttleServer(t)
	s.Do("RL.THROTTLE", "user", 2, 1, 1000)
	end := s.Now().Add(1000 * time.Second)
	s.WantStream(fmt.Sprintf("SET user %d PXAT %d", end.UnixNano(), end.UnixMilli()))
	s.Do("RL.THROTTLE", "user", 2, 1, 1000, 9) // refused
	s.Do("RL.THROTTLE", "user", 2, 1, 1000, 0)
	s.WantStream()
	s.ReplicaEquals()
	s.Reload()
	s.ReplayAOF(nil).Do("GET", "user").Want(fmt.Sprint(end.UnixNano()))
}

func TestThrottleErrors(t *testing.T) {
	s := throttleServer(t)
	s.Do("SET", "text", "x")
	s.Do("RPUSH", "list", "x")
	const most = "9223372036854775807"
	for _, tt := range []struct {
		args []any
		want error
	}{
		{[]any{"k", 1, 1}, plugin.ReplyError("ERR wrong number of arguments for 'rl.throttle' command")},
		{[]any{"k", 1, 1, 1, 1, 1}, plugin.ReplyError("ERR wrong number of arguments for 'rl.throttle' command")},
		{[]any{"k", 1, 1, "x"}, errNotInteger},
		{[]any{"k", -1, 1, 1}, errLimit},
		{[]any{"k", 1, 1, 1, -1}, errLimit},
		{[]any{"k", most, most, most}, errLimit},
		{[]any{"text", 1, 1, 1}, errForeign},
		{[]any{"list", 1, 1, 1}, plugin.ErrWrongType},
	} {
		s.Do(append([]any{"RL.THROTTLE"}, tt.args...)...).Want(tt.want)
	}
	s.Do("EXISTS", "k").Want(0)
}

func TestThrottleAllocations(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{})
	if n := s.Allocs("RL.THROTTLE", "user", 1_000_000_000, 1000, 1); n > 1 {
		t.Errorf("a request allocates %d times", n)
	}
	if n := s.Allocs("RL.THROTTLE", "user", 1_000_000_000, 1000, 1, 0); n != 0 {
		t.Errorf("asking allocates %d times", n)
	}
}

func FuzzThrottle(f *testing.F) {
	plugintest.Fuzz(f, OnLoad, plugintest.Options{Words: []string{"60", "3600", "9223372036"}})
}

func BenchmarkThrottle(b *testing.B) {
	plugintest.New(b, OnLoad, plugintest.Options{}).Bench(b, "RL.THROTTLE", "user", 1_000_000_000, 1000, 1)
}

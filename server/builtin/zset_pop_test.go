package builtin_test

import (
	"strconv"
	"strings"
	"testing"
)

// TestZPopEffects wants the members to be named, whatever the replica's idea of order, and the key when a count takes all.
func TestZPopEffects(t *testing.T) {
	r := newRunner(t)
	r.do(strings.Fields("ZADD z 1 10 2 b 3 c 4 d 5 e 6 f")...)
	for _, test := range []struct{ line, want string }{
		{"ZPOPMIN z", "ZREM z 10"},
		{"ZPOPMAX z 2", "ZREM z f ; ZREM z e"},
		{"ZPOPMIN z 0", ""},
		{"ZPOPMIN missing 5", ""},
		{"ZPOPMIN z 2", "ZREM z b ; ZREM z c"},
		{"ZPOPMAX z", "ZREM z d"},
		{"ZADD z 1 a 2 b", "ZADD z 1 a 2 b"},
		{"ZPOPMIN z 2", "DEL z"},
	} {
		before := r.c.Store.Changes()
		r.run(argv(strings.Fields(test.line)...))
		if got := showEffects(r.effects()); got != test.want {
			t.Errorf("%s => %s, want %s", test.line, got, test.want)
		}
		removed := int64(strings.Count(string(r.c.W.Buf), "$") / 2)
		if n := r.c.Store.Changes() - before; strings.HasPrefix(test.line, "ZPOP") && n != removed {
			t.Errorf("%s counts as %d changes, want %d", test.line, n, removed)
		}
	}
}

// TestZPopAllocatesNothing takes members out of a set that stays packed and of one that does not, and puts them back.
func TestZPopAllocatesNothing(t *testing.T) {
	r := newRunner(t)
	for i := range 1000 {
		r.do("ZADD", "big", strconv.Itoa(i), "member:"+strconv.Itoa(i))
		if i < 100 {
			r.do("ZADD", "small", strconv.Itoa(i), "member:"+strconv.Itoa(i))
		}
	}
	for _, proto := range []int{2, 3} {
		r.c.W.Proto = proto
		for _, key := range []string{"big", "small"} {
			pop, add := argv("ZPOPMIN", key), argv("ZADD", key, "0", "member:0")
			several, back := argv("ZPOPMAX", key, "3"), argv("ZADD", key, "2000", "x", "2001", "y", "2002", "z")
			r.run(back)
			if n := testing.AllocsPerRun(300, func() {
				for _, args := range [][][]byte{add, pop, several, back} {
					r.run(args)
					r.c.Effects.Finish()
				}
			}); n >= 1 {
				t.Errorf("taking members out of %s allocates %v times", key, n)
			}
		}
	}
}

// BenchmarkZPop takes the first member of a set of a million and puts one behind the last.
func BenchmarkZPop(b *testing.B) {
	r := newRunner(b)
	r.c.Effects.Listen(false)
	next := 0
	add := func() {
		r.run(argv("ZADD", "z", strconv.Itoa(next), "member:"+strconv.Itoa(next)))
		next++
	}
	for range 1_000_000 {
		add()
	}
	pop := argv("ZPOPMIN", "z")
	for b.Loop() {
		r.run(pop)
		b.StopTimer()
		add()
		b.StartTimer()
	}
}

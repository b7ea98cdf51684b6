package latency

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestSlowLogForgetsTheOldest compares the log with the tail of everything that was added, for limits that change on the way.
func TestSlowLogForgetsTheOldest(t *testing.T) {
	var l SlowLog
	kept := 0
	for i, limit := range slices.Concat(slices.Repeat([]int64{5}, 12), slices.Repeat([]int64{9}, 7), []int64{3, 3, 1, 1, 0, 0, 4}, slices.Repeat([]int64{128}, 500)) {
		l.Add(Execution{Usec: int64(2 * i)}, limit)
		kept = min(kept+1, int(limit))
		if l.Len() != kept {
			t.Fatalf("%d executions after %d with limit %d, want %d", l.Len(), i+1, limit, kept)
		}
		for _, n := range []int{0, 1, 2, kept, kept + 1, 1 << 40} {
			got := l.Newest(n)
			if len(got) != min(n, kept) {
				t.Fatalf("%d of %d asked for", len(got), n)
			}
			for j, e := range got {
				if want := int64(i - len(got) + 1 + j); e.ID != want || e.Usec != 2*want {
					t.Fatalf("%+v at %d of %d after %d", e, j, len(got), i)
				}
			}
		}
	}
	if cap(l.list) > 1024 {
		t.Errorf("room for %d", cap(l.list))
	}
	l.Reset()
	l.Add(Execution{}, 10)
	if e := l.Newest(10); len(e) != 1 || e[0].ID != 526 {
		t.Errorf("%+v after Reset", e)
	}
}

func TestAbridge(t *testing.T) {
	words := func(n int) (args [][]byte) {
		for range n {
			args = append(args, []byte("w"))
		}
		return args
	}
	if got := Abridge(words(32), nil); len(got) != 32 || got[31] != "w" {
		t.Errorf("32 arguments: %q", got)
	}
	if got := Abridge(words(33), nil); len(got) != 32 || got[30] != "w" || got[31] != "... (2 more arguments)" {
		t.Errorf("33 arguments: %q", got)
	}
	args := [][]byte{[]byte("auth"), bytes.Repeat([]byte("x"), 128), bytes.Repeat([]byte("x"), 130), []byte("secret")}
	got := Abridge(args, func(args [][]byte, i int) bool { return string(args[i]) == "secret" })
	want := []string{"auth", strings.Repeat("x", 128), strings.Repeat("x", 128) + "... (2 more bytes)", "(redacted)"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	args[0][0] = 'X' // the input buffer is used again
	if got[0] != "auth" {
		t.Error("the arguments were not copied")
	}
}

package builtin_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"datastore/keyspace"
	"datastore/server/servertest"
)

// TestEffects compares what commands declare with what redis-server puts into its replication stream.
func TestEffects(t *testing.T) {
	text, err := os.ReadFile("testdata/effects.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(t)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		cmd, want, ok := strings.Cut(line, " =>")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		args, err := servertest.SplitArgs(cmd)
		if err != nil {
			t.Fatal(err)
		}
		r.run(argv(args...))
		if got := showEffects(r.effects()); got != strings.TrimSpace(want) {
			t.Errorf("%s => %s, want %s", cmd, got, want)
		}
	}
}

// showEffects writes effects as the golden file does, times near the start as @N.
func showEffects(effects [][]string) string {
	var lines []string
	for _, words := range effects {
		for i, w := range words {
			if n, err := strconv.ParseInt(w, 10, 64); err == nil && n >= startMs && n < startMs+1e8 {
				words[i] = "@" + strconv.FormatInt(n-startMs, 10)
			}
			if w == "" {
				words[i] = `""`
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, " ; ")
}

// TestSPopEffects wants the random choice to be named, and everything to be dropped when all was popped.
func TestSPopEffects(t *testing.T) {
	r := newRunner(t)
	r.do("SADD", "s", "1", "2", "3", "4", "5", "6")
	r.run(argv("SPOP", "s", "3"))
	if !strings.HasPrefix(string(r.c.W.Buf), "*3\r\n") {
		t.Fatalf("reply %q", r.c.W.Buf)
	}
	effects := r.effects()
	if len(effects) != 3 {
		t.Fatalf("effects %v, want three SREM", effects)
	}
	for _, e := range effects {
		if len(e) != 3 || e[0] != "SREM" || e[1] != "s" || r.do("SISMEMBER", "s", e[2]) != ":0\r\n" {
			t.Errorf("effect %v, want SREM of a member that is gone", e)
		}
	}
	r.run(argv("SPOP", "s", "10"))
	if got := showEffects(r.effects()); got != "DEL s" {
		t.Errorf("effects of popping all: %s", got)
	}
}

// TestStreamExpiry wants a past expiry that comes from a log or a primary to be set and not to delete: the deletion
// follows as a command of its own.
func TestStreamExpiry(t *testing.T) {
	r := newRunner(t)
	r.do("SET", "k", "v")
	r.c.Client.FromStream = true
	if got := r.do("PEXPIREAT", "k", "1000"); got != ":1\r\n" {
		t.Fatalf("reply %q", got)
	}
	r.c.Store.BeginUnit(startMs, keyspace.ExpireIgnore)
	if at := r.c.DB.ExpireAt([]byte("k")); at != 1000 {
		t.Errorf("the key expires at %d, want 1000", at)
	}
}

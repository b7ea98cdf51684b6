package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestTestsExist(t *testing.T) {
	for _, list := range []string{defaultTests, quickTests} {
		for _, name := range strings.Fields(list) {
			if _, err := workloadNamed(name); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := workloadNamed("FLY"); !errors.Is(err, errUsage) {
		t.Errorf("an unknown test: %v", err)
	}
	names := workloadNames()
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) {
		t.Errorf("names twice: %v", names)
	}
}

func TestFillOutlastsWhatIsConsumed(t *testing.T) {
	o := options{keyspace: 10, clients: 50}
	w, _ := workloadNamed("spop")
	if got := w.sized(o, 16, 1000).fill.count; got < 1000+50*16 {
		t.Errorf("%d elements for 1000 operations of 50 clients at pipeline 16", got)
	}
	w, _ = workloadNamed("GET")
	if got := w.sized(o, 1, 1000); got.fill.count != 10 || got.span != 10 {
		t.Errorf("GET: %d keys filled of %d", got.fill.count, got.span)
	}
	w, _ = workloadNamed("ZADD_1M")
	if got := w.sized(o, 1, 1000); got.fill.count != million || got.span != million {
		t.Errorf("ZADD_1M: %d members of %d", got.fill.count, got.span)
	}
	w, _ = workloadNamed("LPUSH")
	if got := w.sized(o, 1, 1000).fill.count; got != 0 {
		t.Errorf("LPUSH fills %d elements", got)
	}
}

func TestFillCommands(t *testing.T) {
	fl := fill{command: "ZADD z", each: "__rand_int__ element:__rand_int__", count: elementsPerCommand + 2}
	n, command := fl.commands(7)
	if n != 2 {
		t.Fatalf("%d commands", n)
	}
	if first := command(0); len(first) != 2+2*elementsPerCommand || first[3] != "element:000000000000" {
		t.Errorf("first: %d words, %q", len(first), first[:4])
	}
	last := command(1)
	if len(last) != 6 || last[0] != "ZADD" || last[3] != "element:000000000100" || last[5] != "element:000000000101" {
		t.Errorf("last: %q", last)
	}
	if score := last[2]; len(score) != 1 || score > "6" {
		t.Errorf("score %q is not below 7", score)
	}
	big := fill{command: "MSET", each: "key:__rand_int__ " + strings.Repeat("x", 4096), count: 20}
	if n, _ := big.commands(20); n != 3 {
		t.Errorf("%d commands for 20 values of 4 KB", n)
	}
	if n, _ := (fill{}).commands(7); n != 0 {
		t.Errorf("%d commands to fill nothing", n)
	}
}

func TestPadded(t *testing.T) {
	for want, i := range map[string]int{"key:000000000000": 0, "key:000000012034": 12034, "key:999999999999": 999_999_999_999} {
		if got := padded("key:", i); got != want {
			t.Errorf("%d: %q", i, got)
		}
	}
	if got := one("SET key:__rand_int__ x"); !slices.Equal(got, []string{"SET", "key:000000000000", "x"}) {
		t.Errorf("one command: %q", got)
	}
}

func TestOperations(t *testing.T) {
	if got := (workload{weight: 0.1}).operations(1, 2); got != 90_000 {
		t.Errorf("slow test at pipeline 1: %d", got)
	}
	if got := (workload{weight: 0.1}).operations(64, 2); got != 280_000 {
		t.Errorf("slow test at pipeline 64: %d", got)
	}
	if got := (workload{weight: 1}).operations(16, 1e-9); got != 1000 {
		t.Errorf("at least: %d", got)
	}
}

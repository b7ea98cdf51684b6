package latency

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestWorstOfSecond(t *testing.T) {
	var m Monitor
	for _, s := range []Sample{{10, 5}, {10, 9}, {10, 7}, {11, 1}} {
		m.Add("a", s.Sec, s.Ms)
	}
	if got, want := m.History("a"), []Sample{{10, 9}, {11, 1}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if s := m.Summarize("a", 20); s.WorstMs != 9 || s.Latest != (Sample{11, 1}) || s.Count != 2 || s.MeanMs != 5 || s.SpreadMs != 4 || s.PeriodSec != 5 {
		t.Errorf("%+v", s)
	}
}

func TestForgetsOldSamples(t *testing.T) {
	var m Monitor
	m.Add("a", 0, 1000)
	for i := range int64(1000) {
		m.Add("a", 1+i, i)
	}
	got := m.History("a")
	if len(got) != samples || got[0] != (Sample{841, 840}) || got[samples-1] != (Sample{1000, 999}) {
		t.Errorf("%d samples from %v to %v", len(got), got[0], got[len(got)-1])
	}
	if s := m.Summarize("a", 1000); s.WorstMs != 1000 || s.Count != samples {
		t.Errorf("%+v", s)
	}
}

func TestReset(t *testing.T) {
	var m Monitor
	m.Add("b", 1, 1)
	m.Add("a", 1, 1)
	if got := m.Events(); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if !m.Reset("a") || m.Reset("a") || m.History("a") != nil || len(m.Events()) != 1 {
		t.Error("a is still there, or b is not")
	}
}

// TestGraphs compares drawings with those of redis-server.
func TestGraphs(t *testing.T) {
	text, err := os.ReadFile("testdata/graphs.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(string(text), "\nnow ")[1:]
	for _, c := range cases {
		head, rest, _ := strings.Cut(c, "\n")
		line, want, _ := strings.Cut(rest, "\n")
		want = strings.TrimSuffix(strings.TrimSuffix(want, "."), ".\n")
		var now, high int64
		if _, err := fmt.Sscanf(head, "%d high %d", &now, &high); err != nil {
			t.Fatalf("%s: %v", head, err)
		}
		var m Monitor
		for _, word := range strings.Fields(line)[1:] {
			var s Sample
			if _, err := fmt.Sscanf(word, "%d:%d", &s.Sec, &s.Ms); err != nil {
				t.Fatalf("%s: %v", word, err)
			}
			m.Add("command", now-s.Sec, s.Ms)
		}
		m.events["command"].worstMs = high
		if got := string(m.Graph("command", now)); got != want {
			t.Errorf("ours\n%s\nwant\n%s", got, want)
		}
	}
	if len(cases) != 10 {
		t.Errorf("%d drawings", len(cases))
	}
}

func TestAge(t *testing.T) {
	for sec, want := range map[int64]string{
		0: "0s", 59: "59s", 60: "1m", 3599: "59m", 3600: "1h", 86399: "23h", 86400: "1d", 100 * 86400: "100d",
	} {
		if got := age(sec); got != want {
			t.Errorf("%d s are %q, want %q", sec, got, want)
		}
	}
}

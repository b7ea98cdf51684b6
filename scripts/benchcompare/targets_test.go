package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// measured is a result with one sample per value of CPU time.
func measured(name string, cpu ...float64) result {
	r := result{Name: name}
	for _, c := range cpu {
		r.Samples = append(r.Samples, sample{CPUMicrosOp: c, OpsPerSecond: 1e6 / c, P999Ms: c})
	}
	return r
}

func verdictOn(t *testing.T, rep *report, name string) verdict {
	t.Helper()
	for _, v := range rep.judgeTargets() {
		if v.Target == name {
			return v
		}
	}
	t.Fatalf("no target %q", name)
	return verdict{}
}

func TestTargetVerdicts(t *testing.T) {
	rep := &report{
		Rows: []row{
			{Test: "SET", Pipeline: 1, Servers: []result{measured(oursName, 9, 8, 8), measured(redisName, 10, 10, 10)}},
			{Test: "SET", Pipeline: 16, Servers: []result{measured(oursName, 5, 6, 7), measured(redisName, 10, 10, 10)}},
			{Test: "GET", Pipeline: 64, Servers: []result{measured(oursName, 1, 1, 1), measured(redisName, 3, 3, 3)}},
			{Test: "LPUSH", Pipeline: 1, Servers: []result{{Name: oursName, Refusal: "ERR"}, measured(redisName, 3)}},
		},
		Latency: []row{{Test: "GET", Pipeline: 1, Servers: []result{measured(oursName, 5), measured(redisName, 4)}}},
		Modules: []row{{Test: "push.native", Pipeline: 16, Servers: []result{measured(moduleName, 1.03), measured(builtinName, 1)}}},
		Memory: []memoryRow{
			{Data: "hash", Server: redisName, RSSPerElement: 100, UsedPerElement: 90},
			{Data: "hash", Server: oursName, RSSPerElement: 60, UsedPerElement: 57},
			{Data: "set of 50", Server: oursName, RSSPerElement: 50, UsedPerElement: 51},
		},
	}
	for _, tc := range []struct {
		target   string
		measured float64
		verdict  string
		unclear  bool
	}{
		{"SET P1: CPU µs/op", 0.8, met, false},
		{"SET P16: CPU µs/op", 0.6, missed, true}, // the first round alone would have met it
		{"GET P64: CPU µs/op", 1.0 / 3, met, false},
		{"GET P64: ops/s", 3, met, false},
		{"LPUSH P1: CPU µs/op", 0, notMeasured, false},
		{"INCR P1: CPU µs/op", 0, notMeasured, false},
		{"GET P1, many keys: p99.9 ms", 1.25, missed, false},
		{"module command push.native P16: CPU µs/op", 1.03, met, false},
		{"hash: RSS bytes/element", 0.6, met, false},
		{"hash: used_memory against RSS, %", 5, missed, false},
		{"set of 50: used_memory against RSS, %", 2, met, false},
		{"set of 50: RSS bytes/element", 0, notMeasured, false},
	} {
		v := verdictOn(t, rep, tc.target)
		if d := v.Measured - tc.measured; d > 1e-9 || d < -1e-9 || v.Verdict != tc.verdict || v.unclear() != tc.unclear {
			t.Errorf("%s: %+v, unclear %t", tc.target, v, v.unclear())
		}
	}
}

// TestTargetsAreMeasured: each target names something that a full run has.
func TestTargetsAreMeasured(t *testing.T) {
	o, err := parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	rep := &report{}
	both := func(a, b string) []result { return []result{measured(a, 1), measured(b, 1)} }
	for _, p := range o.pipelines {
		for _, test := range o.tests {
			rep.Rows = append(rep.Rows, row{Test: test, Pipeline: p, Servers: both(oursName, redisName)})
		}
		for _, test := range o.moduleTests {
			rep.Modules = append(rep.Modules, row{Test: test.name, Pipeline: p, Servers: both(moduleName, builtinName)})
		}
	}
	for _, l := range latencyTests() {
		test := strings.Fields(l.command)[0]
		rep.Latency = append(rep.Latency, row{Test: test, Pipeline: 1, Servers: both(oursName, redisName)})
	}
	for _, d := range datasets() {
		for _, name := range []string{oursName, redisName} {
			rep.Memory = append(rep.Memory, memoryRow{Data: d.name, Server: name, RSSPerElement: 1})
		}
	}
	for _, v := range rep.judgeTargets() {
		if v.Verdict == notMeasured {
			t.Errorf("%s is in no full run", v.Target)
		}
	}
}

func TestStoredReportPrintsTheSame(t *testing.T) {
	rep := &report{
		Rows: []row{{Test: "SET", Pipeline: 16, Operations: 7, Servers: []result{measured(oursName, 5, 6, 7),
			measured(redisName, 10, 10, 10), {Name: "peer", Refusal: "ERR unknown command 'SET'"}}}},
		Stops:  []row{{Test: "flushall", Servers: []result{{Name: oursName, Samples: []sample{{MaxMs: 3, MachineMaxMs: 2}}}}}},
		Memory: []memoryRow{{Data: "hash", Server: oursName, Elements: 5, RSSPerElement: 60, UsedPerElement: 57}},
	}
	var first, second bytes.Buffer
	rep.print(&first)
	for _, want := range []string{"SET P16: peer answers: ERR unknown command 'SET'", "0.60 ", "-5.0 %", "flushall"} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("%q is not in\n%s", want, first.String())
		}
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := rep.write(path); err != nil {
		t.Fatal(err)
	}
	stored, err := readReport(path)
	if err != nil {
		t.Fatal(err)
	}
	stored.print(&second)
	if first.String() != second.String() {
		t.Errorf("printed\n%s\nstored\n%s", first.String(), second.String())
	}
	if m := stored.Rows[0].Servers[0].Medians; m == nil || m.CPUMicrosOp != 6 {
		t.Errorf("medians in the file: %+v", m)
	}
}

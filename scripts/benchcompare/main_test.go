package main

import (
	"errors"
	"flag"
	"os"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	base := spread{median: 2, low: 1.9, high: 2.1}
	for _, tc := range []struct {
		a    spread
		want string
	}{
		{spread{1, 0.9, 1.1}, "0.50 "},
		{spread{1.9, 1.85, 1.95}, "0.95~"}, // the base's spread is wider than the difference
		{spread{1, 0.5, 2.5}, "0.50~"},
		{base, "1 "},
	} {
		if got := judge(tc.a, base); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.a, got, tc.want)
		}
	}
	if got := judge(base, spread{}); got != "- " {
		t.Errorf("without a base: %q", got)
	}
}

func TestSpread(t *testing.T) {
	r := result{Samples: []sample{{CPUMicrosOp: 4}, {CPUMicrosOp: 1}, {CPUMicrosOp: 3}, {CPUMicrosOp: 2}}}
	if got := r.of(cpuOf); got != (spread{2.5, 1, 4}) {
		t.Errorf("even number of samples: %v", got)
	}
	r.Samples = r.Samples[:3]
	if got := r.of(cpuOf); got != (spread{3, 1, 4}) {
		t.Errorf("odd number of samples: %v", got)
	}
}

func TestParseCSV(t *testing.T) {
	const header = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"`
	got, err := parseCSV("WARNING: x\n" + header + "\n" + `"GET key","95498.4","0.3","0.1","0.271","0.5","0.655","1.807"` + "\n")
	if want := (sample{OpsPerSecond: 95498.4, P50Ms: 0.271, P99Ms: 0.655, MaxMs: 1.807}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, out := range []string{"", "Error from server: ERR unknown command", header} {
		if _, err := parseCSV(out); !errors.Is(err, errServer) {
			t.Errorf("%q: %v", out, err)
		}
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"--tests", "set,GET LPUSH", "-P", "1, 8", "--peer", "a=b", "--peer", "c=d", "--memory=false"})
	if err != nil || len(o.tests) != 3 || len(o.pipelines) != 2 || len(o.peers) != 2 || o.memory {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-P", "0"}, {"--rounds", "0"}, {"surplus"}, {"--module-test", "a=b vs c"}} {
		if _, err := parse(args); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, err := parse([]string{"--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

func TestParseModuleTest(t *testing.T) {
	got, err := parseModuleTest("push=mod.push l x vs RPUSH l x")
	if want := (moduleTest{"push", "mod.push l x", "RPUSH l x"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, s := range []string{"mod.push vs RPUSH", "a=b", "a= vs c"} {
		if _, err := parseModuleTest(s); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestProcReadings(t *testing.T) {
	before, err := cpuSeconds(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); time.Since(start) < 60*time.Millisecond; {
		_ = os.Getpid() // burn processor time
	}
	after, err := cpuSeconds(os.Getpid())
	if err != nil || after < before || after > before+10 {
		t.Errorf("from %v to %v s, %v", before, after, err)
	}
	if rss, err := residentBytes(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("resident: %d bytes, %v", rss, err)
	}
}

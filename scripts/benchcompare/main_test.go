package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func TestParse(t *testing.T) {
	o, err := parse([]string{"--tests", "set,GET LPUSH", "-P", "1, 8", "--peer", "a=b", "--peer", "c=d"})
	if err != nil || len(o.tests) != 3 || len(o.pipelines) != 2 || len(o.peers) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-P", "0"}, {"--rounds", "0"}, {"surplus"}, {"--module-test", "a=b"}, {"--tests", "FLY"},
		{"--module", "a.so"}, {"--force-gc", "-1"}, {"--latency-seconds", "0"}, {"--latency-keys", "0"}} {
		if _, err := parse(args); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	if _, err := parse([]string{"--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

func TestSectionsThatRun(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"", "speed modules memory latency stops"},
		{"--memory=false", "speed modules latency stops"},
		{"--latency --stops", "latency stops"},
		{"--latency --memory=false", "latency"},
		{"--tests SET", "speed"},
		{"--tests SET --memory", "speed memory"},
		{"--module a.so --module-test a=b_vs_c", "modules"},
		{"--quick", "speed memory"},
		{"--quick --speed=false", "memory"},
		{"--quick --stops", "stops"},
	} {
		args := strings.Fields(tc.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		o, err := parse(args)
		var got []string
		for name, wanted := range map[string]bool{"0speed": o.speed, "1modules": o.modules, "2memory": o.memory,
			"3latency": o.latency, "4stops": o.stops} {
			if wanted {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		for i := range got {
			got[i] = got[i][1:]
		}
		if text := strings.Join(got, " "); err != nil || text != tc.want {
			t.Errorf("%q: %q, want %q, %v", tc.args, text, tc.want, err)
		}
	}
}

func TestQuickKeepsWhatIsGiven(t *testing.T) {
	o, err := parse([]string{"--quick", "--rounds", "7"})
	if err != nil || o.rounds != 7 || o.seconds != 0.5 || len(o.tests) != len(strings.Fields(quickTests)) {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestParsePeer(t *testing.T) {
	p, err := parsePeer("noaof=env GOGC=50 {binary} --appendonly no", "/x/daemon")
	if err != nil || p.name != "noaof" || !p.ours || p.foreign || p.command[2] != "/x/daemon" || len(p.command) != 5 {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = parsePeer("other=serverd -p {port} --set a=b", "/x/daemon")
	if err != nil || p.ours || !p.foreign || p.command[4] != "a=b" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, s := range []string{"", "name", "name=", "=command"} {
		if _, err := parsePeer(s, ""); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestCommandsOfDatasets(t *testing.T) {
	for _, d := range datasets() {
		got := d.command(1, smallSize+1)
		want := len(d.head) + len(d.each(nil, 0))
		if d.small {
			want++
		}
		if len(got) != want {
			t.Errorf("%s: the last command has %d words, want %d: %q", d.name, len(got), want, got)
		}
		if key := got[1]; d.small && key != "col:000000000001" {
			t.Errorf("%s: key %q", d.name, key)
		}
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

// TestMeasures runs the program against real servers, shortly: a test that consumes, a module test, a command that does
// not exist, the daemon as its own peer.
func TestMeasures(t *testing.T) {
	t.Chdir("../..")
	path := filepath.Join(t.TempDir(), "report.json")
	var out strings.Builder
	err := run(t.Context(), []string{"--tests", "LPOP", "-P", "16", "--rounds", "2", "--seconds", "0.02", "--json", path, "--targets",
		"--peer", "twin=env GOGC=50 {binary} --hz 20", "--module-test", "simple=HELLO.SIMPLE vs DBSIZE",
		"--module-test", "none=HELLO.NONE vs DBSIZE"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := readReport(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Rows) != 1 || len(rep.Rows[0].Servers) != 3 || len(rep.Modules) != 2 || len(rep.Targets) != len(targets()) {
		t.Fatalf("%+v", rep)
	}
	for _, s := range append(rep.Rows[0].Servers, rep.Modules[0].Servers...) {
		if m := s.Medians; len(s.Samples) != 2 || m.CPUMicrosOp <= 0 || m.OpsPerSecond <= 0 || m.P999Ms < m.P50Ms {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
	if none := rep.Modules[1].Servers; !strings.HasPrefix(none[0].Refusal, "ERR unknown command") || len(none[1].Samples) != 2 {
		t.Errorf("a command that does not exist: %+v", none)
	}
	for _, want := range []string{"none P16: module answers: ERR unknown command", "module command simple P16", "twin"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

// TestServerThatEndsIsExplained: the reason is in the server's log, not in what its clients see.
func TestServerThatEndsIsExplained(t *testing.T) {
	f, err := newFleet(t.Context(), options{binary: "true", redis: "redis-server"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.cleanUp()
	s, err := f.start(f.programs[1])
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken pipe")
	if err := s.explain(broken); err != broken {
		t.Errorf("while it runs: %v", err)
	}
	c, err := dial(s.port)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.do("SHUTDOWN")
	c.close()
	if err := s.explain(err); err == nil || !strings.Contains(err.Error(), "redis has ended") ||
		!strings.Contains(err.Error(), "ready to exit") {
		t.Errorf("after its end: %v", err)
	}
	if _, err := f.start(f.programs[0]); err == nil || !strings.Contains(err.Error(), "ended at start") {
		t.Errorf("a program that ends at once: %v", err)
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
	if err != nil || after <= before || after > before+10 {
		t.Errorf("from %v to %v s, %v", before, after, err)
	}
	if waited, err := waitSeconds(os.Getpid()); err != nil || waited < 0 {
		t.Errorf("waited %v s, %v", waited, err)
	}
	if rss, err := residentBytes(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("resident: %d bytes, %v", rss, err)
	}
}

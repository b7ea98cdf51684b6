package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// options are the command line.
type options struct {
	rounds         int
	tests          []string
	pipelines      []int
	clients        int
	keyspace       int
	seconds        float64
	aof            bool
	aofFsync       string
	binary         string
	redis          string
	peers          []string
	directives     string
	jsonPath       string
	from           string
	targets        bool
	quick          bool
	speed          bool
	modules        bool
	module         string
	moduleTests    []moduleTest
	memory         bool
	memoryKeys     int
	latency        bool
	latencyKeys    int
	latencySeconds float64
	forceGCms      int
	stops          bool
	stopRounds     int
}

var errUsage = errors.New("usage")

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// raw is what needs more than the flag package to be an option.
type raw struct {
	tests, pipelines string
	moduleTests      []string
}

func parse(args []string) (options, error) {
	var o options
	var r raw
	fs := flag.NewFlagSet("bench-compare", flag.ContinueOnError)
	fs.Usage = func() { usage(fs) }
	define(fs, &o, &r)
	defineSections(fs, &o, &r)
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("%w: unexpected %q", errUsage, fs.Args())
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	o.quicken(&r, given)
	o.choose(given)
	return o, o.complete(r)
}

func usage(fs *flag.FlagSet) {
	fmt.Fprint(os.Stderr, `bench-compare measures the daemon against redis-server. Without a section it runs all of them, half an hour.
    scripts/bench-compare --targets --json report.json      everything, with the table of targets
    scripts/bench-compare --quick                           a handful of tests in two minutes
    scripts/bench-compare --tests "SET ZADD_1M" -P 16       these tests only
    scripts/bench-compare --latency --stops                 these sections only; --memory=false: all but this one
    scripts/bench-compare --tests GET --peer 'gogc50=env GOGC=50 {binary}' --peer 'noaof={binary} --appendonly no'
    scripts/bench-compare --from report.json --targets      print a stored report
    nice -n -20 scripts/bench-compare --latency             as root, with the neighbours kept away from the processors
`)
	fs.PrintDefaults()
}

func define(fs *flag.FlagSet, o *options, r *raw) {
	fs.IntVar(&o.rounds, "rounds", 5, "interleaved rounds per test")
	fs.StringVar(&r.pipelines, "P", "1,16,64", "pipeline depths")
	fs.IntVar(&o.clients, "c", 50, "connections")
	fs.IntVar(&o.keyspace, "r", million, "distinct random keys or members")
	fs.Float64Var(&o.seconds, "seconds", 1.5, "aimed duration of one run")
	fs.BoolVar(&o.aof, "aof", false, "with the append-only file on")
	fs.StringVar(&o.aofFsync, "appendfsync", "everysec", "its fsync policy")
	fs.StringVar(&o.binary, "binary", "", "the daemon's executable; default: build it from this tree")
	fs.StringVar(&o.redis, "redis", "redis-server", "the executable to compare with")
	fs.Var((*list)(&o.peers), "peer", "another server 'NAME=COMMAND'; {binary} is the daemon, for other settings of it; "+
		"{port} and {dir} are filled in, without {port} Redis's directives are appended; repeatable")
	fs.StringVar(&o.directives, "directives", "", "further directives for all servers, e.g. '--hz 100'")
	fs.StringVar(&o.jsonPath, "json", "", "also write all samples, the medians and the targets to this file")
	fs.StringVar(&o.from, "from", "", "measure nothing, print this file of --json")
	fs.BoolVar(&o.targets, "targets", false, "print what was aimed at, and what of it is met")
	fs.BoolVar(&o.quick, "quick", false, "a handful of tests, short and few rounds, small data")
}

func defineSections(fs *flag.FlagSet, o *options, r *raw) {
	fs.BoolVar(&o.speed, "speed", false, "section: CPU, throughput and latency of commands")
	fs.StringVar(&r.tests, "tests", defaultTests, "tests of the section speed, which this names too; there are: "+
		strings.Join(workloadNames(), " "))
	fs.BoolVar(&o.modules, "modules", false, "section: module commands against built-in ones")
	fs.StringVar(&o.module, "module", "", "the module (.so) for --module-test; default: build "+defaultModule)
	fs.Var((*list)(&r.moduleTests), "module-test", "'NAME=module command vs built-in command', repeatable; "+
		"default: commands of helloworld")
	fs.BoolVar(&o.memory, "memory", false, "section: bytes per element")
	fs.IntVar(&o.memoryKeys, "keys", million, "elements for the memory figures")
	fs.BoolVar(&o.latency, "latency", false, "section: latency with many keys")
	fs.IntVar(&o.latencyKeys, "latency-keys", 5*million, "how many, for the sections latency and stops")
	fs.Float64Var(&o.latencySeconds, "latency-seconds", 4, "aimed duration of one run of these sections")
	fs.IntVar(&o.forceGCms, "force-gc", 100, "milliseconds between garbage collections that the daemon is made to do while "+
		"latencies are measured; 0: its own only")
	fs.BoolVar(&o.stops, "stops", false, "section: how long the server answers nobody when much happens at once")
	fs.IntVar(&o.stopRounds, "stop-rounds", 3, "interleaved rounds of the section stops")
}

// quicken changes the defaults for --quick; what was given explicitly stays.
func (o *options) quicken(r *raw, given map[string]bool) {
	if !o.quick {
		return
	}
	small := func(name string, set func()) {
		if !given[name] {
			set()
		}
	}
	small("tests", func() { r.tests = quickTests })
	small("rounds", func() { o.rounds = 3 })
	small("seconds", func() { o.seconds = 0.5 })
	small("keys", func() { o.memoryKeys = 200_000 })
	small("latency-keys", func() { o.latencyKeys = 500_000 })
	small("latency-seconds", func() { o.latencySeconds = 1 })
	small("stop-rounds", func() { o.stopRounds = 1 })
}

// choose decides which sections run: those that are named; else all, with --quick speed and memory, without those that
// are switched off. --tests, --module and --module-test name their section.
func (o *options) choose(given map[string]bool) {
	o.speed = o.speed || given["tests"]
	o.modules = o.modules || given["module-test"] || given["module"]
	if o.speed || o.modules || o.memory || o.latency || o.stops {
		return
	}
	o.speed, o.memory = !given["speed"], !given["memory"]
	if !o.quick {
		o.modules, o.latency, o.stops = !given["modules"], !given["latency"], !given["stops"]
	}
}

// complete reads the lists and refuses what cannot be measured.
func (o *options) complete(r raw) error {
	o.tests = strings.FieldsFunc(r.tests, func(c rune) bool { return c == ' ' || c == ',' })
	for _, name := range o.tests {
		if _, err := workloadNamed(name); err != nil {
			return err
		}
	}
	for p := range strings.SplitSeq(r.pipelines, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || n < 1 {
			return fmt.Errorf("%w: -P %s", errUsage, r.pipelines)
		}
		o.pipelines = append(o.pipelines, n)
	}
	counts := []int{o.rounds, o.clients, o.keyspace, o.memoryKeys, o.latencyKeys, o.stopRounds}
	if slices.Min(counts) < 1 || min(o.seconds, o.latencySeconds) <= 0 || o.forceGCms < 0 {
		return fmt.Errorf("%w: numbers of rounds, clients, keys and seconds are positive", errUsage)
	}
	return o.completeModules(r.moduleTests)
}

func (o *options) completeModules(tests []string) error {
	if o.module != "" && len(tests) == 0 {
		return fmt.Errorf("%w: --module needs --module-test", errUsage)
	}
	if len(tests) == 0 {
		o.moduleTests = moduleTests()
	}
	for _, text := range tests {
		test, err := parseModuleTest(text)
		if err != nil {
			return err
		}
		o.moduleTests = append(o.moduleTests, test)
	}
	return nil
}

// Command benchcompare measures the daemon against redis-server and other peers under equal settings.
//
// It owns the method: servers side by side on loopback, rounds interleaved A B A B …, medians, and no verdict where
// the spread is wider than the difference. Its first figure is the server's CPU time per operation, since on a shared
// machine throughput measures the neighbours too. It drives redis-benchmark and refuses to be a load generator itself,
// apart from filling servers for the memory figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// options are the command line.
type options struct {
	rounds     int
	tests      []string
	pipelines  []int
	clients    int
	keyspace   int
	seconds    float64
	aof        bool
	aofFsync   string
	binary     string
	redis      string
	peers      []string
	jsonPath   string
	memory     bool
	memoryKeys int
	speed      bool
	module     string
	moduleTest []string
	directives string
}

var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := newFleet(ctx, o)
	if err != nil {
		return err
	}
	defer f.cleanUp()
	var rep report
	if o.speed {
		if rep.Rows, err = f.measureSpeed(o); err != nil {
			return err
		}
		rep.printSpeed(os.Stdout)
	}
	if o.module != "" {
		if rep.Modules, err = f.measureModule(o); err != nil {
			return err
		}
		rep.printModules(os.Stdout)
	}
	if o.memory {
		if rep.Memory, err = f.measureMemory(o.memoryKeys); err != nil {
			return err
		}
		rep.printMemory(os.Stdout)
	}
	return rep.write(o.jsonPath)
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func parse(args []string) (options, error) {
	var o options
	var tests, pipelines string
	fs := flag.NewFlagSet("bench-compare", flag.ContinueOnError)
	fs.IntVar(&o.rounds, "rounds", 5, "interleaved rounds per test")
	fs.StringVar(&tests, "tests", "SET GET LPUSH HSET ZADD", "tests, of: "+strings.Join(workloadNames(), " "))
	fs.StringVar(&pipelines, "P", "1,16,64", "pipeline depths")
	fs.IntVar(&o.clients, "c", 50, "connections")
	fs.IntVar(&o.keyspace, "r", 1_000_000, "distinct random keys or members")
	fs.Float64Var(&o.seconds, "seconds", 1.5, "aimed duration of one run")
	fs.BoolVar(&o.aof, "aof", false, "with the append-only file on")
	fs.StringVar(&o.aofFsync, "appendfsync", "everysec", "its fsync policy")
	fs.StringVar(&o.binary, "binary", "", "the daemon's executable; default: build it from this tree")
	fs.StringVar(&o.redis, "redis", "redis-server", "the executable to compare with")
	fs.Var((*list)(&o.peers), "peer", "another server 'NAME=COMMAND'; {port} and {dir} are filled in, without {port} "+
		"Redis's directives are appended; repeatable")
	fs.StringVar(&o.directives, "directives", "", "further directives for all servers, e.g. '--hz 100'")
	fs.StringVar(&o.jsonPath, "json", "", "also write all samples to this file")
	fs.BoolVar(&o.memory, "memory", true, "measure bytes per element")
	fs.BoolVar(&o.speed, "speed", true, "measure speed")
	fs.IntVar(&o.memoryKeys, "keys", 1_000_000, "elements for the memory figures")
	fs.StringVar(&o.module, "module", "", "a module (.so) for --module-test")
	fs.Var((*list)(&o.moduleTest), "module-test", "'NAME=module command vs built-in command', repeatable")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("%w: unexpected %q", errUsage, fs.Args())
	}
	o.tests = strings.FieldsFunc(tests, func(r rune) bool { return r == ' ' || r == ',' })
	for _, p := range strings.Split(pipelines, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || n < 1 {
			return o, fmt.Errorf("%w: -P %s", errUsage, pipelines)
		}
		o.pipelines = append(o.pipelines, n)
	}
	if o.rounds < 1 || o.seconds <= 0 || o.memoryKeys < 1 || o.module == "" && len(o.moduleTest) > 0 {
		return o, fmt.Errorf("%w: rounds, seconds and keys are positive, --module-test needs --module", errUsage)
	}
	return o, nil
}

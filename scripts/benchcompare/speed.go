package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// workload is one test of redis-benchmark, spelled out where the built-in test is not what the name says.
type workload struct {
	name    string
	command string
	fill    string  // run over the whole key space before the first round
	grows   bool    // the data grows with every run: flush before each
	weight  float64 // operations relative to SET in equal time
}

// workloads is the list of tests. __rand_int__ becomes 12 digits below -r.
func workloads() []workload {
	return []workload{
		{name: "PING", command: "PING", weight: 1.2},
		{name: "SET", command: "SET key:__rand_int__ xxx", weight: 1},
		{name: "SET32", command: "SET key:__rand_int__ " + strings.Repeat("x", 32), weight: 1},
		{name: "GET", command: "GET key:__rand_int__", fill: "SET key:__rand_int__ xxx", weight: 1.1},
		{name: "GETMISS", command: "GET key:__rand_int__", weight: 1.1},
		{name: "INCR", command: "INCR counter:__rand_int__", weight: 1},
		{name: "EXPIRE", command: "EXPIRE key:__rand_int__ 3600", fill: "SET key:__rand_int__ xxx", weight: 0.8},
		{name: "LPUSH", command: "LPUSH mylist element", grows: true, weight: 1.2},
		{name: "LPOP", command: "LPOP mylist", fill: "LPUSH mylist element", grows: true, weight: 1.2},
		{name: "LRANGE", command: "LRANGE list100 0 99", weight: 0.15},
		{name: "HSET", command: "HSET myhash field:__rand_int__ xxx", grows: true, weight: 1},
		{name: "HGET", command: "HGET myhash field:__rand_int__", fill: "HSET myhash field:__rand_int__ xxx", weight: 1},
		{name: "SADD", command: "SADD myset element:__rand_int__", grows: true, weight: 1},
		{name: "ZADD", command: "ZADD myzset __rand_int__ element:__rand_int__", grows: true, weight: 0.35},
		{name: "ZRANGE", command: "ZRANGE myzset 100 199", fill: "ZADD myzset __rand_int__ element:__rand_int__", weight: 0.15},
		{name: "ZRANK", command: "ZRANK myzset element:__rand_int__", fill: "ZADD myzset __rand_int__ element:__rand_int__", weight: 0.4},
		{name: "XADD", command: "XADD mystream * field value", grows: true, weight: 0.8},
		{name: "MSET", command: "MSET" + strings.Repeat(" key:__rand_int__ xxx", 10), weight: 0.2},
	}
}

func workloadNames() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

// sample is one run of redis-benchmark against one server.
type sample struct {
	OpsPerSecond  float64 `json:"ops_per_second"`
	CPUMicrosOp   float64 `json:"cpu_us_per_op"` // equal to CPU seconds per million operations
	P50Ms         float64 `json:"p50_ms"`
	P99Ms         float64 `json:"p99_ms"`
	MaxMs         float64 `json:"max_ms"`
	ServerCPUSecs float64 `json:"server_cpu_s"`
}

// operations is how many requests last about the wanted time for a server as fast as Redis on the reference machine.
func operations(w workload, pipeline int, seconds float64) int {
	perSecond := 90_000.0
	switch {
	case pipeline >= 48:
		perSecond = 1_400_000
	case pipeline >= 8:
		perSecond = 800_000
	case pipeline > 1:
		perSecond = 250_000
	}
	if pipeline == 1 {
		return max(int(perSecond*seconds*max(w.weight, 0.5)), 1000) // the network's cost dominates
	}
	return max(int(perSecond*seconds*w.weight), 1000)
}

// measureSpeed runs every test at every depth: all servers stay up, one works at a time.
func (f *fleet) measureSpeed(o options) ([]row, error) {
	var rows []row
	for _, name := range o.tests {
		i := slices.IndexFunc(workloads(), func(w workload) bool { return strings.EqualFold(w.name, name) })
		if i < 0 {
			return nil, fmt.Errorf("%w: no test %s, there are %v", errUsage, name, workloadNames())
		}
		for _, pipeline := range o.pipelines {
			r, err := f.measureRow(workloads()[i], pipeline)
			if err != nil {
				return nil, fmt.Errorf("%s P%d: %w", name, pipeline, err)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// measureRow starts fresh servers, so that no test inherits another's fragmentation or garbage.
func (f *fleet) measureRow(w workload, pipeline int) (row, error) {
	defer f.stopAll()
	servers, err := f.startAll()
	if err != nil {
		return row{}, err
	}
	ops := operations(w, pipeline, f.o.seconds)
	r := row{Test: w.name, Pipeline: pipeline, Operations: ops}
	for _, s := range servers {
		if err := f.prepare(s, w); err != nil {
			return r, err
		}
		if _, err := f.benchmark(s, w.command, ops/4, pipeline); err != nil { // warm-up
			return r, err
		}
		r.Servers = append(r.Servers, result{Name: s.name})
	}
	for round := range f.o.rounds {
		fmt.Fprintf(os.Stderr, "\r%-8s P%-3d round %d/%d ", w.name, pipeline, round+1, f.o.rounds)
		for i, s := range servers {
			if w.grows {
				if err := f.prepare(s, w); err != nil {
					return r, err
				}
			}
			sm, err := f.benchmark(s, w.command, ops, pipeline)
			if err != nil {
				return r, err
			}
			r.Servers[i].Samples = append(r.Servers[i].Samples, sm)
		}
	}
	fmt.Fprint(os.Stderr, "\r\033[K")
	return r, nil
}

// prepare empties a server and fills it as the workload asks, with every key once.
func (f *fleet) prepare(s *server, w workload) error {
	c, err := dial(s.port)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.do("FLUSHALL"); err != nil {
		return err
	}
	if w.name == "LRANGE" {
		return c.fill(100, func(int) []string { return []string{"RPUSH", "list100", "element"} })
	}
	if w.fill == "" {
		return nil
	}
	words := strings.Fields(w.fill)
	random := rand.New(rand.NewPCG(1, 2)) // every server gets the same scores
	return c.fill(f.o.keyspace, func(i int) []string {
		args := slices.Clone(words)
		for j, a := range args {
			if a == "__rand_int__" {
				args[j] = strconv.Itoa(random.IntN(f.o.keyspace))
			} else {
				args[j] = strings.ReplaceAll(a, "__rand_int__", fmt.Sprintf("%012d", i))
			}
		}
		return args
	})
}

// benchmark runs redis-benchmark once and reads the server's CPU time around it.
func (f *fleet) benchmark(s *server, command string, ops, pipeline int) (sample, error) {
	args := []string{"-p", strconv.Itoa(s.port), "-c", strconv.Itoa(f.o.clients), "-r", strconv.Itoa(f.o.keyspace),
		"-n", strconv.Itoa(ops), "-P", strconv.Itoa(pipeline), "--csv"}
	before, err := cpuSeconds(s.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(f.ctx, "redis-benchmark", append(args, strings.Fields(command)...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return sample{}, fmt.Errorf("redis-benchmark: %w\n%s%s", err, out, stderr.String())
	}
	after, err := cpuSeconds(s.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	sm, err := parseCSV(string(out))
	if err != nil {
		return sm, err
	}
	sm.ServerCPUSecs = after - before
	sm.CPUMicrosOp = sm.ServerCPUSecs / float64(ops) * 1e6
	return sm, nil
}

// parseCSV reads redis-benchmark's --csv output: a line of column names, then one line of values. Lines before it are
// warnings; an error reply of the server makes redis-benchmark stop without the table.
func parseCSV(out string) (sample, error) {
	start := strings.Index(out, `"test","rps"`)
	if start < 0 {
		return sample{}, fmt.Errorf("%w: redis-benchmark printed %q", errServer, out)
	}
	records, err := csv.NewReader(strings.NewReader(out[start:])).ReadAll()
	if err != nil || len(records) < 2 {
		return sample{}, fmt.Errorf("%w: redis-benchmark printed %q", errServer, out)
	}
	column := func(name string) float64 {
		i := slices.Index(records[0], name)
		if i < 0 {
			return 0
		}
		v, _ := strconv.ParseFloat(records[1][i], 64)
		return v
	}
	return sample{OpsPerSecond: column("rps"), P50Ms: column("p50_latency_ms"), P99Ms: column("p99_latency_ms"),
		MaxMs: column("max_latency_ms")}, nil
}

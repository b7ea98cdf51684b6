package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// sample is one run against one server.
type sample struct {
	OpsPerSecond  float64 `json:"ops_per_second,omitempty"`
	CPUMicrosOp   float64 `json:"cpu_us_per_op,omitempty"` // equal to CPU seconds per million operations
	P50Ms         float64 `json:"p50_ms"`
	P99Ms         float64 `json:"p99_ms"`
	P999Ms        float64 `json:"p99_9_ms"`
	MaxMs         float64 `json:"max_ms"`
	ServerCPUSecs float64 `json:"server_cpu_s,omitempty"`
	WaitPercent   float64 `json:"wait_percent,omitempty"` // of the run's time, how long the server had no processor to run on
	GCCycles      int     `json:"forced_gc_cycles,omitempty"`
	Seconds       float64 `json:"seconds,omitempty"` // how long what a prober watched took
	MachineP999Ms float64 `json:"machine_p99_9_ms,omitempty"`
	MachineMaxMs  float64 `json:"machine_max_ms,omitempty"` // what a prober of the control saw in the same time
	TurnCPUMs     float64 `json:"turn_cpu_ms,omitempty"`    // the most processor time that one turn of our loop used
}

// load is what redis-benchmark is asked for.
type load struct {
	command  string
	ops      int
	pipeline int
	clients  int
	span     int // distinct keys
}

// benchmark runs redis-benchmark once and reads the server's CPU time around it.
//
// It is the load generator for the latencies too: one thread of C over epoll, the same for all servers, with an HDR
// histogram of its own. A generator in Go would add the wake-ups of its goroutines, on two cores the larger part of a
// p99.9. Its CSV has no p99.9, its text has: see parseSummary.
func benchmark(ctx context.Context, s *server, l load) (sample, error) {
	args := []string{"-p", strconv.Itoa(s.port), "-c", strconv.Itoa(l.clients), "-r", strconv.Itoa(l.span),
		"-n", strconv.Itoa(l.ops), "-P", strconv.Itoa(l.pipeline), "--precision", "3"}
	before, err := consumptionOf(s)
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, "redis-benchmark", append(args, strings.Fields(l.command)...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return sample{}, s.explain(benchmarkError(err, lastLine(string(out)), stderr.String()))
	}
	after, err := consumptionOf(s)
	if err != nil {
		return sample{}, err
	}
	sm, err := parseSummary(string(out))
	if err != nil {
		return sm, err
	}
	sm.ServerCPUSecs = after.cpu - before.cpu
	sm.WaitPercent = (after.wait - before.wait) / after.at.Sub(before.at).Seconds() * 100
	sm.CPUMicrosOp = sm.ServerCPUSecs / float64(l.ops) * 1e6
	return sm, nil
}

// consumption is the processor time that a server has had and lacked at one moment, in seconds.
type consumption struct {
	at        time.Time
	cpu, wait float64
}

func consumptionOf(s *server) (u consumption, err error) {
	u.at = time.Now()
	if u.cpu, err = cpuSeconds(s.cmd.Process.Pid); err != nil {
		return u, err
	}
	u.wait, err = waitSeconds(s.cmd.Process.Pid)
	return u, err
}

// benchmarkError tells an error reply, at which redis-benchmark ends, from what else ended it.
func benchmarkError(err error, out, stderr string) error {
	if _, reply, ok := strings.Cut(stderr, "Error from server: "); ok {
		return fmt.Errorf("redis-benchmark: server %w", replyError(strings.TrimSpace(reply)))
	}
	return fmt.Errorf("redis-benchmark: %w\n%s%s", err, out, stderr)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexAny(text, "\r\n")+1:]
}

// parseSummary reads redis-benchmark's text. Its "percentile distribution" halves the distance to 100 % from line to
// line, with the exact count at each, so the line for 99.902 % bounds p99.9 from above within two of 100,000 requests;
// the "cumulative distribution" has fixed latencies and may have a tighter bound. p50 and p99 stand in the last table:
//
//	99.902% <= 3.775 milliseconds (cumulative count 49952)
//	  throughput summary: 42698.55 requests per second
//	          avg       min       p50       p95       p99       max
//	        0.684     0.120     0.567     1.311     1.895     4.687
func parseSummary(out string) (sample, error) {
	var sm sample
	var bounds []bound
	header := false
	for line := range strings.SplitSeq(out, "\n") {
		fields := strings.Fields(line)
		switch {
		case strings.Contains(line, "milliseconds (cumulative count"):
			var b bound
			if _, err := fmt.Sscanf(line, "%f%% <= %f milliseconds (cumulative count %f)", &b.percent, &b.ms, &b.count); err != nil {
				return sm, fmt.Errorf("%w: redis-benchmark printed %q", errServer, line)
			}
			bounds = append(bounds, b)
		case strings.Contains(line, "throughput summary:") && len(fields) > 2:
			sm.OpsPerSecond, _ = strconv.ParseFloat(fields[2], 64)
		case len(fields) == 6 && fields[0] == "avg":
			header = true
		case header && len(fields) == 6:
			sm.P50Ms, _ = strconv.ParseFloat(fields[2], 64)
			sm.P99Ms, _ = strconv.ParseFloat(fields[4], 64)
			sm.MaxMs, _ = strconv.ParseFloat(fields[5], 64)
		}
	}
	sm.P999Ms = quantileBound(bounds, 0.999)
	if sm.OpsPerSecond == 0 || sm.MaxMs == 0 || sm.P999Ms == 0 {
		return sm, fmt.Errorf("%w: redis-benchmark printed %q", errServer, lastLine(out))
	}
	return sm, nil
}

// bound says that so many requests, or so many percent, took at most that long.
type bound struct{ percent, ms, count float64 }

// quantileBound is the lowest latency that at least the share q of all requests kept, 0 without bounds.
func quantileBound(bounds []bound, q float64) float64 {
	total, best := 0.0, 0.0
	for _, b := range bounds {
		total = max(total, b.count)
	}
	for _, b := range bounds {
		if b.count >= q*total && (best == 0 || b.ms < best) {
			best = b.ms
		}
	}
	return best
}

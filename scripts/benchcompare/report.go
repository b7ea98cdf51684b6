package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"text/tabwriter"
)

// report is everything that was measured.
type report struct {
	Environment environment `json:"environment"`
	Rows        []row       `json:"speed,omitempty"`
	Modules     []row       `json:"modules,omitempty"`
	Memory      []memoryRow `json:"memory,omitempty"`
	Latency     []row       `json:"latency,omitempty"`
	Stops       []row       `json:"stops,omitempty"`
	Targets     []verdict   `json:"targets,omitempty"`
}

// row is one test at one pipeline depth, or one phase that a prober watched.
type row struct {
	Test       string   `json:"test"`
	Pipeline   int      `json:"pipeline,omitempty"`
	Operations int      `json:"operations_per_run"`
	Servers    []result `json:"servers"`
}

// result is what one server did in a row.
type result struct {
	Name    string   `json:"name"`
	Refusal string   `json:"refused,omitempty"` // the error reply because of which there are no more samples
	Samples []sample `json:"samples,omitempty"`
	Medians *sample  `json:"medians,omitempty"` // for readers of the JSON; figures here come from the samples
}

// refuse keeps an error reply as the result and returns any other error.
func (r *result) refuse(err error) error {
	if r.Refusal = refusal(err); r.Refusal != "" {
		return nil
	}
	return err
}

// spread is a median with its extremes.
type spread struct{ median, low, high float64 }

func (s spread) width() float64 { return s.high - s.low }

// of summarises one figure over the samples.
func (r result) of(figure func(sample) float64) spread {
	values := make([]float64, len(r.Samples))
	for i, s := range r.Samples {
		values[i] = figure(s)
	}
	slices.Sort(values)
	n := len(values)
	if n == 0 {
		return spread{}
	}
	return spread{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]}
}

func cpuOf(s sample) float64     { return s.CPUMicrosOp }
func opsOf(s sample) float64     { return s.OpsPerSecond }
func p50Of(s sample) float64     { return s.P50Ms }
func p99Of(s sample) float64     { return s.P99Ms }
func p999Of(s sample) float64    { return s.P999Ms }
func maxOf(s sample) float64     { return s.MaxMs }
func secondsOf(s sample) float64 { return s.Seconds }
func serverOf(s sample) float64  { return s.ServerCPUSecs }
func waitOf(s sample) float64    { return s.WaitPercent }
func machineOf(s sample) float64 { return s.MachineMaxMs }
func turnOf(s sample) float64    { return s.TurnCPUMs }
func cyclesOf(s sample) float64  { return float64(s.GCCycles) }

func (r result) medians() *sample {
	if len(r.Samples) == 0 {
		return nil
	}
	m := func(figure func(sample) float64) float64 { return r.of(figure).median }
	return &sample{OpsPerSecond: m(opsOf), CPUMicrosOp: m(cpuOf), P50Ms: m(p50Of), P99Ms: m(p99Of), P999Ms: m(p999Of),
		MaxMs: m(maxOf), ServerCPUSecs: m(serverOf), WaitPercent: m(waitOf), GCCycles: int(m(cyclesOf)),
		Seconds: m(secondsOf), MachineMaxMs: m(machineOf), TurnCPUMs: m(turnOf)}
}

// judge compares two spreads: the ratio, and "~" where either spread is wider than the difference of the medians, so
// that no conclusion may be drawn.
func judge(a, base spread) string {
	if base.median == 0 || a.median == 0 {
		return "- "
	}
	if a == base {
		return "1 "
	}
	mark := " "
	if max(a.width(), base.width()) > math.Abs(a.median-base.median) {
		mark = "~"
	}
	return fmt.Sprintf("%.2f%s", a.median/base.median, mark)
}

// base is the result of one server, which the others are divided by.
func (r row) base(name string) result {
	for _, s := range r.Servers {
		if s.Name == name {
			return s
		}
	}
	return result{}
}

// print prints all sections; those that were not measured print nothing.
func (rep *report) print(w io.Writer) {
	rep.printSpeed(w)
	rep.printModules(w)
	rep.printMemory(w)
	rep.printLatency(w)
	rep.printStops(w)
}

func (rep *report) printSpeed(w io.Writer) { printRows(w, "speed", rep.Rows, redisName) }

func (rep *report) printModules(w io.Writer) {
	printRows(w, "module command against built-in", rep.Modules, builtinName)
}

func newTable(w io.Writer, title string) *tabwriter.Writer {
	_, _ = fmt.Fprintf(w, "\n%s\n", title)
	return tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
}

const legend = "medians; ~ marks a ratio whose difference is smaller than the spread of its samples: no verdict"

func printRows(w io.Writer, title string, rows []row, baseName string) {
	if len(rows) == 0 {
		return
	}
	tw := newTable(w, title)
	_, _ = fmt.Fprintf(tw, "test\tP\tserver\tCPU µs/op\tmin–max\t/%s\tops/s\tmin–max\t/%s\tp50 ms\tp99\t/%s\tp99.9\t/%s\t\n",
		baseName, baseName, baseName, baseName)
	for _, r := range rows {
		base := r.base(baseName)
		for _, s := range r.Servers {
			if len(s.Samples) == 0 {
				_, _ = fmt.Fprintf(tw, "%s\t%d\t%s\trefused\t\t- \t\t\t- \t\t\t- \t\t- \t\n", r.Test, r.Pipeline, s.Name)
				continue
			}
			cpu, ops, p99, p999 := s.of(cpuOf), s.of(opsOf), s.of(p99Of), s.of(p999Of)
			_, _ = fmt.Fprintf(tw, "%s\t%d\t%s\t%.2f\t%.2f–%.2f\t%s\t%.0fk\t%.0f–%.0f\t%s\t%.2f\t%.2f\t%s\t%.2f\t%s\t\n",
				r.Test, r.Pipeline, s.Name, cpu.median, cpu.low, cpu.high, judge(cpu, base.of(cpuOf)),
				ops.median/1e3, ops.low/1e3, ops.high/1e3, judge(ops, base.of(opsOf)), s.of(p50Of).median,
				p99.median, judge(p99, base.of(p99Of)), p999.median, judge(p999, base.of(p999Of)))
		}
	}
	_ = tw.Flush()
	_, _ = fmt.Fprintf(w, "%s\nthe servers were ready to run without a processor for %.0f %% of the time (median of all runs): "+
		"the more, the less the latencies and ops/s say\n", legend, medianWait(rows))
	printRefusals(w, rows)
}

// medianWait tells how busy the machine was with other things.
func medianWait(rows []row) float64 {
	var all result
	for _, r := range rows {
		for _, s := range r.Servers {
			all.Samples = append(all.Samples, s.Samples...)
		}
	}
	return all.of(waitOf).median
}

// printRefusals says why a server has no figures in a row.
func printRefusals(w io.Writer, rows []row) {
	for _, r := range rows {
		for _, s := range r.Servers {
			if s.Refusal != "" {
				_, _ = fmt.Fprintf(w, "%s P%d: %s answers: %s\n", r.Test, r.Pipeline, s.Name, s.Refusal)
			}
		}
	}
}

func (rep *report) printMemory(w io.Writer) {
	if len(rep.Memory) == 0 {
		return
	}
	tw := newTable(w, "memory")
	_, _ = fmt.Fprintln(tw, "data\tserver\telements\tRSS bytes/element\t/redis\tused_memory bytes/element\t/redis\t"+
		"used_memory to RSS\tfill CPU s\t")
	for _, m := range rep.Memory {
		base := rep.memoryOf(m.Data, redisName)
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%d\t%.1f\t%s\t%.1f\t%s\t%+.1f %%\t%.2f\t\n", m.Data, m.Server, m.Elements,
			m.RSSPerElement, quotient(m.RSSPerElement, base.RSSPerElement),
			m.UsedPerElement, quotient(m.UsedPerElement, base.UsedPerElement), m.deviation(), m.FillCPUSecs)
	}
	_ = tw.Flush()
	for _, m := range rep.Memory {
		if m.Refusal != "" {
			_, _ = fmt.Fprintf(w, "%s: %s answers: %s\n", m.Data, m.Server, m.Refusal)
		}
	}
}

func quotient(a, base float64) string {
	if a <= 0 || base <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/base)
}

// printLatency and printStops have a pair of columns per percentile: milliseconds with the extremes, and the ratio.
func (rep *report) printLatency(w io.Writer) {
	if len(rep.Latency) == 0 {
		return
	}
	tw := newTable(w, "latency with many keys")
	_, _ = fmt.Fprintln(tw, "test\tserver\tops/s\tp50 ms\t/redis\tp99\tmin–max\t/redis\tp99.9\tmin–max\t/redis\tmax\tmin–max\t/redis\twait\tGCs\t")
	for _, r := range rep.Latency {
		base := r.base(redisName)
		for _, s := range r.Servers {
			p50 := s.of(p50Of)
			_, _ = fmt.Fprintf(tw, "%s\t%s\t%.0fk\t%.2f\t%s\t%s%s%s%.0f %%\t%.0f\t\n", r.Test, s.Name, s.of(opsOf).median/1e3, p50.median,
				judge(p50, base.of(p50Of)), cells(s, base, p99Of), cells(s, base, p999Of), cells(s, base, maxOf),
				s.of(waitOf).median, s.of(cyclesOf).median)
		}
	}
	_ = tw.Flush()
	_, _ = fmt.Fprintln(w, legend+"\nwait: how much of the time the server was ready to run without a processor; GCs: "+
		"collections in one run that were brought about")
	printRefusals(w, rep.Latency)
}

func (rep *report) printStops(w io.Writer) {
	if len(rep.Stops) == 0 {
		return
	}
	tw := newTable(w, "stops, as a PING each millisecond sees them")
	_, _ = fmt.Fprintln(tw, "phase\tserver\tseconds\tp50 ms\tp99.9\tmin–max\t/redis\tmax\tmin–max\t/redis\tmachine\town\tGCs\t")
	for _, r := range rep.Stops {
		base := r.base(redisName)
		for _, s := range r.Servers {
			_, _ = fmt.Fprintf(tw, "%s\t%s\t%.1f\t%.2f\t%s%s%.2f\t%s\t%.0f\t\n", r.Test, s.Name, s.of(secondsOf).median, s.of(p50Of).median,
				cells(s, base, p999Of), cells(s, base, maxOf), s.of(machineOf).median, own(s.of(turnOf)), s.of(cyclesOf).median)
		}
	}
	_ = tw.Flush()
	_, _ = fmt.Fprintln(w, legend+"\nmachine: the longest stop that a server without work would have had in the same time; own: the "+
		"most processor time in ms that our loop used from one poll to the next, median and highest of the rounds")
	printRefusals(w, rep.Stops)
}

// own is the processor time of the longest turn, or nothing for a server that does not tell.
func own(turn spread) string {
	if turn.high == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f–%.2f", turn.median, turn.high)
}

func cells(s, base result, figure func(sample) float64) string {
	f := s.of(figure)
	return fmt.Sprintf("%.2f\t%.2f–%.2f\t%s\t", f.median, f.low, f.high, judge(f, base.of(figure)))
}

// write stores all samples as JSON.
func (rep *report) write(path string) error {
	if path == "" {
		return nil
	}
	for _, rows := range [][]row{rep.Rows, rep.Modules, rep.Latency, rep.Stops} {
		for _, r := range rows {
			for i := range r.Servers {
				r.Servers[i].Medians = r.Servers[i].medians()
			}
		}
	}
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// readReport reads what write has stored.
func readReport(path string) (*report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rep := &report{}
	if err := json.Unmarshal(text, rep); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rep, nil
}

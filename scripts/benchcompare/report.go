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
	Rows    []row       `json:"speed,omitempty"`
	Modules []row       `json:"modules,omitempty"`
	Memory  []memoryRow `json:"memory,omitempty"`
}

// row is one test at one pipeline depth.
type row struct {
	Test       string   `json:"test"`
	Pipeline   int      `json:"pipeline"`
	Operations int      `json:"operations_per_run"`
	Servers    []result `json:"servers"`
}

// result is what one server did in a row.
type result struct {
	Name    string   `json:"name"`
	Samples []sample `json:"samples"`
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

func cpuOf(s sample) float64 { return s.CPUMicrosOp }
func opsOf(s sample) float64 { return s.OpsPerSecond }
func p50Of(s sample) float64 { return s.P50Ms }
func p99Of(s sample) float64 { return s.P99Ms }

// judge compares two spreads: the ratio, and "~" where either spread is wider than the difference of the medians, so
// that no conclusion may be drawn.
func judge(a, base spread) string {
	if base.median == 0 {
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

// base is the result that the others are divided by.
func (r row) base(name string) result {
	for _, s := range r.Servers {
		if s.Name == name {
			return s
		}
	}
	return result{}
}

func (rep *report) printSpeed(w io.Writer) {
	printRows(w, rep.Rows, redisName)
}

func (rep *report) printModules(w io.Writer) {
	_, _ = fmt.Fprintln(w, "\nmodule command against built-in")
	printRows(w, rep.Modules, builtinName)
}

func printRows(w io.Writer, rows []row, baseName string) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(tw, "test\tP\tserver\tCPU µs/op\tmin–max\t/%s\tops/s\tmin–max\t/%s\tp50 ms\tp99 ms\t/%s\t\n",
		baseName, baseName, baseName)
	for _, r := range rows {
		base := r.base(baseName)
		for _, s := range r.Servers {
			cpu, ops, p99 := s.of(cpuOf), s.of(opsOf), s.of(p99Of)
			_, _ = fmt.Fprintf(tw, "%s\t%d\t%s\t%.2f\t%.2f–%.2f\t%s\t%.0fk\t%.0f–%.0f\t%s\t%.2f\t%.2f\t%s\t\n",
				r.Test, r.Pipeline, s.Name, cpu.median, cpu.low, cpu.high, judge(cpu, base.of(cpuOf)),
				ops.median/1e3, ops.low/1e3, ops.high/1e3, judge(ops, base.of(opsOf)),
				s.of(p50Of).median, p99.median, judge(p99, base.of(p99Of)))
		}
	}
	_ = tw.Flush()
	_, _ = fmt.Fprintln(w, "medians; ~ marks a ratio whose difference is smaller than the spread of its samples: no verdict")
}

func (rep *report) printMemory(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(tw, "\ndata\tserver\telements\tRSS bytes/element\tused_memory bytes/element\tfill CPU s\t")
	for _, m := range rep.Memory {
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%d\t%.1f\t%.1f\t%.2f\t\n",
			m.Data, m.Server, m.Elements, m.RSSPerElement, m.UsedPerElement, m.FillCPUSecs)
	}
	_ = tw.Flush()
}

// write stores all samples as JSON.
func (rep *report) write(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

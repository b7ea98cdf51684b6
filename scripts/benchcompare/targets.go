package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// section is a part of the report that a target reads.
type section int

const (
	inSpeed section = iota
	inModules
	inLatency
	inMemory
)

// target is one line of what the daemon shall reach. All but the deviations of used_memory are ratios: the daemon's
// figure over Redis's, a module command's over the built-in's.
type target struct {
	section  section
	test     string // a test, or a kind of data
	pipeline int
	figure   string
	limit    float64
	atLeast  bool // the figure shall be no lower than the limit; else no higher
}

const (
	cpuFigure       = "CPU µs/op"
	opsFigure       = "ops/s"
	p999Figure      = "p99.9 ms"
	rssFigure       = "RSS bytes/element"
	deviationFigure = "used_memory against RSS, %"
	deviationLimit  = 3
)

// targets is the list.
func targets() []target {
	cpu := func(p1, p16, p64 float64, tests ...string) (list []target) {
		for _, test := range tests {
			list = append(list, target{inSpeed, test, 1, cpuFigure, p1, false}, target{inSpeed, test, 16, cpuFigure, p16, false},
				target{inSpeed, test, 64, cpuFigure, p64, false})
		}
		return list
	}
	memory := func(limit float64, data ...string) (list []target) {
		for _, d := range data {
			list = append(list, target{inMemory, d, 0, rssFigure, limit, false})
		}
		return list
	}
	var honest []target
	for _, d := range datasets() {
		honest = append(honest, target{inMemory, d.name, 0, deviationFigure, deviationLimit, false})
	}
	return slices.Concat(
		cpu(0.92, 0.55, 0.35, "SET", "GET", "INCR"),
		cpu(0.95, 0.75, 0.6, "LPUSH", "SADD", "HSET"),
		cpu(0.9, 0.5, 0.5, "ZADD_1M"),
		[]target{
			{inSpeed, "SET4K", 1, cpuFigure, 0.8, false},
			{inSpeed, "GET", 64, opsFigure, 2.5, true},
		},
		memory(0.65, "string"),
		memory(0.7, "hash", "set", "zset"),
		memory(1.0, "hash of 50", "set of 50", "set of 50 ints", "zset of 50", "list of 50"),
		honest,
		[]target{
			{inLatency, "GET", 1, p999Figure, 1.2, false},
			{inLatency, "SET", 1, p999Figure, 1.2, false},
			{inModules, "push.native", 16, cpuFigure, 1.05, false},
			{inModules, "simple", 16, cpuFigure, 1.05, false},
			{inModules, "push.cmd", 16, cpuFigure, 1.2, false},
			{inModules, "counter", 16, cpuFigure, 1.2, false},
		},
	)
}

// verdict is a target with what was measured.
type verdict struct {
	Target   string  `json:"target"`
	Limit    float64 `json:"limit"`
	AtLeast  bool    `json:"at_least,omitempty"`
	Measured float64 `json:"measured"` // from the medians
	Low      float64 `json:"low"`      // the lowest and the highest figure of a single round
	High     float64 `json:"high"`
	Verdict  string  `json:"verdict"`
}

const (
	met         = "met"
	missed      = "missed"
	notMeasured = "not measured"
)

// unclear: single rounds are on both sides of the limit.
func (v verdict) unclear() bool {
	return v.Verdict != notMeasured && v.holds(v.Low) != v.holds(v.High)
}

func (v verdict) holds(figure float64) bool {
	if v.AtLeast {
		return figure >= v.Limit
	}
	return figure <= v.Limit
}

// judgeTargets compares the report with every target.
func (rep *report) judgeTargets() []verdict {
	var all []verdict
	for _, t := range targets() {
		v := verdict{Target: t.name(), Limit: t.limit, AtLeast: t.atLeast, Verdict: notMeasured}
		if s, ok := rep.figure(t); ok {
			v.Measured, v.Low, v.High, v.Verdict = s.median, s.low, s.high, missed
			if v.holds(s.median) {
				v.Verdict = met
			}
		}
		all = append(all, v)
	}
	return all
}

func (t target) name() string {
	switch t.section {
	case inMemory:
		return fmt.Sprintf("%s: %s", t.test, t.figure)
	case inLatency:
		return fmt.Sprintf("%s P%d, many keys: %s", t.test, t.pipeline, t.figure)
	case inModules:
		return fmt.Sprintf("module command %s P%d: %s", t.test, t.pipeline, t.figure)
	}
	return fmt.Sprintf("%s P%d: %s", t.test, t.pipeline, t.figure)
}

// figure is what the report has for a target.
func (rep *report) figure(t target) (spread, bool) {
	switch t.section {
	case inMemory:
		return rep.memoryFigure(t)
	case inLatency:
		return rowFigure(rep.Latency, t, oursName, redisName)
	case inModules:
		return rowFigure(rep.Modules, t, moduleName, builtinName)
	}
	return rowFigure(rep.Rows, t, oursName, redisName)
}

func (rep *report) memoryFigure(t target) (spread, bool) {
	ours, base := rep.memoryOf(t.test, oursName), rep.memoryOf(t.test, redisName)
	if t.figure == deviationFigure {
		d := ours.deviation()
		d = max(d, -d)
		return spread{d, d, d}, ours.RSSPerElement > 0
	}
	if ours.RSSPerElement <= 0 || base.RSSPerElement <= 0 {
		return spread{}, false
	}
	ratio := ours.RSSPerElement / base.RSSPerElement
	return spread{ratio, ratio, ratio}, true
}

func (rep *report) memoryOf(data, server string) memoryRow {
	for _, m := range rep.Memory {
		if m.Data == data && m.Server == server {
			return m
		}
	}
	return memoryRow{}
}

func rowFigure(rows []row, t target, ours, baseName string) (spread, bool) {
	for _, r := range rows {
		if r.Test == t.test && r.Pipeline == t.pipeline {
			return ratioOf(r.base(ours), r.base(baseName), figureOf(t.figure))
		}
	}
	return spread{}, false
}

func figureOf(name string) func(sample) float64 {
	switch name {
	case opsFigure:
		return opsOf
	case p999Figure:
		return p999Of
	}
	return cpuOf
}

// ratioOf divides the medians, and for the extremes the samples of each round, which were taken one after the other.
func ratioOf(a, base result, figure func(sample) float64) (spread, bool) {
	n := min(len(a.Samples), len(base.Samples))
	below := base.of(figure).median
	if n == 0 || below == 0 {
		return spread{}, false
	}
	s := spread{median: a.of(figure).median / below}
	for i := range n {
		ratio := figure(a.Samples[i]) / max(figure(base.Samples[i]), 1e-9)
		if i == 0 {
			s.low, s.high = ratio, ratio
		}
		s.low, s.high = min(s.low, ratio), max(s.high, ratio)
	}
	return s, true
}

func printTargets(w io.Writer, all []verdict) {
	_, _ = fmt.Fprintln(w, "\ntargets")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "target\tlimit\tmeasured\tmin–max\tverdict")
	count := map[string]int{}
	for _, v := range all {
		count[v.Verdict]++
		if v.Verdict == notMeasured {
			_, _ = fmt.Fprintf(tw, "%s\t%s%.2f\t\t\t%s\n", v.Target, v.relation(), v.Limit, v.Verdict)
			continue
		}
		mark := ""
		if v.unclear() {
			mark = " ~"
		}
		_, _ = fmt.Fprintf(tw, "%s\t%s%.2f\t%.2f\t%.2f–%.2f\t%s%s\n", v.Target, v.relation(), v.Limit, v.Measured, v.Low,
			v.High, v.Verdict, mark)
	}
	_ = tw.Flush()
	_, _ = fmt.Fprintf(w, "%d met, %d missed, %d not measured; ~: single rounds are on both sides of the limit\n",
		count[met], count[missed], count[notMeasured])
}

func (v verdict) relation() string {
	if v.AtLeast {
		return "≥ "
	}
	return "≤ "
}

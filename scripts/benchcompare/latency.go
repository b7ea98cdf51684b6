package main

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	gcModule = "scripts/benchcompare/gcforce"
	// warmUpShare of a run's operations go before the first round.
	warmUpShare = 4
)

// value32 is the value of all keys of the latency and the memory figures.
func value32() string { return strings.Repeat("v", 32) }

// latencyTests run on keys that all exist.
func latencyTests() []load {
	return []load{
		{command: "GET key:__rand_int__"},
		{command: "SET key:__rand_int__ " + value32()},
	}
}

// gcDirectives let the servers that are ours load the module that forces collections, if they shall.
func (f *fleet) gcDirectives() ([]string, error) {
	if f.o.forceGCms == 0 {
		return nil, nil
	}
	path, err := f.buildModule(gcModule)
	return []string{"--loadmodule", path}, err
}

// collecting runs do while the server collects garbage, if it is ours and shall, and returns how often it did.
func (f *fleet) collecting(s *server, do func() error) (cycles int, err error) {
	if !s.ours || f.o.forceGCms == 0 {
		return 0, do()
	}
	c, err := dial(s.port)
	if err != nil {
		return 0, err
	}
	defer c.close()
	if _, err := c.do("GCFORCE.EVERY", strconv.Itoa(f.o.forceGCms)); err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	return c.number("GCFORCE.EVERY", "0")
}

// measureLatency fills all servers with many keys and lets 50 clients read and write at pipeline 1 in interleaved rounds.
func (f *fleet) measureLatency() ([]row, error) {
	defer f.stopAll()
	directives, err := f.gcDirectives()
	if err != nil {
		return nil, err
	}
	servers, err := f.startAll(directives...)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		f.progress("latency: filling %s with %d keys", s.name, f.o.latencyKeys)
		if err := fillKeys(s, f.o.latencyKeys, fillBatch); err != nil {
			return nil, fmt.Errorf("fill %s: %w", s.name, err)
		}
	}
	var rows []row
	for _, l := range latencyTests() {
		l.pipeline, l.clients, l.span = 1, f.o.clients, f.o.latencyKeys
		l.ops = workload{weight: 1}.operations(1, f.o.latencySeconds)
		r, err := f.latencyRow(servers, l)
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (f *fleet) latencyRow(servers []*server, l load) (row, error) {
	r := row{Test: strings.Fields(l.command)[0], Pipeline: l.pipeline, Operations: l.ops, Servers: make([]result, len(servers))}
	for i, s := range servers {
		r.Servers[i].Name = s.name
		warm := l
		warm.ops /= warmUpShare
		if _, err := benchmark(f.ctx, s, warm); err != nil {
			return r, err
		}
	}
	for round := range f.o.rounds {
		f.progress("latency of %s: round %d/%d", r.Test, round+1, f.o.rounds)
		for i, s := range servers {
			sm, err := f.loadCollecting(s, l)
			if err != nil {
				return r, err
			}
			r.Servers[i].Samples = append(r.Servers[i].Samples, sm)
		}
	}
	return r, nil
}

// loadCollecting is one run of redis-benchmark while garbage is collected.
func (f *fleet) loadCollecting(s *server, l load) (sm sample, err error) {
	cycles, err := f.collecting(s, func() (err error) {
		sm, err = benchmark(f.ctx, s, l)
		return err
	})
	sm.GCCycles = cycles
	return sm, err
}

// fillKeys creates strings of 16-byte keys and 32-byte values, one SET each.
func fillKeys(s *server, n, batch int) error {
	c, err := dial(s.port)
	if err != nil {
		return err
	}
	defer c.close()
	value := value32()
	return s.explain(c.fill(n, batch, func(i int) []string { return []string{"SET", padded("key:", i), value} }))
}

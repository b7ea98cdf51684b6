package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	watchTime  = 3 * time.Second // how long the prober watches what has no end to wait for
	expiryWait = 2 * time.Minute // how long expired keys may be there
	// expiringShare of the keys expire at one moment.
	expiringShare = 5
)

// phase is something that may make a server stop, watched by a prober. setUp goes before and is not watched.
type phase struct {
	name  string
	setUp func(v *visit) error
	act   func(v *visit) error
}

// visit is one server's way through the phases.
type visit struct {
	f       *fleet
	s       *server
	c       *client
	keys    int
	filling time.Duration // what filling took
	due     time.Time     // when the expiring keys do
	cycles  int           // collections that were brought about
}

// phases follow each other on one server. Apart from "load", the prober's PINGs and what the phase itself sends are the
// only commands: with more clients the latencies would show queueing and the lack of processors.
func phases() []phase {
	nothing := func(*visit) error { return nil }
	return []phase{
		{"idle", nothing, (*visit).watch},
		{"growth", nothing, (*visit).grow},
		{"load", nothing, (*visit).load},
		{"expiry", (*visit).addExpiring, (*visit).awaitExpiry},
		{"unlink", (*visit).addSet, func(v *visit) error { return v.doAndWatch("UNLINK", "bigset") }},
		{"flushall", nothing, func(v *visit) error { return v.doAndWatch("FLUSHALL", "ASYNC") }},
	}
}

// measureStops takes each server through the phases, freshly started, in interleaved rounds.
func (f *fleet) measureStops() ([]row, error) {
	directives, err := f.gcDirectives()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, ph := range phases() {
		r := row{Test: ph.name, Operations: f.o.latencyKeys, Servers: make([]result, len(f.programs))}
		for i, p := range f.programs {
			r.Servers[i].Name = p.name
		}
		rows = append(rows, r)
	}
	for round := range f.o.stopRounds {
		for i, p := range f.programs {
			if err := f.visitServer(p, directives, func(at int, ph phase, v *visit) error {
				f.progress("stops: round %d/%d: %s of %s", round+1, f.o.stopRounds, ph.name, p.name)
				sm, err := v.probe(ph)
				if err == nil {
					rows[at].Servers[i].Samples = append(rows[at].Servers[i].Samples, sm)
				}
				return rows[at].Servers[i].refuse(err)
			}); err != nil {
				return rows, fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return rows, nil
}

func (f *fleet) visitServer(p program, directives []string, each func(at int, ph phase, v *visit) error) error {
	defer f.stopAll()
	if p.ours {
		directives = append([]string{"--latency-monitor-threshold", "1"}, directives...) // or turns are not measured
	} else {
		directives = nil
	}
	s, err := f.start(p, directives...)
	if err != nil {
		return err
	}
	c, err := dial(s.port)
	if err != nil {
		return err
	}
	defer c.close()
	v := &visit{f: f, s: s, c: c, keys: f.o.latencyKeys}
	for at, ph := range phases() {
		if err := each(at, ph, v); err != nil {
			return fmt.Errorf("%s: %w", ph.name, err)
		}
	}
	return nil
}

// probe runs one phase, with one prober at the server and one at the control.
func (v *visit) probe(ph phase) (sample, error) {
	if err := ph.setUp(v); err != nil {
		return sample{}, err
	}
	k, err := startControl()
	if err != nil {
		return sample{}, err
	}
	defer k.close()
	machine, err := startProber(k.port())
	if err != nil {
		return sample{}, err
	}
	v.cycles = 0
	sm, err := v.probeServer(ph)
	latencies, machineErr := machine.finish()
	m := probed(latencies)
	sm.MachineP999Ms, sm.MachineMaxMs = m.P999Ms, m.MaxMs
	return sm, errors.Join(v.s.explain(err), machineErr)
}

func (v *visit) probeServer(ph phase) (sample, error) {
	p, err := startProber(v.s.port)
	if err != nil {
		return sample{}, err
	}
	if _, err := v.c.do("CONFIG", "RESETSTAT"); err != nil {
		return sample{}, err
	}
	start := time.Now()
	err = ph.act(v)
	took := time.Since(start)
	latencies, probeErr := p.finish()
	sm := probed(latencies)
	sm.Seconds, sm.GCCycles = took.Seconds(), v.cycles
	var turnErr error
	if v.s.ours {
		sm.TurnCPUMs, turnErr = v.turnCPU()
	}
	return sm, errors.Join(err, probeErr, turnErr)
}

// turnCPU is the most processor time, in milliseconds, that a turn of our event loop has used in the phase.
func (v *visit) turnCPU() (float64, error) {
	text, err := v.c.do("INFO", "stats")
	if err != nil {
		return 0, err
	}
	_, text, _ = strings.Cut(text, "eventloop_longest_turn_cpu_usec:")
	text, _, _ = strings.Cut(text, "\r")
	usec, err := strconv.Atoi(text)
	return float64(usec) / 1e3, err
}

func (v *visit) watch() error { return pause(v.f.ctx, watchTime) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// grow makes the table resize until it has all keys.
func (v *visit) grow() error {
	start := time.Now()
	err := fillKeys(v.s, v.keys, probeBatch)
	v.filling = time.Since(start)
	return err
}

// load is a run of redis-benchmark at pipeline 1, with garbage being collected.
func (v *visit) load() error {
	l := latencyTests()[1]
	l.pipeline, l.clients, l.span = 1, v.f.o.clients, v.keys
	l.ops = workload{weight: 1}.operations(1, v.f.o.latencySeconds)
	sm, err := v.f.loadCollecting(v.s, l)
	v.cycles = sm.GCCycles
	return err
}

// addExpiring adds keys that expire at one moment, far enough away for all of them to be there: judged by how long the
// keys before took, twice that and some.
func (v *visit) addExpiring() error {
	n := v.keys / expiringShare
	v.due = time.Now().Add(2*v.filling/expiringShare + time.Second)
	atMs := strconv.FormatInt(v.due.UnixMilli(), 10)
	if err := v.c.fill(n, fillBatch, func(i int) []string {
		return []string{"SET", padded("exp:", i), "v", "PXAT", atMs}
	}); err != nil {
		return err
	}
	size, err := v.c.number("DBSIZE")
	if err != nil {
		return err
	}
	if size < v.keys+n || time.Now().After(v.due) {
		return fmt.Errorf("%w: %d keys of %d shortly before they expire: the machine is too busy", errServer, size, v.keys+n)
	}
	return pause(v.f.ctx, time.Until(v.due)-100*time.Millisecond)
}

// awaitExpiry waits until the server has removed what has expired.
func (v *visit) awaitExpiry() error {
	for start := time.Now(); time.Since(start) < expiryWait; {
		if err := pause(v.f.ctx, 200*time.Millisecond); err != nil {
			return err
		}
		if size, err := v.c.number("DBSIZE"); err != nil || size <= v.keys {
			return err
		}
	}
	return replyError(fmt.Sprintf("keys that are expired are still there after %v", expiryWait))
}

// addSet adds a set with as many members as there are keys.
func (v *visit) addSet() error {
	members := fill{command: "SADD bigset", each: "member:" + randWord, count: v.keys}
	n, command := members.commands(v.keys)
	return v.c.fill(n, fillBatch/elementsPerCommand, command)
}

// doAndWatch sends a command and watches on: what it leaves to the background can make the server stop too.
func (v *visit) doAndWatch(args ...string) error {
	if err := pause(v.f.ctx, 100*time.Millisecond); err != nil {
		return err
	}
	if _, err := v.c.do(args...); err != nil {
		return err
	}
	return v.watch()
}

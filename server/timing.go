package server

import (
	"math"
	"runtime/metrics"
	"time"

	"datastore/aof"
	"datastore/server/command"
	"datastore/server/latency"
	"datastore/server/ticks"
)

// timing measures what the server does. It belongs to whoever holds the execution lock.
//
// Every command is measured by itself. The commands of a batch follow each other, so that one reading of the clock between
// two of them is the end of one and the beginning of the next: lap is that reading. A command's time includes what it takes
// to admit it and to encode its effects. One that runs others inside (EXEC, a module's command) includes theirs, which are
// measured as well, as with Redis.
//
// What takes as long as latency-monitor-threshold becomes an event of the monitor, under the name that says most about it:
// a turn of the loop or a cron whose length is that of a command or of a write to the AOF is not reported again.
type timing struct {
	clock *ticks.Clock
	lap   ticks.Tick

	tracking   bool  // latency-tracking: histograms by command
	eventNanos int64 // latency-monitor-threshold; math.MaxInt64 for off
	slowNanos  int64 // slowlog-log-slower-than; math.MaxInt64 for off
	notable    int64 // the smaller one: of a command that takes less nothing is remembered but its time
	slow       latency.SlowLog
	monitor    latency.Monitor
	told       int64 // nanoseconds of events so far, so that what contains them does not tell them again
	turnTold   int64 // of that in the present turn of the event loop, until noteTurnBefore the one before
	turnFrom   int64 // told when that turn began
	pauses     gcPauses

	suspended *wait // of the running command, which is no sample yet
}

// applyLatency puts the directives about latency into force.
func (s *Server) applyLatency() {
	t := &s.timing
	t.tracking, t.eventNanos = s.values.LatencyTracking, math.MaxInt64
	if ms := s.values.LatencyMonitorThresholdMs; ms > 0 && ms < math.MaxInt64/int64(time.Millisecond) {
		t.eventNanos = ms * int64(time.Millisecond)
	}
	t.applyNotable()
	t.pauses.take() // those of before are not told
	if s.log != nil {
		s.log.LongestSync()
	}
}

func (t *timing) applyNotable() { t.notable = min(t.eventNanos, t.slowNanos) }

// monitoring reports whether events are to be measured.
func (t *timing) monitoring() bool { return t.eventNanos != math.MaxInt64 }

// beginLaps begins the measurement of a run of commands.
func (s *Server) beginLaps() { s.timing.lap = s.timing.clock.Now() }

// endLap ends the measurement of a command, nil for one that did not run, and begins that of the next.
func (s *Server) endLap(cl *command.Client, cmd *command.Command, args [][]byte) {
	t := &s.timing
	now := t.clock.Now()
	if cmd != nil {
		s.note(cl, cmd, args, now-t.lap)
	}
	t.lap = now
}

// note counts an execution of a command that took so long.
func (s *Server) note(cl *command.Client, cmd *command.Command, args [][]byte, took ticks.Tick) {
	t, st := &s.timing, cmd.Stats
	nanos := t.clock.Nanos(took)
	st.Calls++
	st.Nanos += nanos
	if w := t.suspended; w != nil && s.running == 0 {
		t.suspended = nil
		w.nanos = nanos
		if t.slowNanos != math.MaxInt64 {
			w.args = latency.Abridge(args, cmd.Secret)
		}
	} else if t.tracking {
		st.Latency.Record(nanos)
	}
	if nanos >= t.notable {
		s.noteLong(cl, cmd, args, nanos)
	}
}

// noteLong remembers a command that took long as an event, in the slow log, or both.
func (s *Server) noteLong(cl *command.Client, cmd *command.Command, args [][]byte, nanos int64) {
	event := eventCommand
	if cmd.Is(command.Fast) {
		event = eventFastCommand
	}
	s.noteEvent(nanos, event)
	if nanos >= s.timing.slowNanos {
		s.noteSlow(cl, cmd, args, nanos)
	}
}

// noteEvent notes what is no command and took so long, if that is long enough to be an event, under one name or several.
func (s *Server) noteEvent(nanos int64, events ...string) {
	t := &s.timing
	if nanos < t.eventNanos {
		return
	}
	t.told += nanos
	for _, event := range events {
		t.monitor.Add(event, s.clock().Unix(), nanos/int64(time.Millisecond))
	}
}

// span is the measurement of something that may contain events.
type span struct {
	began ticks.Tick
	told  int64
}

func (s *Server) beginSpan() span { return span{s.timing.clock.Now(), s.timing.told} }

// endSpan notes the event unless it is explained by those within, and returns how long it took in all, in nanoseconds.
func (s *Server) endSpan(event string, sp span) int64 {
	t := &s.timing
	took := t.clock.Nanos(t.clock.Now() - sp.began)
	s.noteEvent(took-(t.told-sp.told), event)
	return took
}

// noteTurn counts a turn of a driver.
func (s *Server) noteTurn(nanos int64) {
	s.stats.turns++
	s.stats.turnNanos += nanos
	s.stats.longestTurn = max(s.stats.longestTurn, nanos)
}

// noteTurnBefore counts the event loop's turn before the present one: when a turn ends, the loop has given back the lock.
// It is called once in each turn, after everything in it that can be an event.
func (s *Server) noteTurnBefore(took ticks.Tick) {
	t := &s.timing
	nanos := t.clock.Nanos(took)
	s.noteTurn(nanos)
	s.noteEvent(nanos-t.turnTold, eventTurn)
	t.turnTold, t.turnFrom = t.told-t.turnFrom, t.told
}

// notePauses notes what others measure: the stops of all goroutines by the collector, and the fsyncs that replies wait for.
func (s *Server) notePauses() {
	if !s.timing.monitoring() {
		return
	}
	s.noteEvent(s.timing.pauses.take(), eventGCPause)
	if s.logging() {
		if took := s.log.LongestSync(); s.fsyncPolicy() == aof.Always {
			s.noteEvent(int64(took), eventFsyncAlways)
		}
	}
}

// gcPauses reads from the runtime how long the collector has stopped all goroutines.
type gcPauses struct {
	sample []metrics.Sample
	counts []uint64
}

// take returns how long the longest pause since it was called last took at least, in nanoseconds.
func (p *gcPauses) take() int64 {
	if p.sample == nil {
		p.sample = []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	}
	metrics.Read(p.sample)
	h := p.sample[0].Value.Float64Histogram()
	if len(p.counts) != len(h.Counts) {
		p.counts = make([]uint64, len(h.Counts))
	}
	longest := 0.0
	for i, n := range h.Counts {
		if n > p.counts[i] {
			longest = max(h.Buckets[i], 0) // the lowest class begins at minus infinity
		}
	}
	copy(p.counts, h.Counts)
	return int64(longest * 1e9)
}

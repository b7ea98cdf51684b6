package latency

import (
	"math"
	"sort"
)

// samples is how many moments of an event are remembered: as many as Redis remembers.
const samples = 160

// Sample is the worst of an event within one second.
type Sample struct {
	Sec int64 // Unix time
	Ms  int64 // how long it took
}

// series is what is remembered of one event: the last samples, oldest first from next on once the ring is full, and the
// worst ever.
type series struct {
	ring    []Sample
	next    int
	worstMs int64
}

func (s *series) add(sec, ms int64) {
	s.worstMs = max(s.worstMs, ms)
	if last := s.latest(); last != nil && last.Sec == sec {
		last.Ms = max(last.Ms, ms)
		return
	}
	if len(s.ring) < samples {
		s.ring = append(s.ring, Sample{sec, ms})
		return
	}
	s.ring[s.next] = Sample{sec, ms}
	s.next = (s.next + 1) % samples
}

// latest returns the sample that was added last, nil before the first.
func (s *series) latest() *Sample {
	if len(s.ring) == 0 {
		return nil
	}
	return &s.ring[(s.next+len(s.ring)-1)%len(s.ring)]
}

// history returns the samples in the order of their time.
func (s *series) history() []Sample {
	return append(append(make([]Sample, 0, len(s.ring)), s.ring[s.next:]...), s.ring[:s.next]...)
}

// Monitor remembers the events that took long. The zero value is ready for use; the owner guards it. It holds as many
// events as its owner has names for.
type Monitor struct {
	events map[string]*series
}

// Add notes that an event took ms milliseconds at the Unix time sec. Of several within a second the worst counts.
func (m *Monitor) Add(event string, sec, ms int64) {
	s := m.events[event]
	if s == nil {
		if m.events == nil {
			m.events = map[string]*series{}
		}
		s = &series{}
		m.events[event] = s
	}
	s.add(sec, ms)
}

// Reset forgets an event and reports whether there was anything to forget.
func (m *Monitor) Reset(event string) bool {
	_, known := m.events[event]
	delete(m.events, event)
	return known
}

// Events returns the names of the events that have samples, sorted.
func (m *Monitor) Events() []string {
	names := make([]string, 0, len(m.events))
	for name := range m.events {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// History returns the samples of an event, oldest first; none when it never took long.
func (m *Monitor) History(event string) []Sample {
	if s := m.events[event]; s != nil {
		return s.history()
	}
	return nil
}

// Summary describes an event.
type Summary struct {
	Latest    Sample
	WorstMs   int64 // since the event was reset, also of samples that are forgotten
	Count     int   // of samples
	MeanMs    int64
	SpreadMs  int64   // mean distance of a sample from the mean
	PeriodSec float64 // mean time from one sample to the next, up to now
}

// Summarize describes an event that has samples, as of the Unix time nowSec.
func (m *Monitor) Summarize(event string, nowSec int64) Summary {
	s := m.events[event]
	list := s.history()
	sum, n := int64(0), int64(len(list))
	for _, x := range list {
		sum += x.Ms
	}
	mean := float64(sum) / float64(n)
	spread := 0.0
	for _, x := range list {
		spread += math.Abs(float64(x.Ms) - mean)
	}
	return Summary{
		Latest: *s.latest(), WorstMs: s.worstMs, Count: len(list), MeanMs: int64(math.Round(mean)),
		SpreadMs:  int64(math.Round(spread / float64(n))),
		PeriodSec: float64(max(nowSec-list[0].Sec, 1)) / float64(n),
	}
}

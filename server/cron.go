package server

import (
	"time"
)

const (
	expireSample     = 20 // keys looked at at a time by active expiry, times the effort
	samplesPerSecond = 16
)

// cron does the periodic work, hz times a second, under the lock in the driver's goroutine. Every part is bounded.
func (s *Server) cron(now time.Time) {
	hz := max(1, s.values.Hz)
	s.nextCron = now.Add(time.Second / time.Duration(hz))
	s.crons++
	s.timing.clock.Calibrate()
	defer s.endSpan(eventCron, s.beginSpan())
	if s.admin.cronPaused {
		s.tickAOF(now)
		s.checkShutdown(now)
		return
	}
	s.startBackground(now)
	s.serveLater()
	s.checkWaiting()
	s.endUnit() // what a reply to one that waited claims is in the AOF before it leaves
	s.tickAOF(now)
	s.checkClients(hz)
	if s.crons%int64(hz) == 0 {
		s.everySecond()
	}
	s.takeSamples(now)
	s.limitHeap()
	if s.heap.ownPercent && s.pace.follow(s.turn, s.values.MaxMemoryBytes) {
		s.trim.now()
	}
	if used := s.usedMemory(); used > s.stats.peakMemory {
		s.stats.peakMemory = used
	}
	s.checkShutdown(now)
}

// tickAOF writes what is due to the AOF.
func (s *Server) tickAOF(now time.Time) {
	if s.logging() {
		s.log.Tick(now)
		s.flushAOF(nil)
	}
}

// cronDue reports whether the cron should run: it is time, or an end was asked for.
func (s *Server) cronDue(now time.Time) bool {
	return !now.Before(s.nextCron) || s.endAsked.Load() != 0
}

// everySecond is the part of the cron that needs no finer grain.
func (s *Server) everySecond() {
	s.trim.check(s.turn)
	s.replicationCron()
	s.notePauses()
}

// staleWeight is the share of a new sample in the running mean of INFO's expired_stale_perc, as with Redis.
const staleWeight = 0.05

// noteExpiry counts a cycle of active expiry that took so long and found dead keys among all that it looked at.
func (st *stats) noteExpiry(took time.Duration, all, dead int) {
	st.expireTime += took
	share := 0.0
	if all > 0 {
		share = float64(dead) * 100 / float64(all)
	}
	st.stalePercent = share*staleWeight + st.stalePercent*(1-staleWeight)
}

// sampler averages the rate of a counter over the last samples.
type sampler struct {
	rates [samplesPerSecond]int64
	i     int
	last  int64
	at    time.Time
}

func (m *sampler) take(now time.Time, counter int64) {
	if !m.at.IsZero() {
		if ms := now.Sub(m.at).Milliseconds(); ms > 0 {
			m.rates[m.i] = (counter - m.last) * 1000 / ms
			m.i = (m.i + 1) % len(m.rates)
		}
	}
	m.last, m.at = counter, now
}

// mean returns the rate per second.
func (m *sampler) mean() int64 {
	var sum int64
	for _, r := range m.rates {
		sum += r
	}
	return sum / int64(len(m.rates))
}

func (s *Server) takeSamples(now time.Time) {
	s.stats.opsSample.take(now, s.stats.commands)
	s.stats.inSample.take(now, s.stats.netIn)
	s.stats.outSample.take(now, s.admin.netOut.Load())
	s.stats.turnSample.take(now, s.stats.turns)
	s.stats.turnNanosSample.take(now, s.stats.turnNanos)
}

package server

import (
	"math"
	"sync/atomic"
	"time"
)

// background is the work that no client waits for: deleting keys whose time has come, giving the memory of deleted values
// back, resizing the tables of databases, and moving records together. It is done in slices of a quarter of a millisecond under
// the lock, in the driver's goroutine, with pauses between them in which clients are served; where nobody has asked for
// anything for the length of a pause, the event loop goes on without. So none of it stops the server for longer than a slice,
// however much there is.
//
// The cron starts the work; slices go on until there is none.
type background struct {
	due      atomic.Int64 // when the next slice may run, in ns of the monotonic clock; noWork for none
	turn     int          // the job that begins, so that each gets its share
	expiring expiring

	compactAt   time.Time     // not before
	compactWait time.Duration // after a compaction that gave nothing back
	purgeDue    int64         // bytes of unused memory that are to be given back
	slackBefore int64         // free bytes in sparse runs when the compaction began
}

// expiring is a round of active expiry over the databases that have keys with an expiry.
type expiring struct {
	running bool
	left    int // databases still to be looked at
	looked  int
	dead    int
	took    time.Duration
}

const (
	noWork = math.MaxInt64

	sliceTime   = 250 * time.Microsecond // of work under the lock, which a client may have to wait for
	pauseTime   = 750 * time.Microsecond // without, while clients are served: a quarter of the time at most
	minPause    = 250 * time.Microsecond // at the highest active-expire-effort
	slicePart   = 64                     // blocks, records or buckets between two looks at the clock
	expireParts = 10                     // a round goes on while more than one in so many keys looked at is dead

	compactEvery   = time.Second // between two compactions at least
	compactWaitMax = 2 * time.Minute
)

// startBackground is the cron's part: it begins what is due and wakes the slices.
func (s *Server) startBackground(now time.Time) {
	b := &s.background
	if s.loading {
		return
	}
	s.startExpiry()
	if !s.store.Compacting() && s.values.Compaction && now.After(b.compactAt) && s.store.CompactionDue() {
		b.slackBefore = s.store.SlackBytes()
		s.store.BeginCompaction()
	}
	if s.crons%int64(max(1, s.values.Hz)) == 0 {
		b.purgeDue = s.store.Age() / 2 // of what is not used again: half of it each second
	}
	if b.due.Load() == noWork && s.hasWork() {
		b.due.Store(0)
	}
}

// hasWork reports whether any job has something to do.
func (s *Server) hasWork() bool {
	b := &s.background
	if b.expiring.running || s.store.Trash() > 0 || s.store.Compacting() || b.purgeDue > 0 {
		return true
	}
	for i := range s.store.Databases() {
		if s.store.DB(i).Resizing() {
			return true
		}
	}
	return false
}

// untilSlice is how long it is until the next slice may run, at most the given time.
func (s *Server) untilSlice(most time.Duration) time.Duration {
	due := s.background.due.Load()
	if due == noWork {
		return most
	}
	return min(most, max(0, time.Duration(due)-time.Since(s.started)))
}

// sliceDue reports whether a slice should run now: there is work, and the pause is over or nobody needs it.
func (s *Server) sliceDue(quiet bool) bool {
	due := s.background.due.Load()
	return due != noWork && (quiet || time.Since(s.started) >= time.Duration(due))
}

// slice does background work for about sliceTime. It runs under the lock, as a turn of its own.
func (s *Server) slice() {
	b := &s.background
	defer s.endSpan(eventBackground, s.beginSpan())
	began := time.Since(s.started)
	end := began + sliceTime
	jobs := [...]func() bool{s.expireSome, s.freeSome, s.resizeSome, s.compactSome, s.purgeSome}
	idle := 0
	for idle < len(jobs) && time.Since(s.started) < end {
		if jobs[b.turn%len(jobs)]() {
			idle = 0
		} else {
			idle++
		}
		b.turn++
	}
	s.endUnit()
	s.flushAOF(nil)
	now := time.Since(s.started)
	if idle == len(jobs) {
		b.due.Store(noWork)
		return
	}
	effort := time.Duration(max(1, s.values.ActiveExpireEffort) - 1)
	b.due.Store(int64(now + max(minPause, pauseTime-effort*(pauseTime-minPause)/9)))
}

// freeSome gives memory of deleted values back.
func (s *Server) freeSome() bool { return s.store.FreeSome(slicePart) }

// resizeSome brings the resizes of the databases' tables forward.
func (s *Server) resizeSome() bool {
	more := false
	for i := range s.store.Databases() {
		if db := s.store.DB(i); db.Resizing() {
			more = db.Step(slicePart) || more
		}
	}
	return more
}

// compactSome moves records together.
func (s *Server) compactSome() bool {
	b := &s.background
	if !s.store.Compacting() || s.store.Compact(slicePart) {
		return s.store.Compacting()
	}
	if s.store.SlackBytes() > b.slackBefore-b.slackBefore/4 { // what is left cannot be moved, or comes back as fast
		b.compactWait = min(max(2*b.compactWait, compactEvery), compactWaitMax)
	} else {
		b.compactWait = compactEvery
	}
	b.compactAt = s.turn.Add(b.compactWait)
	return false
}

// purgeSome gives memory that is kept for reuse back to the system.
func (s *Server) purgeSome() bool {
	b := &s.background
	if b.purgeDue <= 0 {
		return false
	}
	if before := s.store.DirtyBytes(); s.store.Purge() {
		b.purgeDue -= before - s.store.DirtyBytes()
	} else {
		b.purgeDue = 0 // nothing is left, or the system refuses
	}
	return b.purgeDue > 0
}

// startExpiry begins a round of active expiry. A round that is still under way goes on; it counts as one that used up its
// time.
func (s *Server) startExpiry() {
	e := &s.background.expiring
	if s.link != nil || !s.activeExpire {
		return
	}
	if e.running {
		s.stats.expireCapped++
		return
	}
	*e = expiring{running: true, left: s.store.Databases()}
}

// expireSome looks at some keys that expire and deletes the dead ones, each as a unit of its own. A database is done when
// few of the keys looked at were dead.
func (s *Server) expireSome() bool {
	e := &s.background.expiring
	if !e.running || s.link != nil || !s.activeExpire || s.loading {
		e.running = false
		return false
	}
	sp := s.beginSpan()
	db := s.store.DB(e.left - 1)
	looked, dead := db.ExpireSome(expireSample * max(1, s.values.ActiveExpireEffort))
	s.endUnit()
	e.looked, e.dead = e.looked+looked, e.dead+dead
	e.took += time.Duration(s.endSpan(eventExpireCycle, sp))
	if dead*expireParts <= looked {
		e.left--
	}
	if e.left == 0 {
		e.running = false
		s.stats.noteExpiry(e.took, e.looked, e.dead)
	}
	return e.running
}

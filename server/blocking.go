package server

import (
	"math"
	"time"
)

// wait is why a connection is blocked: it executes nothing until try succeeds, the deadline passes, or it is closed.
// Nothing sleeps: whoever changes what a waiting client waits for calls checkWaiting, as does the cron.
type wait struct {
	deadlineMs int64 // monotonic; noDeadline for none
	// try reports whether the client is served; it then has written its reply to s.ctx.W.
	try func() bool
	// expire writes the reply for a deadline that has passed.
	expire func()

	suspension // of a module; then try and expire are nil
}

// noDeadline lets a client wait without end.
const noDeadline = math.MaxInt64

// block suspends a client from within its handler. timeoutMs 0 means no limit.
func (s *Server) block(c *conn, timeoutMs int64, w *wait) {
	w.deadlineMs = noDeadline
	if timeoutMs > 0 {
		w.deadlineMs = s.monoMs() + timeoutMs
	}
	c.blocked.Store(w)
	s.waiting = append(s.waiting, c)
	if w.deadlineMs < s.waitDue.Load() {
		s.waitDue.Store(w.deadlineMs)
		s.wake()
	}
}

// unblock ends the suspension without a reply.
func (s *Server) unblock(c *conn) {
	if w := c.blocked.Swap(nil); w != nil && w.module != nil {
		s.unsuspend(w)
		return
	}
	for i, o := range s.waiting {
		if o == c {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			break
		}
	}
}

// checkWaiting serves the blocked clients whose condition holds, in the order in which they blocked, and those whose
// deadline has passed.
func (s *Server) checkWaiting() {
	if len(s.waiting)+len(s.modules.deadlines) == 0 {
		s.waitDue.Store(noDeadline)
		return
	}
	now := s.monoMs()
	s.expireSuspended(now)
	w, start := &s.ctx.W, len(s.ctx.W.Buf)
	proto := w.Proto
	for i := 0; i < len(s.waiting); {
		c := s.waiting[i]
		w.Proto = c.Proto
		switch {
		case c.blocked.Load().try():
		case now >= c.blocked.Load().deadlineMs:
			c.blocked.Load().expire()
		default:
			i++
			continue
		}
		s.unblock(c)
		c.push(w.Buf[start:])
		w.Buf = w.Buf[:start]
	}
	w.Proto = proto
	due := s.modules.deadlines.first()
	for _, c := range s.waiting {
		due = min(due, c.blocked.Load().deadlineMs)
	}
	s.waitDue.Store(due)
}

// untilDeadline is how long it is until a blocked client's deadline passes, at most the given time.
func (s *Server) untilDeadline(most time.Duration) time.Duration {
	due := s.waitDue.Load()
	switch {
	case s.modules.due.Load():
		return 0
	case due == noDeadline:
		return most
	}
	return min(most, time.Duration(max(0, due-s.monoMs()))*time.Millisecond)
}

// deadlineDue reports whether checkDeadlines has something to do.
func (s *Server) deadlineDue(nowMs int64) bool {
	return s.waitDue.Load() <= nowMs || s.modules.due.Load()
}

// checkDeadlines is the part of the cron that blocked clients cannot wait for. It runs under the lock.
func (s *Server) checkDeadlines() {
	if !s.deadlineDue(s.monoMs()) {
		return
	}
	s.beginTurn()
	s.checkWaiting()
	s.serveBlocked(nil)
	s.endUnit()
	s.flushAOF(nil)
}

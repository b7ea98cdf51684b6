package server

import (
	"math"
)

// wait is why a connection is blocked: it executes nothing until try succeeds, the deadline passes, or it is closed.
// Nothing sleeps: whoever changes what a waiting client waits for calls checkWaiting, as does the cron.
type wait struct {
	deadlineMs int64 // monotonic; noDeadline for none
	// try reports whether the client is served; it then has written its reply to s.ctx.W.
	try func() bool
	// expire writes the reply for a deadline that has passed.
	expire func()
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
}

// unblock ends the suspension without a reply.
func (s *Server) unblock(c *conn) {
	c.blocked.Store(nil)
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
	if len(s.waiting) == 0 {
		return
	}
	now := s.monoMs()
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
}

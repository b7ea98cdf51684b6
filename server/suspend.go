package server

import (
	"container/heap"
	"time"

	"datastore/plugin/host"
	"datastore/server/command"
)

// suspension is the wait of a client that a module has blocked. The host decides about its end; the server only keeps its
// deadline, and calls the host where it is safe to run callbacks: after a client's unit, at the end of locked, or in
// checkDeadlines.
type suspension struct {
	module host.Waiting
	cmd    *command.Command
	place  int      // in modules.deadlines, -1 for none
	nanos  int64    // that the handler took, once noted
	args   []string // for the slow log, if that was on
}

// mayExpire reports whether CLIENT UNBLOCK ends the wait.
func (w *wait) mayExpire() bool { return w.expire != nil || w.module != nil && w.module.MayTimeOut() }

// deadlines is a heap of the suspended clients that have one, by time.
type deadlines []*wait

// Len implements heap.Interface.
func (d deadlines) Len() int { return len(d) }

// Less implements heap.Interface.
func (d deadlines) Less(i, j int) bool { return d[i].deadlineMs < d[j].deadlineMs }

// Swap implements heap.Interface.
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

// Push implements heap.Interface.
func (d *deadlines) Push(x any) {
	w := x.(*wait)
	w.place = len(*d)
	*d = append(*d, w)
}

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	w := (*d)[last]
	(*d)[last], *d = nil, (*d)[:last]
	w.place = -1
	return w
}

// first returns the earliest deadline.
func (d deadlines) first() int64 {
	if len(d) == 0 {
		return noDeadline
	}
	return d[0].deadlineMs
}

// Suspend implements host.Blocker.
func (m moduleServer) Suspend(cl *command.Client, cmd *command.Command, timeoutMs int64, module host.Waiting) {
	s := m.s
	w := &wait{deadlineMs: noDeadline, suspension: suspension{module: module, cmd: cmd, place: -1}}
	if timeoutMs > 0 {
		w.deadlineMs = s.monoMs() + timeoutMs
		heap.Push(&s.modules.deadlines, w)
		if w.deadlineMs < s.waitDue.Load() {
			s.waitDue.Store(w.deadlineMs)
			s.wake()
		}
	}
	s.modules.suspended++
	s.timing.suspended = w
	cl.Owner.(*conn).blocked.Store(w)
}

// unsuspend forgets a suspension that has ended.
func (s *Server) unsuspend(w *wait) {
	s.modules.suspended--
	if w.place >= 0 {
		heap.Remove(&s.modules.deadlines, w.place)
	}
}

// endWait ends the wait of a connection that is closed or about to be: a key that becomes ready meanwhile is for others.
func (s *Server) endWait(c *conn) {
	w := c.blocked.Load()
	if w == nil {
		return
	}
	s.unblock(c)
	if w.module != nil {
		w.module.Gone()
	}
}

// expireSuspended tells modules whose clients' time is over.
func (s *Server) expireSuspended(nowMs int64) {
	d := &s.modules.deadlines
	for d.first() <= nowMs {
		heap.Pop(d).(*wait).module.TimedOut()
	}
}

// Resume implements host.Blocker.
func (m moduleServer) Resume(cl *command.Client, begin int, measured, callback time.Duration) {
	s, c := m.s, cl.Owner.(*conn)
	w := c.blocked.Load()
	s.noteUnblocked(cl, w, measured, callback)
	s.unblock(c)
	switch {
	case c.quiet():
		s.cutReply(begin)
		c.mark()
	case c != s.modules.serving: // whose replies are being collected
		c.push(s.ctx.W.Buf[begin:])
		s.cutReply(begin)
	}
}

// noteUnblocked counts what a blocked client's command took in all, as one sample.
func (s *Server) noteUnblocked(cl *command.Client, w *wait, measured, callback time.Duration) {
	t, st := &s.timing, w.cmd.Stats
	later := int64(measured + callback)
	st.Nanos += later
	if t.tracking {
		st.Latency.Record(w.nanos + later)
	}
	if w.nanos+later >= t.slowNanos && w.args != nil && !w.cmd.Is(command.SkipSlowlog) {
		s.addSlow(cl, w.args, w.nanos+later)
	}
	s.noteEvent(int64(callback), eventUnblocking)
}

// serveBlocked lets the host run the callbacks of blocked clients. Replies to the connection that is being served, nil for
// none, join those that it has got. While a dataset is being loaded, which callbacks must not see half, it is put off until
// a cron after the load.
func (s *Server) serveBlocked(c *conn) {
	m := &s.modules
	if !m.due.Swap(false) {
		return
	}
	if s.loading {
		m.putOff = true
		return
	}
	m.serving = c
	m.host.ServeBlocked()
	m.serving = nil
}

// serveLater makes up for what serveBlocked has put off.
func (s *Server) serveLater() {
	if m := &s.modules; m.putOff && !s.loading {
		m.putOff = false
		m.due.Store(true)
	}
}

// Unit implements host.Blocker.
func (m moduleServer) Unit(f func()) {
	s, ctx := m.s, &m.s.ctx
	mayPin, depth := ctx.MayPin, s.running
	ctx.MayPin = false
	s.running++
	s.store.CountReads(false)
	s.store.NoTouch(false)
	ctx.Effects.Begin()
	defer func() { // also when a goroutine of a module ends in its Do
		s.running = depth
		ctx.MayPin = mayPin
		s.endUnit()
	}()
	f()
}

// TryLocked implements host.Blocker.
func (m moduleServer) TryLocked(f func()) bool {
	if !m.s.mu.TryLock() {
		return false
	}
	m.s.underLock(f)
	return true
}

// Loading implements host.Blocker.
func (m moduleServer) Loading() bool { return m.s.loading || m.s.current.Load() == nil }

// ObserveKeys implements host.Blocker.
func (m moduleServer) ObserveKeys(on bool) {
	m.s.modules.observing = on
	m.s.observeChanges()
}

// observeChanges has the keyspace tell what changes while anybody wants to know.
func (s *Server) observeChanges() {
	if len(s.watchers) == 0 && !s.modules.observing {
		s.store.OnChange(nil)
		return
	}
	s.store.OnChange(s.keyChanged)
}

// BlockedDue implements host.Blocker.
func (m moduleServer) BlockedDue() { m.s.modules.due.Store(true) }

// Wake implements host.Blocker.
func (m moduleServer) Wake() { m.s.wake() }

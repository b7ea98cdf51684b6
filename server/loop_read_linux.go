package server

import (
	"errors"

	"golang.org/x/sys/unix"

	"datastore/server/sockio"
	"datastore/server/ticks"
)

// read reads the ready connections once and parses what came: first those that are not greedy, as long as there is room,
// then some of the greedy ones. The others come first in the next turn.
func (l *loop) read() {
	used, greedy := 0, false
	l.later, l.again = l.later[:0], l.again[:0]
	for _, c := range l.ready {
		switch {
		case c.closed || c.paused():
			l.setAside(c)
		case c.greedy:
			greedy = true
		case len(l.arena)-used < 2*readBytes || len(l.batch.cmds) >= maxTurnCommands:
			l.later = append(l.later, c)
		default:
			used += l.readOne(c, l.arena[used:])
		}
	}
	if greedy {
		l.readGreedy(l.arena[used:])
	}
	l.ready, l.later = append(l.later, l.again...), l.ready[:0]
}

// readGreedy is read for greedy connections: one at least, and as many as will not take longer than a turn should.
func (l *loop) readGreedy(arena []byte) {
	b, left := l.batch, l.srv.timing.clock.Ticks(turnTime)
	for _, c := range l.ready {
		switch {
		case !c.greedy:
		case c.closed || c.paused():
			l.setAside(c)
		case left <= 0 || len(arena) < readBytes:
			l.later = append(l.later, c)
		default:
			before := len(b.cmds)
			arena = arena[l.readOne(c, arena):]
			left -= ticks.Tick(len(b.cmds)-before) * c.pace
		}
	}
}

// setAside takes a connection out of the ready list that must not be read now.
func (l *loop) setAside(c *conn) {
	if c.closed {
		return
	}
	c.ready = false
	if c.blocked.Load() != nil && c.hangup {
		l.drop(c, "closed by peer") // whatever else it has sent would not be executed
	}
}

// paused reports whether the connection must not be read: it is blocked, waits for an fsync or for its end.
func (c *conn) paused() bool { return c.blocked.Load() != nil || c.hold != 0 || c.closing.Load() }

// readOne reads from a connection into the arena, or behind the unexecuted bytes that it has, parses, and returns the
// arena bytes taken. A connection from which more may come stays ready.
func (l *loop) readOne(c *conn, arena []byte) int {
	if c.large.bytes > 0 {
		l.readLarge(c)
		return 0
	}
	dst := arena[:readBytes]
	own := len(c.rbuf)
	if own > 0 {
		if c.more || !c.readable {
			l.settled(c)
			l.feed(c, c.rbuf)
			return 0
		}
		c.rbuf = growInput(c.rbuf, min(max(c.parser.Want(), readBytes), max(own, readBytes), maxReadBytes))
		dst = c.rbuf[own:cap(c.rbuf)]
	}
	n, err := sockio.Recv(c.fd, dst)
	l.srv.admin.reads.Add(1)
	if n <= 0 {
		l.readFailed(c, err)
		return 0
	}
	c.activeMs.Store(l.nowMs)
	c.readable = n == len(dst) || c.hangup
	l.settled(c)
	if own > 0 {
		c.rbuf = c.rbuf[:own+n]
		l.feed(c, c.rbuf)
		return 0
	}
	l.feed(c, dst[:n])
	return n
}

// settled keeps a connection in the ready list while it is readable.
func (l *loop) settled(c *conn) {
	if c.ready = c.readable; c.ready {
		l.again = append(l.again, c)
	}
}

func (l *loop) readFailed(c *conn, err error) {
	switch {
	case err == nil:
		l.drop(c, "closed by peer")
	case errors.Is(err, unix.EAGAIN):
		c.readable, c.ready = false, false
	case errors.Is(err, unix.EINTR):
		l.settled(c)
	default:
		l.drop(c, err.Error())
	}
}

func (l *loop) feed(c *conn, in []byte) {
	if l.srv.inputTooLarge(c, len(in)+c.largeBytes()) {
		return
	}
	l.batch.add(c, in)
}

// settle keeps the bytes that the batch did not consume for the next turn.
func (l *loop) settle() {
	for i := range l.batch.feeds {
		f := &l.batch.feeds[i]
		c := f.c
		if c.closed {
			continue
		}
		rest := f.in[f.used:]
		if c.more = f.more && len(rest) > 0; c.more {
			l.markReady(c)
		}
		l.keepInput(c, rest)
		c.unread.Store(int64(len(rest)))
		if len(rest) > 0 && !c.more {
			l.beginLarge(c)
		}
	}
}

// keepInput makes rest, which may be the end of it, the connection's input.
func (l *loop) keepInput(c *conn, rest []byte) {
	switch {
	case len(rest) > 0 && cap(c.rbuf) == 0:
		c.rbuf = append(l.spareBuffer(), rest...)
	case c.more && len(rest) > readBytes && endsWith(c.rbuf, rest):
		c.rbufTail = c.rbufTail || len(rest) < len(c.rbuf)
		c.rbuf = c.rbuf[len(c.rbuf)-len(rest):] // moving it to the front turn after turn would be quadratic
	case len(rest) > 0 && !c.rbufTail:
		c.rbuf = append(c.rbuf[:0], rest...)
	case len(rest) > 0:
		c.rbuf, c.rbufTail = append(l.spareBuffer(), rest...), false
	case cap(c.rbuf) > 0:
		if !c.rbufTail {
			l.spareAway(c.rbuf)
		}
		c.rbuf, c.rbufTail = nil, false
	}
}

// endsWith reports whether rest is the end of buf: the same memory.
func endsWith(buf, rest []byte) bool {
	return len(buf) >= len(rest) && &buf[len(buf)-len(rest)] == &rest[0]
}

// spareBuffer returns an empty input buffer.
func (l *loop) spareBuffer() []byte {
	if n := len(l.spare); n > 0 {
		b := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return b
	}
	return make([]byte, 0, readBytes)
}

// spareAway keeps an input buffer for the next connection that needs one.
func (l *loop) spareAway(b []byte) {
	if cap(b) <= keepInputBytes && len(l.spare) < maxSpare {
		l.spare = append(l.spare, b[:0])
		return
	}
	l.srv.trim.dropped(b)
}

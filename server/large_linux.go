package server

import (
	"golang.org/x/sys/unix"

	"datastore/keyspace"
)

const (
	maxWriteBytes = 1 << 20 // to one connection per turn
	lineEnd       = 2       // bytes behind an argument
)

// beginLarge switches a connection that is in the middle of a long argument to a buffer of its own. It waits until a part
// of it is there: an announcement alone costs the client nothing.
func (l *loop) beginLarge(c *conn) {
	n, pos, ok := c.parser.Incomplete()
	if !ok || n < keyspace.MinPinBytes || c.large.bytes > 0 || len(c.rbuf)-pos < readBytes/2 {
		return
	}
	buf, err := keyspace.NewBuffer(n + lineEnd)
	if err != nil {
		return // no address space: it goes the usual way, or fails there
	}
	c.large = incoming{buf: buf, bytes: n, have: copy(buf.Bytes(n+lineEnd), c.rbuf[pos:])}
	c.rbuf = append(make([]byte, 0, pos), c.rbuf[:pos]...)
	c.unread.Store(int64(len(c.rbuf) + c.large.have))
}

// readLarge reads more of a long argument; the last byte completes the argument, and perhaps the command.
func (l *loop) readLarge(c *conn) {
	in := &c.large
	rest := in.buf.Bytes(in.bytes + lineEnd)[in.have:]
	rest = rest[:min(len(rest), maxReadBytes)]
	n, err := unix.Read(c.fd, rest)
	l.srv.admin.reads.Add(1)
	if n <= 0 {
		l.readFailed(c, err)
		return
	}
	c.activeMs.Store(l.nowMs)
	c.readable = n == len(rest) || c.hangup
	l.settled(c)
	in.have += n
	c.unread.Store(int64(len(c.rbuf) + in.have))
	if in.have < in.bytes+lineEnd {
		return
	}
	c.parser.Receive(in.buf.Bytes(in.bytes))
	c.received = append(c.received, *in)
	c.large = incoming{}
	l.feed(c, c.rbuf)
}

// advance makes the next part of the output the one that is being sent, and reports whether there is one. Pins of what has
// been sent are released with the next turn.
func (l *loop) advance(c *conn) bool {
	if c.pinned {
		l.unpins = append(l.unpins, c.pin)
		c.wbuf, c.wbufSent, c.pinned = nil, 0, false
	}
	c.emptyWbuf()
	if len(c.parts) == 0 {
		return false
	}
	p := c.parts[0]
	c.parts[0] = part{}
	c.parts = c.parts[1:]
	if len(c.parts) == 0 {
		c.parts = nil
	}
	c.wbuf, c.pin, c.pinned = p.data, p.pin, p.pinned
	return true
}

// unpin releases the pins of what has been sent. It runs under the lock.
func (l *loop) unpin() {
	for _, p := range l.unpins {
		p.Release()
	}
	clear(l.unpins)
	l.unpins = l.unpins[:0]
}

// keepWriting lets a connection whose socket takes more than maxWriteBytes go on in the next turn.
func (l *loop) keepWriting(c *conn) {
	if !c.inWriting {
		c.inWriting = true
		l.writing = append(l.writing, c)
	}
}

// goOnWriting sends the next part of long outputs.
func (l *loop) goOnWriting() {
	list := l.writing
	l.writing = l.writingNext[:0]
	for _, c := range list {
		c.inWriting = false
		if !c.closed && !c.waitWrite {
			l.flush(c)
		}
	}
	clear(list)
	l.writingNext = list[:0]
}

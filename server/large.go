package server

import (
	"datastore/keyspace"
	"datastore/server/command"
)

// Arguments and replies of megabytes. An argument that announces itself as long is received in a buffer of its own, which
// becomes the value of the string that is set to it; the reply with a long string refers to the string's own memory, which
// is pinned until the socket has taken it. So the loop never copies more than it reads or writes in a turn, and a value of
// half a gigabyte delays nobody for longer than a small one.

// incoming is an argument that is being received in a buffer of its own.
type incoming struct {
	buf   keyspace.Buffer
	bytes int // of the argument
	have  int // received, of the argument and its line end
}

// part is a piece of a connection's output behind wbuf.
type part struct {
	data   []byte
	pin    keyspace.Pin // of data, when pinned is set: it is a string's own memory and must not be written to
	pinned bool
}

// enqueue appends bytes to the output that the socket has not taken; the driver does, without the lock.
func (c *conn) enqueue(data []byte) {
	switch n := len(c.parts); {
	case len(data) == 0:
		return
	case n == 0 && !c.pinned:
		c.wbuf = append(c.wbuf, data...)
	case n == 0 || c.parts[n-1].pinned:
		c.parts = append(c.parts, part{data: append([]byte(nil), data...)})
	default:
		c.parts[n-1].data = append(c.parts[n-1].data, data...)
	}
	c.unsent.Add(int64(len(data)))
}

// enqueuePinned appends a pinned string to the output.
func (c *conn) enqueuePinned(p command.Pinned) {
	c.parts = append(c.parts, part{data: p.Bytes, pin: p.Pin, pinned: true})
	c.unsent.Add(int64(len(p.Bytes)))
	c.lent.Add(int64(len(p.Bytes)))
}

// hasOutput reports whether the socket has not taken all yet.
func (c *conn) hasOutput() bool { return len(c.wbuf) > 0 || len(c.parts) > 0 }

// dropOutput forgets what has not been sent. It runs under the lock.
func (c *conn) dropOutput() {
	if c.pinned {
		c.pin.Release()
	}
	for _, p := range c.parts {
		if p.pinned {
			p.pin.Release()
		} else {
			c.srv.trim.dropped(p.data)
		}
	}
	if c.pinned {
		c.wbuf, c.wbufSent, c.pinned = nil, 0, false
	}
	c.emptyWbuf()
	c.parts = nil
	c.lent.Store(0)
}

// offer gives the long arguments that were received in buffers of their own to the store, for the command that runs next.
func (c *conn) offer() {
	for _, in := range c.received {
		c.srv.store.Offer(in.buf, in.bytes)
	}
	c.received = nil
}

// cutReply takes back what was written to the reply from byte n on.
func (s *Server) cutReply(n int) {
	s.ctx.W.Buf = s.ctx.W.Buf[:n]
	for i := len(s.ctx.Pinned) - 1; i >= 0 && s.ctx.Pinned[i].At > n; i-- {
		s.ctx.Pinned[i].Pin.Release()
		s.ctx.Pinned = s.ctx.Pinned[:i]
	}
}

// largeBytes is how much of long arguments the connection has.
func (c *conn) largeBytes() int {
	n := c.large.have
	for _, in := range c.received {
		n += in.have
	}
	return n
}

// dropLarge gives the buffers of long arguments back. It runs under the lock.
func (c *conn) dropLarge() {
	if c.large.bytes > 0 {
		c.received = append(c.received, c.large)
		c.large = incoming{}
	}
	c.offer()
	c.srv.store.Retract()
}

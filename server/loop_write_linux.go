package server

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"datastore/server/sockio"
)

// write sends the replies of the batch, without the lock.
func (l *loop) write() {
	b := l.batch
	for i := range b.outputs {
		o := &b.outputs[i]
		c := o.c
		data := b.out[o.from:o.to]
		if c.hasOutput() || c.hold != 0 || c.waitWrite || o.tail != "" || len(o.pins) > 0 {
			l.queue(o)
			if c.hold != 0 {
				l.holdBack(c)
			} else if !c.waitWrite {
				l.flush(c)
			}
		} else if n := l.send(c, data); n < len(data) && !c.closed {
			c.enqueue(data[n:])
		}
		if n := c.unsent.Load(); n > maxFeedOutputBytes || !c.Authed && n > unauthOutputBytes {
			l.lock()
			c.checkOutput()
			l.unlock()
		}
	}
}

// queue appends a connection's replies, with the strings that they refer to, to its output.
func (l *loop) queue(o *output) {
	at := o.from
	for _, p := range o.pins {
		if p.At > o.to || o.c.closed { // the reply was taken back, or nobody waits for it
			l.unpins = append(l.unpins, p.Pin)
			continue
		}
		o.c.enqueue(l.batch.out[at:p.At])
		o.c.enqueuePinned(p)
		at = p.At
	}
	if !o.c.closed {
		o.c.enqueue(l.batch.out[at:o.to])
		o.c.enqueue([]byte(o.tail))
	}
}

func (l *loop) holdBack(c *conn) {
	if !c.inHeld {
		c.inHeld = true
		l.held = append(l.held, c)
	}
}

// send writes as much as the socket takes, up to maxWriteBytes, and returns how much that was.
func (l *loop) send(c *conn, data []byte) int {
	sent, most := 0, min(len(data), maxWriteBytes)
	for sent < most {
		n, err := sockio.Send(c.fd, data[sent:most])
		l.srv.admin.writes.Add(1)
		if n > 0 {
			sent += n
			l.srv.admin.netOut.Add(int64(n))
			continue
		}
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			c.waitWrite = true
			return sent
		default:
			l.drop(c, "write: "+err.Error())
			return sent
		}
	}
	if most < len(data) {
		l.keepWriting(c)
	}
	return sent
}

// flush writes what waits in wbuf, and what follows it until maxWriteBytes have been sent in this turn.
func (l *loop) flush(c *conn) {
	if c.closed || c.hold != 0 || !c.hasOutput() {
		return
	}
	for sent := 0; sent < maxWriteBytes; {
		n := l.send(c, c.wbuf)
		if c.closed {
			return
		}
		c.unsent.Add(int64(-n))
		if c.pinned {
			c.lent.Add(int64(-n))
		}
		sent += n
		if n < len(c.wbuf) {
			c.wbuf = c.wbuf[n:] // moving the rest to the front would cost a copy of it per write
			c.wbufSent += n
			break
		}
		if !l.advance(c) {
			break
		}
	}
	if c.hasOutput() && !c.waitWrite {
		l.keepWriting(c)
	}
	if c.ending && !c.hasOutput() {
		l.drop(c, "closed by the server")
	}
}

// sweep does what others asked for: output queued from outside, connections to close, replies whose fsync is done.
func (l *loop) sweep() {
	l.release()
	l.lock()
	l.srv.noteTurnBefore(l.took)
	l.noteUseBefore()
	list := l.dirty
	l.dirty = l.sweeping[:0]
	for _, c := range list {
		c.dirty = false
		c.takeOutput()
		c.ending = c.closing.Load()
		if c.hold != 0 {
			l.holdBack(c)
		}
	}
	l.unlock()
	l.sweeping = list
	for _, c := range list {
		if c.closed {
			continue
		}
		if !c.waitWrite && c.hold == 0 {
			l.flush(c)
		}
		switch {
		case c.dead.Load(), c.ending && !c.hasOutput() && c.hold == 0:
			l.drop(c, "closed by the server")
		case !c.ending:
			l.goOn(c)
		}
	}
	clear(list) // closed connections are garbage
}

// goOn lets a connection that may have been blocked continue with the bytes it has.
func (l *loop) goOn(c *conn) {
	if len(c.rbuf) > 0 && !c.ready {
		c.more = true
	}
	if c.readable || len(c.rbuf) > 0 {
		l.markReady(c)
	}
}

// release lets replies go whose offset is durable.
func (l *loop) release() {
	if len(l.held) == 0 {
		return
	}
	synced := l.srv.log.Synced()
	rest := l.held[:0]
	for _, c := range l.held {
		if c.hold > synced && !c.closed {
			rest = append(rest, c)
			continue
		}
		c.hold, c.inHeld = 0, false
		if !c.waitWrite {
			l.flush(c)
		}
		l.goOn(c)
	}
	l.held = rest
	if len(rest) > 0 && l.syncFailed() {
		for _, c := range rest { // never durable, so never acknowledged
			l.drop(c, "the append only file failed")
		}
		l.held = rest[:0]
	}
}

// syncFailed reports whether what waits for an fsync waits in vain.
func (l *loop) syncFailed() bool {
	l.lock()
	defer l.unlock()
	return l.srv.log.Err() != nil
}

// drop closes a connection.
func (l *loop) drop(c *conn, why string) {
	if c.closed {
		return
	}
	delete(l.conns, c.fd)
	c.hold, c.rbuf = 0, nil
	s := l.srv
	s.mu.Lock()
	c.dropOutput()
	c.dropLarge()
	s.forget(c, why)
	s.mu.Unlock()
	if err := unix.Close(c.fd); err != nil {
		s.logf(Warning, "closing a client's socket: %v", err)
	}
	l.pauseAccepting(false)
}

// close ends all connections and listeners. Replies that wait for an fsync get it, unless the server ends because of an
// error: then nothing more may be acknowledged.
func (l *loop) close() {
	s := l.srv
	s.mu.Lock()
	failed := s.exitErr != nil
	if s.log != nil && s.log.Running() && !failed {
		s.log.SyncTo(s.log.Written())
	}
	s.mu.Unlock()
	for deadline := time.Now().Add(lastSyncWait); !failed && len(l.held) > 0 && time.Now().Before(deadline); {
		l.release()
		time.Sleep(time.Millisecond)
	}
	for _, c := range l.conns {
		if !c.waitWrite && c.hold == 0 && !failed {
			l.flush(c)
		}
		l.drop(c, "server stopped")
	}
	for _, ln := range l.lists {
		ln.close(s)
	}
	l.endWaking()
	_ = unix.Close(l.wakefd)
	_ = unix.Close(l.epfd)
}

// endWaking lets nobody write to wakefd any more: its number may belong to another file of the process soon. Whoever has
// set waking has written already or is about to.
func (l *loop) endWaking() {
	var buf [8]byte
	for !l.waking.CompareAndSwap(false, true) {
		if _, err := unix.Read(l.wakefd, buf[:]); err == nil {
			l.waking.Store(false)
		} else {
			runtime.Gosched()
		}
	}
}

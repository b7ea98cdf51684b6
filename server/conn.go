package server

import (
	"sync/atomic"
	"time"

	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/config"
	"datastore/server/resp"
	"datastore/server/ticks"
)

// conn is one connection, whichever driver reads it.
//
// Two parties touch it. Its driver (the event loop or a goroutine) owns the socket, the parser, rbuf and wbuf. Everything
// else, obuf included, belongs to whoever holds the execution lock. A driver reads and writes sockets without the lock and
// takes obuf over into wbuf under it.
type conn struct {
	command.Client
	srv    *Server
	driver driver

	fd       int // of the event loop's connections
	addr     string
	laddr    string
	local    bool // Unix socket or loopback peer
	parser   resp.Parser
	rbuf     []byte // bytes received and not executed, when a command is incomplete or must wait
	rbufTail bool   // it is the end of a larger buffer
	wbuf     []byte // replies that the socket did not take yet
	wbufSent int    // bytes of wbuf's array before it
	parts    []part // what follows wbuf, when long strings are among the replies
	pin      keyspace.Pin
	pinned   bool // wbuf is the rest of a string, which pin keeps

	large    incoming   // an argument that is being received in a buffer of its own
	received []incoming // the arguments of the incomplete command that have been

	obuf      []byte      // replies and stream bytes queued by others than its own batch
	obufHold  int64       // AOF offset that must be durable before obuf leaves; 0 for none
	pushed    bool        // in Server.pushed
	softSince int64       // when the output exceeded the soft limit, in ms of the monotonic clock
	dirty     bool        // in loop.dirty
	closing   atomic.Bool // close once the output is written; set under the lock, as dead
	dead      atomic.Bool // close at once
	closed    bool        // no longer in Server.conns
	hold      int64       // AOF offset that must be durable before output leaves; 0 for none

	// The driver's.
	ready     bool       // in loop.ready
	readable  bool       // an edge was seen and no read has come up short since
	hangup    bool       // the peer has closed its side
	ending    bool       // closing was seen and no output is queued outside of wbuf
	more      bool       // rbuf holds complete commands
	waitWrite bool       // the socket is full
	inHeld    bool       // in loop.held
	inWriting bool       // in loop.writing
	greedy    bool       // its part of a turn was cut (see share.go)
	parseMost int        // commands to parse at a time; 0 for maxFeedCommands
	pace      ticks.Tick // of a command, when it was cut last

	behind, before *conn // in Server.circle

	createdMs int64
	strangeMs int64 // since when nobody has logged in
	activeMs  atomic.Int64
	lastCmd   *command.Command
	libName   string
	libVer    string
	noEvict   bool
	replyOff  bool
	replySkip uint8        // skipNext or skipThis
	unsent    atomic.Int64 // bytes of wbuf and parts, for those who do not own them
	lent      atomic.Int64 // of those, bytes of strings of the keyspace
	unread    atomic.Int64 // bytes received and not executed, likewise
	commands  int64

	txn         transaction
	queuedBytes atomic.Int64         // by MULTI, counted against client-query-buffer-limit; for those without the lock
	blocked     atomic.Pointer[wait] // changed under the lock
	replica     *replica             // set once PSYNC or SYNC made this the link of a replica
	handshake
}

// handshake is what REPLCONF told before PSYNC.
type handshake struct {
	listeningPort int
	announcedIP   string
	eof           bool
	rdbOnly       bool
	psync2        bool
}

// driver moves the bytes of connections: the event loop, or goroutines.
type driver interface {
	// run serves until the server stops.
	run()
	// wake makes the driver look for work; from any goroutine, with or without the execution lock.
	wake()
	// mark tells the driver, under the lock, that there is something to do for a connection: output, its end, or that
	// it may go on.
	mark(c *conn)
}

func ownerOf(c *command.Ctx) *conn { return c.Client.Owner.(*conn) }

// push queues bytes for a connection outside its own batch. It is called under the lock.
func (c *conn) push(b []byte) {
	if c.dead.Load() || c.closed {
		return
	}
	c.obuf = append(c.obuf, b...)
	if s := c.srv; !c.pushed && s.logging() {
		c.pushed = true
		s.pushed = append(s.pushed, c)
	}
	c.checkOutput()
	c.mark()
}

// takeOutput hands what was queued for the connection over to its driver. It is called by the driver under the lock.
func (c *conn) takeOutput() {
	if len(c.obuf) == 0 {
		return
	}
	c.hold = max(c.hold, c.obufHold)
	c.obufHold = 0
	if !c.hasOutput() {
		c.wbuf, c.obuf = c.obuf, c.wbuf[:0]
		c.unsent.Store(int64(len(c.wbuf)))
		return
	}
	c.enqueue(c.obuf)
	c.obuf = c.emptied(c.obuf)
}

// keepOutputBytes is the size up to which a connection keeps its empty output buffers.
const keepOutputBytes = 4 << 10

// emptied returns an output buffer for reuse, or nil when it is too large to be kept.
func (c *conn) emptied(b []byte) []byte {
	if cap(b) > keepOutputBytes {
		c.srv.trim.dropped(b)
		return nil
	}
	return b[:0]
}

// emptyWbuf is emptied for wbuf, which may be the end of a larger buffer.
func (c *conn) emptyWbuf() {
	if c.wbufSent+cap(c.wbuf) > keepOutputBytes {
		c.srv.trim.droppedBytes.Add(int64(c.wbufSent + cap(c.wbuf)))
		c.wbuf = nil
	}
	c.wbuf, c.wbufSent = c.wbuf[:0], 0
}

// mark tells the driver that there is something to do for the connection.
func (c *conn) mark() { c.driver.mark(c) }

// kill makes the driver close the connection; after its output when soft is set.
func (c *conn) kill(soft bool) {
	c.closing.Store(true)
	if !soft {
		c.dead.Store(true)
		c.srv.endWait(c)
	}
	c.mark()
}

// checkOutput applies client-output-buffer-limit.
func (c *conn) checkOutput() {
	limit := c.srv.values.OutputBufferLimits.Normal
	if c.replica != nil {
		limit = c.srv.values.OutputBufferLimits.Replica
	}
	if !c.Authed {
		limit = config.OutputBufferLimit{HardBytes: unauthOutputBytes}
	}
	n := int64(len(c.obuf)) + c.unsent.Load()
	over := limit.HardBytes > 0 && n > limit.HardBytes
	if limit.SoftBytes > 0 && n > limit.SoftBytes {
		now := c.srv.monoMs()
		if c.softSince == 0 {
			c.softSince = now
		}
		over = over || now-c.softSince > limit.SoftSec*1000
	} else {
		c.softSince = 0
	}
	if over && !c.dead.Load() {
		c.srv.stats.outputLimitDisconnects++
		c.srv.logf(Warning, "Client %s scheduled to be closed ASAP for overcoming of output buffer limits.", c.describe())
		c.kill(false)
	}
}

// States of conn.replySkip.
const (
	skipNext uint8 = iota + 1 // the reply to the next command is dropped
	skipThis                  // the reply to the running one
)

// quiet reports whether replies to this connection are dropped: CLIENT REPLY OFF and SKIP, and the replication stream.
func (c *conn) quiet() bool { return c.replyOff || c.replySkip == skipThis }

const (
	readBytes    = 16 << 10 // of one connection per turn, where nothing larger is announced
	maxReadBytes = 1 << 20  // of one connection per turn, for a large argument

	lastSyncWait = 5 * time.Second // at the end, for the fsync that the last replies wait for
)

// growInput returns b with room for n more bytes.
func growInput(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	grown := make([]byte, len(b), max(len(b)+n, 2*len(b)))
	copy(grown, b)
	return grown
}

package server

import (
	"datastore/server/command"
	"datastore/server/resp"
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

	fd     int // of the event loop's connections
	addr   string
	laddr  string
	local  bool // Unix socket or loopback peer
	parser resp.Parser
	rbuf   []byte // bytes received and not executed, when a command is incomplete or must wait
	wbuf   []byte // replies that the socket did not take yet

	obuf      []byte // replies and stream bytes queued by others than its own batch
	softSince int64  // when the output exceeded the soft limit, in ms of the monotonic clock
	dirty     bool   // in Server.dirty: something for its driver to do
	closing   bool   // close once the output is written
	dead      bool   // close at once
	closed    bool   // no longer in Server.conns
	hold      int64  // AOF offset that must be durable before output leaves; 0 for none

	// The driver's.
	ready     bool // in loop.ready
	hangup    bool // the peer has closed its side
	more      bool // rbuf holds complete commands
	waitWrite bool // the socket is full
	inHeld    bool // in loop.held

	createdMs int64
	activeMs  int64
	lastCmd   *command.Command
	libName   string
	libVer    string
	noEvict   bool
	replyOff  bool
	replySkip uint8 // 1: from the next command on, 2: this command's reply is dropped
	netIn     int64
	netOut    int64
	commands  int64

	txn     transaction
	blocked *wait
	replica *replica // set once PSYNC or SYNC made this the link of a replica
	handshake
}

// handshake is what REPLCONF told before PSYNC.
type handshake struct {
	listeningPort int
	announcedIP   string
	eof           bool
}

// driver is what a connection needs of whoever moves its bytes.
type driver interface {
	// wake makes the driver look at the dirty connections of its kind; it may be called from any goroutine, with or
	// without the execution lock.
	wake()
}

func ownerOf(c *command.Ctx) *conn { return c.Client.Owner.(*conn) }

// push queues bytes for a connection outside its own batch. It is called under the lock.
func (c *conn) push(b []byte) {
	if c.dead {
		return
	}
	c.obuf = append(c.obuf, b...)
	c.checkOutput()
	c.mark()
}

// takeOutput hands what was queued for the connection over to its driver. It is called by the driver under the lock.
func (c *conn) takeOutput() {
	if len(c.obuf) == 0 {
		return
	}
	if len(c.wbuf) == 0 {
		c.wbuf, c.obuf = c.obuf, c.wbuf[:0]
		return
	}
	c.wbuf = append(c.wbuf, c.obuf...)
	c.obuf = c.obuf[:0]
}

// mark tells the driver that there is something to do for the connection.
func (c *conn) mark() {
	c.dirtyLater()
	c.driver.wake()
}

// dirtyLater makes the driver look at the connection again in its next turn, without waking it.
func (c *conn) dirtyLater() {
	if !c.dirty {
		c.dirty = true
		c.srv.dirty = append(c.srv.dirty, c)
	}
}

// kill makes the driver close the connection; after its output when soft is set.
func (c *conn) kill(soft bool) {
	c.closing = true
	if !soft {
		c.dead = true
	}
	c.mark()
}

// checkOutput applies client-output-buffer-limit.
func (c *conn) checkOutput() {
	limit := c.srv.values.OutputBufferLimits.Normal
	if c.replica != nil {
		limit = c.srv.values.OutputBufferLimits.Replica
	}
	n := int64(len(c.obuf) + len(c.wbuf))
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
	if over && !c.dead {
		c.srv.stats.outputLimitDisconnects++
		c.srv.logf(Warning, "Client %s scheduled to be closed ASAP for overcoming of output buffer limits.", c.describe())
		c.kill(false)
	}
}

// quiet reports whether replies to this connection are dropped: CLIENT REPLY OFF and SKIP, and the replication stream.
func (c *conn) quiet() bool { return c.replyOff || c.replySkip == 2 }

package server

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"datastore/server/config"
)

// loop is the event loop: one goroutine that reads, parses, executes and writes for all its connections.
//
// Sockets are registered once, edge triggered, for both directions, so that no system call changes a registration later. A
// connection is readable from an edge until a read returns less than was asked for; one that must not be read now (blocked,
// waiting for an fsync) leaves the ready list and comes back when it may go on. Reads go into one shared arena, so that an
// idle connection owns no buffer: only the rest of an incomplete command is copied to the connection.
type loop struct {
	srv    *Server
	epfd   int
	wakefd int
	batch  *batch
	arena  []byte
	conns  map[int]*conn
	ready  []*conn   // to be read in the next turn
	again  []*conn   // scratch: the next ready
	held   []*conn   // waiting for an fsync
	spare  [][]byte  // input buffers for incomplete commands
	now    time.Time // of this turn
	nowMs  int64     // the same on the server's monotonic clock
	// yieldedMs is when the loop last gave way to other goroutines. It does so before the scheduler would preempt it:
	// a preemption makes the runtime's monitor thread poll at its shortest interval for a while, which costs more.
	yieldedMs int64
	waking    atomic.Bool

	dirty    []*conn // guarded by the execution lock
	sweeping []*conn
	turning  bool // guarded by the execution lock: this goroutine holds it
	events   [256]unix.EpollEvent
	lists    []*listener
	paused   bool // accepting is paused: out of file descriptors
	ended    chan struct{}
}

const (
	arenaBytes     = 1 << 20
	readBytes      = 16 << 10 // of one connection per turn, where nothing larger is announced
	maxReadBytes   = 1 << 20  // of one connection per turn, for a large argument
	keepInputBytes = 64 << 10 // a buffer that is larger is freed when it is empty
	maxSpare       = 256      // input buffers kept for reuse
	lastSyncWait   = 5 * time.Second
	yieldMs        = 4 // below the scheduler's time slice of 10
)

// newDriver opens the listeners and returns the driver that serves them.
func (s *Server) newDriver() (driver, error) {
	if s.values.EventLoop == config.EventLoopGoroutines {
		return s.newGoroutines()
	}
	lists, err := s.openListeners()
	if err != nil {
		return nil, err
	}
	l, err := newLoop(s)
	for _, ln := range lists {
		if err == nil {
			err = l.listen(ln)
		}
	}
	if err != nil {
		for _, ln := range lists {
			ln.close(s)
		}
		return nil, fmt.Errorf("starting the event loop: %w", err)
	}
	return l, nil
}

func newLoop(s *Server) (*loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(err, unix.Close(epfd))
	}
	l := &loop{srv: s, epfd: epfd, wakefd: wakefd, arena: make([]byte, arenaBytes), conns: map[int]*conn{},
		ended: make(chan struct{})}
	l.batch = newBatch(s, func() { go l.turns() })
	return l, l.watch(wakefd, unix.EPOLLIN)
}

func (l *loop) watch(fd int, events uint32) error {
	return unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// listen adds a listening socket.
func (l *loop) listen(ln *listener) error {
	l.lists = append(l.lists, ln)
	return l.watch(ln.fd, unix.EPOLLIN)
}

// wake makes the loop turn; from any goroutine.
func (l *loop) wake() {
	if l.waking.CompareAndSwap(false, true) {
		one := [8]byte{1}
		_, _ = unix.Write(l.wakefd, one[:]) // EAGAIN means that it is awake already
	}
}

// mark puts a connection on the list of sweep.
func (l *loop) mark(c *conn) {
	if !c.dirty {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
	if !l.turning {
		l.wake()
	}
}

// run turns until the server stops.
func (l *loop) run() {
	go l.turns()
	<-l.ended
}

// turns is the loop's goroutine. When a module's command has ended the one before in the middle of a batch, it finishes
// that turn first; the lock is still held then. Faults at wild addresses in module code become panics.
func (l *loop) turns() {
	debug.SetPanicOnFault(true)
	if l.turning {
		l.batch.noteWrite()
		l.execute(l.finishBatch())
		l.finishTurn()
	}
	for !l.srv.stopped.Load() {
		l.turn(l.wait())
	}
	l.close()
	close(l.ended)
}

// wait polls for events: not at all while connections are ready, else until the next cron.
func (l *loop) wait() int {
	timeoutMs := 0
	if len(l.ready) == 0 {
		timeoutMs = int(max(0, l.srv.nextCron.Sub(l.now).Milliseconds()+1))
	}
	n, err := unix.EpollWait(l.epfd, l.events[:], timeoutMs)
	if err != nil && !errors.Is(err, unix.EINTR) {
		l.srv.logf(Warning, "epoll_wait: %v", err)
	}
	l.now = time.Now()
	l.nowMs = l.now.Sub(l.srv.started).Milliseconds()
	if l.nowMs-l.yieldedMs >= yieldMs {
		l.yieldedMs = l.nowMs
		runtime.Gosched()
	}
	return n
}

// turn handles n events and everything that is ready.
func (l *loop) turn(n int) {
	for i := range max(n, 0) {
		l.event(&l.events[i])
	}
	l.read()
	if len(l.batch.feeds) > 0 {
		l.execute(false)
	}
	l.finishTurn()
}

// execute runs the batch until it is done and writes the replies.
func (l *loop) execute(done bool) {
	for !done {
		l.lock()
		l.srv.beginTurn()
		for i := l.batch.cur; i < len(l.batch.feeds); i++ {
			l.batch.feeds[i].c.takeOutput() // what was queued before goes out before the replies
		}
		l.batch.prefetch()
		l.batch.begin()
		done = l.finishBatch()
	}
	l.settle()
	l.batch.reset()
}

// finishBatch runs what there is to run of the batch, gives the lock back and writes the replies.
func (l *loop) finishBatch() (done bool) {
	done = l.batch.goOn()
	l.unlock()
	l.write()
	l.batch.resume()
	return done
}

// finishTurn does what a turn does after its batch.
func (l *loop) finishTurn() {
	if s := l.srv; s.cronDue(l.now) {
		l.lock()
		s.beginTurn()
		s.cron(l.now)
		l.unlock()
	}
	l.sweep()
}

// lock takes the execution lock for this goroutine, which looks at the dirty connections before it waits again.
func (l *loop) lock() {
	l.srv.mu.Lock()
	l.turning = true
}

func (l *loop) unlock() {
	l.turning = false
	l.srv.mu.Unlock()
}

func (l *loop) event(ev *unix.EpollEvent) {
	fd := int(ev.Fd)
	if c := l.conns[fd]; c != nil {
		if ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			c.hangup = c.hangup || ev.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
			c.readable = true
			l.markReady(c)
		}
		if ev.Events&unix.EPOLLOUT != 0 && c.waitWrite {
			c.waitWrite = false
			l.flush(c)
		}
		return
	}
	if fd == l.wakefd {
		var buf [8]byte
		_, _ = unix.Read(fd, buf[:])
		l.waking.Store(false)
		return
	}
	for _, ln := range l.lists {
		if ln.fd == fd {
			l.accept(ln)
		}
	}
}

func (l *loop) markReady(c *conn) {
	if !c.ready {
		c.ready = true
		l.ready = append(l.ready, c)
	}
}

// read reads every ready connection once and parses what came.
func (l *loop) read() {
	used := 0
	l.again = l.again[:0]
	for _, c := range l.ready {
		switch {
		case c.closed:
		case c.paused():
			c.ready = false
			if c.blocked != nil && c.hangup && peerGone(c.fd) {
				l.drop(c, "closed by peer")
			}
		case len(l.arena)-used < readBytes:
			l.again = append(l.again, c)
		default:
			used += l.readOne(c, l.arena[used:])
		}
	}
	l.ready, l.again = l.again, l.ready
}

// peerGone reports whether a connection has been closed by its peer with nothing left to read.
func peerGone(fd int) bool {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n == 0 && err == nil || err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
}

// paused reports whether the connection must not be read: it is blocked, waits for an fsync or for its end.
func (c *conn) paused() bool { return c.blocked != nil || c.hold != 0 || c.closing }

// readOne reads from a connection into the arena, or behind the unexecuted bytes that it has, parses, and returns the
// arena bytes taken. A connection from which more may come stays ready.
func (l *loop) readOne(c *conn, arena []byte) int {
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
	n, err := unix.Read(c.fd, dst)
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
	if l.srv.inputTooLarge(c, len(in)) {
		return
	}
	l.batch.add(c, in)
}

// growInput returns b with room for n more bytes.
func growInput(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	grown := make([]byte, len(b), max(len(b)+n, 2*len(b)))
	copy(grown, b)
	return grown
}

// write sends the replies of the batch, without the lock.
func (l *loop) write() {
	b := l.batch
	for i := range b.outputs {
		o := &b.outputs[i]
		c := o.c
		data := b.out[o.from:o.to]
		if len(c.wbuf) > 0 || c.hold != 0 || c.waitWrite || o.tail != "" {
			c.wbuf = append(append(c.wbuf, data...), o.tail...)
			c.unsent.Store(int64(len(c.wbuf)))
			if c.hold != 0 {
				l.holdBack(c)
			} else if !c.waitWrite {
				l.flush(c)
			}
		} else if n := l.send(c, data); n < len(data) && !c.closed {
			c.wbuf = append(c.wbuf, data[n:]...)
			c.unsent.Store(int64(len(c.wbuf)))
		}
		if len(c.wbuf) > maxFeedOutputBytes || !c.Authed && len(c.wbuf) > unauthOutputBytes {
			l.lock()
			c.checkOutput()
			l.unlock()
		}
	}
}

func (l *loop) holdBack(c *conn) {
	if !c.inHeld {
		c.inHeld = true
		l.held = append(l.held, c)
	}
}

// send writes as much as the socket takes and returns how much that was.
func (l *loop) send(c *conn, data []byte) int {
	sent := 0
	for sent < len(data) {
		n, err := unix.Write(c.fd, data[sent:])
		l.srv.admin.writes.Add(1)
		if n > 0 {
			sent += n
			c.netOut.Add(int64(n))
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
	return sent
}

// flush writes what waits in wbuf.
func (l *loop) flush(c *conn) {
	if c.closed || c.hold != 0 || len(c.wbuf) == 0 {
		return
	}
	n := l.send(c, c.wbuf)
	switch {
	case c.closed:
	case n < len(c.wbuf):
		c.wbuf = append(c.wbuf[:0], c.wbuf[n:]...)
	case cap(c.wbuf) > keepInputBytes:
		c.wbuf = nil
	default:
		c.wbuf = c.wbuf[:0]
	}
	c.unsent.Store(int64(len(c.wbuf)))
	if c.closing && !c.closed && len(c.wbuf) == 0 {
		l.drop(c, "closed by the server")
	}
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
		switch {
		case len(rest) > 0 && cap(c.rbuf) == 0:
			c.rbuf = append(l.spareBuffer(), rest...)
		case len(rest) > 0:
			c.rbuf = append(c.rbuf[:0], rest...)
		case cap(c.rbuf) > 0:
			l.spareAway(c.rbuf)
			c.rbuf = nil
		}
		c.unread.Store(int64(len(rest)))
	}
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
	}
}

// sweep does what others asked for: output queued from outside, connections to close, replies whose fsync is done.
func (l *loop) sweep() {
	l.release()
	l.lock()
	list := l.dirty
	l.dirty = l.sweeping[:0]
	for _, c := range list {
		c.dirty = false
		c.takeOutput()
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
		case c.dead, c.closing && len(c.wbuf) == 0 && c.hold == 0:
			l.drop(c, "closed by the server")
		case !c.closing:
			l.goOn(c)
		}
	}
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
	c.hold, c.rbuf, c.wbuf = 0, nil, nil
	s := l.srv
	s.mu.Lock()
	s.forget(c, why)
	s.mu.Unlock()
	if err := unix.Close(c.fd); err != nil {
		s.logf(Warning, "closing a client's socket: %v", err)
	}
	if l.paused {
		l.paused = false
		for _, ln := range l.lists {
			l.accept(ln)
		}
	}
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
	_ = unix.Close(l.wakefd)
	_ = unix.Close(l.epfd)
}

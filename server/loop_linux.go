package server

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"datastore/keyspace"
	"datastore/server/config"
	"datastore/server/sockio"
	"datastore/server/ticks"
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
	later  []*conn   // scratch: the next ready, first those that this turn did not reach
	again  []*conn   // and then those from which more may come
	held   []*conn   // waiting for an fsync
	spare  [][]byte  // input buffers for incomplete commands
	now    time.Time // of this turn
	asked  time.Time // when there was something to do for a connection last
	nowMs  int64     // the same on the server's monotonic clock
	// yieldedMs is when the loop last gave way to other goroutines. It does so before the scheduler would preempt it:
	// a preemption makes the runtime's monitor thread poll at its shortest interval for a while, which costs more.
	yieldedMs int64
	began     ticks.Tick // when this turn began
	took      ticks.Tick // by the turn before
	// measureUse: events are measured, and with them what each turn uses of the processor.
	measureUse bool
	used       threadUse // when this turn began
	usedNanos  int64     // by the turn before
	waking     atomic.Bool

	writing, writingNext []*conn        // with more output than one turn sends
	unpins               []keyspace.Pin // of strings that have been sent, until the next turn under the lock

	dirty    []*conn // guarded by the execution lock
	sweeping []*conn
	turning  bool // guarded by the execution lock: this goroutine holds it
	events   [256]unix.EpollEvent
	lists    []*listener
	paused   bool      // accepting is paused: out of file descriptors or memory
	refused  time.Time // when a failure to accept was logged last
	ended    chan struct{}
}

const (
	arenaBytes = 1 << 20
	maxSpare   = 256 // input buffers kept for reuse
	yieldMs    = 8   // below the scheduler's time slice of 10
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
		began: s.timing.clock.Now(), ended: make(chan struct{})}
	l.batch = newBatch(s, func() { go l.turns() })
	l.batch.pins = true
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
	if l.measureUse {
		runtime.LockOSThread()
	}
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

// wait polls for events: not at all while connections are ready, else until there is other work.
func (l *loop) wait() int {
	timeoutMs := 0
	if len(l.ready) == 0 && len(l.writing) == 0 {
		timeoutMs = int(l.untilWork().Milliseconds())
	}
	clock := l.srv.timing.clock
	l.took = clock.Now() - l.began
	if l.measureUse {
		l.usedNanos = l.used.until(threadUseNow())
	}
	n, err := l.poll(timeoutMs)
	l.began = clock.Now()
	if l.measureUse {
		l.used = threadUseNow()
	}
	if err != nil && !errors.Is(err, unix.EINTR) {
		l.srv.logf(Warning, "epoll_wait: %v", err)
	}
	l.now = time.Now()
	if n > 0 || len(l.ready) > 0 || len(l.writing) > 0 {
		l.asked = l.now
	}
	l.nowMs = l.srv.monoMsAt(l.now)
	if l.nowMs-l.yieldedMs >= yieldMs {
		l.yieldedMs = l.nowMs
		runtime.Gosched()
	}
	return n
}

// poll asks for events and waits up to timeoutMs milliseconds for one.
func (l *loop) poll(timeoutMs int) (int, error) {
	if timeoutMs == 0 {
		return sockio.Poll(l.epfd, l.events[:])
	}
	return unix.EpollWait(l.epfd, l.events[:], timeoutMs)
}

// untilWork is how long the loop may wait for events: until the next cron, deadline or slice of background work.
func (l *loop) untilWork() time.Duration {
	most := l.srv.untilDeadline(max(0, l.srv.nextCron.Sub(l.now)+time.Millisecond))
	slice := l.srv.untilSlice(most)
	switch {
	case slice == most:
		return most
	case l.quiet():
		return 0
	}
	return slice + time.Millisecond // less would be no wait at all
}

// quiet reports whether nobody has asked for anything for as long as background work leaves to clients: it may go on then.
func (l *loop) quiet() bool { return l.now.Sub(l.asked) >= pauseTime }

// turn handles n events and everything that is ready.
func (l *loop) turn(n int) {
	for i := range max(n, 0) {
		l.event(&l.events[i])
	}
	l.goOnWriting()
	l.read()
	if len(l.batch.feeds) > 0 {
		l.execute(false)
	}
	l.finishTurn()
	if l.srv.sliceDue(l.quiet()) {
		l.lock()
		l.srv.beginTurn()
		l.srv.slice()
		l.unlock()
	}
}

// execute runs the batch until it is done and writes the replies.
func (l *loop) execute(done bool) {
	for !done {
		l.lock()
		l.srv.beginTurn()
		for i := l.batch.cur; i < len(l.batch.feeds); i++ {
			l.batch.feeds[i].c.takeOutput() // what was queued before goes out before the replies
		}
		l.batch.begin(len(l.batch.feeds))
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
		l.pauseAccepting(false) // a file may have been closed that is no connection
	} else if s.deadlineDue(l.nowMs) {
		l.lock()
		s.checkDeadlines()
		l.unlock()
	}
	l.sweep()
}

// lock takes the execution lock for this goroutine, which looks at the dirty connections before it waits again.
func (l *loop) lock() {
	l.srv.mu.Lock()
	l.turning = true
	l.unpin()
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

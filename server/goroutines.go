package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// goroutines is the driver for systems without epoll: two goroutines per connection, one that reads, parses and executes
// its own batches under the lock, one that writes. It feeds the same executor as the event loop and costs more per
// command; replies leave through the connection's queue, which also orders them with what others send.
type goroutines struct {
	srv   *Server
	lists []net.Listener
	unix  string // path of the Unix socket, or ""
	wg    sync.WaitGroup
	woken chan struct{}

	waiting atomic.Int32 // connections that wait for the lock with a batch
	greedy  sync.Mutex   // held by the one greedy connection (see share.go) that is being served, taken before the server's

	mu    sync.Mutex // guards links
	links map[*conn]*goLink
}

// lastWrite is how long a peer may take for its last replies when the server ends.
const lastWrite = time.Second

// goLink is the part of a connection that only this driver knows.
type goLink struct {
	c      *conn
	nc     net.Conn
	batch  *batch
	turn   span          // the present hold of the lock
	gated  bool          // goroutines.greedy is held for this connection
	signal chan struct{} // output to write, or the connection's end
	parked atomic.Bool   // the reader waits until the connection may go on, in a read whose deadline ends the wait
}

func (s *Server) newGoroutines() (driver, error) {
	v := s.values
	g := &goroutines{srv: s, unix: v.UnixSocket, woken: make(chan struct{}, 1), links: map[*conn]*goLink{}}
	for _, addr := range v.Bind {
		optional := strings.HasPrefix(addr, "-")
		host := strings.TrimPrefix(addr, "-")
		switch host {
		case "*", "::*":
			host = ""
		}
		if v.Port == 0 {
			break
		}
		ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(v.Port)))
		if err == nil {
			g.lists = append(g.lists, ln)
			continue
		}
		s.logNotListening(host, err)
		if !optional {
			s.logf(Warning, "Failed listening on port %d (TCP), aborting.", v.Port)
			return nil, errors.Join(fmt.Errorf("listening on %s: %w", addr, err), g.closeListeners())
		}
	}
	if v.UnixSocket != "" {
		ln, err := listenSocket(v.UnixSocket)
		if err == nil && v.UnixSocketPerm != 0 {
			err = os.Chmod(v.UnixSocket, os.FileMode(v.UnixSocketPerm))
		}
		if err != nil {
			s.logf(Warning, "Failed opening Unix socket: %s: %v", v.UnixSocket, err)
			return nil, errors.Join(fmt.Errorf("opening Unix socket %s: %w", v.UnixSocket, err), g.closeListeners())
		}
		g.lists = append(g.lists, ln)
	}
	return g, nil
}

// listenSocket opens a Unix socket in place of what an earlier process has left of it.
func listenSocket(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return net.Listen("unix", path)
}

func (g *goroutines) closeListeners() error {
	var err error
	for _, ln := range g.lists {
		err = errors.Join(err, ln.Close())
	}
	return err
}

// run accepts connections and turns the cron until the server stops.
func (g *goroutines) run() {
	for _, ln := range g.lists {
		g.wg.Go(func() { g.accept(ln) })
	}
	s := g.srv
	for !s.stopped.Load() {
		s.mu.Lock()
		wait := time.Until(s.nextCron)
		if s.cronDue(time.Now()) {
			s.beginTurn()
			s.cron(time.Now())
			wait = time.Until(s.nextCron)
		}
		s.checkDeadlines()
		if s.sliceDue(false) {
			s.beginTurn()
			s.slice()
		}
		s.mu.Unlock()
		select {
		case <-g.woken:
			g.signalAll() // an fsync has finished
		case <-time.After(s.untilSlice(s.untilDeadline(wait))):
		}
	}
	if err := g.closeListeners(); err != nil {
		s.logf(Warning, "closing a listening socket: %v", err)
	}
	g.end()
}

// end closes all connections and waits for their goroutines. Replies that wait for an fsync get it, unless the server ends
// because of an error: then nothing more may be acknowledged.
func (g *goroutines) end() {
	s := g.srv
	s.mu.Lock()
	if s.logging() && s.exitErr == nil {
		s.log.SyncTo(s.log.Written())
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		g.wg.Wait()
		close(ended)
	}()
	g.expire(lastWrite)
	g.signalAll()
	late := time.After(lastSyncWait)
	for {
		select {
		case <-ended:
			return
		case <-g.woken:
			g.signalAll()
		case <-late:
			s.mu.Lock()
			for _, c := range s.conns {
				c.dead.Store(true)
			}
			s.mu.Unlock()
			g.expire(0)
			g.signalAll()
		}
	}
}

// expire gives the reads and writes of all connections so much time.
func (g *goroutines) expire(after time.Duration) {
	g.mu.Lock()
	for _, l := range g.links {
		_ = l.nc.SetDeadline(time.Now().Add(after)) // a closed socket needs none
	}
	g.mu.Unlock()
}

func (g *goroutines) wake() {
	select {
	case g.woken <- struct{}{}:
	default:
	}
}

func (g *goroutines) signalAll() {
	g.mu.Lock()
	for _, l := range g.links {
		l.poke()
	}
	g.mu.Unlock()
}

func (g *goroutines) mark(c *conn) {
	g.mu.Lock()
	if l := g.links[c]; l != nil {
		if c.dead.Load() {
			_ = l.nc.SetDeadline(time.Now()) // ends a read or write that the peer blocks
		} else if l.parked.Load() {
			_ = l.nc.SetReadDeadline(time.Now())
		}
		l.poke()
	}
	g.mu.Unlock()
}

// poke wakes the goroutine that writes.
func (l *goLink) poke() {
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

func (g *goroutines) accept(ln net.Listener) {
	s := g.srv
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			g.welcome(nc)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			s.logf(Warning, "Accepting client connection: %v", err)
			time.Sleep(10 * time.Millisecond) // out of file descriptors: others must close first
		}
	}
}

func (g *goroutines) welcome(nc net.Conn) {
	s := g.srv
	c := &conn{srv: s, driver: g, fd: -1, addr: nc.RemoteAddr().String(), laddr: nc.LocalAddr().String()}
	switch a := nc.RemoteAddr().(type) {
	case *net.TCPAddr:
		c.local = a.IP.IsLoopback()
	case *net.UnixAddr:
		c.local, c.addr, c.laddr = true, g.unix+":0", g.unix+":0"
	}
	l := &goLink{c: c, nc: nc, signal: make(chan struct{}, 1)}
	l.batch = newBatch(s, func() { g.wg.Go(func() { g.goOn(l) }) })
	s.mu.Lock()
	refusal := s.register(c)
	if refusal == "" { // others see the connection from now on, so mark must find it
		g.mu.Lock()
		g.links[c] = l
		g.mu.Unlock()
	}
	s.mu.Unlock()
	if refusal != "" {
		_, _ = nc.Write([]byte(refusal))
		_ = nc.Close()
		return
	}
	g.wg.Go(func() { g.read(l) })
	g.wg.Go(func() { g.write(l) })
}

// read executes what arrives until the connection ends. The goroutine that writes closes it, so that replies to the last
// commands of a peer that has closed only its own direction get out.
func (g *goroutines) read(l *goLink) {
	c, s := l.c, g.srv
	debug.SetPanicOnFault(true)
	for !s.stopped.Load() && !c.closing.Load() && !c.dead.Load() {
		if !c.more && g.receive(l) != nil {
			break
		}
		if s.inputTooLarge(c, len(c.rbuf)) {
			break
		}
		g.execute(l)
		if c.blocked.Load() != nil && g.park(l) != nil {
			break
		}
	}
	s.mu.Lock()
	c.closing.Store(true)
	s.mu.Unlock()
	l.poke()
}

// receive waits for input and appends it to what the connection has; it may also return without any. An error is the end.
func (g *goroutines) receive(l *goLink) error {
	c := l.c
	c.rbuf = growInput(c.rbuf, min(max(c.parser.Want(), readBytes), max(len(c.rbuf), readBytes), maxReadBytes))
	n, err := l.nc.Read(c.rbuf[len(c.rbuf):cap(c.rbuf)])
	g.srv.admin.reads.Add(1)
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.dead.Load() && !g.srv.stopped.Load() {
		err = l.nc.SetReadDeadline(time.Time{}) // it was to end a wait
	}
	if n == 0 {
		return err
	}
	c.readable = n == cap(c.rbuf)-len(c.rbuf)
	c.rbuf = c.rbuf[:len(c.rbuf)+n]
	c.activeMs.Store(g.srv.monoMs())
	return nil
}

// park waits until the connection is no longer blocked. It reads meanwhile, so as to notice that the peer has gone; an
// error says so.
func (g *goroutines) park(l *goLink) error {
	c, s := l.c, g.srv
	l.parked.Store(true)
	defer l.parked.Store(false)
	for {
		// In this order: whoever unblocks the connection afterwards sets the deadline again.
		if err := l.nc.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		if c.blocked.Load() == nil || c.dead.Load() || s.stopped.Load() {
			return nil
		}
		if err := g.receive(l); err != nil {
			return err
		}
		if s.inputTooLarge(c, len(c.rbuf)) {
			return nil
		}
		c.more = true
		c.unread.Store(int64(len(c.rbuf)))
	}
}

// execute runs the complete commands in the connection's input. Greedy connections take turns, so that they do not keep all
// processors busy: the scheduler looks for input of the others when one of them has nothing to do.
func (g *goroutines) execute(l *goLink) {
	c, b := l.c, l.batch
	if c.greedy {
		g.greedy.Lock()
		l.gated = true
	}
	b.add(c, c.rbuf)
	for done := false; !done; {
		g.begin(l)
		done = g.finishBatch(l)
	}
	g.settle(l)
}

// goOn takes the place of a reading goroutine that a module's command has ended in the middle of a batch, with the lock
// held.
func (g *goroutines) goOn(l *goLink) {
	l.batch.noteWrite()
	for done := g.finishBatch(l); !done; {
		g.begin(l)
		done = g.finishBatch(l)
	}
	g.settle(l)
	g.read(l)
}

// begin takes the lock for a turn of a connection.
func (g *goroutines) begin(l *goLink) {
	g.waiting.Add(1)
	g.srv.mu.Lock()
	among := 1 + int(g.waiting.Add(-1))
	l.turn = g.srv.beginSpan()
	g.srv.beginTurn()
	l.batch.begin(among)
}

// finishBatch runs what there is to run of the batch, gives the lock back and queues the replies.
func (g *goroutines) finishBatch(l *goLink) (done bool) {
	c, s, b := l.c, g.srv, l.batch
	done = b.goOn()
	for _, o := range b.outputs {
		c.obuf = append(append(c.obuf, b.out[o.from:o.to]...), o.tail...)
	}
	c.checkOutput()
	s.noteTurn(s.endSpan(eventTurn, l.turn))
	s.mu.Unlock()
	l.poke()
	b.resume()
	return done
}

// settle keeps the bytes that the batch did not consume.
func (g *goroutines) settle(l *goLink) {
	c, b := l.c, l.batch
	f := &b.feeds[0]
	rest := f.in[f.used:]
	c.more = f.more && len(rest) > 0
	if cap(c.rbuf) > keepInputBytes && len(rest) < keepInputBytes {
		c.rbuf = append([]byte(nil), rest...)
	} else {
		c.rbuf = append(c.rbuf[:0], rest...)
	}
	c.unread.Store(int64(len(rest)))
	b.reset()
	if cap(b.out) > keepInputBytes {
		b.out = nil
	}
	if l.gated {
		l.gated = false
		g.greedy.Unlock()
	}
}

// write sends what is queued until the connection ends.
func (g *goroutines) write(l *goLink) {
	c, s := l.c, g.srv
	for {
		<-l.signal
		s.mu.Lock()
		c.hold, c.obufHold = max(c.hold, c.obufHold), 0
		held := c.hold != 0 && s.log != nil && c.hold > s.log.Synced()
		if held && s.log.Err() != nil {
			c.dead.Store(true) // never durable, so never acknowledged
		}
		if !held && !c.dead.Load() {
			c.hold = 0
			c.takeOutput()
		}
		end := c.dead.Load() || c.closed || c.closing.Load() && !held
		s.mu.Unlock()
		if len(c.wbuf) > 0 {
			if s.stopped.Load() {
				_ = l.nc.SetWriteDeadline(time.Now().Add(lastWrite)) // a socket closed meanwhile fails the write
			}
			n, err := l.nc.Write(c.wbuf)
			g.srv.admin.writes.Add(1)
			s.admin.netOut.Add(int64(n))
			c.emptyWbuf()
			c.unsent.Store(0)
			end = end || err != nil
		}
		if end || s.stopped.Load() && !held {
			g.drop(l, "closed by the server")
			return
		}
	}
}

// drop closes a connection.
func (g *goroutines) drop(l *goLink, why string) {
	g.mu.Lock()
	delete(g.links, l.c)
	g.mu.Unlock()
	g.srv.mu.Lock()
	l.c.dead.Store(true)
	g.srv.forget(l.c, why)
	g.srv.mu.Unlock()
	_ = l.nc.Close() // unblocks the reader; the peer may be gone already
}

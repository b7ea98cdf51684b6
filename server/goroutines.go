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
	"time"
)

// goroutines is the driver for systems without epoll: two goroutines per connection, one that reads, parses and executes
// its own batches under the lock, one that writes. It feeds the same executor as the event loop and costs more per
// command; replies leave through the connection's queue, which also orders them with what others send.
type goroutines struct {
	srv   *Server
	lists []net.Listener
	wg    sync.WaitGroup
	woken chan struct{}

	mu    sync.Mutex // guards links
	links map[*conn]*goLink
}

// goLink is the part of a connection that only this driver knows.
type goLink struct {
	c      *conn
	nc     net.Conn
	batch  *batch
	signal chan struct{} // output to write, or the connection's end
	resume chan struct{} // it may go on
}

func (s *Server) newGoroutines() (driver, error) {
	g := &goroutines{srv: s, woken: make(chan struct{}, 1), links: map[*conn]*goLink{}}
	v := s.values
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
		} else if !optional {
			s.logf(Warning, "Failed listening on port %d (TCP), aborting.", v.Port)
			return nil, errors.Join(fmt.Errorf("listening on %s: %w", addr, err), g.closeListeners())
		}
	}
	if v.UnixSocket != "" {
		ln, err := net.Listen("unix", v.UnixSocket)
		if err == nil && v.UnixSocketPerm != 0 {
			err = os.Chmod(v.UnixSocket, os.FileMode(v.UnixSocketPerm))
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening Unix socket %s: %w", v.UnixSocket, err), g.closeListeners())
		}
		g.lists = append(g.lists, ln)
	}
	return g, nil
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
		s.mu.Unlock()
		select {
		case <-g.woken:
			g.signalAll() // an fsync has finished
		case <-time.After(wait):
		}
	}
	if err := g.closeListeners(); err != nil {
		s.logf(Warning, "closing a listening socket: %v", err)
	}
	g.mu.Lock()
	for _, l := range g.links {
		_ = l.nc.SetDeadline(time.Now().Add(time.Second)) // lets the last replies go
	}
	g.mu.Unlock()
	g.signalAll()
	g.wg.Wait()
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
		if c.dead {
			_ = l.nc.SetDeadline(time.Now()) // ends a read or write that the peer blocks
		}
		l.poke()
	}
	g.mu.Unlock()
}

// poke wakes both goroutines of a connection.
func (l *goLink) poke() {
	for _, ch := range [2]chan struct{}{l.signal, l.resume} {
		select {
		case ch <- struct{}{}:
		default:
		}
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
		c.local, c.addr, c.laddr = true, s.values.UnixSocket+":0", s.values.UnixSocket+":0"
	}
	s.mu.Lock()
	refusal := s.register(c)
	s.mu.Unlock()
	if refusal != "" {
		_, _ = nc.Write([]byte(refusal))
		_ = nc.Close()
		return
	}
	l := &goLink{c: c, nc: nc, signal: make(chan struct{}, 1), resume: make(chan struct{}, 1)}
	l.batch = newBatch(s, func() { g.wg.Go(func() { g.goOn(l) }) })
	g.mu.Lock()
	g.links[c] = l
	g.mu.Unlock()
	g.wg.Go(func() { g.read(l) })
	g.wg.Go(func() { g.write(l) })
}

// read executes what arrives until the connection ends.
func (g *goroutines) read(l *goLink) {
	c, s := l.c, g.srv
	debug.SetPanicOnFault(true)
	var err error
	for err == nil && !s.stopped.Load() {
		if !c.more {
			c.rbuf = growInput(c.rbuf, min(max(c.parser.Want(), readBytes), max(len(c.rbuf), readBytes), maxReadBytes))
			var n int
			n, err = l.nc.Read(c.rbuf[len(c.rbuf):cap(c.rbuf)])
			s.admin.reads.Add(1)
			c.rbuf = c.rbuf[:len(c.rbuf)+n]
			c.activeMs.Store(s.monoMs())
			if n == 0 {
				continue
			}
		}
		if s.inputTooLarge(c, len(c.rbuf)) {
			break
		}
		g.execute(l)
		for g.suspended(c) && !s.stopped.Load() {
			<-l.resume
		}
	}
	g.drop(l, "connection ended")
}

// suspended reports whether a connection is blocked.
func (g *goroutines) suspended(c *conn) bool {
	g.srv.mu.Lock()
	defer g.srv.mu.Unlock()
	return c.blocked != nil && !c.dead && !c.closed
}

// execute runs the complete commands in the connection's input.
func (g *goroutines) execute(l *goLink) {
	c, s, b := l.c, g.srv, l.batch
	b.add(c, c.rbuf)
	for done := false; !done; {
		s.mu.Lock()
		s.beginTurn()
		b.begin()
		done = g.finishBatch(l)
	}
	g.settle(l)
}

// goOn takes the place of a reading goroutine that a module's command has ended in the middle of a batch, with the lock
// held.
func (g *goroutines) goOn(l *goLink) {
	l.batch.noteWrite()
	for done := g.finishBatch(l); !done; {
		g.srv.mu.Lock()
		g.srv.beginTurn()
		l.batch.begin()
		done = g.finishBatch(l)
	}
	g.settle(l)
	g.read(l)
}

// finishBatch runs what there is to run of the batch, gives the lock back and queues the replies.
func (g *goroutines) finishBatch(l *goLink) (done bool) {
	c, s, b := l.c, g.srv, l.batch
	done = b.goOn()
	for _, o := range b.outputs {
		c.obuf = append(append(c.obuf, b.out[o.from:o.to]...), o.tail...)
	}
	c.checkOutput()
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
	c.rbuf = append(c.rbuf[:0], rest...)
	c.unread.Store(int64(len(rest)))
	b.reset()
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
			c.dead = true // never durable, so never acknowledged
		}
		if !held && !c.dead {
			c.hold = 0
			c.takeOutput()
			c.unsent.Store(int64(len(c.wbuf)))
		}
		end := c.dead || c.closed || c.closing && !held
		s.mu.Unlock()
		if len(c.wbuf) > 0 {
			n, err := l.nc.Write(c.wbuf)
			g.srv.admin.writes.Add(1)
			c.netOut.Add(int64(n))
			c.wbuf = c.wbuf[:0]
			c.unsent.Store(0)
			end = end || err != nil
		}
		if end || s.stopped.Load() && !held {
			g.drop(l, "closed by the server")
			return
		}
	}
}

// drop closes a connection; both of its goroutines call it.
func (g *goroutines) drop(l *goLink, why string) {
	g.mu.Lock()
	_, present := g.links[l.c]
	delete(g.links, l.c)
	g.mu.Unlock()
	if !present {
		return
	}
	g.srv.mu.Lock()
	l.c.dead = true
	g.srv.forget(l.c, why)
	g.srv.mu.Unlock()
	_ = l.nc.Close() // unblocks the reader; the peer may be gone already
	l.poke()
}

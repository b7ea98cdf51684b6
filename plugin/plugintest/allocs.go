package plugintest

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"time"

	"datastore/server/resp"
)

const (
	allocRuns   = 1000 // commands that one measurement sends at once
	allocRounds = 5    // measurements, of which the smallest counts
)

// Allocs returns how many objects on Go's heap one execution of a command allocates, on average and rounded down: by the
// handler and by everything that the host does for it, reply and effects included. A command that replies an error ends
// the test. The count is that of the whole process, so the test must not be parallel to others; what allocates besides
// the command is kept out by taking the smallest of several measurements.
//
// The command runs some thousand times: it must not grow a value without end that makes each execution slower.
func (s *Server) Allocs(args ...any) int {
	s.t.Helper()
	s.Do(args...).Must()
	p := s.pipeline(args)
	p.run(allocRuns) // buffers grow now
	best := p.measure()
	for range allocRounds - 1 {
		best = min(best, p.measure())
	}
	s.report(p.command)
	return best
}

// Bench runs a command b.N times in batches, for a benchmark of a module's command: the time is that of the server and of
// reading the replies, without round trips.
func (s *Server) Bench(b *testing.B, args ...any) {
	b.Helper()
	s.Do(args...).Must()
	p := s.pipeline(args)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= allocRuns {
		p.run(min(left, allocRuns))
	}
}

// pipeline sends a command many times at once, and reads the replies without allocating.
type pipeline struct {
	c        *Client
	command  string
	requests []byte
	buf      []byte // for replies
	replies  []byte // the part of buf that is not looked at yet
}

func (s *Server) pipeline(args []any) *pipeline {
	s.t.Helper()
	one, command, err := encode(nil, args)
	if err != nil {
		s.t.Fatalf("plugintest: %v: %v", args, err)
	}
	return &pipeline{
		c: s.mustDial(2), command: command, requests: bytes.Repeat(one, allocRuns), buf: make([]byte, 1<<20),
	}
}

// measure returns what one command allocates, of allocRuns.
func (p *pipeline) measure() int {
	p.c.s.t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p.run(allocRuns)
	runtime.ReadMemStats(&after)
	return int((after.Mallocs - before.Mallocs) / allocRuns)
}

// run sends the command n times, at most allocRuns, and reads the replies.
func (p *pipeline) run(n int) {
	p.c.s.t.Helper()
	err := p.c.sock.SetDeadline(time.Now().Add(pipelineTimeout))
	sent := make(chan error, 1)
	go func() {
		_, err := p.c.sock.Write(p.requests[:n*len(p.requests)/allocRuns])
		sent <- err
	}()
	if err = errors.Join(err, p.read(n)); err == nil {
		err = <-sent
	}
	if err != nil {
		p.c.s.t.Fatalf("%s, %d times: %v\n%s", p.command, n, err, p.c.s.tail())
	}
}

// pipelineTimeout bounds the execution of allocRuns commands in real time.
const pipelineTimeout = time.Minute

var errFailed = errors.New("it replied an error")

// read takes n replies.
func (p *pipeline) read(n int) error {
	f := frame{}
	for left := n; left > 0; {
		if f.whole(p.replies) {
			if p.replies[0] == byte(resp.KindError) {
				return errFailed
			}
			p.replies = p.replies[f.at:]
			f = frame{}
			left--
			continue
		}
		p.makeRoom()
		n, err := p.c.sock.Read(p.replies[len(p.replies):cap(p.replies)])
		if err != nil {
			return err
		}
		p.replies = p.replies[:len(p.replies)+n]
	}
	return nil
}

// makeRoom moves what is left to the front of the buffer.
func (p *pipeline) makeRoom() {
	if len(p.replies) > len(p.buf)/2 {
		p.buf = append(bytes.Clone(p.replies), make([]byte, 2*len(p.buf))...)
	} else {
		copy(p.buf, p.replies)
	}
	p.replies = p.buf[:len(p.replies)]
}

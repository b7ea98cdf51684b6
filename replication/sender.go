package replication

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const snapshotPieceBytes = 256 << 10 // written to the socket at a time, within one timeout

// MarkBytes is the length of the mark that ends a snapshot whose length was not announced.
const MarkBytes = 40

// SenderOptions configure NewSender; all but Greeting and Mark are needed.
type SenderOptions struct {
	// Lock is the owner's lock, which guards the stream and the Sender. Run takes it to fetch bytes, so nothing leaves
	// before the owner has finished what it does under the lock, for example writing the same bytes to its AOF.
	Lock sync.Locker
	// Sock is the replica's connection, perhaps one of two descriptors of it; Run only writes.
	Sock net.Conn
	// From is the stream's position at the snapshot; Run closes it.
	From *Reader
	// Snapshot is sent first; Run releases it. Without one the stream follows the greeting at once.
	Snapshot *Snapshot
	// Greeting is the reply to PSYNC, "" for SYNC.
	Greeting string
	// Mark, of MarkBytes characters, announces and ends the snapshot in place of its length. The stream then waits for
	// Release, because the replica would take bytes behind the mark for a part of the snapshot.
	Mark string
	// Timeout is how long one piece may take to be written.
	Timeout time.Duration
	// Wrote is told, without the lock, how many bytes the socket has taken.
	Wrote func(n int)
	// Sent is told under the lock that the snapshot, or the greeting, has been written.
	Sent func()
	// Ended is told under the lock why Run ends: ErrClosed, ErrNoReplica or an error of the socket or the snapshot.
	Ended func(err error)
}

// shutter is a socket that can be shut down, as those of TCP and Unix can.
type shutter interface {
	CloseRead() error
	CloseWrite() error
}

// Sender is the primary's end of the link to one replica: it writes the snapshot and then the stream to the socket, in a
// goroutine of its own, so that a slow replica costs the server nothing but the bytes that it has not taken.
//
// The methods but Run are called under the owner's lock.
type Sender struct {
	o      SenderOptions
	wake   chan struct{}
	held   bool
	closed bool
}

// NewSender makes a Sender; its owner runs Run.
func NewSender(o SenderOptions) *Sender {
	return &Sender{o: o, wake: make(chan struct{}, 1), held: o.Snapshot != nil}
}

// Wake tells that the stream has grown.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Release lets the stream follow the snapshot: the replica has acknowledged it.
func (s *Sender) Release() {
	if s.held {
		s.held = false
		s.Wake()
	}
}

// Waits reports whether the stream is held back.
func (s *Sender) Waits() bool { return s.held }

// From is the reader whose position says what has been sent.
func (s *Sender) From() *Reader { return s.o.From }

// Snapshot returns what is being sent; it is nil once the stream may have begun.
func (s *Sender) Snapshot() *Snapshot {
	if !s.held || s.closed {
		return nil
	}
	return s.o.Snapshot
}

// Close ends Run and the connection, also for whoever reads from it through another descriptor.
func (s *Sender) Close() {
	if !s.closed {
		s.closed = true
		if c, ok := s.o.Sock.(shutter); ok {
			_ = errors.Join(c.CloseRead(), c.CloseWrite()) // the peer may be gone
		}
		_ = s.o.Sock.Close() // Run meets the error
		s.Wake()
	}
}

// Run sends until the link fails or is closed.
func (s *Sender) Run() {
	err := s.sendSnapshot()
	s.o.Lock.Lock()
	if s.o.Snapshot != nil {
		err = errors.Join(err, s.o.Snapshot.Release())
		s.o.Snapshot = nil
	}
	if err == nil && s.o.Mark == "" {
		s.held = false
	}
	if err == nil {
		s.o.Sent()
	}
	s.o.Lock.Unlock()
	if err == nil {
		err = s.sendStream()
	}
	s.o.Lock.Lock()
	switch {
	case s.closed:
		err = ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w: %w", ErrNoReplica, err)
	}
	s.o.From.Close()
	s.Close()
	s.o.Ended(err)
	s.o.Lock.Unlock()
}

func (s *Sender) sendSnapshot() error {
	snap := s.o.Snapshot
	if snap == nil {
		return s.write([]byte(s.o.Greeting))
	}
	head, tail := s.o.Greeting, ""
	if s.o.Mark != "" {
		head += "$EOF:" + s.o.Mark + "\r\n"
		tail = s.o.Mark
	} else {
		head += fmt.Sprintf("$%d\r\n", snap.sizeBytes)
	}
	if err := s.write([]byte(head)); err != nil {
		return err
	}
	r := io.NewSectionReader(snap.file, 0, snap.sizeBytes)
	piece := make([]byte, snapshotPieceBytes)
	for left := snap.sizeBytes; left > 0; {
		n, err := io.ReadFull(r, piece[:min(left, snapshotPieceBytes)])
		if err != nil {
			return fmt.Errorf("reading the snapshot: %w", err)
		}
		if err := s.write(piece[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	if tail == "" {
		return nil
	}
	return s.write([]byte(tail))
}

func (s *Sender) sendStream() error {
	for {
		s.o.Lock.Lock()
		var p []byte
		if !s.held && !s.closed {
			p = s.o.From.At()
		}
		closed := s.closed
		s.o.Lock.Unlock()
		switch {
		case closed:
			return ErrClosed
		case p == nil:
			<-s.wake
			continue
		}
		if err := s.write(p); err != nil {
			return err
		}
		s.o.Lock.Lock()
		s.o.From.Advance(len(p))
		s.o.Lock.Unlock()
	}
}

func (s *Sender) write(p []byte) error {
	if err := s.o.Sock.SetWriteDeadline(time.Now().Add(s.o.Timeout)); err != nil {
		return err
	}
	n, err := s.o.Sock.Write(p)
	s.o.Wrote(n)
	return err
}

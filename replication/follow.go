package replication

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

const (
	firstPause  = 100 * time.Millisecond // between attempts to reach the primary
	maxPause    = 3 * time.Second
	steadyAfter = 10 * time.Second // a link that has lived this long ends the back-off
	ackPeriod   = time.Second
	maxConnect  = 10 * time.Second
)

// State is how far the link to a primary is.
type State uint8

// States; their names are those of ROLE.
const (
	Connect    State = iota // waiting for the next attempt
	Connecting              // connecting
	Handshake               // greeting
	Sync                    // receiving or loading a snapshot
	Connected               // the stream is flowing
)

// String returns the name that ROLE uses.
func (s State) String() string {
	return [...]string{"connect", "connecting", "handshake", "sync", "connected"}[s]
}

// Settings are what one attempt works with.
type Settings struct {
	Addr           string // host:port
	User, Password string // "" for none
	ListeningPort  int    // told to the primary, as are the next
	AnnounceIP     string
	Timeout        time.Duration // without a byte from the primary
	ReplID         string        // history that the dataset belongs to, "" when it belongs to none
	Offset         int64         // of that history, up to which the dataset has it
}

// Level is the level of a log line, with the characters of Redis's log.
type Level byte

// The levels that this package uses.
const (
	Notice  Level = '*'
	Warning Level = '#'
)

// Payload is a snapshot that was received completely and has the form of an RDB file; its content is not checked yet.
type Payload struct {
	File      PayloadFile
	SizeBytes int64
	ReplID    string // of the stream that follows
	Offset    int64  // of the stream at the snapshot
}

// PayloadFile is where a snapshot is put until it is loaded.
type PayloadFile interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// Target is the server that follows a primary. All methods are called by the goroutine of Follow, which holds no lock; an
// error that wraps ErrStopped ends Follow, any other the connection.
type Target interface {
	// Settings begins an attempt.
	Settings() (Settings, error)
	// Enter tells the state of the link.
	Enter(st State) error
	// Create opens the temporary file for a snapshot of sizeBytes, -1 when unknown.
	Create(sizeBytes int64) (PayloadFile, error)
	// Received tells that bytes have arrived: of the snapshot while there is one, of the stream after it.
	Received(n int)
	// Load replaces the dataset by the snapshot, which must be verified before anything is touched.
	Load(p Payload) error
	// Continue tells that the stream goes on at the offset of Settings, under an ID that may be a new one.
	Continue(replID string) error
	// Apply runs units in order, each as a whole, and returns the offset behind the last one that was run.
	Apply(units []Unit) (int64, error)
	// Logf writes a line to the server's log.
	Logf(level Level, format string, args ...any)
}

// Follow keeps the target in sync with its primary until the context ends or the target stops it.
func Follow(ctx context.Context, t Target) {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := follow(ctx, t)
		if errors.Is(err, ErrStopped) || ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyAfter {
			pause = firstPause
		}
		if t.Enter(Connect) != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// follow is one attempt: it returns when the link is lost.
func follow(ctx context.Context, t Target) error {
	set, err := t.Settings()
	if err != nil {
		return err
	}
	if err := t.Enter(Connecting); err != nil {
		return err
	}
	t.Logf(Notice, "Connecting to MASTER %s", set.Addr)
	dialer := net.Dialer{Timeout: min(set.Timeout, maxConnect), Control: refuseLinkLocal}
	sock, err := dialer.DialContext(ctx, "tcp", set.Addr)
	if err != nil {
		t.Logf(Warning, "Error condition on socket for SYNC: %v", err)
		return err
	}
	l := &link{t: t, set: set, sock: sock}
	l.r.l = l
	stop := context.AfterFunc(ctx, func() { _ = sock.Close() })
	defer stop()
	defer func() { _ = sock.Close() }() // it may be closed already
	err = l.run()
	if !errors.Is(err, ErrStopped) && ctx.Err() == nil {
		t.Logf(Warning, "%s %v", l.lost(), err)
	}
	return err
}

// refuseLinkLocal keeps a server from being sent to the metadata services of clouds.
func refuseLinkLocal(_, addr string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	if a := ap.Addr().Unmap(); a.Is4() && a.IsLinkLocalUnicast() {
		return fmt.Errorf("%w: %s", ErrForbiddenAddr, a)
	}
	return nil
}

// link is one connection to the primary. Its goroutine reads; a second one acknowledges.
type link struct {
	t     Target
	set   Settings
	sock  net.Conn
	r     lineReader
	state State

	mu     sync.Mutex // guards what follows, and writes to sock
	acks   bool       // the stream is flowing: acknowledge rather than keep alive
	offset int64
}

// lost is how the log calls the end of the link.
func (l *link) lost() string {
	switch l.state {
	case Connected:
		return "Connection with master lost."
	case Sync:
		return "MASTER <-> REPLICA sync failed:"
	}
	return "Handshake with master failed:"
}

func (l *link) enter(st State) error {
	l.state = st
	return l.t.Enter(st)
}

func (l *link) run() error {
	l.t.Logf(Notice, "MASTER <-> REPLICA sync started")
	if err := l.enter(Handshake); err != nil {
		return err
	}
	answer, err := l.greet()
	if err != nil {
		return err
	}
	if err := l.enter(Sync); err != nil {
		return err
	}
	l.offset = answer.offset
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { l.beat(done) })
	defer wg.Wait()
	defer close(done)
	if err := l.join(answer); err != nil {
		return err
	}
	if err := l.enter(Connected); err != nil {
		return err
	}
	l.mu.Lock()
	l.acks = true
	l.mu.Unlock()
	if err := l.ack(); err != nil { // releases the stream of a primary that sent a mark
		return err
	}
	return l.stream()
}

// join brings the dataset to where the stream begins.
func (l *link) join(a psyncAnswer) error {
	if !a.full {
		if err := l.t.Continue(a.id); err != nil {
			return err
		}
		l.t.Logf(Notice, "Successful partial resynchronization with master.")
		return nil
	}
	l.t.Logf(Notice, "Full resync from master: %s:%d", a.id, a.offset)
	return l.sync(a.id, a.offset)
}

// sync receives the snapshot and has it loaded.
func (l *link) sync(id string, offset int64) (err error) {
	p, err := l.receive()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.File.Close()) }()
	p.ReplID, p.Offset = id, offset
	l.t.Logf(Notice, "MASTER <-> REPLICA sync: Loading DB in memory")
	if err := l.t.Load(p); err != nil {
		return err
	}
	l.t.Logf(Notice, "MASTER <-> REPLICA sync: Finished with success")
	return nil
}

// stream hands the units on as they arrive.
func (l *link) stream() error {
	u := unitReader{src: &l.r}
	for {
		units, err := u.next()
		if err != nil {
			return err
		}
		ask := false
		for i := range units {
			ask = ask || units[i].Ack
		}
		offset, err := l.t.Apply(units)
		l.mu.Lock()
		l.offset = offset
		l.mu.Unlock()
		if err != nil {
			return err
		}
		if ask {
			if err := l.ack(); err != nil {
				return err
			}
		}
	}
}

// beat tells the primary every second that the replica is alive: by an empty line during a transfer, by the offset later.
func (l *link) beat(done <-chan struct{}) {
	tick := time.NewTicker(ackPeriod)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if l.ack() != nil {
			_ = l.sock.Close() // the reader meets the end
			return
		}
	}
}

// ack acknowledges what was applied.
func (l *link) ack() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.acks {
		return l.write([]byte("\n"))
	}
	return l.write(encode("REPLCONF", "ACK", fmt.Sprint(l.offset)))
}

func (l *link) write(p []byte) error {
	if err := l.sock.SetWriteDeadline(time.Now().Add(l.set.Timeout)); err != nil {
		return err
	}
	_, err := l.sock.Write(p)
	return err
}

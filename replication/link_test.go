package replication

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// memoryTarget is a Target that keeps what it is given.
type memoryTarget struct {
	mu     sync.Mutex
	set    Settings
	states []State
	data   []byte
	raw    []byte
	id     string
	logs   strings.Builder
	dir    string
	down   chan struct{}
}

func (m *memoryTarget) Settings() (Settings, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set, nil
}

func (m *memoryTarget) Enter(st State) error {
	m.mu.Lock()
	m.states = append(m.states, st)
	m.mu.Unlock()
	if st == Connect {
		m.down <- struct{}{}
	}
	return nil
}

func (m *memoryTarget) Create(int64) (PayloadFile, error) { return os.CreateTemp(m.dir, "payload") }
func (m *memoryTarget) Received(int)                      {}

func (m *memoryTarget) Load(p Payload) error {
	b, err := io.ReadAll(io.NewSectionReader(p.File, 0, p.SizeBytes))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data, m.raw, m.id = b, nil, p.ReplID
	m.set.ReplID, m.set.Offset = p.ReplID, p.Offset
	return err
}

func (m *memoryTarget) Continue(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id, m.set.ReplID = id, id
	return nil
}

func (m *memoryTarget) Apply(units []Unit) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range units {
		m.raw = append(m.raw, u.Raw...)
		m.set.Offset += int64(len(u.Raw))
	}
	return m.set.Offset, nil
}

func (m *memoryTarget) Logf(_ Level, format string, args ...any) {
	m.mu.Lock()
	fmt.Fprintf(&m.logs, format+"\n", args...)
	m.mu.Unlock()
}

// bufferFile is a snapshot in memory.
type bufferFile struct{ *bytes.Reader }

func (bufferFile) Close() error { return nil }

// sendTo runs a Sender on an accepted socket until it ends.
func sendTo(sock net.Conn, lock *sync.Mutex, o SenderOptions) (*Sender, <-chan error) {
	ended := make(chan error, 1)
	o.Lock, o.Sock, o.Timeout = lock, sock, 5*time.Second
	o.Wrote, o.Sent, o.Ended = func(int) {}, func() {}, func(err error) { ended <- err }
	s := NewSender(o)
	go s.Run()
	return s, ended
}

// TestSenderToFollow joins both ends over a socket that is cut in the middle: snapshot, stream, cut inside a transaction, rest.
func TestSenderToFollow(t *testing.T) {
	for _, mark := range []string{"", strings.Repeat("e", MarkBytes)} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		id := strings.Repeat("a", 40)
		snapshot := []byte("REDIS" + strings.Repeat("0123456789", 100_000))
		whole, _ := sampleStream()
		var lock sync.Mutex
		var stream Stream
		stream.Restart(100)
		keep := stream.Read(100)
		m := &memoryTarget{dir: t.TempDir(), down: make(chan struct{}, 10),
			set: Settings{Addr: ln.Addr().String(), Timeout: 5 * time.Second, User: "u", Password: "p", AnnounceIP: "1.2.3.4"}}
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { Follow(ctx, m) })

		sock, asked := handshakeOf(t, ln)
		if asked != "PSYNC ? -1" {
			t.Errorf("asked %q", asked)
		}
		lock.Lock()
		sender, ended := sendTo(sock, &lock, SenderOptions{
			Greeting: "+FULLRESYNC " + id + " 100\r\n", Mark: mark, From: stream.Read(100),
			Snapshot: NewSnapshot(bufferFile{bytes.NewReader(snapshot)}, int64(len(snapshot))),
		})
		stream.Append(whole[:len(whole)-10])
		sender.Wake()
		lock.Unlock()
		waitAck(t, sock)
		lock.Lock()
		sender.Release()
		lock.Unlock()
		waitFor(t, "the complete units", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return len(m.raw) > len(whole)/2 })
		lock.Lock()
		sender.Close()
		sender.Close()
		lock.Unlock()
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("sender ended with %v", err)
		}
		<-m.down

		sock, asked = handshakeOf(t, ln)
		m.mu.Lock()
		offset := m.set.Offset
		m.mu.Unlock()
		if want := fmt.Sprintf("PSYNC %s %d", id, offset+1); asked != want {
			t.Errorf("asked %q, want %q", asked, want)
		}
		lock.Lock()
		stream.Append(whole[len(whole)-10:])
		newID := strings.Repeat("b", 40)
		sender, ended = sendTo(sock, &lock, SenderOptions{Greeting: "+CONTINUE " + newID + "\r\n", From: stream.Read(offset)})
		lock.Unlock()
		waitFor(t, "the whole stream", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return bytes.Equal(m.raw, whole) })
		m.mu.Lock()
		if !bytes.Equal(m.data, snapshot) || m.id != newID {
			t.Errorf("%d bytes of snapshot, ID %s", len(m.data), m.id)
		}
		m.mu.Unlock()
		cancel()
		wg.Wait()
		lock.Lock()
		sender.Close()
		lock.Unlock()
		<-ended
		keep.Close()
		_ = ln.Close()
	}
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s", what)
		}
	}
}

// handshakeOf accepts a replica, answers its handshake and returns what PSYNC asked for.
func handshakeOf(t *testing.T, ln net.Listener) (net.Conn, string) {
	t.Helper()
	sock, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(sock)
	for {
		var words []string
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if _, err := fmt.Sscanf(line, "*%d", &n); err != nil {
			t.Fatalf("%q", line)
		}
		for range n {
			_, _ = r.ReadString('\n')
			word, _ := r.ReadString('\n')
			words = append(words, strings.TrimSpace(word))
		}
		switch words[0] {
		case "PSYNC":
			return sock, strings.Join(words, " ")
		case "PING":
			_, _ = io.WriteString(sock, "\n-NOAUTH Authentication required.\r\n")
		case "AUTH":
			if len(words) != 3 {
				t.Errorf("%q", words)
			}
			_, _ = io.WriteString(sock, "+OK\r\n")
		default:
			_, _ = io.WriteString(sock, "-ERR Unrecognized REPLCONF option\r\n")
		}
	}
}

// waitAck reads until an acknowledgement comes.
func waitAck(t *testing.T, sock net.Conn) {
	t.Helper()
	_ = sock.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 1)
	for got := ""; !strings.Contains(got, "ACK\r\n$3\r\n100\r\n"); got += string(b) {
		if _, err := io.ReadFull(sock, b); err != nil {
			t.Fatalf("no acknowledgement: %v after %q", err, got)
		}
	}
}

// TestForbiddenAddr refuses link-local addresses also when they come from a name.
func TestForbiddenAddr(t *testing.T) {
	for addr, ok := range map[string]bool{
		"169.254.169.254:80": false, "[::ffff:169.254.1.1]:80": false, "127.0.0.1:6379": true, "[::1]:6379": true, "10.0.0.1:1": true,
	} {
		if err := refuseLinkLocal("tcp", addr, nil); (err == nil) != ok || err != nil && !errors.Is(err, ErrForbiddenAddr) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// TestSnapshotUses closes the file with the last use.
func TestSnapshotUses(t *testing.T) {
	s := NewSnapshot(bufferFile{bytes.NewReader(nil)}, 0)
	s.Use()
	for range 2 {
		if err := s.Release(); err != nil {
			t.Error(err)
		}
	}
	if s.Release() == nil {
		t.Error("a third release of two uses")
	}
}

package plugintest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"datastore/server/resp"
)

// recorder is a connection that has asked for the replication stream, as a replica does, and keeps it as it comes.
//
// The server tells how long its stream is; a reader that waits for so many bytes has everything that was propagated before.
type recorder struct {
	sock  net.Conn
	start int64 // offset of the stream's first byte

	mu    sync.Mutex
	raw   []byte // from the start, without what Stream has returned
	taken int64  // bytes that were
	err   error  // of the connection
	db    int    // selected by what Stream has returned
}

// record attaches a recorder to the server.
func (s *Server) record() (*recorder, error) {
	sock, err := net.Dial("unix", s.socket())
	if err != nil {
		return nil, err
	}
	r := &recorder{sock: sock}
	s.t.Cleanup(func() { _ = sock.Close() }) // the server may have closed it
	if err := r.synchronize(); err != nil {
		return nil, fmt.Errorf("recording the stream: %w\n%s", err, s.tail())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.read()
	}()
	s.t.Cleanup(func() {
		_ = sock.Close()
		<-ended
	})
	return r, nil
}

// synchronize asks for the stream and passes over the snapshot before it.
func (r *recorder) synchronize() error {
	if err := r.sock.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return err
	}
	if _, err := r.sock.Write(resp.AppendCommandStrings(nil, "PSYNC", "?", "-1")); err != nil {
		return err
	}
	greeting, err := r.line()
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(greeting, "+FULLRESYNC %40s %d", new(string), &r.start); err != nil {
		return fmt.Errorf("the server says %q", greeting)
	}
	header := ""
	for header == "" && err == nil { // empty lines keep the link alive meanwhile
		header, err = r.line()
	}
	size, convErr := strconv.Atoi(strings.TrimPrefix(header, "$"))
	if err = errors.Join(err, convErr); err != nil {
		return err
	}
	for len(r.raw) < size && err == nil {
		err = r.fill()
	}
	if err != nil {
		return err
	}
	r.raw = r.raw[size:]
	return r.sock.SetDeadline(time.Time{})
}

// line takes a line of the handshake.
func (r *recorder) line() (string, error) {
	for {
		if i := bytes.IndexByte(r.raw, '\n'); i >= 0 {
			line := strings.TrimSuffix(string(r.raw[:i]), "\r")
			r.raw = r.raw[i+1:]
			return line, nil
		}
		if err := r.fill(); err != nil {
			return "", err
		}
	}
}

func (r *recorder) fill() error {
	var chunk [4096]byte
	n, err := r.sock.Read(chunk[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw = append(r.raw, chunk[:n]...)
	return err
}

// read keeps what comes until the connection ends.
func (r *recorder) read() {
	for {
		if err := r.fill(); err != nil {
			r.mu.Lock()
			r.err = err
			r.mu.Unlock()
			return
		}
	}
}

// has reports whether the stream is there up to an offset; an error that it will never be.
func (r *recorder) has(offset int64) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.start+r.taken+int64(len(r.raw)) >= offset {
		return true, nil
	}
	return false, r.err
}

// Stream returns what was propagated to replicas and the append-only file since the last call, one command per element in
// the order in which it was sent, with MULTI and EXEC around a unit of several. Words are separated by spaces and quoted
// when they need it. SELECT appears when the database changes; the first one is 0. What OnLoad did is not in it.
func (s *Server) Stream() []string {
	s.t.Helper()
	offset := s.number("replication", "master_repl_offset")
	s.eventually("the stream arrives", func() bool {
		there, err := s.stream.has(offset)
		if err != nil {
			s.t.Fatalf("plugintest: the stream has ended: %v\n%s", err, s.tail())
		}
		return there
	})
	lines, err := s.stream.take()
	if err != nil {
		s.t.Fatalf("plugintest: the stream is malformed after %q: %v", lines, err)
	}
	return lines
}

// WantStream compares Stream with the given lines, and fails the test when they differ.
func (s *Server) WantStream(lines ...string) {
	s.t.Helper()
	got, want := strings.Join(s.Stream(), "\n"), strings.Join(lines, "\n")
	if got != want {
		s.t.Errorf("propagated:\n%s\nwant:\n%s", indent(got), indent(want))
	}
}

func indent(text string) string {
	if text == "" {
		text = "(nothing)"
	}
	return "\t" + strings.ReplaceAll(text, "\n", "\n\t")
}

// take returns the commands that have come, without those that keep the link.
func (r *recorder) take() (lines []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.raw) > 0 {
		v, n, err := resp.Decode(r.raw)
		if err != nil {
			return lines, err
		}
		words := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			words[i] = string(e.Str)
		}
		r.raw, r.taken = r.raw[n:], r.taken+int64(n)
		if r.shown(words) {
			lines = append(lines, quoteCommand(words))
		}
	}
	return lines, nil
}

// shown reports whether a command of the stream is one that a unit caused, and follows the selected database.
func (r *recorder) shown(words []string) bool {
	switch strings.ToUpper(words[0]) {
	case "PING", "REPLCONF":
		return false
	case "SELECT":
		before := r.db
		r.db, _ = strconv.Atoi(words[len(words)-1]) // the server has written it
		return r.db != before
	}
	return true
}

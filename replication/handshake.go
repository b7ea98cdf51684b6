package replication

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"datastore/server/resp"
)

const (
	maxReplyBytes  = 64 << 10 // of one line of the handshake
	linkReadBytes  = 64 << 10
	replIDBytes    = 40
	rdbMagic       = "REDIS"
	payloadCopyLen = 256 << 10
)

func encode(words ...string) []byte { return resp.AppendCommandStrings(nil, words...) }

// greet goes through the handshake up to the reply to PSYNC.
func (l *link) greet() (a psyncAnswer, err error) {
	reply, err := l.ask("PING")
	if err != nil {
		return a, err
	}
	if reply[0] == '-' && !hasCode(reply, "NOAUTH", "NOPERM", "ERR operation not permitted") {
		return a, fmt.Errorf("%w PING: %s", ErrRefused, reply[1:])
	}
	l.t.Logf(Notice, "Master replied to PING, replication can continue...")
	if l.set.Password != "" {
		words := []string{"AUTH", l.set.Password}
		if l.set.User != "" {
			words = []string{"AUTH", l.set.User, l.set.Password}
		}
		if reply, err = l.ask(words...); err != nil {
			return a, err
		}
		if reply[0] == '-' {
			l.t.Logf(Warning, "Unable to AUTH to MASTER: %s", reply)
			return a, fmt.Errorf("%w AUTH", ErrRefused)
		}
	}
	if err := l.announce(); err != nil {
		return a, err
	}
	id, next := "?", "-1"
	if l.set.ReplID != "" {
		id, next = l.set.ReplID, strconv.FormatInt(l.set.Offset+1, 10)
		l.t.Logf(Notice, "Trying a partial resynchronization (request %s:%s).", id, next)
	} else {
		l.t.Logf(Notice, "Partial resynchronization not possible (no cached master)")
	}
	if reply, err = l.ask("PSYNC", id, next); err != nil {
		return a, err
	}
	return l.parsePsync(reply)
}

// announce tells the primary about this replica. A primary that does not know an option is no reason to give up.
func (l *link) announce() error {
	lines := [][]string{{"REPLCONF", "listening-port", strconv.Itoa(l.set.ListeningPort)}}
	if l.set.AnnounceIP != "" {
		lines = append(lines, []string{"REPLCONF", "ip-address", l.set.AnnounceIP})
	}
	lines = append(lines, []string{"REPLCONF", "capa", "eof", "capa", "psync2"})
	for _, words := range lines {
		reply, err := l.ask(words...)
		if err != nil {
			return err
		}
		if reply[0] == '-' {
			if hasCode(reply, "NOAUTH") {
				return fmt.Errorf("%w REPLCONF: %s", ErrRefused, reply[1:])
			}
			l.t.Logf(Notice, "(Non critical) Master does not understand REPLCONF %s: %s", words[1], reply)
		}
	}
	return nil
}

// psyncAnswer is the primary's answer to PSYNC.
type psyncAnswer struct {
	full   bool // a snapshot comes before the stream
	id     string
	offset int64 // where the stream begins
}

func (l *link) parsePsync(reply string) (a psyncAnswer, err error) {
	if reply[0] == '-' {
		return a, fmt.Errorf("%w PSYNC: %s", ErrRefused, reply[1:])
	}
	bad := fmt.Errorf("%w: reply to PSYNC: %.80q", ErrProtocol, reply)
	f := strings.Fields(reply)
	switch {
	case len(f) == 3 && f[0] == "+FULLRESYNC" && isReplID(f[1]):
		a = psyncAnswer{full: true, id: f[1]}
		if a.offset, err = strconv.ParseInt(f[2], 10, 64); err != nil || a.offset < 0 {
			return a, bad
		}
		return a, nil
	case len(f) > 0 && len(f) <= 2 && f[0] == "+CONTINUE" && l.set.ReplID != "":
		a = psyncAnswer{id: l.set.ReplID, offset: l.set.Offset}
		if len(f) == 2 {
			a.id = f[1]
		}
		if !isReplID(a.id) {
			return a, bad
		}
		return a, nil
	}
	return a, bad
}

func isReplID(s string) bool {
	return len(s) == replIDBytes && strings.Trim(s, "0123456789abcdef") == ""
}

// ask sends a command and returns the line that answers it; empty lines before it keep the link alive.
func (l *link) ask(words ...string) (string, error) {
	l.mu.Lock()
	err := l.write(encode(words...))
	l.mu.Unlock()
	if err != nil {
		return "", fmt.Errorf("sending %s: %w", words[0], err)
	}
	line, err := l.r.line()
	if err != nil {
		return "", fmt.Errorf("waiting for the reply to %s: %w", words[0], err)
	}
	if line[0] != '+' && line[0] != '-' {
		return "", fmt.Errorf("%w: reply to %s: %.80q", ErrProtocol, words[0], line)
	}
	return line, nil
}

func hasCode(reply string, codes ...string) bool {
	for _, c := range codes {
		if strings.HasPrefix(reply[1:], c) {
			return true
		}
	}
	return false
}

// receive puts the snapshot into the target's temporary file.
func (l *link) receive() (p Payload, err error) {
	line, err := l.r.line()
	if err != nil {
		return p, fmt.Errorf("waiting for the snapshot: %w", err)
	}
	size, mark := int64(-1), ""
	switch {
	case strings.HasPrefix(line, "$EOF:") && len(line) == len("$EOF:")+MarkBytes:
		mark = line[len("$EOF:"):]
		l.t.Logf(Notice, "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk")
	case line[0] == '$':
		if size, err = strconv.ParseInt(line[1:], 10, 64); err != nil || size < 0 {
			return p, fmt.Errorf("%w: announcement of the snapshot: %.80q", ErrProtocol, line)
		}
		l.t.Logf(Notice, "MASTER <-> REPLICA sync: receiving %d bytes from master to disk", size)
	case line[0] == '-':
		return p, fmt.Errorf("%w the snapshot: %s", ErrRefused, line[1:])
	default:
		return p, fmt.Errorf("%w: announcement of the snapshot: %.80q", ErrProtocol, line)
	}
	if p.File, err = l.t.Create(size); err != nil {
		return p, err
	}
	if mark == "" {
		p.SizeBytes, err = size, l.copyExactly(p.File, size)
	} else {
		p.SizeBytes, err = l.copyToMark(p.File, []byte(mark))
	}
	if err != nil {
		_ = p.File.Close() // the error before is what counts
		return Payload{}, fmt.Errorf("receiving the snapshot: %w", err)
	}
	return p, nil
}

func (l *link) copyExactly(w io.Writer, size int64) error {
	buf := make([]byte, payloadCopyLen)
	var check magic
	for left := size; left > 0; {
		n, err := l.r.Read(buf[:min(left, payloadCopyLen)])
		if err := check.see(buf[:n]); err != nil {
			return err
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		left -= int64(n)
		if err != nil && left > 0 {
			return unexpected(err)
		}
	}
	return check.done()
}

// copyToMark copies until the stream ends with the mark and returns the bytes before it. The primary sends nothing behind
// the mark until it was acknowledged.
func (l *link) copyToMark(w io.Writer, mark []byte) (int64, error) {
	buf := make([]byte, MarkBytes+payloadCopyLen)
	kept, size := 0, int64(0) // the last bytes are kept back, they may be the mark
	var check magic
	for {
		n, err := l.r.Read(buf[kept : kept+payloadCopyLen])
		if err := check.see(buf[kept : kept+n]); err != nil {
			return 0, err
		}
		have := kept + n
		end := bytes.HasSuffix(buf[:have], mark)
		kept = min(MarkBytes, have)
		if _, err := w.Write(buf[:have-kept]); err != nil {
			return 0, err
		}
		size += int64(have - kept)
		copy(buf, buf[have-kept:have])
		if end {
			return size, check.done()
		}
		if err != nil {
			return 0, unexpected(err)
		}
	}
}

// magic refuses what is no RDB file with its first bytes, before a disk is filled with it.
type magic struct{ seen int }

func (m *magic) see(p []byte) error {
	for i := 0; i < len(p) && m.seen < len(rdbMagic); i++ {
		if p[i] != rdbMagic[m.seen] {
			return fmt.Errorf("%w: it does not begin as an RDB file", ErrPayload)
		}
		m.seen++
	}
	return nil
}

func (m *magic) done() error {
	if m.seen < len(rdbMagic) {
		return fmt.Errorf("%w: it is too short", ErrPayload)
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// lineReader reads the socket through a buffer, with a deadline for each read.
type lineReader struct {
	l   *link
	buf []byte
	pos int
}

func (r *lineReader) fill() error {
	if r.buf == nil {
		r.buf = make([]byte, 0, linkReadBytes)
	}
	n, err := r.fromSock(r.buf[:cap(r.buf)])
	r.buf, r.pos = r.buf[:n], 0
	if n > 0 {
		return nil
	}
	return err
}

func (r *lineReader) fromSock(p []byte) (int, error) {
	if err := r.l.sock.SetReadDeadline(time.Now().Add(r.l.set.Timeout)); err != nil {
		return 0, err
	}
	n, err := r.l.sock.Read(p)
	r.l.t.Received(n)
	return n, err
}

// Read empties the buffer first and then reads the socket directly.
func (r *lineReader) Read(p []byte) (int, error) {
	if r.pos < len(r.buf) {
		n := copy(p, r.buf[r.pos:])
		r.pos += n
		return n, nil
	}
	return r.fromSock(p)
}

// line reads a line that is not empty, without its end.
func (r *lineReader) line() (string, error) {
	var line []byte
	for {
		if r.pos == len(r.buf) {
			if err := r.fill(); err != nil {
				return "", err
			}
		}
		rest := r.buf[r.pos:]
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			i = len(rest)
			r.pos += i
		} else {
			r.pos += i + 1
		}
		line = append(line, rest[:i]...)
		if len(line) > maxReplyBytes {
			return "", fmt.Errorf("%w: a line of more than %d bytes", ErrProtocol, maxReplyBytes)
		}
		if i < len(rest) {
			if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
				return string(line), nil
			}
			line = line[:0]
		}
	}
}

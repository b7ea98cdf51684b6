package servertest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// replyTimeout is how long a read waits before the test fails; blocking commands of tests stay well below.
const replyTimeout = 15 * time.Second

// Conn is one client connection. It belongs to one goroutine. Methods without an error result end the test on failure
// and so may be called from the test's goroutine only; TryDo and TryReceive may be called from any.
type Conn struct {
	// Net is the socket, for tests that close, shut down or tune it.
	Net net.Conn
	// Pushes are the RESP3 push messages that Do met while it waited for its reply.
	Pushes []Reply

	t testing.TB
	r *bufio.Reader
}

// DialAddr connects to any server at host:port, or at a socket's path if addr has a slash; it is closed with the test.
func DialAddr(t testing.TB, addr string) *Conn {
	t.Helper()
	c, err := dial(addr)
	if err != nil {
		t.Fatalf("dial %s: %v", addr, err)
	}
	c.t = t
	t.Cleanup(c.Close)
	return c
}

// TryDial is DialAddr for any goroutine: with the error returned, and only for the methods that begin with Try. The caller
// closes the connection.
func TryDial(addr string) (*Conn, error) { return dial(addr) }

func dial(addr string) (*Conn, error) {
	network := "tcp"
	if strings.Contains(addr, "/") {
		network = "unix"
	}
	sock, err := net.DialTimeout(network, addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &Conn{Net: sock, r: bufio.NewReaderSize(sock, 64<<10)}, nil
}

// Close closes the socket; more than once does no harm.
func (c *Conn) Close() { _ = c.Net.Close() }

// Encode returns the command as a RESP array of bulk strings, as clients send it.
func Encode(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(a)), 10)
		b = append(b, '\r', '\n')
		b = append(b, a...)
		b = append(b, '\r', '\n')
	}
	return b
}

// Do sends one command and returns its reply; push messages that precede it go to Pushes.
func (c *Conn) Do(args ...string) Reply {
	c.t.Helper()
	reply, err := c.TryDo(args...)
	if err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
	return reply
}

// Must is Do for a command whose error reply ends the test.
func (c *Conn) Must(args ...string) Reply {
	c.t.Helper()
	reply := c.Do(args...)
	if reply.IsError() {
		c.t.Fatalf("%q: %s", args, reply.Str)
	}
	return reply
}

// TryDo is Do with the connection's errors returned.
func (c *Conn) TryDo(args ...string) (Reply, error) {
	if err := c.TryWrite(Encode(args...)); err != nil {
		return Reply{}, err
	}
	for {
		reply, err := c.TryReceive(replyTimeout)
		if err != nil || reply.Type != '>' || answersWithPush(args[0]) {
			return reply, err
		}
		c.Pushes = append(c.Pushes, reply)
	}
}

// answersWithPush is true for the commands whose own reply is a push in RESP3.
func answersWithPush(name string) bool {
	return strings.HasSuffix(strings.ToLower(name), "subscribe")
}

// Pipeline sends all commands in one write and returns their replies in order.
func (c *Conn) Pipeline(commands ...[]string) []Reply {
	c.t.Helper()
	var buf []byte
	for _, args := range commands {
		buf = append(buf, Encode(args...)...)
	}
	c.Write(buf)
	replies := make([]Reply, len(commands))
	for i := range replies {
		replies[i] = c.Receive()
	}
	return replies
}

// Send sends one command without waiting for its reply.
func (c *Conn) Send(args ...string) {
	c.t.Helper()
	c.Write(Encode(args...))
}

// Write sends raw bytes.
func (c *Conn) Write(raw []byte) {
	c.t.Helper()
	if err := c.TryWrite(raw); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// TryWrite is Write with the error returned.
func (c *Conn) TryWrite(raw []byte) error {
	if err := c.Net.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
		return err
	}
	_, err := c.Net.Write(raw)
	return err
}

// Receive reads the next reply or push message.
func (c *Conn) Receive() Reply {
	c.t.Helper()
	reply, err := c.TryReceive(replyTimeout)
	if err != nil {
		c.t.Fatalf("receive: %v (after %q)", err, reply.Raw)
	}
	return reply
}

// TryReceive is Receive with a timeout and the error returned: os.ErrDeadlineExceeded, io.EOF, ErrProtocol.
func (c *Conn) TryReceive(timeout time.Duration) (Reply, error) {
	if err := c.Net.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return Reply{}, err
	}
	return readReply(c.r)
}

// ReadRaw reads exactly n bytes.
func (c *Conn) ReadRaw(n int) []byte {
	c.t.Helper()
	_ = c.Net.SetReadDeadline(time.Now().Add(replyTimeout))
	b := make([]byte, n)
	if got, err := io.ReadFull(c.r, b); err != nil {
		c.t.Fatalf("read %d bytes: %v after %q", n, err, b[:got])
	}
	return b
}

// ReadAll reads until the server closes the connection and returns what came.
func (c *Conn) ReadAll() ([]byte, error) {
	if err := c.Net.SetReadDeadline(time.Now().Add(replyTimeout)); err != nil {
		return nil, err
	}
	return io.ReadAll(c.r)
}

// Silent reports whether nothing arrives for the given time.
func (c *Conn) Silent(wait time.Duration) bool {
	_ = c.Net.SetReadDeadline(time.Now().Add(wait))
	_, err := c.r.Peek(1)
	return err != nil && err != io.EOF
}

// Resp3 switches the connection to RESP3 and returns the reply of HELLO 3.
func (c *Conn) Resp3() Reply {
	c.t.Helper()
	return c.Must("HELLO", "3")
}

package plugintest

import (
	"fmt"
	"net"
	"strings"
	"time"

	"datastore/server/resp"
)

// replyTimeout bounds the wait for a reply in real time.
const replyTimeout = 15 * time.Second

// Client is a connection of its own to the server. It ends with the test.
type Client struct {
	s     *Server
	id    int64
	proto int
	sock  net.Conn
	buf   []byte
	frame frame    // of the reply at the beginning of buf
	sent  []string // commands without a reply so far, for messages
}

// Client opens another connection, in RESP2.
func (s *Server) Client() *Client {
	s.t.Helper()
	return s.mustDial(2)
}

// Client3 opens another connection, in RESP3.
func (s *Server) Client3() *Client {
	s.t.Helper()
	return s.mustDial(3)
}

func (s *Server) mustDial(proto int) *Client {
	s.t.Helper()
	c, err := s.dial(proto)
	if err != nil {
		s.t.Fatalf("plugintest: %v\n%s", err, s.tail())
	}
	return c
}

func (s *Server) dial(proto int) (*Client, error) {
	sock, err := net.Dial("unix", s.socket())
	if err != nil {
		return nil, err
	}
	c := &Client{s: s, proto: proto, sock: sock}
	s.clients = append(s.clients, c)
	c.id = c.Do("CLIENT", "ID").Int()
	if proto == 3 {
		c.Do("HELLO", 3).Must()
	}
	return c, nil
}

// ID returns the number of the connection, which plugin.Invocation's ClientID returns to the module.
func (c *Client) ID() uint64 { return uint64(c.id) }

// Close closes the connection, as a client that goes away does; more than once does no harm.
func (c *Client) Close() { _ = c.sock.Close() }

// Do sends a command and waits for its reply.
func (c *Client) Do(args ...any) Reply {
	c.s.t.Helper()
	c.Send(args...)
	return c.Recv()
}

// Send sends a command without waiting for its reply. Several may be sent before the first Recv.
func (c *Client) Send(args ...any) {
	c.s.t.Helper()
	raw, command, err := encode(nil, args)
	if err != nil {
		c.s.t.Fatalf("plugintest: %v: %v", args, err)
	}
	c.sent = append(c.sent, command)
	c.write(raw)
}

func (c *Client) write(raw []byte) {
	c.s.t.Helper()
	c.s.daemon.Barrier() // see took
	err := c.sock.SetWriteDeadline(time.Now().Add(replyTimeout))
	if err == nil {
		_, err = c.sock.Write(raw)
	}
	if err != nil {
		c.s.t.Fatalf("%s: sending: %v\n%s", c.sent[len(c.sent)-1], err, c.s.tail())
	}
}

// Recv waits for the next reply, or push message of RESP3.
func (c *Client) Recv() Reply {
	c.s.t.Helper()
	r, err := c.tryRecv(replyTimeout)
	if err != nil {
		c.s.t.Fatalf("%s: no reply: %v\n%s", r.command, err, c.s.tail())
	}
	return r
}

// tryRecv waits for the next reply so long. With os.ErrDeadlineExceeded the reply may still come.
func (c *Client) tryRecv(timeout time.Duration) (Reply, error) {
	c.s.t.Helper()
	r := Reply{t: c.s.t, command: "a message"}
	if len(c.sent) > 0 {
		r.command = c.sent[0]
	}
	if err := c.sock.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return r, err
	}
	for !c.frame.whole(c.buf) {
		if err := c.fill(); err != nil {
			return r, err
		}
	}
	v, n, err := resp.Decode(c.buf)
	if err != nil {
		return r, fmt.Errorf("it is malformed: %w in %.200q", err, c.buf)
	}
	r.Raw, r.value = string(c.buf[:n]), v
	c.buf, c.frame = c.buf[n:], frame{} // the value goes on pointing into buf: what follows is appended behind
	c.took(r)
	return r, nil
}

// took ends the wait for a reply. The barriers tell the race detector what the connection orders: what the test did before
// it sent a command, the module sees; what the module did before it replied, the test sees.
func (c *Client) took(r Reply) {
	c.s.t.Helper()
	c.s.daemon.Barrier()
	if r.value.Kind != resp.KindPush && len(c.sent) > 0 {
		c.sent = c.sent[1:]
	}
	if kind := newKind(&r.value); c.proto == 2 && kind != 0 {
		c.s.t.Errorf("%s: the reply %q has a type %q, which RESP2 has not", r.command, r.Raw, kind)
	}
	c.s.report(r.command)
}

// newKind returns a type of RESP3 in a reply, 0 if it has none.
func newKind(v *resp.Value) resp.Kind {
	switch v.Kind {
	case resp.KindStatus, resp.KindError, resp.KindInt, resp.KindBulk, resp.KindArray, resp.KindNull:
	default:
		return v.Kind
	}
	for i := range v.Elems {
		if kind := newKind(&v.Elems[i]); kind != 0 {
			return kind
		}
	}
	return 0
}

// fill reads what is there.
func (c *Client) fill() error {
	const chunk = 4096
	if cap(c.buf)-len(c.buf) < chunk {
		c.buf = append(make([]byte, 0, max(2*len(c.buf), 4*chunk)), c.buf...)
	}
	n, err := c.sock.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// Blocked reports whether the server keeps the client waiting: after Send, that the command blocks.
func (c *Client) Blocked() bool {
	c.s.t.Helper()
	c.s.admin.Do("PING") // its turn executes what was sent before
	line := c.s.admin.Do("CLIENT", "LIST", "ID", c.id).Must().Text()
	_, after, _ := strings.Cut(line, " flags=")
	flags, _, _ := strings.Cut(after, " ")
	return strings.Contains(flags, "b")
}

// maxCommand is how many bytes of a command a message shows.
const maxCommand = 300

// encode appends a command as clients send it, and shows it for messages.
func encode(b []byte, args []any) (raw []byte, command string, err error) {
	words := make([]string, len(args))
	for i, a := range args {
		if words[i], err = text(a); err != nil {
			return nil, "", err
		}
	}
	if command = quoteCommand(words); len(command) > maxCommand {
		command = command[:maxCommand] + "…"
	}
	return resp.AppendCommandStrings(b, words...), command, nil
}

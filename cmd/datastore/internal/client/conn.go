package client

import (
	"errors"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	tidwall "github.com/tidwall/resp"

	"datastore/server/resp"
)

const dialTimeout = 10 * time.Second

// conn is a connection to a server in RESP2. The library behind it believes the
// lengths that the server announces, which only a client can afford.
type conn struct {
	net    net.Conn
	reader *tidwall.Reader
	out    []byte
}

func dial(opts *Options) (*conn, error) {
	network, address := "tcp", opts.address()
	if opts.Socket != "" {
		network = "unix"
	}
	c, err := net.DialTimeout(network, address, dialTimeout)
	if err != nil {
		return nil, err
	}
	return &conn{net: c, reader: tidwall.NewReader(c)}, nil
}

func (c *conn) close() { c.net.Close() }

// do sends a command and waits for its reply as long as it takes: the command
// may be a blocking one.
func (c *conn) do(args []string) (tidwall.Value, error) {
	c.out = resp.AppendCommandStrings(c.out[:0], args...)
	if _, err := c.net.Write(c.out); err != nil {
		return tidwall.Value{}, err
	}
	return c.read()
}

func (c *conn) read() (tidwall.Value, error) {
	reply, _, err := c.reader.ReadValue()
	return reply, err
}

// closedByPeer looks, without waiting, whether the server has ended the
// connection while it was idle.
func (c *conn) closedByPeer() bool {
	sc, ok := c.net.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	closed := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		waiting := errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
		closed = n <= 0 && !waiting
		return true
	})
	return closed || err != nil
}

// address is where the server is: host:port or the path of a socket.
func (o *Options) address() string {
	if o.Socket != "" {
		return o.Socket
	}
	return net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
}

// reason strips from a network error what the message around it says already.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	return err
}

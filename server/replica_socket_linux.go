package server

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// socket implements socketOwner with a second file descriptor of the socket, which the Sender closes. It is called in the
// loop's goroutine, from within a handler.
func (l *loop) socket(c *conn) (net.Conn, bool, error) {
	pending := c.hasOutput() || len(c.obuf) > 0 || c.srv.cmdStart > l.batch.from
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, false, fmt.Errorf("duplicating the socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "replica")
	sock, err := net.FileConn(f) // duplicates it once more
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, false, err
	}
	return sock, pending, nil
}

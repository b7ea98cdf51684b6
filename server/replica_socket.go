package server

import (
	"errors"
	"net"
)

var errNoSocket = errors.New("the connection is ending")

// socket implements socketOwner. The Sender's Close closes the connection for its reader too, which is what is wanted.
func (g *goroutines) socket(c *conn) (net.Conn, bool, error) {
	g.mu.Lock()
	l := g.links[c]
	g.mu.Unlock()
	if l == nil {
		return nil, false, errNoSocket
	}
	if len(c.obuf) > 0 || c.srv.cmdStart > l.batch.from {
		return nopCloser{l.nc}, true, nil
	}
	return l.nc, false, nil
}

// nopCloser leaves a connection open that was not taken over.
type nopCloser struct{ net.Conn }

func (nopCloser) Close() error { return nil }

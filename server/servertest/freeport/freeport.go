// Package freeport finds a port for a server that a test starts in another process. It owns nothing and reserves nothing:
// a port is free when Get looks, and stays so because nobody else takes ports from this range by chance.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// The range lies below the one from which Linux takes the ports of outgoing connections. A port that the kernel hands out
// itself (listening on port 0) may become the other end of any connection before the server has bound it, and a client
// that dials it too early can even meet itself.
const (
	first = 10_000
	last  = 32_000
)

// Get returns a loopback port that nobody listens on; it panics when there is none.
func Get() int {
	for range 1000 {
		port := first + rand.IntN(last-first)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if l.Close() == nil {
			return port
		}
	}
	panic("freeport: no free port")
}

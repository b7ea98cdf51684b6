// Package servertest runs real servers for tests: the daemon of this module, built from the tree under test, and
// redis-server 7.0 as the oracle. It owns their processes, ports and working directories, a client that keeps the
// raw bytes of every reply, and the differential harness that sends one script to both and compares the replies.
//
// It speaks the wire protocol with a decoder of its own, so that a mistake in server/resp cannot hide itself, and it
// refuses to reach into a server: what a test wants to know, it asks over the socket or reads from the server's files.
// Only tests import it.
package servertest

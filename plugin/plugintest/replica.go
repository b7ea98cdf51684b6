package plugintest

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// follower is a server that follows the one under test. Replicas connect by TCP, so a relay with a port of its own stands
// between the two; the server under test listens on its socket only.
type follower struct {
	server *Server
	syncs  int64 // full synchronizations of the primary since its start, with all its replicas
}

// startFollower starts a replica and waits until it has the data.
func (s *Server) startFollower() (*follower, error) {
	port, err := s.relay()
	if err != nil {
		return nil, err
	}
	o := Options{
		Config:      append([]string{fmt.Sprintf("replicaof 127.0.0.1 %d", port)}, s.o.Config...),
		Args:        s.o.Args,
		AllowMisuse: s.o.AllowMisuse,
	}
	f := &follower{server: newServer(s.t, o, s.clock)}
	if err := f.server.start(s.o.ReplicaModule); err != nil {
		return nil, fmt.Errorf("the replica: %w", err)
	}
	s.settleReplica(f)
	f.syncs = s.number("stats", "sync_full")
	return f, nil
}

// relay passes connections at a port of the loopback interface on to the server's socket until the test ends.
func (s *Server) relay() (port int, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return // closed
			}
			to, err := net.Dial("unix", s.socket())
			if err != nil {
				_ = from.Close()
				continue
			}
			for _, way := range [2][2]net.Conn{{from, to}, {to, from}} {
				wg.Go(func() {
					_, _ = io.Copy(way[1], way[0]) // it ends when either side goes away
					_ = way[0].Close()
					_ = way[1].Close()
				})
			}
		}
	})
	s.t.Cleanup(func() { // after both servers have been stopped, which closes the connections
		_ = ln.Close()
		wg.Wait()
	})
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// settleReplica waits until the replica has run everything that was propagated.
func (s *Server) settleReplica(f *follower) {
	s.t.Helper()
	offset := s.number("replication", "master_repl_offset")
	s.eventually("the replica has caught up", func() bool {
		if !f.server.running() {
			s.t.Fatalf("plugintest: the replica has ended\n%s", f.server.tail())
		}
		return f.server.Info("replication", "master_link_status") == "up" &&
			f.server.number("replication", "slave_repl_offset") >= offset
	})
}

// checkLink fails the test when the replica has synchronized again, which it does when it could not run what it got. It is
// equal then, and would hide that.
func (s *Server) checkLink(f *follower) {
	s.t.Helper()
	if n := s.number("stats", "sync_full"); n != f.syncs {
		f.syncs = n
		s.t.Errorf("the replica could not run what it got, and has synchronized again: does it need Options.ReplicaModule?\n%s",
			f.server.tail())
	}
}

// Replica returns the replica of Options.Replica, to read from; nil without one. It has everything that was propagated
// before the call.
func (s *Server) Replica() *Server {
	s.t.Helper()
	if s.replica == nil {
		return nil
	}
	s.settleReplica(s.replica)
	return s.replica.server
}

// ReplicaEquals fails the test when the replica of Options.Replica does not hold the same data, and names the keys that
// differ.
func (s *Server) ReplicaEquals() {
	s.t.Helper()
	replica := s.Replica()
	if replica == nil {
		s.t.Fatal("plugintest: ReplicaEquals needs Options.Replica")
	}
	s.checkLink(s.replica)
	replica.report("on the replica")
	s.equal("the replica", replica)
}

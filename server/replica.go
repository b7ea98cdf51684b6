package server

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"datastore/replication"
	"datastore/server/command"
)

// Replication in this package: replica.go has what both roles share and the changes of role, replica_primary.go the
// primary's side, replica_follow.go the replica's, replica_wait.go WAIT, replica_info.go what INFO and ROLE tell.
//
// A primary's stream holds its units as the AOF has them. A replica applies its primary's units and hands the very bytes on
// to replicas of its own, under the same replication ID and the same offsets, so that all of a chain are comparable.

// link is the connection of a replica to its primary; nil on a primary.
type link = *follower

const noReplID = "0000000000000000000000000000000000000000"

// replicationState is what this server tells and remembers as a primary and as a replica. It is guarded by Server.mu.
type replicationState struct {
	loader command.Client // pseudo client of the AOF

	stream       replication.Stream
	backlog      *replication.Reader // keeps the end of the stream for replicas that come back; nil before the first one
	whole        bool                // on a replica: the dataset is its primary's at the end of the stream
	leftMs       int64               // monotonic time when the last replica left
	id, id2      string              // id2 is the former ID of the history up to secondOffset
	secondOffset int64               // -1 without id2
	wroteOffset  int64               // behind the last unit, which PING and REPLCONF are not
	askedOffset  int64               // behind the last REPLCONF GETACK
	pingedMs     int64               // monotonic

	links  sync.WaitGroup // goroutines of senders and of the link to the primary
	ending bool

	syncFull, syncPartialOK, syncPartialErr int64
	violations, applyErrors                 int64
	streamIn, streamOut                     atomic.Int64 // bytes of replication traffic
}

func (r *replicationState) init() {
	r.id, r.id2, r.secondOffset = newRunID(), noReplID, -1
	r.loader.ID = math.MaxUint64 // as modules see it
}

// follow makes the server a replica of another one. It is called under the lock.
func (s *Server) follow(host string, port int) {
	if s.repl.ending {
		return
	}
	if s.link != nil {
		s.link.stop()
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{s: s, host: host, port: port, cancel: cancel, downSinceMs: s.monoMs()}
	if s.link != nil {
		f.client.DB = s.link.client.DB
	} else {
		// A primary whose stream is complete has its own history to offer: the new primary may be a replica of it that was
		// promoted, and goes on with a SELECT where it was.
		s.repl.whole = s.repl.backlog != nil
	}
	s.link = f
	s.isReplica.Store(true)
	s.changeRole()
	s.unblockAll()
	s.repl.links.Go(func() { replication.Follow(ctx, f) })
}

// unfollow makes a replica a primary: its history goes on under a new ID, the old one stays known up to here.
func (s *Server) unfollow() {
	s.link.stop()
	s.link = nil
	s.isReplica.Store(false)
	r := &s.repl
	r.id2, r.secondOffset = r.id, r.stream.End()+1
	r.id = newRunID()
	s.logf(Warning, "Setting secondary replication ID to %s, valid up to offset: %d. New replication ID is %s",
		r.id2, r.secondOffset, r.id)
	s.changeRole()
}

// keepBacklog makes the stream keep its end from now on, from the present offset.
func (r *replicationState) keepBacklog() {
	if r.backlog == nil {
		r.backlog = r.stream.Read(r.stream.End())
	}
}

// freeBacklog lets the stream forget what no connected replica needs.
func (r *replicationState) freeBacklog() {
	if r.backlog != nil {
		r.backlog.Close()
		r.backlog = nil
	}
}

// streams reports whether units of this server must go into the stream.
func (s *Server) streams() bool {
	return s.link == nil && (len(s.replicas) > 0 || s.repl.backlog != nil)
}

// changeRole puts into force what depends on the role. Replicas connect again, because the ID of the history is another.
func (s *Server) changeRole() {
	s.dropReplicas()
	s.repl.leftMs = s.monoMs()
	s.ctx.Effects.Forget()
	s.listenEffects()
	s.relax()
	s.store.BeginUnit(s.ctx.NowMs, s.expiryMode())
}

// unblockAll ends the waiting of all blocked clients: what they wait for may never come to a replica.
func (s *Server) unblockAll() {
	const text = "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n"
	for len(s.waiting) > 0 {
		c := s.waiting[0]
		s.unblock(c)
		c.push([]byte(text))
		c.kill(true)
	}
	for _, c := range s.conns {
		if w := c.blocked.Load(); w != nil && w.module != nil {
			s.unblock(c)
			w.module.Unblocked()
			c.push([]byte(text))
			c.kill(true)
		}
	}
}

// stopReplication ends all links and waits for their goroutines. It is called without the lock, at the end of the server.
func (s *Server) stopReplication() {
	s.mu.Lock()
	s.repl.ending = true
	if s.link != nil {
		s.link.stop()
	}
	s.dropReplicas()
	s.mu.Unlock()
	s.repl.links.Wait()
}

// tempFile opens a file of the data directory that has no name any more, so that nothing stays behind whatever happens. The
// name that it has for a moment is fixed, and nobody else may read it.
func tempFile(dir string, purpose string) (*os.File, error) {
	name := filepath.Join(dir, "temp-"+purpose+"-"+strconv.Itoa(os.Getpid())+".rdb")
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(name); err != nil {
		_ = f.Close() // the error above is what counts
		return nil, err
	}
	return f, nil
}

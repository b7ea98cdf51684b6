package server

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"datastore/replication"
	"datastore/server/command"
	"datastore/server/resp"
)

// maxSharedLagBytes is how much stream may have gathered behind a snapshot for it to serve one more replica.
const maxSharedLagBytes = 32 << 20

// replica is one replica connected to this server. Its connection stays with its driver, which goes on reading
// acknowledgements from it; what is sent goes through a Sender, a goroutine on the same socket, whose queue is the shared
// stream. So a snapshot of any size and a slow replica occupy neither the event loop nor memory of their own.
type replica struct {
	c      *conn
	sender *replication.Sender
	ip     string
	port   int

	sent      bool // the snapshot has been written
	online    bool // the stream flows
	ackless   bool // SYNC: the replica is too old to acknowledge
	rdbOnly   bool // it wants the snapshot and nothing else
	gone      bool
	ackOffset int64
	ackMs     int64 // monotonic
	softSince int64 // when the output exceeded the soft limit
}

// name is how the log calls the replica.
func (r *replica) name() string {
	if r.port == 0 {
		return r.ip + ":<unknown-replica-port>"
	}
	return net.JoinHostPort(r.ip, strconv.Itoa(r.port))
}

var (
	errNoMasterLink  = command.Errorf("NOMASTERLINK Can't SYNC while not connected with my master")
	errPendingOutput = command.Errorf("ERR SYNC and PSYNC are invalid with pending output")
	errNoSnapshot    = command.Errorf("ERR Unable to perform background save")
)

// socketOwner is a driver that lets a Sender write to a connection's socket.
type socketOwner interface {
	// socket returns the connection's socket and whether replies wait to be written to it.
	socket(c *conn) (sock net.Conn, pending bool, err error)
}

// attach turns a connection into the link of a replica. It is called by PSYNC and SYNC, under the lock, between two units.
// With an offset of at least 0 the stream goes on there; otherwise the synchronization is full: a snapshot as of now, then
// every unit from now on.
//
// The snapshot is written while the lock is held, which stops all clients for as long as it takes; one that was taken for
// another replica serves again while the stream behind it is still there in full.
func (s *Server) attach(c *conn, psync bool, offset int64) error {
	if s.link != nil && !s.link.Up() {
		return errNoMasterLink
	}
	owner, ok := c.driver.(socketOwner)
	if !ok {
		return errPendingOutput
	}
	sock, pending, err := owner.socket(c)
	if err != nil {
		return fmt.Errorf("taking over the replica's socket: %w", err)
	}
	if pending {
		return errors.Join(errPendingOutput, sock.Close())
	}
	r := &replica{c: c, ip: c.announcedIP, port: c.listeningPort, ackless: !psync, rdbOnly: c.rdbOnly, ackMs: s.monoMs()}
	if r.ip == "" {
		r.ip, _, _ = net.SplitHostPort(c.addr)
	}
	o := replication.SenderOptions{
		Lock: &s.mu, Sock: sock, Timeout: s.replTimeout(),
		Wrote: func(n int) { s.repl.streamOut.Add(int64(n)) },
		Sent:  func() { s.snapshotSent(r) }, Ended: func(err error) { s.senderEnded(r, err) },
	}
	if offset >= 0 {
		s.planPartial(r, &o, offset)
	} else if err := s.planFull(r, &o); err != nil {
		s.logf(Warning, "SYNC failed. Can't write the snapshot: %v", err)
		return errors.Join(errNoSnapshot, sock.Close())
	}
	r.sender = replication.NewSender(o)
	c.replica, c.replyOff = r, true
	s.replicas = append(s.replicas, r)
	s.listenEffects()
	s.repl.links.Go(r.sender.Run)
	return nil
}

// planPartial lets a replica go on at an offset of the backlog.
func (s *Server) planPartial(r *replica, o *replication.SenderOptions, offset int64) {
	s.repl.syncPartialOK++
	o.From = s.repl.stream.Read(offset)
	r.ackOffset = offset
	o.Greeting = "+CONTINUE\r\n"
	if r.c.psync2 {
		o.Greeting = "+CONTINUE " + s.repl.id + "\r\n"
	}
	s.logf(Notice, "Partial resynchronization request from %s accepted. Sending %d bytes of backlog starting from offset %d.",
		r.name(), o.From.PendingBytes(), offset+1)
}

// planFull gives a replica a snapshot.
func (s *Server) planFull(r *replica, o *replication.SenderOptions) (err error) {
	s.logf(Notice, "Replica %s asks for synchronization", r.name())
	if o.Snapshot, o.From, err = s.snapshotFor(); err != nil {
		return err
	}
	s.repl.syncFull++
	if !r.ackless {
		o.Greeting = fmt.Sprintf("+FULLRESYNC %s %d\r\n", s.repl.id, o.From.Offset())
		s.logf(Notice, "Full resync requested by replica %s", r.name())
	}
	if r.c.eof {
		o.Mark = newRunID()
	}
	return nil
}

// backlogHas reports whether the stream can go on for a replica that has a history up to an offset.
func (s *Server) backlogHas(id string, offset int64) bool {
	r := &s.repl
	known := id == r.id || id == r.id2 && offset < r.secondOffset
	return known && r.backlog != nil && offset >= r.backlog.Offset() && offset <= r.stream.End()
}

func (s *Server) replTimeout() time.Duration {
	return time.Duration(s.values.ReplTimeoutSec) * time.Second
}

// snapshotFor returns a snapshot and the position of the stream that belongs to it.
func (s *Server) snapshotFor() (*replication.Snapshot, *replication.Reader, error) {
	for _, o := range s.replicas {
		if snap := o.sender.Snapshot(); snap != nil && o.sender.From().PendingBytes() <= maxSharedLagBytes {
			return snap.Use(), s.repl.stream.Read(o.sender.From().Offset()), nil
		}
	}
	if s.repl.backlog == nil {
		if s.link == nil {
			// What changed while nobody listened is not in the stream: its history begins here, under a new ID.
			s.repl.id, s.repl.id2, s.repl.secondOffset = newRunID(), noReplID, -1
			s.logf(Notice, "Replication backlog created, my new replication IDs are '%s' and '%s'", s.repl.id, s.repl.id2)
		}
		s.repl.keepBacklog()
	}
	s.ctx.Effects.Forget()
	db := 0
	if s.link != nil {
		db = s.link.client.DB // the stream is the primary's and will not select its database again for us
	}
	f, err := tempFile(s.values.Dir, "sync-out")
	if err != nil {
		return nil, nil, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = s.saveRDB(w, [2]string{"repl-stream-db", strconv.Itoa(db)}, [2]string{"repl-id", s.repl.id},
		[2]string{"repl-offset", strconv.FormatInt(s.repl.stream.End(), 10)})
	if err == nil {
		err = w.Flush()
	}
	info, statErr := f.Stat()
	if err = errors.Join(err, statErr); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return replication.NewSnapshot(f, info.Size()), s.repl.stream.Read(s.repl.stream.End()), nil
}

// snapshotSent is told under the lock that a replica has been sent its snapshot.
func (s *Server) snapshotSent(r *replica) {
	r.sent = true
	switch {
	case r.rdbOnly:
		s.logf(Notice, "RDB transfer completed, rdb only replica (%s) should be disconnected asap", r.name())
		r.sender.From().Close() // it keeps nothing of the stream in memory
	case r.sender.Waits():
		s.logf(Notice, "Streamed RDB transfer with replica %s succeeded (socket). Waiting for REPLCONF ACK from replica to "+
			"enable streaming", r.name())
	default:
		s.goOnline(r)
	}
}

func (s *Server) goOnline(r *replica) {
	r.online, r.ackMs = true, s.monoMs()
	s.logf(Notice, "Synchronization with replica %s succeeded", r.name())
}

// senderEnded is told under the lock that a replica's Sender has given up.
func (s *Server) senderEnded(r *replica, err error) {
	if r.gone {
		return
	}
	if errors.Is(err, replication.ErrNoReplica) {
		s.logf(Warning, "Disconnecting timedout replica (full sync): %s", r.name())
	} else {
		s.logf(Warning, "Connection with replica %s lost: %v", r.name(), err)
	}
	s.dropReplica(r)
}

// dropReplica disconnects a replica; more than once does no harm. It may be called in any goroutine: closing the Sender
// shuts the socket down, and the connection's driver, which may be looking at it without the lock, meets its end.
func (s *Server) dropReplica(r *replica) {
	if r.gone {
		return
	}
	r.gone = true
	for i, o := range s.replicas {
		if o == r {
			s.replicas = append(s.replicas[:i], s.replicas[i+1:]...)
			break
		}
	}
	r.sender.Close()
	s.repl.leftMs = s.monoMs()
	s.listenEffects()
	if !s.repl.ending && !s.stopped.Load() {
		s.logf(Notice, "Connection with replica %s lost.", r.name())
	}
}

// dropReplicas disconnects all replicas; they synchronize again.
func (s *Server) dropReplicas() {
	for len(s.replicas) > 0 {
		s.dropReplica(s.replicas[0])
	}
}

// feedReplicas puts a unit of this primary into the stream.
func (s *Server) feedReplicas(unit []byte) {
	if !s.streams() {
		return
	}
	s.feedStream(unit)
	s.repl.wroteOffset = s.repl.stream.End()
}

// feedStream puts bytes into the stream and disconnects the replicas that are too far behind.
func (s *Server) feedStream(p []byte) {
	s.repl.stream.Append(p)
	if b := s.repl.backlog; b != nil {
		b.Advance(int(max(0, b.PendingBytes()-s.values.ReplBacklogBytes)))
	}
	for i := 0; i < len(s.replicas); {
		r := s.replicas[i]
		r.sender.Wake()
		if s.tooFarBehind(r) {
			s.stats.outputLimitDisconnects++
			s.logf(Warning, "Client id=%d addr=%s flags=S scheduled to be closed ASAP for overcoming of output buffer limits.",
				r.c.ID, r.c.addr)
			s.dropReplica(r)
			continue
		}
		i++
	}
}

// tooFarBehind applies client-output-buffer-limit replica to what a replica has not been sent yet.
func (s *Server) tooFarBehind(r *replica) bool {
	limit := s.values.OutputBufferLimits.Replica
	n := r.sender.From().PendingBytes()
	if r.rdbOnly && r.sent {
		return false
	}
	if limit.HardBytes > 0 && n > limit.HardBytes {
		return true
	}
	if limit.SoftBytes == 0 || n <= limit.SoftBytes {
		r.softSince = 0
		return false
	}
	now := s.monoMs()
	if r.softSince == 0 {
		r.softSince = now
	}
	return now-r.softSince > limit.SoftSec*1000
}

// replicationCron pings replicas and disconnects the dead ones, once a second.
func (s *Server) replicationCron() {
	now := s.monoMs()
	if s.link == nil && len(s.replicas) > 0 && now-s.repl.pingedMs >= int64(s.values.ReplPingPeriodSec)*1000 {
		s.repl.pingedMs = now
		s.feedStream(resp.AppendCommandStrings(nil, "PING"))
	}
	ttlSec := s.values.ReplBacklogTTLSec
	if s.link == nil && len(s.replicas) == 0 && s.repl.backlog != nil && ttlSec > 0 && now-s.repl.leftMs > ttlSec*1000 {
		s.repl.freeBacklog()
		s.repl.id, s.repl.id2, s.repl.secondOffset = newRunID(), noReplID, -1
		s.listenEffects()
		s.logf(Notice, "Replication backlog freed after %d seconds without connected replicas.", ttlSec)
	}
	timeoutMs := s.replTimeout().Milliseconds()
	for i := 0; i < len(s.replicas); {
		r := s.replicas[i]
		heard := max(r.ackMs, r.c.activeMs.Load())
		switch {
		case r.sent && !r.ackless && now-heard > timeoutMs:
			s.logf(Warning, "Disconnecting timedout replica (streaming sync): %s", r.name())
			s.dropReplica(r)
		case r.softSince != 0 && s.tooFarBehind(r):
			s.stats.outputLimitDisconnects++
			s.dropReplica(r)
		default:
			i++
		}
	}
}

// acknowledged takes a replica's REPLCONF ACK.
func (s *Server) acknowledged(r *replica, offset int64) {
	r.ackOffset, r.ackMs = max(r.ackOffset, offset), s.monoMs()
	if r.sent && !r.online && !r.rdbOnly {
		r.sender.Release()
		s.goOnline(r)
	}
	s.checkWaiting()
}

// goodReplicas counts the replicas that are online and were heard of within min-replicas-max-lag.
func (s *Server) goodReplicas() int {
	n, now := 0, s.monoMs()
	for _, r := range s.replicas {
		if r.online && (now-r.ackMs)/1000 <= int64(s.values.MinReplicasMaxLagSec) {
			n++
		}
	}
	return n
}

// tooFewReplicas applies min-replicas-to-write.
func (s *Server) tooFewReplicas() bool {
	v := s.values
	return v.MinReplicasToWrite > 0 && v.MinReplicasMaxLagSec > 0 && s.goodReplicas() < v.MinReplicasToWrite
}

// replicasLag reports whether a replica that is online has not acknowledged everything written yet.
func (s *Server) replicasLag() bool {
	if s.link != nil {
		return false
	}
	for _, r := range s.replicas {
		if r.online && !r.ackless && r.ackOffset < s.repl.wroteOffset {
			s.askAcks()
			return true
		}
	}
	return false
}

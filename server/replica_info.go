package server

import (
	"strconv"

	"datastore/replication"
	"datastore/server/command"
)

// infoReplication writes INFO's replication section. It is called under the lock.
func (s *Server) infoReplication(t *infoText) {
	if s.link != nil {
		t.line("role", "slave")
		s.link.info(t)
	} else {
		t.line("role", "master")
	}
	t.line("connected_slaves", len(s.replicas))
	if v := s.values; v.MinReplicasToWrite > 0 && v.MinReplicasMaxLagSec > 0 {
		t.line("min_slaves_good_slaves", s.goodReplicas())
	}
	now := s.monoMs()
	for i, r := range s.replicas {
		lag := int64(0)
		if r.online {
			lag = (now - r.ackMs) / 1000
		}
		t.rawLine("slave%d:ip=%s,port=%d,state=%s,offset=%d,lag=%d", i, r.ip, r.port, r.stateName(), r.ackOffset, lag)
	}
	r := &s.repl
	t.line("master_failover_state", "no-failover")
	t.line("master_replid", r.id)
	t.line("master_replid2", r.id2)
	t.line("master_repl_offset", r.stream.End())
	t.line("second_repl_offset", r.secondOffset)
	t.line("repl_backlog_active", yes(r.backlog != nil))
	t.line("repl_backlog_size", s.values.ReplBacklogBytes)
	if b := r.backlog; b != nil {
		t.line("repl_backlog_first_byte_offset", b.Offset()+1)
		t.line("repl_backlog_histlen", b.PendingBytes())
	} else {
		t.zeros("repl_backlog_first_byte_offset", "repl_backlog_histlen")
	}
	if r.violations > 0 || r.applyErrors > 0 {
		t.line("repl_protocol_violations", r.violations)
		t.line("repl_apply_errors", r.applyErrors)
	}
}

// stateName is the state of a replica in INFO.
func (r *replica) stateName() string {
	if r.online {
		return "online"
	}
	return "send_bulk"
}

// info writes what a replica tells about its primary.
func (f *follower) info(t *infoText) {
	s := f.s
	now, offset := s.monoMs(), s.repl.stream.End()
	t.line("master_host", f.host)
	t.line("master_port", f.port)
	if f.Up() {
		t.line("master_link_status", "up")
	} else {
		t.line("master_link_status", "down")
	}
	t.line("master_last_io_seconds_ago", f.lastHeardSec())
	syncing := f.state == replication.Sync
	t.line("master_sync_in_progress", yes(syncing))
	t.line("slave_read_repl_offset", offset)
	t.line("slave_repl_offset", offset)
	if syncing {
		read, percent := f.received.Load(), 0.0
		if f.totalBytes > 0 {
			percent = float64(read) / float64(f.totalBytes) * 100
		}
		t.line("master_sync_total_bytes", f.totalBytes)
		t.line("master_sync_read_bytes", read)
		t.line("master_sync_left_bytes", f.totalBytes-read)
		t.line("master_sync_perc", strconv.FormatFloat(percent, 'f', 2, 64))
		t.line("master_sync_last_io_seconds_ago", (now-f.heardMs.Load())/1000)
	}
	if !f.Up() {
		t.line("master_link_down_since_seconds", (now-f.downSinceMs)/1000)
	}
	t.line("slave_priority", s.values.ReplicaPriority)
	t.line("slave_read_only", yes(s.values.ReplicaReadOnly))
	t.line("replica_announced", 1)
}

// role is ROLE.
func (s *Server) role(c *command.Ctx) error {
	w := &c.W
	if f := s.link; f != nil {
		offset := int64(-1)
		if f.Up() {
			offset = s.repl.stream.End()
		}
		w.Array(5)
		w.BulkString("slave")
		w.BulkString(f.host)
		w.Int(int64(f.port))
		w.BulkString(f.state.String())
		w.Int(offset)
		return nil
	}
	w.Array(3)
	w.BulkString("master")
	w.Int(s.repl.stream.End())
	online := 0
	for _, r := range s.replicas {
		if r.online {
			online++
		}
	}
	w.Array(online)
	for _, r := range s.replicas {
		if r.online {
			w.Array(3)
			w.BulkString(r.ip)
			w.BulkString(strconv.Itoa(r.port))
			w.BulkString(strconv.FormatInt(r.ackOffset, 10))
		}
	}
	return nil
}

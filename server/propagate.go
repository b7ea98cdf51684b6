package server

import (
	"datastore/aof"
	"datastore/server/command"
)

// endUnit ends the running unit: its effects, if any, go to the AOF's buffer and to the replicas' as the same bytes in the
// same order. A module may keep effects from one of the two; what the other gets is what it would be without them.
func (s *Server) endUnit() {
	if s.ctx.Effects.Count() == 0 {
		return
	}
	logged, streamed := s.ctx.Effects.Split()
	if logged != nil && s.logging() {
		s.unitWrote, s.appended = true, true
		s.log.Append(logged)
	}
	if streamed != nil && s.link == nil {
		s.feedReplicas(streamed)
	}
}

// listen switches the encoding of effects on while anybody needs them.
func (s *Server) listenEffects() {
	s.ctx.Effects.Listen(!s.loading && (s.logging() || s.streams()))
}

// logging reports whether effects are appended to the AOF.
func (s *Server) logging() bool { return s.log != nil && s.log.Running() }

// flushAOF writes what the turn appended before its replies leave, and decides how long they wait. It runs under the lock;
// b is the batch whose replies are at stake, nil for other feeders.
func (s *Server) flushAOF(b *batch) {
	if !s.logging() {
		return
	}
	l, pushed, appended := s.log, s.pushed, s.appended
	s.pushed, s.appended = s.pushed[:0], false
	for _, c := range pushed {
		c.pushed = false
	}
	if err := s.writeAOF(); err != nil {
		s.aofFailed(err, b)
		for _, c := range pushed {
			if appended { // what they were sent may claim what is not in the file
				c.kill(false)
			}
		}
		return
	}
	if s.aofErr != nil && l.Err() == nil {
		s.logf(Notice, "AOF write error looks solved, The server can write again.")
		s.aofErr = nil
		s.relax()
	}
	if written := l.Written(); written > l.Synced() {
		s.holdReplies(b, pushed, written, appended)
	}
}

// writeAOF writes what was appended.
func (s *Server) writeAOF() error {
	t := &s.timing
	if !t.monitoring() {
		return s.log.Flush()
	}
	began, event := t.clock.Now(), eventWriteAlone
	if s.log.Syncing() {
		event = eventWriteSyncing
	}
	err := s.log.Flush()
	s.noteEvent(t.clock.Nanos(t.clock.Now()-began), eventAOFWrite, event)
	return err
}

// holdReplies lets replies wait until everything executed before them is durable, also what others wrote: under always all
// replies, so that a client never sees data that a power failure could take back, and under everysec those to writers
// while an fsync is overdue, so that a slow disk slows writers down instead of widening the window of loss.
func (s *Server) holdReplies(b *batch, pushed []*conn, written int64, appended bool) {
	policy := s.fsyncPolicy()
	all := policy == aof.Always
	if !all && (policy != aof.EverySec || !s.log.Delayed()) {
		return
	}
	s.log.SyncTo(written)
	for _, c := range pushed {
		if all || appended {
			c.obufHold = written
		}
	}
	if b == nil {
		return
	}
	for i := range b.outputs {
		if o := &b.outputs[i]; all || o.wrote >= 0 {
			o.c.hold = written
		}
	}
}

// aofFailed handles a write to the AOF that did not succeed. The effects stay in the log's buffer and are written when the
// disk recovers, but the replies of this turn must not claim success.
func (s *Server) aofFailed(err error, b *batch) {
	if s.aofErr == nil {
		s.logf(Warning, "Error writing to the AOF file: %v", err)
	}
	s.aofErr = diskError(err)
	s.relax()
	if s.fsyncPolicy() == aof.Always {
		s.logf(Warning, "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...")
		s.fatal(err)
	}
	if b == nil {
		return
	}
	for i := range b.outputs {
		switch o := &b.outputs[i]; {
		case o.wrote < 0 && s.exitErr != nil:
			o.to = o.from // it may show what the end takes back
		case o.wrote >= 0:
			o.to = o.wrote
			o.tail = "-MISCONF Errors writing to the AOF file: " + s.aofErr.Error() + "\r\n"
			o.c.closing.Store(true)
			o.c.mark()
		}
	}
}

// streamed reports whether a command may stand in a stream of effects, in the AOF or from the primary. Modules replicate
// what they like, also commands that change nothing (ECHO); what acts on a connection or on the process stays out.
func streamed(cmd *command.Command) bool {
	return cmd.Is(command.Write) || !cmd.Any(command.Admin|command.NoScript|command.Blocking|command.Guarded)
}

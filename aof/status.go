package aof

// Status is the AOF part of INFO persistence. Sizes are bytes.
type Status struct {
	Enabled  bool
	Policy   Policy
	FileName string
	// CurrentSizeBytes is what all parts take together, BufferBytes what is appended and not written.
	CurrentSizeBytes int64
	BufferBytes      int64
	// PendingSyncBytes is what is written and not known to be durable.
	PendingSyncBytes int64
	// Rewriting is set from BeginRewrite to Commit or Abort.
	Rewriting bool
	// DelayedSyncs counts fsyncs that took longer than two seconds, Syncs all of them.
	DelayedSyncs int64
	Syncs        int64
	// WriteErr is the error of the last Flush or nil (aof_last_write_status); Failed is the sticky state of Err.
	WriteErr error
	Failed   error
}

// Status gathers the numbers; it asks the filesystem for the size of each part that is not being written.
func (l *Log) Status() Status {
	s := Status{
		Enabled: l.cur != nil, Policy: l.o.Policy, Rewriting: l.rewrite != nil, DelayedSyncs: l.delayed,
		Syncs: l.sync.rounds(), WriteErr: l.writeErr, Failed: l.Err(), PendingSyncBytes: l.Written() - l.Synced(),
	}
	if l.cur != nil {
		s.FileName, s.BufferBytes, s.CurrentSizeBytes = l.cur.name, int64(len(l.cur.buf)), l.cur.sizeBytes
	}
	for _, p := range l.manifest.parts() {
		if l.cur != nil && p.name == l.cur.name {
			continue
		}
		if info, err := l.o.FS.Stat(l.path(p.name)); err == nil {
			s.CurrentSizeBytes += info.SizeBytes
		}
	}
	return s
}

func (s *syncer) rounds() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

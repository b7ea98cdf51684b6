package server

import (
	"time"

	"datastore/plugin"
	"datastore/replication"
	"datastore/server/command"
	"datastore/server/config"
)

// OutOfMemory implements host.Server.
func (m moduleServer) OutOfMemory() *command.Error {
	if m.s.outOfMemory() {
		return errOOM
	}
	return nil
}

// Unfit implements host.Server.
func (m moduleServer) Unfit(cl *command.Client, cmd *command.Command) *command.Error {
	return m.s.unfit(cl.FromStream, cmd)
}

// CountChange implements host.Server.
func (m moduleServer) CountChange() { m.s.savedAt-- }

// NoteLatency implements host.Server.
func (m moduleServer) NoteLatency(event string, d time.Duration) {
	if t := &m.s.timing; int64(d) >= t.eventNanos {
		t.monitor.Add(event, m.s.clock().Unix(), d.Milliseconds())
	}
}

// State implements host.Server.
func (m moduleServer) State(cl *command.Client) plugin.CtxFlags {
	s := m.s
	flags := s.roleFlags() | s.memoryFlags() | clientFlags(cl)
	for _, f := range [...]struct {
		on   bool
		flag plugin.CtxFlags
	}{
		{s.logging(), plugin.FlagAOF}, {len(s.values.Save) > 0, plugin.FlagRDB}, {s.loading, plugin.FlagLoading},
		{s.current.Load() == nil, plugin.FlagServerStartup},
	} {
		if f.on {
			flags |= f.flag
		}
	}
	return flags
}

// clientFlags are the context flags of a client, nil for none.
func clientFlags(cl *command.Client) (flags plugin.CtxFlags) {
	if cl == nil {
		return 0
	}
	for _, f := range [...]struct {
		on   bool
		flag plugin.CtxFlags
	}{
		{cl.InExec, plugin.FlagMulti}, {cl.FromStream, plugin.FlagReplicated}, {cl.DenyBlock, plugin.FlagDenyBlocking},
		{cl.Proto >= 3, plugin.FlagRESP3},
	} {
		if f.on {
			flags |= f.flag
		}
	}
	if c, ok := cl.Owner.(*conn); ok && c.txn.touched {
		flags |= plugin.FlagMultiDirty
	}
	return flags
}

// roleFlags are the context flags of replication.
func (s *Server) roleFlags() plugin.CtxFlags {
	if s.link == nil {
		return plugin.FlagMaster
	}
	flags := plugin.FlagReplica
	if s.values.ReplicaReadOnly {
		flags |= plugin.FlagReadOnly
	}
	switch s.link.state {
	case replication.Connected:
		return flags | plugin.FlagReplicaOnline
	case replication.Sync:
		flags |= plugin.FlagReplicaTransferring
	default:
		flags |= plugin.FlagReplicaConnecting
	}
	return flags | plugin.FlagReplicaStale
}

// memoryFlags are the context flags of maxmemory.
func (s *Server) memoryFlags() (flags plugin.CtxFlags) {
	limit := s.values.MaxMemoryBytes
	if limit == 0 {
		return 0
	}
	flags = plugin.FlagMaxmemory
	if s.values.MaxMemoryPolicy != config.NoEviction {
		flags |= plugin.FlagEvict
	}
	if used := s.usedMemory(); used > limit {
		flags |= plugin.FlagOOM | plugin.FlagOOMWarning
	} else if used > limit-limit/4 {
		flags |= plugin.FlagOOMWarning
	}
	return flags
}

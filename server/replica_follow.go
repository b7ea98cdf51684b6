package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"datastore/aof"
	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/plugin/host"
	"datastore/replication"
	"datastore/server/command"
)

// follower is this server's link to its primary. Its methods are replication.Target's, called by the link's goroutine; they
// take the execution lock for what they touch, and stop the link once the server follows somebody else.
//
// A snapshot is loaded into databases of its own, without the lock, while the old ones are served; when it has proved good
// they are exchanged. A primary that sends something else than a sound RDB file so changes nothing, at the price of memory
// for two datasets during a full synchronization.
type follower struct {
	s      *Server
	host   string
	port   int
	cancel context.CancelFunc

	// Guarded by Server.mu.
	state       replication.State
	client      command.Client // runs the stream; its DB is the one that the stream has selected
	downSinceMs int64          // monotonic
	totalBytes  int64          // of the snapshot being received, -1 when unknown

	received atomic.Int64 // bytes of the snapshot
	heardMs  atomic.Int64 // monotonic time of the last byte, 0 for never
}

var (
	errViolation = errors.New("not an effect")
	errApply     = errors.New("unit cannot be applied")
)

// Up reports whether the dataset is in sync and the stream is flowing.
func (f *follower) Up() bool { return f.state == replication.Connected }

// stop ends the link; its goroutine ends soon after.
func (f *follower) stop() { f.cancel() }

// locked runs do under the lock unless the link has been replaced.
func (f *follower) locked(do func() error) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.link != f || f.s.repl.ending || f.s.stopped.Load() {
		return replication.ErrStopped
	}
	return do()
}

// Settings implements replication.Target.
func (f *follower) Settings() (set replication.Settings, err error) {
	err = f.locked(func() error {
		v := f.s.values
		set = replication.Settings{
			Addr: net.JoinHostPort(f.host, strconv.Itoa(f.port)), User: v.MasterUser, Password: v.MasterAuth,
			ListeningPort: v.Port, AnnounceIP: v.ReplicaAnnounceIP, Timeout: f.s.replTimeout(),
		}
		if v.ReplicaAnnouncePort != 0 {
			set.ListeningPort = v.ReplicaAnnouncePort
		}
		if r := &f.s.repl; r.whole {
			set.ReplID, set.Offset = r.id, r.stream.End()
		}
		return nil
	})
	return set, err
}

// Enter implements replication.Target.
func (f *follower) Enter(st replication.State) error {
	return f.locked(func() error {
		if f.state == replication.Connected && st != replication.Connected {
			f.downSinceMs = f.s.monoMs()
		}
		f.state = st
		return nil
	})
}

// Create implements replication.Target.
func (f *follower) Create(sizeBytes int64) (file replication.PayloadFile, err error) {
	err = f.locked(func() error {
		f.totalBytes = sizeBytes
		f.received.Store(0)
		file, err = tempFile(f.s.values.Dir, "sync-in")
		return err
	})
	return file, err
}

// Received implements replication.Target.
func (f *follower) Received(n int) {
	f.received.Add(int64(n))
	f.s.repl.streamIn.Add(int64(n))
	f.heardMs.Store(f.s.monoMs())
}

// Logf implements replication.Target.
func (f *follower) Logf(level replication.Level, format string, args ...any) {
	f.s.logf(Level(level), format, args...)
}

// Load implements replication.Target.
func (f *follower) Load(p replication.Payload) error {
	s := f.s
	var fresh *keyspace.Store
	var nowMs int64
	err := f.locked(func() error {
		nowMs = s.clock().UnixMilli()
		fresh = s.newStore()
		return nil
	})
	if err != nil {
		return err
	}
	fresh.BeginUnit(nowMs, keyspace.ExpireIgnore)
	db := 0
	var aux []rdb.ModuleAux
	info, err := rdb.Load(io.NewSectionReader(p.File, 0, p.SizeBytes), fresh, rdb.LoadOptions{
		NowMs: nowMs, KeepExpired: true, Frozen: true,
		ModuleAux: func(a rdb.ModuleAux) error {
			a.Payload = bytes.Clone(a.Payload)
			aux = append(aux, a)
			return nil
		},
		Aux: func(name, value string) {
			if n, err := strconv.Atoi(value); name == "repl-stream-db" && err == nil && n >= 0 && n < fresh.Databases() {
				db = n
			}
		},
	})
	if err == nil && info.Bytes != p.SizeBytes {
		err = fmt.Errorf("%d bytes behind the end", p.SizeBytes-info.Bytes)
	}
	if err != nil {
		fresh.Close()
		return fmt.Errorf("%w: %w", replication.ErrPayload, err)
	}
	s.logf(Notice, "Done loading RDB, keys loaded: %d, keys expired: %d.", info.Keys, info.Expired)
	old := fresh
	err = f.locked(func() (err error) {
		if err := s.loadAux(aux); err != nil {
			return fmt.Errorf("%w: %w", replication.ErrPayload, err)
		}
		s.logOpaque(info.Opaque)
		old, err = f.exchange(fresh, p, db)
		return err
	})
	old.Close() // nobody refers to it; giving much memory back takes a while
	return err
}

// exchange puts the loaded dataset in the place of the present one, in memory and in the AOF, and returns the one that is
// not needed any more. The snapshot becomes the AOF's new base as it is.
func (f *follower) exchange(fresh *keyspace.Store, p replication.Payload, db int) (unneeded *keyspace.Store, err error) {
	s := f.s
	if s.log != nil && (s.log.Running() || s.values.AppendOnly) {
		s.log.SetCommandBase(false)
		err := s.startLog(func(w io.Writer) error {
			_, err := io.Copy(w, io.NewSectionReader(p.File, 0, p.SizeBytes))
			return err
		})
		if err != nil {
			return fresh, fmt.Errorf("putting the snapshot into the AOF: %w", err)
		}
	}
	s.dropReplicas()
	old := s.store
	fresh.TakeMemory(old)
	old.Retire()
	s.store, s.ctx.Store = fresh, fresh
	fresh.OnExpired(s.keyExpired)
	for _, list := range s.watchers {
		for _, c := range list {
			c.txn.touched = true
		}
	}
	if len(s.watchers) > 0 {
		fresh.OnChange(s.keyChanged)
	}
	s.savedAt = fresh.Changes()
	r := &s.repl
	r.id, r.id2, r.secondOffset = p.ReplID, noReplID, -1
	r.freeBacklog()
	r.stream.Restart(p.Offset)
	r.keepBacklog()
	r.whole = true
	r.wroteOffset, r.askedOffset = p.Offset, 0
	f.client = command.Client{DB: db}
	s.beginTurn()
	return old, nil
}

// Continue implements replication.Target.
func (f *follower) Continue(replID string) error {
	return f.locked(func() error {
		if r := &f.s.repl; replID != r.id {
			r.id2, r.secondOffset = r.id, r.stream.End()+1
			r.id = replID
			f.s.logf(Warning, "Master replication ID changed to %s", replID)
			f.s.dropReplicas() // they must learn of it
		}
		f.s.repl.keepBacklog()
		return nil
	})
}

// Apply implements replication.Target. Expired keys are still there for the stream: only the primary decides when a key
// ends.
func (f *follower) Apply(units []replication.Unit) (offset int64, err error) {
	s := f.s
	stopErr := f.locked(func() error {
		s.beginTurn()
		s.store.BeginUnit(s.ctx.NowMs, keyspace.ExpireIgnore)
		err = onGoroutine(func() error { return f.runAll(units) })
		if err != nil {
			s.repl.whole = false // the next synchronization is a full one
		}
		s.repl.wroteOffset = s.repl.stream.End()
		offset = s.repl.wroteOffset
		s.store.BeginUnit(s.ctx.NowMs, s.expiryMode())
		s.serveBlocked(nil)
		s.unitWrote = false // that is for batches
		s.flushAOF(nil)
		return nil
	})
	return offset, errors.Join(stopErr, err)
}

// runAll applies units until one fails.
func (f *follower) runAll(units []replication.Unit) error {
	for i := range units {
		if err := f.run(&units[i]); err != nil {
			return err
		}
		f.s.feedStream(units[i].Raw)
	}
	return nil
}

// run applies one unit as a whole. What is no effect is found before the first command has run.
func (f *follower) run(u *replication.Unit) (err error) {
	s := f.s
	for _, args := range u.Commands {
		if why := s.refuseEffect(args); why != "" {
			s.repl.violations++
			s.logf(Warning, "The primary sent what is no effect, disconnecting: %s", why)
			return fmt.Errorf("%w: %s", errViolation, why)
		}
	}
	defer s.endUnit()
	err = host.ErrGoexit // unless it returns
	defer func() {
		s.running = 0
		if cause := recover(); cause != nil {
			s.stats.panics++
			s.logf(Warning, "Panic while applying the primary's stream: %v\n%s", cause, debug.Stack())
			err = fmt.Errorf("%w: %v", errApply, cause)
		}
		if err != nil {
			s.repl.applyErrors++
		}
	}()
	for _, args := range u.Commands {
		if err := s.applyFrom(&f.client, args); err != nil {
			s.logf(Warning, "== CRITICAL == This replica cannot apply its primary's stream: %v. Synchronizing again.", err)
			return fmt.Errorf("%w: %w", errApply, err)
		}
	}
	return nil
}

// refuseEffect says why a command does not belong into the stream, "" when it does: only what reproduces a change may run.
func (s *Server) refuseEffect(args [][]byte) string {
	name := command.Clip(args[0], 64)
	cmd := s.table.Load().Resolve(args)
	switch {
	case cmd == nil || cmd.Handler == nil:
		return aof.ErrUnknownCommand.Error() + " '" + name + "'"
	case !cmd.ArityOK(len(args)):
		return "wrong number of arguments for '" + cmd.FullName() + "'"
	case cmd.Is(command.Guarded) || !streamed(cmd):
		return "command '" + cmd.FullName() + "'"
	}
	return ""
}

// lastHeardSec returns the seconds since the primary's last byte, -1 for never.
func (f *follower) lastHeardSec() int64 {
	if f.state != replication.Connected {
		return -1
	}
	return (f.s.monoMs() - f.heardMs.Load()) / int64(time.Second/time.Millisecond)
}

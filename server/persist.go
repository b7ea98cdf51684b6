package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"time"

	"datastore/aof"
	"datastore/keyspace/rdb"
	"datastore/server/command"
)

// prepare takes the data directory, loads the dataset and the modules.
func (s *Server) prepare() error {
	if err := s.openLog(); err != nil {
		return err
	}
	if err := s.loadModules(); err != nil {
		return err
	}
	s.loading = true
	s.relax()
	s.beginTurn()
	err := onGoroutine(s.loadData)
	s.loading = false
	s.relax()
	if err != nil {
		return err
	}
	if s.values.AppendOnly {
		if err := s.startLog(nil); err != nil {
			return err
		}
	}
	return nil
}

// openLog takes the lock on the directory, which keeps a second server away, and reads the AOF's manifest.
func (s *Server) openLog() error {
	v := s.values
	log, err := aof.Open(aof.Options{
		FS: s.o.FS, Dir: v.Dir, DirName: v.AppendDirname, FileName: v.AppendFilename, Policy: s.fsyncPolicy(),
		RefuseTruncated: !v.AOFLoadTruncated,
		Log:             func(l aof.Level, line string) { s.o.Log(Level(l), line) },
		OnSynced:        func(int64, error) { s.wake() },
	})
	if err != nil {
		for _, line := range aof.FatalLines(err) {
			s.logf(Warning, "%s", line)
		}
		return err
	}
	s.log = log
	return nil
}

// loadData fills the keyspace from the AOF when it is on, else from the dump file.
func (s *Server) loadData() error {
	if s.values.AppendOnly && s.log.Exists() {
		_, err := s.log.Load(aof.Applier{RDB: s.loadRDB, Command: s.applyCommand})
		if err != nil {
			for _, line := range aof.FatalLines(err) {
				s.logf(Warning, "%s", line)
			}
		}
		return err
	}
	return s.loadDump()
}

// loadDump adds the dump file, if there is one, to the keyspace.
func (s *Server) loadDump() error {
	name := filepath.Join(s.values.Dir, s.values.DBFilename)
	f, err := s.o.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the dump file: %w", err)
	}
	start := time.Now()
	size, err := f.SizeBytes()
	if err == nil {
		_, err = s.loadRDB(bufio.NewReaderSize(f, 1<<20), size)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		s.logf(Warning, "Fatal error loading the DB: %v. Exiting.", err)
		return fmt.Errorf("loading %s: %w", name, err)
	}
	s.logf(Notice, "DB loaded from disk: %.3f seconds", time.Since(start).Seconds())
	return nil
}

// loadRDB reads an RDB payload into the keyspace and returns its length in bytes.
func (s *Server) loadRDB(r io.Reader, _ int64) (int64, error) {
	info, err := rdb.Load(r, s.store, rdb.LoadOptions{NowMs: s.ctx.NowMs, KeepExpired: s.link != nil, SkipChecksum: s.admin.skipChecksum})
	s.admin.loadedKeys, s.admin.loadedExpired = info.Keys, info.Expired
	if err == nil {
		s.logf(Notice, "Done loading RDB, keys loaded: %d, keys expired: %d.", info.Keys, info.Expired)
	}
	return info.Bytes, err
}

// saveRDB writes the dataset as RDB, as of now; the caller holds the lock.
func (s *Server) saveRDB(w io.Writer, extra ...[2]string) error {
	aux := [][2]string{
		{"redis-ver", Version},
		{"redis-bits", strconv.Itoa(strconv.IntSize)},
		{"ctime", strconv.FormatInt(s.clock().Unix(), 10)},
		{"used-mem", strconv.FormatInt(s.usedMemory(), 10)},
	}
	return rdb.Save(w, s.store, rdb.SaveOptions{
		Compress: s.values.RDBCompression, Checksum: s.values.RDBChecksum, Aux: append(aux, extra...),
	})
}

// applyCommand runs one command of the AOF.
func (s *Server) applyCommand(args [][]byte) error {
	return s.applyFrom(&s.repl.loader, args)
}

// applyFrom runs a command of the AOF or of the replication stream for a pseudo client. Nothing is ever skipped: a command
// that does not exist or fails to apply is an error.
func (s *Server) applyFrom(cl *command.Client, args [][]byte) error {
	cmd := s.table.Load().Resolve(args)
	if cmd == nil || cmd.Handler == nil {
		return fmt.Errorf("%w: '%s'", aof.ErrUnknownCommand, command.Clip(args[0], 128))
	}
	if !cmd.ArityOK(len(args)) {
		return command.ErrArity(cmd.FullName())
	}
	if !streamed(cmd) {
		return fmt.Errorf("command '%s' does not belong into a stream of effects", cmd.FullName())
	}
	w := &s.ctx.W
	start := len(w.Buf)
	w.Proto, cl.FromStream, cl.DenyBlock, cl.Authed = 2, true, true, true
	s.call(cl, cmd, args)
	reply := w.Buf[start:]
	w.Buf = w.Buf[:start]
	if len(reply) > 0 && reply[0] == '-' {
		return fmt.Errorf("command '%s' failed: %s", cmd.FullName(), command.Clip(reply[1:], 200))
	}
	return nil
}

// startLog begins appending; with a base the present dataset becomes the AOF's new base.
func (s *Server) startLog(base func(io.Writer) error) error {
	if base == nil && !s.log.Exists() && s.store.Changes() > 0 {
		base = s.saveBase
	}
	if err := s.log.Start(base); err != nil {
		s.logf(Warning, "Can't open the append-only file: %v", err)
		return err
	}
	s.admin.aofBaseBytes = s.log.Status().CurrentSizeBytes
	s.ctx.Effects.Forget()
	s.listenEffects()
	return nil
}

// saveBase writes the dataset as the base of the AOF.
func (s *Server) saveBase(w io.Writer) error { return s.saveRDB(w, [2]string{"aof-base", "1"}) }

// saveDump writes the dump file; it is complete on disk or not there at all.
func (s *Server) saveDump() error {
	dir, name := s.values.Dir, s.values.DBFilename
	tmp := filepath.Join(dir, fmt.Sprintf("temp-%d.rdb", s.pid()))
	f, err := s.o.FS.Create(tmp)
	if err != nil {
		return fmt.Errorf("creating %s: %w", tmp, err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = s.saveRDB(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.o.FS.Rename(tmp, filepath.Join(dir, name))
	}
	if err == nil {
		err = s.o.FS.SyncDir(dir)
	}
	if err != nil {
		_ = s.o.FS.Remove(tmp) // the error above is what counts
		s.lastSaveErr = err
		return fmt.Errorf("saving %s: %w", name, err)
	}
	s.lastSaveErr = nil
	s.admin.saves++
	s.lastSaveSec, s.savedAt = s.clock().Unix(), s.store.Changes()
	s.logf(Notice, "DB saved on disk")
	return nil
}

// closeFiles flushes and closes what is on disk and gives the directory free.
func (s *Server) closeFiles() error {
	var err error
	s.stopReplication()
	s.closeModules()
	if s.log != nil {
		if err = s.log.Close(); err != nil {
			s.logf(Warning, "Closing the append only file: %v", err)
		}
	}
	return err
}

// usedMemory is what INFO calls used_memory: the keyspace and the live part of the Go heap, in bytes.
func (s *Server) usedMemory() int64 {
	return s.store.UsedBytes() + s.heap.liveBytes(s.turn)
}

// heapMeter reads the Go heap's size at most ten times a second.
type heapMeter struct {
	at     time.Time
	live   int64
	sample []metrics.Sample
}

func (h *heapMeter) liveBytes(now time.Time) int64 {
	if h.sample == nil {
		h.sample = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	}
	if h.live == 0 || now.Sub(h.at) > 100*time.Millisecond {
		metrics.Read(h.sample)
		h.at, h.live = now, int64(h.sample[0].Value.Uint64())
	}
	return h.live
}

// cause unwraps an error of the operating system to what it is about, for texts that clients see.
func cause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"datastore/aof"
	"datastore/keyspace/rdb"
	"datastore/server/command"
)

// prepare takes the data directory, loads the modules and opens the listeners.
func (s *Server) prepare() (driver, error) {
	if err := s.openLog(); err != nil {
		return nil, err
	}
	if err := s.loadModules(); err != nil {
		return nil, err
	}
	s.mu.Lock() // goroutines of the modules ask already whether they may
	s.loading = true
	s.relax()
	s.mu.Unlock()
	return s.newDriver()
}

// load fills the keyspace and then lets clients at it; before, the driver answers them that it is loading. It runs beside
// the driver and owns the lock, which it gives up from time to time, see breathe, and at the end.
func (s *Server) load() {
	defer s.mu.Unlock()
	s.beginTurn()
	err := onGoroutine(s.loadData)
	if errors.Is(err, errStopped) {
		return
	}
	if err == nil && s.values.AppendOnly {
		err = s.startLog(nil)
	}
	if err != nil {
		s.fatal(err)
		s.wake()
		return
	}
	s.loading = false
	s.relax()
	s.listenEffects()
	s.beginTurn()
	s.begin()
}

// breathe lets clients and the cron in between two pieces of a load, and tells whether it must go on.
func (s *Server) breathe() error {
	ctx := s.ctx // the loaded commands run in the same context
	s.mu.Unlock()
	runtime.Gosched()
	s.mu.Lock()
	s.ctx.Args, s.ctx.Cmd, s.ctx.Client, s.ctx.DB = ctx.Args, ctx.Cmd, ctx.Client, ctx.DB
	s.beginTurn()
	if s.stopped.Load() {
		return errStopped
	}
	return nil
}

// errStopped ends a load because the server ends.
var errStopped = errors.New("the server is ending")

// breatheEveryBytes of an RDB file clients get their answers.
const breatheEveryBytes = 1 << 20

// breathingReader is what an RDB file is read through while the server starts.
type breathingReader struct {
	r         io.Reader
	s         *Server
	readBytes int // since the last pause
}

func (b *breathingReader) Read(p []byte) (int, error) {
	if b.readBytes >= breatheEveryBytes {
		b.readBytes = 0
		if err := b.s.breathe(); err != nil {
			return 0, err
		}
	}
	n, err := b.r.Read(p)
	b.readBytes += n
	return n, err
}

// openLog takes the lock on the directory, which keeps a second server away, and reads the AOF's manifest.
func (s *Server) openLog() error {
	v := s.values
	log, err := aof.Open(aof.Options{
		FS: s.o.FS, Dir: v.Dir, DirName: v.AppendDirname, FileName: v.AppendFilename, Policy: s.fsyncPolicy(),
		RefuseTruncated: !v.AOFLoadTruncated, CorruptTailMaxBytes: v.AOFLoadCorruptTailBytes,
		Log:      func(l aof.Level, line string) { s.o.Log(Level(l), line) },
		OnSynced: func(int64, error) { s.wake() },
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
		_, err := s.log.Load(aof.Applier{
			RDB: func(r io.Reader, sizeBytes int64) (int64, error) {
				return s.loadRDB(&breathingReader{r: r, s: s}, sizeBytes)
			},
			Command: func(args [][]byte) error {
				if s.stopped.Load() {
					return errStopped
				}
				return s.applyCommand(args)
			},
			Progress: func(int64, int64) { _ = s.breathe() }, // the next command sees that the server ends
		})
		if err != nil && !errors.Is(err, errStopped) {
			for _, line := range aof.FatalLines(err) {
				s.logf(Warning, "%s", line)
			}
		}
		return err
	}
	return s.loadDumpThrough(func(f io.Reader) io.Reader { return &breathingReader{r: f, s: s} })
}

// loadDump adds the dump file, if there is one, to the keyspace.
func (s *Server) loadDump() error {
	return s.loadDumpThrough(func(f io.Reader) io.Reader { return f })
}

func (s *Server) loadDumpThrough(reader func(io.Reader) io.Reader) error {
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
		_, err = s.loadRDB(reader(bufio.NewReaderSize(f, 1<<20)), size)
	}
	if err = errors.Join(err, f.Close()); errors.Is(err, errStopped) {
		return err
	}
	if err != nil {
		s.logf(Warning, "Fatal error loading the DB: %v. Exiting.", err)
		return fmt.Errorf("loading %s: %w", name, err)
	}
	s.logf(Notice, "DB loaded from disk: %.3f seconds", time.Since(start).Seconds())
	return nil
}

// loadRDB reads an RDB payload into the keyspace and returns its length in bytes.
func (s *Server) loadRDB(r io.Reader, _ int64) (int64, error) {
	s.modules.host.BeginLoad()
	info, err := rdb.Load(r, s.store, rdb.LoadOptions{
		NowMs: s.ctx.NowMs, KeepExpired: s.link != nil, SkipChecksum: s.admin.skipChecksum, ModuleAux: s.modules.host.LoadAux,
	})
	s.admin.loadedKeys, s.admin.loadedExpired = info.Keys, info.Expired
	if err == nil {
		s.logf(Notice, "Done loading RDB, keys loaded: %d, keys expired: %d.", info.Keys, info.Expired)
		s.logOpaque(info.Opaque)
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
		ModuleAux: s.modules.host.SaveAux,
	})
}

// applyCommand runs one command of the AOF. It is not counted among the calls of clients.
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
	if cl == &s.repl.loader {
		s.run(cl, cmd, args)
	} else {
		s.call(cl, cmd, args)
	}
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
		base = s.newBase()
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

// newBase returns what writes the dataset as a new base of the AOF, in the form that is configured.
func (s *Server) newBase() func(io.Writer) error {
	s.log.SetCommandBase(!s.values.AOFUseRDBPreamble)
	return s.saveBase
}

// saveBase writes the dataset as the base of the AOF.
func (s *Server) saveBase(w io.Writer) error {
	if !s.values.AOFUseRDBPreamble {
		return s.saveCommands(w)
	}
	return s.saveRDB(w, [2]string{"aof-base", "1"})
}

// saveDump writes the dump file; it is complete on disk or not there at all.
func (s *Server) saveDump() error {
	if s.loading {
		return errHalfLoaded
	}
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

// errHalfLoaded keeps part of a dataset from taking the place of the whole.
var errHalfLoaded = errors.New("the dataset is still being loaded")

// closeFiles flushes and closes what is on disk and gives the directory free.
func (s *Server) closeFiles() error {
	var err error
	s.stopReplication()
	s.closeModules()
	s.closeProfile()
	s.trim.wg.Wait()
	s.populator.stop()
	if s.log != nil {
		if err = s.log.Close(); err != nil {
			s.logf(Warning, "Closing the append only file: %v", err)
		}
	}
	return err
}

// diskError reduces an error to what the operating system calls it, in the words of strerror, for texts that clients see.
func diskError(err error) error {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return err
	}
	text := no.Error()
	return errors.New(strings.ToUpper(text[:1]) + text[1:])
}

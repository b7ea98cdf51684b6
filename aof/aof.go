// Package aof keeps the append only file: the multi-part layout of Redis 7 (a manifest, one base, one or more
// incremental files), appending units with a checksum after each, group commit of fsync, atomic replacement of the
// parts, and loading with exact rules about what may be cut off and what must be refused. FORMAT.md describes the
// bytes, DESIGN.md the decisions.
//
// It refuses to know commands, keys or RDB: units arrive encoded, loaded commands and RDB parts leave through
// functions. It never discards bytes without a copy and a log line, and never appends after a failed fsync.
package aof

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"datastore/server/vfs"
)

// Policy says when appended bytes are fsynced (directive appendfsync).
type Policy uint8

// The policies. With No the kernel decides; Close still fsyncs.
const (
	EverySec Policy = iota
	Always
	No
)

// String is the directive's word.
func (p Policy) String() string {
	switch p {
	case EverySec:
		return "everysec"
	case Always:
		return "always"
	case No:
		return "no"
	}
	return "unknown"
}

// Level is the level of a log line, with the characters of Redis's log.
type Level byte

// The levels that this package uses.
const (
	Notice  Level = '*'
	Warning Level = '#'
)

// LockFileName is the file in Options.Dir whose lock says that a process owns the directory.
const LockFileName = "datastore.lock"

// Options configures a Log. FS and Dir are needed, everything else has a default.
type Options struct {
	FS vfs.FS
	// Dir is the working directory (directive dir).
	Dir string
	// DirName is the name inside Dir (directive appenddirname), "appendonlydir" when empty.
	DirName string
	// FileName begins the name of every part (directive appendfilename), "appendonly.aof" when empty.
	FileName string
	Policy   Policy
	// Now is time.Now when nil. Only differences are used.
	Now func() time.Time
	// Log takes one line without a line end; it may be called from any goroutine. Nil drops the lines.
	Log func(level Level, line string)
	// OnSynced announces from the sync goroutine that everything up to the logical offset is durable, or that the
	// fsync failed. It must not block and must not take a lock that is held while a method of Log is called.
	OnSynced func(offset int64, err error)
	// RefuseTruncated is aof-load-truncated no: a torn tail stops the start.
	RefuseTruncated bool
	// CorruptTailMaxBytes lets Load drop a damaged end of the last file when it is not longer (directive
	// aof-load-corrupt-tail-max-size); 0 refuses all damage.
	CorruptTailMaxBytes int64
	// Locked says that the caller already holds the lock on Dir/LockFileName.
	Locked bool
}

func (o *Options) setDefaults() {
	if o.DirName == "" {
		o.DirName = "appendonlydir"
	}
	if o.FileName == "" {
		o.FileName = "appendonly.aof"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(Level, string) {}
	}
	if o.OnSynced == nil {
		o.OnSynced = func(int64, error) {}
	}
}

// Log is the append only file of one server.
//
// All methods are called by one goroutine at a time (the server's execution lock), with two exceptions: Synced may be
// called from anywhere, and Rewrite.WriteBase runs in a goroutine of the caller's choice. The sync goroutine that
// Start begins and Close ends touches only the syncer.
//
// Logical offsets count the bytes handed to Append and their annotations since Open, over all files. An appended byte
// is first buffered, then written (Flush), then synced: synced <= written <= appended.
type Log struct {
	o        Options
	dir      string
	lock     io.Closer
	manifest manifest
	// absorb is set when a single file of Redis < 7 in Dir is to become the base.
	absorb bool

	// Loaded state of the last incr file, for Start.
	loaded  bool
	canGrow bool
	endSize int64

	cur      *writer
	appended int64
	sync     *syncer
	rewrite  *Rewrite
	// broken is the failure after which nothing more may be acknowledged until a new base is committed.
	broken   error
	writeErr error

	// commandBase says that bases are commands.
	commandBase bool

	lastSyncStart time.Time
	delayed       int64
	delayedMark   int64
	removing      *removal
	closed        bool
}

// Open takes the lock on o.Dir and reads and checks the manifest. It changes nothing but the lock file. The error
// wraps vfs.ErrLocked when another process owns the directory, is a *ManifestError for a manifest that cannot be
// read, and wraps ErrPartsWithoutManifest or ErrMissingPart when files are missing. FatalLines has the words for the
// log.
func Open(o Options) (*Log, error) {
	o.setDefaults()
	if strings.ContainsRune(o.DirName, '/') || strings.ContainsRune(o.FileName, '/') {
		return nil, fmt.Errorf("open %s in %s: %w", o.FileName, o.DirName, ErrNotAFileName)
	}
	l := &Log{o: o, dir: path.Join(o.Dir, o.DirName)}
	if !o.Locked {
		lock, err := o.FS.Lock(path.Join(o.Dir, LockFileName))
		if err != nil {
			return nil, fmt.Errorf("open append only file: %w", err)
		}
		l.lock = lock
	}
	l.sync = newSyncer(o.Now, o.OnSynced)
	if err := l.readManifest(); err != nil {
		return nil, errors.Join(err, l.unlock())
	}
	return l, nil
}

func (l *Log) unlock() error {
	if l.lock == nil {
		return nil
	}
	lock := l.lock
	l.lock = nil
	return lock.Close()
}

func (l *Log) readManifest() error {
	data, err := readAll(l.o.FS, l.path(l.manifestName()), maxManifestBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.withoutManifest()
	case err != nil:
		return fmt.Errorf("read the manifest: %w", err)
	}
	if l.manifest, err = parseManifest(data); err != nil {
		return err
	}
	if l.interruptedAbsorb() {
		l.absorb = true
		return nil
	}
	for _, p := range l.manifest.parts() {
		if _, err := l.o.FS.Stat(l.path(p.name)); errors.Is(err, fs.ErrNotExist) {
			return &MissingPartError{File: p.name}
		} else if err != nil {
			return fmt.Errorf("check the parts: %w", err)
		}
	}
	return l.reportUnlisted()
}

// withoutManifest accepts an empty directory or a single file of Redis < 7, and refuses parts that no manifest lists.
func (l *Log) withoutManifest() error {
	parts, err := l.partsOnDisk()
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		return fmt.Errorf("%w: %s has %s but no %s", ErrPartsWithoutManifest, l.dir, parts[0], l.manifestName())
	}
	info, err := l.o.FS.Stat(path.Join(l.o.Dir, l.o.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check for an old append only file: %w", err)
	}
	l.absorb = !info.Dir
	return nil
}

// partsOnDisk lists the files in the AOF directory that are named like parts.
func (l *Log) partsOnDisk() ([]string, error) {
	names, err := l.o.FS.List(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the parts: %w", err)
	}
	parts := names[:0]
	for _, name := range names {
		if isPartName(l.o.FileName, name) || name == l.o.FileName {
			parts = append(parts, name)
		}
	}
	return parts, nil
}

func (l *Log) reportUnlisted() error {
	names, err := l.partsOnDisk()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !l.manifest.lists(name) {
			l.logf(Warning, "AOF file %s is not in the manifest (left by an interrupted rewrite); it is not loaded", name)
		}
	}
	return nil
}

// Exists reports whether parts are on disk: a server that finds any must load them before it serves.
func (l *Log) Exists() bool { return l.absorb || len(l.manifest.parts()) > 0 }

// Running reports whether Start has succeeded and Append may be called.
func (l *Log) Running() bool { return l.cur != nil }

// Written is the logical offset up to which bytes have been handed to the kernel.
func (l *Log) Written() int64 { return l.sync.written.Load() }

// Synced is the logical offset up to which bytes are durable. It may be called from any goroutine.
func (l *Log) Synced() int64 { return l.sync.synced.Load() }

// SetPolicy changes the policy for what is appended from now on.
func (l *Log) SetPolicy(p Policy) { l.o.Policy = p }

// SetTailRules changes how Load treats the end of the last file; see Options.
func (l *Log) SetTailRules(refuseTruncated bool, corruptTailMaxBytes int64) {
	l.o.RefuseTruncated, l.o.CorruptTailMaxBytes = refuseTruncated, corruptTailMaxBytes
}

// Stop ends appending (appendonly was switched off) after a flush and an fsync, and keeps the lock on the directory. The
// parts stay on disk as they are; only Start with a base can go on from here, as what follows is not in them. The log has
// stopped also when an error says that the last units may not be durable.
func (l *Log) Stop() error {
	if l.cur == nil {
		return nil
	}
	errs := l.settle()
	if l.cur != nil {
		l.sync.use(nil)
		errs = append(errs, l.cur.file.Close())
		l.cur = nil
	}
	l.loaded, l.canGrow = false, false
	return errors.Join(errs...)
}

// Close aborts a running rewrite, flushes, fsyncs, ends the sync goroutine and releases the lock, all of it also when
// something fails on the way.
func (l *Log) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	errs := l.settle()
	l.sync.close()
	if l.cur != nil {
		errs = append(errs, l.cur.file.Close())
		l.cur = nil
	}
	return errors.Join(append(errs, l.unlock())...)
}

// settle brings everything to its end but the open file.
func (l *Log) settle() []error {
	var errs []error
	if l.rewrite != nil {
		errs = append(errs, l.rewrite.Abort())
	}
	if l.removing != nil {
		errs = append(errs, l.forgetRemoved(true))
	}
	if l.cur != nil {
		errs = append(errs, l.Sync())
	}
	return errs
}

// Sync flushes and waits until everything appended is durable.
func (l *Log) Sync() error {
	if err := l.Flush(); err != nil {
		return err
	}
	return l.sync.wait(l.Written())
}

func (l *Log) path(name string) string { return path.Join(l.dir, name) }

func (l *Log) logf(level Level, format string, args ...any) {
	l.o.Log(level, fmt.Sprintf(format, args...))
}

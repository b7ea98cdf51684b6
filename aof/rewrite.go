package aof

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"datastore/server/vfs"
)

const (
	baseBufferBytes = 1 << 20
	// syncBaseEveryBytes spreads the fsync of a base over its writing (Redis: aof-rewrite-incremental-fsync).
	syncBaseEveryBytes = 4 << 20
)

// Start begins appending. With a nil base it goes on in the last incr file that Load has seen to the end, or opens a
// new one. With a base it replaces all parts by what base writes (an RDB file) and a new incr file; until that is
// complete and durable the old parts stay in force. After an error nothing has begun, and what was running still is.
func (l *Log) Start(base func(w io.Writer) error) error {
	if base == nil {
		return l.resume()
	}
	r, err := l.begin(true)
	if err != nil {
		return err
	}
	if err := r.WriteBase(base); err != nil {
		return errors.Join(err, r.Abort())
	}
	return r.Commit()
}

func (l *Log) resume() error {
	switch {
	case l.cur != nil:
		return ErrRunning
	case l.Exists() && !l.loaded:
		return ErrNotLoaded
	}
	if err := l.prepareDir(); err != nil {
		return err
	}
	open := l.openNext
	if l.canGrow {
		open = l.grow
	}
	if err := open(); err != nil {
		return err
	}
	l.removeHistory()
	return nil
}

// openNext adds an incr file to the parts.
func (l *Log) openNext() error {
	w, p, err := l.createIncr()
	if err != nil {
		return err
	}
	if err := l.persist(l.manifest.withIncr(p)); err != nil {
		return errors.Join(err, w.file.Close(), l.removeUnlisted(p.name))
	}
	l.logf(Notice, "Creating AOF incr file %s on server start", p.name)
	l.switchTo(w)
	return nil
}

// grow opens the last incr file at the end that Load has found.
func (l *Log) grow() error {
	p := l.manifest.incrs[len(l.manifest.incrs)-1]
	f, err := l.o.FS.OpenAppend(l.path(p.name))
	if err != nil {
		return fmt.Errorf("open for appending: %w", err)
	}
	size, err := f.SizeBytes()
	if err == nil && size != l.endSize {
		err = fmt.Errorf("%s changed from %d to %d bytes since it was loaded", p.name, l.endSize, size)
	}
	w := &writer{file: f, name: p.name, sum: newChecksummer(), sizeBytes: size}
	if err == nil && size == 0 {
		err = w.begin()
	}
	if err == nil {
		// What was loaded may never have been synced (kill -9); a write that builds on it must not outlive it.
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open for appending: %w", err), f.Close())
	}
	l.logf(Notice, "Opening AOF incr file %s on server start", p.name)
	l.switchTo(w)
	return nil
}

// prepareDir makes the directory durable and clears away the temporary files of interrupted rewrites.
func (l *Log) prepareDir() error {
	if err := l.o.FS.MkdirAll(l.dir); err != nil {
		return fmt.Errorf("make the append only directory: %w", err)
	}
	if err := l.o.FS.SyncDir(l.o.Dir); err != nil {
		return fmt.Errorf("make the append only directory: %w", err)
	}
	names, err := l.o.FS.List(l.dir)
	if err != nil {
		return fmt.Errorf("list the append only directory: %w", err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix+l.o.FileName+".") {
			if err := removeQuietly(l.o.FS, l.path(name)); err != nil {
				return fmt.Errorf("remove a temporary file: %w", err)
			}
		}
	}
	return nil
}

// begin writes the header and makes it durable.
func (w *writer) begin() error {
	if n, err := io.WriteString(w.file, headerLine); err != nil {
		if n > 0 {
			err = errors.Join(err, w.file.Truncate(0))
		}
		return err
	}
	w.sizeBytes = int64(len(headerLine))
	return w.file.Sync()
}

// createIncr makes a durable empty incr file with a number that no file on disk has, so that nothing is overwritten.
func (l *Log) createIncr() (*writer, part, error) {
	p := part{seq: l.manifest.lastIncrSeq() + 1, kind: kindIncr}
	for {
		p.name = l.incrName(p.seq)
		_, err := l.o.FS.Stat(l.path(p.name))
		if errors.Is(err, fs.ErrNotExist) && !l.manifest.lists(p.name) {
			break
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, p, fmt.Errorf("create an incr file: %w", err)
		}
		p.seq++
	}
	f, err := l.o.FS.Create(l.path(p.name))
	if err != nil {
		return nil, p, fmt.Errorf("create an incr file: %w", err)
	}
	w := &writer{file: f, name: p.name, sum: newChecksummer()}
	if err = w.begin(); err == nil {
		err = l.o.FS.SyncDir(l.dir)
	}
	if err != nil {
		return nil, p, fmt.Errorf("create %s: %w", p.name, errors.Join(err, f.Close(), removeQuietly(l.o.FS, l.path(p.name))))
	}
	return w, p, nil
}

// switchTo makes w the file that is appended to. The bytes of the previous one must be synced or of no value.
func (l *Log) switchTo(w *writer) {
	l.sync.use(w.file)
	l.cur = w
}

// removeUnlisted removes a file that was just made, unless the manifest has got hold of it.
func (l *Log) removeUnlisted(name string) error {
	if l.manifest.lists(name) {
		return nil
	}
	return removeQuietly(l.o.FS, l.path(name))
}

func removeQuietly(fsys vfs.FS, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Rewrite is the replacement of the parts by a new base. BeginRewrite fixes the point in time: everything appended
// before it must be in the base, everything after it goes to a new incr file.
type Rewrite struct {
	l *Log
	// fresh: the old parts and the new incr file are not one history, so the manifest learns of the latter only
	// together with the base. Otherwise it already has it, and aborting costs nothing.
	fresh bool
	base  part
	incr  part
	temp  string
	// old is what a fresh rewrite has replaced, kept for Abort.
	old     *writer
	mark    int64
	written bool
}

// BeginRewrite starts a rewrite (BGREWRITEAOF) and is called at the moment of the snapshot. While the log runs and is
// healthy, everything up to here is flushed and fsynced first, which takes one fsync's time; the new incr file joins
// the old parts at once. When the log does not run (appendonly was switched on) or has failed (ErrSync), the old
// parts stay as they are until Commit, and Flush goes on returning the failure.
func (l *Log) BeginRewrite() (*Rewrite, error) { return l.begin(l.cur == nil || l.Err() != nil) }

func (l *Log) begin(fresh bool) (*Rewrite, error) {
	if l.rewrite != nil {
		return nil, ErrRewriteRunning
	}
	if err := l.prepareDir(); err != nil {
		return nil, err
	}
	if l.cur != nil && l.Err() == nil {
		if err := l.Flush(); err != nil {
			return nil, fmt.Errorf("begin a rewrite: %w", err)
		}
		// No byte may go to the new file while one of the old is not durable: a power loss would leave a hole.
		if err := l.sync.wait(l.Written()); err != nil {
			return nil, fmt.Errorf("begin a rewrite: %w", err)
		}
	}
	w, p, err := l.createIncr()
	if err != nil {
		return nil, fmt.Errorf("begin a rewrite: %w", err)
	}
	r := &Rewrite{l: l, fresh: fresh, incr: p, base: part{seq: 1, kind: kindBase}, mark: l.appended}
	if l.manifest.base != nil {
		r.base.seq = l.manifest.base.seq + 1
	}
	r.base.name = l.baseName(r.base.seq)
	r.temp = l.path(tempPrefix + r.base.name)
	if err := r.take(w); err != nil {
		return nil, fmt.Errorf("begin a rewrite: %w", err)
	}
	l.rewrite = r
	return r, nil
}

// take switches the log to the new incr file.
func (r *Rewrite) take(w *writer) error {
	l := r.l
	if !r.fresh {
		if err := l.persist(l.manifest.withIncr(r.incr)); err != nil {
			return errors.Join(err, w.file.Close(), l.removeUnlisted(r.incr.name))
		}
		old := l.cur
		l.switchTo(w)
		l.closeSynced(old)
		return nil
	}
	if l.broken == nil {
		l.broken = l.sync.failed()
	}
	r.old = l.cur
	l.switchTo(w)
	// What was appended and not written is in the memory that the base is written from.
	l.sync.covered(l.appended)
	return nil
}

// closeSynced closes a file whose bytes are durable or replaced, so that an error loses nothing.
func (l *Log) closeSynced(w *writer) {
	if err := w.file.Close(); err != nil {
		l.logf(Warning, "closing %s: %v", w.name, err)
	}
}

// WriteBase writes the base into a temporary file and makes it durable. base gets a buffered writer that is valid
// until it returns. It may run in any goroutine while the log goes on appending; Commit, Abort and Close are called only
// after it has returned.
func (r *Rewrite) WriteBase(base func(w io.Writer) error) error {
	f, err := r.l.o.FS.Create(r.temp)
	if err != nil {
		return fmt.Errorf("write the base: %w", err)
	}
	b := bufio.NewWriterSize(&spreadSync{file: f}, baseBufferBytes)
	if err = base(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the base: %w", errors.Join(err, removeQuietly(r.l.o.FS, r.temp)))
	}
	r.written = true
	return nil
}

type spreadSync struct {
	file   vfs.File
	behind int
}

func (s *spreadSync) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.behind += n
	if err == nil && s.behind >= syncBaseEveryBytes {
		s.behind = 0
		err = s.file.Sync()
	}
	return n, err
}

// Commit puts the base and the new incr file in force, ends a sticky failure, and has the old parts removed. An error
// before the new manifest is in place aborts the rewrite.
func (r *Rewrite) Commit() error {
	l := r.l
	if l.rewrite != r || !r.written {
		return fmt.Errorf("commit a rewrite: %w", ErrNotRunning)
	}
	if err := r.install(); err != nil {
		if l.manifest.lists(r.base.name) {
			r.end()
			return fmt.Errorf("commit a rewrite: %w", err)
		}
		return fmt.Errorf("commit a rewrite: %w", errors.Join(err, r.Abort()))
	}
	l.broken, l.writeErr = nil, nil
	r.end()
	l.removeHistory()
	return nil
}

func (r *Rewrite) install() error {
	l := r.l
	if !r.fresh && l.Err() != nil {
		return l.Err()
	}
	if r.fresh {
		// The new file takes the place of everything acknowledged so far: it must be durable before the manifest is.
		if err := l.flushFresh(); err != nil {
			return err
		}
	}
	if err := l.o.FS.Rename(r.temp, l.path(r.base.name)); err != nil {
		return err
	}
	if err := l.o.FS.SyncDir(l.dir); err != nil {
		return errors.Join(err, removeQuietly(l.o.FS, l.path(r.base.name)))
	}
	firstSeq := r.incr.seq
	err := l.persist(l.manifest.replacedBy(r.base, firstSeq, r.incr))
	if err != nil && !l.manifest.lists(r.base.name) {
		return errors.Join(err, removeQuietly(l.o.FS, l.path(r.base.name)))
	}
	return err
}

func (l *Log) flushFresh() error {
	if len(l.cur.buf) > 0 {
		if err := l.write(l.cur); err != nil {
			return err
		}
	}
	return l.sync.wait(l.Written())
}

// end closes what a fresh rewrite has replaced.
func (r *Rewrite) end() {
	r.l.rewrite = nil
	r.l.absorb = false
	if r.old != nil {
		r.l.closeSynced(r.old)
		r.old = nil
	}
}

// Abort gives the rewrite up and removes its files. A rewrite of a running log leaves the old parts and the new incr
// file in force together. A fresh one goes back to the state before it, with a sticky failure if the log ran and
// units went to the file that is now gone.
func (r *Rewrite) Abort() error {
	l := r.l
	if l.rewrite != r {
		return nil
	}
	l.rewrite = nil
	err := removeQuietly(l.o.FS, r.temp)
	if !r.fresh {
		return err
	}
	gone := l.cur
	l.cur = r.old
	if r.old == nil {
		l.sync.use(nil)
		l.broken = nil
	} else {
		l.sync.use(r.old.file)
		if l.broken == nil && l.appended != r.mark {
			l.broken = ErrAborted
		}
	}
	return errors.Join(err, gone.file.Close(), removeQuietly(l.o.FS, l.path(r.incr.name)))
}

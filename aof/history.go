package aof

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// removal is a goroutine that unlinks history files, because unlinking many gigabytes takes long. It sends once.
type removal struct {
	names map[string]bool
	done  chan error
}

// removeHistory starts the removal of all history files. The manifest forgets them at a later Tick; a crash in
// between leaves their lines, and the next Start removes them.
func (l *Log) removeHistory() {
	if len(l.manifest.history) == 0 || l.removing != nil {
		return
	}
	r := &removal{names: map[string]bool{}, done: make(chan error, 1)}
	for _, p := range l.manifest.history {
		l.logf(Notice, "Removing the history file %s in the background", p.name)
		r.names[p.name] = true
	}
	l.removing = r
	go func() {
		var failed error
		for name := range r.names {
			failed = errors.Join(failed, removeQuietly(l.o.FS, l.path(name)))
		}
		r.done <- failed
	}()
}

// forgetRemoved takes the history lines out of the manifest once their files are gone; wait also waits for that.
func (l *Log) forgetRemoved(wait bool) error {
	r := l.removing
	if r == nil || !wait && len(r.done) == 0 {
		return nil
	}
	err := <-r.done
	l.removing = nil
	if err != nil {
		return fmt.Errorf("remove history files: %w", err)
	}
	next := manifest{base: l.manifest.base, incrs: l.manifest.incrs}
	for _, p := range l.manifest.history {
		if !r.names[p.name] {
			next.history = append(next.history, p)
		}
	}
	return l.persist(next)
}

// interruptedAbsorb recognises a manifest written by takeOver whose file has not been moved yet.
func (l *Log) interruptedAbsorb() bool {
	m := &l.manifest
	if m.base == nil || m.base.name != l.o.FileName || len(m.incrs) > 0 {
		return false
	}
	_, err := l.o.FS.Stat(l.path(l.o.FileName))
	_, oldErr := l.o.FS.Stat(path.Join(l.o.Dir, l.o.FileName))
	return errors.Is(err, fs.ErrNotExist) && oldErr == nil
}

// takeOver makes the single file of Redis < 7 the base, in Redis 7's order: first the manifest, then the move. A crash
// in between is recognised by interruptedAbsorb.
func (l *Log) takeOver() error {
	if err := l.prepareDir(); err != nil {
		return err
	}
	if err := l.persist(manifest{base: &part{name: l.o.FileName, seq: 1, kind: kindBase}}); err != nil {
		return err
	}
	if err := l.o.FS.Rename(path.Join(l.o.Dir, l.o.FileName), l.path(l.o.FileName)); err != nil {
		return fmt.Errorf("move the old append only file: %w", err)
	}
	if err := errors.Join(l.o.FS.SyncDir(l.dir), l.o.FS.SyncDir(l.o.Dir)); err != nil {
		return fmt.Errorf("move the old append only file: %w", err)
	}
	l.absorb = false
	l.logf(Notice, "Successfully migrated an old-style AOF file (%s) into the AOF directory (%s).", l.o.FileName, l.o.DirName)
	return nil
}

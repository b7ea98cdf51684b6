package aof

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"datastore/server/vfs"
)

const (
	rdbMagic = "REDIS"
	// rdbBufferBytes is the read size for RDB parts.
	rdbBufferBytes = 256 << 10
	// progressEveryBytes is how often Applier.Progress is called.
	progressEveryBytes = 2 << 20
)

// Applier takes what Load reads. Its functions run in the goroutine of Load.
type Applier struct {
	// RDB loads the RDB file that r gives, in a part of sizeBytes, and returns how many bytes it is long up to and
	// with its checksum (r may have been read further). Commands may follow it in the same part.
	RDB func(r io.Reader, sizeBytes int64) (rdbBytes int64, err error)
	// Command applies one command. Commands of a transaction follow one another, all or none of them; MULTI and EXEC
	// themselves are not passed. args is valid during the call. For a command that does not exist the error wraps
	// ErrUnknownCommand. An error stops the load: nothing is ever skipped.
	Command func(args [][]byte) error
	// Progress, when not nil, hears from time to time how much of all parts has been read.
	Progress func(loadedBytes, totalBytes int64)
}

// Stats is what a Load did.
type Stats struct {
	Files, Units, Commands int64
	Bytes                  int64
	// UncheckedUnits had no checksum: written by another server.
	UncheckedUnits int64
	// DroppedBytes were cut off the end of the last file and are kept in CopyName in the AOF directory.
	DroppedBytes int64
	CopyName     string
}

// loading is the state of one Load.
type loading struct {
	l        *Log
	apply    Applier
	stats    Stats
	total    int64
	done     int64
	reported int64
	argv     [][]byte
}

// Load passes the base and then all incr files to apply, each unit only after it has been read and verified whole. A
// torn tail of the last file is cut off, with a copy and a log line. Every other deviation is a *LoadError and
// changes nothing on disk. A single file of Redis < 7 is taken over first. Without parts Load does nothing.
func (l *Log) Load(apply Applier) (Stats, error) {
	if l.cur != nil {
		return Stats{}, ErrRunning
	}
	if l.absorb {
		if err := l.takeOver(); err != nil {
			return Stats{}, err
		}
	}
	began := l.o.Now()
	ld := &loading{l: l, apply: apply}
	parts := l.manifest.parts()
	for _, p := range parts {
		info, err := l.o.FS.Stat(l.path(p.name))
		if err != nil {
			return ld.stats, fmt.Errorf("load the append only file: %w", err)
		}
		ld.total += info.SizeBytes
	}
	for i, p := range parts {
		if err := ld.part(p, i == len(parts)-1); err != nil {
			return ld.stats, err
		}
	}
	l.loaded = true
	if len(parts) > 0 {
		l.logf(Notice, "DB loaded from append only file: %.3f seconds", l.o.Now().Sub(began).Seconds())
	}
	return ld.stats, nil
}

// part loads one file.
func (ld *loading) part(p part, last bool) error {
	began := ld.l.o.Now()
	f, err := ld.l.o.FS.Open(ld.l.path(p.name))
	if err != nil {
		return fmt.Errorf("load the append only file: %w", err)
	}
	err = ld.file(f, p, last)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	ld.stats.Files++
	ld.logLoaded(p, began)
	return nil
}

func (ld *loading) logLoaded(p part, began time.Time) {
	kind := "base"
	if p.kind == kindIncr {
		kind = "incr"
	}
	ld.l.logf(Notice, "DB loaded from %s file %s: %.3f seconds", kind, p.name, ld.l.o.Now().Sub(began).Seconds())
}

func (ld *loading) file(f vfs.File, p part, last bool) error {
	from, err := ld.rdb(f, p)
	if err != nil {
		return err
	}
	s, err := newScanner(f, p.name, from)
	if err != nil {
		return fmt.Errorf("load %s: %w", p.name, err)
	}
	s.last = last
	err = ld.units(s)
	ld.done += s.offset()
	ld.stats.Bytes += s.offset()
	if s.foreignFrom >= 0 {
		ld.l.logf(Warning, "AOF %s has no checksums from offset %d on: written by another server, loaded without them",
			p.name, s.foreignFrom)
	}
	clean := err == io.EOF
	if !clean {
		if err = ld.stopped(s, err); err != nil {
			return err
		}
	}
	if last {
		empty := s.offset() == 0
		ld.l.canGrow = p.kind == kindIncr && (empty || s.checked)
		ld.l.endSize = s.offset()
	}
	return nil
}

// rdb loads the RDB part at the start of a file and returns where the commands begin.
func (ld *loading) rdb(f vfs.File, p part) (int64, error) {
	size, err := f.SizeBytes()
	if err != nil {
		return 0, fmt.Errorf("load %s: %w", p.name, err)
	}
	var magic [len(rdbMagic)]byte
	if n, err := f.ReadAt(magic[:], 0); n < len(magic) || string(magic[:]) != rdbMagic {
		if err != nil && err != io.EOF {
			return 0, fmt.Errorf("load %s: %w", p.name, err)
		}
		return 0, nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), rdbBufferBytes)
	n, err := ld.apply.RDB(r, size)
	if err == nil && (n < int64(len(rdbMagic)) || n > size) {
		err = fmt.Errorf("length %d of %d", n, size)
	}
	if err != nil {
		return 0, &LoadError{File: p.name, Manifest: ld.l.path(ld.l.manifestName()),
			Reason: fmt.Errorf("%w: RDB part: %w", ErrApply, err)}
	}
	return n, nil
}

// units applies everything up to the end or the first bad byte; the error is that of scanner.next, or a *LoadError.
func (ld *loading) units(s *scanner) error {
	if s.at == 0 {
		if err := s.readHeader(); err != nil {
			s.record = 1
			return err
		}
	}
	for {
		if err := s.next(); err != nil {
			return err
		}
		if err := ld.unit(s); err != nil {
			return err
		}
		if loaded := ld.done + s.offset(); ld.apply.Progress != nil && loaded-ld.reported >= progressEveryBytes {
			ld.reported = loaded
			ld.apply.Progress(loaded, ld.total)
		}
	}
}

func (ld *loading) unit(s *scanner) error {
	ld.stats.Units++
	if !s.checked {
		ld.stats.UncheckedUnits++
	}
	b := s.window()
	args := s.unit.args
	inside := false
	for _, argc := range s.unit.argcs {
		ld.argv = ld.argv[:0]
		for _, a := range args[:argc] {
			ld.argv = append(ld.argv, b[a.from:a.to:a.to])
		}
		args = args[argc:]
		switch name := ld.argv[0]; {
		case !inside && isWord(name, "MULTI"):
			inside = true
			continue
		case inside && isWord(name, "EXEC"):
			inside = false
			continue
		}
		if err := ld.apply.Command(ld.argv); err != nil {
			return &LoadError{File: s.name, Manifest: ld.l.path(ld.l.manifestName()), Offset: s.offset(), Record: s.record,
				Command: string(ld.argv[0]), Reason: fmt.Errorf("%w: %w", ErrApply, err)}
		}
		ld.stats.Commands++
	}
	return nil
}

// stopped decides what becomes of a file whose end is not clean: nil means that the bad end was cut off.
func (ld *loading) stopped(s *scanner, err error) error {
	var d *damage
	if !errors.As(err, &d) {
		return err
	}
	if d, err = s.judge(d); err != nil {
		return err
	}
	l := ld.l
	refused := &LoadError{File: s.name, Manifest: l.path(l.manifestName()), Offset: s.offset(), Pos: d.pos,
		Record: s.record, Reason: d.err}
	restBytes := s.size - s.offset()
	switch {
	case errors.Is(d.err, ErrVersion):
		return refused
	case !s.last:
		if d.torn {
			refused.Reason = fmt.Errorf("%w: the truncated file is not the last file", d.err)
		}
		return refused
	case d.torn && !l.o.RefuseTruncated:
		if s.unit.multi {
			l.logf(Warning, "Revert incomplete MULTI/EXEC transaction in AOF file %s", s.name)
		}
		l.logf(Warning, "!!! Warning: short read while loading the AOF file %s!!!", s.name)
		l.logf(Warning, "!!! Truncating the AOF %s at offset %d !!!", s.name, s.offset())
	case !d.torn && restBytes <= l.o.CorruptTailMaxBytes:
		l.logf(Warning, "!!! Warning: corrupt tail of %d bytes in the AOF file %s: %v !!!", restBytes, s.name, refused)
	default:
		return refused
	}
	return ld.drop(s)
}

func (ld *loading) drop(s *scanner) error {
	copyName, n, err := ld.l.cut(s.name, s.offset())
	if err != nil {
		return err
	}
	ld.stats.CopyName, ld.stats.DroppedBytes = copyName, n
	ld.l.logf(Warning, "AOF %s: %d bytes from offset %d on (record %d) were cut off and are kept in %s",
		s.name, n, s.offset(), s.record, copyName)
	ld.l.logf(Warning, "AOF %s loaded anyway because aof-load-truncated is enabled", s.name)
	return nil
}

package aof

import (
	"errors"
	"fmt"
	"io"
)

// Finding is one place of a part that is not what it should be.
type Finding struct {
	LoadError
	// Torn: the end of a write that was cut short, which Load would repair.
	Torn bool
	// ResumesAt is the offset of the next record whose checksum is right, 0 when there is none.
	ResumesAt int64
}

// CheckedFile is what Check has read in one part.
type CheckedFile struct {
	Name             string
	SizeBytes        int64
	Units, Unchecked int64
	Findings         []Finding
}

// ErrCannotFix is returned by Fix for damage that cutting the last file would not end.
var ErrCannotFix = errors.New("only the last file can be cut")

// Check reads all parts after Open, changes nothing, and goes on behind damage at the next record whose checksum is
// right. rdb is as in Applier; an error of it is a finding.
func (l *Log) Check(rdb func(r io.Reader, sizeBytes int64) (int64, error)) ([]CheckedFile, error) {
	var files []CheckedFile
	parts := l.manifest.parts()
	for i, p := range parts {
		file, err := l.checkPart(p, i == len(parts)-1, rdb)
		if err != nil {
			return files, fmt.Errorf("check %s: %w", p.name, err)
		}
		files = append(files, file)
	}
	return files, nil
}

func (l *Log) checkPart(p part, last bool, rdb func(io.Reader, int64) (int64, error)) (file CheckedFile, err error) {
	f, err := l.o.FS.Open(l.path(p.name))
	if err != nil {
		return file, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	file.Name = p.name
	ld := &loading{l: l, apply: Applier{RDB: rdb}}
	from, err := ld.rdb(f, p)
	var bad *LoadError
	if errors.As(err, &bad) {
		file.Findings = append(file.Findings, Finding{LoadError: *bad})
		return file, nil
	}
	if err != nil {
		return file, err
	}
	s, err := newScanner(f, p.name, from)
	if err != nil {
		return file, err
	}
	s.last, file.SizeBytes = last, s.size
	return file, l.checkUnits(s, &file)
}

func (l *Log) checkUnits(s *scanner, file *CheckedFile) error {
	var err error
	if s.at == 0 {
		err = s.readHeader()
	}
	for {
		if err == nil {
			err = s.next()
		}
		if err == io.EOF {
			return nil
		}
		if err == nil {
			file.Units++
			if !s.checked {
				file.Unchecked++
			}
			continue
		}
		more, findErr := l.find(s, err, file)
		if !more || findErr != nil {
			return findErr
		}
		err = nil
	}
}

// find records the damage that err describes and moves s behind it; false means that nothing readable follows.
func (l *Log) find(s *scanner, err error, file *CheckedFile) (more bool, _ error) {
	var d *damage
	if !errors.As(err, &d) {
		return false, err
	}
	if d, err = s.judge(d); err != nil {
		return false, err
	}
	finding := Finding{Torn: d.torn, LoadError: LoadError{File: s.name, Manifest: l.path(l.manifestName()),
		Offset: s.offset(), Pos: d.pos, Record: max(s.record, 1), Reason: d.err}}
	if more, err = s.resync(); err != nil {
		return false, err
	}
	if more {
		finding.ResumesAt = s.offset()
		s.checked = true
	}
	file.Findings = append(file.Findings, finding)
	return more, nil
}

// Fix cuts the last part at the first finding in it, keeps the dropped bytes in a file beside it and returns that
// file's name and how many bytes it has. It refuses, with ErrCannotFix, when another part has a finding.
func (l *Log) Fix(files []CheckedFile) (copyName string, droppedBytes int64, err error) {
	for i, file := range files {
		if len(file.Findings) == 0 {
			continue
		}
		first := file.Findings[0]
		if i < len(files)-1 || errors.Is(first.Reason, ErrApply) || errors.Is(first.Reason, ErrVersion) {
			return "", 0, fmt.Errorf("fix %s: %w", file.Name, ErrCannotFix)
		}
		return l.cut(file.Name, first.Offset)
	}
	return "", 0, nil
}

package aof

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"datastore/server/vfs"
)

const (
	tailChunkBytes = 1 << 20
	// tailVerifyBytes limits how much is checksummed to prove that a record behind a damaged place is genuine. A file
	// that needs more is full of lines that only look like annotations and counts as damaged.
	tailVerifyBytes = 256 << 20
	// maxAnnotationLine is the longest line appendAnnotation writes.
	maxAnnotationLine = len(crcPrefix) + 8 + 1 + maxDigits + 2
)

// eachAnnotation calls visit for everything from pos on that has the form of an annotation, until visit says stop.
// at is where the line begins in the file.
func (s *scanner) eachAnnotation(pos int64, visit func(a annotation, at int64) (stop bool, err error)) error {
	chunk := make([]byte, max(min(tailChunkBytes, s.size-pos), 0))
	for pos < s.size {
		n, err := s.f.ReadAt(chunk[:min(int64(len(chunk)), s.size-pos)], pos)
		if n == 0 {
			return fmt.Errorf("read %s: %w", s.name, err)
		}
		b := chunk[:n]
		i := 0
		for {
			k := bytes.Index(b[i:], []byte(crcPrefix))
			if k < 0 {
				break
			}
			i += k
			if a, length, _, err := parseAnnotation(b[i:]); err == nil && length > 0 && a.unitBytes > 0 {
				if stop, err := visit(a, pos+int64(i)); stop || err != nil {
					return err
				}
			}
			i++
		}
		if pos+int64(n) == s.size {
			return nil
		}
		// An annotation may lie across the end of the chunk; what was visited is not visited again.
		pos += int64(max(n-maxAnnotationLine, i))
	}
	return nil
}

// annotationAhead looks in the file behind the first skip bytes of the current unit for an annotation that proves that
// the writer has finished a record there: one whose record begins where the current unit begins, or one whose
// checksum is right. A torn write cannot leave any, so finding one tells damage from a torn tail.
func (s *scanner) annotationAhead(skip int64) (found bool, err error) {
	budget := int64(tailVerifyBytes)
	err = s.eachAnnotation(s.offset()+skip, func(a annotation, at int64) (bool, error) {
		begin := at - a.unitBytes
		switch {
		case begin < s.offset():
			return false, nil
		case begin == s.offset() || budget < a.unitBytes:
			found = true
			return true, nil
		}
		budget -= a.unitBytes
		var err error
		found, err = s.verify(a, at)
		return found, err
	})
	return found, err
}

// verify computes the checksum of the record whose annotation a lies at the offset at.
func (s *scanner) verify(a annotation, at int64) (bool, error) {
	begin := at - a.unitBytes
	crc := s.sum.unit(begin, nil)
	part := make([]byte, min(tailChunkBytes, a.unitBytes))
	for begin < at {
		n, err := s.f.ReadAt(part[:min(int64(len(part)), at-begin)], begin)
		if n == 0 {
			return false, fmt.Errorf("read %s: %w", s.name, err)
		}
		crc = s.sum.more(crc, part[:n])
		begin += int64(n)
	}
	return crc == a.crc, nil
}

// resync moves the scanner from a damaged unit to the next record whose checksum is right.
func (s *scanner) resync() (found bool, err error) {
	err = s.eachAnnotation(s.offset()+1, func(a annotation, at int64) (bool, error) {
		begin := at - a.unitBytes
		if begin <= s.offset() {
			return false, nil
		}
		ok, err := s.verify(a, at)
		if ok && err == nil {
			s.buf, s.at, s.start, s.unit, found = s.buf[:0], begin, 0, unit{}, true
		}
		return found, err
	})
	return found, err
}

// zeroFrom says whether the file has nothing but NULs from pos on: ext4 and others leave that when the length was
// journalled before the data (F8).
func (s *scanner) zeroFrom(pos int64) (bool, error) {
	chunk := make([]byte, min(tailChunkBytes, max(s.size-pos, 0)))
	for pos < s.size {
		n, err := s.f.ReadAt(chunk[:min(int64(len(chunk)), s.size-pos)], pos)
		if n == 0 {
			return false, fmt.Errorf("read %s: %w", s.name, err)
		}
		if len(bytes.Trim(chunk[:n], "\x00")) > 0 {
			return false, nil
		}
		pos += int64(n)
	}
	return true, nil
}

// judge turns what next has found into its final kind: a torn tail that a finished record follows is damage, damage
// that is followed by nothing but NULs is a torn tail.
func (s *scanner) judge(d *damage) (*damage, error) {
	if errors.Is(d.err, ErrVersion) {
		return d, nil
	}
	if d.torn {
		if !s.checked {
			return d, nil
		}
		found, err := s.annotationAhead(0)
		if found {
			d = &damage{pos: d.pos, err: fmt.Errorf("%w: a length that reaches beyond the end of the file, with finished "+
				"records behind it", ErrCorrupt)}
		}
		return d, err
	}
	zero, err := s.zeroFrom(d.pos)
	if zero {
		d = &damage{pos: d.pos, torn: true, err: fmt.Errorf("%w: only zero bytes follow", ErrTruncated)}
	}
	return d, err
}

// cut copies the bytes of the file from offset on into a file of their own beside it, makes that durable, and only
// then takes them off. It returns the name of the copy and how many bytes it has.
func (l *Log) cut(name string, offset int64) (copyName string, droppedBytes int64, err error) {
	copyName, err = l.freeCopyName(name, offset)
	if err != nil {
		return "", 0, err
	}
	f, err := l.o.FS.OpenAppend(l.path(name))
	if err != nil {
		return "", 0, err
	}
	if droppedBytes, err = l.copyTail(f, offset, l.path(copyName)); err == nil {
		if err = f.Truncate(offset); err == nil {
			err = f.Sync()
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", 0, fmt.Errorf("cut %s at %d: %w", name, offset, err)
	}
	return copyName, droppedBytes, nil
}

func (l *Log) copyTail(f vfs.File, offset int64, to string) (int64, error) {
	size, err := f.SizeBytes()
	if err != nil {
		return 0, err
	}
	backup, err := l.o.FS.Create(to)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(backup, io.NewSectionReader(f, offset, size-offset))
	if err == nil {
		err = backup.Sync()
	}
	if err = errors.Join(err, backup.Close()); err == nil {
		err = l.o.FS.SyncDir(l.dir)
	}
	return n, err
}

// freeCopyName never names an existing file: the copies of earlier cuts at the same place stay.
func (l *Log) freeCopyName(name string, offset int64) (string, error) {
	names, err := l.o.FS.List(l.dir)
	if err != nil {
		return "", err
	}
	taken := make(map[string]bool, len(names))
	for _, n := range names {
		taken[n] = true
	}
	for i := 1; ; i++ {
		if n := fmt.Sprintf("%s.dropped.%d.%d", name, offset, i); !taken[n] {
			return n, nil
		}
	}
}

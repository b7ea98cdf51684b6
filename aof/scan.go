package aof

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"datastore/server/vfs"
)

const (
	firstBufferBytes = 256 << 10
	// maxIdleScanBuffer is the size a scan buffer shrinks back to after a large unit.
	maxIdleScanBuffer = 16 << 20
	// maxCommandArgs is more than any command has; a larger count is damage.
	maxCommandArgs = 1 << 30
)

var (
	errAnnotation = errors.New("bad annotation")
	errNumber     = errors.New("bad number or line end")
	errSyntax     = errors.New("not a command")
)

// span is a run of bytes relative to the start of the unit.
type span struct{ from, to int }

// scanner reads the units of one file. Its buffer is a window on the file: buf[0] is the file's byte at, the unit that
// is being read begins at buf[start]. Nothing larger than the rest of the file is ever allocated, whatever a length
// in the file says.
type scanner struct {
	f    vfs.File
	name string
	size int64
	sum  *checksummer

	buf   []byte
	at    int64
	start int

	// checked: the file has this package's header, every unit has an annotation.
	checked bool
	// foreignFrom is where a file of ours goes on without annotations, written by another server; -1 if nowhere.
	foreignFrom int64
	// confirmed is an offset of an annotation that was found ahead; up to there a unit may have any shape.
	confirmed bool
	last      bool

	record int64
	unit   unit
}

// unit is what one call of next found: the commands between MULTI and EXEC, or one command.
type unit struct {
	args  []span
	argcs []int
	// length covers the commands, next also the annotation.
	length, next int
	multi        bool
	shape        shape
	// lone describes the first of two units without an annotation between them, while the second is being read.
	lone mark
}

// mark is a place between two commands of a unit.
type mark struct{ length, args, argcs int }

// shape follows the order SELECT? (command | MULTI … EXEC) to know when a unit is complete without an annotation.
type shape uint8

const (
	shapeEmpty shape = iota
	shapeSelected
	shapeOpen
	shapeWhole
)

// damage is a place where the file is not what it should be.
type damage struct {
	pos int64
	// torn: the file ends inside the unit, everything before the end is valid.
	torn bool
	err  error
}

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

func newScanner(f vfs.File, name string, from int64) (*scanner, error) {
	size, err := f.SizeBytes()
	if err != nil {
		return nil, err
	}
	s := &scanner{f: f, name: name, size: size, at: from, sum: newChecksummer(), foreignFrom: -1}
	s.buf = make([]byte, 0, min(firstBufferBytes, max(size-from, 1)))
	return s, nil
}

// offset is where the current unit begins in the file.
func (s *scanner) offset() int64 { return s.at + int64(s.start) }

// window returns the bytes from the start of the unit that are in memory.
func (s *scanner) window() []byte { return s.buf[s.start:] }

// fill makes n bytes from the start of the unit available; false means that the file is shorter.
func (s *scanner) fill(n int) (bool, error) {
	if len(s.buf)-s.start >= n {
		return true, nil
	}
	if int64(n) > s.size-s.offset() {
		return false, nil
	}
	if n > cap(s.buf)-s.start {
		s.makeRoom(n)
	}
	for len(s.buf)-s.start < n {
		got, err := s.f.ReadAt(s.buf[len(s.buf):min(cap(s.buf), len(s.buf)+s.behind())], s.at+int64(len(s.buf)))
		s.buf = s.buf[:len(s.buf)+got]
		if got == 0 {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return false, fmt.Errorf("read %s: %w", s.name, err)
		}
	}
	return true, nil
}

// behind is how much of the file is not in memory yet.
func (s *scanner) behind() int { return int(min(s.size-s.at-int64(len(s.buf)), 1<<40)) }

func (s *scanner) makeRoom(n int) {
	kept := s.window()
	to := s.buf[:0]
	idle := cap(s.buf) > maxIdleScanBuffer && n < maxIdleScanBuffer/2
	if n > cap(s.buf) || idle {
		size := firstBufferBytes
		for size < n {
			size *= 2
		}
		to = make([]byte, 0, min(int64(size), max(s.size-s.offset(), int64(n))))
	}
	s.at += int64(s.start)
	s.buf = append(to, kept...)
	s.start = 0
}

// readHeader decides at the start of a file whether it is one of ours.
func (s *scanner) readHeader() error {
	if ok, err := s.fill(1); !ok || err != nil || s.window()[0] != '#' {
		return err
	}
	line, err := s.line(0)
	if err != nil {
		return err
	}
	switch {
	case string(line) == headerLine:
		s.checked = true
		s.start += len(line)
	case bytes.HasPrefix(line, []byte(headerPrefix)):
		return &damage{pos: s.offset() + int64(len(headerPrefix)), err: fmt.Errorf("%w %q; this server reads version %s",
			ErrVersion, strings.TrimSpace(string(line[len(headerPrefix):])), version)}
	}
	return nil
}

// maxAnnotationBytes limits a line that begins with '#'.
const maxAnnotationBytes = 1024

// line returns the line at i, with its end. A line that the end of the file cuts is torn.
func (s *scanner) line(i int) ([]byte, error) {
	for n := i + 1; ; n++ {
		ok, err := s.fill(n)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, s.tornAt()
		}
		switch c := s.window()[n-1]; {
		case c == '\n':
			return s.window()[i:n], nil
		case c == 0 || n-i > maxAnnotationBytes:
			return nil, s.damageAt(n-1, errAnnotation)
		}
	}
}

func (s *scanner) tornAt() error {
	return &damage{pos: s.size, torn: true, err: ErrTruncated}
}

func (s *scanner) damageAt(i int, err error) error {
	return &damage{pos: s.offset() + int64(i), err: fmt.Errorf("%w: %w", ErrCorrupt, err)}
}

// next reads the next whole and verified unit into s.unit; io.EOF is the end of the file behind a whole unit, a
// *damage anything else that is wrong with the bytes, and any other error comes from reading.
func (s *scanner) next() error {
	s.start += s.unit.next
	s.unit = unit{args: s.unit.args[:0], argcs: s.unit.argcs[:0]}
	s.confirmed = false
	s.record++
	for {
		i := s.unit.length
		ok, err := s.fill(i + 1)
		if err != nil {
			return err
		}
		if !ok {
			return s.atEnd()
		}
		switch s.window()[i] {
		case '*':
			err = s.command(i)
		case '#':
			err = s.annotation(i)
		default:
			err = s.damageAt(i, errSyntax)
		}
		if err != nil {
			return err
		}
		if s.unit.next > 0 {
			return nil
		}
	}
}

// atEnd judges the end of the file where a command or an annotation could begin.
func (s *scanner) atEnd() error {
	switch {
	case s.unit.length == 0:
		s.record--
		return io.EOF
	case s.checked && s.unit.shape == shapeWhole && !s.last:
		// Our own files are synced before the next is opened, so the end without a checksum is another server's.
		s.goForeign(s.here())
		return nil
	}
	return s.tornAt()
}

func (s *scanner) here() mark {
	return mark{length: s.unit.length, args: len(s.unit.args), argcs: len(s.unit.argcs)}
}

// goForeign lets the current unit, up to end, stand without an annotation, and all that follow.
func (s *scanner) goForeign(end mark) {
	s.checked = false
	s.foreignFrom = s.offset()
	s.unit.args, s.unit.argcs = s.unit.args[:end.args], s.unit.argcs[:end.argcs]
	s.unit.length, s.unit.next = end.length, end.length
}

// suspect is called when another command follows a whole unit without an annotation in between. When the writer has
// finished a record further on, the unit is of an unusual shape or damaged, and its annotation will tell. Otherwise
// our writer did not write this: a torn write leaves at most one unit without its annotation. It takes two whole
// units to prove it.
func (s *scanner) suspect() error {
	found, err := s.annotationAhead(int64(s.unit.length))
	if err != nil {
		return err
	}
	if found {
		s.confirmed = true
		return nil
	}
	s.unit.lone = s.here()
	s.unit.shape = shapeEmpty
	return nil
}

func (s *scanner) command(i int) error {
	if s.checked && s.unit.shape == shapeWhole && !s.confirmed {
		if err := s.suspect(); err != nil {
			return err
		}
	}
	first := len(s.unit.args)
	end, err := s.parseCommand(i)
	if err != nil {
		return err
	}
	s.unit.length = end
	s.unit.argcs = append(s.unit.argcs, len(s.unit.args)-first)
	s.follow(s.unit.args[first:])
	switch {
	case !s.checked && s.unit.shape != shapeOpen:
		s.unit.next = s.unit.length
	case s.checked && s.unit.shape == shapeWhole && s.unit.lone.length > 0:
		s.goForeign(s.unit.lone)
	}
	return nil
}

// follow moves the shape on by one command. In a foreign file a SELECT is a unit like any other.
func (s *scanner) follow(args []span) {
	name := s.window()[args[0].from:args[0].to]
	switch {
	case s.unit.shape == shapeOpen:
		if isWord(name, "EXEC") {
			s.unit.shape = shapeWhole
		}
	case isWord(name, "MULTI"):
		s.unit.shape, s.unit.multi = shapeOpen, true
	case s.unit.shape == shapeEmpty && isWord(name, "SELECT"):
		s.unit.shape = shapeSelected
	default:
		s.unit.shape = shapeWhole
	}
}

func isWord(b []byte, word string) bool {
	return len(b) == len(word) && strings.EqualFold(string(b), word)
}

// parseCommand reads the command at i of the window, appends its arguments to s.unit.args and returns its end.
func (s *scanner) parseCommand(i int) (int, error) {
	count, i, err := s.number(i + 1)
	if err != nil {
		return 0, err
	}
	if count < 1 || count > maxCommandArgs {
		return 0, s.damageAt(i, errNumber)
	}
	for ; count > 0; count-- {
		ok, err := s.fill(i + 1)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, s.tornAt()
		}
		if s.window()[i] != '$' {
			return 0, s.damageAt(i, errSyntax)
		}
		length, from, err := s.number(i + 1)
		if err != nil {
			return 0, err
		}
		if i, err = s.bulk(from, length); err != nil {
			return 0, err
		}
		s.unit.args = append(s.unit.args, span{from, i - 2})
	}
	return i, nil
}

// bulk checks that length bytes and a line end follow at from, and returns the index behind.
func (s *scanner) bulk(from int, length int64) (int, error) {
	if length > s.size-s.offset()-int64(from) {
		return 0, s.tornAt()
	}
	to := from + int(length)
	for k, c := range []byte("\r\n") {
		ok, err := s.fill(to + k + 1)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, s.tornAt()
		}
		if s.window()[to+k] != c {
			return 0, s.damageAt(to+k, errSyntax)
		}
	}
	return to + 2, nil
}

// number reads a decimal and its line end at i of the window.
func (s *scanner) number(i int) (value int64, end int, err error) {
	for n := min(i+4, int(s.size-s.offset())); ; n++ {
		ok, err := s.fill(n)
		if err != nil {
			return 0, 0, err
		}
		if !ok {
			return 0, 0, s.tornAt()
		}
		value, end, bad, err := parseDecimal(s.window(), i)
		if err != nil {
			return 0, 0, s.damageAt(bad, err)
		}
		if end > 0 {
			return value, end, nil
		}
		n = max(n, len(s.window()))
	}
}

// annotation handles the line at i, which ends the unit in a checked file.
func (s *scanner) annotation(i int) error {
	line, err := s.line(i)
	if err != nil {
		return s.tornOrBad(i, err)
	}
	if bytes.HasPrefix(line, []byte(timePrefix)) {
		s.unit.length += len(line)
		if !s.checked && s.unit.shape == shapeEmpty {
			s.start += s.unit.length
			s.unit.length = 0
		}
		return nil
	}
	a, n, bad, err := parseAnnotation(line)
	switch {
	case err != nil || n == 0:
		return s.damageAt(i+bad, fmt.Errorf("%w: unknown annotation %.64q", errAnnotation, line))
	case !s.checked:
		return s.damageAt(i, fmt.Errorf("%w: a checksum in a part of the file without them", errAnnotation))
	case a.unitBytes != int64(i):
		return s.damageAt(i, fmt.Errorf("checksum line covers %d bytes, the record has %d", a.unitBytes, i))
	}
	if crc := s.sum.unit(s.offset(), s.window()[:i]); crc != a.crc {
		return s.damageAt(i, fmt.Errorf("crc is %08x, the file says %08x", crc, a.crc))
	}
	s.unit.next = i + n
	return nil
}

// tornOrBad makes sure that an annotation cut by the end of the file is a true beginning of one.
func (s *scanner) tornOrBad(i int, err error) error {
	var d *damage
	if !errors.As(err, &d) || !d.torn || !s.checked {
		return err
	}
	rest := s.window()[i:]
	if bytes.HasPrefix([]byte(timePrefix), rest) || bytes.HasPrefix(rest, []byte(timePrefix)) {
		return err
	}
	if _, _, bad, perr := parseAnnotation(rest); perr != nil {
		return s.damageAt(i+bad, perr)
	}
	return err
}

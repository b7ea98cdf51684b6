package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

const (
	readerBufferBytes = 64 << 10
	maxEmptyReads     = 100 // reads in a row without bytes or error before a source counts as broken
)

// ReaderOptions are the choices of a Reader.
type ReaderOptions struct {
	Checksum       bool   // keep the running CRC64
	MaxStringBytes uint64 // longer strings are ErrCorrupt; 0: any length
}

// Reader decodes primitives from an io.Reader through a buffer of 64 KB, or from memory. Its first error stays: every
// method then gives a zero value, so that a value's fields can be read in a row and Err asked once; loops over an
// announced number of elements must ask it each time round. It is for one goroutine.
type Reader struct {
	src       io.Reader // nil: everything is in buf
	opts      ReaderOptions
	buf       []byte // read from src
	pos       int    // buf[:pos] has been consumed
	summed    int    // buf[:summed] is in crc
	base      int64  // offset of buf[0]
	crc       uint64
	tables    *crcTables
	scratch   []byte // of NextString
	capture   []byte // takes what is consumed while capturing is on
	capturing bool
	err       error
}

// NewReader makes a Reader of src. It reads ahead: what follows the last value is in Buffered and then in src.
func NewReader(src io.Reader, opts ReaderOptions) *Reader {
	return &Reader{src: src, opts: opts, buf: make([]byte, 0, readerBufferBytes), tables: jonesTables()}
}

// NewBytesReader makes a Reader of p, which it does not copy or change.
func NewBytesReader(p []byte, opts ReaderOptions) *Reader {
	return &Reader{opts: opts, buf: p[:len(p):len(p)], tables: jonesTables()}
}

// Err is the first error: ErrTruncated or ErrCorrupt with an offset, or that of the source.
func (r *Reader) Err() error {
	return r.err
}

// Offset is the number of bytes consumed.
func (r *Reader) Offset() int64 {
	return r.base + int64(r.pos)
}

// Buffered is what was read ahead and not consumed. It is valid until the next read.
func (r *Reader) Buffered() []byte {
	return r.buf[r.pos:]
}

// Sum is the CRC64 of all that was consumed; 0 without ReaderOptions.Checksum.
func (r *Reader) Sum() uint64 {
	if r.opts.Checksum {
		r.crc = r.tables.update(r.crc, r.buf[r.summed:r.pos])
		r.summed = r.pos
	}
	return r.crc
}

// Corrupt makes what the caller found wrong the Reader's error, unless it has one, and gives the error there is.
func (r *Reader) Corrupt(format string, args ...any) error {
	return r.fail(fmt.Errorf("%w: %s at byte %d", ErrCorrupt, fmt.Sprintf(format, args...), r.Offset()))
}

// ReadOpcode reads one byte: an opcode or a value type.
func (r *Reader) ReadOpcode() byte {
	p := r.next(1)
	if p == nil {
		return 0
	}
	return p[0]
}

// ReadLen reads a length. A string encoding in its place is ErrCorrupt.
func (r *Reader) ReadLen() uint64 {
	n, special := r.readLen()
	if special {
		r.Corrupt("string encoding %d in the place of a length", n&^lenSpecial)
		return 0
	}
	return n
}

// readLen reads a length, or a string's encoding byte with special set.
func (r *Reader) readLen() (n uint64, special bool) {
	c := r.ReadOpcode()
	switch {
	case c < len14Bit:
		return uint64(c), false
	case c < len32Bit:
		return uint64(c&0x3F)<<8 | uint64(r.ReadOpcode()), false
	case c >= lenSpecial:
		return uint64(c), true
	case c == len32Bit:
		if p := r.next(4); p != nil {
			return uint64(binary.BigEndian.Uint32(p)), false
		}
	case c == len64Bit:
		if p := r.next(8); p != nil {
			return binary.BigEndian.Uint64(p), false
		}
	default:
		r.Corrupt("unknown length encoding %#x", c)
	}
	return 0, false
}

// ReadString reads a string in any encoding and appends it to dst.
func (r *Reader) ReadString(dst []byte) []byte {
	n, special := r.readLen()
	if special {
		return r.readSpecial(dst, byte(n))
	}
	if !r.allow(n) {
		return dst
	}
	return r.ReadRaw(dst, n)
}

// NextString reads a string in any encoding. The bytes are a view, often of the buffer itself, valid until the next call
// of any method.
func (r *Reader) NextString() []byte {
	n, special := r.readLen()
	if !special && r.allow(n) && n <= r.window() {
		return r.next(int(n))
	}
	if r.err != nil {
		return nil
	}
	if cap(r.scratch) > maxIdleBytes {
		r.scratch = nil
	}
	if special {
		r.scratch = r.readSpecial(r.scratch[:0], byte(n))
	} else {
		r.scratch = r.ReadRaw(r.scratch[:0], n)
	}
	if r.err != nil {
		return nil
	}
	return r.scratch
}

// SkipString passes over a string in any encoding.
func (r *Reader) SkipString() {
	n, special := r.readLen()
	if special {
		switch n {
		case specialInt8:
			n = 1
		case specialInt16:
			n = 2
		case specialInt32:
			n = 4
		case specialLZF:
			n = r.ReadLen()
			r.ReadLen()
		default:
			r.Corrupt("unknown string encoding %d", n&^lenSpecial)
		}
	}
	r.Skip(n)
}

// ReadRaw appends the next n bytes to dst, which grows with what arrives.
func (r *Reader) ReadRaw(dst []byte, n uint64) []byte {
	start := len(dst)
	for n > 0 && r.err == nil {
		have := len(r.buf) - r.pos
		if have == 0 && n >= readerBufferBytes && r.src != nil {
			var got int
			dst, got = r.readThrough(dst, n)
			n -= uint64(got)
			continue
		}
		chunk := r.next(int(min(n, uint64(max(1, have)))))
		dst = append(dst, chunk...)
		n -= uint64(len(chunk))
	}
	if r.err != nil {
		return dst[:start]
	}
	return dst
}

// Skip passes over n bytes.
func (r *Reader) Skip(n uint64) {
	for n > 0 && r.err == nil {
		n -= uint64(len(r.next(int(min(n, uint64(max(1, len(r.buf)-r.pos)))))))
	}
}

// ReadMillis reads a time in milliseconds since 1970.
func (r *Reader) ReadMillis() int64 {
	p := r.next(8)
	if p == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(p))
}

// ReadSeconds reads a time in seconds since 1970, as old files have it.
func (r *Reader) ReadSeconds() int64 {
	p := r.next(4)
	if p == nil {
		return 0
	}
	return int64(int32(binary.LittleEndian.Uint32(p)))
}

// ReadDouble reads a float of 8 bytes.
func (r *Reader) ReadDouble() float64 {
	return math.Float64frombits(uint64(r.ReadMillis()))
}

// ReadFloat reads a float of 4 bytes.
func (r *Reader) ReadFloat() float32 {
	p := r.next(4)
	if p == nil {
		return 0
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(p))
}

// ReadTextDouble reads a float kept as text.
func (r *Reader) ReadTextDouble() float64 {
	switch n := r.ReadOpcode(); {
	case r.err != nil:
		return 0
	case n == textNaN:
		return math.NaN()
	case n == textPositiveInf:
		return math.Inf(1)
	case n == textNegativeInf:
		return math.Inf(-1)
	default:
		text := r.next(int(n))
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			r.Corrupt("bad double %q", text)
			return 0
		}
		return f
	}
}

// readSpecial appends the string that follows the encoding byte c.
func (r *Reader) readSpecial(dst []byte, c byte) []byte {
	switch c {
	case specialInt8:
		if p := r.next(1); p != nil {
			return strconv.AppendInt(dst, int64(int8(p[0])), 10)
		}
	case specialInt16:
		if p := r.next(2); p != nil {
			return strconv.AppendInt(dst, int64(int16(binary.LittleEndian.Uint16(p))), 10)
		}
	case specialInt32:
		if p := r.next(4); p != nil {
			return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(p))), 10)
		}
	case specialLZF:
		return r.readLZF(dst)
	default:
		r.Corrupt("unknown string encoding %d", c&^lenSpecial)
	}
	return dst
}

// readLZF appends a compressed string. Its data is gathered before room for the result is made.
func (r *Reader) readLZF(dst []byte) []byte {
	compressed, size := r.ReadLen(), r.ReadLen()
	if !r.allow(size) || !r.allow(compressed) {
		return dst
	}
	if size > math.MaxInt {
		r.Corrupt("string of %d bytes", size)
		return dst
	}
	var data []byte
	if compressed <= r.window() {
		data = r.next(int(compressed))
	} else {
		data = r.ReadRaw(nil, compressed)
	}
	if r.err != nil {
		return dst
	}
	out, err := Decompress(dst, data, int(size))
	if err != nil {
		r.fail(fmt.Errorf("%w at byte %d", err, r.Offset()))
	}
	return out
}

// allow reports whether a string may be n bytes long, and makes it an error when not. It is false after any error.
func (r *Reader) allow(n uint64) bool {
	if limit := r.opts.MaxStringBytes; limit > 0 && n > limit {
		r.Corrupt("string of %d bytes where %d are allowed", n, limit)
	}
	return r.err == nil
}

// window is the largest n that next can give.
func (r *Reader) window() uint64 {
	if r.src == nil {
		return uint64(len(r.buf))
	}
	return uint64(cap(r.buf))
}

// next consumes n bytes, at most window, and gives a view of them; nil after an error.
func (r *Reader) next(n int) []byte {
	if n > len(r.buf)-r.pos && !r.fill(n) || r.err != nil {
		return nil
	}
	p := r.buf[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	if r.capturing {
		r.capture = append(r.capture, p...)
	}
	return p
}

// fill reads until n unconsumed bytes are there and reports whether they are.
func (r *Reader) fill(n int) bool {
	if r.err != nil {
		return false
	}
	if r.src == nil {
		r.fail(fmt.Errorf("%w at byte %d", ErrTruncated, r.base+int64(len(r.buf))))
		return false
	}
	r.Sum()
	r.base += int64(r.pos)
	kept := copy(r.buf, r.buf[r.pos:])
	r.buf, r.pos, r.summed = r.buf[:kept], 0, 0
	for empty := 0; len(r.buf) < n; empty++ {
		got, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+got]
		if got > 0 {
			empty = 0
		}
		if err != nil && len(r.buf) < n || empty >= maxEmptyReads {
			r.failRead(err, r.base+int64(len(r.buf)))
			return false
		}
	}
	return true
}

// readThrough reads at most n bytes from the source into dst, past the buffer, which is empty. It doubles dst at most.
func (r *Reader) readThrough(dst []byte, n uint64) ([]byte, int) {
	r.Sum()
	r.base += int64(r.pos)
	r.buf, r.pos, r.summed = r.buf[:0], 0, 0
	start := len(dst)
	want := int(min(n, max(uint64(start), readerBufferBytes)))
	dst = slices.Grow(dst, want)[:start+want]
	got, err := io.ReadFull(r.src, dst[start:])
	dst = dst[:start+got]
	if r.capturing {
		r.capture = append(r.capture, dst[start:]...)
	}
	if r.opts.Checksum {
		r.crc = r.tables.update(r.crc, dst[start:])
	}
	r.base += int64(got)
	if err != nil {
		r.failRead(err, r.base)
	}
	return dst, got
}

// failRead turns an error of the source at offset off into the Reader's; nil is a source that gave nothing again and again.
func (r *Reader) failRead(err error, off int64) {
	switch {
	case err == nil:
		err = io.ErrNoProgress
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.fail(fmt.Errorf("%w at byte %d", ErrTruncated, off))
		return
	}
	r.fail(fmt.Errorf("read rdb at byte %d: %w", off, err))
}

// fail keeps the first error.
func (r *Reader) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	return r.err
}

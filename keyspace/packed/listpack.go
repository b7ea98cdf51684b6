package packed

import (
	"encoding/binary"
	"math"
	"strconv"
)

// MaxSize is the number of bytes beyond which Redis refuses to grow a listpack. The format itself ends at 4 GiB; an edit
// that would pass that is a broken invariant and panics.
const MaxSize = 1 << 30

const (
	headerSize   = 6     // total bytes (4) and element count (2), little endian
	emptySize    = 7     // header and end marker
	unknownCount = 65535 // stored count once there were that many elements: they must be walked
	endMarker    = 0xFF
)

// The first byte of an entry. The top bits select the short forms, the full byte the long ones.
const (
	tagUint7  = 0x00 // 0vvvvvvv
	tagStr6   = 0x80 // 10llllll, text
	tagInt13  = 0xC0 // 110vvvvv vvvvvvvv
	tagStr12  = 0xE0 // 1110llll llllllll, text
	tagStr32  = 0xF0 // length (4, little endian), text
	tagInt16  = 0xF1
	tagInt24  = 0xF2
	tagInt32  = 0xF3
	tagInt64  = 0xF4
	tagBeyond = 0xF5 // first byte no entry starts with; the end marker is above it
)

// New appends an empty listpack to dst.
func New(dst []byte) []byte {
	return append(dst, emptySize, 0, 0, 0, 0, 0, endMarker)
}

// Len counts the elements of the listpack b: O(1) below 65535 elements, a walk beyond.
func Len(b []byte) int {
	if n := storedCount(b); n != unknownCount {
		return n
	}
	n := 0
	for off := headerSize; b[off] != endMarker; off += entrySize(b, off) {
		n++
	}
	return n
}

// First gives the offset of the first entry, -1 when b is empty.
func First(b []byte) int {
	if b[headerSize] == endMarker {
		return -1
	}
	return headerSize
}

// Last gives the offset of the last entry, -1 when b is empty.
func Last(b []byte) int {
	return Prev(b, len(b)-1)
}

// Next gives the offset of the entry after the one at off, -1 when that was the last.
func Next(b []byte, off int) int {
	off += entrySize(b, off)
	if b[off] == endMarker {
		return -1
	}
	return off
}

// Prev gives the offset of the entry before the one at off, which may be the end marker; -1 when there is none.
func Prev(b []byte, off int) int {
	if off <= headerSize {
		return -1
	}
	size := 0
	for i, shift := off-1, 0; ; i, shift = i-1, shift+7 {
		size |= int(b[i]&0x7F) << shift
		if b[i] < 0x80 {
			break
		}
	}
	return off - size - backlenSize(size)
}

// Index gives the offset of element i, or -1 when i is out of range. A negative i counts from the tail, -1 being the last
// element. It walks from the nearer end.
func Index(b []byte, i int) int {
	if n := storedCount(b); n != unknownCount {
		if i >= n || i < -n {
			return -1
		}
		if i >= 0 && i > n/2 {
			i -= n
		} else if i < -n/2 {
			i += n
		}
	}
	if i < 0 {
		off := Last(b)
		for ; off >= 0 && i < -1; i++ {
			off = Prev(b, off)
		}
		return off
	}
	off := First(b)
	for ; off >= 0 && i > 0; i-- {
		off = Next(b, off)
	}
	return off
}

// Value is one element. For a string Bytes is a view into the listpack, valid until the listpack is edited or moved, and not
// nil; for an integer it is nil, and Int has the number. It is no larger than what the compiler keeps in registers.
type Value struct {
	Bytes []byte
	Int   int64
}

// IsInt reports whether the element is an integer.
func (v Value) IsInt() bool { return v.Bytes == nil }

// Get reads the element at off.
func Get(b []byte, off int) Value {
	c := b[off]
	switch {
	case c < tagStr6:
		return Value{Int: int64(c)}
	case c < tagInt13:
		return Value{Bytes: view(b, off+1, int(c&0x3F))}
	case c < tagStr12:
		n := int64(c&0x1F)<<8 | int64(b[off+1])
		return Value{Int: n << 51 >> 51}
	case c < tagStr32:
		return Value{Bytes: view(b, off+2, int(c&0x0F)<<8|int(b[off+1]))}
	case c == tagStr32:
		return Value{Bytes: view(b, off+5, int(binary.LittleEndian.Uint32(b[off+1:])))}
	}
	return Value{Int: wideInt(b, off)}
}

// view cuts n bytes at off so that appending to them cannot reach the rest of b.
func view(b []byte, off, n int) []byte {
	return b[off : off+n : off+n]
}

// wideInt reads an integer of 16 to 64 bits at off.
func wideInt(b []byte, off int) int64 {
	switch b[off] {
	case tagInt16:
		return int64(int16(binary.LittleEndian.Uint16(b[off+1:])))
	case tagInt24:
		n := int32(b[off+1])<<8 | int32(b[off+2])<<16 | int32(b[off+3])<<24
		return int64(n >> 8)
	case tagInt32:
		return int64(int32(binary.LittleEndian.Uint32(b[off+1:])))
	}
	return int64(binary.LittleEndian.Uint64(b[off+1:]))
}

// AppendTo appends the element's text to dst.
func (v Value) AppendTo(dst []byte) []byte {
	if v.IsInt() {
		return strconv.AppendInt(dst, v.Int, 10)
	}
	return append(dst, v.Bytes...)
}

// Len is the number of bytes of the element's text.
func (v Value) Len() int {
	if v.IsInt() {
		return intTextLen(v.Int)
	}
	return len(v.Bytes)
}

// Equal reports whether the element's text is elem.
func (v Value) Equal(elem []byte) bool {
	if v.IsInt() {
		n, ok := ParseInt(elem)
		return ok && n == v.Int
	}
	return string(v.Bytes) == string(elem)
}

// Float reads the element as a sorted set's score: an integer, or text such as "1.5", "1e+300", "inf", "-inf". It reports
// false for text that is no number, is not a number (NaN) or is out of range.
func (v Value) Float() (float64, bool) {
	if v.IsInt() {
		return float64(v.Int), true
	}
	f, err := strconv.ParseFloat(string(v.Bytes), 64)
	return f, err == nil && !math.IsNaN(f)
}

// Find looks for elem from the entry at off on, comparing that entry and after it every skip+1-th one (skip 1 looks at the
// fields of a hash and not at its values). It gives the offset, or -1 when there is none or off is -1.
func Find(b []byte, off int, elem []byte, skip int) int {
	if off < 0 {
		return -1
	}
	n, isInt := ParseInt(elem)
	for left := 0; b[off] != endMarker; left-- {
		c := b[off]
		if left > 0 {
			off += entrySize(b, off)
			continue
		}
		left = skip + 1
		if c >= tagStr6 && c < tagInt13 {
			size := int(c & 0x3F)
			if size == len(elem) && string(b[off+1:off+1+size]) == string(elem) {
				return off
			}
			off += size + 2
			continue
		}
		if v := Get(b, off); v.IsInt() && isInt && v.Int == n || !v.IsInt() && string(v.Bytes) == string(elem) {
			return off
		}
		off += entrySize(b, off)
	}
	return -1
}

// storedCount reads the element count of the header.
func storedCount(b []byte) int {
	return int(binary.LittleEndian.Uint16(b[4:]))
}

// entrySize is the whole size in bytes of the entry at off.
func entrySize(b []byte, off int) int {
	c := b[off]
	if c < tagStr6 {
		return 2
	}
	if c < tagInt13 {
		return int(c&0x3F) + 2
	}
	n := longBodySize(b, off)
	return n + backlenSize(n)
}

// bodySize is the size in bytes of the entry at off without its backlen; 0 for a byte no entry starts with.
func bodySize(b []byte, off int) int {
	c := b[off]
	if c < tagStr6 {
		return 1
	}
	if c < tagInt13 {
		return int(c&0x3F) + 1
	}
	return longBodySize(b, off)
}

// longBodySize is bodySize of the entries that are neither small integers nor short strings.
func longBodySize(b []byte, off int) int {
	c := b[off]
	switch {
	case c < tagStr12:
		return 2
	case c < tagStr32:
		return 2 + int(c&0x0F)<<8 + int(b[off+1])
	case c == tagStr32:
		return 5 + int(binary.LittleEndian.Uint32(b[off+1:]))
	}
	return wideIntSize(c)
}

// wideIntSize is the body size of an integer with a full tag byte, 0 when c is none.
func wideIntSize(c byte) int {
	switch c {
	case tagInt16:
		return 3
	case tagInt24:
		return 4
	case tagInt32:
		return 5
	case tagInt64:
		return 9
	}
	return 0
}

// backlenSize is the number of bytes that hold a body size of n. The limits of the wider forms are one lower than seven
// bits a byte would allow; Redis writes them so.
func backlenSize(n int) int {
	switch {
	case n <= 127:
		return 1
	case n < 16383:
		return 2
	case n < 2097151:
		return 3
	case n < 268435455:
		return 4
	}
	return 5
}

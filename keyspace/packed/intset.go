package packed

import (
	"encoding/binary"
	"math"
)

// intsetHeader is the width in bytes of each integer (4) and their number (4), little endian.
const intsetHeader = 8

// NewIntset appends an empty intset to dst.
func NewIntset(dst []byte) []byte {
	return append(dst, 2, 0, 0, 0, 0, 0, 0, 0)
}

// IntsetLen counts the integers of b.
func IntsetLen(b []byte) int {
	return int(binary.LittleEndian.Uint32(b[4:]))
}

// IntsetAt gives the i-th smallest integer, 0 <= i < IntsetLen(b).
func IntsetAt(b []byte, i int) int64 {
	return intAt(b, i, intsetWidth(b))
}

// IntsetFind looks for n. pos is its index, or the index at which it would be inserted.
func IntsetFind(b []byte, n int64) (pos int, ok bool) {
	width := intsetWidth(b)
	low, high := 0, IntsetLen(b)
	if intWidth(n) > width {
		if n < 0 {
			return 0, false
		}
		return high, false
	}
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch at := intAt(b, mid, width); {
		case at == n:
			return mid, true
		case at < n:
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// IntsetGrown is the number of bytes of b after IntsetAdd(b, n): len(b) when n is already there.
func IntsetGrown(b []byte, n int64) int {
	if width := intWidth(n); width > intsetWidth(b) {
		return intsetHeader + (IntsetLen(b)+1)*width
	}
	if _, ok := IntsetFind(b, n); ok {
		return len(b)
	}
	return len(b) + intsetWidth(b)
}

// IntsetAdd inserts n and reports whether it was new. When n needs more bytes than the integers have, all are widened. It
// edits in place when cap(b) holds the result, as append does.
func IntsetAdd(b []byte, n int64) ([]byte, bool) {
	if width := intWidth(n); width > intsetWidth(b) {
		return intsetWiden(b, n, width), true
	}
	pos, ok := IntsetFind(b, n)
	if ok {
		return b, false
	}
	width, size := intsetWidth(b), len(b)
	count := IntsetLen(b) + 1
	at := intsetHeader + pos*width
	b = extend(b, width)
	copy(b[at+width:], b[at:size])
	putInt(b, pos, width, n)
	binary.LittleEndian.PutUint32(b[4:], uint32(count))
	if invariants {
		checkIntset(b)
	}
	return b, true
}

// IntsetRemove removes n in place and reports whether it was there. The width of the others stays.
func IntsetRemove(b []byte, n int64) ([]byte, bool) {
	pos, ok := IntsetFind(b, n)
	if !ok {
		return b, false
	}
	width := intsetWidth(b)
	at := intsetHeader + pos*width
	b = append(b[:at], b[at+width:]...)
	binary.LittleEndian.PutUint32(b[4:], uint32(IntsetLen(b)-1))
	if invariants {
		checkIntset(b)
	}
	return b, true
}

// intsetWiden gives all integers the given greater width and adds n, which needs it and so is the least or the greatest.
func intsetWiden(b []byte, n int64, width int) []byte {
	was, count := intsetWidth(b), IntsetLen(b)
	b = extend(b, intsetHeader+(count+1)*width-len(b))
	shift := 0
	if n < 0 {
		shift = 1
	}
	for i := count - 1; i >= 0; i-- { // from the end, as each is written at or after where it was read
		putInt(b, i+shift, width, intAt(b, i, was))
	}
	if n < 0 {
		putInt(b, 0, width, n)
	} else {
		putInt(b, count, width, n)
	}
	binary.LittleEndian.PutUint32(b, uint32(width))
	binary.LittleEndian.PutUint32(b[4:], uint32(count+1))
	if invariants {
		checkIntset(b)
	}
	return b
}

// intsetWidth is the width in bytes of each integer of b.
func intsetWidth(b []byte) int {
	return int(b[0])
}

// intWidth is the least width in bytes an intset needs for n.
func intWidth(n int64) int {
	switch {
	case n >= math.MinInt16 && n <= math.MaxInt16:
		return 2
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return 4
	}
	return 8
}

// intAt reads the i-th integer at the given width.
func intAt(b []byte, i, width int) int64 {
	p := b[intsetHeader+i*width:]
	switch width {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(p)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(p)))
	}
	return int64(binary.LittleEndian.Uint64(p))
}

// putInt writes the i-th integer at the given width.
func putInt(b []byte, i, width int, n int64) {
	p := b[intsetHeader+i*width:]
	switch width {
	case 2:
		binary.LittleEndian.PutUint16(p, uint16(n))
	case 4:
		binary.LittleEndian.PutUint32(p, uint32(n))
	default:
		binary.LittleEndian.PutUint64(p, uint64(n))
	}
}

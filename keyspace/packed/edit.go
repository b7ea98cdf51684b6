package packed

import (
	"encoding/binary"
	"math"
)

// The editing functions have the semantics of append: they edit in place when cap(b) holds the result, and otherwise
// return a grown copy. They neither retain elem nor may elem alias b. The sizes a caller must provide are
// EntrySize, EntrySizeInt, ReplacedSize and their forms for integers and floats.

// EntrySize is the number of bytes elem takes as an entry: Append, Prepend and Insert make a listpack exactly that much
// longer.
func EntrySize(elem []byte) int {
	if n, ok := ParseInt(elem); ok {
		return EntrySizeInt(n)
	}
	body := stringBodySize(len(elem))
	return body + backlenSize(body)
}

// EntrySizeInt is EntrySize of n's decimal text.
func EntrySizeInt(n int64) int {
	return intBodySize(n) + 1
}

// ReplacedSize is the number of bytes of b after Replace(b, off, elem).
func ReplacedSize(b []byte, off int, elem []byte) int {
	return len(b) - entrySize(b, off) + EntrySize(elem)
}

// ReplacedSizeInt is the number of bytes of b after ReplaceInt(b, off, n).
func ReplacedSizeInt(b []byte, off int, n int64) int {
	return len(b) - entrySize(b, off) + EntrySizeInt(n)
}

// Append adds elem at the tail.
func Append(b, elem []byte) []byte {
	return Insert(b, len(b)-1, elem)
}

// AppendInt adds n's decimal text at the tail.
func AppendInt(b []byte, n int64) []byte {
	return InsertInt(b, len(b)-1, n)
}

// Prepend adds elem at the head.
func Prepend(b, elem []byte) []byte {
	return Insert(b, headerSize, elem)
}

// Insert adds elem before the entry at off; the offset of the end marker, len(b)-1, appends. The new entry is at off.
func Insert(b []byte, off int, elem []byte) []byte {
	b = replace(b, off, 0, elem)
	addCount(b, 1)
	if invariants {
		checkListpack(b, off)
	}
	return b
}

// InsertInt is Insert of n's decimal text.
func InsertInt(b []byte, off int, n int64) []byte {
	b = replaceInt(b, off, 0, n)
	addCount(b, 1)
	if invariants {
		checkListpack(b, off)
	}
	return b
}

// Replace puts elem in the place of the entry at off; it stays at off.
func Replace(b []byte, off int, elem []byte) []byte {
	b = replace(b, off, entrySize(b, off), elem)
	if invariants {
		checkListpack(b, off)
	}
	return b
}

// ReplaceInt is Replace with n's decimal text.
func ReplaceInt(b []byte, off int, n int64) []byte {
	b = replaceInt(b, off, entrySize(b, off), n)
	if invariants {
		checkListpack(b, off)
	}
	return b
}

// Delete removes n entries from the one at off on, or as many as there are. The entry that followed them, or the end
// marker, is then at off.
func Delete(b []byte, off, n int) []byte {
	end, removed := off, 0
	for removed < n && b[end] != endMarker {
		end += entrySize(b, end)
		removed++
	}
	b = splice(b, off, end-off, 0)
	addCount(b, -removed)
	if invariants {
		checkListpack(b, off)
	}
	return b
}

// replace writes elem's entry over the size bytes at off.
func replace(b []byte, off, size int, elem []byte) []byte {
	if n, ok := ParseInt(elem); ok {
		return replaceInt(b, off, size, n)
	}
	body := stringBodySize(len(elem))
	b = splice(b, off, size, body+backlenSize(body))
	putText(b[off:], elem, body)
	return b
}

// replaceInt writes n's entry over the size bytes at off.
func replaceInt(b []byte, off, size int, n int64) []byte {
	body := intBodySize(n)
	b = splice(b, off, size, body+1)
	putInteger(b[off:], n, body)
	return b
}

// putText writes a text's entry, whose body has the given size.
func putText(b, elem []byte, body int) {
	head := 1
	switch n := len(elem); {
	case n < 1<<6:
		b[0] = tagStr6 | byte(n)
	case n < 1<<12:
		b[0], b[1] = tagStr12|byte(n>>8), byte(n)
		head = 2
	default:
		b[0] = tagStr32
		binary.LittleEndian.PutUint32(b[1:], uint32(n))
		head = 5
	}
	copy(b[head:], elem)
	putBacklen(b[body:], body)
}

// putInteger writes an integer's entry, whose body has the given size.
func putInteger(b []byte, n int64, body int) {
	switch body {
	case 1:
		b[0] = tagUint7 | byte(n)
	case 2:
		b[0], b[1] = tagInt13|byte(n>>8)&0x1F, byte(n)
	case 3:
		b[0] = tagInt16
		binary.LittleEndian.PutUint16(b[1:], uint16(n))
	case 4:
		b[0], b[1], b[2], b[3] = tagInt24, byte(n), byte(n>>8), byte(n>>16)
	case 5:
		b[0] = tagInt32
		binary.LittleEndian.PutUint32(b[1:], uint32(n))
	default:
		b[0] = tagInt64
		binary.LittleEndian.PutUint64(b[1:], uint64(n))
	}
	b[body] = byte(body)
}

// PrependIn is Prepend for a listpack that begins at start within a block and has the bytes before start to grow into, at
// least EntrySize(elem) of them. It moves nothing but the header, and returns where the listpack begins now.
func PrependIn(block []byte, start int, elem []byte) int {
	n, isInt := ParseInt(elem)
	body, size := 0, 0
	if isInt {
		body = intBodySize(n)
		size = body + 1
	} else {
		body = stringBodySize(len(elem))
		size = body + backlenSize(body)
	}
	at := moveHeader(block, start, -size, 1)
	if isInt {
		putInteger(block[at+headerSize:], n, body)
	} else {
		putText(block[at+headerSize:], elem, body)
	}
	if invariants {
		checkListpack(listpackAt(block, at), headerSize)
	}
	return at
}

// DeleteFirst removes the first entry of the listpack, which has one, at start within a block. It moves nothing but the
// header, and returns where the listpack begins now.
func DeleteFirst(block []byte, start int) int {
	at := moveHeader(block, start, entrySize(block[start:], headerSize), -1)
	if invariants {
		checkListpack(listpackAt(block, at), headerSize)
	}
	return at
}

// listpackAt cuts the listpack that begins at start out of a block.
func listpackAt(block []byte, start int) []byte {
	return block[start : start+int(binary.LittleEndian.Uint32(block[start:]))]
}

// moveHeader moves a header by d bytes, by which the listpack becomes shorter, and counts its elements anew.
func moveHeader(block []byte, start, d, count int) int {
	b := block[start+d:]
	size := int(binary.LittleEndian.Uint32(block[start:])) - d
	copy(b[:headerSize], block[start:start+headerSize])
	binary.LittleEndian.PutUint32(b, uint32(size))
	addCount(b, count)
	return start + d
}

// stringBodySize is the size of a string entry of n text bytes without its backlen.
func stringBodySize(n int) int {
	switch {
	case n < 1<<6:
		return 1 + n
	case n < 1<<12:
		return 2 + n
	}
	return 5 + n
}

// intBodySize is the size of the shortest entry that holds n, without its backlen, which is one byte.
func intBodySize(n int64) int {
	switch {
	case n >= 0 && n < 1<<7:
		return 1
	case n >= -1<<12 && n < 1<<12:
		return 2
	case n >= math.MinInt16 && n <= math.MaxInt16:
		return 3
	case n >= -1<<23 && n < 1<<23:
		return 4
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return 5
	}
	return 9
}

// putBacklen writes a body size so that it can be read from its last byte backwards: seven bits a byte, most significant
// first, the top bit set on all but the first.
func putBacklen(dst []byte, body int) {
	for i := backlenSize(body) - 1; i > 0; i-- {
		dst[i] = byte(body) | 0x80
		body >>= 7
	}
	dst[0] = byte(body)
}

// splice turns the was bytes at off into now bytes of unspecified contents and updates the header's size.
func splice(b []byte, off, was, now int) []byte {
	n := len(b)
	size := n + now - was
	if size > math.MaxUint32 {
		panic("packed: listpack would pass 4 GiB")
	}
	if size > n {
		b = extend(b, size-n)
	}
	copy(b[off+now:], b[off+was:n])
	b = b[:size]
	binary.LittleEndian.PutUint32(b, uint32(size))
	return b
}

// extend makes b longer by n bytes, in place when its capacity allows.
func extend(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b[:len(b)+n]
	}
	return append(b, make([]byte, n)...)
}

// addCount changes the header's element count, which stays unknown once it was.
func addCount(b []byte, delta int) {
	if n := storedCount(b); n != unknownCount {
		binary.LittleEndian.PutUint16(b[4:], uint16(n+delta))
	}
}

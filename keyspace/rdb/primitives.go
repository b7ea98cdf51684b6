package rdb

import (
	"encoding/binary"
	"math"
	"strconv"

	"datastore/keyspace/packed"
)

// The two top bits of a length's first byte. With lenSpecial the other six are no length but tell how a string is encoded.
const (
	len6Bit    = 0x00 // 00llllll
	len14Bit   = 0x40 // 01llllll llllllll
	len32Bit   = 0x80 // 32 bits, big endian
	len64Bit   = 0x81 // 64 bits, big endian
	lenSpecial = 0xC0

	specialInt8  = 0xC0
	specialInt16 = 0xC1 // little endian
	specialInt32 = 0xC2 // little endian
	specialLZF   = 0xC3 // compressed length, length, data
)

const (
	maxIntText  = 11 // longest text saved as an integer: "-2147483648"
	minLZFBytes = 21 // shortest text worth compressing
)

// The first byte of a double kept as text is the text's length, or one of these.
const (
	textNaN         = 253
	textPositiveInf = 254
	textNegativeInf = 255
)

// AppendLen appends a length in 1, 2, 5 or 9 bytes.
func AppendLen(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(dst, len6Bit|byte(n))
	case n < 1<<14:
		return append(dst, len14Bit|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, len32Bit), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, len64Bit), n)
}

// lenSize is the number of bytes AppendLen appends.
func lenSize(n uint64) int {
	switch {
	case n < 1<<6:
		return 1
	case n < 1<<14:
		return 2
	case n <= math.MaxUint32:
		return 5
	}
	return 9
}

// AppendString appends a string: as an integer when it is the decimal text of an int32, LZF-compressed when compress is
// set, it is longer than 20 bytes and that saves at least 4 bytes, and otherwise plain.
func AppendString(dst, s []byte, compress bool) []byte {
	if len(s) <= maxIntText {
		if n, ok := packed.ParseInt(s); ok && n == int64(int32(n)) {
			return appendSmallInt(dst, int32(n))
		}
	}
	if compress && len(s) >= minLZFBytes {
		if out, ok := appendLZF(dst, s); ok {
			return out
		}
	}
	return append(AppendLen(dst, uint64(len(s))), s...)
}

// AppendInt appends the string that is n's decimal text.
func AppendInt(dst []byte, n int64) []byte {
	if n == int64(int32(n)) {
		return appendSmallInt(dst, int32(n))
	}
	var text [20]byte
	s := strconv.AppendInt(text[:0], n, 10)
	return append(AppendLen(dst, uint64(len(s))), s...)
}

// appendSmallInt appends a string that is an integer in the fewest bytes.
func appendSmallInt(dst []byte, n int32) []byte {
	switch {
	case n == int32(int8(n)):
		return append(dst, specialInt8, byte(n))
	case n == int32(int16(n)):
		return binary.LittleEndian.AppendUint16(append(dst, specialInt16), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(dst, specialInt32), uint32(n))
}

// appendLZF appends s compressed and reports whether that was worth it. The compressed length comes first but is known
// last, so room for the longest it can be is left and closed up.
func appendLZF(dst, s []byte) ([]byte, bool) {
	start, size := len(dst), uint64(len(s))
	room := 1 + 2*lenSize(size)
	var blank [19]byte
	out, ok := Compress(append(dst, blank[:room]...), s)
	if !ok {
		return dst, false
	}
	data := out[start+room:]
	head := AppendLen(append(out[:start], specialLZF), uint64(len(data)))
	head = AppendLen(head, size)
	return append(head, data...), true
}

// AppendMillis appends a time in milliseconds since 1970.
func AppendMillis(dst []byte, ms int64) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(ms))
}

// AppendDouble appends f in 8 bytes, as the scores of sorted sets.
func AppendDouble(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// AppendFloat appends f in 4 bytes, as in module values.
func AppendFloat(dst []byte, f float32) []byte {
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
}

// AppendTextDouble appends f as text with a length byte, the form of scores before RDB version 8.
func AppendTextDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, textNaN)
	case math.IsInf(f, 1):
		return append(dst, textPositiveInf)
	case math.IsInf(f, -1):
		return append(dst, textNegativeInf)
	}
	var text [32]byte
	s := strconv.AppendFloat(text[:0], f, 'g', 17, 64)
	return append(append(dst, byte(len(s))), s...)
}

package packed

import (
	"math"
	"strconv"
)

// maxIntScore is the magnitude up to which Redis keeps a whole score as an integer.
const maxIntScore = 1 << 62

// The functions below store f as Redis stores the score of a sorted set's member: as an integer when it is whole and its
// magnitude is at most 2^62, otherwise as text with 17 significant digits. Negative zero becomes 0. f must not be NaN.

// EntrySizeFloat is the number of bytes f takes as an entry.
func EntrySizeFloat(f float64) int {
	if n, ok := intScore(f); ok {
		return EntrySizeInt(n)
	}
	var buf [32]byte
	return EntrySize(floatText(buf[:0], f))
}

// ReplacedSizeFloat is the number of bytes of b after ReplaceFloat(b, off, f).
func ReplacedSizeFloat(b []byte, off int, f float64) int {
	return len(b) - entrySize(b, off) + EntrySizeFloat(f)
}

// AppendFloat adds f at the tail.
func AppendFloat(b []byte, f float64) []byte {
	return InsertFloat(b, len(b)-1, f)
}

// InsertFloat adds f before the entry at off.
func InsertFloat(b []byte, off int, f float64) []byte {
	if n, ok := intScore(f); ok {
		return InsertInt(b, off, n)
	}
	var buf [32]byte
	return Insert(b, off, floatText(buf[:0], f))
}

// ReplaceFloat puts f in the place of the entry at off.
func ReplaceFloat(b []byte, off int, f float64) []byte {
	if n, ok := intScore(f); ok {
		return ReplaceInt(b, off, n)
	}
	var buf [32]byte
	return Replace(b, off, floatText(buf[:0], f))
}

// intScore gives f as the integer it is kept as, if it is.
func intScore(f float64) (int64, bool) {
	if !(f >= -maxIntScore && f <= maxIntScore) {
		return 0, false
	}
	n := int64(f)
	return n, float64(n) == f
}

// floatText appends f with 17 significant digits, or "inf" or "-inf".
func floatText(dst []byte, f float64) []byte {
	switch {
	case f > math.MaxFloat64:
		return append(dst, "inf"...)
	case f < -math.MaxFloat64:
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}

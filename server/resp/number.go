package resp

import (
	"math"
	"strconv"
)

// maxIntDigits is the length of the longest int64, sign included.
const maxIntDigits = 20

// ParseInt reads a decimal integer in its only canonical form: an optional
// minus sign, no plus sign, no space, no leading zero, no "-0", in the range of
// int64. This is what commands accept as an integer and what the keyspace may
// store as one.
func ParseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > maxIntDigits {
		return 0, false
	}
	digits := b
	negative := b[0] == '-'
	if negative {
		digits = b[1:]
	}
	value, ok := ParseUint(digits)
	switch {
	case !ok:
		return 0, false
	case !negative:
		return int64(value), value <= math.MaxInt64
	default:
		return -int64(value), value != 0 && value <= 1<<63
	}
}

// ParseUint is ParseInt for the range of uint64.
func ParseUint(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > maxIntDigits || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var value uint64
	for _, c := range b {
		c -= '0'
		if c > 9 || value > (math.MaxUint64-uint64(c))/10 {
			return 0, false
		}
		value = value*10 + uint64(c)
	}
	return value, true
}

const digitPairs = "00010203040506070809101112131415161718192021222324" +
	"25262728293031323334353637383940414243444546474849" +
	"50515253545556575859606162636465666768697071727374" +
	"75767778798081828384858687888990919293949596979899"

// AppendInt appends n in decimal.
func AppendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0 && n < 10:
		return append(dst, byte('0'+n))
	case n >= 10 && n < 100:
		return append(dst, digitPairs[2*n:2*n+2]...)
	}
	return strconv.AppendInt(dst, n, 10)
}

// IntLen returns the number of bytes that AppendInt appends for n.
func IntLen(n int64) int {
	length, u := 1, uint64(n)
	if n < 0 {
		length, u = 2, -u
	}
	for ; u >= 10; u /= 10 {
		length++
	}
	return length
}

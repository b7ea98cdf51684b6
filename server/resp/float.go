package resp

import (
	"math"
	"strconv"
)

// maxExactInt bounds the integers that a float64 represents exactly and that
// %.17g prints without an exponent.
const maxExactInt = 1 << 53

// ParseFloat reads a floating point number as sorted set scores, INCRBYFLOAT's
// relatives and geographic coordinates are written: all of b, decimal or
// hexadecimal (with 0x, binary exponent optional), or inf or infinity in any
// case and with either sign. It refuses spaces, NaN, and a number too large, or
// too close to zero, to be represented.
func ParseFloat(b []byte) (float64, bool) {
	if n, ok := ParseInt(b); ok && n > -maxExactInt && n < maxExactInt {
		return float64(n), true
	}
	shape := floatShape(b)
	if shape == notFloat {
		return 0, false
	}
	var f float64
	var err error
	if shape == hexWithoutExponent {
		f, err = strconv.ParseFloat(string(b)+"p0", 64)
	} else {
		f, err = strconv.ParseFloat(string(b), 64)
	}
	if err != nil {
		return 0, false
	}
	if f == 0 && hasNonZeroDigit(b) {
		return 0, false
	}
	return f, true
}

// The forms of a number in C's strtod, which strconv reads a little differently.
const (
	notFloat = iota
	decimal
	hexWithoutExponent
	hexWithExponent
	infinity
)

// floatShape checks the grammar of a whole number: C has no digit separators
// and does not demand an exponent after hexadecimal digits.
func floatShape(b []byte) int {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	if equalFold(b, "inf") || equalFold(b, "infinity") {
		return infinity
	}
	isHex := len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x'
	exponent, shape := byte('e'), decimal
	if isHex {
		b = b[2:]
		exponent, shape = 'p', hexWithoutExponent
	}
	i, digits, dot := 0, 0, false
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && !dot {
			dot = true
		} else if c >= '0' && c <= '9' || isHex && hexDigit(c) >= 0 {
			digits++
		} else {
			break
		}
	}
	switch {
	case digits == 0:
		return notFloat
	case i == len(b):
		return shape
	case b[i]|0x20 != exponent || !isExponent(b[i+1:]):
		return notFloat
	case isHex:
		return hexWithExponent
	}
	return decimal
}

// isExponent reports whether b is digits with an optional sign.
func isExponent(b []byte) bool {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// hasNonZeroDigit reports whether the mantissa of the number b is not zero.
func hasNonZeroDigit(b []byte) bool {
	isHex := false
	for _, c := range b {
		switch {
		case c|0x20 == 'x':
			isHex = true
		case c|0x20 == 'p', c|0x20 == 'e' && !isHex:
			return false
		case hexDigit(c) > 0:
			return true
		}
	}
	return false
}

func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// AppendDouble appends f as Redis 7.0 prints scores: C's %.17g, with inf, -inf
// and nan.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case f > -maxExactInt && f < maxExactInt && f == math.Trunc(f):
		if f == 0 && math.Signbit(f) {
			return append(dst, "-0"...)
		}
		return AppendInt(dst, int64(f))
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case f != f:
		return append(dst, "nan"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}

// AppendHumanDouble appends f with at most 17 digits after the point, without
// exponent and without trailing zeros, the form of GEOPOS and of numbers that a
// person reads. For the sums of INCRBYFLOAT and HINCRBYFLOAT, which Redis
// computes in 80 bits, see LongDouble.
func AppendHumanDouble(dst []byte, f float64) []byte {
	if f == math.Trunc(f) || f != f {
		if f > -maxExactInt && f < maxExactInt {
			return AppendInt(dst, int64(f))
		}
		if math.IsInf(f, 0) || f != f {
			return AppendDouble(dst, f)
		}
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', 17, 64)
	return trimFraction(dst, start)
}

// trimFraction removes trailing zeros after the decimal point of dst[start:],
// the point if nothing follows it, and the sign of a zero.
func trimFraction(dst []byte, start int) []byte {
	end := len(dst)
	for end > start && dst[end-1] == '0' {
		end--
	}
	if end > start && dst[end-1] == '.' {
		end--
	}
	dst = dst[:end]
	if string(dst[start:]) == "-0" {
		dst = append(dst[:start], '0')
	}
	return dst
}

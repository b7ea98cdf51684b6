package resp

import "math/big"

// LongDouble is a number in the 80-bit extended format of x86 (64 bits of
// mantissa, 15 of exponent), in which Redis computes INCRBYFLOAT and
// HINCRBYFLOAT: there 10.5 plus 0.1 is 10.6, which no float64 gives. The zero
// value is 0.
type LongDouble struct {
	f big.Float
}

const (
	longDoubleMantissaBits = 64
	// A magnitude is in [2^(exp-1), 2^exp) for exp of big.Float.MantExp.
	longDoubleMaxExp = 16384
	longDoubleMinExp = -16445

	// maxLongDoubleText is the longest text that is tried as a number.
	maxLongDoubleText = 5*1024 - 1

	// longDoubleFraction is the number of digits printed after the point.
	longDoubleFraction = 17
	// 2^-58 and below are less than half of the last digit printed.
	longDoublePrintsZeroExp = -58
)

// ParseLongDouble reads a number in the syntax of ParseFloat. It returns false
// as well if the number is too large, or too close to zero, for the format.
func ParseLongDouble(b []byte) (LongDouble, bool) {
	var x LongDouble
	if len(b) > maxLongDoubleText {
		return x, false
	}
	shape := floatShape(b)
	x.f.SetPrec(longDoubleMantissaBits)
	switch {
	case shape == notFloat:
		return x, false
	case shape == infinity:
		x.f.SetInf(b[0] == '-')
		return x, true
	case !hasNonZeroDigit(b):
		return x, true
	}
	base := 0 // which knows the prefix of hexadecimal, and would take 010 for octal
	if shape == decimal {
		base = 10
	}
	_, _, err := x.f.Parse(string(b), base)
	return x, err == nil && x.inRange()
}

// inRange reports whether x, which was not written as zero, is neither zero nor
// infinite in the format.
func (x *LongDouble) inRange() bool {
	if x.f.IsInf() || x.f.Sign() == 0 {
		return false
	}
	exp := x.f.MantExp(nil)
	return exp <= longDoubleMaxExp && exp >= longDoubleMinExp
}

// Add returns x plus y, rounded to nearest, and false if the sum is not a
// finite number.
func (x *LongDouble) Add(y *LongDouble) (LongDouble, bool) {
	var sum LongDouble
	if x.f.IsInf() || y.f.IsInf() {
		return sum, false
	}
	sum.f.SetPrec(longDoubleMantissaBits).Add(&x.f, &y.f)
	return sum, sum.f.MantExp(nil) <= longDoubleMaxExp
}

// AppendLongDouble appends x in the format of AppendHumanDouble.
func AppendLongDouble(dst []byte, x *LongDouble) []byte {
	if x.f.IsInf() {
		if x.f.Signbit() {
			return append(dst, "-inf"...)
		}
		return append(dst, "inf"...)
	}
	if x.f.MantExp(nil) <= longDoublePrintsZeroExp {
		return append(dst, '0') // what big.Float would take milliseconds for
	}
	start := len(dst)
	dst = x.f.Append(dst, 'f', longDoubleFraction)
	return trimFraction(dst, start)
}

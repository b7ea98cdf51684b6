package plugin

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// Strings creates and keeps binary-safe strings.
//
// Rules STR-3 to STR-5.
type Strings interface {
	// CreateString copies b. The result is valid as long as the module refers to it.
	CreateString(b []byte) String

	// CreateStringFromInt returns n in decimal.
	CreateStringFromInt(n int64) String

	// CreateStringFromUint returns n in decimal.
	CreateStringFromUint(n uint64) String

	// CreateStringFromFloat returns the shortest text that String.Float64 reads as v again, without an exponent where
	// that is of moderate length; "inf", "-inf" and "nan" for what is no number.
	CreateStringFromFloat(v float64) String

	// CreateStringf formats as fmt.Sprintf does.
	CreateStringf(format string, args ...any) String

	// FreeString says that s, made by a method of this interface, is not needed any more, so that its memory may be
	// used again. It is never required. s must not be used afterwards. Other Strings are left alone.
	FreeString(s String)

	// RetainString returns a String with the bytes of s that is valid as long as the module refers to it. Use it to
	// keep an argument, or the element of an iterator, beyond its lifetime.
	RetainString(s String) String
}

// String is an immutable, binary-safe view of bytes. It is a small value: pass it by value. The zero String is a
// missing one, which is not the same as an empty one.
//
// Rules STR-1, STR-2, STR-6, STR-7.
type String struct{ b []byte }

// StringOf wraps b without a copy. b must not be modified as long as the String is in use.
func StringOf(b []byte) String { return String{b} }

// Bytes returns the bytes without a copy. They are read-only, and valid as long as s is.
func (s String) Bytes() []byte { return s.b }

// String copies the bytes into a Go string, which may be kept.
func (s String) String() string { return string(s.b) }

// Len returns the length in bytes.
func (s String) Len() int { return len(s.b) }

// IsZero tells a missing String from an empty one.
func (s String) IsZero() bool { return s.b == nil }

// Append returns a String of its own with the bytes of s and then b. s stays as it is, whoever else refers to it. Each call
// copies s: to build a long text, append to a []byte and pass it to StringOf.
func (s String) Append(b []byte) String {
	joined := make([]byte, 0, len(s.b)+len(b))
	return String{append(append(joined, s.b...), b...)}
}

// Compare compares bytewise, a prefix before the longer string: -1, 0 or 1.
func (s String) Compare(o String) int { return bytes.Compare(s.b, o.b) }

// maxInt64Digits is the length of the longest decimal int64 without its sign.
const maxInt64Digits = 19

// Int64 reads a decimal number strictly: no spaces, no "+", no leading zeros, no "-0", within int64. Otherwise it
// fails with ErrNotNumber.
func (s String) Int64() (int64, error) {
	digits, negative := s.b, false
	if len(digits) > 0 && digits[0] == '-' {
		negative, digits = true, digits[1:]
	}
	n, ok := decimal(digits)
	if !ok || len(digits) > maxInt64Digits || negative && n == 0 {
		return 0, ErrNotNumber
	}
	if negative && n <= -math.MinInt64 {
		return -int64(n), nil
	}
	if negative || n > math.MaxInt64 {
		return 0, ErrNotNumber
	}
	return int64(n), nil
}

// Uint64 reads a decimal number as strictly as Int64, within uint64. Otherwise it fails with ErrNotNumber.
func (s String) Uint64() (uint64, error) {
	n, ok := decimal(s.b)
	if !ok {
		return 0, ErrNotNumber
	}
	return n, nil
}

// decimal reads digits without a sign and without leading zeros.
func decimal(digits []byte) (uint64, bool) {
	if len(digits) == 0 || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range digits {
		d := uint64(c - '0')
		if d > 9 || n > math.MaxUint64/10 || n*10 > math.MaxUint64-d {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// Float64 reads a floating-point number that takes up the whole string: decimal or C's hexadecimal notation, and "inf"
// or "infinity" with an optional sign, in any case. It fails with ErrNotNumber for "nan", for spaces, and for a number
// that is too large or too close to zero.
func (s String) Float64() (float64, error) {
	text := string(s.b)
	if strings.ContainsRune(text, '_') { // Go's digit separator
		return 0, ErrNotNumber
	}
	hex := strings.ContainsAny(text, "xX")
	if hex && !strings.ContainsAny(text, "pP") {
		text += "p0" // C lets the exponent out, Go does not
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != f || f == 0 && !zeroMantissa(text, hex) {
		return 0, ErrNotNumber
	}
	return f, nil
}

// zeroMantissa tells a number written as zero from one that underflowed to it.
func zeroMantissa(text string, hex bool) bool {
	exponent, digits := "eE", "123456789"
	if hex {
		exponent, digits = "pP", "123456789abcdefABCDEF"
	}
	if i := strings.IndexAny(text, exponent); i >= 0 {
		text = text[:i]
	}
	return !strings.ContainsAny(text, digits)
}

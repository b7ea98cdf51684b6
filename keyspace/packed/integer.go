package packed

import "math"

// maxIntText is the length of the longest decimal int64, "-9223372036854775808".
const maxIntText = 20

// ParseInt reads b as a decimal int64 in the one spelling that formatting the number gives back: no sign other than a
// leading '-', no leading zeros, no "-0", no spaces. It is the rule by which Redis decides that a string is an integer.
func ParseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > maxIntText {
		return 0, false
	}
	digits := b
	negative := b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > maxIntText-1 {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(b) == 1
	}
	var n uint64 // 19 digits cannot overflow it
	for _, c := range digits {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	if negative {
		return -int64(n), n <= -math.MinInt64
	}
	return int64(n), n <= math.MaxInt64
}

// intTextLen is the number of bytes n takes in decimal.
func intTextLen(n int64) int {
	size, u := 1, uint64(n)
	if n < 0 {
		size, u = 2, -u
	}
	for ; u >= 10; u /= 10 {
		size++
	}
	return size
}

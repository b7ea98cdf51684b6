package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// LZF is the format of Marc Lehmann's liblzf: a control byte below 32 is followed by that many plus one literal bytes; any
// other has a length in its top three bits (seven: an extra byte is added to it) and the high five bits of a distance, whose
// low byte ends the reference; length plus two bytes are copied from distance plus one back. The encoder here is our own:
// any valid encoding decodes the same.
const (
	maxLiterals    = 1 << 5
	maxDistance    = 1 << 13
	minMatch       = 3
	maxMatch       = 2 + 7 + 255
	minSaving      = 4 // Redis keeps a string plain unless compression saves that much
	maxExpansion   = maxMatch / 3
	maxStride      = 15      // most bytes passed over between two lookups
	smallInput     = 2 << 10 // below it, clearing a large match table would cost more than it finds
	smallTableBits = 9
	largeTableBits = 13
)

// Compress appends src in LZF to dst. It reports false, with dst as it was, unless that is at least 4 bytes shorter than
// src. It does not allocate when dst has room for len(src) more bytes.
func Compress(dst, src []byte) ([]byte, bool) {
	limit := len(src) - minSaving
	if limit <= 0 || len(src) > math.MaxInt32 {
		return dst, false
	}
	start := len(dst)
	out := slices.Grow(dst, limit)[:start+limit]
	var n int
	if len(src) <= smallInput {
		var heads [1 << smallTableBits]int32
		n = compress(out[start:], src, heads[:], 32-smallTableBits)
	} else {
		var heads [1 << largeTableBits]int32
		n = compress(out[start:], src, heads[:], 32-largeTableBits)
	}
	if n == 0 {
		return dst, false
	}
	return out[:start+n], true
}

// compress fills out and gives the number of bytes used, or 0 when src does not fit. heads maps the hash of three bytes,
// cut to its top 32-shift bits, to one more than where they were last seen.
func compress(out, src []byte, heads []int32, shift int) int {
	used, literals := 0, 0 // src[literals:i] has not been written yet
	i := 0
	for i+4 <= len(src) {
		three := binary.LittleEndian.Uint32(src[i:]) & 0xFFFFFF
		slot := &heads[int(three*2654435761>>shift)&(len(heads)-1)]
		at := int(*slot) - 1
		*slot = int32(i + 1)
		if at < 0 || i-at > maxDistance || binary.LittleEndian.Uint32(src[at:])&0xFFFFFF != three {
			i += 1 + min((i-literals)>>6, maxStride) // hurry through what does not compress
			continue
		}
		for i > literals && at > 0 && src[i-1] == src[at-1] {
			i, at = i-1, at-1
		}
		size := matchLen(src, at, i)
		if used = putLiterals(out, used, src[literals:i]); used < 0 {
			return 0
		}
		if used = putMatch(out, used, size, i-at); used < 0 {
			return 0
		}
		i += size
		literals = i
	}
	return max(putLiterals(out, used, src[literals:]), 0)
}

// matchLen counts the bytes, at most maxMatch, by which src at i repeats src at the earlier at.
func matchLen(src []byte, at, i int) int {
	end := min(len(src), i+maxMatch)
	n := minMatch
	for ; i+n+8 <= end; n += 8 {
		if diff := binary.LittleEndian.Uint64(src[at+n:]) ^ binary.LittleEndian.Uint64(src[i+n:]); diff != 0 {
			return n + bits.TrailingZeros64(diff)>>3
		}
	}
	for i+n < end && src[at+n] == src[i+n] {
		n++
	}
	return n
}

// putLiterals writes src as literal runs at used and gives the new end, -1 when out is too short.
func putLiterals(out []byte, used int, src []byte) int {
	for len(src) > 0 {
		n := min(len(src), maxLiterals)
		if used+1+n > len(out) {
			return -1
		}
		out[used] = byte(n - 1)
		copy(out[used+1:], src[:n])
		used += 1 + n
		src = src[n:]
	}
	return used
}

// putMatch writes a reference of size bytes at used and gives the new end, -1 when out is too short.
func putMatch(out []byte, used, size, distance int) int {
	if used+3 > len(out) {
		return -1
	}
	size, distance = size-2, distance-1
	if size < 7 {
		out[used] = byte(size<<5 | distance>>8)
		out[used+1] = byte(distance)
		return used + 2
	}
	out[used] = byte(7<<5 | distance>>8)
	out[used+1] = byte(size - 7)
	out[used+2] = byte(distance)
	return used + 3
}

// Decompress appends to dst the size bytes that the LZF data src stands for. Data that is cut short, that refers to before
// its start or that gives another number of bytes is ErrCorrupt, with dst as it was. It never reserves more than
// 88 times len(src).
func Decompress(dst, src []byte, size int) ([]byte, error) {
	if size < 0 || size > len(src)*maxExpansion {
		return dst, fmt.Errorf("%w: lzf data of %d bytes for a string of %d", ErrCorrupt, len(src), size)
	}
	start := len(dst)
	out := slices.Grow(dst, size)[:start+size]
	if !decompress(out[start:], src) {
		return dst, fmt.Errorf("%w: malformed lzf data", ErrCorrupt)
	}
	return out, nil
}

// decompress fills out from src and reports whether both ended together.
func decompress(out, src []byte) bool {
	n := 0
	for i := 0; i < len(src); {
		control := int(src[i])
		i++
		if control < maxLiterals {
			size := control + 1
			if i+size > len(src) || n+size > len(out) {
				return false
			}
			copy(out[n:], src[i:i+size])
			i, n = i+size, n+size
			continue
		}
		size := control >> 5
		if size == 7 && i < len(src) {
			size += int(src[i])
			i++
		}
		if i >= len(src) {
			return false
		}
		from := n - 1 - (control&0x1F)<<8 - int(src[i])
		i, size = i+1, size+2
		if from < 0 || n+size > len(out) {
			return false
		}
		for end := n + size; n < end; { // a reference may run into what it writes, which then repeats
			n += copy(out[n:end], out[from:n])
		}
	}
	return n == len(out)
}

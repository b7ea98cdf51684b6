package slab

import "math/bits"

// bitmap has one bit per page of a chunk.
type bitmap [chunkPages / 64]uint64

// next returns the first run of set bits at or after from, and its length; length 0 when there is none.
func (m *bitmap) next(from int) (start, length int) {
	start = m.scan(from, 0)
	if start == chunkPages {
		return start, 0
	}
	return start, m.scan(start, ^uint64(0)) - start
}

// scan returns the first position at or after from whose bit, xored with flip, is set; chunkPages when there is none.
func (m *bitmap) scan(from int, flip uint64) int {
	if from >= chunkPages {
		return chunkPages
	}
	i := from / 64
	w := (m[i] ^ flip) &^ (1<<(uint(from)%64) - 1)
	for w == 0 {
		if i++; i == len(m) {
			return chunkPages
		}
		w = m[i] ^ flip
	}
	return i*64 + bits.TrailingZeros64(w)
}

// fit returns the first run of at least n set bits and its whole length; length 0 when there is none.
func (m *bitmap) fit(n int) (start, length int) {
	for start, length = m.next(0); length != 0 && length < n; start, length = m.next(start + length) {
	}
	return start, length
}

// longest returns the length of the longest run of set bits.
func (m *bitmap) longest() int {
	best := 0
	for start, length := m.next(0); length != 0; start, length = m.next(start + length) {
		best = max(best, length)
	}
	return best
}

// around returns the run of set bits that holds position i.
func (m *bitmap) around(i int) (start, length int) {
	start = i
	for start > 0 && m.has(start-1) {
		if start%64 == 0 && m[start/64-1] == ^uint64(0) {
			start -= 64
		} else {
			start--
		}
	}
	return start, m.scan(i, ^uint64(0)) - start
}

func (m *bitmap) has(i int) bool { return m[i/64]>>(uint(i)%64)&1 != 0 }

// each calls f with every word that n bits from start touch, and the mask of those bits in it.
func (m *bitmap) each(start, n int, f func(w *uint64, mask uint64)) {
	for n > 0 {
		k := min(64-start%64, n)
		f(&m[start/64], (^uint64(0)>>(64-uint(k)))<<(uint(start)%64))
		start, n = start+k, n-k
	}
}

func (m *bitmap) set(start, n int) {
	m.each(start, n, func(w *uint64, mask uint64) { *w |= mask })
}

// unset clears n bits from start and returns how many of them were set.
func (m *bitmap) unset(start, n int) int {
	was := 0
	m.each(start, n, func(w *uint64, mask uint64) {
		was += bits.OnesCount64(*w & mask)
		*w &^= mask
	})
	return was
}

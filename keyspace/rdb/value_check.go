package rdb

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"

	"datastore/keyspace/packed"
)

// What a check of a packed value finds; the Reader makes it ErrCorrupt with an offset in the file.
var (
	errRepeated = errors.New("repeated element")
	errOrder    = errors.New("sorted set out of order")
	errScore    = errors.New("score is not a number")
)

const (
	fewEntries    = 12 // up to this many are compared each with each
	maxNumberText = 24
)

// checker checks what listpacks of pairs mean.
type checker struct {
	seed  maphash.Seed
	slots []uint32 // offsets of elements by their hash, 0 for none
}

func newChecker() checker { return checker{seed: maphash.MakeSeed()} }

// textOf returns a value's bytes, formatting an integer into buf.
func textOf(v packed.Value, buf *[maxNumberText]byte) []byte {
	if v.IsInt() {
		return v.AppendTo(buf[:0])
	}
	return v.Bytes
}

// unique checks that no two of the n pairs of b begin alike.
func (c *checker) unique(b []byte, n int) error {
	var text [maxNumberText]byte
	if n <= fewEntries {
		for off := packed.First(b); off >= 0; {
			rest := packed.Next(b, packed.Next(b, off))
			if packed.Find(b, rest, textOf(packed.Get(b, off), &text), 1) >= 0 {
				return fmt.Errorf("%w at byte %d", errRepeated, off)
			}
			off = rest
		}
		return nil
	}
	size := 1 << bits.Len(uint(2*n))
	if cap(c.slots) < size {
		c.slots = make([]uint32, size)
	}
	slots := c.slots[:size]
	clear(slots)
	if cap(c.slots) > maxIdleBytes {
		c.slots = nil
	}
	for off := packed.First(b); off >= 0; off = packed.Next(b, packed.Next(b, off)) {
		elem := textOf(packed.Get(b, off), &text)
		i := maphash.Bytes(c.seed, elem) & uint64(size-1)
		for ; slots[i] != 0; i = (i + 1) & uint64(size-1) {
			if packed.Get(b, int(slots[i])).Equal(elem) {
				return fmt.Errorf("%w at byte %d", errRepeated, off)
			}
		}
		slots[i] = uint32(off)
	}
	return nil
}

// ordered checks that the scores of b are numbers and that its members ascend.
func ordered(b []byte) error {
	var texts [2][maxNumberText]byte
	var before []byte
	var least float64
	for i, off := 0, packed.First(b); off >= 0; i++ {
		next := packed.Next(b, off)
		score, ok := packed.Get(b, next).Float()
		if !ok {
			return fmt.Errorf("%w at byte %d", errScore, next)
		}
		member := textOf(packed.Get(b, off), &texts[i%2])
		if i > 0 && (score < least || score == least && string(member) <= string(before)) {
			return fmt.Errorf("%w at byte %d", errOrder, off)
		}
		before, least = member, score
		off = packed.Next(b, next)
	}
	return nil
}

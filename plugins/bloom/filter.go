package main

import (
	"errors"
	"math"
	"math/bits"
)

// filter is a scalable Bloom filter: a list of layers, of which the last one takes new items. When it has as many as it was
// made for, a larger one with a smaller error rate follows, so that the rates of all layers together stay below what was asked
// for (Almeida, Baquero, Preguiça and Hutchison: Scalable Bloom Filters, 2007).
type filter struct {
	layers     []layer
	errorRate  float64 // of all layers together
	expansion  uint32  // by how much the next layer is larger than the last one
	nonScaling bool    // there is no next layer
	items      uint64
}

// layer is one Bloom filter: hashes bits are set for each of its items.
type layer struct {
	words     []uint64
	hashes    uint32
	capacity  uint64 // items that it takes at its error rate
	items     uint64
	errorRate float64
}

const (
	defaultErrorRate = 0.01
	defaultCapacity  = 100
	defaultExpansion = 2

	tightening = 0.5 // a layer's error rate, by that of the one before
	maxLayers  = 64
	maxHashes  = 64
	maxBytes   = 4 << 30 // of all layers
	maxExpand  = 32768
	maxItems   = 1 << 40 // that a layer may be made for
)

var (
	errTooLarge = errors.New("filter would be too large")
	errFull     = errors.New("non scaling filter is full")
)

// newFilter returns a filter without items. errorRate is between 0 and 1, capacity and expansion are positive.
func newFilter(errorRate float64, capacity uint64, expansion uint32, nonScaling bool) (*filter, error) {
	f := &filter{errorRate: errorRate, expansion: expansion, nonScaling: nonScaling}
	rate := errorRate
	if !nonScaling {
		rate *= tightening // the sum of all layers' rates is below twice the first one
	}
	words, hashes, err := shape(rate, capacity)
	if err != nil {
		return nil, err
	}
	f.layers = []layer{{words: make([]uint64, words), hashes: hashes, capacity: capacity, errorRate: rate}}
	return f, nil
}

// shape returns the fewest words that keep to the error rate when a layer is full, ln(1/rate) / ln(2)² bits for each item, and
// the number of hashes that goes with them, ln(1/rate) / ln(2).
func shape(errorRate float64, capacity uint64) (words int, hashes uint32, err error) {
	perItem := -math.Log(errorRate) / (math.Ln2 * math.Ln2)
	size, n := math.Ceil(perItem*float64(capacity)/64), math.Ceil(perItem*math.Ln2)
	if capacity > maxItems || n > maxHashes || size*bytesPerWord > maxBytes {
		return 0, 0, errTooLarge
	}
	return max(1, int(size)), uint32(max(1, n)), nil
}

// sum is the 64-bit hash of an item: FNV-1a with a finalizer, which spreads what short items leave in the low bits. It must
// never change: it is part of what is stored.
func sum(item []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range item {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return mix(h)
}

// mix is the finalizer of MurmurHash3.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// bit returns where hash number i of an item is, by double hashing (Kirsch and Mitzenmacher, 2006). The high half of a product
// brings a hash into the range without a division.
func (l *layer) bit(h, step uint64, i uint32) (word int, mask uint64) {
	at, _ := bits.Mul64(h+uint64(i)*step, uint64(len(l.words))*64)
	return int(at / 64), 1 << (at % 64)
}

// step derives the second hash from the first. It is odd, so that it is never 0.
func step(h uint64) uint64 { return mix(h^0x9e3779b97f4a7c15) | 1 }

func (l *layer) has(h, step uint64) bool {
	for i := range l.hashes {
		if word, mask := l.bit(h, step, i); l.words[word]&mask == 0 {
			return false
		}
	}
	return true
}

// set sets the bits of an item and reports whether one of them was not set.
func (l *layer) set(h, step uint64) (added bool) {
	for i := range l.hashes {
		word, mask := l.bit(h, step, i)
		added = added || l.words[word]&mask == 0
		l.words[word] |= mask
	}
	return added
}

// has reports whether an item was added, or, at the error rate, looks as if it was.
func (f *filter) has(item []byte) bool {
	h := sum(item)
	return f.hasSum(h, step(h), len(f.layers))
}

// hasSum looks into the first n layers, the newest one first: most items are in it.
func (f *filter) hasSum(h, step uint64, n int) bool {
	for i := n - 1; i >= 0; i-- {
		if f.layers[i].has(h, step) {
			return true
		}
	}
	return false
}

// add adds an item and reports whether it looked new. It fails with errFull or errTooLarge where another layer would be needed
// and there is none.
func (f *filter) add(item []byte) (added bool, err error) {
	h := sum(item)
	st, last := step(h), len(f.layers)-1
	l := &f.layers[last]
	if l.items < l.capacity {
		if f.hasSum(h, st, last) || !l.set(h, st) {
			return false, nil
		}
		l.items++
		f.items++
		return true, nil
	}
	if f.hasSum(h, st, last+1) {
		return false, nil
	}
	if err := f.grow(); err != nil {
		return false, err
	}
	l = &f.layers[last+1]
	l.set(h, st)
	l.items++
	f.items++
	return true, nil
}

// grow adds a layer.
func (f *filter) grow() error {
	last := &f.layers[len(f.layers)-1]
	if f.nonScaling {
		return errFull
	}
	if len(f.layers) == maxLayers {
		return errTooLarge
	}
	rate, capacity := last.errorRate*tightening, last.capacity*uint64(f.expansion)
	words, hashes, err := shape(rate, capacity)
	if err != nil {
		return err
	}
	if f.bytes()+int64(words)*bytesPerWord > maxBytes {
		return errTooLarge
	}
	f.layers = append(f.layers, layer{words: make([]uint64, words), hashes: hashes, capacity: capacity, errorRate: rate})
	return nil
}

// capacity is how many items fit into the layers that there are.
func (f *filter) capacity() (n uint64) {
	for i := range f.layers {
		n += f.layers[i].capacity
	}
	return n
}

const (
	filterBytes = 64 // of a filter without its layers
	layerBytes  = 56 // of a layer without its bits
)

// bytes is the memory of a filter.
func (f *filter) bytes() int64 {
	n := int64(filterBytes)
	for i := range f.layers {
		n += layerBytes + 8*int64(len(f.layers[i].words))
	}
	return n
}

// clone returns a filter of its own with the same items.
func (f *filter) clone() *filter {
	c := *f
	c.layers = make([]layer, len(f.layers))
	for i, l := range f.layers {
		l.words = append([]uint64(nil), l.words...)
		c.layers[i] = l
	}
	return &c
}

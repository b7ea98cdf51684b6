package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// filled returns a filter with n items.
func filled(t testing.TB, f *filter, n int) *filter {
	t.Helper()
	for i := range n {
		if _, err := f.add(fmt.Appendf(nil, "item:%d", i)); err != nil {
			t.Fatalf("item %d: %v", i, err)
		}
	}
	return f
}

func mustNew(t testing.TB, rate float64, capacity uint64, expansion uint32, nonScaling bool) *filter {
	t.Helper()
	f, err := newFilter(rate, capacity, expansion, nonScaling)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestErrorRate counts items that look as if they had been added: fewer than was asked for, with one layer and with many.
func TestErrorRate(t *testing.T) {
	const asked, others = 20_000, 200_000
	for _, rate := range []float64{0.1, 0.01, 0.001} {
		for _, capacity := range []uint64{asked, 100} {
			f := filled(t, mustNew(t, rate, capacity, 2, capacity == asked), asked-asked/100) // false positives are not added
			for i := range asked - asked/100 {
				if item := fmt.Appendf(nil, "item:%d", i); !f.has(item) {
					t.Fatalf("rate %v, capacity %d: %s is not there", rate, capacity, item)
				}
			}
			wrong := 0
			for i := range others {
				if f.has(fmt.Appendf(nil, "other-%d", i)) {
					wrong++
				}
			}
			if got := float64(wrong) / others; got > 1.15*rate || wrong == 0 {
				t.Errorf("rate %v, capacity %d: %d layers, false positives %.5f", rate, capacity, len(f.layers), got)
			}
		}
	}
}

func TestScaling(t *testing.T) {
	f := filled(t, mustNew(t, 0.001, 10, 4, false), 200)
	if len(f.layers) != 3 || f.capacity() != 10+40+160 {
		t.Errorf("%d layers for %d items", len(f.layers), f.capacity())
	}
	if added, err := f.add([]byte("item:1")); added || err != nil {
		t.Errorf("an item that is there: added %v, %v", added, err)
	}
	g := mustNew(t, 0.001, 10, 2, true)
	n := 0
	for ; n < 100; n++ {
		if _, err := g.add(fmt.Append(nil, n)); err != nil {
			if !errors.Is(err, errFull) {
				t.Fatal(err)
			}
			break
		}
	}
	if n != 10 || g.items != 10 {
		t.Errorf("%d items went into a filter for 10", n)
	}
	if added, err := g.add([]byte("3")); added || err != nil {
		t.Errorf("a full filter and an item that is there: %v, %v", added, err)
	}
}

func TestTooLarge(t *testing.T) {
	for _, tt := range []struct {
		rate     float64
		capacity uint64
	}{{0.01, maxItems + 1}, {1e-300, 100}, {0.0001, 1 << 39}, {0.01, ^uint64(0)}} {
		if _, err := newFilter(tt.rate, tt.capacity, 2, false); !errors.Is(err, errTooLarge) {
			t.Errorf("error rate %v, capacity %d: %v", tt.rate, tt.capacity, err)
		}
	}
}

// TestHashIsForEver compares hashes with those of files that exist.
func TestHashIsForEver(t *testing.T) {
	for item, want := range map[string]uint64{"": 0xefd01f60ba992926, "a": 0x82a2a958a9bece5b, "datastore": 0xdaac937d7b6ea3cf} {
		if got := sum([]byte(item)); got != want {
			t.Errorf("%q: %#x, was %#x", item, got, want)
		}
	}
}

// same compares two filters bit by bit.
func same(a, b *filter) bool {
	if !bytes.Equal(a.header(), b.header()) || a.items != b.items {
		return false
	}
	for at := int64(0); ; {
		x, y := a.chunk(at, 1<<16), b.chunk(at, 1<<16)
		if !bytes.Equal(x, y) {
			return false
		}
		if len(x) == 0 {
			return true
		}
		at += int64(len(x))
	}
}

func TestDump(t *testing.T) {
	f := filled(t, mustNew(t, 0.01, 50, 2, false), 1000)
	for _, most := range []int{bytesPerWord, 64, 1 << 20} {
		g, err := ofHeader(f.header())
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for b := f.chunk(0, most); b != nil; b = f.chunk(total, most) {
			if err := g.load(total, b); err != nil {
				t.Fatalf("offset %d: %v", total, err)
			}
			total += int64(len(b))
		}
		if total != f.dumpBytes() || !same(f, g) {
			t.Errorf("chunks of %d: %d bytes of %d, or another filter", most, total, f.dumpBytes())
		}
	}
	if c := f.clone(); !same(f, c) {
		t.Error("the clone is another filter")
	} else if _, err := c.add([]byte("new")); err != nil || same(f, c) {
		t.Errorf("the clone is not a filter of its own: %v", err)
	}
}

func TestBadDump(t *testing.T) {
	f := filled(t, mustNew(t, 0.01, 50, 2, false), 100)
	head := f.header()
	for n := range head {
		if _, err := ofHeader(head[:n]); !errors.Is(err, errBadDump) {
			t.Errorf("%d bytes of a header of %d: %v", n, len(head), err)
		}
	}
	huge := bytes.Clone(head)
	binary.LittleEndian.PutUint64(huge[headerBytes:], 1<<60)
	if _, err := ofHeader(huge); !errors.Is(err, errBadDump) {
		t.Errorf("a layer of 2^60 words: %v", err)
	}
	for _, tt := range []struct {
		offset int64
		bytes  int
	}{{-8, 8}, {4, 8}, {0, 4}, {0, 0}, {f.dumpBytes(), 8}, {0, 1 << 20}, {1 << 40, 8}} {
		if err := f.load(tt.offset, make([]byte, tt.bytes)); !errors.Is(err, errBadDump) {
			t.Errorf("%d bytes at %d: %v", tt.bytes, tt.offset, err)
		}
	}
}

// FuzzHeader wants any header to be refused or to describe what it came from.
func FuzzHeader(f *testing.F) {
	f.Add(filled(f, mustNew(f, 0.01, 50, 2, false), 100).header())
	f.Add(mustNew(f, 0.5, 1, 1, true).header())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headerBytes+8 && binary.LittleEndian.Uint64(b[headerBytes:]) > 1<<20 {
			t.Skip("too much memory for a fuzzer")
		}
		if g, err := ofHeader(b); err == nil && !bytes.Equal(g.header(), b) {
			t.Errorf("%x became %x", b, g.header())
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	f := mustNew(b, 0.01, 1<<20, 2, false)
	item := []byte("item:00000000")
	for i := 0; b.Loop(); i++ {
		binary.LittleEndian.PutUint64(item[5:], uint64(i))
		if _, err := f.add(item); err != nil {
			b.Fatal(err)
		}
	}
}

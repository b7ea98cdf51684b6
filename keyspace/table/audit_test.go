package table

import (
	"errors"
	"testing"

	"datastore/keyspace/slab"
)

// Each kind of damage must be found.
func TestAudit(t *testing.T) {
	damage := map[string]func(tab *Table){
		"entry counted twice":   func(tab *Table) { tab.count++ },
		"lost continuation":     func(tab *Table) { tab.overflow++ },
		"chain beyond longest":  func(tab *Table) { tab.longest = 1 },
		"spare without resize":  func(tab *Table) { tab.spare = tab.arena.AllocZeroed(bucketBytes); tab.overflow++ },
		"no array":              func(tab *Table) { tab.buckets = 0 },
		"odd mask":              func(tab *Table) { tab.mask = 5 },
		"moved without resize":  func(tab *Table) { tab.moved = 1 },
		"resize to the same":    func(tab *Table) { tab.next, tab.nextMask = tab.buckets, tab.mask },
		"wrong tag":             func(tab *Table) { flip(tab, 1<<tagShift) },
		"hole":                  func(tab *Table) { slab.Store64(full(tab), 8, 0) },
		"entry in wrong bucket": func(tab *Table) { swapBuckets(tab) },
		"empty continuation": func(tab *Table) {
			slab.Store64(full(tab), linkAt, uint64(tab.arena.AllocZeroed(bucketBytes)))
		},
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			m := newModel(t)
			for i := range 2000 {
				m.insert(string(rune('a'+i%26)) + string(rune(i)))
			}
			for m.tab.Step(1 << 10) {
			}
			if err := m.tab.audit(); err != nil {
				t.Fatal(err)
			}
			f(m.tab)
			if err := m.tab.audit(); !errors.Is(err, errBroken) {
				t.Errorf("found %v", err)
			}
		})
	}
}

// full returns a full bucket.
func full(tab *Table) slab.Ref {
	b := tab.buckets
	for slab.Load64(b, linkAt-8) == 0 {
		b += bucketBytes
	}
	return b
}

func flip(tab *Table, bit uint64) {
	b := full(tab)
	slab.Store64(b, 0, slab.Load64(b, 0)^bit)
}

func swapBuckets(tab *Table) {
	b := full(tab)
	c := b + bucketBytes
	for slab.Load64(c, 0) == 0 {
		c += bucketBytes
	}
	x, y := slab.Load64(b, 0), slab.Load64(c, 0)
	slab.Store64(b, 0, y)
	slab.Store64(c, 0, x)
}

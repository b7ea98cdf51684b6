package table

import "datastore/keyspace/slab"

// Iter walks all entries in no order, step by step, without a closure. The table must not change meanwhile.
type Iter struct {
	array slab.Ref // being walked
	to    uint64   // its number of buckets
	i     uint64   // current bucket
	b     slab.Ref // current bucket or continuation, 0 before the first step
	slot  int      // next slot
	next  slab.Ref // array to walk after this one
	last  uint64   // its number of buckets
	cur   slab.Ref
}

// Iter starts a walk.
func (t *Table) Iter() Iter {
	it := Iter{array: t.buckets, i: t.moved, to: t.mask + 1, next: t.next, last: t.nextMask + 1}
	if t.buckets == 0 {
		it.to = 0
	}
	return it
}

// Next goes to the next entry and reports whether there is one.
func (it *Iter) Next() bool {
	for {
		if it.b != 0 {
			if it.slot < slots {
				if s := slab.Load64(it.b, it.slot*8); s != 0 {
					it.slot++
					it.cur = slab.Ref(s & slab.RefMask)
					return true
				}
			}
			if it.b, it.slot = slab.Ref(slab.Load64(it.b, linkAt)), 0; it.b != 0 {
				continue
			}
			it.i++
		}
		if it.i >= it.to {
			if it.next == 0 {
				return false
			}
			it.array, it.i, it.to, it.next = it.next, 0, it.last, 0
		}
		it.b, it.slot = it.array+slab.Ref(it.i)*bucketBytes, 0
	}
}

// Ref returns the current entry.
func (it *Iter) Ref() slab.Ref { return it.cur }

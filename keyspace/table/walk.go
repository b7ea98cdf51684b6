package table

import (
	"iter"
	"math/bits"

	"datastore/keyspace/slab"
)

// Scan calls emit for all entries of the buckets that cursor names and returns the cursor that comes next, 0 after the
// last. A scan starts with 0. Entries that are in the table during the whole of a scan are emitted at least once,
// however the table is resized in between; others may or may not be. emit must not change the table.
//
// The cursor counts in the reversed bits of the bucket number (Pieter Noordhuis's algorithm in Redis's dictScan): when
// the table has doubled, the buckets already seen are those whose low bits have been counted through, and when it has
// halved, some buckets may be seen again. During a resize a call visits the bucket of the smaller array and all
// those of the larger one that map to it.
func (t *Table) Scan(cursor uint64, emit func(slab.Ref)) uint64 {
	if t.count == 0 {
		return 0
	}
	return t.step(cursor, func(b slab.Ref) { emitChain(b, emit) })
}

// step calls visit with the first buckets of the chains that cursor names and returns the next cursor.
func (t *Table) step(cursor uint64, visit func(b slab.Ref)) uint64 {
	if t.next == 0 {
		visit(t.buckets + slab.Ref(cursor&t.mask)*bucketBytes)
		return after(cursor, t.mask)
	}
	small, large, oldIsLarge := t.mask, t.nextMask, false
	if small > large {
		small, large, oldIsLarge = large, small, true
	}
	t.visit(!oldIsLarge, cursor&small, visit)
	for {
		t.visit(oldIsLarge, cursor&large, visit)
		if cursor = after(cursor, large); cursor&(small^large) == 0 {
			return cursor
		}
	}
}

// after increments the reversed cursor in the bits of mask.
func after(cursor, mask uint64) uint64 {
	return bits.Reverse64(bits.Reverse64(cursor|^mask) + 1)
}

// visit visits bucket i of the old array, unless it has been moved, or of the next one.
func (t *Table) visit(old bool, i uint64, f func(b slab.Ref)) {
	switch {
	case !old:
		f(t.next + slab.Ref(i)*bucketBytes)
	case i >= t.moved:
		f(t.buckets + slab.Ref(i)*bucketBytes)
	}
}

// emitChain calls f for the entries of the chain that starts with b.
func emitChain(b slab.Ref, f func(slab.Ref)) {
	for ; b != 0; b = slab.Ref(slab.Load64(b, linkAt)) {
		for k := range slots {
			slot := slab.Load64(b, k*8)
			if slot == 0 {
				return
			}
			f(slab.Ref(slot & slab.RefMask))
		}
	}
}

// Random returns an entry, each with the same probability, or 0 if there is none. rnd returns a uniform number below n.
//
// It draws a bucket and a place in it until that place is taken. The places are as many as the longest chain may have,
// so that entries in short chains are not preferred. A table that is filled as usual takes about three to ten draws;
// one that was reserved for far more than it holds takes as many times more as it could hold.
func (t *Table) Random(rnd func(n uint64) uint64) slab.Ref {
	if t.count == 0 {
		return 0
	}
	places := uint64(max(t.longest, t.oldLong))
	old := t.mask + 1 - t.moved
	arrived := min(t.moved, t.nextMask+1) // buckets below the smaller size that hold moved entries
	total := old
	if t.next != 0 {
		total += arrived * max(1, (t.nextMask+1)/(t.mask+1))
	}
	for {
		k := rnd(total * places)
		i, place := k/places, int(k%places)
		b := t.buckets + slab.Ref(t.moved+i)*bucketBytes
		if i >= old {
			i -= old
			b = t.next + slab.Ref(i%arrived+i/arrived*(t.mask+1))*bucketBytes
		}
		if r := entryAt(b, place); r != 0 {
			return r
		}
	}
}

// entryAt returns the entry at a place of the chain that starts with b, or 0.
func entryAt(b slab.Ref, place int) slab.Ref {
	for ; b != 0; b, place = slab.Ref(slab.Load64(b, linkAt)), place-slots {
		if place < slots {
			return slab.Ref(slab.Load64(b, place*8) & slab.RefMask)
		}
	}
	return 0
}

// All walks all entries in no order. The table must not change meanwhile; the records may be freed as they come.
func (t *Table) All() iter.Seq[slab.Ref] {
	return func(yield func(slab.Ref) bool) {
		if t.buckets != 0 && !walk(t.buckets, t.moved, t.mask+1, yield) {
			return
		}
		if t.next != 0 {
			walk(t.next, 0, t.nextMask+1, yield)
		}
	}
}

// walk yields the entries of the buckets from..to-1 of an array and reports whether to go on.
func walk(array slab.Ref, from, to uint64, yield func(slab.Ref) bool) bool {
	for ; from < to; from++ {
		for b := array + slab.Ref(from)*bucketBytes; b != 0; b = slab.Ref(slab.Load64(b, linkAt)) {
			for k := range slots {
				slot := slab.Load64(b, k*8)
				if slot == 0 {
					break
				}
				if !yield(slab.Ref(slot & slab.RefMask)) {
					return false
				}
			}
		}
	}
	return true
}

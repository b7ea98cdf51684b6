package table

import "datastore/keyspace/slab"

// drainAhead is how many buckets before their turn Drain starts loading the records.
const drainAhead = 4

// Drain empties up to n buckets, calls free for the entries of each, and reports whether there are more. It is Release for
// a large table that nobody needs any more, in steps: from the first call on nothing but Drain may be called until it
// returns false; then the table is empty and usable.
func (t *Table) Drain(n int, free func(slab.Ref)) (more bool) {
	for ; n > 0 && t.buckets != 0; n-- {
		if t.moved > t.mask {
			t.arena.Free(t.buckets)
			t.buckets, t.mask, t.moved = t.next, t.nextMask, 0
			t.next = 0
			continue
		}
		if ahead := t.moved + drainAhead; ahead <= t.mask {
			for b, k := t.buckets+slab.Ref(ahead)*bucketBytes, 0; k < slots; k++ {
				slab.Prefetch(slab.Ref(slab.Load64(b, k*8) & slab.RefMask))
			}
		}
		b := t.buckets + slab.Ref(t.moved)*bucketBytes
		t.drainBucket(b, free)
		t.freeChain(slab.Ref(slab.Load64(b, linkAt)))
		if t.moved++; t.moved%discardBuckets == 0 {
			t.arena.Discard(t.buckets, int(t.moved-discardBuckets)*bucketBytes, discardBuckets*bucketBytes)
		}
	}
	if t.buckets == 0 {
		t.freeSpare(0)
		t.Init(t.arena, t.seed)
		return false
	}
	return true
}

// drainBucket calls free for the entries of the chain that starts with b.
func (t *Table) drainBucket(b slab.Ref, free func(slab.Ref)) {
	for ; b != 0; b = slab.Ref(slab.Load64(b, linkAt)) {
		for k := range slots {
			slot := slab.Load64(b, k*8)
			if slot == 0 {
				return
			}
			free(slab.Ref(slot & slab.RefMask))
			t.count--
		}
	}
}

// Relocate is a step of a scan (see Scan) in which records may move: move is called for each record and returns where it
// is from now on, often where it was. Continuation buckets in sparse runs move as well (see slab.Arena.Plan).
func (t *Table) Relocate(cursor uint64, move func(slab.Ref) slab.Ref) uint64 {
	if t.count == 0 {
		return 0
	}
	cursor = t.step(cursor, func(b slab.Ref) { t.relocate(b, move) })
	if invariants {
		t.check.changed(t)
	}
	return cursor
}

func (t *Table) relocate(b slab.Ref, move func(slab.Ref) slab.Ref) {
	for {
		for k := range slots {
			slot := slab.Load64(b, k*8)
			if slot == 0 {
				return
			}
			r := slab.Ref(slot & slab.RefMask)
			if to := move(r); to != r {
				slab.Store64(b, k*8, slot&^slab.RefMask|uint64(to))
			}
		}
		link := slab.Ref(slab.Load64(b, linkAt))
		if link == 0 {
			return
		}
		if t.arena.Sparse(link) {
			to := t.arena.Dup(link)
			slab.Store64(b, linkAt, uint64(to))
			t.arena.Free(link)
			link = to
		}
		b = link
	}
}

// RelocateArrays moves the bucket arrays where they lie in sparse runs (see slab.Arena.Plan); large ones never do.
func (t *Table) RelocateArrays() {
	for _, array := range [2]*slab.Ref{&t.buckets, &t.next} {
		if old := *array; old != 0 && t.arena.Sparse(old) {
			*array = t.arena.Dup(old)
			t.arena.Free(old)
		}
	}
}

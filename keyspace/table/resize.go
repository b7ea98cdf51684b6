package table

import "datastore/keyspace/slab"

// Rehashing tells whether a resize is under way. Mutating calls and Step bring it forward.
func (t *Table) Rehashing() bool { return t.next != 0 }

// Step moves up to n buckets of a resize that is under way and reports whether another call could move more: not while
// another thread gets memory for the new array (see slab.Arena.Announce).
func (t *Table) Step(n int) bool {
	moved := t.moved
	if t.next != 0 {
		t.move(n)
	}
	if invariants {
		t.check.changed(t)
	}
	return t.next != 0 && t.moved != moved
}

// Reserve makes room for n entries, so that the table does not grow before. An empty table gets its buckets at once;
// one with entries begins to grow unless a resize is under way.
func (t *Table) Reserve(n int) {
	want := bucketsFor(n)
	switch {
	case t.buckets == 0:
		t.buckets, t.mask = t.newArray(want), want-1
		t.arena.Announce(t.buckets)
	case t.next != 0 || want <= t.mask+1:
	case t.count == 0:
		array := t.newArray(want)
		t.arena.Announce(array)
		t.arena.Free(t.buckets)
		t.buckets, t.mask = array, want-1
	default:
		t.resize(want)
	}
}

// Release frees all buckets but no record. The table is empty and usable afterwards. The time is in proportion to the
// buckets if there are continuation buckets, else short.
func (t *Table) Release() {
	t.freeSpare(0)
	if t.next != 0 {
		t.freeArray(t.next, 0, t.nextMask+1)
	}
	if t.buckets != 0 {
		t.freeArray(t.buckets, t.moved, t.mask+1)
	}
	t.Init(t.arena, t.seed)
}

func (t *Table) freeArray(array slab.Ref, from, n uint64) {
	for i := from; i < n && t.overflow > 0; i++ {
		t.freeChain(slab.Ref(slab.Load64(array+slab.Ref(i)*bucketBytes, linkAt)))
	}
	t.arena.Free(array)
}

func (t *Table) freeChain(b slab.Ref) {
	for b != 0 {
		link := slab.Ref(slab.Load64(b, linkAt))
		t.arena.Free(b)
		t.overflow--
		b = link
	}
}

// resize begins to move all entries to an array of n buckets.
func (t *Table) resize(n uint64) {
	if n == t.mask+1 {
		return
	}
	t.next, t.nextMask = t.newArray(n), n-1
	t.growth, t.patience = t.arena.Announce(t.next), t.mask+1
	t.oldLong, t.longest = t.longest, 0
	t.moveSome()
}

// moveSome is the part that a mutating call has in a resize. Where nobody else gets the memory, the call does in the end.
func (t *Table) moveSome() {
	if t.growth != nil && t.moved >= t.movable() {
		if t.patience -= min(t.patience, moveBuckets); t.patience > 0 {
			return
		}
		t.growth = nil
	}
	t.move(moveBuckets)
}

// movable returns the number of the first bucket of the old array whose entries go where there is no memory yet.
func (t *Table) movable() uint64 {
	if t.growth == nil {
		return t.mask + 1
	}
	bytes, all := t.growth.Half()
	switch {
	case all:
		t.growth = nil
		return t.mask + 1
	case t.nextMask>>1 > t.mask: // they go to four places or more
		return 0
	}
	return min(t.mask, uint64(bytes)/bucketBytes)
}

// move empties up to n buckets of the old array, passing up to emptyPerMove empty ones for each, as far as there is memory
// for what they become.
func (t *Table) move(n int) {
	end := t.movable()
	for pass := n * emptyPerMove; n > 0 && pass > 0 && t.moved < end; {
		if b := t.buckets + slab.Ref(t.moved)*bucketBytes; slab.Load64(b, 0) != 0 {
			t.moveBucket(b)
			n--
		} else {
			t.moved++
			pass--
		}
		if t.moved%discardBuckets == 0 {
			t.arena.Discard(t.buckets, int(t.moved-discardBuckets)*bucketBytes, discardBuckets*bucketBytes)
		}
	}
	if t.moved > t.mask {
		t.arena.Free(t.buckets)
		t.buckets, t.mask, t.moved = t.next, t.nextMask, 0
		t.next, t.nextMask, t.oldLong, t.growth = 0, 0, 0, nil
		t.freeSpare(0)
	}
}

// moveBucket moves the chain of bucket number moved, which starts at b.
//
// It must not run out of memory half-way. Each bucket of seven entries that it empties needs at most one continuation
// in the new array. On growth the targets were empty, so the first needs none and the others are reused for what they
// held; when halving there is a spare one before the start.
func (t *Table) moveBucket(b slab.Ref) {
	if t.spare == 0 && t.nextMask < t.mask {
		t.spare = t.continuation()
	}
	i := t.moved
	t.moved++ // the bucket of its hashes is in the new array from here on
	for first := true; b != 0; first = false {
		var held [slots]uint64
		for k := range held {
			held[k] = slab.Load64(b, k*8)
		}
		link := slab.Ref(slab.Load64(b, linkAt))
		if !first {
			slab.Store64(b, linkAt, uint64(t.spare))
			t.spare = b
		}
		for _, slot := range held {
			if slot == 0 {
				break
			}
			t.add(t.next+slab.Ref(t.target(i, slot))*bucketBytes, slot)
		}
		b = link
	}
	t.freeSpare(1)
}

// target returns the index in the new array of an entry in bucket i of the old one.
func (t *Table) target(i, slot uint64) uint64 {
	tag := slot >> tagShift
	switch {
	case t.nextMask < t.mask:
		return i & t.nextMask
	case t.mask >= tagMask:
		return (i&tagMask | tag<<hashTag) & t.nextMask
	default:
		return t.Hash(Key(slab.Ref(slot&slab.RefMask))) & t.nextMask
	}
}

// freeSpare keeps at most keep spare buckets, 0 or 1.
func (t *Table) freeSpare(keep int) {
	b := t.spare
	if b == 0 {
		return
	}
	if keep == 0 {
		t.spare = 0
	} else {
		excess := slab.Ref(slab.Load64(b, linkAt))
		slab.Store64(b, linkAt, 0)
		b = excess
	}
	t.freeChain(b)
}

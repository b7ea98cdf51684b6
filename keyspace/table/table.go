// Package table owns the one hash table that databases, hashes, sets, sorted set members and the expiry index are made
// of, and the layout of the records in it as far as needed to find their keys. It refuses to own records, to know what
// values mean, and to tell the time.
package table

import (
	"hash/maphash"
	"math/bits"

	"datastore/keyspace/slab"
)

const (
	bucketBytes = 64
	slots       = 7
	linkAt      = slots * 8
	tagShift    = 48 // of the tag in a slot
	hashTag     = 16 // of the tag in a hash
	tagMask     = 1<<16 - 1
	maxBits     = 31 // the hash bit that decides the next doubling must lie in the tag

	loadNum, loadDen = 11, 2   // entries per bucket above which the table doubles
	shrinkPart       = 8       // of that: entries below which it shrinks
	moveBuckets      = 2       // moved by each mutating operation while a resize runs
	emptyPerMove     = 16      // empty buckets passed for each that may be moved
	discardBuckets   = 1 << 14 // 1 MiB of emptied buckets goes back to the system at once
)

// Table is a hash table of record references, in memory outside the Go heap. It is not safe for concurrent use, but
// calls that only read (Find, Scan, Random, All, Candidate, Prefetch) may run at the same time.
//
// Buckets are cache lines: seven slots and a link. A slot holds the address of a record in its lower 48 bits and
// 16 bits of the key's hash above, so that a lookup reads one line and then, but for one case in some thousand, only
// the record that it is looking for. A bucket that is full is continued by another one from the slab. Chaining keeps an
// entry in the bucket that its hash names, which makes SCAN's cursor simple and removal free of tombstones; a probing
// table of the same load (5.5 of 7 before it doubles) would have to move foreign entries on removal, which breaks the
// cursor, or to leave marks. About one bucket in five has a continuation right before a doubling.
//
// Invariants: the entries of a chain are dense (only its last bucket has empty slots, at its end, and it has an entry
// unless it is also the first). While a resize runs, next is the array that will replace buckets, and exactly the
// buckets below moved have been emptied into it; a key's bucket therefore follows from its hash, and no lookup searches
// two. (Redis looks into both tables and puts new keys into the new one, which costs lookups a second cache miss.)
//
// The index of a bucket is the low bits of the hash, and the tag is bits 16 to 31. From 65,536 buckets on, the 32 low
// bits of a hash follow from where its entry is, so that a doubling reads no record. Halving never needs one. The
// price is that at 2^b buckets only 32-b bits of the tag tell keys apart: 14 at a million keys, 7 at a hundred million,
// where one lookup in 25 reads a foreign record. A tag from the top of the hash would make each doubling of a large
// table a cache miss per key.
type Table struct {
	check    checker
	arena    *slab.Arena
	seed     maphash.Seed
	buckets  slab.Ref // array of bits; 0 before the first Insert
	next     slab.Ref // array that a resize moves to, else 0
	mask     uint64
	nextMask uint64
	moved    uint64 // buckets of the old array that have been moved; 0 when no resize runs
	count    int
	overflow int          // continuation buckets, with the spare ones
	longest  int32        // at least the entries of the longest chain among those added since the last resize began
	oldLong  int32        // the same for the entries before
	growth   *slab.Growth // the next array's memory, until all of it is there or has been waited for long enough
	patience uint64       // moves that mutating calls still leave out for it
	spare    slab.Ref     // list of continuation buckets ready for a resize, so that it cannot fail half-way
}

// New returns an empty table. It takes memory from a with the first Insert or Reserve. Tables whose hashes are passed
// from one to the other must have the same seed.
func New(a *slab.Arena, seed maphash.Seed) *Table {
	t := new(Table)
	t.Init(a, seed)
	return t
}

// Init is New for a table that is part of another structure.
func (t *Table) Init(a *slab.Arena, seed maphash.Seed) {
	*t = Table{arena: a, seed: seed}
}

// Hash returns the hash of a key, which all other methods take so that a caller computes it once.
func (t *Table) Hash(key []byte) uint64 { return maphash.Bytes(t.seed, key) }

// Len returns the number of entries.
func (t *Table) Len() int { return t.count }

// Bytes returns the bytes of all buckets.
func (t *Table) Bytes() int64 {
	n := int64(t.overflow)
	if t.buckets != 0 {
		n += int64(t.mask) + 1
	}
	if t.next != 0 {
		n += int64(t.nextMask) + 1
	}
	return n * bucketBytes
}

// bucket returns the first bucket of a hash; the table must have buckets.
func (t *Table) bucket(h uint64) slab.Ref {
	i := h & t.mask
	if i < t.moved {
		return t.next + slab.Ref(h&t.nextMask)*bucketBytes
	}
	return t.buckets + slab.Ref(i)*bucketBytes
}

// match returns a bit for each slot of b whose tag is that of h, also for empty slots if that is 0.
func match(b slab.Ref, h uint64) uint64 {
	tag := h >> hashTag & tagMask
	return (slab.Load64(b, 0)>>tagShift^tag-1)>>63 |
		(slab.Load64(b, 8)>>tagShift^tag-1)>>63<<1 |
		(slab.Load64(b, 16)>>tagShift^tag-1)>>63<<2 |
		(slab.Load64(b, 24)>>tagShift^tag-1)>>63<<3 |
		(slab.Load64(b, 32)>>tagShift^tag-1)>>63<<4 |
		(slab.Load64(b, 40)>>tagShift^tag-1)>>63<<5 |
		(slab.Load64(b, 48)>>tagShift^tag-1)>>63<<6
}

// Find returns the record of key, or 0. h is Hash(key).
func (t *Table) Find(h uint64, key []byte) slab.Ref {
	if t.count == 0 {
		return 0
	}
	for b := t.bucket(h); b != 0; b = slab.Ref(slab.Load64(b, linkAt)) {
		for m := match(b, h); m != 0; m &= m - 1 {
			r := slab.Ref(slab.Load64(b, bits.TrailingZeros64(m)*8) & slab.RefMask)
			if r == 0 {
				continue // an empty slot, and the tag is 0
			}
			off, n := keyAt(r)
			if n == len(key) && string(slab.Bytes(r, off, n)) == string(key) {
				return r
			}
		}
	}
	return 0
}

// Candidate returns a record whose key may have hash h, or 0: it reads the bucket but no record. It is what a batch
// touches between Prefetch and Find.
func (t *Table) Candidate(h uint64) slab.Ref {
	if t.count == 0 {
		return 0
	}
	b := t.bucket(h)
	if m := match(b, h); m != 0 {
		return slab.Ref(slab.Load64(b, bits.TrailingZeros64(m)*8) & slab.RefMask)
	}
	return 0
}

// Insert adds r, the record of a key that is absent. h is the hash of its key.
func (t *Table) Insert(h uint64, r slab.Ref) {
	if t.buckets == 0 {
		t.buckets = t.newArray(1)
	}
	if t.next != 0 {
		t.moveSome()
	} else if t.count >= capacity(t.mask+1) && t.mask < 1<<maxBits-1 {
		t.resize((t.mask + 1) * 2)
	}
	t.add(t.bucket(h), uint64(r)|h>>hashTag<<tagShift)
	t.count++
	if invariants {
		t.check.changed(t)
	}
}

// add puts a slot at the end of the chain that starts with b.
func (t *Table) add(b slab.Ref, slot uint64) {
	n := 1
	for {
		link := slab.Ref(slab.Load64(b, linkAt))
		if link == 0 {
			break
		}
		b, n = link, n+slots
	}
	i := 0
	for i < slots && slab.Load64(b, i*8) != 0 {
		i++
	}
	if i == slots {
		o := t.continuation()
		slab.Store64(b, linkAt, uint64(o))
		b, i, n = o, 0, n+slots
	}
	slab.Store64(b, i*8, slot)
	t.longest = max(t.longest, int32(n+i))
}

// Replace puts new where old was: the record has moved, its key is the same. h is the hash of the key. It reports
// whether old was there.
func (t *Table) Replace(h uint64, old, new slab.Ref) bool {
	b, i := t.locate(h, old)
	if b == 0 {
		return false
	}
	slab.Store64(b, i*8, uint64(new)|h>>hashTag<<tagShift)
	if invariants {
		t.check.changed(t)
	}
	return true
}

// Remove takes the record r, whose key has hash h, out of the table and reports whether it was there.
func (t *Table) Remove(h uint64, r slab.Ref) bool {
	if r == 0 {
		return false // an empty slot looks like a reference to nothing whose hash has a tag of zeros
	}
	b, i := t.locate(h, r)
	if b == 0 {
		return false
	}
	t.delete(h, b, i)
	return true
}

// Take removes the record of key and returns it, or 0 if there is none. h is Hash(key).
func (t *Table) Take(h uint64, key []byte) slab.Ref {
	r := t.Find(h, key)
	if r != 0 {
		t.Remove(h, r)
	}
	return r
}

// locate returns the bucket and slot of a record, or 0.
func (t *Table) locate(h uint64, r slab.Ref) (b slab.Ref, i int) {
	if t.count == 0 {
		return 0, 0
	}
	slot := uint64(r) | h>>hashTag<<tagShift
	for b = t.bucket(h); b != 0; b = slab.Ref(slab.Load64(b, linkAt)) {
		for i = range slots {
			if slab.Load64(b, i*8) == slot {
				return b, i
			}
		}
	}
	return 0, 0
}

// delete empties slot i of b, a bucket of h's chain, and fills the hole with the chain's last entry.
func (t *Table) delete(h uint64, b slab.Ref, i int) {
	last, before := t.bucket(h), slab.Ref(0)
	for link := slab.Load64(last, linkAt); link != 0; link = slab.Load64(last, linkAt) {
		last, before = slab.Ref(link), last
	}
	k := slots - 1
	for slab.Load64(last, k*8) == 0 {
		k--
	}
	slab.Store64(b, i*8, slab.Load64(last, k*8))
	slab.Store64(last, k*8, 0)
	if k == 0 && before != 0 {
		slab.Store64(before, linkAt, 0)
		t.arena.Free(last)
		t.overflow--
	}
	t.count--
	if t.next != 0 {
		t.moveSome()
	} else if t.mask > 0 && t.count < capacity(t.mask+1)/shrinkPart {
		t.resize(bucketsFor(2 * t.count))
	}
	if invariants {
		t.check.changed(t)
	}
}

// Prefetch starts loading the bucket of h.
func (t *Table) Prefetch(h uint64) {
	if t.count != 0 {
		slab.Prefetch(t.bucket(h))
	}
}

// capacity is the number of entries that n buckets may hold on average.
func capacity(n uint64) int { return int(n * loadNum / loadDen) }

// bucketsFor returns the least power of two of buckets that has room for n entries.
func bucketsFor(n int) uint64 {
	need := (uint64(max(n, 1))*loadDen + loadNum - 1) / loadNum
	return min(uint64(1)<<bits.Len64(need-1), 1<<maxBits)
}

func (t *Table) newArray(n uint64) slab.Ref { return t.arena.AllocZeroed(int(n) * bucketBytes) }

// continuation returns an empty bucket outside the array.
func (t *Table) continuation() slab.Ref {
	if b := t.spare; b != 0 {
		t.spare = slab.Ref(slab.Load64(b, linkAt))
		clear(slab.Bytes(b, 0, bucketBytes))
		return b
	}
	b := t.arena.AllocZeroed(bucketBytes)
	t.overflow++
	return b
}

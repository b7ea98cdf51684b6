package keyspace

import (
	"math"

	"datastore/keyspace/btree"
	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// ZSet is the handle of a sorted set: a listpack of members and scores in order up to the limits; above, a table of members
// (score as the element's value) together with a counted B-tree over the same elements.
type ZSet struct{ handle }

type bigZSet struct {
	dict table.Table
	tree btree.Tree
}

// ZFlags are conditions for Add and what came of it.
type ZFlags uint8

// Conditions and results of Add.
const (
	ZNX      ZFlags = 1 << iota // only add
	ZXX                         // only update
	ZGT                         // only to a greater score
	ZLT                         // only to a lower score
	ZIncr                       // the score is an increment
	ZAdded                      // result: the member is new
	ZUpdated                    // result: the score has changed
	ZNop                        // result: a condition held it back
)

// ZSet opens a sorted set or a missing key.
func (d *DB) ZSet(key []byte) (z ZSet, err error) {
	err = z.Find(d, key)
	return z, err
}

func (s *Store) newBigZSet(n int) *bigZSet {
	z := &bigZSet{}
	z.dict.Init(s.arena, s.seed)
	z.dict.Reserve(n)
	z.tree.Init(s.arena)
	return z
}

func scoreOf(r slab.Ref) float64 {
	v := table.ElementValue(r)
	return math.Float64frombits(uint64(v[0]) | uint64(v[1])<<8 | uint64(v[2])<<16 | uint64(v[3])<<24 |
		uint64(v[4])<<32 | uint64(v[5])<<40 | uint64(v[6])<<48 | uint64(v[7])<<56)
}

func putScore(buf *[8]byte, score float64) []byte {
	u := math.Float64bits(score)
	for i := range buf {
		buf[i] = byte(u >> (8 * i))
	}
	return buf[:]
}

// Len returns the number of members.
func (z *ZSet) Len() int {
	switch {
	case z.r == 0:
		return 0
	case z.encoding() == encPacked:
		return packed.Len(bytesOf(z.r)) / 2
	}
	return z.object().zset.dict.Len()
}

// Score returns the score of a member.
func (z *ZSet) Score(m []byte) (float64, bool) {
	at := z.locate(m)
	return at.score, at.found()
}

// zplace is where a member is, or would be. It is no larger than what the compiler keeps in registers.
type zplace struct {
	off   int      // of the member in a listpack, behind whose header it is
	h     uint64   // hash of the member; 0 if it is not known
	r     slab.Ref // element in the table
	score float64
}

func (at zplace) found() bool { return at.off != 0 || at.r != 0 }

func (z *ZSet) locate(m []byte) zplace {
	if z.r == 0 {
		return zplace{}
	}
	if z.encoding() == encPacked {
		b := bytesOf(z.r)
		off := findField(b, m)
		if off < 0 {
			return zplace{}
		}
		return zplace{off: off, score: scoreAt(b, off)}
	}
	t := &z.object().zset.dict
	h := t.Hash(m)
	r := t.Find(h, m)
	if r == 0 {
		return zplace{h: h}
	}
	return zplace{h: h, r: r, score: scoreOf(r)}
}

// scoreAt returns the score that follows the member at off.
func scoreAt(b []byte, off int) float64 {
	f, _ := packed.Get(b, packed.Next(b, off)).Float()
	return f
}

// Add adds a member or changes its score under the conditions of f, creating the set. It returns what came of it and the
// member's score now; ErrNaN when an increment has no result. The score must not be NaN.
func (z *ZSet) Add(score float64, m []byte, f ZFlags) (ZFlags, float64, error) {
	at := z.locate(m)
	switch {
	case !at.found() && f&ZXX != 0, at.found() && f&ZNX != 0:
		return ZNop, at.score, nil
	case !at.found():
		z.change()
		z.insert(at, score, m)
		return ZAdded, score, nil
	}
	if f&ZIncr != 0 {
		if score += at.score; math.IsNaN(score) {
			return 0, 0, ErrNaN
		}
	}
	switch {
	case f&ZGT != 0 && score <= at.score, f&ZLT != 0 && score >= at.score:
		return ZNop, at.score, nil
	case score == at.score:
		return 0, score, nil
	}
	z.change()
	if z.encoding() == encPacked {
		z.movePacked(at.off, score, m)
		return ZUpdated, score, nil
	}
	var buf [8]byte
	copy(table.ElementValue(at.r), putScore(&buf, score))
	z.object().zset.tree.Move(at.score, score, at.r)
	return ZUpdated, score, nil
}

// insert adds a member that is absent.
func (z *ZSet) insert(at zplace, score float64, m []byte) {
	l := &z.d.store.limits
	fits := len(m) <= l.ZSetValueBytes
	switch {
	case z.r == 0 && fits && l.ZSetEntries > 0:
		z.createPacked(TypeZSet, packed.EntrySize(m)+packed.EntrySizeFloat(score))
		z.insertPacked(score, m)
		return
	case z.r == 0:
		z.createObject(TypeZSet, object{zset: z.d.store.newBigZSet(0)})
	case z.encoding() == encPacked && fits && packed.Len(bytesOf(z.r))/2 < l.ZSetEntries:
		z.insertPacked(score, m)
		return
	case z.encoding() == encPacked:
		z.unpack()
	}
	o := z.object()
	if at.h == 0 {
		at.h = o.zset.dict.Hash(m)
	}
	var buf [8]byte
	r := z.d.store.newElement(o, m, putScore(&buf, score))
	o.zset.dict.Insert(at.h, r)
	o.zset.tree.Insert(score, r)
}

// insertPacked puts a member before the first one that is greater.
func (z *ZSet) insertPacked(score float64, m []byte) {
	b := z.room(packed.EntrySize(m) + packed.EntrySizeFloat(score))
	off := placePacked(b, score, m)
	b = packed.InsertFloat(b, off, score)
	z.keep(packed.Insert(b, off, m))
}

// placePacked returns the offset of the first member that is greater, or of the end. The last member is looked at first,
// since scores are often times.
func placePacked(b []byte, score float64, m []byte) int {
	end := len(b) - 1
	off := packed.First(b)
	if off < 0 || lessPacked(b, packed.Prev(b, packed.Last(b)), score, m) {
		return end
	}
	for lessPacked(b, off, score, m) {
		off = packed.Next(b, packed.Next(b, off))
	}
	return off
}

// lessPacked reports whether the member at off comes before (score, m).
func lessPacked(b []byte, off int, score float64, m []byte) bool {
	at := scoreAt(b, off)
	if at != score {
		return at < score
	}
	var text [24]byte
	return string(textOf(packed.Get(b, off), &text)) < string(m)
}

// movePacked changes the score of the member at off, in its place when its neighbours allow.
func (z *ZSet) movePacked(off int, score float64, m []byte) {
	b := bytesOf(z.r)
	b = z.room(max(0, packed.ReplacedSizeFloat(b, packed.Next(b, off), score)-len(b)))
	before, after := packed.Prev(b, off), packed.Next(b, packed.Next(b, off))
	if (before < 0 || lessPacked(b, packed.Prev(b, before), score, m)) &&
		(after < 0 || !lessPacked(b, after, score, m)) {
		z.trim(packed.ReplaceFloat(b, packed.Next(b, off), score))
		return
	}
	b = packed.Delete(b, off, 2)
	off = placePacked(b, score, m)
	b = packed.InsertFloat(b, off, score)
	z.trim(packed.Insert(b, off, m))
}

// unpack turns the listpack into a table and a tree.
func (z *ZSet) unpack() {
	s := z.d.store
	b := bytesOf(z.r)
	o := object{zset: s.newBigZSet(packed.Len(b)/2 + 1)}
	var text [24]byte
	var buf [8]byte
	for off := packed.First(b); off >= 0; off = packed.Next(b, packed.Next(b, off)) {
		m, score := textOf(packed.Get(b, off), &text), scoreAt(b, off)
		r := s.newElement(&o, m, putScore(&buf, score))
		o.zset.dict.Insert(o.zset.dict.Hash(m), r)
		o.zset.tree.Insert(score, r)
	}
	z.become(o)
}

// Remove removes a member and reports whether it was there; the key goes with its last member.
func (z *ZSet) Remove(m []byte) bool {
	if z.r == 0 {
		return false
	}
	if z.encoding() == encPacked {
		off := findField(bytesOf(z.r), m)
		if off < 0 {
			return false
		}
		z.change()
		z.trimList(packed.Delete(z.room(0), off, 2))
		return true
	}
	o := z.object()
	big := o.zset
	h := big.dict.Hash(m)
	r := big.dict.Find(h, m)
	if r == 0 {
		return false
	}
	z.change()
	big.dict.Remove(h, r)
	big.tree.Delete(scoreOf(r), r)
	z.d.store.freeElement(o, r)
	if big.dict.Len() == 0 {
		z.remove()
	}
	return true
}

// Rank returns a member's position in ascending order, from 0, and its score.
func (z *ZSet) Rank(m []byte) (rank int, score float64, ok bool) {
	if z.r == 0 {
		return 0, 0, false
	}
	if z.encoding() == encPacked {
		b := bytesOf(z.r)
		i := 0
		for off := packed.First(b); off >= 0; off = packed.Next(b, packed.Next(b, off)) {
			if packed.Get(b, off).Equal(m) {
				return i, scoreAt(b, off), true
			}
			i++
		}
		return 0, 0, false
	}
	o := z.object().zset
	r := o.dict.Find(o.dict.Hash(m), m)
	if r == 0 {
		return 0, 0, false
	}
	score = scoreOf(r)
	rank, ok = o.tree.Rank(score, m)
	return rank, score, ok
}

// Scan calls emit for the members of one step and returns the next cursor, 0 at the end; a packed set is one step.
func (z *ZSet) Scan(cursor uint64, emit func(m Value, score float64)) uint64 {
	if z.r == 0 {
		return 0
	}
	if z.encoding() == encObject {
		return z.object().zset.dict.Scan(cursor, func(r slab.Ref) { emit(Value{Bytes: table.Key(r)}, scoreOf(r)) })
	}
	for it := z.RankRange(0, z.Len()-1, false); it.Next(); {
		emit(it.Member(), it.Score())
	}
	return 0
}

// Random returns a random member with its score, each with the same probability; the set must exist.
func (z *ZSet) Random(rnd Rand) (Value, float64) {
	if z.encoding() == encObject {
		r := z.object().zset.dict.Random(rnd)
		return Value{Bytes: table.Key(r)}, scoreOf(r)
	}
	b := bytesOf(z.r)
	off := packed.Index(b, 2*int(rnd(uint64(packed.Len(b)/2))))
	return packed.Get(b, off), scoreAt(b, off)
}

package keyspace

import (
	"datastore/keyspace/btree"
	"datastore/keyspace/packed"
	"datastore/keyspace/table"
)

// ScoreRange is a range of scores; the ends belong to it unless MinEx or MaxEx.
type ScoreRange struct {
	Min, Max     float64
	MinEx, MaxEx bool
}

func (r *ScoreRange) aboveMin(s float64) bool { return s > r.Min || (s == r.Min && !r.MinEx) }
func (r *ScoreRange) belowMax(s float64) bool { return s < r.Max || (s == r.Max && !r.MaxEx) }

// LexBound is an end of a LexRange.
type LexBound struct {
	Key       []byte
	Exclusive bool
	Inf       int8 // -1 is "-", before every member; 1 is "+", after every member
}

// LexRange is a range of members of a set whose scores are all equal.
type LexRange struct{ Min, Max LexBound }

// aboveMin reports whether a member is at or above the lower end.
func (r *LexRange) aboveMin(m []byte) bool {
	if b := &r.Min; b.Inf == 0 {
		return string(m) > string(b.Key) || (!b.Exclusive && string(m) == string(b.Key))
	}
	return r.Min.Inf < 0
}

// belowMax reports whether a member is at or below the upper end.
func (r *LexRange) belowMax(m []byte) bool {
	if b := &r.Max; b.Inf == 0 {
		return string(m) < string(b.Key) || (!b.Exclusive && string(m) == string(b.Key))
	}
	return r.Max.Inf > 0
}

// ZIter walks members in order, in either direction. No write may come between the steps.
type ZIter struct {
	b       []byte // packed
	off     int
	cur     btree.Cursor
	dict    bool
	reverse bool
	started bool
	left    int // members still to come, -1 when only the range limits them
	kind    zkind
	byScore ScoreRange
	byLex   LexRange
}

type zkind uint8

const (
	byRank zkind = iota
	byScore
	byLex
)

// RankRange walks the members of the ranks start to stop, counted from 0 in the direction of the walk; ranks out of range
// are cut off.
func (z *ZSet) RankRange(start, stop int, reverse bool) ZIter {
	n := z.Len()
	start, stop = max(start, 0), min(stop, n-1)
	it := ZIter{reverse: reverse, off: -1, left: stop - start + 1}
	if it.left <= 0 || n == 0 {
		it.left = 0
		return it
	}
	if reverse {
		start = n - 1 - start
	}
	if z.encoding() == encPacked {
		it.b = bytesOf(z.r)
		it.off = packed.Index(it.b, 2*start)
	} else {
		it.dict, it.cur = true, z.object().zset.tree.At(start)
	}
	return it
}

// ScoreRange walks the members whose scores are in the range.
func (z *ZSet) ScoreRange(r ScoreRange, reverse bool) ZIter {
	it := ZIter{reverse: reverse, off: -1, left: -1, kind: byScore, byScore: r}
	if z.r == 0 {
		return it
	}
	if z.encoding() == encObject {
		it.dict = true
		if t := &z.object().zset.tree; reverse {
			it.cur = t.SeekScoreLast(r.Max, r.MaxEx)
		} else {
			it.cur = t.SeekScore(r.Min, r.MinEx)
		}
		return it
	}
	it.b = bytesOf(z.r)
	it.seekPacked(func(off int) bool {
		if reverse {
			return it.byScore.belowMax(scoreAt(it.b, off))
		}
		return it.byScore.aboveMin(scoreAt(it.b, off))
	})
	return it
}

// LexRange walks the members in the range; it makes sense when all scores are equal.
func (z *ZSet) LexRange(r LexRange, reverse bool) ZIter {
	it := ZIter{reverse: reverse, off: -1, left: -1, kind: byLex, byLex: r}
	if z.r == 0 {
		return it
	}
	if z.encoding() == encObject {
		it.dict = true
		it.cur = seekLexTree(&z.object().zset.tree, &it.byLex, reverse)
		return it
	}
	it.b = bytesOf(z.r)
	var text [24]byte
	it.seekPacked(func(off int) bool {
		m := textOf(packed.Get(it.b, off), &text)
		if reverse {
			return it.byLex.belowMax(m)
		}
		return it.byLex.aboveMin(m)
	})
	return it
}

func seekLexTree(t *btree.Tree, r *LexRange, reverse bool) btree.Cursor {
	switch b := r.Min; {
	case reverse && r.Max.Inf > 0:
		return t.Last()
	case reverse && r.Max.Inf < 0:
		return btree.Cursor{}
	case reverse:
		return t.SeekLexLast(r.Max.Key, r.Max.Exclusive)
	case b.Inf < 0:
		return t.First()
	case b.Inf > 0:
		return btree.Cursor{}
	}
	return t.SeekLex(r.Min.Key, r.Min.Exclusive)
}

// seekPacked finds the first member, in the direction of the walk, that is within the end it starts from.
func (it *ZIter) seekPacked(within func(off int) bool) {
	b := it.b
	if it.reverse {
		for off := packed.Last(b); off >= 0; {
			m := packed.Prev(b, off) // off is a score
			if within(m) {
				it.off = m
				return
			}
			off = packed.Prev(b, m)
		}
		return
	}
	for off := packed.First(b); off >= 0; off = packed.Next(b, packed.Next(b, off)) {
		if within(off) {
			it.off = off
			return
		}
	}
}

// Next goes to the next member and reports whether there is one.
func (it *ZIter) Next() bool {
	if it.left == 0 {
		return false
	}
	if it.started {
		it.advance()
	}
	it.started = true
	if !it.placed() || !it.inside() {
		it.left = 0
		return false
	}
	if it.left > 0 {
		it.left--
	}
	return true
}

// Step goes from the current member, which Next must have found, to its neighbour in either direction. It reports false and
// stays when there is none, or none in the range of a ScoreRange or LexRange, of which only the end on that side counts. A
// walk that has taken steps goes on by steps.
func (it *ZIter) Step(back bool) bool {
	off, cur, reverse := it.off, it.cur, it.reverse
	it.reverse = back
	it.advance()
	ok := it.placed() && it.inside()
	if it.reverse = reverse; !ok {
		it.off, it.cur = off, cur
	}
	return ok
}

// placed reports whether there is a member where the walk is.
func (it *ZIter) placed() bool {
	if it.dict {
		return it.cur.Valid()
	}
	return it.off >= 0
}

func (it *ZIter) advance() {
	switch {
	case it.dict && it.reverse:
		it.cur.Prev()
	case it.dict:
		it.cur.Next()
	case it.reverse:
		if it.off = packed.Prev(it.b, it.off); it.off >= 0 {
			it.off = packed.Prev(it.b, it.off)
		}
	default:
		it.off = packed.Next(it.b, packed.Next(it.b, it.off))
	}
}

// inside checks the end that the walk moves to.
func (it *ZIter) inside() bool {
	switch it.kind {
	case byScore:
		if it.reverse {
			return it.byScore.aboveMin(it.Score())
		}
		return it.byScore.belowMax(it.Score())
	case byLex:
		var text [24]byte
		m := textOf(it.Member(), &text)
		if it.reverse {
			return it.byLex.aboveMin(m)
		}
		return it.byLex.belowMax(m)
	}
	return true
}

// Member returns the current member.
func (it *ZIter) Member() Value {
	if it.dict {
		return Value{Bytes: table.Key(it.cur.Ref())}
	}
	return packed.Get(it.b, it.off)
}

// Score returns the current score.
func (it *ZIter) Score() float64 {
	if it.dict {
		return it.cur.Score()
	}
	return scoreAt(it.b, it.off)
}

// CountScore returns how many members have scores in the range.
func (z *ZSet) CountScore(r ScoreRange) int {
	if z.r == 0 || z.encoding() == encPacked {
		return count(z.ScoreRange(r, false))
	}
	t := &z.object().zset.tree
	return between(t, t.SeekScore(r.Min, r.MinEx), t.SeekScoreLast(r.Max, r.MaxEx))
}

// CountLex returns how many members are in the range.
func (z *ZSet) CountLex(r LexRange) int {
	if z.r == 0 || z.encoding() == encPacked {
		return count(z.LexRange(r, false))
	}
	t := &z.object().zset.tree
	return between(t, seekLexTree(t, &r, false), seekLexTree(t, &r, true))
}

func count(it ZIter) int {
	n := 0
	for it.Next() {
		n++
	}
	return n
}

// between counts the entries from first to last by their ranks.
func between(t *btree.Tree, first, last btree.Cursor) int {
	if !first.Valid() || !last.Valid() {
		return 0
	}
	i, _ := t.Rank(first.Score(), table.Key(first.Ref()))
	j, _ := t.Rank(last.Score(), table.Key(last.Ref()))
	return max(0, j-i+1)
}

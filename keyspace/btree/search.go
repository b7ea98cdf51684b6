package btree

import (
	"bytes"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// probe is a position between entries: before all entries that equal it in what it compares, or after them.
type probe struct {
	score    float64
	key      []byte
	useScore bool
	useKey   bool
	after    bool
}

// exact returns the probe before the entry (score, key).
func exact(score float64, key []byte) probe {
	return probe{score: score, key: key, useScore: true, useKey: true}
}

// rows returns the number of rows of n that lie before the probe.
func (p *probe) rows(n node, l *layout) int {
	lo, hi := 0, size(n)
	if p.useScore {
		lo = below(n, l.score, hi, p.score)
		if lo == hi || scoreAt(n, l.score, lo) != p.score {
			return lo
		}
		if !p.useKey && !p.after {
			return lo
		}
		hi = lo + equal(n, l.score+lo*8, hi-lo, p.score)
		if !p.useKey {
			return hi
		}
	}
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if c := bytes.Compare(table.Key(refAt(n, l.ref, mid)), p.key); c < 0 || c == 0 && p.after {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// below returns how many of the rows scores at base, which ascend, are less than score. The loop has no branch that
// depends on the data.
func below(n node, base, rows int, score float64) int {
	lo := 0
	for rows > 1 {
		half := rows / 2
		next := lo + half
		if scoreAt(n, base, next-1) >= score {
			next = lo
		}
		lo = next
		rows -= half
	}
	if rows == 1 && scoreAt(n, base, lo) < score {
		lo++
	}
	return lo
}

// equal returns how many of the rows scores at base, which ascend and of which the first equals score, do so.
func equal(n node, base, rows int, score float64) int {
	lo, hi := 1, rows
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if scoreAt(n, base, mid) == score {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// step is an inner node on the way down and the child taken there.
type step struct {
	n node
	i int
}

// path is the way from the root to a place in a leaf.
type path struct {
	steps [maxHeight]step // by height; [0] is not used
	leaf  node
	i     int // the first row of leaf that is not before the probe; may be its size
}

// descend finds the place of a probe in the tree, which is not empty.
func (t *Tree) descend(p *probe, way *path) {
	n := t.root
	l := layoutOf(1)
	for h := height(n); h > 0; h-- {
		// The first entry not before the probe lies in the last child whose least entry is before it, or right behind.
		i := max(p.rows(n, &l)-1, 0)
		way.steps[h] = step{n, i}
		n = child(n, i)
	}
	l = layoutOf(0)
	way.leaf, way.i = n, p.rows(n, &l)
}

// rank returns the number of entries before the place.
func (way *path) rank(height int) int {
	rank := way.i
	for h := 1; h <= height; h++ {
		for i := range way.steps[h].i {
			rank += count(way.steps[h].n, i)
		}
	}
	return rank
}

// find finds the entry (score, key) and tells whether it is there. The tree may be empty.
func (t *Tree) find(score float64, key []byte, way *path) bool {
	if t.root == 0 {
		return false
	}
	p := exact(score, key)
	t.descend(&p, way)
	if way.i == size(way.leaf) && !way.forward() {
		return false
	}
	return scoreAt(way.leaf, leafScore, way.i) == score && table.KeyEqual(refAt(way.leaf, leafRef, way.i), key)
}

// forward moves a path that ends behind its leaf to the first entry of the next leaf.
func (way *path) forward() bool {
	if next(way.leaf) == 0 {
		return false
	}
	h := 1
	for way.steps[h].i+1 == size(way.steps[h].n) {
		h++
	}
	way.steps[h].i++
	n := child(way.steps[h].n, way.steps[h].i)
	for h--; h > 0; h-- {
		way.steps[h] = step{n, 0}
		n = child(n, 0)
	}
	way.leaf, way.i = n, 0
	return true
}

// Cursor is a place in a tree: an entry, or nowhere when it is not Valid. It is a value without resources, and invalid
// after any change of the tree.
type Cursor struct {
	leaf node
	i    int
}

// Valid tells whether the cursor stands on an entry.
func (c Cursor) Valid() bool { return c.leaf != 0 }

// Score returns the score of the entry; the cursor must be valid, as for the other methods.
func (c Cursor) Score() float64 { return scoreAt(c.leaf, leafScore, c.i) }

// Ref returns the member's record.
func (c Cursor) Ref() slab.Ref { return refAt(c.leaf, leafRef, c.i) }

// Next moves to the next entry, or makes the cursor invalid behind the last.
func (c *Cursor) Next() {
	if c.i++; c.i == size(c.leaf) {
		c.leaf, c.i = next(c.leaf), 0
	}
}

// Prev moves to the entry before, or makes the cursor invalid before the first.
func (c *Cursor) Prev() {
	if c.i--; c.i < 0 {
		if c.leaf = prev(c.leaf); c.leaf != 0 {
			c.i = size(c.leaf) - 1
		}
	}
}

// at returns the cursor behind a probe.
func (t *Tree) at(p probe) Cursor {
	if t.root == 0 {
		return Cursor{}
	}
	var way path
	t.descend(&p, &way)
	if way.i == size(way.leaf) {
		return Cursor{leaf: next(way.leaf)}
	}
	return Cursor{way.leaf, way.i}
}

// before returns the cursor before a probe.
func (t *Tree) before(p probe) Cursor {
	if t.root == 0 {
		return Cursor{}
	}
	var way path
	t.descend(&p, &way)
	c := Cursor{way.leaf, way.i}
	c.Prev()
	return c
}

// At returns the entry with the given rank, counted from 0; the cursor is invalid when there is none.
func (t *Tree) At(rank int) Cursor {
	switch {
	case rank < 0 || rank >= t.length:
		return Cursor{}
	case rank == t.length-1: // no counts to add up
		return t.Last()
	}
	n := t.root
	for h := height(n); h > 0; h-- {
		i := 0
		for c := count(n, i); rank >= c; c = count(n, i) {
			rank -= c
			i++
		}
		n = child(n, i)
	}
	return Cursor{n, rank}
}

// SeekScore returns the first entry with a score of at least min, or above min if exclusive.
func (t *Tree) SeekScore(min float64, exclusive bool) Cursor {
	return t.at(probe{score: min, useScore: true, after: exclusive})
}

// SeekScoreLast returns the last entry with a score of at most max, or below max if exclusive.
func (t *Tree) SeekScoreLast(max float64, exclusive bool) Cursor {
	return t.before(probe{score: max, useScore: true, after: !exclusive})
}

// SeekLex returns the first member that is bytewise at least key, or above key if exclusive, provided that all scores
// are equal.
func (t *Tree) SeekLex(key []byte, exclusive bool) Cursor {
	return t.at(probe{key: key, useKey: true, after: exclusive})
}

// SeekLexLast returns the last member that is bytewise at most key, or below key if exclusive, provided that all
// scores are equal.
func (t *Tree) SeekLexLast(key []byte, exclusive bool) Cursor {
	return t.before(probe{key: key, useKey: true, after: !exclusive})
}

// Rank returns the number of entries before (score, key), and whether that entry exists.
func (t *Tree) Rank(score float64, key []byte) (int, bool) {
	var way path
	ok := t.find(score, key, &way)
	if t.root == 0 {
		return 0, false
	}
	return way.rank(height(t.root)), ok
}

// RankScore returns the number of entries with a score below bound, or of at most bound if inclusive.
func (t *Tree) RankScore(bound float64, inclusive bool) int {
	return t.rank(probe{score: bound, useScore: true, after: inclusive})
}

// RankLex returns the number of members bytewise below key, or at most key if inclusive, provided that all scores are
// equal.
func (t *Tree) RankLex(key []byte, inclusive bool) int {
	return t.rank(probe{key: key, useKey: true, after: inclusive})
}

func (t *Tree) rank(p probe) int {
	if t.root == 0 {
		return 0
	}
	var way path
	t.descend(&p, &way)
	return way.rank(height(t.root))
}

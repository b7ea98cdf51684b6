// Package btree owns the order of a sorted set: entries of a score and a member's record, in order, with ranks. It
// refuses to own the records and to find a member whose score is unknown, which is the table's work.
package btree

import (
	"bytes"
	"cmp"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// Tree is a counted B+tree. Entries are ordered by score (-0 equals 0; NaN must not enter), then bytewise by the key of
// their record. It is not safe for concurrent use; calls that only read may run at the same time.
//
// All entries are in leaves of up to 62, which are linked both ways. An inner node holds for each child its least entry
// and the number of entries below it, so that rank, select and search are one walk down: four nodes at a million
// entries, of which the upper ones stay in the cache. Redis's skip list is as good in theory and makes twenty hops to
// as many cache lines; its nodes cost some forty bytes per entry, where an entry here takes 16 over a fill of 65 to 100
// percent.
//
// Invariants: every node has a row. The least entry and the count in a row are those of the child; insert and delete
// maintain them on their path, so that a separator never names a record that has left the tree. (Separators that may go
// stale are cheaper to maintain, but here one refers to a record that would have been freed.) A node that falls below a
// quarter is merged with a neighbour below the same parent if one node can hold both. It is not looked at again when that
// neighbour becomes smaller later on, so small nodes are few rather than none; and entries are never moved between
// neighbours to even them out. A split at either end of the tree leaves the old node full, so that sorted input, ascending
// or descending, fills all nodes.
//
// A record must not be freed or change its key before it has left the tree (Delete), or been exchanged (Replace).
type Tree struct {
	check  checker
	arena  *slab.Arena
	root   node // 0 when the tree has no entries
	length int
	bytes  int64
}

// New returns an empty tree, which takes memory from a with the first Insert.
func New(a *slab.Arena) *Tree {
	t := new(Tree)
	t.Init(a)
	return t
}

// Init is New for a tree that is part of another structure.
func (t *Tree) Init(a *slab.Arena) { *t = Tree{arena: a} }

// Len returns the number of entries.
func (t *Tree) Len() int { return t.length }

// Bytes returns the usable bytes of all nodes.
func (t *Tree) Bytes() int64 { return t.bytes }

// Insert adds an entry. Its (score, key) must be absent.
func (t *Tree) Insert(score float64, r slab.Ref) {
	if t.root == 0 {
		t.root = t.newNode(0)
	}
	var way path
	p := exact(score, table.Key(r))
	t.descend(&p, &way)
	if size(way.leaf) == leafMax {
		t.split(&way)
	}
	l := layoutOf(0)
	l.shift(way.leaf, way.i, 1)
	l.setRow(way.leaf, way.i, score, r)
	setSize(way.leaf, size(way.leaf)+1)
	t.length++
	t.adjust(&way, 1)
}

// adjust adds d to the counts above the leaf of a path, and corrects the least entries if the leaf's has changed.
func (t *Tree) adjust(way *path, d int) {
	least := way.i == 0
	for h := 1; h <= height(t.root); h++ {
		s := &way.steps[h]
		addCount(s.n, s.i, d)
		if least {
			l := layoutOf(1)
			l.setRow(s.n, s.i, scoreAt(way.leaf, leafScore, 0), refAt(way.leaf, leafRef, 0))
			least = s.i == 0
		}
	}
	if invariants {
		t.check.changed(t)
	}
}

// split makes room in the full leaf of a path and in the full nodes above it, and corrects the path. All nodes are
// allocated before the first change.
func (t *Tree) split(way *path) {
	top := height(t.root)
	full := 1
	for full <= top && size(way.steps[full].n) == innerMax {
		full++
	}
	var fresh [maxHeight + 1]node
	for h := range full {
		fresh[h] = t.newNode(h)
	}
	if full > top {
		root := t.newNode(top + 1)
		setSize(root, 1)
		setChild(root, 0, t.root)
		way.steps[full] = step{root, 0}
		t.root = root
	}
	first, last := prev(way.leaf) == 0, next(way.leaf) == 0
	for h := full - 1; h > 0; h-- { // from above, so that the parent of a split node always has room
		s, keep := &way.steps[h], innerMax/2
		if last && s.i == innerMax-1 {
			keep = innerMax - 1
		} else if first && s.i == 0 {
			keep = 1
		}
		s.n, s.i = splitNode(&way.steps[h+1], s.n, fresh[h], s.i+1, keep)
		s.i--
	}
	keep := leafMax / 2
	if last && way.i == leafMax {
		keep = leafMax - 1
	} else if first && way.i == 0 {
		keep = 1
	}
	way.leaf, way.i = splitNode(&way.steps[1], way.leaf, fresh[0], way.i, keep)
}

// splitNode moves all but the first keep rows of n to fresh, which becomes its right neighbour below parent, and
// returns where row i, which is to be inserted, belongs. parent is corrected to name that node.
func splitNode(parent *step, n, fresh node, i, keep int) (node, int) {
	l, p := layoutOf(height(n)), layoutOf(1)
	l.copyRows(fresh, 0, n, keep, l.max-keep)
	setSize(fresh, l.max-keep)
	setSize(n, keep)
	if height(n) == 0 {
		link(n, fresh)
	}
	p.shift(parent.n, parent.i+1, 1)
	setSize(parent.n, size(parent.n)+1)
	setChild(parent.n, parent.i+1, fresh)
	addCount(parent.n, parent.i, -count(parent.n, parent.i+1))
	if i <= keep {
		return n, i
	}
	parent.i++
	return fresh, i - keep
}

// link enters fresh behind n in the list of leaves.
func link(n, fresh node) {
	after := next(n)
	setNext(fresh, after)
	setPrev(fresh, n)
	setNext(n, fresh)
	if after != 0 {
		setPrev(after, fresh)
	}
}

// unlink takes n out of the list of leaves.
func unlink(n node) {
	if next(n) != 0 {
		setPrev(next(n), prev(n))
	}
	if prev(n) != 0 {
		setNext(prev(n), next(n))
	}
}

// Delete removes the entry of record r, whose score is given, and reports whether it was there.
func (t *Tree) Delete(score float64, r slab.Ref) bool {
	var way path
	if !t.find(score, table.Key(r), &way) {
		return false
	}
	t.remove(&way)
	return true
}

// remove takes the entry at a place out.
func (t *Tree) remove(way *path) {
	t.length--
	if t.length == 0 {
		t.Release()
		return
	}
	l := layoutOf(0)
	l.shift(way.leaf, way.i+1, -1)
	setSize(way.leaf, size(way.leaf)-1)
	t.shrink(way)
}

// shrink corrects the path of an entry that has gone: counts, least entries, and nodes that have become small.
func (t *Tree) shrink(way *path) {
	n := way.leaf
	for h := 1; h <= height(t.root); h++ {
		s := &way.steps[h]
		addCount(s.n, s.i, -1)
		l, inner := layoutOf(h-1), layoutOf(1)
		if size(n) == 0 {
			t.drop(s)
		} else {
			inner.setRow(s.n, s.i, scoreAt(n, l.score, 0), refAt(n, l.ref, 0))
			if size(n) < l.min {
				t.merge(s)
			}
		}
		n = s.n
	}
	for height(t.root) > 0 && size(t.root) == 1 {
		old := t.root
		t.root = child(old, 0)
		t.freeNode(old)
	}
	if invariants {
		t.check.changed(t)
	}
}

// drop removes the empty child that s names.
func (t *Tree) drop(s *step) {
	n := child(s.n, s.i)
	if height(n) == 0 {
		unlink(n)
	}
	t.freeNode(n)
	l := layoutOf(1)
	l.shift(s.n, s.i+1, -1)
	setSize(s.n, size(s.n)-1)
}

// merge joins the child that s names with a neighbour, if one node can hold both.
func (t *Tree) merge(s *step) {
	for _, i := range [2]int{s.i - 1, s.i} {
		if i < 0 || i+1 >= size(s.n) {
			continue
		}
		left, right := child(s.n, i), child(s.n, i+1)
		l := layoutOf(height(left))
		if size(left)+size(right) > l.max {
			continue
		}
		l.copyRows(left, size(left), right, 0, size(right))
		setSize(left, size(left)+size(right))
		if height(left) == 0 {
			unlink(right)
		}
		t.freeNode(right)
		p := layoutOf(1)
		p.shift(s.n, i+2, -1)
		setSize(s.n, size(s.n)-1)
		setChild(s.n, i, left)
		return
	}
}

// Release frees all nodes but no record. The tree is empty and usable afterwards.
func (t *Tree) Release() {
	if t.root != 0 {
		t.release(t.root)
	}
	t.Init(t.arena)
}

func (t *Tree) release(n node) {
	if height(n) > 0 {
		for i := range size(n) {
			t.release(child(n, i))
		}
	}
	t.freeNode(n)
}

// Replace puts the record new where old was in the entry with the given score, and reports whether it was there. Both
// have the same key and are readable during the call.
func (t *Tree) Replace(score float64, old, new slab.Ref) bool {
	var way path
	if !t.find(score, table.Key(new), &way) || refAt(way.leaf, leafRef, way.i) != old {
		return false
	}
	slab.Store64(way.leaf, leafRef+way.i*8, uint64(new))
	t.adjust(&way, 0)
	return true
}

// Move gives the entry of record r another score and reports whether it was there.
func (t *Tree) Move(from, to float64, r slab.Ref) bool {
	var way path
	if !t.find(from, table.Key(r), &way) {
		return false
	}
	if t.fits(&way, to, r) {
		l := layoutOf(0)
		l.setRow(way.leaf, way.i, to, r)
		t.adjust(&way, 0)
		return true
	}
	t.Delete(from, r)
	t.Insert(to, r)
	return true
}

// fits tells whether the entry at the end of a path may take another score without moving. Entries at the ends of
// their leaf stay only if they are the ends of the tree.
func (t *Tree) fits(way *path, to float64, r slab.Ref) bool {
	if way.i == 0 && prev(way.leaf) != 0 || way.i+1 == size(way.leaf) && next(way.leaf) != 0 {
		return false
	}
	return (way.i == 0 || order(way.leaf, way.i-1, to, r) < 0) &&
		(way.i+1 == size(way.leaf) || order(way.leaf, way.i+1, to, r) > 0)
}

// order compares row i of a leaf with (score, key of r).
func order(leaf node, i int, score float64, r slab.Ref) int {
	if c := cmp.Compare(scoreAt(leaf, leafScore, i), score); c != 0 {
		return c
	}
	return bytes.Compare(table.Key(refAt(leaf, leafRef, i)), table.Key(r))
}

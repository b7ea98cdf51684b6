package btree

import "datastore/keyspace/slab"

// First returns the least entry.
func (t *Tree) First() Cursor { return t.end(false) }

// Last returns the greatest entry.
func (t *Tree) Last() Cursor { return t.end(true) }

// PopFirst removes the least entry and returns its record; the tree must not be empty.
func (t *Tree) PopFirst() slab.Ref { return t.pop(false) }

// PopLast removes the greatest entry and returns its record; the tree must not be empty.
func (t *Tree) PopLast() slab.Ref { return t.pop(true) }

func (t *Tree) end(last bool) Cursor {
	if t.root == 0 {
		return Cursor{}
	}
	var way path
	t.follow(last, &way)
	return Cursor{way.leaf, way.i}
}

func (t *Tree) pop(last bool) slab.Ref {
	var way path
	t.follow(last, &way)
	r := refAt(way.leaf, leafRef, way.i)
	t.remove(&way)
	return r
}

// follow goes down the edge of a tree, which is not empty. It compares nothing, so that no record is read.
func (t *Tree) follow(last bool, way *path) {
	n := t.root
	for h := height(n); h > 0; h-- {
		i := edge(n, last)
		way.steps[h] = step{n, i}
		n = child(n, i)
	}
	way.leaf, way.i = n, edge(n, last)
}

func edge(n node, last bool) int {
	if last {
		return size(n) - 1
	}
	return 0
}

// Near returns the record k places from an end, 0 when that is not in the leaf at the end or in the one beside it. It reads
// no record: it tells what a caller who is emptying the tree will need soon.
func (t *Tree) Near(last bool, k int) slab.Ref {
	c := t.end(last)
	if c.leaf == 0 {
		return 0
	}
	if k >= size(c.leaf) {
		k -= size(c.leaf)
		if last {
			c.leaf = prev(c.leaf)
		} else {
			c.leaf = next(c.leaf)
		}
		if c.leaf == 0 || k >= size(c.leaf) {
			return 0
		}
	}
	if last {
		k = size(c.leaf) - 1 - k
	}
	return refAt(c.leaf, leafRef, k)
}

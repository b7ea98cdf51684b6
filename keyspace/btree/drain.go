package btree

import "datastore/keyspace/slab"

// Drain frees up to n nodes and reports whether there are more. It is Release for a large tree that nobody needs any more,
// in steps: from the first call on nothing but Drain may be called until it returns false; then the tree is empty and
// usable.
func (t *Tree) Drain(n int) (more bool) {
	for ; n > 0 && t.root != 0; n-- {
		parent, at := node(0), t.root
		for height(at) > 0 && size(at) > 0 {
			parent, at = at, child(at, size(at)-1)
		}
		t.freeNode(at)
		if parent == 0 {
			t.Init(t.arena)
			return false
		}
		setSize(parent, size(parent)-1)
	}
	return t.root != 0
}

// Relocate moves the leaf with the given rank, counted from 0, and the nodes above it where they lie in sparse runs (see
// slab.Arena.Plan). It returns the rank behind that leaf, 0 after the last: a walk over all nodes begins with 0 and goes on
// with what was returned, and may miss nodes when the tree changes in between.
func (t *Tree) Relocate(rank int) (next int) {
	if rank < 0 || rank >= t.length {
		return 0
	}
	t.root = t.moved(t.root)
	n, begin := t.root, 0
	for h := height(n); h > 0; h-- {
		i := 0
		for c := count(n, i); rank-begin >= c; c = count(n, i) {
			begin += c
			i++
		}
		c := t.moved(child(n, i))
		slab.Store64(n, innerChild+i*8, uint64(c))
		n = c
	}
	if next = begin + size(n); next == t.length {
		next = 0
	}
	return next
}

// moved returns where n is from now on, its neighbours' links corrected.
func (t *Tree) moved(n node) node {
	if !t.arena.Sparse(n) {
		return n
	}
	to := t.arena.Dup(n)
	t.arena.Free(n)
	if height(to) > 0 {
		return to
	}
	if next(to) != 0 {
		setPrev(next(to), to)
	}
	if prev(to) != 0 {
		setNext(prev(to), to)
	}
	return to
}

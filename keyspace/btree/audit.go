package btree

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// errBroken is wrapped by what audit finds.
var errBroken = errors.New("broken invariant")

// census is what an audit has seen on its way through the leaves.
type census struct {
	leaf  node // the last one
	bytes int64
}

// audit compares a tree with the invariants that Tree states. It reads all entries, whose records must be alive.
func (t *Tree) audit() error {
	if t.root == 0 {
		if t.length != 0 || t.bytes != 0 {
			return fmt.Errorf("btree: %d entries in %d bytes without a node: %w", t.length, t.bytes, errBroken)
		}
		return nil
	}
	if h := height(t.root); h >= maxHeight || h > 0 && size(t.root) < 2 {
		return fmt.Errorf("btree: root of height %d with %d rows: %w", h, size(t.root), errBroken)
	}
	var c census
	entries, err := t.auditNode(t.root, height(t.root), &c)
	if err != nil {
		return err
	}
	if next(c.leaf) != 0 {
		return fmt.Errorf("btree: a leaf follows the last one: %w", errBroken)
	}
	if entries != t.length || c.bytes != t.bytes {
		return fmt.Errorf("btree: %d entries in %d bytes, expected %d in %d: %w", entries, c.bytes, t.length, t.bytes, errBroken)
	}
	return nil
}

// auditNode checks n, which should have height h, and what is below, and returns the entries there.
func (t *Tree) auditNode(n node, h int, c *census) (int, error) {
	l := layoutOf(h)
	if height(n) != h || size(n) < 1 || size(n) > l.max {
		return 0, fmt.Errorf("btree: node of height %d at height %d with %d rows: %w", height(n), h, size(n), errBroken)
	}
	c.bytes += int64(slab.ClassSize(l.bytes))
	if h == 0 {
		return size(n), auditLeaf(n, c)
	}
	sum := 0
	for i := range size(n) {
		below := child(n, i)
		entries, err := t.auditNode(below, h-1, c)
		if err != nil {
			return 0, err
		}
		if entries != count(n, i) {
			return 0, fmt.Errorf("btree: row %d at height %d counts %d, has %d: %w", i, h, count(n, i), entries, errBroken)
		}
		least := layoutOf(h - 1)
		if slab.Load64(n, l.score+i*8) != slab.Load64(below, least.score) || refAt(n, l.ref, i) != refAt(below, least.ref, 0) {
			return 0, fmt.Errorf("btree: row %d at height %d is not its child's least entry: %w", i, h, errBroken)
		}
		sum += entries
	}
	return sum, nil
}

// auditLeaf checks that the entries of n ascend from those of the leaf before, to which it must be linked.
func auditLeaf(n node, c *census) error {
	before := c.leaf
	c.leaf = n
	if prev(n) != before || before != 0 && next(before) != n {
		return fmt.Errorf("btree: leaf %#x follows %#x but is linked to %#x: %w", n, before, prev(n), errBroken)
	}
	at := size(n) - 1
	if before != 0 && !ascend(before, size(before)-1, n, 0) {
		return fmt.Errorf("btree: leaf %#x begins before the end of the one before: %w", n, errBroken)
	}
	for ; at > 0 && ascend(n, at-1, n, at); at-- {
	}
	if at > 0 || math.IsNaN(scoreAt(n, leafScore, 0)) {
		return fmt.Errorf("btree: entry %d of leaf %#x is out of order: %w", at, n, errBroken)
	}
	return nil
}

// ascend tells whether row i of leaf a is less than row k of leaf b.
func ascend(a node, i int, b node, k int) bool {
	return cmp.Or(cmp.Compare(scoreAt(a, leafScore, i), scoreAt(b, leafScore, k)),
		bytes.Compare(table.Key(refAt(a, leafRef, i)), table.Key(refAt(b, leafRef, k)))) < 0
}

package btree

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"datastore/keyspace/slab"
)

// Each kind of damage must be found.
func TestAudit(t *testing.T) {
	damage := map[string]func(tree *Tree, leaf node){
		"entry counted twice":  func(tree *Tree, _ node) { tree.length++ },
		"bytes":                func(tree *Tree, _ node) { tree.bytes-- },
		"no node":              func(tree *Tree, _ node) { tree.root = 0 },
		"count in a row":       func(tree *Tree, _ node) { addCount(tree.root, 1, 1) },
		"least score":          func(tree *Tree, _ node) { setScore(tree.root, innerScore+8, 1e9) },
		"least record":         func(tree *Tree, _ node) { slab.Store64(tree.root, innerRef+8, 8) },
		"rows":                 func(tree *Tree, _ node) { setSize(tree.root, innerMax+1) },
		"root with one row":    func(tree *Tree, _ node) { setSize(tree.root, 1) },
		"height":               func(tree *Tree, _ node) { slab.Store32(tree.root, 4, 3) },
		"leaf of no height":    func(_ *Tree, leaf node) { slab.Store32(leaf, 4, 1) },
		"link to the next":     func(_ *Tree, leaf node) { setNext(leaf, next(next(leaf))) },
		"link to the one back": func(_ *Tree, leaf node) { setPrev(leaf, 0) },
		"leaf behind the last": func(tree *Tree, leaf node) { setNext(tree.Last().leaf, leaf) },
		"equal entries": func(_ *Tree, leaf node) {
			(&layout{leafScore, leafRef, 2, leafMax, 0, 0}).copyRows(leaf, 1, leaf, 2, 1)
		},
		"descending scores": func(_ *Tree, leaf node) { setScore(leaf, leafScore+size(leaf)*8-8, 1e9) },
		"no number": func(tree *Tree, _ node) {
			first := tree.First().leaf
			setScore(first, leafScore, math.NaN())
			setScore(tree.root, innerScore, math.NaN())
		},
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			m := newModel(t)
			for i := range 1000 {
				m.insert(float64(i), fmt.Sprint(i))
			}
			if err := m.tree.audit(); err != nil || height(m.tree.root) != 1 {
				t.Fatal(height(m.tree.root), err)
			}
			f(m.tree, child(m.tree.root, 2))
			if err := m.tree.audit(); !errors.Is(err, errBroken) {
				t.Errorf("found %v", err)
			}
		})
	}
}

func setScore(n node, at int, score float64) { slab.Store64(n, at, math.Float64bits(score)) }

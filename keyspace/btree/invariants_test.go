//go:build invariants

package btree

import (
	"errors"
	"testing"

	"datastore/keyspace/table"
)

// The invariants build must notice a tree that is broken by itself, after enough changes.
func TestBrokenTreeIsFound(t *testing.T) {
	m := newModel(t)
	m.insert(0, "lost")
	m.tree.bytes++
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, errBroken) {
			t.Errorf("panicked with %v", err)
		}
	}()
	r := table.NewElement(m.a, []byte("again"), nil)
	for range auditEvery {
		m.tree.Insert(1, r)
		m.tree.Delete(1, r)
	}
	t.Error("not noticed")
}

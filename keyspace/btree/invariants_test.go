//go:build invariants

package btree

import (
	"errors"
	"fmt"
	"testing"
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
	for i := range 2 * auditEvery {
		m.insert(1, fmt.Sprint(i%2))
		m.delete(1)
	}
	t.Error("not noticed")
}

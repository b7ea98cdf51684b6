//go:build invariants

package table

import (
	"errors"
	"testing"
)

// The invariants build must notice a table that is broken by itself, after enough changes.
func TestBrokenTableIsFound(t *testing.T) {
	m := newModel(t)
	m.insert("lost")
	m.tab.count++
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, errBroken) {
			t.Errorf("panicked with %v", err)
		}
	}()
	for range 2 * auditEvery {
		m.tab.Step(1)
	}
	t.Error("not noticed")
}

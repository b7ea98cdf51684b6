//go:build invariants

package slab

import (
	"errors"
	"testing"
)

func TestMisuseIsFound(t *testing.T) {
	misuse := map[string]func(a *Arena, r Ref){
		"double free":         func(a *Arena, r Ref) { a.Free(r); a.Free(r) },
		"free of the inside":  func(a *Arena, r Ref) { a.Free(r + 8) },
		"free of nothing":     func(a *Arena, r Ref) { a.Free(0) },
		"write after free":    func(a *Arena, r Ref) { a.Free(r); Store8(r, 20, 1); a.Alloc(100) },
		"lost page":           func(a *Arena, r Ref) { chunkAt(a.chunks[0]).freeN++; must(a.audit()) },
		"broken free list":    func(a *Arena, r Ref) { a.Free(r); Store16(r, 0, 1); must(a.audit()) },
		"miscounted live run": func(a *Arena, r Ref) { entryAt(runOf(r)).live++; must(a.audit()) },
	}
	for name, f := range misuse {
		t.Run(name, func(t *testing.T) {
			a := New()
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, errMisuse) {
					t.Errorf("panicked with %v", err)
				}
				a.check = checker{}
				a.Close()
			}()
			a.Alloc(100)
			f(a, a.Alloc(100))
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

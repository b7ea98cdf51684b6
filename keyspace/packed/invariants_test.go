//go:build invariants

package packed

import (
	"errors"
	"strings"
	"testing"
)

// The invariants build must notice an edit of a value that is damaged, small or large.
func TestDamageIsFound(t *testing.T) {
	long := []byte(strings.Repeat("x", 100))
	small := Append(New(nil), []byte("abc"))
	large := New(nil)
	for len(large) <= 2*wholeBytes {
		large = Append(large, long)
	}
	set := NewIntset(nil)
	for i := range int64(wholeBytes) {
		set, _ = IntsetAdd(set, i)
	}
	for name, edit := range map[string]func(){
		"length in a small one": func() { small[headerSize]++; Append(small, long) },
		"count of a small one":  func() { small[4]++; Append(small, long) },
		"end of a large one":    func() { large[len(large)-1] = 0; Replace(large, headerSize, long) },
		"backlen before":        func() { large[len(large)-2]++; AppendInt(large, 1) },
		"entry in large one":    func() { large[headerSize] = tagBeyond; Delete(large, headerSize+entrySize(large, headerSize), 0) },
		"intset in no order":    func() { putInt(set, 0, 2, 1); IntsetAdd(set, 5000) },
		"intset of other count": func() { set[4]--; IntsetRemove(set, 100) },
	} {
		t.Run(name, func(t *testing.T) {
			s, l, i := string(small), string(large), string(set)
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, ErrCorrupt) {
					t.Errorf("panicked with %v", err)
				}
				copy(small, s)
				copy(large, l)
				copy(set, i)
			}()
			edit()
		})
	}
}

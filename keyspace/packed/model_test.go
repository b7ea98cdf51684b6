package packed_test

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"datastore/keyspace/packed"
)

// elements draws texts around every limit of the encodings.
func elements() *rapid.Generator[string] {
	limits := []int64{0, 127, 128, -1, 4095, 4096, -4096, -4097, math.MaxInt16, math.MinInt16, 1<<23 - 1, -1 << 23,
		math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}
	sizes := []int{0, 1, 63, 64, 125, 126, 127, 4095, 4096, 16377, 16378, 16379}
	return rapid.OneOf(
		rapid.StringN(0, 10, 20),
		rapid.SampledFrom([]string{"a", "b", "c", "-0", "007", "inf"}),
		rapid.Map(rapid.SampledFrom(limits), func(n int64) string { return strconv.FormatInt(n, 10) }),
		rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) }),
		rapid.Map(rapid.SampledFrom(sizes), func(n int) string { return strings.Repeat("s", n) }),
	)
}

// model is a listpack next to the slice of strings it must equal.
type model struct {
	b     []byte
	elems []string
}

// reserve draws whether the next edit finds room: with it the edit must be in place, at exactly the announced size.
func (m *model) reserve(t *rapid.T, size int) (check func()) {
	if !rapid.Bool().Draw(t, "room") {
		m.b = slices.Clip(m.b)
		return func() { m.sized(t, size) }
	}
	room := append(make([]byte, 0, size), m.b...)
	m.b = room
	return func() {
		m.sized(t, size)
		if &m.b[0] != &room[0] {
			t.Fatal("edit moved although there was room")
		}
	}
}

func (m *model) sized(t *rapid.T, size int) {
	if len(m.b) != size {
		t.Fatalf("edit gave %d bytes, announced %d", len(m.b), size)
	}
}

// offset is the place of element i, or of the end marker.
func (m *model) offset(i int) int {
	if i == len(m.elems) {
		return len(m.b) - 1
	}
	return packed.Index(m.b, i)
}

func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"insert": func(t *rapid.T) {
			i := rapid.IntRange(0, len(m.elems)).Draw(t, "i")
			elem := elements().Draw(t, "elem")
			check := m.reserve(t, len(m.b)+packed.EntrySize([]byte(elem)))
			switch {
			case i == len(m.elems):
				m.b = packed.Append(m.b, []byte(elem))
			case i == 0:
				m.b = packed.Prepend(m.b, []byte(elem))
			default:
				m.b = packed.Insert(m.b, m.offset(i), []byte(elem))
			}
			check()
			m.elems = slices.Insert(m.elems, i, elem)
		},
		"replace": func(t *rapid.T) {
			if len(m.elems) == 0 {
				return
			}
			i := rapid.IntRange(0, len(m.elems)-1).Draw(t, "i")
			elem := elements().Draw(t, "elem")
			size := packed.ReplacedSize(m.b, m.offset(i), []byte(elem))
			m.reserve(t, max(size, len(m.b)))
			m.b = packed.Replace(m.b, m.offset(i), []byte(elem))
			m.sized(t, size)
			m.elems[i] = elem
		},
		"integer": func(t *rapid.T) {
			n := rapid.Int64().Draw(t, "n")
			if len(m.elems) > 0 && rapid.Bool().Draw(t, "replace") {
				i := rapid.IntRange(0, len(m.elems)-1).Draw(t, "i")
				size := packed.ReplacedSizeInt(m.b, m.offset(i), n)
				m.b = packed.ReplaceInt(m.b, m.offset(i), n)
				m.sized(t, size)
				m.elems[i] = strconv.FormatInt(n, 10)
				return
			}
			size := len(m.b) + packed.EntrySizeInt(n)
			m.b = packed.AppendInt(m.b, n)
			m.sized(t, size)
			m.elems = append(m.elems, strconv.FormatInt(n, 10))
		},
		"delete": func(t *rapid.T) {
			i := rapid.IntRange(0, len(m.elems)).Draw(t, "i")
			n := rapid.IntRange(0, 3).Draw(t, "n")
			m.b = packed.Delete(m.b, m.offset(i), n)
			m.elems = slices.Delete(m.elems, i, min(i+n, len(m.elems)))
		},
		"find": m.find,
		"":     m.check,
	}
}

// find looks for an element that may be there.
func (m *model) find(t *rapid.T) {
	from := rapid.IntRange(0, len(m.elems)).Draw(t, "from")
	skip := rapid.IntRange(0, 2).Draw(t, "skip")
	elem := elements().Draw(t, "elem")
	if len(m.elems) > 0 && rapid.Bool().Draw(t, "present") {
		elem = rapid.SampledFrom(m.elems).Draw(t, "elem")
	}
	want := -1
	for i := from; i < len(m.elems); i += skip + 1 {
		if m.elems[i] == elem {
			want = m.offset(i)
			break
		}
	}
	if got := packed.Find(m.b, packed.Index(m.b, from), []byte(elem), skip); got != want {
		t.Fatalf("Find(%q) from %d skipping %d is %d, want %d", elem, from, skip, got, want)
	}
}

// check compares every way to read the listpack.
func (m *model) check(t *rapid.T) {
	if err := packed.Validate(m.b); err != nil {
		t.Fatal(err)
	}
	if got := texts(m.b); !slices.Equal(got, m.elems) {
		t.Fatalf("elements %q, want %q", got, m.elems)
	}
	n := len(m.elems)
	if packed.Len(m.b) != n {
		t.Fatalf("Len is %d, want %d", packed.Len(m.b), n)
	}
	if packed.Index(m.b, n) != -1 || packed.Index(m.b, -n-1) != -1 {
		t.Fatal("Index out of range is not -1")
	}
	off := packed.Last(m.b)
	for i := n - 1; i >= 0; i-- {
		v := packed.Get(m.b, off)
		if !v.Equal([]byte(m.elems[i])) || v.Len() != len(m.elems[i]) || v.Equal([]byte(m.elems[i]+"x")) {
			t.Fatalf("element %d is %+v, want %q", i, v, m.elems[i])
		}
		if packed.Index(m.b, i) != off || packed.Index(m.b, i-n) != off {
			t.Fatalf("Index(%d) is %d and %d, want %d", i, packed.Index(m.b, i), packed.Index(m.b, i-n), off)
		}
		off = packed.Prev(m.b, off)
	}
	if off != -1 {
		t.Fatalf("Prev of the first is %d", off)
	}
}

func TestListpackAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{b: packed.New(nil)}
		t.Repeat(m.actions())
	})
}

func TestIntsetAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, has := packed.NewIntset(nil), map[int64]bool{}
		numbers := rapid.OneOf(rapid.Int64Range(-5, 5), rapid.Map(rapid.Int16(), func(n int16) int64 { return int64(n) }),
			rapid.Map(rapid.Int32(), func(n int32) int64 { return int64(n) }), rapid.Int64())
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := numbers.Draw(t, "n")
				size := packed.IntsetGrown(b, n)
				room := append(make([]byte, 0, size), b...)
				got, added := packed.IntsetAdd(room, n)
				if b = got; added == has[n] || len(b) != size || &b[0] != &room[0] {
					t.Fatalf("add %d: new %v, %d bytes, announced %d", n, added, len(b), size)
				}
				has[n] = true
			},
			"remove": func(t *rapid.T) {
				n := numbers.Draw(t, "n")
				var removed bool
				if b, removed = packed.IntsetRemove(b, n); removed != has[n] {
					t.Fatalf("remove %d: %v", n, removed)
				}
				delete(has, n)
			},
			"find": func(t *rapid.T) {
				n := numbers.Draw(t, "n")
				pos, ok := packed.IntsetFind(b, n)
				want := sort.Search(packed.IntsetLen(b), func(i int) bool { return packed.IntsetAt(b, i) >= n })
				if ok != has[n] || pos != want {
					t.Fatalf("find %d: %d, %v, want %d, %v", n, pos, ok, want, has[n])
				}
			},
			"": func(t *rapid.T) {
				if err := packed.ValidateIntset(b); err != nil {
					t.Fatal(err)
				}
				if packed.IntsetLen(b) != len(has) {
					t.Fatalf("%d integers, want %d", packed.IntsetLen(b), len(has))
				}
				for i := range packed.IntsetLen(b) {
					if !has[packed.IntsetAt(b, i)] {
						t.Fatalf("%d is not in the set", packed.IntsetAt(b, i))
					}
				}
			},
		})
	})
}

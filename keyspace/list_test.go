package keyspace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A list of many nodes, driven at both ends and in the middle, equals a slice; its memory comes back as it shrinks. The
// model test has few elements, so that rings stay short there.
func TestLongLists(t *testing.T) {
	for _, node := range []int{3, -1, 1} {
		t.Run(fmt.Sprint(node), func(t *testing.T) {
			s, d := newTestDB(t)
			s.SetLimits(Limits{ListNode: node})
			l, _ := d.List([]byte("l"))
			rnd := rand.New(rand.NewPCG(5, 6))
			var model []string
			for step := range 6000 {
				val := strings.Repeat("v", rnd.IntN(60)) + fmt.Sprint(rnd.IntN(5))
				grow := step < 4000
				switch n := len(model); {
				case n == 0 || grow && rnd.IntN(4) > 0:
					at := []int{0, n, rnd.IntN(n + 1)}[rnd.IntN(3)]
					l.Insert(at, []byte(val))
					model = slices.Insert(model, at, val)
				case rnd.IntN(40) == 0 && n > 10:
					lo, hi := rnd.IntN(5), n-1-rnd.IntN(5)
					l.Trim(lo, hi)
					model = model[lo : hi+1]
				case rnd.IntN(3) == 0:
					end := End(rnd.IntN(2))
					got, _ := l.Pop(end, nil)
					want := model[0]
					if end == Tail {
						want = model[n-1]
						model = model[:n-1]
					} else {
						model = model[1:]
					}
					if string(got) != want {
						t.Fatalf("step %d: popped %q, want %q", step, got, want)
					}
				case rnd.IntN(3) == 0:
					at := rnd.IntN(n)
					l.Set(at, []byte(val))
					model[at] = val
				default:
					at := rnd.IntN(n)
					l.DeleteAt(at - n)
					model = slices.Delete(model, at, at+1)
				}
				if step%50 == 0 {
					compareList(t, d, model)
				}
			}
			compareList(t, d, model)
			for count := -2; count <= 0; count++ {
				for _, val := range []string{"0", "v1", "vv2"} {
					v := &mval{list: model}
					if got, want := l.Remove(count, []byte(val)), removeModel(v, count, val); got != want {
						t.Fatalf("removed %d, want %d", got, want)
					}
					model = v.list
					compareList(t, d, model)
				}
			}
			l.Trim(1, 0)
			d.Flush()
			if settle(s); l.Exists() || s.UsedBytes() != 0 {
				t.Errorf("%d bytes left", s.UsedBytes())
			}
		})
	}
}

func compareList(t *testing.T, d *DB, model []string) {
	t.Helper()
	e := d.Peek([]byte("l"))
	if len(model) == 0 {
		if e.Exists() {
			t.Fatal("an empty list exists")
		}
		return
	}
	if got := readList(t, e); !slices.Equal(got, model) {
		t.Fatalf("%.200q\nwant %.200q", got, model)
	}
	l := e.List()
	for i := 0; i < len(model); i += 7 {
		if v, ok := l.At(i); !ok || text(v) != model[i] {
			t.Fatalf("element %d is %q", i, text(v))
		}
	}
}

// Elements larger than a node get one of their own, wherever they come, and leave it again.
func TestElementsLargerThanANode(t *testing.T) {
	for _, node := range []int{-1, 3} {
		s, d := newTestDB(t)
		s.SetLimits(Limits{ListNode: node})
		l, _ := d.List([]byte("l"))
		var model []string
		for i := range 12 {
			val := strings.Repeat(fmt.Sprint(i%10), []int{5, 9000, 70_000}[i%3])
			at := i / 2
			l.Insert(at, []byte(val))
			model = slices.Insert(model, at, val)
			compareList(t, d, model)
		}
		for i := range model {
			model[i] = strings.Repeat("x", []int{70_000, 5, 9000}[i%3])
			l.Set(i, []byte(model[i]))
			compareList(t, d, model)
		}
		used := s.UsedBytes()
		for i := range model {
			model[i] = "y"
			l.Set(i, []byte("y"))
		}
		compareList(t, d, model)
		if now := s.UsedBytes(); now > used/20 {
			t.Errorf("%d bytes of %d are still in use", now, used)
		}
	}
}

// The bytes of a store that grew and shrank a lot are those of what is left.
func TestMemoryOfAggregatesComesBack(t *testing.T) {
	s, d := newTestDB(t)
	h, _ := d.Hash([]byte("h"))
	z, _ := d.ZSet([]byte("z"))
	l, _ := d.List([]byte("l"))
	for i := range 20_000 {
		m := fmt.Appendf(nil, "member:%d", i)
		h.Set(m, m)
		_, _, _ = z.Add(float64(i%100), m, 0)
		l.Push(Tail, m)
	}
	grown := s.UsedBytes()
	for i := range 19_999 {
		m := fmt.Appendf(nil, "member:%d", i)
		h.Delete(m)
		z.Remove(m)
		_, _ = l.Pop(Head, nil)
	}
	if left := s.UsedBytes(); left > grown/50 {
		t.Errorf("%d of %d bytes are left for three elements", left, grown)
	}
	copied := s.UsedBytes()
	for _, key := range []string{"z", "l"} {
		if ok, err := d.CopyTo(s.DB(1), []byte(key), []byte(key), false); !ok || err != nil {
			t.Fatalf("copy of %s: %v, %v", key, ok, err)
		}
	}
	s.DB(1).Flush()
	if s.UsedBytes() != copied {
		t.Error("a copy leaks")
	}
}

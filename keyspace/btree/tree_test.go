package btree

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

type item struct {
	score float64
	key   string
	r     slab.Ref
}

func less(a, b item) bool {
	return a.score < b.score || a.score == b.score && a.key < b.key
}

// model is a tree next to the sorted slice that it should equal.
type model struct {
	t    testing.TB
	a    *slab.Arena
	tree *Tree
	want []item
}

func newModel(t testing.TB) *model {
	a := slab.New()
	t.Cleanup(a.Close)
	return &model{t: t, a: a, tree: New(a)}
}

// place returns where an item is or would be.
func (m *model) place(it item) (int, bool) {
	i := sort.Search(len(m.want), func(i int) bool { return !less(m.want[i], it) })
	return i, i < len(m.want) && !less(it, m.want[i])
}

func (m *model) insert(score float64, key string) {
	i, ok := m.place(item{score: score, key: key})
	if ok {
		return
	}
	r := table.NewElement(m.a, []byte(key), make([]byte, 8))
	m.tree.Insert(score, r)
	m.want = slices.Insert(m.want, i, item{score, key, r})
}

func (m *model) same(what string, c Cursor, i int) {
	m.t.Helper()
	if i < 0 || i >= len(m.want) {
		if c.Valid() {
			m.t.Fatalf("%s: an entry, want none", what)
		}
		return
	}
	if !c.Valid() || c.Ref() != m.want[i].r || c.Score() != m.want[i].score {
		m.t.Fatalf("%s: not entry %d of %d", what, i, len(m.want))
	}
}

func (m *model) check() {
	m.t.Helper()
	if m.tree.Len() != len(m.want) {
		m.t.Fatalf("Len = %d, want %d", m.tree.Len(), len(m.want))
	}
	c := m.tree.First()
	for i := range m.want {
		m.same("Next", c, i)
		c.Next()
	}
	m.same("end", c, -1)
	c = m.tree.Last()
	for i := len(m.want) - 1; i >= 0; i-- {
		m.same("Prev", c, i)
		c.Prev()
	}
	m.same("start", c, -1)
	if err := m.tree.audit(); err != nil {
		m.t.Fatal(err)
	}
}

func TestLex(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	m := newModel(t)
	m.same("SeekLex", m.tree.SeekLex(nil, false), -1)
	for range 20_000 {
		m.insert(0, fmt.Sprintf("%x", rng.IntN(1<<16)))
	}
	for range 2000 {
		key := fmt.Sprintf("%x", rng.IntN(1<<16))
		if rng.IntN(2) == 0 {
			key = m.want[rng.IntN(len(m.want))].key
		}
		for _, exclusive := range []bool{false, true} {
			lo := sort.Search(len(m.want), func(i int) bool {
				return m.want[i].key > key || !exclusive && m.want[i].key == key
			})
			hi := sort.Search(len(m.want), func(i int) bool {
				return m.want[i].key > key || exclusive && m.want[i].key == key
			}) - 1
			m.same("SeekLex", m.tree.SeekLex([]byte(key), exclusive), lo)
			m.same("SeekLexLast", m.tree.SeekLexLast([]byte(key), exclusive), hi)
			if got := m.tree.RankLex([]byte(key), exclusive); got != lo {
				t.Fatalf("RankLex(%q, %v) = %d, want %d", key, exclusive, got, lo)
			}
		}
	}
}

// Input in order, as a dump brings it, must fill the nodes, and emptying the tree from one end must work.
func TestSortedInput(t *testing.T) {
	for _, step := range []int{1, -1} {
		m := newModel(t)
		const n = 300_000
		keys := make([]slab.Ref, n)
		for i := range n {
			keys[i] = table.NewElement(m.a, fmt.Append(nil, i), nil)
			m.tree.Insert(float64(i*step), keys[i])
		}
		if got := float64(m.tree.Bytes()) / n; got > 18.5 {
			t.Errorf("step %d: %.1f bytes per entry", step, got)
		}
		want := 1000
		if step < 0 {
			want = n - 1001
		}
		if rank, ok := m.tree.Rank(float64(1000*step), []byte("1000")); !ok || rank != want {
			t.Errorf("step %d: rank %d, %v", step, rank, ok)
		}
		for i := range n {
			if !m.tree.Delete(float64(i*step), keys[i]) {
				t.Fatalf("step %d: entry %d is lost", step, i)
			}
			if i == n/2 {
				if err := m.tree.audit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if m.tree.Bytes() != 0 {
			t.Errorf("step %d: %d bytes left", step, m.tree.Bytes())
		}
	}
}

func TestRelease(t *testing.T) {
	m := newModel(t)
	for i := range 5000 {
		m.insert(float64(i%100), fmt.Sprint(i))
	}
	m.tree.Release()
	for _, it := range m.want {
		m.a.Free(it.r)
	}
	if m.a.Used() != 0 || m.tree.Len() != 0 || m.tree.First().Valid() || m.tree.Last().Valid() {
		t.Errorf("%d bytes and %d entries left", m.a.Used(), m.tree.Len())
	}
	m.want = nil
	m.insert(1, "again")
	m.check()
}

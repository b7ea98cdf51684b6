package btree

import (
	"bytes"
	"fmt"
	"math"
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

func (m *model) delete(i int) {
	it := m.want[i]
	if !m.tree.Delete(it.score, it.r) {
		m.t.Fatalf("Delete(%v, %q): not found", it.score, it.key)
	}
	if m.tree.Delete(it.score, it.r) {
		m.t.Fatalf("Delete(%v, %q) twice", it.score, it.key)
	}
	m.a.Free(it.r)
	m.want = slices.Delete(m.want, i, i+1)
}

// pop takes the first or the last entry.
func (m *model) pop(last bool) {
	i, take := 0, m.tree.PopFirst
	if last {
		i, take = len(m.want)-1, m.tree.PopLast
	}
	if r := take(); r != m.want[i].r {
		m.t.Fatalf("the entry at the end (last: %v) is %q, want %q", last, table.Key(r), m.want[i].key)
	}
	m.a.Free(m.want[i].r)
	m.want = slices.Delete(m.want, i, i+1)
}

func (m *model) move(i int, score float64) {
	it := m.want[i]
	to := item{score, it.key, it.r}
	if _, ok := m.place(to); ok && score != it.score {
		return
	}
	if !m.tree.Move(it.score, score, it.r) {
		m.t.Fatalf("Move(%v, %v, %q): not found", it.score, score, it.key)
	}
	m.want = slices.Delete(m.want, i, i+1)
	k, _ := m.place(to)
	m.want = slices.Insert(m.want, k, to)
}

func (m *model) replace(i int) {
	it := &m.want[i]
	r := table.NewElement(m.a, []byte(it.key), make([]byte, 8))
	if !m.tree.Replace(it.score, it.r, r) {
		m.t.Fatalf("Replace(%v, %q): not found", it.score, it.key)
	}
	m.a.Free(it.r)
	it.r = r
}

// query compares all searches for one position.
func (m *model) query(score float64, key string) {
	i, ok := m.place(item{score: score, key: key})
	if rank, found := m.tree.Rank(score, []byte(key)); rank != i || found != ok {
		m.t.Fatalf("Rank(%v, %q) = %d, %v; want %d, %v", score, key, rank, found, i, ok)
	}
	for _, exclusive := range []bool{false, true} {
		lo := sort.Search(len(m.want), func(i int) bool {
			return m.want[i].score > score || !exclusive && m.want[i].score == score
		})
		hi := sort.Search(len(m.want), func(i int) bool {
			return m.want[i].score > score || exclusive && m.want[i].score == score
		}) - 1
		m.same("SeekScore", m.tree.SeekScore(score, exclusive), lo)
		m.same("SeekScoreLast", m.tree.SeekScoreLast(score, exclusive), hi)
		if got := m.tree.RankScore(score, exclusive); got != lo {
			m.t.Fatalf("RankScore(%v, %v) = %d, want %d", score, exclusive, got, lo)
		}
	}
	if len(m.want) > 0 {
		at := int(math.Abs(score)) % len(m.want)
		m.same("At", m.tree.At(at), at)
		at = max(at, 0) % (2 * leafMax)
		if r := m.tree.Near(false, at); r != 0 && r != m.want[at].r || at == 0 && r == 0 {
			m.t.Fatalf("Near(false, %d) is not entry %d", at, at)
		}
		if r := m.tree.Near(true, at); r != 0 && r != m.want[len(m.want)-1-at].r || at == 0 && r == 0 {
			m.t.Fatalf("Near(true, %d) is not that entry from the end", at)
		}
	}
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
	if m.tree.root == 0 {
		return
	}
	if n := m.checkNode(m.tree.root, height(m.tree.root)); n != len(m.want) {
		m.t.Fatalf("%d entries below the root, want %d", n, len(m.want))
	}
	if got := m.bytesBelow(m.tree.root); got != m.tree.Bytes() {
		m.t.Fatalf("Bytes = %d, nodes have %d", m.tree.Bytes(), got)
	}
}

// checkNode verifies the invariants below n and returns the number of entries there.
func (m *model) checkNode(n node, h int) int {
	l := layoutOf(h)
	if height(n) != h || size(n) == 0 || size(n) > l.max || n != m.tree.root && h > 0 && size(n) < 1 {
		m.t.Fatalf("node of height %d at height %d with %d rows", height(n), h, size(n))
	}
	if h == 0 {
		return size(n)
	}
	sum := 0
	for i := range size(n) {
		c := child(n, i)
		cl := layoutOf(h - 1)
		if scoreAt(n, l.score, i) != scoreAt(c, cl.score, 0) || refAt(n, l.ref, i) != refAt(c, cl.ref, 0) {
			m.t.Fatalf("row %d at height %d does not hold its child's least entry", i, h)
		}
		if got := m.checkNode(c, h-1); got != count(n, i) {
			m.t.Fatalf("row %d at height %d counts %d, has %d", i, h, count(n, i), got)
		}
		sum += count(n, i)
	}
	return sum
}

func (m *model) bytesBelow(n node) int64 {
	sum := int64(slab.ClassSize(layoutOf(height(n)).bytes))
	if height(n) > 0 {
		for i := range size(n) {
			sum += m.bytesBelow(child(n, i))
		}
	}
	return sum
}

// run does random operations; scores are drawn by draw.
func run(t *testing.T, seed uint64, draw func(*rand.Rand) float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := newModel(t)
	for _, weight := range []int{8, 2, 7, 5, 1, 9, 0} {
		for range 6000 {
			key := fmt.Sprint("m", rng.IntN(20_000))
			switch k := rng.IntN(20); {
			case k < 2 || len(m.want) == 0 && k < 6:
				m.query(draw(rng), key)
			case k == 2:
				it := m.want[rng.IntN(len(m.want))]
				m.query(it.score, it.key)
			case k == 3:
				m.replace(rng.IntN(len(m.want)))
			case k < 6:
				i := rng.IntN(len(m.want))
				score := draw(rng)
				if k == 5 { // not far
					score = m.want[i].score + 0.25
				}
				m.move(i, score)
			case rng.IntN(10) < weight || len(m.want) == 0:
				m.insert(draw(rng), key)
			case k == 19:
				m.pop(rng.IntN(2) == 0)
			default:
				m.delete(rng.IntN(len(m.want)))
			}
		}
		m.check()
	}
	for len(m.want) > 0 {
		if len(m.want)/1000%2 == 0 {
			m.pop(len(m.want)/2000%2 == 0)
		} else {
			m.delete(rng.IntN(len(m.want)))
		}
		if len(m.want)%500 == 0 {
			m.check()
		}
	}
	if m.a.Used() != 0 || m.tree.Bytes() != 0 {
		t.Errorf("%d bytes used by the empty tree", m.a.Used())
	}
}

func TestAgainstSlice(t *testing.T) {
	draws := map[string]func(*rand.Rand) float64{
		"spread": func(r *rand.Rand) float64 { return r.NormFloat64() * 1e6 },
		"few":    func(r *rand.Rand) float64 { return float64(r.IntN(5)) },
		"equal":  func(*rand.Rand) float64 { return 0 },
		"special": func(r *rand.Rand) float64 {
			return []float64{math.Inf(-1), math.Inf(1), 0, math.Copysign(0, -1), math.MaxFloat64, 5e-324}[r.IntN(6)]
		},
	}
	for name, draw := range draws {
		t.Run(name, func(t *testing.T) { run(t, 7, draw) })
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
				m.checkNode(m.tree.root, height(m.tree.root))
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

func FuzzTree(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Add(bytes.Repeat([]byte{3, 100, 7, 220, 9, 130}, 50))
	f.Fuzz(func(t *testing.T, ops []byte) {
		m := newModel(t)
		for i := 0; i+2 < len(ops); i += 3 {
			op, score, key := ops[i], float64(ops[i+1]), fmt.Sprint(ops[i+2])
			at := (int(ops[i+1])<<8 | int(ops[i+2])) % max(len(m.want), 1)
			switch {
			case op < 90 || len(m.want) == 0:
				m.insert(score, key)
			case op < 110:
				for k := range int(op) {
					m.insert(score, fmt.Sprint(key, k))
				}
			case op < 130:
				for range min(int(op), len(m.want)-at) {
					m.delete(at)
				}
			case op < 170:
				m.delete(at)
			case op < 175:
				m.pop(op%2 == 0)
			case op < 190:
				m.move(at, score+0.5)
			case op < 200:
				m.replace(at)
			default:
				m.query(score, key)
			}
		}
		m.check()
	})
}

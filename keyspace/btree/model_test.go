package btree

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"datastore/keyspace/modeltest"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

const (
	modelBits  = 18    // of the most entries that the model test aims at
	manyBits   = 12    // of the most entries that come or go at once
	auditAfter = 2_000 // operations, at least
	walkMost   = 80    // entries that a search is followed for, over more than one leaf
	sampleMost = 2000  // entries that two readers look up at once

	// A node below a quarter is merged with a neighbour that has room for it, so that two neighbours hold a quarter of a
	// node together, but for those that were not neighbours when they became small.
	entryMost = 160      // bytes per entry at most,
	treeMost  = 64 << 10 // and these for all
)

// scores is a preference for scores, so that phases with all scores equal follow phases with none.
type scores int

const (
	spreadScores  scores = iota // hardly any equal
	fewScores                   // five
	equalScores                 // one, so that the order is that of the keys
	specialScores               // infinities, zeros of both signs, the largest and the smallest
	nearScores                  // around one that is there
	upScores                    // above all others
	downScores                  // below all others
	scoresCount
)

// entry is what should be in the tree for a member.
type entry struct {
	key   string
	score float64
	r     slab.Ref // 0 if it is not there
}

// churn lets a tree grow and shrink towards one number of entries after the other and compares it with the model.
type churn struct {
	t       *testing.T
	c       *modeltest.Choices
	a       *slab.Arena
	tree    *Tree
	order   ordered
	entries []entry
	target  int
	rising  bool // whether target was above when it was chosen
	scores  scores
	op      int
	audited int // the operation of the last audit
	leaf    int // rank that Relocate goes on with
}

// runModel makes operations until there are no more choices. The result of each is compared with a sorted slice: ranks,
// places, searches by score, by score and key, and by key where the scores are equal, each followed some way in both
// directions. At intervals that grow with the tree so are all entries in both directions, the structure (see audit) and
// the blocks of the arena, and two readers read at once, which may only be seen by -race.
func runModel(t *testing.T, c *modeltest.Choices) {
	a := slab.New()
	defer a.Close()
	m := &churn{t: t, c: c, a: a, tree: New(a), target: 64}
	for c.More() {
		m.op++
		m.step()
		if m.tree.Len() != m.order.n {
			m.fatal("Len = %d, want %d", m.tree.Len(), m.order.n)
		}
		if m.op-m.audited > auditAfter+4*m.order.n {
			m.audit()
		}
	}
	m.audit()
	m.release()
	m.audit()
}

func (m *churn) fatal(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("operation %d, %d entries: %s", m.op, m.order.n, fmt.Sprintf(format, args...))
}

func (m *churn) step() {
	rising := m.order.n < m.target
	switch k := m.c.IntN(1 << 12); {
	case k < 4 && rising != m.rising || k == 0 && m.c.OneIn(256):
		m.aim()
	case k == 4 && m.c.OneIn(8) && (m.order.n < 1000 || m.c.OneIn(16)):
		m.release()
	case k < 8:
		m.many(rising)
	case k < 60:
		m.relocate()
	case k < 100:
		m.pop(m.c.OneIn(2))
	case k < 200:
		m.query(m.score(), m.member())
	case k < 300:
		id := m.present()
		m.query(m.entries[id].score, id)
	case k < 500:
		m.lex()
	case k < 700:
		m.replace(m.present())
	case k < 1100:
		m.put(m.present(), m.score())
	case m.c.IntN(10) < 3 != rising:
		m.put(m.member(), m.score())
	case m.c.IntN(8) > 0:
		m.remove(m.present())
	default:
		m.remove(m.member())
	}
}

// aim chooses where to go next: this happens some time after the last target was reached, or after a long way.
func (m *churn) aim() {
	if m.target = 1 + m.c.Magnitude(modelBits); m.c.OneIn(8) {
		m.target = 1 + m.c.IntN(1<<modelBits)
	}
	m.scores = scores(m.c.IntN(int(scoresCount)))
	if m.scores == equalScores {
		m.release()
	}
	m.rising = m.order.n < m.target
}

// member chooses a member, which is there about every second time when the tree has what it aims at.
func (m *churn) member() int {
	id := m.c.IntN(min(2*m.target, 4*m.order.n) + 64)
	for len(m.entries) <= id {
		m.entries = append(m.entries, entry{key: key(len(m.entries))})
	}
	return id
}

// present chooses a member that is there, any if there is none.
func (m *churn) present() int {
	if m.order.n == 0 {
		return m.member()
	}
	return m.order.at(m.c.IntN(m.order.n)).id
}

// key returns the key of a member. Their order is not that of the numbers; some begin alike, some contain zeros, the
// first is empty.
func key(id int) string {
	text := strconv.Itoa(id)
	switch {
	case id == 0:
		return ""
	case id%5 == 0:
		return "common prefix " + text
	case id%7 == 0:
		return text + strings.Repeat("\x00", 1+id%3)
	case id%101 == 0:
		return text + strings.Repeat("\xff", 240+id%30)
	}
	return text
}

func (m *churn) score() float64 {
	switch m.scores {
	case fewScores:
		return float64(m.c.IntN(5) - 2)
	case equalScores:
		return math.Copysign(0, float64(m.c.IntN(2))-0.5)
	case specialScores:
		return special(m.c.IntN(9))
	case nearScores, upScores, downScores:
		if m.order.n > 0 {
			return m.relativeScore()
		}
	}
	return float64(m.c.IntN(1<<31)) / 1024
}

func special(i int) float64 {
	return []float64{math.Inf(-1), math.Inf(1), 0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64,
		math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 1 << 53}[i]
}

// relativeScore chooses a score by those that are there.
func (m *churn) relativeScore() float64 {
	switch m.scores {
	case upScores:
		return m.order.at(m.order.n-1).score + float64(m.c.IntN(3))
	case downScores:
		return m.order.at(0).score - float64(m.c.IntN(3))
	}
	return m.entries[m.present()].score + float64(m.c.IntN(9)-4)/8
}

// before returns the order's test for what comes before an entry.
func (m *churn) before(score float64, key string) func(member) bool {
	return func(x member) bool { return x.score < score || x.score == score && m.entries[x.id].key < key }
}

func (m *churn) record(e *entry) slab.Ref {
	return table.NewElement(m.a, []byte(e.key), make([]byte, 8))
}

// put adds a member or gives it another score.
func (m *churn) put(id int, score float64) {
	e := &m.entries[id]
	if e.r == 0 {
		e.r = m.record(e)
		if m.c.OneIn(8) && m.tree.Move(score, score, e.r) {
			m.fatal("Move(%v, %.40q): it is not there", score, e.key)
		}
		m.tree.Insert(score, e.r)
	} else {
		if m.c.OneIn(8) {
			if other := m.score(); other != e.score && m.tree.Move(other, score, e.r) {
				m.fatal("Move(%v, %v, %.40q): its score is %v", other, score, e.key, e.score)
			}
		}
		if !m.tree.Move(e.score, score, e.r) {
			m.fatal("Move(%v, %v, %.40q): not found", e.score, score, e.key)
		}
		m.order.delete(m.before(e.score, e.key))
	}
	e.score = score
	m.order.insert(member{score, id}, m.before(score, e.key))
	m.rank(id)
}

// rank compares the rank of an entry that is there.
func (m *churn) rank(id int) {
	e := &m.entries[id]
	want := m.order.count(m.before(e.score, e.key))
	if rank, ok := m.tree.Rank(e.score, []byte(e.key)); !ok || rank != want {
		m.fatal("Rank(%v, %.40q) = %d, %v; want %d", e.score, e.key, rank, ok, want)
	}
}

// remove deletes a member, or tries to.
func (m *churn) remove(id int) {
	e := &m.entries[id]
	if e.r == 0 {
		score, r := m.score(), m.record(e)
		if m.tree.Delete(score, r) {
			m.fatal("Delete(%v, %.40q): it is not there", score, e.key)
		}
		m.a.Free(r)
		return
	}
	var way path
	bytes, found := m.tree.bytes, m.tree.find(e.score, []byte(e.key), &way)
	if !found || !m.tree.Delete(e.score, e.r) {
		m.fatal("Delete(%v, %.40q): not found", e.score, e.key)
	}
	if m.tree.bytes == bytes {
		m.unmerged(&way)
	}
	if m.tree.Delete(e.score, e.r) {
		m.fatal("%.40q is still there", e.key)
	}
	m.order.delete(m.before(e.score, e.key))
	m.a.Free(e.r)
	e.r = 0
}

// pop takes the entry at an end, after a look at another one near to it.
func (m *churn) pop(last bool) {
	if m.order.n == 0 {
		return
	}
	rank := func(k int) int {
		if last {
			return m.order.n - 1 - k
		}
		return k
	}
	k := m.c.IntN(min(m.order.n, 2*leafMax))
	if r := m.tree.Near(last, k); r != m.entries[m.order.at(rank(k)).id].r && (r != 0 || k == 0) {
		m.fatal("Near(%v, %d) is another entry or none", last, k)
	}
	e := &m.entries[m.order.at(rank(0)).id]
	take := m.tree.PopFirst
	if last {
		take = m.tree.PopLast
	}
	if r := take(); r != e.r {
		m.fatal("the entry at an end (the last: %v) is %#x, want %.40q at %#x", last, r, e.key, e.r)
	}
	m.order.delete(m.before(e.score, e.key))
	m.a.Free(e.r)
	e.r = 0
}

// unmerged checks that no node on the path of a deletion that freed no node should have been merged.
func (m *churn) unmerged(way *path) {
	for h := 1; h <= height(m.tree.root); h++ {
		s, l := way.steps[h], layoutOf(h-1)
		n := size(child(s.n, s.i))
		if n >= l.min {
			continue
		}
		for _, i := range [2]int{s.i - 1, s.i + 1} {
			if i >= 0 && i < size(s.n) && n+size(child(s.n, i)) <= l.max {
				m.fatal("a node with %d rows was not merged with its neighbour, which has %d", n, size(child(s.n, i)))
			}
		}
	}
}

// replace exchanges the record of a member, or tries to.
func (m *churn) replace(id int) {
	e := &m.entries[id]
	r := m.record(e)
	if m.tree.Replace(m.score(), r, r) {
		m.fatal("Replace(%.40q) of what is not there", e.key)
	}
	if e.r == 0 {
		m.a.Free(r)
		return
	}
	if !m.tree.Replace(e.score, e.r, r) {
		m.fatal("Replace(%v, %.40q): not found", e.score, e.key)
	}
	m.a.Free(e.r)
	e.r = r
	m.rank(id)
}

// many brings the number of entries forward to the target, in order: of scores, if those go up or down, or of ranks, at an
// end or from somewhere on, all or every second one or so, so that leaves become empty next to full ones.
func (m *churn) many(rising bool) {
	id, rank, keep := m.member(), m.c.IntN(m.order.n+1), 0
	switch m.c.IntN(8) {
	case 0:
		rank = 0
	case 1:
		rank = m.order.n
	case 2, 3, 4:
		keep = m.c.Magnitude(4)
	}
	for n := m.c.Magnitude(manyBits); n > 0; n-- {
		switch {
		case rising:
			m.put(id, m.score())
			id = (id + 1) % len(m.entries)
		case m.order.n > 0 && rank >= m.order.n && n%2 == 0:
			m.pop(true)
		case m.order.n > 0 && rank == 0 && keep == 0 && n%2 == 0:
			m.pop(false)
		case m.order.n > 0:
			m.remove(m.order.at(min(rank, m.order.n-1)).id)
			rank += keep
		}
	}
}

// query compares all searches for one position, which may or may not be that of an entry.
func (m *churn) query(score float64, id int) {
	e := &m.entries[id]
	want := m.order.count(m.before(score, e.key))
	if rank, ok := m.tree.Rank(score, []byte(e.key)); rank != want || ok != (e.r != 0 && e.score == score) {
		m.fatal("Rank(%v, %.40q) = %d, %v; want %d", score, e.key, rank, ok, want)
	}
	for _, exclusive := range [2]bool{false, true} {
		low := m.order.count(func(x member) bool { return x.score < score || exclusive && x.score == score })
		high := m.order.count(func(x member) bool { return x.score < score || !exclusive && x.score == score }) - 1
		m.follow("SeekScore", m.tree.SeekScore(score, exclusive), low)
		m.follow("SeekScoreLast", m.tree.SeekScoreLast(score, exclusive), high)
		if got := m.tree.RankScore(score, exclusive); got != low {
			m.fatal("RankScore(%v, %v) = %d, want %d", score, exclusive, got, low)
		}
	}
	at := m.c.IntN(m.order.n+3) - 1
	m.follow("At", m.tree.At(at), at)
}

// lex compares the searches by key, if they are allowed.
func (m *churn) lex() {
	id := m.member()
	if m.order.n > 0 && m.order.at(0).score != m.order.at(m.order.n-1).score {
		return
	}
	key := m.entries[id].key
	for _, exclusive := range [2]bool{false, true} {
		low := m.order.count(func(x member) bool { k := m.entries[x.id].key; return k < key || exclusive && k == key })
		high := m.order.count(func(x member) bool { k := m.entries[x.id].key; return k < key || !exclusive && k == key }) - 1
		m.follow("SeekLex", m.tree.SeekLex([]byte(key), exclusive), low)
		m.follow("SeekLexLast", m.tree.SeekLexLast([]byte(key), exclusive), high)
		if got := m.tree.RankLex([]byte(key), exclusive); got != low {
			m.fatal("RankLex(%.40q, %v) = %d, want %d", key, exclusive, got, low)
		}
	}
}

// follow compares a cursor that should stand on the entry with the given rank, and where it goes from there.
func (m *churn) follow(what string, c Cursor, rank int) {
	steps, forward := m.c.IntN(16), m.c.OneIn(2)
	if steps > 2 {
		steps = 0
	} else if steps == 2 {
		steps = m.c.IntN(walkMost)
	}
	part, i, inside := 0, 0, rank >= 0 && rank < m.order.n
	if inside {
		part, i = m.order.place(rank)
	}
	for {
		if !inside {
			if c.Valid() {
				m.fatal("%s: an entry, want none", what)
			}
			return
		}
		if m.same(what, c, m.order.parts[part][i]); steps == 0 {
			return
		}
		if inside = m.order.step(&part, &i, forward); forward {
			c.Next()
		} else {
			c.Prev()
		}
		steps--
	}
}

func (m *churn) same(what string, c Cursor, x member) {
	e := &m.entries[x.id]
	if !c.Valid() || c.Ref() != e.r || math.Float64bits(c.Score()) != math.Float64bits(e.score) {
		m.fatal("%s: not %v, %.40q", what, e.score, e.key)
	}
}

// relocate moves a leaf, the nodes above it and the record of one of its entries, as compaction does.
func (m *churn) relocate() {
	m.a.Plan(int64(m.c.IntN(2)-1) << 16)
	m.leaf = m.tree.Relocate(m.leaf)
	if m.leaf < 0 || m.leaf >= max(m.order.n, 1) {
		m.fatal("Relocate = %d", m.leaf)
	}
	if m.order.n == 0 {
		return
	}
	m.follow("At", m.tree.At(m.leaf), m.leaf)
	if e := &m.entries[m.order.at(m.leaf).id]; m.a.Sparse(e.r) {
		r := m.a.Dup(e.r)
		if !m.tree.Replace(e.score, e.r, r) {
			m.fatal("Replace(%v, %.40q): not found", e.score, e.key)
		}
		m.a.Free(e.r)
		e.r = r
	}
}

// release empties the tree, at once or in steps.
func (m *churn) release() {
	if m.c.OneIn(2) {
		m.tree.Release()
	} else {
		for n := 1 + m.c.Magnitude(8); m.tree.Drain(n); {
		}
	}
	if m.a.Blocks() != int64(m.order.n) || m.tree.Bytes() != 0 || m.tree.Len() != 0 || m.tree.First().Valid() {
		m.fatal("%d blocks and %d entries left, %d bytes of nodes", m.a.Blocks(), m.tree.Len(), m.tree.Bytes())
	}
	m.order.all(func(_ int, x member) bool {
		m.a.Free(m.entries[x.id].r)
		m.entries[x.id].r = 0
		return true
	})
	m.order = ordered{}
}

// audit compares everything.
func (m *churn) audit() {
	m.audited = m.op
	if err := m.tree.audit(); err != nil {
		m.fatal("%v", err)
	}
	if most := int64(m.order.n*entryMost + treeMost); m.tree.Bytes() > most {
		m.fatal("%d bytes of nodes, want at most %d", m.tree.Bytes(), most)
	}
	up, down := m.tree.First(), m.tree.Last()
	m.order.all(func(i int, x member) bool {
		m.same("Next", up, x)
		up.Next()
		return true
	})
	for p := len(m.order.parts) - 1; p >= 0; p-- {
		for i := len(m.order.parts[p]) - 1; i >= 0; i-- {
			m.same("Prev", down, m.order.parts[p][i])
			down.Prev()
		}
	}
	if up.Valid() || down.Valid() {
		m.fatal("a walk does not end")
	}
	blocks, used := int64(m.order.n), m.tree.Bytes()
	m.order.all(func(_ int, x member) bool { used += int64(m.a.SizeOf(m.entries[x.id].r)); return true })
	if nodes := m.nodes(m.tree.root); m.a.Blocks() != blocks+nodes || m.a.Used() != used {
		m.fatal("%d blocks of %d bytes, want %d + %d of %d", m.a.Blocks(), m.a.Used(), blocks, nodes, used)
	}
	m.readTogether()
}

// nodes counts the nodes from n down.
func (m *churn) nodes(n node) int64 {
	if n == 0 {
		return 0
	}
	sum := int64(1)
	for i := 0; height(n) > 0 && i < size(n); i++ {
		sum += m.nodes(child(n, i))
	}
	return sum
}

// readTogether reads in two goroutines at once, which the tree allows.
func (m *churn) readTogether() {
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() { errs[i] = m.read(rand.New(rand.NewPCG(uint64(m.op), uint64(i)))) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			m.fatal("two readers: %v", err)
		}
	}
}

func (m *churn) read(rng *rand.Rand) error {
	for range min(m.order.n, sampleMost) {
		rank := rng.IntN(m.order.n)
		e := &m.entries[m.order.at(rank).id]
		if got, ok := m.tree.Rank(e.score, []byte(e.key)); !ok || got != rank {
			return fmt.Errorf("Rank(%v, %.40q) = %d, %v; want %d", e.score, e.key, got, ok, rank)
		}
		if c := m.tree.At(rank); c.Ref() != e.r {
			return fmt.Errorf("At(%d) is not %.40q", rank, e.key)
		}
		if c := m.tree.SeekScore(e.score, false); c.Score() != e.score {
			return fmt.Errorf("SeekScore(%v) stands on %v", e.score, c.Score())
		}
	}
	return nil
}

// The model itself must be right: parts that split and vanish, and ranks across them.
func TestOrdered(t *testing.T) {
	var o ordered
	rng := rand.New(rand.NewPCG(1, 2))
	for _, id := range rng.Perm(5000) {
		o.insert(member{float64(id), id}, func(x member) bool { return x.id < id })
	}
	for _, id := range rng.Perm(5000)[:2500] {
		if got := o.delete(func(x member) bool { return x.id < id }); got.id != id {
			t.Fatalf("deleted %d, want %d", got.id, id)
		}
	}
	last, part, place := -1, 0, 0
	o.all(func(i int, x member) bool {
		if i > 0 && !o.step(&part, &place, true) || o.parts[part][place] != x {
			t.Fatalf("a step leads to %d, %d, where member %d of %d is not", part, place, i, o.n)
		}
		if x.id <= last || o.at(i) != x || o.count(func(y member) bool { return y.id < x.id }) != i {
			t.Fatalf("member %d at %d, after %d", x.id, i, last)
		}
		last = x.id
		return true
	})
	back := 0
	for ; o.step(&part, &place, false); back++ {
	}
	if o.n != 2500 || back != 2499 || o.count(func(member) bool { return true }) != 2500 || len(o.parts) < 3 {
		t.Errorf("%d members in %d parts", o.n, len(o.parts))
	}
}

// MODEL_OPS sets the number of operations, MODEL_SEED the seed.
func TestModel(t *testing.T) { runModel(t, modeltest.Start(t, 80_000)) }

func FuzzModel(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Add(bytes.Repeat([]byte{0x05, 0x03, 0xff, 0x07, 0x00, 0x06, 0x20, 0x03, 0x90, 0x80}, 20))
	f.Fuzz(func(t *testing.T, data []byte) { runModel(t, modeltest.FromBytes(data)) })
}

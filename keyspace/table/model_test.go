package table

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"datastore/keyspace/modeltest"
	"datastore/keyspace/slab"
)

const (
	modelBits   = 19    // of the most entries that the model test aims at
	auditAfter  = 1_000 // operations, at least
	sparseMost  = 32    // buckets per entry up to which random entries are asked for
	forcedRatio = 3     // doublings or halvings of a resize that the load did not ask for, at most
	smallMost   = 8000  // entries and buckets that can be audited often
	sampleMost  = 2000  // entries that are looked up by two readers at once

	scanCount    = 4
	relocateScan = scanCount - 1 // this one moves the records
)

// entry is what should be in the table under the key that belongs to a number.
type entry struct {
	r     slab.Ref // 0 if there is none
	place int      // in churn.live
	since int      // the operation that inserted it
	seen  [scanCount]int
	audit int // the last one that saw it
}

// scan is a scan under way: number distinguishes it from those before.
type scan struct {
	cursor uint64
	start  int // the operation of its first step
	number int
}

// churn lets a table grow and shrink towards one number of entries after the other and compares it with the model, which
// is an array by the numbers of the keys.
type churn struct {
	t       testing.TB
	c       *modeltest.Choices
	rng     *rand.Rand // for what needs more numbers than a fuzzer's bytes have
	a       *slab.Arena
	tab     *Table
	entries []entry
	live    []int
	target  int
	rising  bool // whether target was above when it was chosen
	op      int
	due     int // the operation of the next audit
	audits  int // and walks of them
	scans   [scanCount]scan
	buf     []byte
	bytes   int64 // of all records
}

// runModel makes operations until there are no more choices. Four scans go on all the time, of which one moves records;
// whenever one ends, every entry that was there from its first step to its last must have been seen. The result of each
// operation is compared; at intervals that grow with the table so are all entries in every way of walking them, the
// structure (see audit) and the blocks of the arena, and two readers read at once, which may only be seen by -race.
//
// Go's hashes differ from process to process, so that a seed repeats the operations but not the places of the entries.
func runModel(t *testing.T, c *modeltest.Choices) {
	a := slab.New()
	defer a.Close()
	m := &churn{t: t, c: c, a: a, tab: New(a, maphash.MakeSeed()), rng: rand.New(rand.NewPCG(c.Uint64(), 0)), target: 64}
	for c.More() {
		m.op++
		m.step()
		if m.tab.Len() != len(m.live) {
			t.Fatalf("operation %d: Len = %d, want %d", m.op, m.tab.Len(), len(m.live))
		}
		if m.op >= m.due {
			m.audit()
		}
	}
	m.audit()
	m.release()
	m.audit()
}

func (m *churn) step() {
	rising := len(m.live) < m.target
	switch k := m.c.IntN(1 << 12); {
	case k < 4 && rising != m.rising || k == 0 && m.c.OneIn(256):
		m.aim()
	case k == 4 && m.c.OneIn(8) && (len(m.live) < 1000 || m.c.OneIn(16)):
		m.release()
	case k < 8:
		m.force()
	case k < 12:
		m.many(rising)
	case k < 40:
		m.tab.Step(m.c.Magnitude(10))
	case k < 200:
		m.random()
	case k < 800:
		m.advance(m.c.IntN(scanCount))
	case k < 1400:
		m.find(m.number())
	case k < 1600:
		m.replace()
	case m.c.IntN(10) < 3 != rising:
		m.insert(m.number())
	case m.c.IntN(4) > 0 && len(m.live) > 0:
		m.remove(m.live[m.c.IntN(len(m.live))])
	default:
		m.remove(m.number())
	}
}

// aim chooses where to go next: this happens some time after the last target was reached, or after a long way.
func (m *churn) aim() {
	if m.target = 1 + m.c.Magnitude(modelBits); m.c.OneIn(8) {
		m.target = 1 + m.c.IntN(1<<modelBits)
	}
	m.rising = len(m.live) < m.target
}

// number chooses a key, which is there about every second time when the table has what it aims at.
func (m *churn) number() int {
	id := m.c.IntN(min(2*m.target, 4*len(m.live)) + 64)
	for len(m.entries) <= id {
		m.entries = append(m.entries, entry{})
	}
	return id
}

// key returns the key of a number, valid until the next call, and its hash. Some keys are longer than the short form of
// a record allows; that of 0 is empty.
func (m *churn) key(id int) ([]byte, uint64) {
	b := m.buf[:0]
	if id != 0 {
		b = strconv.AppendInt(b, int64(id), 10)
	}
	pad := 0
	switch {
	case id%61 == 1:
		pad = maxShortKey - 8 + id%16
	case id%7 == 1:
		pad = id % 40
	}
	for range pad {
		b = append(b, 'x')
	}
	m.buf = b
	return b, m.tab.Hash(b)
}

// id returns the number of an entry's key, and fails unless it is the entry that is there.
func (m *churn) id(r slab.Ref) int {
	id := 0
	for _, c := range Key(r) {
		if c == 'x' {
			break
		}
		id = id*10 + int(c-'0')
	}
	if id >= len(m.entries) || m.entries[id].r != r {
		m.t.Fatalf("operation %d: %.40q at %#x is not in the model", m.op, Key(r), r)
	}
	return id
}

// record makes a record of one of the forms.
func (m *churn) record(key []byte) slab.Ref {
	var r slab.Ref
	if m.c.OneIn(2) {
		r = NewElement(m.a, key, make([]byte, m.c.IntN(40)))
	} else {
		r = NewRecord(m.a, key, m.c.IntN(40), m.c.OneIn(2))
		SetFlags(r, 0xf0)
		SetType(r, 0xff)
		SetAccessClock(r, 0xffffff)
		SetValueLen(r, 0xffff)
	}
	m.bytes += int64(m.a.SizeOf(r))
	return r
}

func (m *churn) free(r slab.Ref) {
	m.bytes -= int64(m.a.SizeOf(r))
	m.a.Free(r)
}

func (m *churn) insert(id int) {
	e := &m.entries[id]
	if e.r != 0 {
		m.find(id)
		return
	}
	key, h := m.key(id)
	e.r = m.record(key)
	e.since, e.place = m.op, len(m.live)
	m.live = append(m.live, id)
	m.tab.Insert(h, e.r)
	m.find(id)
}

// many brings the number of entries forward to the target.
func (m *churn) many(rising bool) {
	id := m.number()
	for n := m.c.Magnitude(12); n > 0; n-- {
		if rising {
			m.insert(id)
			id = (id + 1) % len(m.entries)
		} else if len(m.live) > 0 {
			m.remove(m.live[n%len(m.live)])
		}
	}
}

// remove takes an entry out by its key or by its record, or tries to.
func (m *churn) remove(id int) {
	e := &m.entries[id]
	key, h := m.key(id)
	if m.c.OneIn(2) {
		if got := m.tab.Take(h, key); got != e.r {
			m.t.Fatalf("operation %d: Take(%.40q) = %#x, want %#x", m.op, key, got, e.r)
		}
	} else if got := m.tab.Remove(h, e.r); got != (e.r != 0) {
		m.t.Fatalf("operation %d: Remove(%.40q) = %v", m.op, key, got)
	}
	if e.r == 0 {
		return
	}
	if m.tab.Remove(h, e.r) || m.tab.Find(h, key) != 0 {
		m.t.Fatalf("operation %d: %.40q is still there", m.op, key)
	}
	m.free(e.r)
	last := m.live[len(m.live)-1]
	m.live[e.place], m.entries[last].place = last, e.place
	m.live = m.live[:len(m.live)-1]
	*e = entry{}
}

// replace moves a record, or tries to move one that is not there.
func (m *churn) replace() {
	if len(m.live) == 0 {
		return
	}
	e := &m.entries[m.live[m.c.IntN(len(m.live))]]
	key, h := m.key(m.id(e.r))
	r := m.record(key)
	if m.tab.Replace(h, r, e.r) || m.tab.Replace(h^1<<20, e.r, r) {
		m.t.Fatalf("operation %d: Replace(%.40q) of what is not there", m.op, key)
	}
	if !m.tab.Replace(h, e.r, r) {
		m.t.Fatalf("operation %d: Replace(%.40q): not found", m.op, key)
	}
	m.free(e.r)
	e.r = r
	m.find(m.id(r))
}

func (m *churn) find(id int) {
	key, h := m.key(id)
	r := m.tab.Find(h, key)
	if r != m.entries[id].r {
		m.t.Fatalf("operation %d: Find(%.40q) = %#x, want %#x", m.op, key, r, m.entries[id].r)
	}
	if r != 0 && !KeyEqual(r, key) {
		m.t.Fatalf("operation %d: %#x has key %.40q, want %.40q", m.op, r, Key(r), key)
	}
	m.tab.Prefetch(h)
	if c := m.tab.Candidate(h); c != 0 {
		m.id(c)
	} else if r != 0 && m.tab.overflow == 0 {
		m.t.Fatalf("operation %d: no candidate for %.40q, which is there", m.op, key)
	}
}

// random asks for an entry, unless that would take long.
func (m *churn) random() {
	if m.buckets() > sparseMost*max(len(m.live), 1) {
		return
	}
	if r := m.tab.Random(m.rng.Uint64N); r != 0 {
		m.id(r)
	} else if len(m.live) > 0 {
		m.t.Fatalf("operation %d: no random entry", m.op)
	}
}

func (m *churn) buckets() int { return int(m.tab.Bytes() / bucketBytes) }

// force begins a resize that the load does not ask for, or reserves. A small table is audited soon after.
func (m *churn) force() {
	if soon := m.op + m.c.IntN(256); len(m.live)+m.buckets() < smallMost {
		m.due = min(m.due, soon)
	}
	if m.c.OneIn(2) {
		m.tab.Reserve(len(m.live)*m.c.IntN(1<<forcedRatio) + m.c.IntN(100))
		return
	}
	by := m.c.IntN(2*forcedRatio+1) - forcedRatio
	if m.tab.buckets == 0 || m.tab.Rehashing() {
		return
	}
	if size := m.tab.mask + 1; by > 0 && size < 1<<modelBits {
		m.tab.resize(size << by)
	} else {
		m.tab.resize(max(size>>max(-by, 0), 1))
	}
}

// advance makes a step of a scan.
func (m *churn) advance(i int) {
	s, minSlack := &m.scans[i], int64(m.c.IntN(3)-1)<<16
	if s.cursor == 0 {
		s.start = m.op
		s.number++
		m.a.Plan(minSlack)
		m.tab.RelocateArrays()
	}
	was := s.cursor
	if i == relocateScan {
		s.cursor = m.tab.Relocate(s.cursor, func(r slab.Ref) slab.Ref {
			id := m.id(r)
			m.entries[id].seen[i] = s.number
			return m.move(id)
		})
	} else {
		s.cursor = m.tab.Scan(s.cursor, func(r slab.Ref) { m.entries[m.id(r)].seen[i] = s.number })
	}
	if s.cursor != 0 { // it goes forward in reversed bits, or it would not end
		if bits.Reverse64(s.cursor) <= bits.Reverse64(was) {
			m.t.Fatalf("operation %d: cursor %#x follows %#x", m.op, s.cursor, was)
		}
		return
	}
	for _, id := range m.live {
		if e := &m.entries[id]; e.since < s.start && e.seen[i] != s.number {
			m.t.Fatalf("operation %d: scan %d from operation %d on missed number %d, there since %d", m.op, i, s.start, id,
				e.since)
		}
	}
}

// move gives some entries another record, as compaction does.
func (m *churn) move(id int) slab.Ref {
	e := &m.entries[id]
	if !m.a.Sparse(e.r) {
		return e.r
	}
	old := e.r
	e.r = m.a.Dup(old)
	m.a.Free(old)
	return e.r
}

// release empties the table, at once or in steps.
func (m *churn) release() {
	if m.c.OneIn(2) {
		for r := range m.tab.All() {
			m.id(r)
			m.free(r)
		}
		m.tab.Release()
	} else {
		for n := 1 + m.c.Magnitude(10); m.tab.Drain(n, func(r slab.Ref) { m.id(r); m.free(r) }); {
		}
	}
	if m.a.Used() != 0 || m.bytes != 0 || m.tab.Len() != 0 || m.tab.Bytes() != 0 {
		m.t.Fatalf("operation %d: %d bytes in use, %d of records, after everything was freed", m.op, m.a.Used(), m.bytes)
	}
	for _, id := range m.live {
		m.entries[id] = entry{}
	}
	m.live = m.live[:0]
	if m.c.OneIn(2) {
		m.tab.Reserve(m.c.Magnitude(12))
	}
}

// audit compares everything.
func (m *churn) audit() {
	m.due = m.op + auditAfter + 4*len(m.live) + 2*m.buckets()
	if err := m.tab.audit(); err != nil {
		m.t.Fatalf("operation %d: %v", m.op, err)
	}
	for r := range m.tab.All() {
		m.visit(r)
	}
	m.visited("All")
	for it := m.tab.Iter(); it.Next(); {
		m.visit(it.Ref())
	}
	m.visited("Iter")
	for _, id := range m.live {
		m.find(id)
	}
	m.readTogether()
	m.memory()
}

// visit marks an entry as seen by this walk.
func (m *churn) visit(r slab.Ref) {
	e := &m.entries[m.id(r)]
	if e.audit == m.audits+1 {
		m.t.Fatalf("operation %d: a walk yields %.40q twice", m.op, Key(r))
	}
	e.audit = m.audits + 1
}

func (m *churn) visited(walk string) {
	m.audits++
	for _, id := range m.live {
		if m.entries[id].audit != m.audits {
			m.t.Fatalf("operation %d: %s misses number %d", m.op, walk, id)
		}
	}
}

// memory compares the arena with the records and buckets.
func (m *churn) memory() {
	blocks, used := int64(len(m.live)+m.tab.overflow), m.bytes+int64(m.tab.overflow)*bucketBytes
	if m.tab.buckets != 0 {
		blocks, used = blocks+1, used+int64(m.a.SizeOf(m.tab.buckets))
	}
	if m.tab.next != 0 {
		blocks, used = blocks+1, used+int64(m.a.SizeOf(m.tab.next))
	}
	if m.a.Blocks() != blocks || m.a.Used() != used {
		m.t.Fatalf("operation %d: %d blocks of %d bytes, want %d of %d", m.op, m.a.Blocks(), m.a.Used(), blocks, used)
	}
}

// readTogether reads in two goroutines at once, which the table allows.
func (m *churn) readTogether() {
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() { errs[i] = m.read(rand.New(rand.NewPCG(uint64(m.op), uint64(i)))) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			m.t.Fatalf("operation %d: two readers: %v", m.op, err)
		}
	}
}

func (m *churn) read(rng *rand.Rand) error {
	reader := &churn{tab: m.tab}
	for range min(len(m.live), sampleMost) {
		id := m.live[rng.IntN(len(m.live))]
		key, h := reader.key(id)
		m.tab.Prefetch(h)
		if r := m.tab.Find(h, key); r != m.entries[id].r {
			return fmt.Errorf("Find(%.40q) = %#x, want %#x", key, r, m.entries[id].r)
		}
		if m.tab.overflow == 0 && m.tab.Candidate(h) == 0 {
			return fmt.Errorf("no candidate for %.40q", key)
		}
	}
	n := 0
	for cursor := m.tab.Scan(0, func(slab.Ref) { n++ }); cursor != 0; {
		cursor = m.tab.Scan(cursor, func(slab.Ref) { n++ })
	}
	for range m.tab.All() {
		n++
	}
	if n != 2*len(m.live) {
		return fmt.Errorf("a scan and a walk see %d entries, want twice %d", n, len(m.live))
	}
	if n > 0 && m.buckets() <= sparseMost*len(m.live) && m.tab.Random(rng.Uint64N) == 0 {
		return fmt.Errorf("no random entry of %d", len(m.live))
	}
	return nil
}

// MODEL_OPS sets the number of operations, MODEL_SEED the seed.
func TestModel(t *testing.T) { runModel(t, modeltest.Start(t, 200_000)) }

func FuzzModel(f *testing.F) {
	f.Add([]byte("\x00abcdefghij\xff\xfe\x80\x81"))
	f.Add([]byte("01234567\x09\x00\x05\xff\x06\x00\x00\x01\x07\x80\x00\x10\x30\x00\xff\x07\x11\x22\x08\x09"))
	f.Fuzz(func(t *testing.T, data []byte) { runModel(t, modeltest.FromBytes(data)) })
}

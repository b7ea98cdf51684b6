package table

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"testing"

	"datastore/keyspace/slab"
)

// model is a table next to the map that it should equal.
type model struct {
	t    testing.TB
	a    *slab.Arena
	tab  *Table
	want map[string]slab.Ref
	keys []string // of want, with holes closed
	pos  map[string]int
}

func newModel(t testing.TB) *model {
	a := slab.New()
	t.Cleanup(a.Close)
	return &model{t: t, a: a, tab: New(a, maphash.MakeSeed()), want: map[string]slab.Ref{}, pos: map[string]int{}}
}

func (m *model) insert(key string) {
	h := m.tab.Hash([]byte(key))
	if _, ok := m.want[key]; ok {
		return
	}
	r := NewElement(m.a, []byte(key), nil)
	m.tab.Insert(h, r)
	m.want[key], m.pos[key] = r, len(m.keys)
	m.keys = append(m.keys, key)
}

func (m *model) remove(key string) {
	r, ok := m.want[key]
	h := m.tab.Hash([]byte(key))
	if len(key)%2 == 0 {
		if got := m.tab.Take(h, []byte(key)); got != r {
			m.t.Fatalf("Take(%q) = %#x, want %#x", key, got, r)
		}
	} else if got := m.tab.Remove(h, r); got != ok {
		m.t.Fatalf("Remove(%q) = %v", key, got)
	}
	if !ok {
		return
	}
	m.a.Free(r)
	last := m.keys[len(m.keys)-1]
	m.keys[m.pos[key]], m.pos[last] = last, m.pos[key]
	m.keys = m.keys[:len(m.keys)-1]
	delete(m.want, key)
	delete(m.pos, key)
}

func (m *model) find(key string) {
	h := m.tab.Hash([]byte(key))
	r := m.tab.Find(h, []byte(key))
	if r != m.want[key] {
		m.t.Fatalf("Find(%q) = %#x, want %#x", key, r, m.want[key])
	}
	m.tab.Prefetch(h)
	if c := m.tab.Candidate(h); r != 0 && c == 0 && m.tab.overflow == 0 {
		m.t.Fatalf("Candidate(%q) = 0, the key is there", key)
	}
}

func (m *model) check() {
	m.t.Helper()
	if m.tab.Len() != len(m.want) {
		m.t.Fatalf("Len = %d, want %d", m.tab.Len(), len(m.want))
	}
	seen := map[slab.Ref]bool{}
	for r := range m.tab.All() {
		if seen[r] || m.want[string(Key(r))] != r {
			m.t.Fatalf("All yields %#x (%q) twice or wrongly", r, Key(r))
		}
		seen[r] = true
	}
	if len(seen) != len(m.want) {
		m.t.Fatalf("All yields %d entries of %d", len(seen), len(m.want))
	}
	for it := m.tab.Iter(); it.Next(); {
		if !seen[it.Ref()] {
			m.t.Fatalf("Iter yields %#x twice or wrongly", it.Ref())
		}
		delete(seen, it.Ref())
	}
	if len(seen) != 0 {
		m.t.Fatalf("Iter misses %d entries", len(seen))
	}
	for key := range m.want {
		m.find(key)
	}
	m.checkMemory()
	if err := m.tab.audit(); err != nil {
		m.t.Fatal(err)
	}
}

// checkMemory compares the arena's blocks with what the table should hold.
func (m *model) checkMemory() {
	m.t.Helper()
	blocks := int64(len(m.want) + m.tab.overflow)
	if m.tab.buckets != 0 {
		blocks++
	}
	if m.tab.next != 0 {
		blocks++
	}
	if got := m.a.Blocks(); got != blocks {
		m.t.Fatalf("%d blocks in the arena, want %d", got, blocks)
	}
}

// The table must stay within its load both ways when only the mutating calls move it.
func TestLoad(t *testing.T) {
	m := newModel(t)
	low, high := 99.0, 0.0
	for i := range 150_000 {
		m.insert(fmt.Sprint(i))
		if i > 1000 {
			load := float64(m.tab.Len()) / (float64(m.tab.Bytes()) / bucketBytes)
			low, high = min(low, load), max(high, load)
		}
	}
	if low < 1.5 || high > 5.5 {
		t.Errorf("entries per bucket from %.2f to %.2f", low, high)
	}
	for i := range 149_000 {
		m.remove(fmt.Sprint(i))
	}
	if load := float64(m.tab.Len()) / (float64(m.tab.Bytes()) / bucketBytes); load < 0.3 {
		t.Errorf("%.3f entries per bucket after most have gone", load)
	}
	m.check()
}

// From 65,536 buckets on a doubling takes the hash from where the entry is; the two sides of the boundary must agree.
func TestResizeAtTheTagBoundary(t *testing.T) {
	for _, bits := range []int{15, 16, 17} {
		m := newModel(t)
		m.tab.Reserve(capacity(1 << bits))
		if got := m.tab.mask + 1; got != 1<<bits {
			t.Fatalf("Reserve made %d buckets, want %d", got, 1<<bits)
		}
		for i := range capacity(1<<bits) - 50_000/2 {
			if i%7 == 0 || i < 1000 { // a seventh is enough
				m.insert(fmt.Sprint("k", i))
			}
		}
		m.tab.resize(2 << bits)
		m.tab.Step(1 << (bits - 1))
		m.check()
		for m.tab.Step(1 << bits) {
		}
		m.check()
		m.tab.resize(1 << (bits - 2))
		m.tab.Step(1 << bits)
		m.check()
		for m.tab.Step(1 << bits) {
		}
		m.check()
	}
}

// Entries that stay during a scan must be seen, whatever happens to the table in between.
func TestScanGuarantee(t *testing.T) {
	for trial := range 24 {
		rng := rand.New(rand.NewPCG(uint64(trial), 9))
		m := newModel(t)
		stay := map[string]bool{}
		for i := range 1 + rng.IntN(2000) {
			stay[fmt.Sprint("stay", i)] = true
			m.insert(fmt.Sprint("stay", i))
		}
		extra := 0
		for range rng.IntN(2) * rng.IntN(20_000) {
			m.insert(fmt.Sprint("extra", extra))
			extra++
		}
		seen := map[string]bool{}
		grow, calls := rng.IntN(2) == 0, 0
		for cursor := uint64(0); ; {
			cursor = m.tab.Scan(cursor, func(r slab.Ref) { seen[string(Key(r))] = true })
			if calls++; cursor == 0 {
				break
			}
			if rng.IntN(100) == 0 {
				grow = !grow
			}
			for range rng.IntN(40) {
				if grow && extra < 30_000 {
					m.insert(fmt.Sprint("extra", extra))
					extra++
				} else if !grow && extra > 0 {
					extra--
					m.remove(fmt.Sprint("extra", extra))
				}
			}
			if calls > 1<<20 {
				t.Fatal("the scan does not end")
			}
		}
		for key := range stay {
			if !seen[key] {
				t.Fatalf("trial %d: %q was there all the time and was not seen", trial, key)
			}
		}
	}
}

func TestScanOfAnUnchangedTableSeesEachOnce(t *testing.T) {
	m := newModel(t)
	for i := range 3000 {
		m.insert(fmt.Sprint(i))
		if i%500 != 0 {
			continue
		}
		seen := map[slab.Ref]int{}
		for cursor := m.tab.Scan(0, func(r slab.Ref) { seen[r]++ }); cursor != 0; {
			cursor = m.tab.Scan(cursor, func(r slab.Ref) { seen[r]++ })
		}
		if len(seen) != m.tab.Len() {
			t.Fatalf("%d of %d entries seen, resize %v", len(seen), m.tab.Len(), m.tab.Rehashing())
		}
		for r, n := range seen {
			if n != 1 {
				t.Fatalf("%q seen %d times", Key(r), n)
			}
		}
	}
}

// chi2 draws from a table and returns the chi-square statistic divided by its degrees of freedom, which is about 1 for
// a fair draw.
func chi2(m *model, rng *rand.Rand, draws int) float64 {
	hits := map[slab.Ref]int{}
	for range draws {
		hits[m.tab.Random(rng.Uint64N)]++
	}
	expect := float64(draws) / float64(len(m.want))
	sum := 0.0
	for _, r := range m.want {
		d := float64(hits[r]) - expect
		sum += d * d / expect
	}
	if len(hits) > len(m.want) {
		m.t.Fatal("Random returned what is not in the table")
	}
	return sum / float64(len(m.want)-1)
}

func TestRandomIsFair(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	m := newModel(t)
	if m.tab.Random(rng.Uint64N) != 0 {
		t.Fatal("Random of an empty table")
	}
	states := map[string]bool{}
	measure := func() {
		state := fmt.Sprint(m.tab.next != 0, m.tab.nextMask > m.tab.mask)
		if states[state] && m.tab.next != 0 {
			return
		}
		states[state] = true
		if x := chi2(m, rng, 100*len(m.want)); x < 0.8 || x > 1.2 { // about 5 sigma with 1,400 entries
			t.Errorf("%d entries, resize %s: chi-square/n = %.3f", len(m.want), state, x)
		}
	}
	for i := range 1500 { // doubles at 1,408
		m.insert(fmt.Sprint(i))
		if i == 1300 || i > 1440 && m.tab.Rehashing() {
			measure()
		}
	}
	m.tab.Step(1 << 20)
	m.tab.resize(64)
	m.tab.Step(20)
	measure()
	m.tab.Step(1 << 20)
	measure()
	if len(states) != 3 {
		t.Errorf("states covered: %v", states)
	}
}

// Random must not take long for a table that is about to shrink, or has just begun to.
func TestRandomDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	m := newModel(t)
	for i := range 100_000 {
		m.insert(fmt.Sprint(i))
	}
	for i := 0; m.tab.Len() > 50; i++ {
		m.remove(fmt.Sprint(i))
		if i%5000 != 0 {
			continue
		}
		draws := 0
		for range 1000 {
			m.tab.Random(func(n uint64) uint64 { draws++; return rng.Uint64N(n) })
		}
		if draws > 60*1000 {
			t.Fatalf("%.1f draws per call with %d entries", float64(draws)/1000, m.tab.Len())
		}
	}
}

func TestReleaseDuringResize(t *testing.T) {
	for _, size := range []uint64{4096, 128} { // both ways from 1,024
		m := newModel(t)
		for i := range 5000 {
			m.insert(fmt.Sprint(i))
		}
		m.tab.Step(1 << 20)
		m.tab.resize(size)
		m.tab.Step(300)
		if !m.tab.Rehashing() || m.tab.overflow == 0 {
			t.Fatalf("resize to %d buckets is over, or no bucket is continued", size)
		}
		m.check()
		for r := range m.tab.All() {
			m.a.Free(r)
		}
		m.tab.Release()
		if m.a.Used() != 0 || m.tab.Len() != 0 || m.tab.Bytes() != 0 {
			t.Errorf("%d bytes used after Release", m.a.Used())
		}
		for range m.tab.All() {
			t.Error("the released table has an entry")
		}
	}
}

func TestReserve(t *testing.T) {
	m := newModel(t)
	m.tab.Reserve(10_000)
	size := m.tab.Bytes()
	for i := range 10_000 {
		m.insert(fmt.Sprint(i))
	}
	if grown := m.tab.Bytes() - int64(m.tab.overflow)*bucketBytes; grown != size || m.tab.Rehashing() {
		t.Errorf("%d bytes after Reserve, %d when full", size, grown)
	}
	m.tab.Reserve(200_000)
	if !m.tab.Rehashing() {
		t.Error("Reserve of a filled table does not grow it")
	}
	for m.tab.Step(100) {
	}
	m.check()
}

func TestHashesWithoutDistinction(t *testing.T) {
	m := newModel(t)
	const n = 500
	m.tab.Reserve(2 * n) // or a doubling would ask for the true hashes
	var refs []slab.Ref
	for i := range n { // all in one chain, with tag 0, which is also that of an empty slot
		r := NewElement(m.a, fmt.Append(nil, i), nil)
		m.tab.Insert(0, r)
		refs = append(refs, r)
	}
	for i, r := range refs {
		if got := m.tab.Find(0, fmt.Append(nil, i)); got != r {
			t.Fatalf("Find(%d) = %#x, want %#x", i, got, r)
		}
	}
	if m.tab.Find(0, []byte("absent")) != 0 || m.tab.Remove(1, refs[0]) {
		t.Fatal("found what is absent")
	}
	for i, r := range refs {
		if !m.tab.Remove(0, r) || m.tab.Find(0, fmt.Append(nil, i)) != 0 {
			t.Fatalf("Remove of %d", i)
		}
		m.a.Free(r)
	}
	m.check()
}

func TestElementRecords(t *testing.T) {
	a := slab.New()
	defer a.Close()
	for _, k := range []int{0, 1, 3, 16, 255, 256, 70_000} {
		for _, v := range []int{0, 8, 65535, 65536, 3 << 20} {
			key, value := bytes.Repeat([]byte("k"), k), bytes.Repeat([]byte("v"), v)
			r := NewElement(a, key, value)
			if !bytes.Equal(Key(r), key) || !KeyEqual(r, key) || KeyEqual(r, append(key, 'x')) {
				t.Fatalf("key of length %d with value of %d", k, v)
			}
			if !bytes.Equal(ElementValue(r), value) || !IsElement(r) {
				t.Fatalf("value of length %d with key of %d", v, k)
			}
			if got := ValueOffset(r) + v; got != ElementSize(k, v) {
				t.Fatalf("ElementSize(%d, %d) = %d, value ends at %d", k, v, ElementSize(k, v), got)
			}
			if Long(r) != (k > 255 || v > 65535) {
				t.Fatalf("Long with lengths %d, %d = %v", k, v, Long(r))
			}
		}
	}
}

func TestDatabaseRecords(t *testing.T) {
	a := slab.New()
	defer a.Close()
	for _, k := range []int{0, 1, 16, 255, 256, 100_000} {
		for _, expire := range []bool{false, true} {
			key := strings.Repeat("k", k)
			r := NewRecord(a, []byte(key), 40, expire)
			if Type(r) != 0 || AccessClock(r) != 0 || ValueLen(r) != 0 || Flags(r) != 0 || IsElement(r) {
				t.Fatal("a new record is not blank")
			}
			SetType(r, 0xfe)
			SetAccessClock(r, 0xabcdef)
			SetValueLen(r, 65535)
			SetFlags(r, 0x50)
			if expire {
				SetExpire(r, -1<<40)
			}
			if Long(r) {
				SetExtra(r, 1<<31)
			}
			if Type(r) != 0xfe || AccessClock(r) != 0xabcdef || ValueLen(r) != 65535 || Flags(r) != 0x50 {
				t.Fatalf("header of a record with a key of %d bytes", k)
			}
			if Long(r) != (k > 255) || Long(r) && Extra(r) != 1<<31 || HasExpire(r) != expire {
				t.Fatalf("flags of a record with a key of %d bytes", k)
			}
			if expire && Expire(r) != -1<<40 {
				t.Fatalf("expiry %d", Expire(r))
			}
			if !KeyEqual(r, []byte(key)) || string(Key(r)) != key || ValueOffset(r)+40 != RecordSize(k, 40, expire) {
				t.Fatalf("key of %d bytes, expire %v", k, expire)
			}
		}
	}
}

// TestResizeThatWaits grows a table whose arena has somebody who gets memory ready: buckets are moved as far as that has come,
// and without it in the end.
func TestResizeThatWaits(t *testing.T) {
	if !slab.CanPopulate() {
		t.Skip("the kernel cannot populate memory (Linux before 5.14)")
	}
	m := newModel(t)
	var announced []slab.Extent
	m.a.OnGrowth(func(e slab.Extent) {
		if e.Waited() {
			announced = append(announced, e)
		}
	})
	const large = 4 << 20 / bucketBytes // two extents of either half of the new array
	grow := func(what string) {
		t.Helper()
		for i := 0; m.tab.mask+1 < large || m.tab.next == 0; i++ {
			m.insert(fmt.Sprint(what, i))
			if m.tab.mask+1 < large && len(announced) > 0 {
				populateAll(t, &announced)
				for m.tab.Step(1 << 10) {
				}
			}
		}
		m.check()
	}
	grow("growth")
	if len(announced) != 4 || m.tab.moved != 0 || m.tab.Step(64) {
		t.Fatalf("%d extents announced, %d buckets moved before any is populated", len(announced), m.tab.moved)
	}
	for i := range 500 { // both kinds of change while it waits
		m.remove(m.keys[(i*7919)%len(m.keys)])
		m.insert(fmt.Sprint("more", i))
	}
	if m.tab.moved != 0 {
		t.Fatalf("%d buckets were moved too early", m.tab.moved)
	}
	first := announced[:2]
	populateAll(t, &first)
	for m.tab.Step(64) {
	}
	if m.tab.moved != 2<<20/bucketBytes {
		t.Fatalf("%d buckets were moved with half of the memory", m.tab.moved)
	}
	m.check()
	rest := announced[2:]
	populateAll(t, &rest)
	for m.tab.Step(64) {
	}
	if m.tab.next != 0 {
		t.Fatalf("%d buckets were moved with all of the memory", m.tab.moved)
	}
	m.check()
	for i := 0; m.tab.next == 0; i++ {
		m.insert(fmt.Sprint("other", i))
	}
	for i := 0; m.tab.moved == 0; i++ { // nobody populates
		if i > int(m.tab.mask) {
			t.Fatalf("no bucket has been moved after %d insertions", i)
		}
		m.insert(fmt.Sprint("patient", i))
	}
	m.check()
	announced = nil
	for len(m.keys) > 0 {
		populateAll(t, &announced)
		m.remove(m.keys[len(m.keys)-1])
	}
	m.check()
}

// populateAll gets memory for extents and forgets them.
func populateAll(t *testing.T, list *[]slab.Extent) {
	t.Helper()
	for _, e := range *list {
		if err := e.Populate(); err != nil {
			t.Fatal(err)
		}
	}
	*list = nil
}

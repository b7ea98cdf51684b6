package slab

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	"datastore/keyspace/modeltest"
)

const (
	modelBits   = 26      // of the most bytes that the model test aims to have in use
	emptyBytes  = 8 << 20 // an arena without a block keeps at most this: a run per class, a few free pages, headers
	auditAfter  = 20_000  // operations, at least
	patternEnds = 64      // bytes at either end of a block that have its pattern
	patternGap  = 997     // bytes between the others that have it; more if that would be more than patternEnds bytes
)

// block is what should be in a block: a pattern of its own.
type block struct {
	r    Ref
	n    int
	seed byte
}

func fill(b block) {
	view := Bytes(b.r, 0, b.n)
	for i := 0; i < b.n; i = nextMark(i, b.n) {
		view[i] = b.seed + byte(i)
	}
}

// damage returns where a block does not have its pattern, -1 if it has.
func damage(b block) int {
	view := Bytes(b.r, 0, b.n)
	for i := 0; i < b.n; i = nextMark(i, b.n) {
		if view[i] != b.seed+byte(i) {
			return i
		}
	}
	return -1
}

// nextMark returns the place after i at which a block of n bytes has its pattern.
func nextMark(i, n int) int {
	if i < patternEnds || i >= n-patternEnds {
		return i + 1
	}
	gap := max(patternGap, n/patternEnds)
	return min((i/gap+1)*gap, n-patternEnds)
}

// nonzero returns where b is not zero, -1 if it is.
func nonzero(b []byte) int {
	var zero [4096]byte
	for at := 0; at < len(b); at += len(zero) {
		part := b[at:min(at+len(zero), len(b))]
		if !bytes.Equal(part, zero[:len(part)]) {
			return at + slices.IndexFunc(part, func(c byte) bool { return c != 0 })
		}
	}
	return -1
}

// sizes is a preference for sizes of blocks, so that phases with one size follow phases with many.
type sizes int

const (
	mixedSizes  sizes = iota // all, mostly small
	oneSize                  // of the same class
	classLimits              // the largest and the smallest of each class
	pageSizes                // whole pages and one byte around, up to the largest run and beyond
	directSizes              // the least that has a mapping of its own, and more, among small ones
	largeSizes               // some pages, among small ones
	sizesCount
)

func (s sizes) draw(c *modeltest.Choices, one int) int {
	switch s {
	case oneSize:
		return one
	case classLimits:
		return max(1, classSize(c.IntN(classCount))+c.IntN(3)-1)
	case pageSizes:
		return max(1, c.Magnitude(c.IntN(10))*pageSize+c.IntN(3)-1)
	case directSizes:
		if c.OneIn(64) {
			return maxRun*pageSize + c.IntN(3) - 1 + c.IntN(2)<<20
		}
		return 1 + c.IntN(3*pageSize)
	case largeSizes:
		if c.OneIn(16) {
			return 1 + c.IntN(maxRun*pageSize/8)
		}
		return 1 + c.IntN(200)
	}
	switch k := c.IntN(1000); {
	case k < 800:
		return 1 + c.IntN(256)
	case k < 970:
		return 1 + c.IntN(maxSmall+1000)
	case k < 999:
		return 1 + c.IntN(20*pageSize)
	}
	return 1 + c.IntN(3<<20)
}

// model is an arena, what should be in its blocks, and the way it is going: it grows and shrinks towards one amount of
// memory after the other.
type model struct {
	t      *testing.T
	c      *modeltest.Choices
	a      *Arena
	blocks []block
	used   int64
	target int64 // bytes in use
	rising bool  // whether target was above when it was chosen
	sizes  sizes
	one    int           // the size that oneSize stands for
	live   map[int]int64 // bytes in use by class size, 0 for blocks above the classes
	peaks  map[int]int64 // the most that each of them was since the arena was empty
	since  int           // operations since the last audit
}

// runModel makes operations until there are no more choices. Every block has a pattern of its own, which is compared
// when the block is freed or moved, so that two blocks never share a byte. At intervals that grow with the blocks all of
// them are compared, the addresses with each other, and what the arena has from the system with what it may have; under
// the tag invariants the arena also audits itself, pages, runs and lists.
func runModel(t *testing.T, c *modeltest.Choices) {
	a := New()
	defer a.Close()
	m := newModel(t, c, a)
	for c.More() {
		m.step()
		if m.check(); m.since > auditAfter+4*len(m.blocks) {
			m.audit()
		}
		m.since++
	}
	m.audit()
	m.freeAll()
	m.audit()
}

func newModel(t *testing.T, c *modeltest.Choices, a *Arena) *model {
	return &model{t: t, c: c, a: a, target: 1 << 16, peaks: map[int]int64{}, live: map[int]int64{}}
}

func (m *model) step() {
	rising := m.used < m.target
	switch k := m.c.IntN(1 << 16); {
	case k < 64 && rising != m.rising || k == 0:
		m.aim()
	case k == 64:
		m.freeAll()
	case k == 65 && m.c.OneIn(4):
		m.reopen()
	case k == 66:
		m.freeLow()
	case k == 67:
		m.compact()
	case k < 80:
		m.age()
	case k < 400:
		m.discard()
	case k < 4000:
		m.resize()
	case len(m.blocks) == 0 || m.c.IntN(10) < 3 != rising && m.used < 2<<modelBits:
		m.alloc(m.sizes.draw(m.c, m.one))
	default:
		m.free(m.c.IntN(len(m.blocks)))
	}
}

// aim chooses where to go next: this happens some time after the last target was reached, or after a long way.
func (m *model) aim() {
	m.target = 1 + int64(m.c.Magnitude(modelBits))
	m.rising = m.used < m.target
	m.sizes = sizes(m.c.IntN(int(sizesCount)))
	m.one = 1 + m.c.Magnitude(14)
}

// account adds a block of n bytes, or takes it away.
func (m *model) account(n, sign int) {
	class := ClassSize(n)
	size := int64(sign * class)
	if class > maxSmall {
		class = 0
	}
	m.used += size
	m.live[class] += size
	m.peaks[class] = max(m.peaks[class], m.live[class])
}

func (m *model) alloc(n int) {
	b := block{n: n, seed: byte(m.c.IntN(256))}
	if m.c.OneIn(4) {
		b.r = m.a.AllocZeroed(n)
		if i := nonzero(Bytes(b.r, 0, n)); i >= 0 {
			m.t.Fatalf("AllocZeroed(%d): byte %d is %#x", n, i, Load8(b.r, i))
		}
	} else {
		b.r = m.a.Alloc(n)
	}
	m.enter(b)
	fill(b)
}

// enter checks a new block and adds it to the others.
func (m *model) enter(b block) {
	if b.r%8 != 0 || b.r > RefMask {
		m.t.Fatalf("Alloc(%d) = %#x", b.n, b.r)
	}
	if got, want := m.a.SizeOf(b.r), ClassSize(b.n); got != want || got < b.n {
		m.t.Fatalf("SizeOf(Alloc(%d)) = %d, ClassSize says %d", b.n, got, want)
	}
	m.blocks = append(m.blocks, b)
	m.account(b.n, 1)
}

func (m *model) verify(b block) {
	if i := damage(b); i >= 0 {
		m.t.Fatalf("block of %d bytes at %#x is damaged at %d", b.n, b.r, i)
	}
}

func (m *model) free(i int) {
	b := m.blocks[i]
	m.verify(b)
	m.a.Free(b.r)
	m.account(b.n, -1)
	m.blocks[i] = m.blocks[len(m.blocks)-1]
	m.blocks = m.blocks[:len(m.blocks)-1]
}

func (m *model) any() (block, bool) {
	if len(m.blocks) == 0 {
		return block{}, false
	}
	return m.blocks[m.c.IntN(len(m.blocks))], true
}

// resize moves a block to one of another size, as owners do, or cuts one with a mapping of its own.
func (m *model) resize() {
	if len(m.blocks) == 0 {
		return
	}
	i := m.c.IntN(len(m.blocks))
	old := m.blocks[i]
	if ClassSize(old.n) > maxRun*pageSize {
		m.shrink(i, m.c.IntN(old.n+2*pageSize))
		return
	}
	b := block{n: max(1, old.n+m.c.Magnitude(12)-m.c.Magnitude(12)), seed: old.seed}
	b.r = m.a.Alloc(b.n)
	m.enter(b)
	n := min(old.n, b.n)
	Copy(b.r, 0, old.r, 0, n)
	for k := 0; k < n; k = nextMark(k, old.n) {
		if Load8(b.r, k) != b.seed+byte(k) {
			m.t.Fatalf("copy of %d bytes from %#x to %#x differs at %d", n, old.r, b.r, k)
		}
	}
	fill(b)
	m.free(i)
}

// shrink cuts n bytes, in whole pages, off a block with a mapping of its own.
func (m *model) shrink(i, n int) {
	b := &m.blocks[i]
	size := ClassSize(b.n)
	cut := n / pageSize * pageSize
	if done := m.a.Shrink(b.r, n); done != (cut > 0 && cut < size) {
		m.t.Fatalf("Shrink of %d bytes by %d: %v", size, n, done)
	} else if !done {
		return
	}
	for k := 0; k < min(b.n, size-cut); k = nextMark(k, b.n) {
		if Load8(b.r, k) != b.seed+byte(k) {
			m.t.Fatalf("block of %d bytes at %#x is damaged at %d by Shrink(%d)", b.n, b.r, k, n)
		}
	}
	m.account(b.n, -1)
	b.n = size - cut
	m.account(b.n, 1)
	fill(*b)
}

// discard gives up a part of a block, which then has zeros or what was there, and writes it again.
func (m *model) discard() {
	b, ok := m.any()
	if !ok {
		return
	}
	off := m.c.IntN(b.n)
	n := m.c.IntN(b.n - off + 1)
	m.a.Discard(b.r, off, n)
	for i := 0; i < b.n; i = nextMark(i, b.n) {
		if i >= off && i < off+n && Load8(b.r, i) == 0 {
			Store8(b.r, i, b.seed+byte(i))
		}
	}
	m.verify(b)
}

// byAddress sorts the blocks.
func (m *model) byAddress() {
	slices.SortFunc(m.blocks, func(a, b block) int { return cmp.Compare(a.r, b.r) })
}

// freeAll frees everything in one of several orders. What the arena then keeps does not depend on what it had.
func (m *model) freeAll() {
	order := m.c.IntN(3)
	if order > 0 {
		m.byAddress()
	}
	if order == 2 {
		slices.Reverse(m.blocks)
	}
	for n := len(m.blocks); n > 0; n-- {
		i := n - 1
		if order == 0 {
			i = m.c.IntN(n)
		}
		m.free(i)
	}
	clear(m.peaks)
	if m.check(); m.a.Mapped() > emptyBytes {
		m.t.Fatalf("%d bytes kept without a block", m.a.Mapped())
	}
}

// freeLow frees the blocks up to some address. Their runs are all empty then, so that the memory must go back.
func (m *model) freeLow() {
	m.byAddress()
	slices.Reverse(m.blocks)
	keep := m.c.IntN(len(m.blocks) + 1)
	mapped, used := m.a.Mapped(), m.used
	for i := len(m.blocks) - 1; i >= keep; i-- {
		m.free(i)
	}
	freed := used - m.used
	if limit := mapped - freed + mapped/16 + 2*emptyBytes; m.a.Mapped() > limit {
		m.t.Fatalf("%d bytes of %d kept after the lowest %d of %d were freed", m.a.Mapped(), mapped, freed, used)
	}
}

// compact moves what is in sparse runs, until little is, or everything once.
func (m *model) compact() {
	if m.c.OneIn(4) {
		m.a.Plan(-1)
		m.moveSparse()
		return
	}
	for range 8 {
		m.a.Plan(minSlack)
		m.moveSparse()
	}
	if limit := m.used + m.used/4 + emptyBytes + 2*minSlack*classCount; m.a.Mapped() > limit {
		m.t.Fatalf("%d bytes mapped for %d used after compaction", m.a.Mapped(), m.used)
	}
}

func (m *model) moveSparse() {
	for i, b := range m.blocks {
		if !m.a.Sparse(b.r) {
			continue
		}
		old := b
		b.r = m.a.Dup(b.r)
		m.verify(b)
		m.verify(old)
		m.a.Free(old.r)
		m.blocks[i] = b
	}
}

// age lets time pass and gives some of the free pages back, or all.
func (m *model) age() {
	idle := m.a.Age()
	if free := m.a.DirtyBytes(); idle < 0 || idle > free {
		m.t.Fatalf("%d bytes of %d free ones have not been needed", idle, free)
	}
	for m.c.OneIn(2) && m.a.Purge() {
	}
	if m.a.Age() > m.a.DirtyBytes() {
		m.t.Fatal("more than all free pages have not been needed")
	}
}

// reopen closes the arena, with what it holds, at once or in steps.
func (m *model) reopen() {
	if m.c.OneIn(2) {
		m.a.Close()
	} else {
		for mapped := m.a.Mapped(); m.a.CloseSome(1 + m.c.Magnitude(24)); {
			if got := m.a.Mapped(); got >= mapped {
				m.t.Fatalf("CloseSome: %d bytes mapped, %d before", got, mapped)
			}
		}
	}
	m.blocks, m.used = m.blocks[:0], 0
	clear(m.live)
	clear(m.peaks)
	if m.check(); m.a.Mapped() != 0 {
		m.t.Fatalf("%d bytes mapped after Close", m.a.Mapped())
	}
}

// check compares the counters.
func (m *model) check() {
	if m.a.Used() != m.used || m.a.Blocks() != int64(len(m.blocks)) {
		m.t.Fatalf("Used %d, Blocks %d; want %d, %d", m.a.Used(), m.a.Blocks(), m.used, len(m.blocks))
	}
	if m.a.Mapped() < m.a.Used() {
		m.t.Fatalf("Mapped %d < Used %d", m.a.Mapped(), m.a.Used())
	}
}

// audit compares everything.
func (m *model) audit() {
	m.since = 0
	m.byAddress()
	end, direct := Ref(0), int64(0)
	for _, b := range m.blocks {
		if b.r < end {
			m.t.Fatalf("block %#x of %d bytes begins before %#x, where another ends", b.r, b.n, end)
		}
		size := m.a.SizeOf(b.r)
		end = b.r + Ref(size)
		if b.r&chunkMask == 0 {
			direct += int64(size)
		}
		m.verify(b)
	}
	if m.a.directBytes != direct {
		m.t.Fatalf("%d bytes in mappings of their own, want %d", m.a.directBytes, direct)
	}
	limit := int64(emptyBytes)
	for _, peak := range m.peaks {
		limit += peak + peak/8
	}
	if m.a.Mapped() > limit {
		m.t.Fatalf("%d bytes mapped; the peaks of all sizes allow %d", m.a.Mapped(), limit)
	}
	m.report()
	if err := auditArena(m.a); err != nil {
		m.t.Fatal(err)
	}
}

// report compares what the arena tells about itself with the blocks of each class.
func (m *model) report() {
	r := m.a.Report(len(m.a.chunks))
	live := map[int]int64{0: r.Large.SizeBytes + r.DirectBytes}
	blocks := r.Large.Live + r.Direct
	for _, c := range r.Classes {
		live[int(c.SizeBytes)] += c.SizeBytes * int64(c.Live)
		if blocks += c.Live; c.Live > c.Blocks || c.Runs < 1 {
			m.t.Fatalf("Report: %+v", c)
		}
	}
	for size, bytes := range m.live {
		if live[size] != bytes {
			m.t.Fatalf("Report: %d bytes in blocks of %d, want %d", live[size], size, bytes)
		}
	}
	if blocks != len(m.blocks) || m.a.Active() < m.used || m.a.Active()+m.a.HeaderBytes()+m.a.DirtyBytes() != m.a.Mapped() {
		m.t.Fatalf("Report: %d blocks, want %d; %d bytes active, %d of headers, %d free, %d mapped", blocks, len(m.blocks),
			m.a.Active(), m.a.HeaderBytes(), m.a.DirtyBytes(), m.a.Mapped())
	}
}

// MODEL_OPS sets the number of operations, MODEL_SEED the seed.
func TestModel(t *testing.T) { runModel(t, modeltest.Start(t, 60_000)) }

func FuzzModel(f *testing.F) {
	f.Add([]byte("\x00\x00\x05\x80\x01\x07\x00\x09\x40\x03\xff\x0f\x10\x20\x30"))
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz\xf0\xe0\xd0\xc0\xb0\xa0"))
	f.Fuzz(func(t *testing.T, data []byte) { runModel(t, modeltest.FromBytes(data)) })
}

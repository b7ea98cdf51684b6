package packed_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"datastore/keyspace/modeltest"
	"datastore/keyspace/packed"
)

const (
	modelBits  = 11      // of the most elements that the model test aims at, but for
	beyond     = 65535   // where the header has no count any more, which it aims at from time to time
	bytesMost  = 1 << 18 // of a listpack that is not that long; above, elements go
	auditAfter = 2_000   // operations, at least
	roomMost   = 1 << 14 // bytes of a listpack that is copied to find out whether an edit is in place
	nearMost   = 4_000   // elements beyond which places near the ends are chosen, as finding one is a walk
	smallMost  = 128     // bytes of a listpack that is compared as a whole after each edit
	canary     = 0xa5    // behind the room that an edit has
	hugeText   = 2097144 // bytes, about where the backlen takes another byte
	baseBytes  = 1 << 15
)

// churn lets a listpack and an intset grow and shrink and compares them with slices.
type churn struct {
	t         *testing.T
	c         *modeltest.Choices
	base      string // texts are cut from it
	b         []byte
	elems     []string
	uncounted bool // there were so many that the header does not count them any more
	target    int
	rising    bool // whether target was above when it was chosen
	op        int
	audited   int // the operation of the last audit

	set      []byte
	ints     []int64
	width    int // of the widest integer so far
	narrow   int // bits that integers have, at most
	setAbout int // size to go towards
}

// runModel makes operations until there are no more choices. An edit has exactly the size that was announced, takes place
// where there is room for it, and touches nothing behind; what it wrote is read back with its neighbours. At intervals
// that grow with the listpack, after each edit of a small one, all bytes are compared with those that FORMAT.md asks for,
// as encode writes them, and all ways to read with the elements.
func runModel(t *testing.T, c *modeltest.Choices) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, baseBytes)
	for i := range text {
		text[i] = byte(rng.Uint32())
	}
	m := &churn{t: t, c: c, base: string(text), target: 64}
	m.renew()
	m.renewSet()
	for c.More() {
		m.op++
		if c.IntN(8) < 5 {
			m.step()
		} else {
			m.stepSet()
		}
		if m.op-m.audited > auditAfter+len(m.elems)+len(m.ints) {
			m.audit()
		}
	}
	m.audit()
}

func (m *churn) fatal(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("operation %d, %d elements in %d bytes, %d integers: %s", m.op, len(m.elems), len(m.b), len(m.ints),
		fmt.Sprintf(format, args...))
}

func (m *churn) renew() { m.b, m.elems, m.uncounted = packed.New(nil), nil, false }

func (m *churn) step() {
	rising := len(m.elems) < m.target && (len(m.b) < bytesMost || m.target > beyond)
	switch k := m.c.IntN(1 << 12); {
	case k < 4 && rising != m.rising || k == 0 && m.c.OneIn(8):
		m.aim()
	case k < 6:
		m.many(rising)
	case k == 6 && m.c.OneIn(16):
		m.huge()
	case k == 7 && m.c.OneIn(8):
		m.renew()
	case k < 300:
		m.find()
	case k < 600:
		m.index()
	case k < 1400:
		m.replace()
	case k < 1700:
		m.head(rising)
	case m.c.IntN(10) < 3 != rising:
		m.insert()
	default:
		m.remove()
	}
}

// aim chooses where to go next: this happens some time after the last target was reached, or after a long way.
func (m *churn) aim() {
	if m.target = 1 + m.c.Magnitude(modelBits); m.c.OneIn(64) {
		m.target = beyond + m.c.IntN(64) - 16
	}
	m.rising = len(m.elems) < m.target
}

// place chooses from 0..n, which for a long listpack is near one of its ends, mostly the last.
func (m *churn) place(n int) int {
	if n <= nearMost {
		return m.c.IntN(n + 1)
	}
	if i := m.c.Magnitude(modelBits); m.c.OneIn(8) {
		return i
	} else {
		return n - i
	}
}

// offset is where element i is, or the end marker.
func (m *churn) offset(i int) int {
	switch n := len(m.elems); {
	case i == n:
		return len(m.b) - 1
	case i > n/2: // also where the header does not tell that this is nearer
		return packed.Index(m.b, i-n)
	}
	return packed.Index(m.b, i)
}

// elem chooses a text around the limits of the encodings.
func (m *churn) elem() string {
	switch m.c.IntN(8) {
	case 0, 1:
		return strconv.FormatInt(m.number(), 10)
	case 2:
		return []string{"", "-", "-0", "007", "+1", " 1", "1 ", "1.5", "inf", "-inf", "1e5", "9223372036854775808",
			"-9223372036854775809", "a", "b", "\xff", "\x00"}[m.c.IntN(17)]
	case 3:
		n := []int{0, 63, 64, 127, 128, 4095, 4096, 16378, 16383}[min(m.c.IntN(24), m.c.IntN(12), 8)]
		return m.text(max(n+m.c.IntN(5)-2, 0))
	default:
		return m.text(m.c.Magnitude(5))
	}
}

func (m *churn) text(n int) string {
	at := m.c.IntN(256)
	return m.base[at : at+n]
}

// number chooses an integer of any width, often at the limits of one.
func (m *churn) number() int64 {
	bits := m.c.IntN(64)
	n := int64(m.c.Uint64() >> (63 - bits) >> 1)
	if m.c.OneIn(3) {
		limit := []int64{1 << 7, 1 << 12, 1 << 15, 1 << 23, 1 << 31, math.MaxInt64, math.MinInt64, 0}[m.c.IntN(8)]
		n = limit + int64(m.c.IntN(3)) - 1
	}
	if m.c.OneIn(2) {
		return -n
	}
	return n
}

func (m *churn) float() float64 {
	switch m.c.IntN(4) {
	case 0:
		return []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 1 << 62, -1 << 62, 1<<62 + 1024, -1<<62 - 1024,
			math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, -2.5, 1e17, 1e-5}[m.c.IntN(14)]
	case 1:
		return float64(m.number())
	case 2:
		if f := math.Float64frombits(m.c.Uint64()); !math.IsNaN(f) {
			return f
		}
	}
	return float64(m.c.IntN(1000)) / 8
}

// scoreText is how FORMAT.md writes a score.
func scoreText(f float64) string {
	if n := int64(f); math.Abs(f) <= 1<<62 && float64(n) == f {
		return strconv.FormatInt(n, 10)
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%.17g", f), "+"))
}

// edit makes one edit, which must leave size bytes. It may find room for them, in which case it must be in place.
func (m *churn) edit(what string, size int, f func(b []byte) []byte) {
	m.b = m.within(what, m.b, size, f)
}

func (m *churn) within(what string, b []byte, size int, f func(b []byte) []byte) []byte {
	if len(b) > roomMost || m.c.OneIn(2) {
		if m.c.OneIn(4) && len(b) <= roomMost {
			b = slices.Clip(b)
		}
		if b = f(b); len(b) != size {
			m.fatal("%s gave %d bytes, announced %d", what, len(b), size)
		}
		return b
	}
	need, guard := max(size, len(b)), m.c.IntN(9)
	room := make([]byte, need+guard)
	copy(room, b)
	for i := len(b); i < len(room); i++ {
		room[i] = canary
	}
	got := f(room[:len(b)])
	if len(got) != size || &got[0] != &room[0] {
		m.fatal("%s gave %d bytes, announced %d; in place: %v", what, len(got), size, &got[0] == &room[0])
	}
	if strings.Trim(string(room[need:]), string([]byte{canary})) != "" {
		m.fatal("%s wrote behind its room: %x", what, room[need:])
	}
	return got
}

// insert adds an element at any place by one of the functions that do.
func (m *churn) insert() {
	i := m.place(len(m.elems))
	off := m.offset(i)
	kind := m.c.IntN(6)
	switch {
	case kind == 0:
		n := m.number()
		m.edit("InsertInt", len(m.b)+packed.EntrySizeInt(n), func(b []byte) []byte {
			if i == len(m.elems) {
				return packed.AppendInt(b, n)
			}
			return packed.InsertInt(b, off, n)
		})
		m.inserted(i, off, strconv.FormatInt(n, 10))
	case kind == 1:
		f := m.float()
		m.edit("InsertFloat", len(m.b)+packed.EntrySizeFloat(f), func(b []byte) []byte {
			if i == len(m.elems) {
				return packed.AppendFloat(b, f)
			}
			return packed.InsertFloat(b, off, f)
		})
		m.inserted(i, off, scoreText(f))
		if got, ok := packed.Get(m.b, off).Float(); !ok || got != f {
			m.fatal("Float of %v is %v, %v", f, got, ok)
		}
	default:
		m.insertText(i, m.elem())
	}
}

func (m *churn) insertText(i int, elem string) {
	off := m.offset(i)
	m.edit("Insert", len(m.b)+packed.EntrySize([]byte(elem)), func(b []byte) []byte {
		switch {
		case i == len(m.elems):
			return packed.Append(b, []byte(elem))
		case i == 0:
			return packed.Prepend(b, []byte(elem))
		}
		return packed.Insert(b, off, []byte(elem))
	})
	m.inserted(i, off, elem)
}

// inserted enters what was inserted at off into the model and compares the surroundings.
func (m *churn) inserted(i, off int, elem string) {
	m.elems = slices.Insert(m.elems, i, elem)
	m.uncounted = m.uncounted || len(m.elems) >= beyond
	m.around(i, off)
}

// around compares element i at off, which may be one behind the last, and its neighbours, walking both ways.
func (m *churn) around(i, off int) {
	if len(m.b) <= smallMost {
		m.compare()
	}
	if i < len(m.elems) {
		m.same(off, i)
		if next := packed.Next(m.b, off); i+1 < len(m.elems) {
			m.same(next, i+1)
		} else if next != -1 {
			m.fatal("Next of the last is %d", next)
		}
	}
	before := packed.Prev(m.b, off)
	if i == 0 {
		if before != -1 {
			m.fatal("Prev of the first is %d", before)
		}
		return
	}
	m.same(before, i-1)
	if next := packed.Next(m.b, before); next != off && i < len(m.elems) {
		m.fatal("Next of Prev of %d is %d", off, next)
	}
}

// same compares the element at off with element i.
func (m *churn) same(off, i int) {
	want := m.elems[i]
	v := packed.Get(m.b, off)
	_, isInt := asInt(want)
	if v.IsInt() != isInt || string(v.AppendTo(nil)) != want || v.Len() != len(want) || cap(v.Bytes) != len(v.Bytes) {
		m.fatal("element %d at %d is %+v, want %.40q", i, off, v, want)
	}
	if !v.Equal([]byte(want)) || v.Equal([]byte(want+"0")) {
		m.fatal("element %d is not equal to %.40q", i, want)
	}
}

func (m *churn) remove() {
	i, n := m.place(len(m.elems)), m.c.IntN(3)
	if m.c.OneIn(64) {
		n = m.c.Magnitude(modelBits)
	}
	m.removeSome(i, n)
}

func (m *churn) removeSome(i, n int) {
	end := min(i+n, len(m.elems))
	off := m.offset(i)
	size := len(m.b)
	for _, elem := range m.elems[i:end] {
		size -= packed.EntrySize([]byte(elem))
	}
	m.edit("Delete", size, func(b []byte) []byte { return packed.Delete(b, off, n) })
	m.elems = slices.Delete(m.elems, i, end)
	m.around(i, off)
}

func (m *churn) replace() {
	if len(m.elems) == 0 {
		return
	}
	i := min(m.place(len(m.elems)), len(m.elems)-1)
	off := m.offset(i)
	switch m.c.IntN(6) {
	case 0:
		n := m.number()
		m.edit("ReplaceInt", packed.ReplacedSizeInt(m.b, off, n), func(b []byte) []byte { return packed.ReplaceInt(b, off, n) })
		m.elems[i] = strconv.FormatInt(n, 10)
	case 1:
		f := m.float()
		m.edit("ReplaceFloat", packed.ReplacedSizeFloat(m.b, off, f),
			func(b []byte) []byte { return packed.ReplaceFloat(b, off, f) })
		m.elems[i] = scoreText(f)
	default:
		elem := []byte(m.elem())
		m.edit("Replace", packed.ReplacedSize(m.b, off, elem), func(b []byte) []byte { return packed.Replace(b, off, elem) })
		m.elems[i] = string(elem)
	}
	m.around(i, off)
}

// head pushes at the head of a listpack within a block, or pops, as nodes of lists do.
func (m *churn) head(rising bool) {
	if rising {
		elem := m.elem()
		gap := packed.EntrySize([]byte(elem)) + m.c.IntN(9)
		block := append(bytes.Repeat([]byte{canary}, gap), m.b...)
		start := packed.PrependIn(block, gap, []byte(elem))
		if start != gap-packed.EntrySize([]byte(elem)) || bytes.Count(block[:start], []byte{canary}) != start {
			m.fatal("PrependIn(%.40q) begins at %d of %d: %x", elem, start, gap, block[:start])
		}
		m.b = block[start:]
		m.inserted(0, packed.First(m.b), elem)
	} else if len(m.elems) > 0 {
		start := packed.DeleteFirst(m.b, 0)
		if want := packed.EntrySize([]byte(m.elems[0])); start != want {
			m.fatal("DeleteFirst of %.40q begins at %d, want %d", m.elems[0], start, want)
		}
		m.b = m.b[start:]
		m.elems = slices.Delete(m.elems, 0, 1)
		m.around(0, m.offset(0))
	}
}

// many goes all the way to the target at an end.
func (m *churn) many(rising bool) {
	if !rising {
		n := len(m.elems) - min(m.target, len(m.elems))
		m.removeSome(m.c.IntN(2)*(len(m.elems)-n), n)
		return
	}
	for n := m.c.IntN(100); len(m.elems) < m.target-n; {
		i := int64(len(m.elems))
		m.b = packed.AppendInt(m.b, i)
		m.elems = append(m.elems, strconv.FormatInt(i, 10))
	}
	m.uncounted = m.uncounted || len(m.elems) >= beyond
	m.around(len(m.elems), len(m.b)-1)
}

// huge inserts a text so long that it is not kept.
func (m *churn) huge() {
	i := m.place(len(m.elems))
	m.insertText(i, strings.Repeat(m.base, hugeText/baseBytes+1)[:hugeText+m.c.IntN(5)])
	m.compare()
	m.removeSome(i, 1)
	m.b = bytes.Clone(m.b)
}

// find looks for an element that may be there, from anywhere on.
func (m *churn) find() {
	from, skip := m.place(len(m.elems)), m.c.IntN(3)
	if len(m.elems) > nearMost {
		from = max(from, len(m.elems)/2) // the rest is walked
	}
	elem := m.elem()
	if len(m.elems) > 0 && m.c.OneIn(2) {
		elem = m.elems[min(m.place(len(m.elems)), len(m.elems)-1)]
	}
	want := -1
	for i := from; i < len(m.elems); i += skip + 1 {
		if m.elems[i] == elem {
			want = m.offset(i)
			break
		}
	}
	if got := packed.Find(m.b, m.start(from), []byte(elem), skip); got != want {
		m.fatal("Find(%.40q) from %d skipping %d is %d, want %d", elem, from, skip, got, want)
	}
}

// start is where Find begins, -1 behind the last element.
func (m *churn) start(i int) int {
	if i == len(m.elems) {
		return -1
	}
	return m.offset(i)
}

// index compares an element by its number from either end, or one that does not exist.
func (m *churn) index() {
	n := len(m.elems)
	i := m.place(n+4) - 2
	front, back := packed.Index(m.b, i), packed.Index(m.b, i-n)
	switch {
	case 0 <= i && i < n:
		if m.same(front, i); front != back {
			m.fatal("Index(%d) is %d, Index(%d) is %d", i, front, i-n, back)
		}
	case i >= n && front != -1, i < 0 && back != -1:
		m.fatal("Index(%d) is %d, Index(%d) is %d", i, front, i-n, back)
	}
}

// asInt reads a text that is kept as an integer.
func asInt(s string) (int64, bool) {
	if s == "" || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == s
}

// encode appends the entry of an element, as FORMAT.md has it.
func encode(dst []byte, elem string) []byte {
	begin := len(dst)
	n, isInt := asInt(elem)
	switch u := uint64(n); {
	case isInt && n >= 0 && n <= 127:
		dst = append(dst, byte(n))
	case isInt && n >= -4096 && n <= 4095:
		dst = append(dst, 0xC0|byte(n>>8)&0x1F, byte(n))
	case isInt && n == int64(int16(n)):
		dst = binary.LittleEndian.AppendUint16(append(dst, 0xF1), uint16(n))
	case isInt && n >= -1<<23 && n < 1<<23:
		dst = append(dst, 0xF2, byte(u), byte(u>>8), byte(u>>16))
	case isInt && n == int64(int32(n)):
		dst = binary.LittleEndian.AppendUint32(append(dst, 0xF3), uint32(n))
	case isInt:
		dst = binary.LittleEndian.AppendUint64(append(dst, 0xF4), u)
	case len(elem) <= 63:
		dst = append(append(dst, 0x80|byte(len(elem))), elem...)
	case len(elem) <= 4095:
		dst = append(append(dst, 0xE0|byte(len(elem)>>8), byte(len(elem))), elem...)
	default:
		dst = append(binary.LittleEndian.AppendUint32(append(dst, 0xF0), uint32(len(elem))), elem...)
	}
	body := len(dst) - begin
	groups := 1
	for _, limit := range []int{127, 16382, 2097150, 268435454} {
		if body > limit {
			groups++
		}
	}
	for g := groups - 1; g >= 0; g-- {
		b := byte(body>>(7*g)) & 0x7F
		if g < groups-1 {
			b |= 0x80
		}
		dst = append(dst, b)
	}
	return dst
}

// compare compares all bytes of the listpack.
func (m *churn) compare() {
	want := make([]byte, 6, len(m.b)+16)
	for _, elem := range m.elems {
		want = encode(want, elem)
	}
	want = append(want, 0xFF)
	binary.LittleEndian.PutUint32(want, uint32(len(want)))
	if binary.LittleEndian.PutUint16(want[4:], uint16(len(m.elems))); m.uncounted {
		binary.LittleEndian.PutUint16(want[4:], beyond)
	}
	if !bytes.Equal(m.b, want) {
		at := 0
		for at < min(len(m.b), len(want)) && m.b[at] == want[at] {
			at++
		}
		m.fatal("%d bytes, want %d; at %d %.20x, want %.20x", len(m.b), len(want), at, m.b[at:], want[at:])
	}
	if err := packed.Validate(m.b); err != nil {
		m.fatal("%v", err)
	}
}

// audit compares everything.
func (m *churn) audit() {
	m.audited = m.op
	m.compare()
	n := len(m.elems)
	if got := packed.Len(m.b); got != n {
		m.fatal("Len is %d", got)
	}
	offs := make([]int, 0, n)
	for off := packed.First(m.b); off >= 0; off = packed.Next(m.b, off) {
		m.same(off, len(offs))
		offs = append(offs, off)
	}
	i := len(offs) - 1
	for off := packed.Last(m.b); off >= 0; off = packed.Prev(m.b, off) {
		if i < 0 || offs[i] != off {
			m.fatal("walking back, element %d is at %d", i, off)
		}
		i--
	}
	if len(offs) != n || i != -1 {
		m.fatal("%d elements forwards, %d too few backwards", len(offs), i+1)
	}
	for range min(n, 32) {
		i := m.place(n - 1)
		if got := packed.Index(m.b, i); got != offs[i] {
			m.fatal("Index(%d) is %d, want %d", i, got, offs[i])
		}
		if got := packed.Index(m.b, i-n); got != offs[i] {
			m.fatal("Index(%d) is %d, want %d", i-n, got, offs[i])
		}
	}
	m.compareSet()
}

// MODEL_OPS sets the number of operations, MODEL_SEED the seed.
func TestModel(t *testing.T) { runModel(t, modeltest.Start(t, 80_000)) }

func FuzzModel(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Add(bytes.Repeat([]byte{0x05, 0x03, 0xff, 0x07, 0x00, 0x06, 0x20, 0x03, 0x90, 0x80}, 20))
	f.Fuzz(func(t *testing.T, data []byte) { runModel(t, modeltest.FromBytes(data)) })
}

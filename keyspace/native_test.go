package keyspace

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// counters is a type of native values for tests: each is a number, saved as its text.
type counters struct {
	log    []string // what was asked of it, in order
	slow   bool
	noCopy bool
	usage  int64
}

type counter struct{ n, bytes int64 }

const counterID = 0x0123456789abcd<<10 | 7

func (c *counters) ID() uint64              { return counterID }
func (c *counters) Name() string            { return "counter-1" }
func (c *counters) Bytes(v any) int64       { return v.(*counter).bytes }
func (c *counters) note(f string, a ...any) { c.log = append(c.log, fmt.Sprintf(f, a...)) }

func (c *counters) Load(at KeyAt, version int, payload []byte) (any, error) {
	c.note("load %s v%d", at.Key, version)
	v := &counter{bytes: 100}
	if _, err := fmt.Sscan(string(payload), &v.n); err != nil {
		return nil, err
	}
	return v, nil
}

func (c *counters) Usage(at KeyAt, v any, samples int) int64 {
	return v.(*counter).bytes + c.usage + int64(samples)
}

func (c *counters) Copy(from, to KeyAt, v any) (any, error) {
	if c.noCopy {
		return nil, ErrNoCopy
	}
	c.note("copy %d %s to %d %s", from.DB, from.Key, to.DB, to.Key)
	d := *v.(*counter)
	return &d, nil
}

func (c *counters) Leaving(at KeyAt, v any) bool {
	c.note("leave %d %s %d", at.DB, at.Key, v.(*counter).n)
	return c.slow
}

func (c *counters) Free(v any, slow bool) { c.note("free %d %v", v.(*counter).n, slow) }

func (c *counters) Digest(_ KeyAt, v any, d *NativeDigest) {
	d.Add(fmt.Append(nil, v.(*counter).n))
	d.EndSequence()
}

// wantLog compares what was asked of the type since the last look.
func (c *counters) wantLog(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(c.log, want) {
		t.Errorf("%s: the type was asked %q, want %q", what, c.log, want)
	}
	c.log = nil
}

func newNatives(t *testing.T) (*Store, *DB, *counters) {
	s, d := newTestDB(t)
	c := &counters{}
	s.Natives().Add(c)
	return s, d, c
}

// TestNativeValuesLeave: a value is told that it leaves its key and freed, once, whichever way it goes, and takes its bytes
// along. A flush only frees.
//
// Rules: TYP-5.
func TestNativeValuesLeave(t *testing.T) {
	key := []byte("k")
	for _, w := range []struct {
		way  string
		do   func(s *Store, d *DB)
		want []string
	}{
		{"delete", func(_ *Store, d *DB) { d.Delete(key) }, []string{"leave 0 k 1", "free 1 false"}},
		{"overwrite by a string", func(_ *Store, d *DB) { d.SetStr(key, []byte("v")) }, []string{"leave 0 k 1", "free 1 false"}},
		{"rename over it", func(_ *Store, d *DB) { d.SetStr([]byte("o"), []byte("v")); d.Rename([]byte("o"), key) },
			[]string{"leave 0 k 1", "free 1 false"}},
		{"copy over it", func(_ *Store, d *DB) { d.SetStr([]byte("o"), []byte("v")); _, _ = d.CopyTo(d, []byte("o"), key, true) },
			[]string{"leave 0 k 1", "free 1 false"}},
		{"lookup of a dead key", func(s *Store, d *DB) { d.SetExpire(key, 5); s.BeginUnit(10, ExpireDelete); d.Exists(key) },
			[]string{"leave 0 k 1", "free 1 false"}},
		{"active expiry", func(s *Store, d *DB) { d.SetExpire(key, 5); s.BeginUnit(10, ExpireDelete); d.ExpireSome(10) },
			[]string{"leave 0 k 1", "free 1 false"}},
		{"flush", func(_ *Store, d *DB) { d.Flush() }, []string{"free 1 true"}},
		{"flush of everything", func(s *Store, _ *DB) { s.FlushAll() }, []string{"free 1 true"}},
		{"end of the store", func(s *Store, _ *DB) { s.Retire() }, []string{"free 1 true"}},
	} {
		s, d, c := newNatives(t)
		empty := s.HeapBytes()
		d.SetNative(key, c, &counter{1, 1000})
		if got := s.HeapBytes() - empty; got != 1000+nativeEntryBytes {
			t.Errorf("%s: the value counts %d bytes", w.way, got)
		}
		c.wantLog(t, w.way+": before")
		w.do(s, d)
		settle(s)
		c.wantLog(t, w.way, w.want...)
		if s.closed {
			continue
		}
		if got := s.HeapBytes(); got != empty {
			t.Errorf("%s: %d bytes are left", w.way, got-empty)
		}
		d.SetNative([]byte("another"), c, &counter{2, 10}) // in the free entry
		if _, v, ok := d.Peek([]byte("another")).Native(); !ok || v.(*counter).n != 2 {
			t.Errorf("%s: another value is %v, %v", w.way, v, ok)
		}
	}
}

// TestSlowNativeValues: the type decides who frees a value that leaves by itself.
//
// Rules: TYP-5.
func TestSlowNativeValues(t *testing.T) {
	_, d, c := newNatives(t)
	c.slow = true
	d.SetNative([]byte("k"), c, &counter{1, 1})
	d.SetNative([]byte("k"), c, &counter{2, 1})
	c.wantLog(t, "overwritten", "leave 0 k 1", "free 1 true")
}

// TestFlushOfManyNativeValues flushes so much that the arena is put away: every value is freed all the same, in steps.
//
// Rules: TYP-5.
func TestFlushOfManyNativeValues(t *testing.T) {
	s, d, c := newNatives(t)
	const n = 1000
	for i := range n {
		d.SetNative(fmt.Append(nil, "k", i), c, &counter{int64(i), 1})
		d.SetStr(fmt.Append(nil, "s", i), make([]byte, 20_000))
	}
	if s.MappedBytes() <= swapBytes {
		t.Fatal("too little for the arena to be put away")
	}
	s.FlushAll()
	if s.HeapBytes() != 0 || s.Trash() < n {
		t.Errorf("%d bytes, %d objects wait", s.HeapBytes(), s.Trash())
	}
	for i, left := 0, s.Trash(); s.FreeSome(10); i++ {
		if len(c.log) > 10*(i+1) {
			t.Fatalf("step %d freed %d values", i, len(c.log))
		}
		if now := s.Trash(); now > left {
			t.Fatalf("%d objects wait, %d did before", now, left)
		}
	}
	if len(c.log) != n || c.log[0] != "free 0 true" || s.Trash() != 0 {
		t.Errorf("%d of %d values freed, the first one by %q, %d objects wait", len(c.log), n, c.log[0], s.Trash())
	}
	d.SetNative([]byte("k"), c, &counter{1, 1})
	d.Delete([]byte("k"))
}

// TestNativeValuesMove: what happens to the key does not happen to the value.
//
// Rules: TYP-7, TYP-3.
func TestNativeValuesMove(t *testing.T) {
	s, d, c := newNatives(t)
	value := &counter{1, 50}
	d.SetStrExpire([]byte("k"), []byte("v"), 1<<40)
	d.SetNative([]byte("k"), c, value)
	if d.ExpireAt([]byte("k")) != noExpiry {
		t.Error("SetNative left the time to live")
	}
	d.SetExpire([]byte("k"), 1<<41)
	d.Persist([]byte("k"))
	d.SetExpire([]byte("k"), 1<<42)
	d.Rename([]byte("k"), []byte(strings.Repeat("l", 300)))
	d.MoveTo(s.DB(3), []byte(strings.Repeat("l", 300)))
	s.SwapDB(3, 4)
	for s.BeginCompaction(); s.Compact(10); {
	}
	e := s.DB(4).Peek([]byte(strings.Repeat("l", 300)))
	_, v, ok := e.Native()
	if !ok || v != value || e.ExpireAt() != 1<<42 || e.TypeName() != "counter-1" || e.Encoding() != "raw" || e.Len() != 0 || e.Type() != TypeNative {
		t.Errorf("value %v, expiry %d, type %s, encoding %s", v, e.ExpireAt(), e.TypeName(), e.Encoding())
	}
	c.wantLog(t, "moved about")
	if _, _, err := d.Str([]byte("k")); err != nil {
		t.Error(err)
	}
	d = s.DB(4)
	if _, err := d.Hash(e.Key()); !errors.Is(err, ErrWrongType) {
		t.Errorf("opened as a hash: %v", err)
	}
	if _, err := d.AppendStr(e.Key(), []byte("x")); !errors.Is(err, ErrWrongType) {
		t.Errorf("appended to: %v", err)
	}
}

// TestNativeReplace exchanges a value, which frees nothing and keeps the time to live.
//
// Rules: TYP-4.
func TestNativeReplace(t *testing.T) {
	s, d, c := newNatives(t)
	key, old := []byte("k"), &counter{1, 50}
	d.SetNative(key, c, old)
	d.SetExpire(key, 1<<40)
	before, changes := s.HeapBytes(), s.Changes()
	if got, ok := d.ReplaceNative(key, &counter{2, 80}); !ok || got != old {
		t.Errorf("the old value is %v, %v", got, ok)
	}
	c.wantLog(t, "replaced")
	if s.HeapBytes() != before+30 || s.Changes() != changes+1 || d.ExpireAt(key) != 1<<40 {
		t.Errorf("%d more bytes, %d changes, expiry %d", s.HeapBytes()-before, s.Changes()-changes, d.ExpireAt(key))
	}
	_, v, _ := d.Peek(key).Native()
	v.(*counter).bytes = 500
	if d.NativeBytes(key) != 80 || !d.NativeChanged(key, 500) || d.NativeBytes(key) != 500 || s.HeapBytes() != before+450 || s.Changes() != changes+2 {
		t.Errorf("changed in place: %d more bytes, %d changes", s.HeapBytes()-before, s.Changes()-changes)
	}
	d.SetStr(key, []byte("v"))
	if _, ok := d.ReplaceNative(key, v); ok || d.NativeChanged(key, 1) || d.NativeChanged([]byte("missing"), 1) || d.NativeBytes(key) != -1 {
		t.Error("a string was taken for a native value")
	}
}

// TestOpaqueValues: a value of an unknown type is kept to the byte, whatever its size, and becomes live when its type is known.
//
// Rules: TYP-3, TYP-7.
func TestOpaqueValues(t *testing.T) {
	for _, size := range []int{1, 500, 20_000, 3 << 20} {
		s, d := newTestDB(t)
		payload := append([]byte("42 "), bytes.Repeat([]byte("x"), size)...)
		key := []byte("k")
		if !d.LoadOpaque(key, counterID+2, payload, Meta{ExpireMs: 1 << 40}) || d.LoadOpaque(key, counterID, payload, Meta{ExpireMs: NoExpiry}) {
			t.Fatal("not loaded, or loaded twice")
		}
		d.Rename(key, []byte("r"))
		d.SetExpire([]byte("r"), 1<<41)
		if ok, err := d.CopyTo(s.DB(1), []byte("r"), key, false); !ok || err != nil {
			t.Fatalf("copied: %v, %v", ok, err)
		}
		for s.BeginCompaction(); s.Compact(10); {
		}
		e := s.DB(1).Peek(key)
		id, got, ok := e.Opaque()
		if !ok || id != counterID+2 || !bytes.Equal(got, payload) || e.ExpireAt() != 1<<41 || e.TypeName() != NativeName(counterID) || e.Encoding() != "raw" {
			t.Errorf("%d bytes: id %x, %d bytes, expiry %d, type %s", size, id, len(got), e.ExpireAt(), e.TypeName())
		}
		if _, _, live := e.Native(); live || s.OpaqueValues() != 2 {
			t.Errorf("live %v, %d opaque values", live, s.OpaqueValues())
		}
		if _, err := e.Thaw(); err != nil || s.OpaqueValues() != 2 {
			t.Errorf("without its type a value became live: %v", err)
		}
		c := &counters{}
		s.Natives().Add(c)
		before := s.Changes()
		now, err := e.Thaw()
		if err != nil {
			t.Fatal(err)
		}
		c.wantLog(t, "became live", "load k v9")
		_, v, live := s.DB(1).Peek(key).Native()
		if _, same, ok := now.Native(); !live || !ok || same != v || v.(*counter).n != 42 || s.DB(1).ExpireAt(key) != 1<<41 || s.OpaqueValues() != 1 || s.Changes() != before {
			t.Errorf("live %v, %v, %d opaque values, %d changes", live, v, s.OpaqueValues(), s.Changes()-before)
		}
		d.Delete([]byte("r"))
		s.DB(1).Delete(key)
		settle(s)
		c.wantLog(t, "deleted", "leave 1 k 42", "free 42 false")
		if s.OpaqueValues() != 0 || dataBytes(s) != 0 {
			t.Errorf("%d opaque values and %d bytes are left", s.OpaqueValues(), dataBytes(s))
		}
	}
}

// TestValueThatCannotBeLoaded stays as it is.
func TestValueThatCannotBeLoaded(t *testing.T) {
	s, d, _ := newNatives(t)
	d.LoadOpaque([]byte("k"), counterID, []byte("nonsense"), Meta{ExpireMs: NoExpiry})
	digest := s.Digest()
	if _, err := d.Peek([]byte("k")).Thaw(); err == nil {
		t.Error("nonsense was loaded")
	}
	if _, err := d.CopyTo(d, []byte("k"), []byte("c"), false); !errors.Is(err, ErrCopyFailed) {
		t.Errorf("copied: %v", err)
	}
	if _, b, ok := d.Peek([]byte("k")).Opaque(); !ok || string(b) != "nonsense" || s.Digest() != digest {
		t.Errorf("%q, %v", b, ok)
	}
	s.FlushAll()
	settle(s)
	if s.OpaqueValues() != 0 {
		t.Error("flushed values are counted")
	}
}

// TestCopyOfNativeValues asks the type, and changes nothing when it refuses.
//
// Rules: TYP-3.
func TestCopyOfNativeValues(t *testing.T) {
	s, d, c := newNatives(t)
	d.SetNative([]byte("k"), c, &counter{1, 50})
	d.SetExpire([]byte("k"), 1<<40)
	d.SetStr([]byte("to"), []byte("v"))
	if ok, err := d.CopyTo(s.DB(2), []byte("k"), []byte("to"), false); !ok || err != nil {
		t.Fatal(ok, err)
	}
	c.wantLog(t, "copied", "copy 0 k to 2 to")
	_, v, _ := s.DB(2).Peek([]byte("to")).Native()
	if v.(*counter).n != 1 || s.DB(2).ExpireAt([]byte("to")) != 1<<40 {
		t.Errorf("the copy is %v", v)
	}
	c.noCopy = true
	changes := s.Changes()
	if ok, err := d.CopyTo(d, []byte("k"), []byte("to"), true); ok || !errors.Is(err, ErrNoCopy) {
		t.Errorf("copied: %v, %v", ok, err)
	}
	if v, _, _ := d.Str([]byte("to")); string(v.Bytes) != "v" || s.Changes() != changes {
		t.Error("a copy that failed has changed something")
	}
}

// TestDigestOfNativeValues: opaque and live values have one digest when the type is known.
//
// Rules: DIG-1.
func TestDigestOfNativeValues(t *testing.T) {
	live, dl, c := newNatives(t)
	opaque, do, co := newNatives(t)
	dl.SetNative([]byte("k"), c, &counter{42, 1})
	do.LoadOpaque([]byte("k"), counterID, []byte("42"), Meta{ExpireMs: NoExpiry})
	if live.Digest() != opaque.Digest() {
		t.Error("the digests differ")
	}
	co.wantLog(t, "digest", "load k v7", "free 42 false")
	before := live.Digest()
	_, v, _ := dl.Peek([]byte("k")).Native()
	v.(*counter).n++
	if live.Digest() == before {
		t.Error("another value has the same digest")
	}
	unordered := func(elems ...string) (d NativeDigest) {
		for _, e := range elems {
			d.Add([]byte(e))
			d.EndSequence()
		}
		return d
	}
	if unordered("a", "b", "c") != unordered("c", "a", "b") || unordered("a", "b") == unordered("a", "c") {
		t.Error("sequences are not combined without order")
	}
	var ab, ba NativeDigest
	for _, d := range []struct {
		d *NativeDigest
		e string
	}{{&ab, "a"}, {&ab, "b"}, {&ba, "b"}, {&ba, "a"}} {
		d.d.Add([]byte(d.e))
	}
	ab.EndSequence()
	ba.EndSequence()
	if ab == ba {
		t.Error("the order within a sequence does not count")
	}
}

// TestMemoryOfNativeValues adds up to what the store uses.
func TestMemoryOfNativeValues(t *testing.T) {
	s, d, c := newNatives(t)
	for i := range 100 {
		key := fmt.Append(nil, "k", i)
		switch i % 3 {
		case 0:
			d.SetNative(key, c, &counter{1, int64(i) * 100})
		case 1:
			d.LoadOpaque(key, counterID, make([]byte, i*300), Meta{ExpireMs: 1 << 40})
		default:
			d.SetNative(key, c, &counter{2, 10})
			d.SetExpire(key, 1<<40)
			_, v, _ := d.Peek(key).Native()
			v.(*counter).bytes += 10_000
			d.NativeChanged(key, v.(*counter).bytes)
		}
	}
	sum := int64(0)
	for e := range d.All() {
		n, _ := d.MemoryOf(e.Key())
		if sum += n - slotBytes; e.ExpireAt() != noExpiry {
			sum -= slotBytes
		}
	}
	if sum != dataBytes(s) {
		t.Errorf("the keys occupy %d bytes, the store %d", sum, dataBytes(s))
	}
	c.usage = 1 << 20
	n, _ := d.MemoryOf([]byte("k0"))
	if u, ok := d.UsageOf([]byte("k0"), 7); !ok || u != n+c.usage+7 {
		t.Errorf("usage %d, memory %d", u, n)
	}
	if u, ok := d.UsageOf([]byte("k1"), 7); !ok || u < 300 {
		t.Errorf("usage of an opaque value %d", u)
	}
}

// TestNativeValuesAllocateNothing when they are changed in place.
func TestNativeValuesAllocateNothing(t *testing.T) {
	_, d, c := newNatives(t)
	key := []byte("k")
	d.SetNative(key, c, &counter{1, 1})
	if n := testing.AllocsPerRun(100, func() {
		_, v, _ := d.Lookup(key).Native()
		v.(*counter).n++
		d.NativeChanged(key, 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

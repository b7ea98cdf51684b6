package keyspace

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func newTestDB(t testing.TB) (*Store, *DB) {
	s := New(Options{})
	t.Cleanup(s.Close)
	s.BeginUnit(1_000_000, ExpireDelete)
	return s, s.DB(0)
}

func wantStr(t *testing.T, d *DB, key, want []byte) {
	t.Helper()
	v, exists, err := d.Str(key)
	if got := v.AppendTo(nil); err != nil || !exists || !bytes.Equal(got, want) {
		t.Fatalf("%.20q: %d bytes, %v, %v, want %d bytes", key, len(got), exists, err, len(want))
	}
}

// A string grows by appending from nothing to a few MB across all layouts, and shrinks again, with memory in proportion.
func TestStringsGrowAndShrink(t *testing.T) {
	for _, keyLen := range []int{1, 255, 256, 70_000, 3 << 20} {
		t.Run(fmt.Sprint(keyLen), func(t *testing.T) {
			s, d := newTestDB(t)
			key := bytes.Repeat([]byte("k"), keyLen)
			rnd := rand.New(rand.NewPCG(1, 2))
			var want []byte
			for len(want) < 3<<20 {
				part := make([]byte, 1+rnd.IntN(1+len(want)/4+50))
				for i := range part {
					part[i] = byte(rnd.Uint32())
				}
				want = append(want, part...)
				if n, err := d.AppendStr(key, part); n != len(want) || err != nil {
					t.Fatalf("length %d, %v, want %d", n, err, len(want))
				}
				wantStr(t, d, key, want)
			}
			for len(want) > 0 {
				want = want[:len(want)-1-rnd.IntN(len(want)/3+1)]
				if err := d.Truncate(key, len(want)); err != nil {
					t.Fatal(err)
				}
				wantStr(t, d, key, want)
				settle(s)
				if used, limit := s.UsedBytes(), int64(5*len(want)+2*keyLen+20_000); used > limit {
					t.Fatalf("%d bytes for a string of %d", used, len(want))
				}
			}
			d.Flush()
			settle(s)
			if s.UsedBytes() != 0 {
				t.Errorf("%d bytes left", s.UsedBytes())
			}
		})
	}
}

// SetRange pads with zeros, also where the block still has old bytes.
func TestSetRangePadsWithZeros(t *testing.T) {
	_, d := newTestDB(t)
	key := []byte("k")
	for _, n := range []int{0, 10, 12_280, 12_300, 100_000} {
		d.SetStr(key, bytes.Repeat([]byte("x"), n+40))
		if err := d.Truncate(key, n); err != nil {
			t.Fatal(err)
		}
		if got, err := d.SetRange(key, n+20, []byte("end")); got != n+23 || err != nil {
			t.Fatal(got, err)
		}
		want := append(bytes.Repeat([]byte("x"), n), make([]byte, 20)...)
		wantStr(t, d, key, append(want, "end"...))
		if err := d.Truncate(key, n+60); err != nil {
			t.Fatal(err)
		}
		wantStr(t, d, key, append(append(want[:n+20:n+20], "end"...), make([]byte, 37)...))
	}
}

// The errors of the string operations leave everything as it was.
func TestStringErrors(t *testing.T) {
	s, d := newTestDB(t)
	l, _ := d.List([]byte("l"))
	l.Push(Tail, []byte("e"))
	d.SetStr([]byte("s"), []byte("12345"))
	s.SetLimits(Limits{StringBytes: 8})
	before := s.Changes()
	for what, err := range map[string]error{
		"append": second(d.AppendStr([]byte("s"), []byte("6789"))), "range": second(d.SetRange([]byte("s"), 8, []byte("x"))),
		"truncate": d.Truncate([]byte("s"), 9),
	} {
		if !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, str := d.Str([]byte("l"))
	for what, err := range map[string]error{
		"append": second(d.AppendStr([]byte("l"), nil)), "range": second(d.SetRange([]byte("l"), 0, nil)),
		"truncate": d.Truncate([]byte("l"), 1), "modify": second(d.Modify([]byte("l"))), "hash": second(d.Hash([]byte("s"))),
		"set": second(d.Set([]byte("s"))), "zset": second(d.ZSet([]byte("s"))), "list": second(d.List([]byte("s"))),
		"str": str,
	} {
		if !errors.Is(err, ErrWrongType) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s.Changes() != before {
		t.Error("errors count as changes")
	}
	wantStr(t, d, []byte("s"), []byte("12345"))
}

func second[T any](_ T, err error) error { return err }

// TestEmptyIsText: an empty string is no integer, in whatever encoding it is.
func TestEmptyIsText(t *testing.T) {
	empty, first := []byte{}, func(uint64) uint64 { return 0 }
	for what, limits := range map[string]Limits{
		"packed": {HashEntries: 9, HashValueBytes: 9, ZSetEntries: 9, ZSetValueBytes: 9, ListNode: -2}, "large": {},
	} {
		s, d := newTestDB(t)
		s.SetLimits(limits)
		check := func(where string, values ...Value) {
			for _, v := range values {
				if v.IsInt() || v.Len() != 0 || len(v.AppendTo(nil)) != 0 || !v.Equal(nil) {
					t.Errorf("%s, %s: an empty string is %+v", what, where, v)
				}
			}
		}
		d.SetStr([]byte("s"), bytes.Repeat([]byte("x"), 1<<20)) // in a block of its own
		err := d.Truncate([]byte("s"), 0)
		v, exists, _ := d.Str([]byte("s"))
		if check("truncated", v); err != nil || !exists {
			t.Fatalf("truncated: %v, still there: %v", err, exists)
		}
		d.SetStr([]byte("s"), nil)
		v, _, _ = d.Str([]byte("s"))
		check("string", v, d.Peek([]byte("s")).Str())

		l, _ := d.List([]byte("l"))
		for range 3 {
			l.Push(Head, empty)
		}
		v, _ = l.At(1)
		it := l.Iter(0, false)
		it.Next()
		check("list", v, it.Value())

		h, _ := d.Hash([]byte("h"))
		h.Set(empty, empty)
		v, _ = h.Get(empty)
		field, value := h.Random(first)
		check("hash", v, field, value)
		h.Scan(0, func(field, value Value) { check("scanned hash", field, value) })

		m, _ := d.Set([]byte("m"))
		m.Add(empty)
		check("set", m.Random(first))
		m.Scan(0, func(v Value) { check("scanned set", v) })

		z, _ := d.ZSet([]byte("z"))
		_, _, _ = z.Add(1, empty, 0)
		v, _ = z.Random(first)
		check("sorted set", v)
		z.Scan(0, func(v Value, _ float64) { check("scanned sorted set", v) })
	}
}

// The names of the encodings are those that OBJECT ENCODING answers.
func TestEncodings(t *testing.T) {
	_, d := newTestDB(t)
	key := []byte("k")
	enc := func(want string) {
		t.Helper()
		if got := d.Peek(key).Encoding(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for val, want := range map[string]string{
		"1": "int", "-9223372036854775808": "int", "9223372036854775808": "embstr", "01": "embstr", "": "embstr",
		strings.Repeat("a", 44): "embstr", strings.Repeat("a", 45): "raw", strings.Repeat("a", 20_000): "raw",
	} {
		d.SetStr(key, []byte(val))
		enc(want)
	}
	d.SetStr(key, []byte("1"))
	_, _ = d.AppendStr(key, []byte("2"))
	enc("raw")
	d.SetStr(key, []byte("12"))
	_, _ = d.Modify(key)
	enc("raw")
	d.Delete(key)
	h, _ := d.Hash(key)
	h.Set([]byte("f"), bytes.Repeat([]byte("v"), 64))
	enc("listpack")
	h.Set([]byte("f"), bytes.Repeat([]byte("v"), 65))
	enc("hashtable")
	d.Delete(key)
	st, _ := d.Set(key)
	for i := range 512 {
		st.Add(fmt.Append(nil, i))
	}
	enc("intset")
	st.Add([]byte("512"))
	enc("hashtable")
	d.Delete(key)
	z, _ := d.ZSet(key)
	for i := range 128 {
		_, _, _ = z.Add(1, fmt.Append(nil, i), 0)
	}
	enc("listpack")
	_, _, _ = z.Add(1, []byte("x"), 0)
	enc("skiplist")
	d.Delete(key)
	l, _ := d.List(key)
	l.Push(Head, nil)
	enc("quicklist")
	for typ, want := range map[Type]string{TypeNone: "none", TypeString: "string", TypeZSet: "zset"} {
		if typ.String() != want {
			t.Errorf("%s, want %s", typ, want)
		}
	}
}

package keyspace

import (
	"fmt"
	"strings"
	"testing"
)

// dataBytes is what all keys occupy without the tables of their databases.
func dataBytes(s *Store) int64 {
	n := s.UsedBytes()
	for _, d := range s.dbs {
		keys, expires := d.TableBytes()
		n -= keys + expires
	}
	return n
}

// checkMemory wants the counts of all keys to add up to what the store uses, when nothing waits to be freed.
func (w *world) checkMemory(name string) {
	if w.s.Trash() > 0 {
		return
	}
	sum := int64(0)
	for _, d := range w.s.dbs {
		for e := range d.Records() {
			n, ok := d.MemoryOf(e.Key())
			if n -= slotBytes; e.ExpireAt() >= 0 {
				n -= slotBytes
			}
			if sum += n; !ok || n <= 0 {
				w.t.Fatalf("%s: %q occupies %d bytes, %v", name, e.Key(), n, ok)
			}
		}
	}
	if got := dataBytes(w.s); got != sum {
		w.t.Fatalf("%s: %d bytes are used, all keys occupy %d", name, got, sum)
	}
}

// memoryCase is a value that TestMemoryOf builds from n elements.
type memoryCase struct {
	typ  string
	n    int
	want string // encoding
	fill func(d *DB, key []byte, n int)
}

func memoryCases() []memoryCase {
	str := func(d *DB, key []byte, n int) { d.SetStr(key, []byte(strings.Repeat("s", n))) }
	list := func(d *DB, key []byte, n int) {
		l, _ := d.List(key)
		for i := range n {
			l.Push(End(i%2), fmt.Appendf(nil, "element %d", i))
		}
	}
	hash := func(d *DB, key []byte, n int) {
		h, _ := d.Hash(key)
		for i := range n {
			h.Set(fmt.Append(nil, i), []byte(strings.Repeat("v", i%90%(64+n))))
		}
		for i := range n / 3 {
			h.Set(fmt.Append(nil, 3*i), []byte("another"))
			h.Delete(fmt.Append(nil, 3*i+1))
		}
	}
	set := func(d *DB, key []byte, n int) {
		s, _ := d.Set(key)
		for i := range n {
			s.Add(fmt.Append(nil, i))
		}
		s.Remove([]byte("0"))
	}
	zset := func(d *DB, key []byte, n int) {
		z, _ := d.ZSet(key)
		for i := range n {
			_, _, _ = z.Add(float64(i*7%n), fmt.Append(nil, "m", i), 0)
		}
		z.RemoveEnd(Tail, n/4)
		z.Remove([]byte("m0"))
	}
	return []memoryCase{
		{"string", 0, "embstr", str}, {"string", 32, "embstr", str}, {"string", 45, "raw", str}, {"string", 12 << 10, "raw", str},
		{"string", 13 << 10, "raw", str}, {"string", 3 << 20, "raw", str}, {"string", 20 << 20, "raw", str},
		{"integer", 7, "int", func(d *DB, key []byte, n int) { d.SetStr(key, fmt.Append(nil, n)) }},
		{"appended", 100, "raw", func(d *DB, key []byte, n int) {
			for range n {
				_, _ = d.AppendStr(key, []byte(strings.Repeat("a", 1000)))
			}
		}},
		{"list", 3, "quicklist", list}, {"list", 3000, "quicklist", list}, {"list", 50_000, "quicklist", list},
		{"hash", 12, "listpack", hash}, {"hash", 2000, "hashtable", hash}, {"hash", 50_000, "hashtable", hash},
		{"set", 100, "intset", set}, {"set", 600, "hashtable", set}, {"set", 50_000, "hashtable", set},
		{"zset", 20, "listpack", zset}, {"zset", 500, "skiplist", zset}, {"zset", 50_000, "skiplist", zset},
	}
}

// TestMemoryOf deletes values of every type and encoding, under keys long and short, with expiry and without: the bytes in
// use fall by exactly what MemoryOf said. A copy has blocks that fit, the original what its history left it.
func TestMemoryOf(t *testing.T) {
	for _, c := range memoryCases() {
		for _, key := range []string{"k", strings.Repeat("long", 70), strings.Repeat("longer", 40_000)} {
			for _, expire := range []bool{false, true} {
				s := New(Options{})
				d := s.DB(0)
				d.SetStr([]byte("another"), []byte("key"))
				c.fill(d, []byte(key), c.n)
				tables := int64(slotBytes)
				if expire {
					d.SetExpire([]byte(key), 1<<40)
					tables += slotBytes
				}
				d.CopyTo(d, []byte(key), []byte("copy"), false)
				if got := d.Peek([]byte("copy")).Encoding(); got != c.want {
					t.Fatalf("%s of %d is a %s, want %s", c.typ, c.n, got, c.want)
				}
				for _, k := range []string{"copy", key} {
					n, ok := d.MemoryOf([]byte(k))
					before := dataBytes(s)
					d.Delete([]byte(k))
					for s.FreeSome(1 << 20) {
					}
					if freed := before - dataBytes(s); !ok || freed != n-tables {
						t.Errorf("%s of %d under a key of %d bytes, expire %v: MemoryOf %d, %v; deletion freed %d", c.typ, c.n, len(k),
							expire, n, ok, freed)
					}
				}
				s.Close()
			}
		}
	}
}

// TestMemoryOfLeavesKeyAlone wants a look at the memory of a key to be no use of it.
func TestMemoryOfLeavesKeyAlone(t *testing.T) {
	s, d := newTestDB(t)
	s.BeginUnit(1_000_000, ExpireDelete)
	d.SetStrExpire([]byte("k"), []byte("v"), 1_000_100)
	s.BeginUnit(1_900_000, ExpireDelete)
	s.CountReads(true)
	if _, ok := d.MemoryOf([]byte("missing")); ok {
		t.Error("a missing key occupies memory")
	}
	n, ok := d.MemoryOf([]byte("k"))
	if !ok || n != 24+2*slotBytes {
		t.Errorf("%d bytes, %v", n, ok)
	}
	if st := s.Stats(); st != (Stats{}) || d.Len() != 1 {
		t.Errorf("stats %+v, %d keys", st, d.Len())
	}
}

package keyspace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"datastore/keyspace/slab"
)

// settle frees everything that has been deleted.
func settle(s *Store) {
	for s.FreeSome(1000) {
	}
}

// fillTypes writes large values of all types, some with an expiry, under keys with the prefix.
func fillTypes(d *DB, prefix string, n int) {
	for i := range n {
		name := fmt.Appendf(nil, "%s:%d", prefix, i)
		for _, typ := range []string{"s", "l", "h", "S", "z"} {
			key := append([]byte(typ), name...)
			size := i * 7 % 2000
			switch typ {
			case "s":
				d.SetStr(key, make([]byte, size*30))
			case "l":
				l, _ := d.List(key)
				for j := range size + 1 {
					l.Push(Tail, fmt.Appendf(nil, "element %d", j))
				}
			case "h":
				h, _ := d.Hash(key)
				for j := range size + 1 {
					h.Set(fmt.Appendf(nil, "field %d", j), fmt.Appendf(nil, "value %d", i))
				}
			case "S":
				s, _ := d.Set(key)
				for j := range size + 1 {
					s.Add(fmt.Appendf(nil, "member %d", j))
				}
			case "z":
				z, _ := d.ZSet(key)
				for j := range size + 1 {
					_, _, _ = z.Add(float64(j%100), fmt.Appendf(nil, "member %d", j), 0)
				}
			}
			if i%3 == 0 {
				d.SetExpire(key, 1<<50)
			}
		}
	}
}

// What is deleted is gone at once and freed in steps, down to the last byte, whichever way it is deleted.
func TestTrash(t *testing.T) {
	for _, way := range []string{"delete", "overwrite", "flush one", "flush one of two", "flush all", "flush while freeing"} {
		t.Run(way, func(t *testing.T) {
			s := New(Options{Databases: 3})
			defer s.Close()
			d, other := s.DB(0), s.DB(1)
			if way != "flush one" {
				fillTypes(other, "other", 20)
			}
			kept := s.UsedBytes()
			fillTypes(d, "k", 100)
			full, n := s.UsedBytes(), d.Len()
			if s.Trash() != 0 {
				t.Fatalf("%d objects in the trash before anything was deleted", s.Trash())
			}
			before := s.Freed()
			switch way {
			case "delete":
				for i := range 100 {
					for _, typ := range []string{"s", "l", "h", "S", "z"} {
						d.Delete(fmt.Appendf(nil, "%sk:%d", typ, i))
					}
				}
			case "overwrite":
				for i := range 100 {
					for _, typ := range []string{"s", "l", "h", "S", "z"} {
						d.SetStr(fmt.Appendf(nil, "%sk:%d", typ, i), []byte("x"))
						d.Delete(fmt.Appendf(nil, "%sk:%d", typ, i))
					}
				}
			case "flush while freeing":
				d.Delete([]byte("hk:99"))
				d.Flush()
				s.FreeSome(100)
				kept = 0
				s.FlushAll()
			case "flush all":
				kept = 0
				s.FlushAll()
			default:
				if got := d.Flush(); got != n {
					t.Fatalf("Flush returned %d, want %d", got, n)
				}
			}
			if d.Len() != 0 || d.Expires() != 0 {
				t.Fatalf("%d keys left, %d with an expiry", d.Len(), d.Expires())
			}
			if s.Trash() == 0 {
				t.Error("nothing is left for later")
			}
			for last := s.Trash(); s.FreeSome(500); {
				if now := s.Trash(); now > last {
					t.Fatalf("the trash grows from %d to %d", last, now)
				} else {
					last = now
				}
			}
			if used := s.UsedBytes() - d.keys.Bytes() - d.expires.Bytes(); used != kept || s.Trash() != 0 || s.Freed() == before {
				t.Errorf("%d bytes used of %d after all was freed, want %d; %d objects wait, %d freed",
					used, full, kept, s.Trash(), s.Freed()-before)
			}
			if kept > 0 && s.DB(1).Len() != 100 {
				t.Errorf("the other database has %d keys", other.Len())
			}
		})
	}
}

// A loop of deletions leaves a bounded amount behind, though nobody calls FreeSome.
func TestTrashIsBounded(t *testing.T) {
	s, d := newTestDB(t)
	key := []byte("k")
	long := []byte(strings.Repeat("v", 5<<20))
	most := int64(0)
	for range 100 {
		d.SetStr(key, long)
		d.Delete(key)
		most = max(most, s.UsedBytes())
	}
	if most > 16*int64(len(long)) {
		t.Errorf("%d bytes wait to be freed", most)
	}
	settle(s)
	one := int64(0)
	for i := range 4_000 {
		h, _ := d.Hash(key)
		for j := range 200 {
			h.Set(fmt.Append(nil, j), []byte("a value that is too long to be packed, so that the hash becomes an object at once"))
		}
		if i == 0 {
			one, most = s.UsedBytes(), 0
		}
		d.Delete(key)
		most = max(most, s.UsedBytes())
	}
	if most > 2*maxTrashObjects*one {
		t.Errorf("%d bytes wait to be freed, an object has %d", most, one)
	}
}

// After most keys have gone, or all values have another size, compaction gives the memory back, and every value is what it
// was.
func TestCompactionGivesMemoryBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, way := range []string{"delete", "rewrite", "members"} {
		t.Run(way, func(t *testing.T) {
			s := New(Options{Databases: 2})
			defer s.Close()
			s.arena.Free(s.arena.Alloc(1)) // the first chunk's cost is no matter here
			d := s.DB(1)
			for i := range 100_000 {
				d.SetStr(fmt.Appendf(nil, "key:%d", i), make([]byte, 20+rng.IntN(200)))
				if i%5 == 0 {
					d.SetExpire(fmt.Appendf(nil, "key:%d", i), 1<<50)
				}
			}
			fillTypes(d, "k", 200)
			switch way {
			case "delete":
				for i := range 100_000 {
					if rng.IntN(10) > 0 {
						d.Delete(fmt.Appendf(nil, "key:%d", i))
					}
				}
			case "rewrite":
				for i := range 100_000 {
					d.SetStr(fmt.Appendf(nil, "key:%d", i), make([]byte, 250+rng.IntN(200)))
				}
			case "members":
				for i := range 200 {
					thin(d, fmt.Sprintf("k:%d", i), rng)
				}
				for i := range 100_000 {
					d.Delete(fmt.Appendf(nil, "key:%d", i))
				}
			}
			settle(s)
			d.keys.Step(1 << 30)
			before := dumpAll(d)
			told := 0
			s.OnChange(func(int, []byte) { told++ })
			mapped, changes := s.MappedBytes(), s.Changes()
			passes := 0
			for s.CompactionDue() {
				s.BeginCompaction()
				for s.Compact(300) {
				}
				if passes++; passes > 10 {
					t.Fatal("compaction does not come to an end")
				}
			}
			if s.MappedBytes() > s.UsedBytes()*5/4+4*int64(slab.ClassSize(1<<20)) {
				t.Errorf("%d bytes mapped for %d used, %d before compaction", s.MappedBytes(), s.UsedBytes(), mapped)
			}
			if s.Changes() != changes || told != 0 {
				t.Error("moving is taken for a change")
			}
			if after := dumpAll(d); after != before {
				t.Error("the values are not what they were")
			}
			if passes == 0 && way != "rewrite" {
				t.Errorf("no compaction took place: %d bytes mapped for %d used", s.MappedBytes(), s.UsedBytes())
			}
		})
	}
}

// thin takes nine of ten elements out of the aggregates that fillTypes made.
func thin(d *DB, name string, rng *rand.Rand) {
	h, _ := d.Hash([]byte("h" + name))
	s, _ := d.Set([]byte("S" + name))
	z, _ := d.ZSet([]byte("z" + name))
	for j := range 2000 {
		if rng.IntN(10) > 0 {
			h.Delete(fmt.Appendf(nil, "field %d", j))
			s.Remove(fmt.Appendf(nil, "member %d", j))
			z.Remove(fmt.Appendf(nil, "member %d", j))
		}
	}
}

// dumpAll is a digest of a database that depends on nothing but its contents.
func dumpAll(d *DB) uint64 {
	sum := uint64(0)
	for e := range d.All() {
		one := uint64(14695981039346656037)
		for _, c := range e.Digest() {
			one = one*1099511628211 ^ uint64(c)
		}
		for _, c := range e.Key() {
			one = one*1099511628211 ^ uint64(c)
		}
		sum += one * uint64(1+e.ExpireAt()%97)
	}
	return sum
}

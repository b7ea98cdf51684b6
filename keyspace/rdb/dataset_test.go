package rdb_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

// nowMs is the time of the tests' datasets: late enough that a real redis-server finds their keys alive.
const nowMs = 4_000_000_000_000

func newStore(t testing.TB, limits keyspace.Limits) *keyspace.Store {
	t.Helper()
	s := keyspace.New(keyspace.Options{Limits: limits})
	s.BeginUnit(nowMs, keyspace.ExpireDelete)
	t.Cleanup(s.Close)
	return s
}

// fill enters n random keys of all types, in all databases, around the limits of the encodings.
func fill(s *keyspace.Store, rnd *rand.Rand, n int) {
	for i := range n {
		d := s.DB(rnd.IntN(s.Databases()))
		key := []byte(fmt.Sprintf("key:%d:%s", i, strings.Repeat("k", rnd.IntN(3)*rnd.IntN(300))))
		size := 1 + rnd.IntN(1<<rnd.IntN(9))
		switch i % 5 {
		case 0:
			d.SetStr(key, []byte(randomElem(rnd)))
		case 1:
			l, _ := d.List(key)
			for range size {
				l.Push(keyspace.End(rnd.IntN(2)), []byte(randomElem(rnd)))
			}
		case 2:
			set, _ := d.Set(key)
			integers := rnd.IntN(2) == 0
			for range size {
				if integers {
					set.Add(strconv.AppendInt(nil, int64(rnd.Uint64())>>rnd.IntN(64), 10))
				} else {
					set.Add([]byte(randomElem(rnd)))
				}
			}
		case 3:
			z, _ := d.ZSet(key)
			short := rnd.IntN(2) == 0
			for j := range size {
				m := []byte(randomElem(rnd))
				if short {
					m = strconv.AppendInt(nil, int64(j), 10)
				}
				z.Add(randomScore(rnd), m, 0)
			}
		case 4:
			h, _ := d.Hash(key)
			short := rnd.IntN(2) == 0
			for j := range size {
				field, val := []byte(randomElem(rnd)), []byte(randomElem(rnd))
				if short {
					field, val = fmt.Appendf(nil, "f%d", j), val[:min(len(val), 20)]
				}
				h.Set(field, val)
			}
		}
		if rnd.IntN(4) == 0 {
			d.SetExpire(key, nowMs+1+rnd.Int64N(1e9))
		}
	}
}

func randomScore(rnd *rand.Rand) float64 {
	switch rnd.IntN(5) {
	case 0:
		return math.Inf(1 - 2*rnd.IntN(2))
	case 1:
		return float64(rnd.IntN(10))
	case 2:
		return rnd.NormFloat64() * math.Pow(10, float64(rnd.IntN(600)-300))
	case 3:
		return float64(int64(rnd.Uint64()) >> rnd.IntN(64))
	}
	return rnd.NormFloat64()
}

func save(t testing.TB, s *keyspace.Store, o rdb.SaveOptions) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := rdb.Save(&file, s, o); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func dumped(t testing.TB, e keyspace.Entry) []byte {
	t.Helper()
	b, err := rdb.Dump(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// load reads a file into a store that has none of its keys.
func load(t testing.TB, file []byte, s *keyspace.Store, o rdb.LoadOptions) rdb.Info {
	t.Helper()
	info, err := rdb.Load(bytes.NewReader(file), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// sameDigest compares datasets.
func sameDigest(t testing.TB, what string, got, want keyspace.Digest) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: digest %x, want %x", what, got, want)
	}
}

// encodings counts the keys of each type and encoding.
func encodings(s *keyspace.Store) map[string]int {
	n := map[string]int{}
	for i := range s.Databases() {
		for e := range s.DB(i).All() {
			n[e.Type().String()+" "+e.Encoding()]++
		}
	}
	return n
}

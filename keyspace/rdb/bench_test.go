package rdb_test

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"testing"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

// kinds fill a store with n keys of one kind.
var kinds = []struct {
	name string
	add  func(d *keyspace.DB, key []byte)
}{
	{"strings", func(d *keyspace.DB, key []byte) { d.SetStr(key, []byte("a value of 20 bytes.")) }},
	{"integers", func(d *keyspace.DB, key []byte) { d.SetStr(key, key[4:]) }},
	{"expiring", func(d *keyspace.DB, key []byte) { d.SetStrExpire(key, []byte("a value of 20 bytes."), nowMs+1) }},
	{"hashes", func(d *keyspace.DB, key []byte) {
		h, _ := d.Hash(key)
		for i := range 8 {
			h.Set(strconv.AppendInt([]byte("field"), int64(i), 10), key)
		}
	}},
	{"lists", func(d *keyspace.DB, key []byte) {
		l, _ := d.List(key)
		for range 8 {
			l.Push(keyspace.Tail, key)
		}
	}},
	{"zsets", func(d *keyspace.DB, key []byte) {
		z, _ := d.ZSet(key)
		for i := range 8 {
			z.Add(float64(i), strconv.AppendInt([]byte("member"), int64(i), 10), 0)
		}
	}},
	{"intsets", func(d *keyspace.DB, key []byte) {
		s, _ := d.Set(key)
		for i := range 8 {
			s.Add(strconv.AppendInt(nil, int64(i), 10))
		}
	}},
}

func filled(t testing.TB, add func(d *keyspace.DB, key []byte), n int) *keyspace.Store {
	s := newStore(t, keyspace.Limits{})
	for i := range n {
		add(s.DB(0), fmt.Appendf(nil, "key:%010d", 1_000_000_000+i))
	}
	return s
}

func TestSaveAndLoadAllocateNothingPerKey(t *testing.T) {
	const n = 1000
	for _, kind := range kinds {
		s := filled(t, kind.add, n)
		file := save(t, s, rdb.SaveOptions{})
		r := bytes.NewReader(nil)
		loads := testing.AllocsPerRun(5, func() {
			s.FlushAll()
			r.Reset(file)
			if _, err := rdb.Load(r, s, rdb.LoadOptions{}); err != nil {
				t.Fatal(err)
			}
		})
		saves := testing.AllocsPerRun(5, func() { rdb.Save(io.Discard, s, rdb.SaveOptions{}) })
		if loads > n/10 || saves > n/10 {
			t.Errorf("%s: %v allocations to load and %v to save %d keys", kind.name, loads, saves, n)
		}
	}
}

const benchKeys = 1_000_000

func BenchmarkLoad(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			s := filled(b, kind.add, benchKeys)
			file := save(b, s, rdb.SaveOptions{Checksum: true})
			s.FlushAll()
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				if _, err := rdb.Load(bytes.NewReader(file), s, rdb.LoadOptions{}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				s.FlushAll()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/key")
		})
	}
}

func BenchmarkSave(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			s := filled(b, kind.add, benchKeys)
			for b.Loop() {
				if err := rdb.Save(io.Discard, s, rdb.SaveOptions{Checksum: true, Compress: true}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/key")
		})
	}
}

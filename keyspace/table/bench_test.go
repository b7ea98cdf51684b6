package table

import (
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"datastore/keyspace/slab"
)

const benchKeys = 1 << 20

// key16 writes a key of 16 bytes.
func key16(b []byte, i uint64) []byte {
	binary.LittleEndian.PutUint64(b, i*0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(b[8:], i)
	return b
}

func fill(b *testing.B, n uint64) *Table {
	a := slab.New()
	b.Cleanup(a.Close)
	t := New(a, maphash.MakeSeed())
	key, value := make([]byte, 16), make([]byte, 32)
	for i := range n {
		r := NewElement(a, key16(key, i), value)
		t.Insert(t.Hash(key), r)
	}
	for t.Step(1000) {
	}
	return t
}

func BenchmarkFind(b *testing.B) {
	t := fill(b, benchKeys)
	for _, bench := range []struct {
		name string
		from uint64
	}{{"hit", 0}, {"miss", benchKeys}} {
		b.Run(bench.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			key, found := make([]byte, 16), 0
			for b.Loop() {
				key16(key, bench.from+rng.Uint64()%benchKeys)
				if t.Find(t.Hash(key), key) != 0 {
					found++
				}
			}
			if (bench.from == 0) != (found > 0) {
				b.Fatal(found)
			}
		})
	}
}

// BenchmarkFindCached measures the instructions: everything is in the first-level cache.
func BenchmarkFindCached(b *testing.B) {
	t := fill(b, 256)
	key, i := make([]byte, 16), uint64(0)
	for b.Loop() {
		i++
		key16(key, i&255)
		if t.Find(t.Hash(key), key) == 0 {
			b.Fatal("absent")
		}
	}
}

// BenchmarkFindBatch looks up 64 keys at a time, buckets and records prefetched.
func BenchmarkFindBatch(b *testing.B) {
	t := fill(b, benchKeys)
	rng := rand.New(rand.NewPCG(1, 1))
	const batch = 64
	var keys [batch][16]byte
	var hashes [batch]uint64
	for b.Loop() {
		for i := range batch {
			key16(keys[i][:], rng.Uint64()%benchKeys)
			hashes[i] = t.Hash(keys[i][:])
			t.Prefetch(hashes[i])
		}
		for i := range batch {
			slab.Prefetch(t.Candidate(hashes[i]))
		}
		for i := range batch {
			if t.Find(hashes[i], keys[i][:]) == 0 {
				b.Fatal("absent")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/key")
}

func BenchmarkInsert(b *testing.B) {
	a := slab.New()
	defer a.Close()
	t := New(a, maphash.MakeSeed())
	key, value := make([]byte, 16), make([]byte, 32)
	for i := uint64(0); b.Loop(); i++ {
		r := NewElement(a, key16(key, i), value)
		t.Insert(t.Hash(key), r)
	}
	b.ReportMetric(float64(t.Bytes())/float64(t.Len()), "bucketbytes/key")
}

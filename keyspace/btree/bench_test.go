package btree

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

const benchEntries = 1_000_000

type bench struct {
	tree   *Tree
	scores []float64
	refs   []slab.Ref
}

func fill(b *testing.B) *bench {
	a := slab.New()
	b.Cleanup(a.Close)
	rng := rand.New(rand.NewPCG(1, 1))
	s := &bench{tree: New(a)}
	for i := range benchEntries {
		var key [16]byte
		binary.LittleEndian.PutUint64(key[:], uint64(i))
		s.scores = append(s.scores, rng.Float64()*1e6)
		s.refs = append(s.refs, table.NewElement(a, key[:], make([]byte, 8)))
		s.tree.Insert(s.scores[i], s.refs[i])
	}
	return s
}

func BenchmarkTree(b *testing.B) {
	s := fill(b)
	rng := rand.New(rand.NewPCG(2, 2))
	b.Run("Move", func(b *testing.B) { // delete and insert
		for b.Loop() {
			i := rng.IntN(benchEntries)
			score := rng.Float64() * 1e6
			s.tree.Move(s.scores[i], score, s.refs[i])
			s.scores[i] = score
		}
		b.ReportMetric(float64(s.tree.Bytes())/benchEntries, "bytes/entry")
	})
	b.Run("Rank", func(b *testing.B) {
		for b.Loop() {
			i := rng.IntN(benchEntries)
			s.tree.Rank(s.scores[i], table.Key(s.refs[i]))
		}
	})
	b.Run("At", func(b *testing.B) {
		for b.Loop() {
			s.tree.At(rng.IntN(benchEntries))
		}
	})
	b.Run("Walk100", func(b *testing.B) {
		for b.Loop() {
			c := s.tree.SeekScore(rng.Float64()*1e6, false)
			for n := 0; n < 100 && c.Valid(); n++ {
				c.Next()
			}
		}
	})
}

func BenchmarkInsertMillion(b *testing.B) {
	s := fill(b)
	for b.Loop() {
		s.tree.Release()
		for i, r := range s.refs {
			s.tree.Insert(s.scores[i], r)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchEntries, "ns/insert")
	b.ReportMetric(float64(s.tree.Bytes())/benchEntries, "bytes/entry")
}

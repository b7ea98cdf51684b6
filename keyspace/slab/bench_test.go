package slab

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkAllocFree(b *testing.B) {
	for _, n := range []int{16, 64, 1000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a := New()
			defer a.Close()
			for b.Loop() {
				a.Free(a.Alloc(n))
			}
		})
	}
}

// BenchmarkChurn frees a random one of 100,000 blocks and allocates another of a random size below 256.
func BenchmarkChurn(b *testing.B) {
	a := New()
	defer a.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	refs := make([]Ref, 100_000)
	for i := range refs {
		refs[i] = a.Alloc(1 + i%256)
	}
	for b.Loop() {
		k := rng.Uint64()
		i := k >> 32 % uint64(len(refs))
		a.Free(refs[i])
		refs[i] = a.Alloc(int(1 + k%256))
	}
	b.ReportMetric(float64(a.Mapped())/float64(a.Used()), "mapped/used")
}

func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		a := New()
		for range 1_000_000 {
			Store64(a.Alloc(56), 0, 1)
		}
		a.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/block")
}

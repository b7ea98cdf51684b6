package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkZSetRemoveEnd empties sets of a million members in random order of score, one member at a time or many.
func BenchmarkZSetRemoveEnd(b *testing.B) {
	const members = 1_000_000
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, d := newTestDB(b)
			rng := rand.New(rand.NewPCG(1, 1))
			z, _ := d.ZSet([]byte("z"))
			removed := 0
			for b.Loop() {
				if z.Len() <= n {
					b.StopTimer()
					for i := range members {
						_, _, _ = z.Add(rng.Float64(), fmt.Appendf(nil, "member:%012d", i), 0)
					}
					b.StartTimer()
				}
				z.RemoveEnd(Head, n)
				removed += n
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(removed), "ns/member")
		})
	}
}

package latency

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLikeRedis holds what redis-server 7.0.15 showed for durations, which it measures in whole microseconds.
func TestLikeRedis(t *testing.T) {
	for _, tc := range []struct {
		usec, p50Nanos, bucketUsec int64
	}{
		{2, 2007, 2}, {3, 3007, 4}, {4, 4015, 4}, {5, 5023, 8}, {7, 7007, 8}, {10, 10047, 16}, {40, 40191, 66},
		{60, 60159, 66}, {99, 99327, 132}, {103, 103423, 132}, {100126, 100139007, 135266},
		{300293, 301989887, 541065}, {1500101, 1002438655, 1073741}, {3000150, 1002438655, 1073741},
	} {
		var h Histogram
		h.Record(tc.usec * 1000)
		if got := h.Percentile(50); got != tc.p50Nanos {
			t.Errorf("%d µs: p50 is %d ns, want %d", tc.usec, got, tc.p50Nanos)
		}
		list := h.Buckets(nil)
		if len(list) != 1 || list[0].UpToNanos/1000 != tc.bucketUsec || list[0].Count != 1 {
			t.Errorf("%d µs: %v, want one of %d µs", tc.usec, list, tc.bucketUsec)
		}
	}
}

// TestRanksLikeRedis holds which of three durations redis-server 7.0.15 showed for a percentile.
func TestRanksLikeRedis(t *testing.T) {
	var h Histogram
	for _, v := range []int64{8, 16, 24} {
		h.Record(v)
	}
	for _, tc := range []struct {
		p    float64
		want int64
	}{
		{0, 8}, {1, 15}, {16, 15}, {49, 15}, {49.9, 15}, {50, 23}, {50.1, 23}, {83, 23}, {83.3, 23}, {83.4, 31}, {99.9, 31},
		{100, 31},
	} {
		if got := h.Percentile(tc.p); got != tc.want {
			t.Errorf("p%g is %d, want %d", tc.p, got, tc.want)
		}
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	if h.Percentile(50) != 0 || h.Percentile(0) != 0 || len(h.Buckets(nil)) != 0 || h.Count() != 0 {
		t.Error("there is something in an empty histogram")
	}
}

// TestSlots wants every duration to lie within the limits of its slot, which is narrow, and slots to meet without a gap.
func TestSlots(t *testing.T) {
	next := int64(0)
	for octave := range octaves {
		for slot := range slots {
			low, high := least(octave, slot), most(octave, slot)
			if low != next || high < low || (high-low)*slots > max(low, 1<<firstBits) {
				t.Fatalf("slot %d of octave %d reaches from %d to %d, after %d", slot, octave, low, high, next-1)
			}
			next = high + 1
			for _, v := range []int64{low, high} {
				var h Histogram
				h.Record(v)
				if v <= MaxNanos && h.octaves[octave][slot] != 1 {
					t.Fatalf("%d is not in slot %d of octave %d", v, slot, octave)
				}
			}
		}
	}
	if next != 1<<30 {
		t.Errorf("the slots end at %d", next)
	}
}

// TestAgainstList compares percentiles and distribution with those of a sorted list.
func TestAgainstList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var list []int64
	for range 20_000 {
		v := int64(r.ExpFloat64() * float64(int64(1)<<r.IntN(28)))
		h.Record(v)
		list = append(list, min(v, MaxNanos))
	}
	slices.Sort(list)
	for p := 0.5; p <= 100; p += 0.5 {
		want := list[max(int(p/100*float64(len(list))+0.5), 1)-1]
		if got := h.Percentile(p); got < want || (got-want)*slots > max(want, 1<<firstBits) {
			t.Errorf("p%g is %d, want %d", p, got, want)
		}
	}
	last := Bucket{}
	for _, b := range h.Buckets(nil) {
		n, _ := slices.BinarySearch(list, b.UpToNanos+1)
		if int64(n) != b.Count || b.Count <= last.Count || b.UpToNanos <= last.UpToNanos {
			t.Errorf("%+v after %+v, want %d", b, last, n)
		}
		last = b
	}
	if last.Count != h.Count() || h.Count() != int64(len(list)) {
		t.Errorf("%d of %d", last.Count, h.Count())
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	var h Histogram
	h.Record(300)
	if n := testing.AllocsPerRun(100, func() { h.Record(310) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, spread := range []int64{0, 127, 1 << 14} {
		b.Run(fmt.Sprint(spread), func(b *testing.B) {
			var h Histogram
			v := int64(0)
			for b.Loop() {
				h.Record(int64(300*time.Nanosecond) + v&spread)
				v += 37
			}
		})
	}
}

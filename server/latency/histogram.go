// Package latency owns what is remembered about how long things took: a histogram for each command, and for each kind of
// event the worst moments of the last minutes. It has no clock and measures nothing: durations and times come in, figures
// and drawings go out. It refuses to know commands, clients and the protocol.
package latency

import "math/bits"

// Histogram counts durations with two significant digits, in bounded memory.
//
// It is log-linear: every power of two of nanoseconds from 1024 on is an octave of 128 slots of equal width, and what is
// shorter, most commands are, has one octave of slots of 8 ns. A slot is therefore never wider than 8 ns or 1/128 of what
// it counts; finer ones for the shortest would spread the counters of a fast command over three times as many cache lines.
// Octaves are allocated when a duration falls into them; commands of one kind take similar times, so that most histograms
// occupy 3 to 8 KB of the 21 that all octaves would take.
//
// From 1024 ns on the slots, the limit of one second, and the way in which Percentile and Buckets round are those of the
// histograms in Redis 7.0, as its replies show them, so that the same durations give the same replies. Redis measures in
// microseconds and has nothing to show below.
//
// The zero value is ready for use. The owner guards it.
type Histogram struct {
	octaves [octaves]*[slots]int64
}

const (
	firstBits = 10 // the first octave reaches to 1<<firstBits
	slotBits  = 7
	slots     = 1 << slotBits
	octaves   = 21 // the last one reaches to 1<<30

	// MaxNanos is the longest duration that is told from longer ones.
	MaxNanos = 1_000_000_000
)

// Record counts one duration in nanoseconds, which is not negative.
func (h *Histogram) Record(nanos int64) {
	v := min(uint64(nanos), MaxNanos)
	octave := 0
	slot := v >> (firstBits - slotBits)
	if slot >= slots {
		octave = bits.Len64(slot) - slotBits
		slot = slot >> (octave - 1) % slots
	}
	o := h.octaves[octave]
	if o == nil {
		o = new([slots]int64)
		h.octaves[octave] = o
	}
	o[slot]++
}

// Count returns the number of durations. It adds them up: Record is called a million times more often.
func (h *Histogram) Count() int64 {
	var n int64
	for _, o := range h.octaves {
		if o == nil {
			continue
		}
		for _, k := range o {
			n += k
		}
	}
	return n
}

// least and most return the limits of a slot, in nanoseconds.
func least(octave, slot int) int64 {
	if octave > 0 {
		slot += slots
	}
	return int64(slot) * width(octave)
}

func most(octave, slot int) int64 { return least(octave, slot) + width(octave) - 1 }

func width(octave int) int64 { return 1 << (firstBits - slotBits + max(octave-1, 0)) }

// Percentile returns the duration in nanoseconds that p percent of all do not exceed: the upper limit of the slot in which
// the last of them lies. Of 0 percent it is the lower limit of the first. Without durations it is 0.
func (h *Histogram) Percentile(p float64) int64 {
	rank := max(int64(p/100*float64(h.Count())+0.5), 1)
	for octave, o := range h.octaves {
		if o == nil {
			continue
		}
		for slot, n := range o {
			if rank -= n; rank > 0 || n == 0 {
				continue
			}
			if p == 0 {
				return least(octave, slot)
			}
			return most(octave, slot)
		}
	}
	return 0
}

// Bucket is one step of a cumulative distribution.
type Bucket struct {
	UpToNanos int64
	Count     int64 // of all durations up to it
}

// Buckets appends the cumulative distribution to dst, in steps of powers of two from 1024 ns on; those that add nothing are
// left out. A step reaches to the upper limit of the slot that begins with its power.
func (h *Histogram) Buckets(dst []Bucket) []Bucket {
	var steps [octaves + 1]int64 // by the octave whose first slot is the last of the step
	for octave, o := range h.octaves {
		if o == nil {
			continue
		}
		steps[max(octave, 1)] += o[0] // what is shorter than 1024 ns belongs to the first step
		for _, n := range o[1:] {
			steps[octave+1] += n
		}
	}
	var sum int64
	for octave, n := range steps {
		if n == 0 {
			continue
		}
		sum += n
		limit := most(octave, 0)
		if octave == octaves {
			limit = most(octaves-1, slots-1)
		}
		dst = append(dst, Bucket{limit, sum})
	}
	return dst
}

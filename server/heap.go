package server

import (
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The Go heap. The dataset lives outside of it, so that it holds connections, their buffers, replication and what serving
// leaves behind; the collector has little to do. Two knobs say how much: GOGC, the share of garbage that it lets come up, and
// GOMEMLIMIT, a bound on what the runtime maps, near which it collects more often. Whoever sets one of them in the
// environment has decided it; else they are ours.
//
// The bound follows maxmemory, less what the dataset takes outside of the heap, as that grows and shrinks. It must never be
// near what is live, or the collector would run without end: a floor keeps it at twice that and more.

const (
	heapPercent   = 50       // GOGC at least (see heapPace): garbage is rare and mostly holds no pointers, so a small heap costs little
	heapLeast     = 32 << 20 // GOMEMLIMIT is never below this and twice of what is live
	limitShift    = 4        // a change of the bound by less than this fraction is left for later
	noMemoryLimit = math.MaxInt64
)

// goHeap is what the Go runtime holds, in bytes.
type goHeap struct {
	objects  int64 // live ones and garbage
	inUse    int64 // spans that hold objects
	resident int64 // mapped and not given back to the system
	needed   int64 // live objects when the last collection ended, with stacks and what the runtime itself needs
	marked   int64 // the objects among that
	limit    int64 // GOMEMLIMIT in force
	percent  int64 // GOGC in force, -1 for off
}

// heapMeter reads the state of the Go heap without allocating.
type heapMeter struct {
	at      time.Time
	objects int64
	one     [1]metrics.Sample
	all     [8]metrics.Sample

	tuned      bool // the environment has been looked at
	ownPercent bool // GOGC is ours to set
	ownLimit   bool // GOMEMLIMIT is
	limit      int64
}

const (
	metricObjects = "/memory/classes/heap/objects:bytes"
	metricEvery   = 100 * time.Millisecond // between two readings for usedMemory
)

// objectBytes returns the bytes of all objects, at most ten times a second anew.
func (h *heapMeter) objectBytes(now time.Time) int64 {
	if h.objects == 0 || now.Sub(h.at) > metricEvery {
		h.one[0].Name = metricObjects
		metrics.Read(h.one[:])
		h.at, h.objects = now, int64(h.one[0].Value.Uint64())
	}
	return h.objects
}

// read returns the state now.
func (h *heapMeter) read() goHeap {
	for i, name := range [len(h.all)]string{
		metricObjects, "/memory/classes/heap/unused:bytes", "/memory/classes/heap/free:bytes",
		"/memory/classes/heap/released:bytes", "/memory/classes/total:bytes", "/gc/heap/live:bytes",
		"/gc/gomemlimit:bytes", "/gc/gogc:percent",
	} {
		h.all[i].Name = name
	}
	metrics.Read(h.all[:])
	n := func(i int) int64 { return int64(min(h.all[i].Value.Uint64(), math.MaxInt64)) }
	g := goHeap{objects: n(0), inUse: n(0) + n(1), resident: n(4) - n(3), marked: n(5), limit: n(6), percent: n(7)}
	g.needed = g.marked + g.resident - g.inUse - n(2)
	if g.percent > math.MaxInt32 {
		g.percent = -1
	}
	return g
}

// limitHeap puts GOGC and a GOMEMLIMIT that suits maxmemory and the size of the dataset into force. Both calls are cheap.
func (s *Server) limitHeap() {
	h := &s.heap
	if !h.tuned {
		h.tuned, h.ownPercent, h.ownLimit = true, os.Getenv("GOGC") == "", os.Getenv("GOMEMLIMIT") == ""
		if h.ownPercent {
			debug.SetGCPercent(heapPercent)
		}
	}
	if !h.ownLimit {
		return
	}
	limit := int64(noMemoryLimit)
	if most := s.values.MaxMemoryBytes; most > 0 {
		limit = heapLimit(most, s.store.MappedBytes(), h.read().needed)
		if h.limit != noMemoryLimit && max(limit-h.limit, h.limit-limit) < h.limit>>limitShift {
			return
		}
	}
	if limit != h.limit {
		h.limit = limit
		debug.SetMemoryLimit(limit)
	}
}

// heapLimit is the bound on the Go heap under maxmemory: what the dataset leaves, but enough to work with.
func heapLimit(maxMemory, dataset, needed int64) int64 {
	return max(maxMemory-dataset, heapLeast+2*needed)
}

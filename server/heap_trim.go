package server

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// heapTrim gives the memory of buffers back that a burst of replies has left behind. The runtime collects when as much is
// allocated as GOGC says; after a burst nothing is, and half a gigabyte of garbage would stay for minutes, count as used
// memory and stay resident. So the buffers that connections drop are counted, and when much was dropped and no collection
// came by itself within a second, one is made, which also returns the memory to the system.
type heapTrim struct {
	droppedBytes atomic.Int64 // of buffers, not collected yet as far as is known
	seenBytes    int64        // of that when last looked: a collection that has ended since has them
	cycles       uint64       // collections when last looked
	cycle        [1]metrics.Sample
	at           time.Time // of the last one that was made
	running      atomic.Bool
	wg           sync.WaitGroup
}

const (
	trimBytes = 32 << 20 // dropped buffers that are worth a collection
	trimEvery = 5 * time.Second
)

// dropped counts a buffer that is garbage now; from any goroutine.
func (h *heapTrim) dropped(b []byte) { h.droppedBytes.Add(int64(cap(b))) }

// check is called once a second.
func (h *heapTrim) check(now time.Time) {
	h.cycle[0].Name = "/gc/cycles/total:gc-cycles"
	metrics.Read(h.cycle[:])
	n, collected := h.cycle[0].Value.Uint64(), int64(0)
	if n != h.cycles {
		h.cycles, collected = n, h.seenBytes
	}
	h.seenBytes = h.droppedBytes.Add(-collected)
	if collected > 0 || h.seenBytes < trimBytes || now.Sub(h.at) < trimEvery || h.running.Swap(true) {
		return
	}
	h.at = now
	h.collect()
}

// now collects and returns memory to the system without waiting for a reason, unless that is being done.
func (h *heapTrim) now() {
	if !h.running.Swap(true) {
		h.collect()
	}
}

// collect is for who has set running.
func (h *heapTrim) collect() {
	h.wg.Go(func() {
		debug.FreeOSMemory()
		h.running.Store(false)
	})
}

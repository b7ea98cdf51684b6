package server

import (
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPacePercent(t *testing.T) {
	for _, tt := range []struct{ room, live, maxMemory, want int64 }{
		{0, 1 << 20, 0, heapPercent},
		{1 << 20, 1 << 20, 0, heapPercent}, // GOGC gives that anyway
		{8 << 20, 1 << 20, 0, 200},
		{8 << 20, 64 << 20, 0, heapPercent},
		{1 << 40, 1 << 20, 0, 800},
		{1 << 40, 1 << 20, 256 << 20, 200},
		{1 << 40, 1 << 20, 1 << 20, heapPercent},
	} {
		if got := pacePercent(tt.room, tt.live, tt.maxMemory); got != tt.want {
			t.Errorf("room %d, live %d, maxmemory %d: %d %%, want %d", tt.room, tt.live, tt.maxMemory, got, tt.want)
		}
	}
}

// TestHeapPaceFollows makes garbage for a while: GOGC goes up with it and back afterwards.
func TestHeapPaceFollows(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(heapPercent))
	percent := func() int64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64())
	}
	var p heapPace
	now := time.Unix(1, 0)
	p.follow(now, 0)
	for range 256 {
		sink = make([]byte, 1<<20)
	}
	now = now.Add(time.Second)
	p.follow(now, 0)
	if got := percent(); got < 4*heapPercent {
		t.Errorf("GOGC is %d after a second with 256 MB of garbage", got)
	}
	for i := range paceLower { // what else the process does is little
		now = now.Add(time.Second)
		if back := p.follow(now, 0); back != (i == paceLower-1) {
			t.Errorf("look %d: gone back: %v", i, back)
		}
	}
	if got := percent(); got != heapPercent {
		t.Errorf("GOGC is %d after seconds without garbage", got)
	}
}

// sink keeps the compiler from leaving allocations out.
var sink []byte

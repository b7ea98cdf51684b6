package server

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapPace lets more garbage come up while much is made. GOGC counts in shares of what is live, which is next to nothing here:
// two megabytes of garbage bring a collection about, and a module that allocates a hundred bytes per command would have
// eighty of them a second, for a fifth of the processor. So GOGC follows the rate at which memory is allocated: it leaves room
// for paceBetween of it, up to paceMost, and goes back to heapPercent when the rate falls.
type heapPace struct {
	sample  [2]metrics.Sample
	bytes   uint64 // allocated when last looked
	at      time.Time
	percent int64
	lower   int // looks in a row that wanted less
}

const (
	paceEvery   = 250 * time.Millisecond // between two looks
	paceLower   = 12                     // looks until it goes back
	paceBetween = 250 * time.Millisecond // between two collections
	paceMost    = 32 << 20               // bytes of garbage, or a share of maxmemory if that is less
	paceShare   = 32
	heapSmall   = 4 << 20 // the runtime takes no heap for smaller when it applies GOGC
)

// follow is called by the cron. It reports whether it went back: what the runtime keeps for the garbage of before is to be
// given back then, which it would only do after its next collection.
func (p *heapPace) follow(now time.Time, maxMemory int64) (lower bool) {
	took := now.Sub(p.at)
	if took < paceEvery {
		return false
	}
	p.sample[0].Name, p.sample[1].Name = "/gc/heap/allocs:bytes", "/gc/heap/live:bytes"
	metrics.Read(p.sample[:])
	bytes, live := p.sample[0].Value.Uint64(), int64(p.sample[1].Value.Uint64())
	made, first := int64(bytes-p.bytes), p.at.IsZero()
	if p.bytes, p.at = bytes, now; first {
		p.percent = heapPercent
		return false
	}
	room := int64(float64(made) * float64(paceBetween) / float64(took))
	switch percent := pacePercent(room, live, maxMemory); {
	case percent > p.percent+p.percent/2:
		p.set(percent)
	case percent >= p.percent-p.percent/4:
		p.lower = 0
	default:
		if p.lower++; p.lower >= paceLower {
			p.set(percent)
			return true
		}
	}
	return false
}

func (p *heapPace) set(percent int64) {
	p.percent, p.lower = percent, 0
	debug.SetGCPercent(int(percent))
}

// pacePercent is the GOGC that lets about so many bytes of garbage come up above what is live.
func pacePercent(room, live, maxMemory int64) int64 {
	most := int64(paceMost)
	if maxMemory > 0 {
		most = min(most, maxMemory/paceShare)
	}
	return max(heapPercent, 100*min(room, most)/max(live, heapSmall))
}

// Package ticks owns a clock for measuring what is too short for the system's: it is read around every command. It tells
// durations only, never the time of day, and refuses to be a source of timestamps that outlive the process.
package ticks

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Tick is a reading of a Clock. Only differences between readings of one clock mean anything, see Clock.Nanos.
type Tick int64

// Clock measures durations.
//
// A server that executes a command in 200 ns cannot ask the operating system for the time around each: time.Since costs
// 32 ns and time.Now 58 on the machine that this was measured on (an EPYC in a virtual machine), since both go through the
// vDSO on the system's stack. Measuring runs of equal commands together was the way around that, and it blurred what it
// measured: a slow command among fast ones was invisible, and a histogram by command impossible. The processor's time
// stamp counter costs 11 ns there, and one reading per command suffices, as the end of one is the beginning of the next.
//
// The counter is used on amd64 where the processor says that it is invariant: that it counts at one rate whatever the
// clock speed, through sleep states, in step on all cores. What that rate is nobody says reliably, least of all inside a
// virtual machine, so the clock finds it out. It pairs a reading of the counter with one of time.Since when it is made, its
// anchor, and the rate is the time that has passed since the anchor by what the counter has moved. There is no wait at the
// start: the error of a pair, some 50 ns, bounds the error of any duration measured after the anchor, however short.
// Calibrate renews the rate as the process goes on, and the anchor every window, so that the rate follows the system's
// clock. A counter whose rate has changed by more than maxDrift between two windows was upset, for example by the
// migration of a virtual machine, and starts again from a new anchor. One that is upset again and again is not what it
// claims to be: the clock gives it up and reads time.Since from then on, as it does on other processors.
//
// A difference can come out negative when the counter is given up between two readings, or on hardware whose cores
// disagree after all; Nanos makes that 0.
//
// Any goroutine may call Now at any time, and Nanos and Ticks while none calls Calibrate.
type Clock struct {
	started  time.Time
	counting atomic.Bool   // the counter is read, else the nanoseconds since started
	rate     atomic.Uint64 // nanoseconds per tick times 1<<rateBits; 0 until it is known
	pair     func() pair

	anchor pair
	former float64 // nanoseconds per tick in the window before, 0 for none
	upsets int
}

// pair is one moment on both clocks.
type pair struct {
	tick  Tick
	nanos int64
}

const (
	rateBits  = 32
	minWindow = time.Millisecond // after an anchor, before which its rate is not kept
	maxDrift  = 0.01             // relative change of the rate beyond which the counter was upset
	maxUpsets = 8                // after which it is given up
	window    = time.Second      // distance of anchors
	pairTries = 3                // readings of a pair, of which the one least disturbed counts
)

// New returns a clock; it takes a few microseconds.
func New() *Clock {
	c := &Clock{started: time.Now()}
	c.pair = c.readPair
	if steadyCounter() {
		c.begin()
	} else {
		c.giveUp()
	}
	return c
}

// begin puts the counter into use.
func (c *Clock) begin() {
	c.anchor = c.pair()
	c.counting.Store(true)
}

// giveUp makes a tick a nanosecond.
func (c *Clock) giveUp() {
	c.counting.Store(false)
	c.rate.Store(1 << rateBits)
}

// Now reads the clock.
func (c *Clock) Now() Tick {
	if c.counting.Load() {
		return counter()
	}
	return Tick(time.Since(c.started))
}

// Nanos converts the difference of two readings to nanoseconds; a negative one is 0.
func (c *Clock) Nanos(delta Tick) int64 {
	if delta < 0 {
		return 0
	}
	rate := c.rate.Load()
	if rate == 0 {
		rate = c.firstRate()
	}
	high, low := bits.Mul64(uint64(delta), rate)
	return int64(high<<(64-rateBits) | low>>rateBits)
}

// Ticks converts a duration to the difference of two readings that are so far apart.
func (c *Clock) Ticks(d time.Duration) Tick {
	rate := c.rate.Load()
	if rate == 0 {
		rate = c.firstRate()
	}
	return Tick(float64(d) * (1 << rateBits) / float64(rate))
}

// firstRate estimates the rate while Calibrate has not been called yet. It is kept once it is good.
func (c *Clock) firstRate() uint64 {
	now := c.pair()
	rate := fixed(c.perTick(now))
	if now.nanos-c.anchor.nanos >= int64(minWindow) {
		c.rate.Store(rate)
	}
	return rate
}

// perTick returns the nanoseconds per tick since the anchor.
func (c *Clock) perTick(now pair) float64 {
	return float64(max(now.nanos-c.anchor.nanos, 1)) / float64(max(now.tick-c.anchor.tick, 1))
}

func fixed(perTick float64) uint64 { return max(uint64(perTick*(1<<rateBits)), 1) }

// Calibrate compares the counter with the system's clock; it is to be called a few times a second. Durations that lie
// around the call may be off by the change of the rate.
func (c *Clock) Calibrate() {
	if !c.counting.Load() {
		return
	}
	now := c.pair()
	perTick, passed := c.perTick(now), time.Duration(now.nanos-c.anchor.nanos)
	whole := passed >= window
	if whole || c.former == 0 && passed >= minWindow {
		if c.upset(perTick) {
			c.anchor, c.former = now, 0
			return
		}
		c.rate.Store(fixed(perTick))
	}
	if whole {
		c.anchor, c.former = now, perTick
	}
}

// upset reports whether the counter's rate is not what it was, and gives up a counter for which that is the rule.
func (c *Clock) upset(perTick float64) bool {
	if c.former == 0 || perTick < c.former*(1+maxDrift) && perTick > c.former*(1-maxDrift) {
		return false
	}
	c.rate.Store(0)
	c.upsets++
	if c.upsets >= maxUpsets {
		c.giveUp()
	}
	return true
}

// readPair reads both clocks: of a few tries the one during which the least time went by, as the goroutine may be
// interrupted between two readings.
func (c *Clock) readPair() pair {
	var best pair
	var width Tick
	for try := range pairTries {
		before := counter()
		nanos := int64(time.Since(c.started))
		after := counter()
		if w := after - before; try == 0 || w < width {
			best, width = pair{before + w/2, nanos}, w
		}
	}
	return best
}

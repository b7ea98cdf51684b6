package main

import "math"

// limit is a rate in the terms of the generic cell rate algorithm (GCRA, ITU-T I.371). One unit may pass per interval, and
// up to capacity units at once. A key's whole state is one moment, its theoretical arrival time (TAT): when all its units
// will have been given back. All times are in nanoseconds; moments count from the Unix epoch.
type limit struct {
	intervalNs  int64
	toleranceNs int64 // interval times capacity
	capacity    int64
}

const nsPerSec = 1_000_000_000

// newLimit makes a limit of count units per period with a burst on top of the first one. It fails, as everything here
// does, when a number is out of range or a product leaves int64.
func newLimit(burst, count, periodSec int64) (limit, bool) {
	if burst < 0 || burst == math.MaxInt64 || count < 1 || periodSec < 1 {
		return limit{}, false
	}
	periodNs, ok := multiply(periodSec, nsPerSec)
	if !ok || periodNs < count {
		return limit{}, false
	}
	l := limit{intervalNs: periodNs / count, capacity: burst + 1}
	l.toleranceNs, ok = multiply(l.intervalNs, l.capacity)
	return l, ok
}

// verdict is the answer to one request.
type verdict struct {
	allowed      bool
	tatNs        int64 // the new state, if the request was allowed
	remaining    int64 // units that could pass now
	retryAfterNs int64 // until the same request would be allowed; -1 when it was, and when it never will be
	resetAfterNs int64 // until all units are back
}

// take asks for quantity units at nowNs from a key whose TAT is tatNs; any moment that has passed is that of a new key.
func (l limit) take(nowNs, tatNs, quantity int64) (verdict, bool) {
	costNs, ok := multiply(l.intervalNs, quantity)
	tatNs = max(tatNs, nowNs)
	if !ok || quantity < 0 || nowNs < 0 || costNs > math.MaxInt64-tatNs || l.toleranceNs > math.MaxInt64-nowNs {
		return verdict{}, false
	}
	v := verdict{tatNs: tatNs + costNs, retryAfterNs: -1}
	waitNs := v.tatNs - l.toleranceNs - nowNs
	v.allowed = waitNs <= 0
	if !v.allowed {
		v.tatNs = tatNs
		if costNs <= l.toleranceNs {
			v.retryAfterNs = waitNs
		}
	}
	v.resetAfterNs = v.tatNs - nowNs
	v.remaining = max(0, (l.toleranceNs-v.resetAfterNs)/l.intervalNs)
	return v, true
}

// multiply returns a*b for numbers that are not negative, false when it leaves int64.
func multiply(a, b int64) (int64, bool) {
	if a < 0 || b < 0 || b > 0 && a > math.MaxInt64/b {
		return 0, false
	}
	return a * b, true
}

// ceil divides and rounds up; n may be -1, which stays.
func ceil(n, by int64) int64 {
	if n <= 0 {
		return n
	}
	return (n-1)/by + 1
}

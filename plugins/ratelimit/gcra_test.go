package main

import (
	"math"
	"testing"
	"testing/quick"
)

const startNs = 1_700_000_000 * nsPerSec

func mustLimit(t *testing.T, burst, count, periodSec int64) limit {
	t.Helper()
	l, ok := newLimit(burst, count, periodSec)
	if !ok {
		t.Fatalf("limit %d %d %d is refused", burst, count, periodSec)
	}
	return l
}

func TestBurstThenRate(t *testing.T) {
	l := mustLimit(t, 4, 10, 10) // one per second, five at once
	tatNs := int64(0)
	for i := range int64(5) {
		v, ok := l.take(startNs, tatNs, 1)
		if want := (verdict{true, startNs + (i+1)*nsPerSec, 4 - i, -1, (i + 1) * nsPerSec}); v != want || !ok {
			t.Fatalf("request %d: %+v, want %+v", i, v, want)
		}
		tatNs = v.tatNs
	}
	v, _ := l.take(startNs, tatNs, 1)
	if want := (verdict{false, tatNs, 0, nsPerSec, 5 * nsPerSec}); v != want {
		t.Errorf("the sixth: %+v, want %+v", v, want)
	}
	if v, _ = l.take(startNs+nsPerSec-1, tatNs, 1); v.allowed || v.retryAfterNs != 1 {
		t.Errorf("a nanosecond early: %+v", v)
	}
	if v, _ = l.take(startNs+nsPerSec, tatNs, 1); !v.allowed || v.remaining != 0 {
		t.Errorf("in time: %+v", v)
	}
	if v, _ = l.take(startNs+9*nsPerSec, tatNs, 0); !v.allowed || v.remaining != 5 || v.resetAfterNs != 0 {
		t.Errorf("later, asking only: %+v", v)
	}
}

func TestQuantities(t *testing.T) {
	l := mustLimit(t, 9, 10, 1)
	if v, _ := l.take(startNs, 0, 10); !v.allowed || v.remaining != 0 || v.resetAfterNs != nsPerSec {
		t.Errorf("all at once: %+v", v)
	}
	if v, _ := l.take(startNs, 0, 11); v.allowed || v.retryAfterNs != -1 || v.remaining != 10 {
		t.Errorf("more than there ever is: %+v", v)
	}
}

func TestOutOfRange(t *testing.T) {
	for _, n := range [][3]int64{
		{-1, 1, 1}, {0, 0, 1}, {0, 1, 0}, {0, -5, 1}, {0, 1, -1}, {math.MaxInt64, 1, 1}, {0, 1, math.MaxInt64},
		{math.MaxInt64 - 1, 1, 1}, {0, math.MaxInt64, 1}, {1 << 40, 1, 1 << 30},
	} {
		if l, ok := newLimit(n[0], n[1], n[2]); ok {
			t.Errorf("%v gives %+v", n, l)
		}
	}
	l := mustLimit(t, 0, 1, 1)
	for _, quantity := range []int64{-1, math.MaxInt64, math.MaxInt64 / nsPerSec} {
		if v, ok := l.take(startNs, 0, quantity); ok {
			t.Errorf("quantity %d gives %+v", quantity, v)
		}
	}
	if _, ok := l.take(startNs, math.MaxInt64, 1); ok {
		t.Error("a state at the end of time is accepted")
	}
}

// TestNeverMoreThanTheRate checks the promise of the algorithm with random limits and requests: within any time no more
// passes than the capacity and what the rate adds.
func TestNeverMoreThanTheRate(t *testing.T) {
	check := func(burst, count uint8, periodSec uint16, gapsMs []uint16) bool {
		l, ok := newLimit(int64(burst), int64(count)+1, int64(periodSec)+1)
		if !ok {
			return false
		}
		nowNs, tatNs, passed := int64(startNs), int64(0), int64(0)
		for _, gap := range gapsMs {
			nowNs += int64(gap) * nsPerMs
			v, ok := l.take(nowNs, tatNs, 1)
			if !ok || v.remaining < 0 || v.remaining > l.capacity || v.allowed != (v.retryAfterNs == -1) {
				return false
			}
			if v.allowed {
				tatNs, passed = v.tatNs, passed+1
			} else if again, _ := l.take(nowNs+v.retryAfterNs, tatNs, 1); !again.allowed {
				return false
			}
		}
		return passed <= l.capacity+(nowNs-startNs)/l.intervalNs
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

func TestCeil(t *testing.T) {
	for _, tt := range [][3]int64{{-1, 1000, -1}, {0, 1000, 0}, {1, 1000, 1}, {1000, 1000, 1}, {1001, 1000, 2}, {math.MaxInt64, 1, math.MaxInt64}} {
		if got := ceil(tt[0], tt[1]); got != tt[2] {
			t.Errorf("ceil(%d, %d) = %d", tt[0], tt[1], got)
		}
	}
}

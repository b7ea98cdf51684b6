package ticks

import (
	"testing"
	"time"
)

// clocks runs a test on the clock of this machine and on one without a counter, which is what other processors have.
func clocks(t *testing.T, test func(t *testing.T, c *Clock)) {
	t.Run("counter", func(t *testing.T) {
		c := New()
		if !c.counting.Load() {
			t.Skip("this processor has no steady counter")
		}
		test(t, c)
	})
	t.Run("system", func(t *testing.T) {
		c := New()
		c.giveUp()
		test(t, c)
	})
}

// tolerance is how far a measured duration may be off: one part in a hundred.
const tolerance = 100

// measure compares a duration of about d with what the system's clock says. A goroutine that loses the processor between
// the readings of the two clocks proves nothing, so that the best of a few tries counts.
func measure(t *testing.T, c *Clock, d time.Duration) {
	t.Helper()
	var got, least, most int64
	for range 10 {
		outer := time.Now()
		from := c.Now()
		inner := time.Now()
		time.Sleep(d)
		least = int64(time.Since(inner))
		to := c.Now()
		most = int64(time.Since(outer))
		got = c.Nanos(to - from)
		if got >= least-least/tolerance && got <= most+most/tolerance {
			return
		}
	}
	t.Errorf("measured %d ns, the system's clock between %d and %d", got, least, most)
}

func TestAgreesWithSystem(t *testing.T) {
	clocks(t, func(t *testing.T, c *Clock) {
		measure(t, c, 10*time.Millisecond) // before the first calibration
		c.Calibrate()
		measure(t, c, 100*time.Millisecond)
		if got := c.Nanos(c.Ticks(time.Second)); got < 999_999_000 || got > 1_000_001_000 {
			t.Errorf("a second is %d ns", got)
		}
	})
}

func TestNeverGoesBack(t *testing.T) {
	clocks(t, func(t *testing.T, c *Clock) {
		last := c.Now()
		for range 1_000_000 {
			now := c.Now()
			if now < last {
				t.Fatalf("%d after %d", now, last)
			}
			last = now
		}
	})
}

func TestNegativeIsNothing(t *testing.T) {
	clocks(t, func(t *testing.T, c *Clock) {
		for _, d := range []Tick{-1, -1 << 62, 0} {
			if got := c.Nanos(d); got != 0 {
				t.Errorf("%d ticks are %d ns", d, got)
			}
		}
	})
}

func TestLongDurations(t *testing.T) {
	c := faked(0.25)
	c.at(time.Second).Calibrate()
	year := Tick(365 * 24 * time.Hour * 4)
	if got, want := c.Nanos(year), int64(365*24*time.Hour); got != want {
		t.Errorf("a year is %d ns, want %d", got, want)
	}
}

// fake is a clock whose counter and system clock are numbers that the test sets.
type fake struct {
	*Clock
	now     pair
	perTick float64
}

func faked(perTick float64) *fake {
	f := &fake{Clock: &Clock{started: time.Now()}, perTick: perTick}
	f.pair = func() pair { return f.now }
	f.begin()
	return f
}

// at lets time pass at the present rate.
func (f *fake) at(after time.Duration) *Clock {
	f.now.nanos += int64(after)
	f.now.tick += Tick(float64(after) / f.perTick)
	return f.Clock
}

// wants fails unless so many ticks are so many nanoseconds, up to rounding.
func (f *fake) wants(t *testing.T, ticks Tick, nanos int64) {
	t.Helper()
	if got := f.Nanos(ticks); got < nanos-1 || got > nanos+1 {
		t.Errorf("%d ticks are %d ns, want %d", ticks, got, nanos)
	}
}

func TestRateBeforeCalibration(t *testing.T) {
	f := faked(0.5)
	f.at(time.Microsecond)
	f.wants(t, 1000, 500)
}

func TestFollowsSlowChange(t *testing.T) {
	f := faked(0.5)
	for range 20 {
		f.at(window).Calibrate()
		f.perTick *= 1 - maxDrift/2
	}
	f.at(window).Calibrate()
	f.wants(t, 1_000_000, int64(1e6*f.perTick))
	if !f.counting.Load() || f.upsets != 0 {
		t.Errorf("%d upsets", f.upsets)
	}
}

// TestMigration changes the rate at once, as moving a virtual machine to another host does: the clock learns the new one.
func TestMigration(t *testing.T) {
	f := faked(0.5)
	f.at(window).Calibrate()
	f.at(window).Calibrate()
	f.perTick = 0.4
	f.at(window).Calibrate()
	f.at(window / 10).Calibrate()
	f.wants(t, 1_000_000, 400_000)
	f.at(window).Calibrate()
	if !f.counting.Load() || f.upsets != 1 {
		t.Errorf("%d upsets, want 1", f.upsets)
	}
}

func TestGivesUpUnsteadyCounter(t *testing.T) {
	f := faked(0.5)
	for i := range 100 {
		f.at(window).Calibrate()
		f.perTick = 0.5 + 0.1*float64(i%3)
	}
	if f.counting.Load() {
		t.Fatalf("%d upsets and still in use", f.upsets)
	}
	measure(t, f.Clock, 20*time.Millisecond)
	f.Calibrate() // changes nothing now
	measure(t, f.Clock, 20*time.Millisecond)
}

func TestCalibratesOften(t *testing.T) {
	c := New()
	for end := time.Now().Add(3 * window / 2); time.Now().Before(end); time.Sleep(window / 20) {
		c.Calibrate()
	}
	measure(t, c, 100*time.Millisecond)
	if c.upsets != 0 {
		t.Errorf("%d upsets", c.upsets)
	}
}

func BenchmarkNow(b *testing.B) {
	for name, prepare := range map[string]func(c *Clock){"counter": func(*Clock) {}, "system": (*Clock).giveUp} {
		b.Run(name, func(b *testing.B) {
			c := New()
			prepare(c)
			var last Tick
			for b.Loop() {
				last = c.Now()
			}
			_ = last
		})
	}
}

// BenchmarkNanos is what a command's measurement costs beside Now.
func BenchmarkNanos(b *testing.B) {
	c := New()
	time.Sleep(time.Millisecond)
	c.Calibrate()
	sum, d := int64(0), Tick(1000)
	for b.Loop() {
		sum += c.Nanos(d)
		d++
	}
	_ = sum
}

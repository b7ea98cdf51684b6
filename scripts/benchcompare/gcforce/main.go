// Command gcforce is a module that makes the daemon collect garbage all the time, as the daemon itself hardly has
// garbage: so bench-compare shows what a collection costs the clients with a large keyspace.
//
// It owns the command gcforce.every and the goroutine that collects, and refuses to touch the keyspace.
package main

import (
	"runtime/metrics"
	"time"

	"datastore/plugin"
)

const (
	garbageBytes = 256 << 10 // at a time
	garbagePause = 200 * time.Microsecond
)

// maxPeriodMs bounds the argument of gcforce.every.
const maxPeriodMs = 60_000

// collector runs the collections. A module's commands run one at a time, so its fields need no lock; cycles and garbage
// are the goroutine's, which has ended when cycles is read.
type collector struct {
	stop, done chan struct{} // nil while nothing is collected
	cycles     int64
	garbage    []byte // made last
}

// OnLoad registers the command.
func OnLoad(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Init("gcforce", 1, plugin.APIVer2); err != nil {
		return err
	}
	c := &collector{}
	return ctx.CreateCommand("gcforce.every", c.every, plugin.CommandSpec{
		Flags: "readonly", Arity: 2, Summary: "Collects garbage once in so many milliseconds; 0 ends it.",
	})
}

// every is GCFORCE.EVERY milliseconds: begins to collect garbage, waiting that long between two collections. It replies
// how many collections the period that it ends has had; 0 begins no other one.
func (c *collector) every(ctx plugin.Ctx, args []plugin.String) error {
	periodMs, err := args[1].Int64()
	if err != nil || periodMs < 0 || periodMs > maxPeriodMs {
		return plugin.ReplyError("ERR invalid period")
	}
	cycles := c.end()
	if periodMs > 0 {
		c.stop, c.done, c.cycles = make(chan struct{}), make(chan struct{}), 0
		go c.collect(time.Duration(periodMs) * time.Millisecond)
	}
	return ctx.ReplyInt(cycles)
}

// end waits for the goroutine, at most one collection.
func (c *collector) end() int64 {
	if c.stop == nil {
		return 0
	}
	close(c.stop)
	<-c.done
	c.stop = nil
	return c.cycles
}

// collect makes garbage until the runtime collects it by itself. runtime.GC would be simpler, but waits for the end of the
// collection and of sweeping in a loop, on a processor that the daemon's threads need: it would measure itself.
func (c *collector) collect(period time.Duration) {
	defer close(c.done)
	counter := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	cycles := func() int64 {
		metrics.Read(counter)
		return int64(counter[0].Value.Uint64())
	}
	for before := cycles(); ; {
		wait := period
		if n := cycles(); n == before {
			c.garbage = make([]byte, garbageBytes)
			wait = garbagePause
		} else {
			c.cycles += n - before
			before = n
		}
		select {
		case <-c.stop:
			return
		case <-time.After(wait):
		}
	}
}

func main() {}

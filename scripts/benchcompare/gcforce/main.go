// Command gcforce is a module that makes the daemon collect garbage all the time, as the daemon itself hardly has
// garbage: so bench-compare shows what a collection costs the clients with a large keyspace.
//
// It owns the command gcforce.every and the goroutine that collects, and refuses to touch the keyspace.
package main

import (
	"runtime"
	"time"

	"datastore/plugin"
)

// maxPeriodMs bounds the argument of gcforce.every.
const maxPeriodMs = 60_000

// collector runs the collections. A module's commands run one at a time, so its fields need no lock; cycles is written by
// the goroutine and read once that has ended.
type collector struct {
	stop, done chan struct{} // nil while nothing is collected
	cycles     int64
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

func (c *collector) collect(period time.Duration) {
	defer close(c.done)
	for {
		runtime.GC()
		c.cycles++
		select {
		case <-c.stop:
			return
		case <-time.After(period):
		}
	}
}

func main() {}

package plugintest

import (
	"sync/atomic"
	"time"
)

// clock is the time of a server, its replica and its replays. It stands still between two calls of Advance, so that times to
// live, timestamps and timeouts in a test are exact.
type clock struct {
	start   time.Time
	elapsed atomic.Int64 // nanoseconds
}

// Now is the wall clock.
func (c *clock) Now() time.Time { return c.start.Add(c.Elapsed()) }

// Elapsed is what timeouts count with.
func (c *clock) Elapsed() time.Duration { return time.Duration(c.elapsed.Load()) }

// Now returns the time of the server's clock, which moves only with Advance.
func (s *Server) Now() time.Time { return s.clock.Now() }

// Advance moves the clock forward and waits until the server has seen it: timeouts of blocked clients that are due then
// have been answered, and keys whose time is over are gone for every command. Such a key is deleted, and its DEL propagated,
// when a command meets it: there is no search for expired keys here, which would come at moments of its own. Goroutines of
// the module that sleep are not woken: they know another clock.
func (s *Server) Advance(d time.Duration) {
	s.t.Helper()
	if d < 0 {
		s.t.Fatalf("plugintest: Advance(%v): time does not go back", d)
	}
	s.admin.Do("PING") // its turn executes what clients have sent before
	s.clock.elapsed.Add(int64(d))
	// Timeouts are looked at at the end of a turn. The first command's turn does it, and the second one's follows that.
	s.admin.Do("PING")
	s.admin.Do("PING")
	s.report("Advance")
}

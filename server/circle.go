package server

// circle holds all connections in a ring, for the checks that each of them needs once a second. The walk stops after some
// and goes on there in the next cron, so that ten thousand connections cause no stop, and none of them has a timer.
//
// A new connection is put behind the place of the walk, where it comes last. It belongs to whoever holds the execution lock.
type circle struct {
	at *conn // visited next; nil without connections
}

func (r *circle) add(c *conn) {
	if r.at == nil {
		r.at, c.behind, c.before = c, c, c
		return
	}
	c.behind, c.before = r.at, r.at.before
	c.before.behind, c.behind.before = c, c
}

func (r *circle) remove(c *conn) {
	switch {
	case c.behind == nil: // is not in it
		return
	case c.behind == c:
		r.at = nil
	default:
		c.before.behind, c.behind.before = c.behind, c.before
		if r.at == c {
			r.at = c.behind
		}
	}
	c.behind, c.before = nil, nil
}

// walk visits the next n connections. The visit must not add or remove any.
func (r *circle) walk(n int, visit func(c *conn)) {
	for ; n > 0 && r.at != nil; n-- {
		c := r.at
		r.at = c.behind
		visit(c)
	}
}

// checkClients is the cron's part of the walk, of which hz make a round. It closes clients that were silent for longer than
// the timeout directive allows, those whose output stayed above the soft limit, and those that have not logged in.
func (s *Server) checkClients(hz int) {
	limitMs, now := int64(s.values.TimeoutSec)*1000, s.monoMs()
	s.circle.walk((len(s.conns)+hz-1)/hz, func(c *conn) {
		if c.softSince != 0 {
			c.checkOutput()
		}
		switch {
		case c.dead.Load():
		case !c.Authed && now-c.strangeMs > unauthLimitMs:
			s.logf(Verbose, "Closing a client that has not logged in: %s", c.addr)
			c.kill(false)
		case limitMs > 0 && c.replica == nil && c.blocked.Load() == nil && now-c.activeMs.Load() > limitMs:
			s.logf(Verbose, "Closing idle client")
			c.kill(false)
		}
	})
}

package server

import (
	"math/rand/v2"
	"testing"
)

// TestCircleVisitsAll walks in steps while connections come and go: whoever is there for a whole round is visited in it.
func TestCircleVisitsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		s := &Server{conns: map[uint64]*conn{}}
		visited := map[*conn]int{}
		var all []*conn
		add := func() {
			s.nextID++
			c := &conn{}
			c.ID = s.nextID
			s.conns[c.ID] = c
			s.circle.add(c)
			all = append(all, c)
		}
		remove := func() {
			i := r.IntN(len(all))
			s.circle.remove(all[i])
			s.circle.remove(all[i]) // twice does no harm
			delete(s.conns, all[i].ID)
			delete(visited, all[i])
			all[i] = all[len(all)-1]
			all = all[:len(all)-1]
		}
		for range r.IntN(50) {
			add()
		}
		const hz = 10
		for range 5 {
			there := append([]*conn(nil), all...)
			clear(visited)
			for range hz {
				s.circle.walk((len(s.conns)+hz-1)/hz, func(c *conn) { visited[c]++ })
				for range r.IntN(3) {
					if r.IntN(2) == 0 {
						add()
					} else if len(all) > 0 {
						remove()
					}
				}
			}
			for _, c := range there {
				if s.conns[c.ID] == c && visited[c] == 0 {
					t.Fatalf("connection %d of %d was not visited in a round", c.ID, len(all))
				}
			}
		}
		for len(all) > 0 {
			remove()
		}
		if s.circle.at != nil {
			t.Fatal("something is left")
		}
	}
}

// TestClientsAreCheckedInParts wants a cron to look at its part of the connections only, and hz crons at all of them.
func TestClientsAreCheckedInParts(t *testing.T) {
	s := newBench(t)
	s.values.TimeoutSec = 1
	const n, hz = 1000, 10
	for range n {
		client(t, s).activeMs.Store(-1_000_000)
	}
	closing := func() (k int) {
		for _, c := range s.conns {
			if c.dead.Load() {
				k++
			}
		}
		return k
	}
	for i := 1; i <= hz; i++ {
		s.checkClients(hz)
		if got := closing(); got != n/hz*i {
			t.Fatalf("after %d crons %d connections are closed, want %d", i, got, n/hz*i)
		}
	}
}

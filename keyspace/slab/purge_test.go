package slab

import (
	"math/rand/v2"
	"testing"

	"datastore/keyspace/modeltest"
)

// TestAge wants free pages to go back when nobody needs them for some time, and only then; blocks in use keep their content.
func TestAge(t *testing.T) {
	a := New()
	defer a.Close()
	m := newModel(t, modeltest.Start(t, 1), a)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		m.alloc(1 + rng.IntN(4000))
	}
	for range 2000 {
		m.free(rng.IntN(len(m.blocks)))
	}
	purge := func() int64 {
		before := a.dirtyPages
		a.Age()
		for a.PurgeSome() {
		}
		return before - a.dirtyPages
	}
	const each, pages = 3, 200
	for range 40 { // what comes and goes stays
		for range each {
			m.alloc(pages * pageSize)
		}
		for range each {
			m.free(len(m.blocks) - 1)
		}
		purge()
	}
	if a.dirtyPages < each*pages {
		t.Errorf("%d free pages are left of %d that are needed again and again", a.dirtyPages, each*pages)
	}
	for ages := 0; a.dirtyPages > 0; ages++ {
		if before := a.dirtyPages; purge() == 0 && ages > 0 {
			t.Fatalf("%d free pages stay", before)
		}
		if ages == 60 {
			t.Fatal("it takes too long")
		}
	}
	for _, b := range m.blocks {
		m.verify(b)
	}
	m.check()
}

// TestPurgeAll gives everything back in bounded steps.
func TestPurgeAll(t *testing.T) {
	a := New()
	defer a.Close()
	m := newModel(t, modeltest.Start(t, 1), a)
	for range 20_000 {
		m.alloc(3000)
	}
	for i := range 10_000 {
		m.free(i)
	}
	if a.PurgeSome(); a.Purging() {
		t.Error("nobody asked for it")
	}
	a.PurgeAll()
	steps := 0
	for a.PurgeSome() {
		steps++
	}
	if a.dirtyPages != 0 || a.Purging() {
		t.Errorf("%d free pages are left after %d steps", a.dirtyPages, steps)
	}
	for _, b := range m.blocks {
		m.verify(b)
	}
}

// TestAgeFreesEmptyRuns lets a block grow through all sizes: what serves the sizes it has left goes back.
func TestAgeFreesEmptyRuns(t *testing.T) {
	a := New()
	defer a.Close()
	m := newModel(t, modeltest.Start(t, 1), a)
	for n := 8; n < maxSmall; n += 8 {
		m.alloc(n)
		if len(m.blocks) > 1 {
			m.free(0)
		}
	}
	for range 20 {
		a.Age()
		for a.PurgeSome() {
		}
	}
	m.verify(m.blocks[0])
	if over := a.Mapped() - a.HeaderBytes() - a.Used(); over > maxRunPages*pageSize {
		t.Errorf("%d bytes are kept beside one block of %d", over, a.Used())
	}
	for n := 8; n < maxSmall; n += 8 {
		m.alloc(n)
	}
	m.check()
}

package slab

import (
	"testing"

	"datastore/keyspace/modeltest"
)

// purgeIdle gives back what Age has found and returns how many pages that were.
func purgeIdle(a *Arena) int64 {
	before := a.dirtyPages
	for goal := before - a.Age()/pageSize; a.dirtyPages > goal && a.Purge(); {
	}
	return before - a.dirtyPages
}

// TestAge wants free pages to go back when nobody needs them for some time, and only then; blocks in use keep their content.
func TestAge(t *testing.T) {
	a := New()
	defer a.Close()
	m := &model{t: t, c: modeltest.Start(t, 1), a: a, peaks: map[int]int64{}, live: map[int]int64{}}
	for range 60_000 {
		m.alloc(1 + m.c.IntN(4000))
	}
	for range 2000 {
		m.free(m.c.IntN(len(m.blocks)))
	}
	const each, pages = 150, 4
	for range 40 { // what comes and goes stays
		for range each {
			m.alloc(pages * pageSize)
		}
		for range each {
			m.free(len(m.blocks) - 1)
		}
		purgeIdle(a)
	}
	if a.dirtyPages < each*pages {
		t.Errorf("%d free pages are left of %d that are needed again and again", a.dirtyPages, each*pages)
	}
	for ages := 0; a.dirtyPages > 0; ages++ {
		if purgeIdle(a) == 0 && ages > 1 {
			t.Fatalf("%d free pages stay", a.dirtyPages)
		}
	}
	m.audit()
}

// TestAgeFreesEmptyRuns lets a block grow through all sizes: what serves the sizes it has left goes back.
func TestAgeFreesEmptyRuns(t *testing.T) {
	a := New()
	defer a.Close()
	m := &model{t: t, c: modeltest.Start(t, 1), a: a, peaks: map[int]int64{}, live: map[int]int64{}}
	for n := 8; n < maxSmall; n += 8 {
		m.alloc(n)
		if len(m.blocks) > 1 {
			m.free(0)
		}
	}
	a.Age()
	for a.Purge() {
	}
	if over := a.Mapped() - a.HeaderBytes() - a.Used(); over > maxRunPages*pageSize {
		t.Errorf("%d bytes are kept beside one block of %d", over, a.Used())
	}
	for n := 8; n < maxSmall; n += 8 {
		m.alloc(n)
	}
	m.audit()
}

// TestAgeOfNewestChunk wants what a huge page holds beyond the blocks of an arena at rest to go back, once, and the chunk to
// be filled later as any other.
func TestAgeOfNewestChunk(t *testing.T) {
	a := New()
	defer a.Close()
	m := &model{t: t, c: modeltest.Start(t, 1), a: a, peaks: map[int]int64{}, live: map[int]int64{}}
	for range 100 {
		m.alloc(8 * pageSize)
		if a.Age() > 0 && len(m.blocks) > 1 {
			t.Fatal("a chunk that is being filled is at rest")
		}
	}
	rest := chunkAt(a.newest)
	if idle := a.Age(); idle == 0 || idle != a.DirtyBytes() {
		t.Fatalf("%d bytes are idle, %d free", idle, a.DirtyBytes())
	}
	for a.Purge() {
	}
	if n := a.Age(); n != 0 || a.DirtyBytes() != 0 || rest.huge {
		t.Errorf("%d bytes are idle once more, %d free, huge pages: %v", n, a.DirtyBytes(), rest.huge)
	}
	for rest.freeN >= hugeFreePages {
		m.alloc(5 * pageSize)
	}
	if !rest.huge {
		t.Error("a full chunk gets no huge pages")
	}
	m.audit()
}

package keyspace

import (
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// compaction is a walk over all blocks of a store that moves those in sparse runs, so that the runs become empty and go
// back to the system. It runs in steps between units, like active defragmentation in Redis, and is no change of any key:
// neither observers nor access clocks learn of it.
//
// Keys are found with a scan cursor, so that writes and resizes in between do no harm. An aggregate with many elements is
// not walked within the step that meets it: its key is noted and it is looked up again in each step, since it may have
// been deleted or have become something else.
type compaction struct {
	running bool
	expires bool   // the table of the keys with an expiry is being walked
	db      int    // being walked
	cursor  uint64 // in its table

	keys  [][]byte // aggregates to be walked before the scan goes on
	phase int      // of the first one: members, tree or nodes
	at    uint64   // cursor in that phase
}

const (
	phaseTable = iota // elements of a table; of a list its nodes
	phaseTree         // nodes of a sorted set's tree
	phases

	classSlackBytes = 64 << 10 // free bytes below which a size class is left alone

	minSlackBytes = 2 << 20 // free bytes in runs below which compaction is not worth the work
	slackShift    = 4       // and less than this share of the bytes used
)

// CompactionDue reports whether enough memory lies in partly used runs for a compaction to be worth it.
func (s *Store) CompactionDue() bool {
	return s.arena.Slack() > max(minSlackBytes, s.arena.Used()>>slackShift)
}

// DirtyBytes returns the bytes of memory that is kept for reuse though nothing is in it.
func (s *Store) DirtyBytes() int64 { return s.arena.DirtyBytes() + s.owned.DirtyBytes() }

// Purge gives some of that memory back to the system and reports whether it could.
func (s *Store) Purge() bool { return s.arena.Purge() || s.owned.Purge() }

// SlackBytes returns about how much memory compaction could give back at best.
func (s *Store) SlackBytes() int64 { return s.arena.Slack() }

// Compacting reports whether a compaction is under way.
func (s *Store) Compacting() bool { return s.compaction.running }

// BeginCompaction starts one, unless one is under way.
func (s *Store) BeginCompaction() {
	if !s.compaction.running {
		s.arena.Plan(classSlackBytes)
		s.compaction = compaction{running: true}
	}
}

// Compact looks at about n records, elements or nodes and reports whether there are more.
func (s *Store) Compact(n int) (more bool) {
	c := &s.compaction
	for c.running && n > 0 {
		switch {
		case len(c.keys) > 0:
			n -= s.compactAggregate()
		case c.expires:
			n--
			if c.cursor = s.dbs[c.db].expires.Relocate(c.cursor, stay); c.cursor == 0 {
				s.nextDB()
			}
		default:
			n -= s.compactKeys(s.dbs[c.db])
		}
	}
	return c.running
}

func stay(r slab.Ref) slab.Ref { return r }

func (s *Store) nextDB() {
	c := &s.compaction
	c.db, c.expires = c.db+1, false
	c.running = c.db < len(s.dbs)
}

// compactKeys moves the records of one step of the scan and returns how many it has looked at.
func (s *Store) compactKeys(d *DB) int {
	c, n := &s.compaction, 1
	if c.cursor == 0 {
		d.keys.RelocateArrays()
		d.expires.RelocateArrays()
	}
	c.cursor = d.keys.Relocate(c.cursor, func(r slab.Ref) slab.Ref {
		n++
		switch {
		case encodingOf(r) == encObject:
			c.keys = append(c.keys, append([]byte(nil), table.Key(r)...))
		case isExternal(r):
			s.moveExternal(r)
		}
		return d.moveRecord(r)
	})
	if c.cursor == 0 {
		c.expires = true
	}
	return n
}

// moveRecord returns where a record is from now on. The table of keys is the caller's to correct.
func (d *DB) moveRecord(r slab.Ref) slab.Ref {
	a := d.store.arena
	if !a.Sparse(r) {
		return r
	}
	to := a.Dup(r)
	if table.HasExpire(r) {
		d.expires.Replace(d.keys.Hash(table.Key(r)), r, to)
	}
	a.Free(r)
	return to
}

// moveExternal moves the block of a record's value.
func (s *Store) moveExternal(r slab.Ref) {
	off := table.ValueOffset(r)
	if b := slab.Ref(slab.Load64(r, off)); s.arena.Sparse(b) {
		slab.Store64(r, off, uint64(s.arena.Dup(b)))
		s.arena.Free(b)
	}
}

// compactAggregate does a step of the first of the noted aggregates and returns how many elements it has looked at.
func (s *Store) compactAggregate() int {
	c, d := &s.compaction, s.dbs[s.compaction.db]
	r := d.keys.Find(d.keys.Hash(c.keys[0]), c.keys[0])
	n := 1
	if r == 0 || encodingOf(r) != encObject {
		c.phase = phases
	} else {
		n = s.compactObject(&s.objects[objectOf(r)])
	}
	if c.at == 0 {
		c.phase++
	}
	if c.phase >= phases {
		c.keys, c.phase, c.at = dequeue(c.keys), phaseTable, 0
	}
	return n
}

// compactObject does a step in the present phase, and sets the cursor to 0 at its end.
func (s *Store) compactObject(o *object) int {
	c := &s.compaction
	switch {
	case c.phase == phaseTree && o.zset == nil:
		c.at = 0
		return 1
	case c.phase == phaseTree:
		c.at = uint64(o.zset.tree.Relocate(int(c.at)))
		return 1
	case o.list != nil:
		c.at = o.list.relocate(s, c.at)
		return 1
	}
	dict := o.dict
	if o.zset != nil {
		dict = &o.zset.dict
	}
	if c.at == 0 {
		dict.RelocateArrays()
	}
	n := 1
	c.at = dict.Relocate(c.at, func(r slab.Ref) slab.Ref {
		n++
		return s.moveElement(o, r)
	})
	return n
}

func (s *Store) moveElement(o *object, r slab.Ref) slab.Ref {
	if !s.arena.Sparse(r) {
		return r
	}
	to := s.arena.Dup(r)
	if o.zset != nil {
		o.zset.tree.Replace(scoreOf(r), r, to)
	}
	s.arena.Free(r)
	return to
}

// relocate moves node i if it lies in a sparse run and returns the number of the next one, 0 after the last.
func (l *nodeList) relocate(s *Store, i uint64) uint64 {
	if i >= uint64(l.n) {
		return 0
	}
	if nd := l.at(int(i)); s.arena.Sparse(nd.block()) {
		old := nd.block()
		nd.setBlock(s.arena.Dup(old), nd.gap())
		s.arena.Free(old)
	}
	return (i + 1) % uint64(l.n)
}

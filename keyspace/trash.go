package keyspace

import (
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// trash is what has been deleted and not freed yet. A large value leaves the keyspace at once, whatever its size, and its
// memory is given back in steps by FreeSome, which the owner calls when there is time: no command takes longer because it
// deletes much. A flush of everything is cheaper still: the arena with all blocks in it is put away and unmapped in steps,
// without looking at a single record.
//
// What is in the trash counts as used until it is freed. Whoever deletes faster than that pays: beyond a number of waiting
// objects each deletion frees about twice as much as it adds.
type trash struct {
	objects []object      // large aggregates, the first one being emptied
	tables  []flushed     // of databases
	blocks  []slab.Ref    // long strings
	graves  []*slab.Arena // of flushed stores
	natives []native      // of a flushed store
	freed   int64         // objects and blocks so far
}

// flushed is a table of a flushed database: its records are freed with it, or belong to another one.
type flushed struct {
	table   *table.Table
	records bool
}

const (
	lazyElements = 64      // aggregates with more are freed in steps
	lazyBytes    = 2 << 20 // strings of more as well
	swapBytes    = 8 << 20 // a store that maps less than this is flushed record by record

	maxTrashObjects = 1 << 10
	maxTrashBlocks  = 8
	maxPaid         = 1 << 14 // blocks that a single deletion frees of what others left

	discardStep = 4 << 20 // bytes of a long string or an arena given back per step
	stepBlocks  = 256     // what such a step counts as, in blocks freed
)

// FreeSome frees about n of the blocks of deleted values and reports whether there are more.
func (s *Store) FreeSome(n int) (more bool) {
	t := &s.trash
	for n > 0 {
		switch {
		case len(t.blocks) > 0:
			n -= s.shrinkBlock()
		case len(t.objects) > 0:
			n -= s.drainObject(n)
		case len(t.tables) > 0:
			n -= s.drainTable(n)
		case len(t.natives) > 0:
			n -= s.drainNatives(n)
		case len(t.graves) > 0:
			if !t.graves[0].CloseSome(discardStep) {
				t.graves = dequeue(t.graves)
			}
			n -= stepBlocks
		default:
			return false
		}
	}
	return s.Trash() > 0
}

// Trash returns how many deleted objects wait to be freed; keys of a flushed database count one each.
func (s *Store) Trash() int {
	t := &s.trash
	n := len(t.blocks) + len(t.objects) + len(t.natives) + len(t.graves)
	for _, f := range t.tables {
		n += 1 + f.keys()
	}
	return n
}

// Freed returns how many objects FreeSome has freed since the start.
func (s *Store) Freed() int64 { return s.trash.freed }

// dequeue removes the first element; the array goes with the last.
func dequeue[T any](q []T) []T {
	var zero T
	q[0] = zero
	if len(q) == 1 {
		return nil
	}
	return q[1:]
}

// freeBlock frees the block of a value, a long one in steps, a pinned one when the last pin is released.
func (s *Store) freeBlock(r slab.Ref) {
	if len(s.pins) > 0 && s.orphaned(r) {
		return
	}
	size := s.arena.SizeOf(r)
	if size <= lazyBytes {
		s.arena.Free(r)
		return
	}
	s.trash.blocks = append(s.trash.blocks, r)
	if len(s.trash.blocks) > maxTrashBlocks {
		s.FreeSome(min(2*stepBlocks*(size/discardStep+1), maxPaid))
	}
}

// shrinkBlock gives a part of the last long string back. A block keeps no note of how far that has come: its size does.
func (s *Store) shrinkBlock() int {
	t := &s.trash
	last := len(t.blocks) - 1
	if s.arena.Shrink(t.blocks[last], discardStep) {
		return stepBlocks
	}
	s.arena.Free(t.blocks[last])
	t.blocks = t.blocks[:last]
	t.freed++
	return stepBlocks
}

// throw puts an object that no record refers to any more away, or frees it when it is small.
func (s *Store) throw(o object) {
	n := o.len()
	if n <= lazyElements {
		for !s.emptyObject(&o, lazyElements) {
		}
		return
	}
	s.trash.objects = append(s.trash.objects, o)
	if len(s.trash.objects) > maxTrashObjects {
		s.FreeSome(min(2*n, maxPaid))
	}
}

// drainObject frees up to n blocks of the first object and returns about how many.
func (s *Store) drainObject(n int) int {
	if s.emptyObject(&s.trash.objects[0], n) {
		s.trash.objects = dequeue(s.trash.objects)
		s.trash.freed++
	}
	return n
}

// emptyObject frees about n blocks of an object and reports whether it is empty.
func (s *Store) emptyObject(o *object, n int) (done bool) {
	switch {
	case o.list != nil:
		return !o.list.drain(s, n)
	case o.zset != nil:
		if o.zset.tree.Drain(n/8 + 1) {
			return false
		}
		return !o.zset.dict.Drain(n/4+1, s.arena.Free)
	}
	return !o.dict.Drain(n/4+1, s.arena.Free)
}

// keys returns how many records wait to be freed with the table.
func (f flushed) keys() int {
	if !f.records {
		return 0
	}
	return f.table.Len()
}

// drainTable frees about n records of the first flushed table.
func (s *Store) drainTable(n int) int {
	f := s.trash.tables[0]
	free, before := s.freeRecord, f.keys()
	if !f.records {
		free = func(slab.Ref) {}
	}
	if !f.table.Drain(n/4+1, free) {
		s.trash.tables = dequeue(s.trash.tables)
	}
	s.trash.freed += int64(before - f.keys())
	return n
}

// len returns the number of elements.
func (o *object) len() int {
	switch {
	case o.list != nil:
		return o.list.len
	case o.zset != nil:
		return o.zset.dict.Len()
	}
	return o.dict.Len()
}

// drain frees up to n nodes from the head and reports whether there are more.
func (l *nodeList) drain(s *Store, n int) (more bool) {
	for ; n > 0 && l.n > 0; n-- {
		s.arena.Free(l.at(0).block())
		l.head = (l.head + 1) & (len(l.ring) - 1)
		l.n--
	}
	if l.n > 0 {
		return true
	}
	s.heapBytes -= int64(len(l.ring)) * nodeBytes
	l.ring = nil
	return false
}

// FlushAll deletes every key and returns how many there were.
func (s *Store) FlushAll() int { return s.flush(s.dbs...) }

// Flush deletes every key and returns how many there were.
func (d *DB) Flush() int { return d.store.flush(d) }

func (s *Store) flush(dbs ...*DB) int {
	n, all := 0, 0
	for _, d := range s.dbs {
		all += d.keys.Len()
	}
	for _, d := range dbs {
		n += d.keys.Len()
		if s.onChange == nil {
			continue
		}
		for r := range d.keys.All() { // before any is freed: the observer may look keys up
			d.tell(table.Key(r))
		}
	}
	s.changes += int64(n)
	if n == all && s.arena.Mapped() > swapBytes {
		s.swapArena(n)
		return n
	}
	for _, d := range dbs {
		d.flush()
	}
	return n
}

// flush empties a database, in steps when it is large.
func (d *DB) flush() {
	s := d.store
	keys, expires := d.keys, d.expires
	d.keys.Init(s.arena, s.seed)
	d.expires.Init(s.arena, s.seed)
	if keys.Len() > lazyElements {
		s.trash.tables = append(s.trash.tables, flushed{&keys, true}, flushed{&expires, false})
		return
	}
	for keys.Drain(lazyElements, s.freeRecord) {
	}
	for expires.Drain(lazyElements, func(slab.Ref) {}) {
	}
}

// swapArena puts the arena away with all that is in it, n keys and the trash.
func (s *Store) swapArena(n int) {
	s.disownPinned()
	t := &s.trash
	t.freed += int64(n + s.Trash() - len(t.graves) - len(t.natives))
	*t = trash{graves: append(t.graves, s.arena), natives: t.natives, freed: t.freed}
	s.flushNatives()
	s.arena = slab.New()
	s.arena.OnGrowth(s.onGrowth)
	for _, d := range s.dbs {
		d.keys.Init(s.arena, s.seed)
		d.expires.Init(s.arena, s.seed)
	}
	s.objects, s.free, s.heapBytes = nil, nil, 0
	s.compaction = compaction{}
}

// Bury takes over the memory of another store, which must not be used any more, to give it back in steps.
func (s *Store) Bury(dead *Store) {
	s.trash.graves = append(append(s.trash.graves, dead.arena), dead.trash.graves...)
	dead.trash.graves = nil
}

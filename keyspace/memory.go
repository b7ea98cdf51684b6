package keyspace

import (
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// What an object costs on the Go heap, by the sizes that Go allocates: its entry in Store.objects and the structure behind
// it. The ring of a list is counted beside.
const (
	objectEntryBytes = 32
	dictStructBytes  = 112
	zsetStructBytes  = 144
	listStructBytes  = 64
)

// slotBytes is what MemoryOf counts for a key's place in a table of its database. A bucket has 64 bytes and between 2.75 and
// 5.5 entries; a constant lets the answer for a key depend on that key alone, while the sum over all keys is right on average.
const slotBytes = 16

// UsedBytes returns the bytes of all records, values and tables, by the size of the blocks they occupy, and of what belongs
// to them on the Go heap.
func (s *Store) UsedBytes() int64 { return s.arena.Used() + s.owned.Used() + s.heapBytes }

// HeapBytes returns the part of UsedBytes that is on the Go heap.
func (s *Store) HeapBytes() int64 { return s.heapBytes }

// HeaderBytes returns what the allocator needs to know of the blocks.
func (s *Store) HeaderBytes() int64 { return s.arena.HeaderBytes() + s.owned.HeaderBytes() }

// ActiveBytes returns the bytes of all pages in which there is a block.
func (s *Store) ActiveBytes() int64 { return s.arena.Active() + s.owned.Active() }

// MemoryOf returns the bytes that a key occupies: what UsedBytes would lose with it, and slotBytes for each of the tables
// that it is in. It takes constant time, since large aggregates keep count, and looks at a key whose time has come as at any
// other, neither counting a hit nor renewing its access clock; false when there is none.
func (d *DB) MemoryOf(key []byte) (n int64, ok bool) {
	r := d.keys.Find(d.keys.Hash(key), key)
	if r == 0 {
		return 0, false
	}
	if n = slotBytes; table.HasExpire(r) {
		n += slotBytes
	}
	return n + d.store.recordBytes(r), true
}

// TableBytes returns the bytes of the two tables of a database, of all keys and of those that expire.
func (d *DB) TableBytes() (keys, expires int64) { return d.keys.Bytes(), d.expires.Bytes() }

// recordBytes returns the bytes of a record with everything its value holds.
func (s *Store) recordBytes(r slab.Ref) int64 {
	n := int64(s.arena.SizeOf(r))
	switch {
	case encodingOf(r) == encObject:
		n += s.objects[objectOf(r)].totalBytes()
	case encodingOf(r) == encNative:
		n += nativeEntryBytes + s.natives.entries[nativeOf(r)].bytes
	case isExternal(r):
		n += int64(s.arena.SizeOf(slab.Ref(slab.Load64(r, table.ValueOffset(r)))))
	}
	return n
}

// totalBytes returns the bytes of an object with all its blocks.
func (o *object) totalBytes() int64 {
	n := o.structBytes() + o.elementBytes
	switch {
	case o.list != nil:
		n += int64(len(o.list.ring))*nodeBytes + o.list.blockBytes
	case o.dict != nil:
		n += o.dict.Bytes()
	case o.zset != nil:
		n += o.zset.dict.Bytes() + o.zset.tree.Bytes()
	}
	return n
}

// structBytes returns the bytes of an object's own on the Go heap.
func (o *object) structBytes() int64 {
	switch {
	case o.list != nil:
		return objectEntryBytes + listStructBytes
	case o.dict != nil:
		return objectEntryBytes + dictStructBytes
	}
	return objectEntryBytes + zsetStructBytes
}

// newElement makes an element that belongs to an object.
func (s *Store) newElement(o *object, key, val []byte) slab.Ref {
	before := s.arena.Used()
	r := table.NewElement(s.arena, key, val)
	o.elementBytes += s.arena.Used() - before
	return r
}

// freeElement frees an element of an object.
func (s *Store) freeElement(o *object, r slab.Ref) {
	before := s.arena.Used()
	s.arena.Free(r)
	o.elementBytes += s.arena.Used() - before
}

// Age tells the allocator that about a second has passed since the last call. It returns the bytes that Purge could give
// back and that have not been needed in that time.
func (s *Store) Age() int64 { return s.arena.Age() + s.owned.Age() }

// Report describes the allocator from a look at a bounded number of chunks.
func (s *Store) Report(maxChunks int) slab.Report { return s.arena.Report(maxChunks) }

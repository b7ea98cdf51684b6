package keyspace

import (
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// Prefetching brings memory into the cache that a command is about to read. It changes nothing and cannot fail: what it
// refers to may have gone or have moved meanwhile, which costs nothing but its use.

// Prefetch touches the index slots of a key and returns its hash for PrefetchRecord.
func (d *DB) Prefetch(key []byte) uint64 {
	h := d.keys.Hash(key)
	d.keys.Prefetch(h)
	return h
}

// PrefetchRecord touches the record that a key with this hash probably has.
func (d *DB) PrefetchRecord(h uint64) {
	slab.PrefetchBlock(d.keys.Candidate(h))
}

// Elements refers to the elements of a large hash, set or sorted set, for prefetching only; 0 to none.
type Elements uint32

// Elements returns those of key. Looking the key up takes as long as in a command: it is for keys that many commands are
// about to use.
func (d *DB) Elements(key []byte) Elements {
	r := d.keys.Find(d.keys.Hash(key), key)
	if r == 0 || encodingOf(r) != encObject {
		return 0
	}
	return Elements(objectOf(r) + 1)
}

// PrefetchElement touches the index slots of a field or member and returns its hash for PrefetchElementRecord.
func (s *Store) PrefetchElement(e Elements, elem []byte) uint64 {
	t := s.elements(e)
	if t == nil {
		return 0
	}
	h := t.Hash(elem)
	t.Prefetch(h)
	return h
}

// PrefetchElementRecord touches the record that an element with this hash probably has.
func (s *Store) PrefetchElementRecord(e Elements, h uint64) {
	if t := s.elements(e); t != nil {
		slab.PrefetchBlock(t.Candidate(h))
	}
}

func (s *Store) elements(e Elements) *table.Table {
	if e == 0 || int(e) > len(s.objects) {
		return nil
	}
	switch o := &s.objects[e-1]; {
	case o.dict != nil:
		return o.dict
	case o.zset != nil:
		return &o.zset.dict
	}
	return nil
}

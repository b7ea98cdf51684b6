package keyspace

import (
	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// handle is what List, Hash, Set and ZSet share: a key, present or missing, and its record. A handle follows its record
// when its own writes move it; any other write makes it stale.
type handle struct {
	d   *DB
	key []byte
	h   uint64
	r   slab.Ref
}

// find makes h the handle of a key of type t or of a missing key.
func (h *handle) find(d *DB, key []byte, t Type) error {
	hash, r := d.find(key)
	d.touch(r)
	if r != 0 && typeOf(r) != t {
		*h = handle{}
		return ErrWrongType
	}
	h.d, h.key, h.h, h.r = d, key, hash, r
	return nil
}

func (d *DB) handle(e Entry) handle { return handle{d, e.Key(), e.h, e.r} }

// Exists reports whether the key is there.
func (h *handle) Exists() bool { return h.r != 0 }

func (h *handle) encoding() encoding { return encodingOf(h.r) }

func (h *handle) object() *object { return &h.d.store.objects[objectOf(h.r)] }

func (h *handle) change() { h.d.change(h.key) }

// create enters a new record of type t whose value are the bytes of init, with room for extra more.
func (h *handle) create(t Type, e encoding, init []byte, extra int) {
	h.r = h.d.store.newRecord(h.key, len(init)+extra, noExpiry)
	setType(h.r, t, e)
	setLen(h.r, len(init))
	copy(bytesOf(h.r), init)
	h.d.link(h.h, h.r)
}

// createPacked enters a new record that holds an empty listpack with room for extra bytes of elements.
func (h *handle) createPacked(t Type, extra int) {
	var buf [8]byte
	h.create(t, encPacked, packed.New(buf[:0]), extra)
}

// createObject enters a new record of type t that holds an object.
func (h *handle) createObject(t Type, o object) {
	s := h.d.store
	h.r = s.newRecord(h.key, objectIndexBytes, noExpiry)
	setType(h.r, t, encObject)
	setObject(h.r, s.newObject(o))
	h.d.link(h.h, h.r)
}

// room returns the packed value with capacity for extra more bytes; the record may move.
func (h *handle) room(extra int) []byte {
	b := roomOf(h.r, h.d.store.arena)
	if len(b)+extra > cap(b) {
		h.r = h.d.grow(h.h, h.r, len(b)+extra)
		b = roomOf(h.r, h.d.store.arena)
	}
	return b
}

// keep records the length of a packed value that has grown.
func (h *handle) keep(b []byte) { setLen(h.r, len(b)) }

// trim records the length of a packed value that may have shrunk, and gives a block that became much too large back.
func (h *handle) trim(b []byte) {
	setLen(h.r, len(b))
	if isExternal(h.r) {
		if len(b) <= maxInlineBytes/2 {
			h.r = h.d.refit(h.h, h.r, b)
		}
		return
	}
	need := slab.ClassSize(table.ValueOffset(h.r) + len(b))
	if need <= h.d.store.arena.SizeOf(h.r)/2 {
		h.r = h.d.refit(h.h, h.r, b)
	}
}

// trimList is trim of a listpack; the key goes with the last element.
func (h *handle) trimList(b []byte) {
	if packed.Len(b) == 0 {
		h.remove()
		return
	}
	h.trim(b)
}

// become replaces a packed value by an object; the packed bytes must have been read before.
func (h *handle) become(o object) {
	s := h.d.store
	n := s.newRecord(h.key, objectIndexBytes, expiryOf(h.r))
	setType(n, typeOf(h.r), encObject)
	table.SetAccessClock(n, table.AccessClock(h.r))
	setObject(n, s.newObject(o))
	h.d.replace(h.h, h.r, n)
	s.freeRecord(h.r)
	h.r = n
}

// remove deletes the key after its last element has gone; the removal of that element was the change.
func (h *handle) remove() {
	h.d.unlink(h.h, h.r)
	h.d.store.freeRecord(h.r)
	h.r = 0
}

// cloneObject copies an object with all its blocks.
func (s *Store) cloneObject(i uint32) uint32 {
	switch o := s.objects[i]; {
	case o.list != nil:
		return s.newObject(object{list: o.list.clone(s)})
	case o.dict != nil:
		return s.newObject(object{dict: s.cloneDict(o.dict, nil), elementBytes: o.elementBytes})
	default:
		z := s.newBigZSet(o.zset.dict.Len())
		s.cloneInto(&z.dict, &o.zset.dict, z)
		return s.newObject(object{zset: z, elementBytes: o.elementBytes})
	}
}

func (s *Store) cloneDict(t *table.Table, z *bigZSet) *table.Table {
	n := s.newDict()
	n.Reserve(t.Len())
	s.cloneInto(n, t, z)
	return n
}

// cloneInto copies all elements of a table, and enters them into the tree of z when there is one.
func (s *Store) cloneInto(dst, src *table.Table, z *bigZSet) {
	for r := range src.All() {
		key := table.Key(r)
		n := table.NewElement(s.arena, key, table.ElementValue(r))
		dst.Insert(dst.Hash(key), n)
		if z != nil {
			z.tree.Insert(scoreOf(n), n)
		}
	}
}

// setElement stores a value in an element: in its place when the length is the same, else the element moves.
func (s *Store) setElement(o *object, at slot, key, val []byte) {
	if old := table.ElementValue(at.r); len(old) == len(val) {
		copy(old, val)
		return
	}
	n := s.newElement(o, key, val)
	o.dict.Replace(at.h, at.r, n)
	s.freeElement(o, at.r)
}

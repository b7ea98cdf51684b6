package keyspace

import (
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// A string of megabytes should not be copied under the execution lock: not from the input buffer into the keyspace, and not
// from the keyspace into the output buffer. Two ways around it, both for strings in a mapping of their own:
//
// A reader pins the string's block (Pin) and sends the bytes later, without the lock. What is pinned is never written:
// a deletion leaves the block to the pin, a change in place goes to a copy.
//
// A receiver takes a Buffer, which is a mapping that belongs to no store, and fills it without the lock. The command that
// comes with it offers it (Offer); a string that is set to just these bytes takes the mapping over.

// Pin keeps the bytes of a string as they are. It must be released under the lock, once, also after its store was closed.
type Pin struct {
	s *Store
	r slab.Ref
}

// pinned is what the store knows of a pinned block.
type pinned struct {
	pins   int
	orphan bool // no record refers to it any more
	size   int  // of a block that its arena has given up, else 0
}

// Pin pins the string whose value b is, a view of the whole of it; false when it is not worth it and should be copied.
func (s *Store) Pin(b []byte) (Pin, bool) {
	r := slab.RefOf(b)
	if len(b) < MinPinBytes || !s.arena.IsDirect(r) {
		return Pin{}, false
	}
	if s.pins == nil {
		s.pins = make(map[slab.Ref]*pinned)
	}
	p := s.pins[r]
	if p == nil {
		p = new(pinned)
		s.pins[r] = p
	}
	p.pins++
	return Pin{s, r}, true
}

// MinPinBytes is the length below which no string is pinned or received in a Buffer: copying it takes a fraction of a
// millisecond.
const MinPinBytes = slab.MinDirect

// Release ends a pin.
func (p Pin) Release() {
	k := p.s.pins[p.r]
	if k.pins--; k.pins > 0 {
		return
	}
	delete(p.s.pins, p.r)
	switch {
	case k.size > 0 && p.s.closed:
		slab.Unmap(p.r, k.size)
	case k.size > 0:
		p.s.arena.Adopt(p.r, k.size)
		p.s.freeBlock(p.r)
	case k.orphan:
		p.s.freeBlock(p.r)
	}
}

// orphaned reports whether a block that its record gives up is pinned; the last pin frees it then.
func (s *Store) orphaned(r slab.Ref) bool {
	p := s.pins[r]
	if p == nil {
		return false
	}
	p.orphan = true
	return true
}

// disownPinned takes the pinned blocks out of the arena, which is about to be given up.
func (s *Store) disownPinned() {
	for r, p := range s.pins {
		if p.size == 0 {
			p.size = s.arena.Disown(r)
		}
	}
}

// unshare gives a record whose external value is pinned a copy of it, with room for at least room bytes.
func (s *Store) unshare(r slab.Ref, room int) {
	if len(s.pins) == 0 || !isExternal(r) {
		return
	}
	off := table.ValueOffset(r)
	old := slab.Ref(slab.Load64(r, off))
	if !s.orphaned(old) {
		return
	}
	n := int(slab.Load64(r, off+8))
	b := s.arena.Alloc(max(n, room))
	slab.Copy(b, 0, old, 0, n)
	slab.Store64(r, off, uint64(b))
}

// Buffer is memory for a string that is being received. It belongs to no store: it may be made and filled without the lock.
type Buffer struct {
	r    slab.Ref
	size int // mapped
}

// NewBuffer returns a buffer of at least n bytes, which take no memory before they are written. The error is that of the
// system when it has no address space left.
func NewBuffer(n int) (Buffer, error) {
	r, size, err := slab.Map(n)
	return Buffer{r, size}, err
}

// Bytes returns the first n bytes.
func (b Buffer) Bytes(n int) []byte { return slab.Bytes(b.r, 0, n) }

// Free gives a buffer back that was not offered.
func (b Buffer) Free() { slab.Unmap(b.r, b.size) }

// offer is a buffer that holds an argument of the running command.
type offer struct {
	Buffer
	n int // its length
}

// Offer tells that the first n bytes of b are an argument of the command that runs next. The store owns b from now on.
func (s *Store) Offer(b Buffer, n int) { s.offers = append(s.offers, offer{b, n}) }

// Retract frees the buffers offered that no string has taken, in steps.
func (s *Store) Retract() {
	for _, o := range s.offers {
		s.arena.Adopt(o.r, o.size)
		s.freeBlock(o.r)
	}
	s.offers = s.offers[:0]
}

// taken looks for the buffer that val is and takes it out of the offers; 0 when there is none.
func (s *Store) taken(val []byte) slab.Ref {
	r := slab.RefOf(val)
	for i, o := range s.offers {
		if o.r == r && o.n == len(val) {
			s.offers = append(s.offers[:i], s.offers[i+1:]...)
			s.arena.Adopt(o.r, o.size)
			return r
		}
	}
	return 0
}

// setBlock stores a block as the value of a string.
func (d *DB) setBlock(at slot, key []byte, b slab.Ref, n int, expireMs int64) {
	s := d.store
	r := s.newShell(key, b, n, expireMs)
	setType(r, TypeString, encRaw)
	if at.r == 0 {
		d.link(at.h, r)
		return
	}
	d.replace(at.h, at.r, r)
	d.discard(at.r)
}

package keyspace

import (
	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// Hash is the handle of a hash: a listpack of fields and values up to the limits, a table of elements above.
type Hash struct{ handle }

// Hash opens a hash or a missing key.
func (d *DB) Hash(key []byte) (h Hash, err error) {
	err = h.Find(d, key)
	return h, err
}

// Len returns the number of fields.
func (h *Hash) Len() int {
	switch {
	case h.r == 0:
		return 0
	case h.encoding() == encPacked:
		return packed.Len(bytesOf(h.r)) / 2
	}
	return h.object().dict.Len()
}

// Get returns the value of a field.
func (h *Hash) Get(field []byte) (Value, bool) {
	if h.r == 0 {
		return Value{}, false
	}
	if h.encoding() == encPacked {
		b := bytesOf(h.r)
		off := findField(b, field)
		if off < 0 {
			return Value{}, false
		}
		return packed.Get(b, packed.Next(b, off)), true
	}
	t := h.object().dict
	r := t.Find(t.Hash(field), field)
	if r == 0 {
		return Value{}, false
	}
	return Value{Bytes: table.ElementValue(r)}, true
}

// findField returns the offset of a field in a listpack of pairs, or -1.
func findField(b, field []byte) int {
	off := packed.First(b)
	if off < 0 {
		return -1
	}
	return packed.Find(b, off, field, 1)
}

// Has reports whether a field is there.
func (h *Hash) Has(field []byte) bool {
	_, ok := h.Get(field)
	return ok
}

// Set stores a field, creating the hash, and reports whether the field is new.
func (h *Hash) Set(field, val []byte) bool {
	h.change()
	l := &h.d.store.limits
	fits := len(field) <= l.HashValueBytes && len(val) <= l.HashValueBytes
	switch {
	case h.r == 0 && fits && l.HashEntries > 0:
		h.createPacked(TypeHash, packed.EntrySize(field)+packed.EntrySize(val))
		return h.setPacked(field, val)
	case h.r == 0:
		h.createObject(TypeHash, object{dict: h.d.store.newDict()})
	case h.encoding() == encPacked && fits:
		return h.setPacked(field, val)
	case h.encoding() == encPacked:
		h.unpack()
	}
	return h.setDict(field, val)
}

func (h *Hash) setPacked(field, val []byte) bool {
	b := bytesOf(h.r)
	off := findField(b, field)
	if off >= 0 {
		off = packed.Next(b, off)
		b = h.room(max(0, packed.ReplacedSize(b, off, val)-len(b)))
		h.trim(packed.Replace(b, off, val))
		return false
	}
	if packed.Len(b)/2 >= h.d.store.limits.HashEntries {
		h.unpack()
		return h.setDict(field, val)
	}
	b = h.room(packed.EntrySize(field) + packed.EntrySize(val))
	h.keep(packed.Append(packed.Append(b, field), val))
	return true
}

func (h *Hash) setDict(field, val []byte) bool {
	o := h.object()
	hash := o.dict.Hash(field)
	if r := o.dict.Find(hash, field); r != 0 {
		h.d.store.setElement(o, slot{hash, r}, field, val)
		return false
	}
	o.dict.Insert(hash, h.d.store.newElement(o, field, val))
	return true
}

// unpack turns the listpack into a table.
func (h *Hash) unpack() {
	s := h.d.store
	o := object{dict: s.newDict()}
	b := bytesOf(h.r)
	o.dict.Reserve(packed.Len(b) / 2)
	var name, text [24]byte
	for off := packed.First(b); off >= 0; {
		f, val := packed.Get(b, off), packed.Next(b, off)
		field := textOf(f, &name)
		o.dict.Insert(o.dict.Hash(field), s.newElement(&o, field, textOf(packed.Get(b, val), &text)))
		off = packed.Next(b, val)
	}
	h.become(o)
}

// textOf returns a value's bytes, formatting an integer into buf.
func textOf(v Value, buf *[24]byte) []byte {
	if v.IsInt() {
		return v.AppendTo(buf[:0])
	}
	return v.Bytes
}

// Delete removes a field and reports whether it was there; the key goes with its last field.
func (h *Hash) Delete(field []byte) bool {
	if h.r == 0 {
		return false
	}
	if h.encoding() == encPacked {
		off := findField(bytesOf(h.r), field)
		if off < 0 {
			return false
		}
		h.change()
		h.trimList(packed.Delete(h.room(0), off, 2))
		return true
	}
	o := h.object()
	hash := o.dict.Hash(field)
	r := o.dict.Find(hash, field)
	if r == 0 {
		return false
	}
	h.change()
	o.dict.Remove(hash, r)
	h.d.store.freeElement(o, r)
	if o.dict.Len() == 0 {
		h.remove()
	}
	return true
}

// HashIter walks the fields of a hash in no particular order. No write may come between the steps.
type HashIter struct {
	b     []byte
	field int
	val   int
	walk  table.Iter
	dict  bool
}

// Iter starts a walk over all fields.
func (h *Hash) Iter() HashIter {
	switch {
	case h.r == 0:
		return HashIter{field: -1, val: -1}
	case h.encoding() == encPacked:
		return HashIter{b: bytesOf(h.r), field: -1}
	}
	return HashIter{walk: h.object().dict.Iter(), dict: true}
}

// Next goes to the next field and reports whether there is one.
func (it *HashIter) Next() bool {
	if it.dict {
		return it.walk.Next()
	}
	switch {
	case it.val < 0:
		return false
	case it.field < 0:
		it.field = packed.First(it.b)
	default:
		it.field = packed.Next(it.b, it.val)
	}
	if it.val = -1; it.field >= 0 {
		it.val = packed.Next(it.b, it.field)
	}
	return it.field >= 0
}

// Field returns the current field.
func (it *HashIter) Field() Value {
	if it.dict {
		return Value{Bytes: table.Key(it.walk.Ref())}
	}
	return packed.Get(it.b, it.field)
}

// Value returns the current value.
func (it *HashIter) Value() Value {
	if it.dict {
		return Value{Bytes: table.ElementValue(it.walk.Ref())}
	}
	return packed.Get(it.b, it.val)
}

// Scan calls emit for the fields of one step and returns the next cursor, 0 at the end; a packed hash is one step.
func (h *Hash) Scan(cursor uint64, emit func(field, value Value)) uint64 {
	if h.r == 0 {
		return 0
	}
	if h.encoding() == encObject {
		return h.object().dict.Scan(cursor, func(r slab.Ref) {
			emit(Value{Bytes: table.Key(r)}, Value{Bytes: table.ElementValue(r)})
		})
	}
	for it := h.Iter(); it.Next(); {
		emit(it.Field(), it.Value())
	}
	return 0
}

// Random returns a random field, each with the same probability; the hash must exist.
func (h *Hash) Random(rnd Rand) (field, value Value) {
	if h.encoding() == encObject {
		r := h.object().dict.Random(rnd)
		return Value{Bytes: table.Key(r)}, Value{Bytes: table.ElementValue(r)}
	}
	b := bytesOf(h.r)
	off := packed.Index(b, 2*int(rnd(uint64(packed.Len(b)/2))))
	return packed.Get(b, off), packed.Get(b, packed.Next(b, off))
}

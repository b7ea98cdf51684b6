package keyspace

import (
	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// Set is the handle of a set: an intset while all members are integers and few, a table of elements otherwise.
type Set struct{ handle }

// Set opens a set or a missing key.
func (d *DB) Set(key []byte) (s Set, err error) {
	err = s.Find(d, key)
	return s, err
}

// Len returns the number of members.
func (s *Set) Len() int {
	switch {
	case s.r == 0:
		return 0
	case s.encoding() == encIntset:
		return packed.IntsetLen(bytesOf(s.r))
	}
	return s.object().dict.Len()
}

// Has reports whether m is a member.
func (s *Set) Has(m []byte) bool {
	if s.r == 0 {
		return false
	}
	if s.encoding() == encIntset {
		n, ok := packed.ParseInt(m)
		if !ok {
			return false
		}
		_, ok = packed.IntsetFind(bytesOf(s.r), n)
		return ok
	}
	t := s.object().dict
	return t.Find(t.Hash(m), m) != 0
}

// Add adds a member, creating the set, and reports whether it is new.
func (s *Set) Add(m []byte) bool {
	if s.r != 0 && s.encoding() == encObject {
		return s.addDict(m)
	}
	n, isInt := packed.ParseInt(m)
	if s.r == 0 {
		s.change()
		if isInt && s.d.store.limits.IntsetEntries > 0 {
			var buf [24]byte
			b, _ := packed.IntsetAdd(packed.NewIntset(buf[:0]), n)
			s.create(TypeSet, encIntset, b, 0)
			return true
		}
		s.createObject(TypeSet, object{dict: s.d.store.newDict()})
		s.insert(m)
		return true
	}
	return s.addIntset(m, n, isInt)
}

func (s *Set) addDict(m []byte) bool {
	o := s.object()
	h := o.dict.Hash(m)
	if o.dict.Find(h, m) != 0 {
		return false
	}
	s.change()
	o.dict.Insert(h, s.d.store.newElement(o, m, nil))
	return true
}

func (s *Set) addIntset(m []byte, n int64, isInt bool) bool {
	b := bytesOf(s.r)
	if isInt {
		if _, ok := packed.IntsetFind(b, n); ok {
			return false
		}
	}
	s.change()
	if !isInt || packed.IntsetLen(b) >= s.d.store.limits.IntsetEntries {
		s.unpack()
		s.insert(m)
		return true
	}
	b = s.room(packed.IntsetGrown(b, n) - len(b))
	b, _ = packed.IntsetAdd(b, n)
	s.keep(b)
	return true
}

func (s *Set) insert(m []byte) {
	o := s.object()
	o.dict.Insert(o.dict.Hash(m), s.d.store.newElement(o, m, nil))
}

// unpack turns the intset into a table.
func (s *Set) unpack() {
	st := s.d.store
	o := object{dict: st.newDict()}
	b := bytesOf(s.r)
	o.dict.Reserve(packed.IntsetLen(b) + 1)
	var text [24]byte
	for i := range packed.IntsetLen(b) {
		m := textOf(Value{Int: packed.IntsetAt(b, i)}, &text)
		o.dict.Insert(o.dict.Hash(m), st.newElement(&o, m, nil))
	}
	s.become(o)
}

// Remove removes a member and reports whether it was there; the key goes with its last member.
func (s *Set) Remove(m []byte) bool {
	if s.r == 0 {
		return false
	}
	if s.encoding() == encIntset {
		return s.removeIntset(m)
	}
	o := s.object()
	h := o.dict.Hash(m)
	r := o.dict.Find(h, m)
	if r == 0 {
		return false
	}
	s.change()
	o.dict.Remove(h, r)
	s.d.store.freeElement(o, r)
	if o.dict.Len() == 0 {
		s.remove()
	}
	return true
}

func (s *Set) removeIntset(m []byte) bool {
	n, ok := packed.ParseInt(m)
	if !ok {
		return false
	}
	if _, ok = packed.IntsetFind(bytesOf(s.r), n); !ok {
		return false
	}
	s.change()
	if b, _ := packed.IntsetRemove(s.room(0), n); packed.IntsetLen(b) == 0 {
		s.remove()
	} else {
		s.trim(b)
	}
	return true
}

// SetIter walks the members of a set, integers in ascending order, others in no particular order.
type SetIter struct {
	b    []byte
	i    int
	walk table.Iter
	dict bool
}

// Iter starts a walk over all members. No write may come between the steps.
func (s *Set) Iter() SetIter {
	switch {
	case s.r == 0:
		return SetIter{}
	case s.encoding() == encIntset:
		return SetIter{b: bytesOf(s.r), i: -1}
	}
	return SetIter{walk: s.object().dict.Iter(), dict: true}
}

// Next goes to the next member and reports whether there is one.
func (it *SetIter) Next() bool {
	if it.dict {
		return it.walk.Next()
	}
	it.i++
	return it.b != nil && it.i < packed.IntsetLen(it.b)
}

// Value returns the current member.
func (it *SetIter) Value() Value {
	if it.dict {
		return Value{Bytes: table.Key(it.walk.Ref())}
	}
	return Value{Int: packed.IntsetAt(it.b, it.i)}
}

// Scan calls emit for the members of one step and returns the next cursor, 0 at the end; an intset is one step.
func (s *Set) Scan(cursor uint64, emit func(m Value)) uint64 {
	if s.r == 0 {
		return 0
	}
	if s.encoding() == encObject {
		return s.object().dict.Scan(cursor, func(r slab.Ref) { emit(Value{Bytes: table.Key(r)}) })
	}
	for it := s.Iter(); it.Next(); {
		emit(it.Value())
	}
	return 0
}

// Random returns a random member, each with the same probability; the set must exist.
func (s *Set) Random(rnd Rand) Value {
	if s.encoding() == encObject {
		return Value{Bytes: table.Key(s.object().dict.Random(rnd))}
	}
	b := bytesOf(s.r)
	return Value{Int: packed.IntsetAt(b, int(rnd(uint64(packed.IntsetLen(b)))))}
}

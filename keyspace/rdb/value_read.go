package rdb

import (
	"math"

	"datastore/keyspace"
	"datastore/keyspace/packed"
)

// target is where a value goes.
type target struct {
	d    *keyspace.DB
	key  []byte
	meta keyspace.Meta
	drop bool // check the value and forget it
	only bool // nothing may follow the value
	over bool // the value takes the place of what the key holds
}

// decoder reads values into a store. Each is checked completely before it is entered, so that a failure leaves nothing of
// it behind. It keeps its memory from value to value.
type decoder struct {
	r     *Reader
	s     *keyspace.Store
	b     *keyspace.Builder
	elem  []byte // field or member whose value or score is being read
	lp    []byte // listpack made of an old format
	check checker

	frozen bool             // native values stay as they were saved
	opaque map[uint64]int64 // how many values of which type have stayed so
}

func newDecoder(r *Reader, s *keyspace.Store) decoder {
	return decoder{r: r, s: s, b: keyspace.NewBuilder(s), check: newChecker()}
}

// decode reads a value of type t and enters it. The error is the Reader's, or ErrExists.
func (v *decoder) decode(t byte, to *target) error {
	ok := true
	switch t {
	case typeString:
		if val := v.r.NextString(); v.wanted(to) {
			ok = to.d.LoadStr(to.key, val, to.meta)
		}
	case typeList, typeSet, typeZSet, typeZSet2, typeHash:
		ok = v.elements(t, to)
	case typeQuicklist, typeQuicklist2:
		ok = v.quicklist(t, to)
	case typeHashZipmap, typeHashZiplist, typeHashListpack:
		ok = v.packed(t, keyspace.TypeHash, to)
	case typeZSetZiplist, typeZSetListpack:
		ok = v.packed(t, keyspace.TypeZSet, to)
	case typeListZiplist:
		ok = v.packed(t, keyspace.TypeList, to)
	case typeSetIntset:
		ok = v.packed(t, keyspace.TypeSet, to)
	case typeModule2:
		return v.native(to)
	default:
		return v.r.unsupported(t)
	}
	if v.r.err == nil && !ok {
		return ErrExists
	}
	return v.r.err
}

// wanted reports whether the value that was read is whole and to be entered, which happens next.
func (v *decoder) wanted(to *target) bool {
	if rest := len(v.r.Buffered()); to.only && rest > 0 {
		v.r.Corrupt("%d bytes after the value", rest)
	}
	if v.r.err != nil || to.drop {
		return false
	}
	if to.over {
		to.d.Delete(to.key)
	}
	return true
}

// put enters what the Builder has; false when the key is present.
func (v *decoder) put(to *target) bool {
	if v.r.err == nil && v.b.Len() == 0 {
		v.r.Corrupt("value without elements")
	}
	if !v.wanted(to) {
		v.b.Drop()
		return true
	}
	return v.b.Put(to.d, to.key, to.meta)
}

// elements reads an aggregate whose elements are strings of their own.
func (v *decoder) elements(t byte, to *target) bool {
	r := v.r
	n := r.ReadLen()
	v.b.Start(valueType(t), n)
	for ; n > 0 && r.err == nil; n-- {
		if !v.element(t) && r.err == nil {
			r.Corrupt("repeated element")
		}
	}
	if cap(v.elem) > maxIdleBytes {
		v.elem = nil
	}
	return v.put(to)
}

// element reads one element and adds it; false when it is not new or the Reader failed.
func (v *decoder) element(t byte) bool {
	r := v.r
	if t == typeList || t == typeSet {
		elem := r.NextString()
		if r.err != nil {
			return false
		}
		if t == typeSet {
			return v.b.AddMember(elem)
		}
		v.b.AddElem(elem)
		return true
	}
	v.elem = r.ReadString(v.elem[:0])
	if t == typeHash {
		val := r.NextString()
		return r.err == nil && v.b.AddField(v.elem, val)
	}
	var score float64
	if t == typeZSet {
		score = r.ReadTextDouble()
	} else {
		score = r.ReadDouble()
	}
	if math.IsNaN(score) {
		r.Corrupt("score is not a number")
	}
	return r.err == nil && v.b.AddScored(v.elem, score)
}

func valueType(t byte) keyspace.Type {
	switch t {
	case typeList:
		return keyspace.TypeList
	case typeSet:
		return keyspace.TypeSet
	case typeHash:
		return keyspace.TypeHash
	}
	return keyspace.TypeZSet
}

// quicklist reads a list of nodes. As in Redis, nodes without elements are passed over.
func (v *decoder) quicklist(t byte, to *target) bool {
	n := v.r.ReadLen()
	if n == 1 {
		node := v.node(t)
		if v.r.err == nil && packed.First(node) < 0 {
			v.r.Corrupt("value without elements")
		}
		return !v.wanted(to) || to.d.LoadPacked(to.key, keyspace.TypeList, node, to.meta)
	}
	v.b.Start(keyspace.TypeList, n)
	for ; n > 0; n-- {
		node := v.node(t)
		if v.r.err != nil {
			break
		}
		if packed.First(node) >= 0 {
			v.b.AddNode(node)
		}
	}
	return v.put(to)
}

// node reads a node of a list as a listpack, which is valid until the next read or conversion.
func (v *decoder) node(t byte) []byte {
	container := uint64(nodePacked)
	if t == typeQuicklist2 {
		container = v.r.ReadLen()
	}
	b := v.r.NextString()
	switch {
	case v.r.err != nil:
	case container == nodePlain:
		v.lp = packed.Append(packed.New(v.spare()), b)
		return v.lp
	case container != nodePacked:
		v.r.Corrupt("unknown container %d of a list's node", container)
	case t == typeQuicklist:
		return v.ziplist(b)
	default:
		v.validate(packed.Validate(b))
	}
	return b
}

// packed reads an aggregate that is one string.
func (v *decoder) packed(t byte, kind keyspace.Type, to *target) bool {
	b := v.r.NextString()
	if v.r.err != nil {
		return true
	}
	switch t {
	case typeHashZipmap:
		b = v.zipmap(b)
	case typeListZiplist, typeZSetZiplist, typeHashZiplist:
		b = v.ziplist(b)
	case typeSetIntset:
		v.validate(packed.ValidateIntset(b))
	default:
		v.validate(packed.Validate(b))
	}
	entries := 0
	if v.r.err == nil {
		entries = v.entries(kind, b)
	}
	if !v.wanted(to) {
		return true
	}
	if v.s.FitsPacked(kind, entries) {
		return to.d.LoadPacked(to.key, kind, b, to.meta)
	}
	v.build(kind, b, entries)
	return v.put(to)
}

// entries checks what a packed value means, and returns the number of its elements, pairs counting as one.
func (v *decoder) entries(kind keyspace.Type, b []byte) int {
	n := 0
	switch kind {
	case keyspace.TypeSet:
		n = packed.IntsetLen(b)
	case keyspace.TypeList:
		n = packed.Len(b)
	default:
		if n = packed.Len(b); n%2 != 0 {
			v.r.Corrupt("pair without second half")
			return 0
		}
		n /= 2
		if kind == keyspace.TypeZSet {
			v.validate(ordered(b))
		}
		v.validate(v.check.unique(b, n))
	}
	if n == 0 {
		v.r.Corrupt("value without elements")
	}
	return n
}

// build turns a checked packed value that is too large to stay one into the large encoding.
func (v *decoder) build(kind keyspace.Type, b []byte, entries int) {
	v.b.Start(kind, uint64(entries))
	var first, second [maxNumberText]byte
	if kind == keyspace.TypeSet {
		for i := range entries {
			v.b.AddMember(textOf(packed.Value{Int: packed.IntsetAt(b, i)}, &first))
		}
		return
	}
	for off := packed.First(b); off >= 0; {
		elem, next := textOf(packed.Get(b, off), &first), packed.Next(b, off)
		val := packed.Get(b, next)
		if kind == keyspace.TypeHash {
			v.b.AddField(elem, textOf(val, &second))
		} else {
			score, _ := val.Float()
			v.b.AddScored(elem, score)
		}
		off = packed.Next(b, next)
	}
}

// validate makes what a check of a packed value found the Reader's error.
func (v *decoder) validate(err error) {
	if err != nil {
		v.r.Corrupt("%v of the value that ends", err)
	}
}

package rdb

import (
	"datastore/keyspace"
	"datastore/keyspace/packed"
)

// plainBytes is the size of a node with one element from which on it is written as that element: Redis does not load
// larger listpacks.
const plainBytes = packed.MaxSize

// typeOf returns the value type that e is written as.
func typeOf(e keyspace.Entry) byte {
	_, isPacked := e.Packed()
	switch e.Type() {
	case keyspace.TypeList:
		return typeQuicklist2
	case keyspace.TypeSet:
		if isPacked {
			return typeSetIntset
		}
		return typeSet
	case keyspace.TypeZSet:
		if isPacked {
			return typeZSetListpack
		}
		return typeZSet2
	case keyspace.TypeHash:
		if isPacked {
			return typeHashListpack
		}
		return typeHash
	case keyspace.TypeNative:
		return typeModule2
	}
	return typeString
}

// writeValue writes the value of e, which follows the type and, in a file, the key.
func (w *Writer) writeValue(e keyspace.Entry) {
	if e.Type() == keyspace.TypeList {
		l := e.List()
		w.writeList(&l, plainBytes)
		return
	}
	if b, ok := e.Packed(); ok {
		w.WriteString(b)
		return
	}
	switch e.Type() {
	case keyspace.TypeNative:
		w.writeNative(e)
	case keyspace.TypeString:
		w.writeElem(e.Str())
	case keyspace.TypeSet:
		s := e.Set()
		w.WriteLen(uint64(s.Len()))
		for it := s.Iter(); it.Next(); {
			w.writeElem(it.Value())
		}
	case keyspace.TypeZSet:
		z := e.ZSet()
		w.WriteLen(uint64(z.Len()))
		for it := z.RankRange(0, z.Len()-1, true); it.Next(); { // descending: then Redis inserts at the head of its list
			w.writeElem(it.Member())
			w.WriteDouble(it.Score())
		}
	case keyspace.TypeHash:
		h := e.Hash()
		w.WriteLen(uint64(h.Len()))
		for it := h.Iter(); it.Next(); {
			w.writeElem(it.Field())
			w.writeElem(it.Value())
		}
	}
}

func (w *Writer) writeElem(v keyspace.Value) {
	if v.IsInt() {
		w.WriteInt(v.Int)
		return
	}
	w.WriteString(v.Bytes)
}

// writeList writes the nodes of a list; one of at least plain bytes that has a single element as that element.
func (w *Writer) writeList(l *keyspace.List, plain int) {
	n := l.Nodes()
	w.WriteLen(uint64(n))
	for i := range n {
		b := l.Node(i)
		if len(b) >= plain && packed.Len(b) == 1 {
			w.WriteLen(nodePlain)
			w.writeElem(packed.Get(b, packed.First(b)))
			continue
		}
		w.WriteLen(nodePacked)
		w.WriteString(b)
	}
}

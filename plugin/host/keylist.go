package host

import (
	"fmt"

	"datastore/keyspace"
	"datastore/plugin"
)

// walk is a place in a list: an iterator and the index that it is at.
type walk struct {
	it     keyspace.ListIter
	at     int
	back   bool
	active bool
}

func endOf(end plugin.ListEnd) keyspace.End {
	if end == plugin.Head {
		return keyspace.Head
	}
	return keyspace.Tail
}

// Push implements plugin.ListValue.
func (k *key) Push(end plugin.ListEnd, s plugin.String) error {
	if err := k.forWrite(keyspace.TypeList); err != nil {
		return err
	}
	if s.IsZero() || end > plugin.Tail {
		return plugin.ErrInvalid
	}
	if tooLong(s.Bytes()) {
		return plugin.ErrTooLarge
	}
	k.push(end, k.stable(s.Bytes()))
	return nil
}

func (k *key) push(end plugin.ListEnd, elem []byte) {
	k.list.Push(endOf(end), elem)
	k.writtenHandle()
	if !k.frame.cc.Effects.Listening() {
		return
	}
	if end == plugin.Head {
		k.frame.record(k.db, []byte("LPUSH"), k.name, elem)
	} else {
		k.frame.record(k.db, []byte("RPUSH"), k.name, elem)
	}
}

// Pop implements plugin.ListValue.
func (k *key) Pop(end plugin.ListEnd) (plugin.String, error) {
	if err := k.forWrite(keyspace.TypeList); err != nil {
		return plugin.String{}, err
	}
	switch {
	case end > plugin.Tail:
		return plugin.String{}, plugin.ErrInvalid
	case !k.list.Exists():
		return plugin.String{}, plugin.ErrEmptyKey
	}
	k.scratch, _ = k.list.Pop(endOf(end), k.scratch[:0])
	k.writtenHandle()
	k.recordPop(end)
	return copied(k.scratch), nil
}

func (k *key) recordPop(end plugin.ListEnd) {
	if end == plugin.Head {
		k.frame.record(k.db, []byte("LPOP"), k.name)
	} else {
		k.frame.record(k.db, []byte("RPOP"), k.name)
	}
}

// index returns the index counted from the head.
func (k *key) index(i int) (int, error) {
	n := k.list.Len()
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return 0, plugin.ErrIndex
	}
	return i, nil
}

// LGet implements plugin.ListValue. An iterator that is left where the last call found its element makes the next one
// cost O(1).
func (k *key) LGet(i int) (plugin.String, error) {
	if err := k.forRead(keyspace.TypeList); err != nil {
		return plugin.String{}, err
	}
	i, err := k.index(i)
	if err != nil {
		return plugin.String{}, err
	}
	k.seek(i)
	v := k.cursor.it.Value()
	if !v.IsInt() {
		return copied(v.Bytes), nil
	}
	return plugin.StringOf(v.AppendTo(nil)), nil
}

// seek moves the cursor of LGet to an element.
func (k *key) seek(i int) {
	c := &k.cursor
	k.walked = true
	switch {
	case c.active && i == c.at:
		return
	case c.active && !c.back && i == c.at+1, c.active && c.back && i == c.at-1:
		c.it.Next()
	default:
		back := c.active && i == c.at-1
		*c = walk{it: k.list.Iter(i, back), back: back, active: true}
		c.it.Next()
	}
	c.at = i
}

// LSet implements plugin.ListValue.
func (k *key) LSet(i int, s plugin.String) error {
	if err := k.forWrite(keyspace.TypeList); err != nil {
		return err
	}
	if s.IsZero() {
		return plugin.ErrInvalid
	}
	if tooLong(s.Bytes()) {
		return plugin.ErrTooLarge
	}
	if !k.list.Exists() {
		return plugin.ErrEmptyKey
	}
	i, err := k.index(i)
	if err != nil {
		return err
	}
	k.setAt(i, k.stable(s.Bytes()))
	return nil
}

func (k *key) setAt(i int, elem []byte) {
	k.list.Set(i, elem)
	k.writtenHandle()
	k.recordSet(i, elem)
}

func (k *key) recordSet(i int, elem []byte) {
	var digits [20]byte
	k.frame.record(k.db, []byte("LSET"), k.name, appendInt64(digits[:0], int64(i)), elem)
}

// LInsert implements plugin.ListValue.
//
// Redis inserts beside an element of a given value, not at an index. So the element there is replaced, in what is
// recorded, by a marker that nothing else in the list equals, the new one is inserted before the marker, and the marker
// becomes the element again.
func (k *key) LInsert(i int, s plugin.String) error {
	if err := k.forWrite(keyspace.TypeList); err != nil {
		return err
	}
	if s.IsZero() {
		return plugin.ErrInvalid
	}
	if tooLong(s.Bytes()) {
		return plugin.ErrTooLarge
	}
	n := k.list.Len()
	if i < 0 {
		i += n + 1
	}
	switch {
	case i < 0 || i > n:
		return plugin.ErrIndex
	case i == n:
		k.push(plugin.Tail, k.stable(s.Bytes()))
		return nil
	case i == 0:
		k.push(plugin.Head, k.stable(s.Bytes()))
		return nil
	}
	elem := k.stable(s.Bytes())
	v, _ := k.list.At(i)
	k.scratch = v.AppendTo(k.scratch[:0])
	k.list.Insert(i, elem)
	k.writtenHandle()
	marker := k.marker()
	k.recordSet(i, marker)
	k.frame.record(k.db, []byte("LINSERT"), k.name, []byte("BEFORE"), marker, elem)
	k.recordSet(i+1, k.scratch)
	return nil
}

// LDelete implements plugin.ListValue. It is recorded like LInsert: Redis removes by value.
func (k *key) LDelete(i int) error {
	if err := k.forWrite(keyspace.TypeList); err != nil {
		return err
	}
	if !k.list.Exists() {
		return plugin.ErrEmptyKey
	}
	i, err := k.index(i)
	if err != nil {
		return err
	}
	n := k.list.Len()
	k.list.DeleteAt(i)
	k.writtenHandle()
	switch i {
	case 0:
		k.recordPop(plugin.Head)
	case n - 1:
		k.recordPop(plugin.Tail)
	default:
		marker := k.marker()
		k.recordSet(i, marker)
		k.frame.record(k.db, []byte("LREM"), k.name, []byte("1"), marker)
	}
	return nil
}

// marker returns an element that no list has: 128 random bits that no client ever sees.
func (k *key) marker() []byte {
	r := k.frame.cc.Rand
	return fmt.Appendf(nil, "module-marker-%016x%016x", r.Uint64(), r.Uint64())
}

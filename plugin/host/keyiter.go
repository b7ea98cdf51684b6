package host

import (
	"datastore/keyspace"
	"datastore/plugin"
)

// iteration is what Seek or ZSeek has begun, a handle's only one. It reads the value in place, so a write through the
// handle cuts it off. Nothing else can move the value: others cannot write what is open here, and a write of another key
// leaves this one's memory alone. Only a key that AccessExpired has found may go, at anybody's next lookup of it; such an
// iteration ends when any key has gone in this way.
type iteration struct {
	over   keyspace.Type // the value's type, TypeNone when none is running
	cut    bool          // a write has ended it, and the module has not learned it yet
	deaths int64         // keyspace.Store.Deaths at the beginning
	list   walk
	set    keyspace.SetIter
	hash   keyspace.HashIter
	zset   keyspace.ZIter
	digits [2][20]byte // texts of an element and its value that are numbers
}

// begin ends the iteration that is running and opens the aggregate for another one.
func (k *key) begin(t keyspace.Type) error {
	if k.frame == nil {
		return plugin.ErrStale
	}
	it := &k.iter
	it.over, it.cut, k.walked = keyspace.TypeNone, false, true
	k.Cursor = plugin.Cursor{Run: k.Cursor.Run + 1}
	if err := k.forRead(t); err != nil {
		return k.unbegun(err)
	}
	it.over, it.deaths, k.lent = t, k.frame.cc.Store.Deaths(), true
	return nil
}

// unbegun notes why an iteration does not begin. That there is nothing to iterate over is no reason to complain.
func (k *key) unbegun(err error) error {
	if err != plugin.ErrEmptyKey {
		k.Cursor.Err = err
	}
	return err
}

// cut ends an iteration because of a write, and makes LGet look for its place again.
func (k *key) cut() {
	k.cursor.active = false
	if k.iter.over != keyspace.TypeNone {
		k.iter.over, k.iter.cut = keyspace.TypeNone, true
		k.Cursor = plugin.Cursor{Run: k.Cursor.Run}
	}
}

// running reports whether the iteration may take a step. The first step after a write is a mistake of the module.
func (k *key) running() bool {
	if k.frame == nil {
		return false
	}
	it := &k.iter
	if k.expiry == keyspace.ExpireIgnore && it.deaths != k.frame.cc.Store.Deaths() {
		k.cut()
	}
	if it.cut {
		it.cut, k.Cursor.Err = false, plugin.ErrStale
		k.frame.misuse("command '%s' went on with an iteration over a key that it had written meanwhile", k.frame.Command())
	}
	return it.over != keyspace.TypeNone
}

// closeIteration ends the iteration of a key that is closed. The number of the iteration stays, so that the next one of the
// handle, which may be that of another key then, ends a loop that has not noticed.
func (k *key) closeIteration() {
	k.cursor.active = false
	c := plugin.Cursor{Run: k.Cursor.Run}
	if k.iter.over != keyspace.TypeNone {
		c.Err = plugin.ErrStale
	}
	k.Cursor = c
	k.iter.over, k.iter.cut = keyspace.TypeNone, false
}

// Seek implements plugin.Iteration.
func (k *key) Seek(t plugin.KeyType, back bool) error {
	over := keyspace.TypeNone
	switch t {
	case plugin.KeyList:
		over = keyspace.TypeList
	case plugin.KeySet:
		over = keyspace.TypeSet
	case plugin.KeyHash:
		over = keyspace.TypeHash
	case plugin.KeyEmpty:
		over = k.aggregate()
	}
	if err := k.begin(over); err != nil {
		return err
	}
	it := &k.iter
	switch over {
	case keyspace.TypeList:
		start, at := 0, -1
		if back {
			start = k.list.Len() - 1
			at = start + 1
		}
		it.list = walk{it: k.list.Iter(start, back), at: at, back: back}
	case keyspace.TypeSet:
		it.set = k.set.Iter()
	case keyspace.TypeHash:
		it.hash = k.hash.Iter()
	case keyspace.TypeZSet:
		it.zset = k.zset.RankRange(0, k.zset.Len()-1, false)
	}
	return nil
}

// aggregate returns the type of the aggregate behind the key, and that of a list for what is none, which then is not one.
func (k *key) aggregate() keyspace.Type {
	if k.frame == nil {
		return keyspace.TypeNone
	}
	if k.current() {
		return k.as
	}
	switch t := k.look().Type(); t {
	case keyspace.TypeSet, keyspace.TypeHash, keyspace.TypeZSet:
		return t
	}
	return keyspace.TypeList
}

// Next implements plugin.Iteration.
func (k *key) Next() bool {
	if !k.running() {
		return false
	}
	it, found := &k.iter, false
	switch it.over {
	case keyspace.TypeList:
		found = k.nextInList()
	case keyspace.TypeSet:
		if found = it.set.Next(); found {
			k.Cursor.Elem = k.view(0, it.set.Value())
		}
	case keyspace.TypeHash:
		if found = it.hash.Next(); found {
			k.Cursor.Elem, k.Cursor.Value = k.view(0, it.hash.Field()), k.view(1, it.hash.Value())
		}
	case keyspace.TypeZSet:
		if found = it.zset.Next(); found {
			k.showMember()
		}
	}
	if !found {
		k.Stop()
	}
	return found
}

func (k *key) nextInList() bool {
	w := &k.iter.list
	if !w.it.Next() {
		return false
	}
	if w.back {
		w.at--
	} else {
		w.at++
	}
	k.Cursor.Elem, k.Cursor.Index = k.view(0, w.it.Value()), w.at
	return true
}

// view returns the text of an element, or of its value, until the next step.
func (k *key) view(n int, v keyspace.Value) plugin.String {
	if v.IsInt() {
		return plugin.StringOf(v.AppendTo(k.iter.digits[n][:0]))
	}
	return plugin.StringOf(v.Bytes)
}

// Stop implements plugin.Iteration.
func (k *key) Stop() {
	k.iter.over, k.iter.cut = keyspace.TypeNone, false
	k.Cursor.Active, k.Cursor.Moved = false, false
}

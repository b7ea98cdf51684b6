package keyspace

import "datastore/keyspace/table"

// Exists reports whether the key is there.
func (e Entry) Exists() bool { return e.r != 0 }

// Key returns the key's name, a view; nil for a missing key.
func (e Entry) Key() []byte {
	if e.r == 0 {
		return nil
	}
	return table.Key(e.r)
}

// Type returns the type, TypeNone for a missing key.
func (e Entry) Type() Type {
	if e.r == 0 {
		return TypeNone
	}
	return typeOf(e.r)
}

// Encoding returns Redis's name of the encoding; the key must exist.
func (e Entry) Encoding() string { return encodingOf(e.r).name(typeOf(e.r)) }

// ExpireAt returns when the key expires in Unix ms, or -1.
func (e Entry) ExpireAt() int64 {
	if e.r == 0 {
		return noExpiry
	}
	return expiryOf(e.r)
}

// IdleSeconds returns the time since the last access in seconds; the key must exist.
func (e Entry) IdleSeconds() int64 {
	return int64((e.db.store.clock - table.AccessClock(e.r)) & accessMask)
}

// DB returns the database of the key.
func (e Entry) DB() *DB { return e.db }

// Str returns the value of a string key, which must exist.
func (e Entry) Str() Value { return valueStr(e.r) }

// List returns the handle of a list key, which is only valid for reading.
func (e Entry) List() List { return List{e.db.handle(e)} }

// Hash returns the handle of a hash key, which is only valid for reading.
func (e Entry) Hash() Hash { return Hash{e.db.handle(e)} }

// Set returns the handle of a set key, which is only valid for reading.
func (e Entry) Set() Set { return Set{e.db.handle(e)} }

// ZSet returns the handle of a sorted set key, which is only valid for reading.
func (e Entry) ZSet() ZSet { return ZSet{e.db.handle(e)} }

// Len returns the number of elements, of a string the bytes of its text.
func (e Entry) Len() int {
	switch e.Type() {
	case TypeString:
		return e.Str().Len()
	case TypeList:
		l := e.List()
		return l.Len()
	case TypeHash:
		h := e.Hash()
		return h.Len()
	case TypeSet:
		s := e.Set()
		return s.Len()
	case TypeZSet:
		z := e.ZSet()
		return z.Len()
	}
	return 0
}

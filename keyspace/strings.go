package keyspace

import (
	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// Str reads a string for a command: it counts a hit or a miss and renews the access clock.
func (d *DB) Str(key []byte) (v Value, exists bool, err error) {
	_, r := d.find(key)
	d.touch(r)
	if r == 0 {
		return Value{}, false, nil
	}
	if typeOf(r) != TypeString {
		return Value{}, false, ErrWrongType
	}
	return valueStr(r), true, nil
}

// SetStr makes a key a string, whatever it was, and takes its expiry away. A canonical integer is stored as one. val must
// not be a view of the store, here and in the other methods that write.
func (d *DB) SetStr(key, val []byte) {
	h, r := d.find(key)
	d.setStr(slot{h, r}, key, val, noExpiry)
}

// SetStrExpire is SetStr with an expiry in Unix ms, below 0 the same as 0.
func (d *DB) SetStrExpire(key, val []byte, expireMs int64) {
	h, r := d.find(key)
	d.setStr(slot{h, r}, key, val, max(expireMs, 0))
}

// SetStrKeepTTL is SetStr that leaves the expiry as it is.
func (d *DB) SetStrKeepTTL(key, val []byte) {
	h, r := d.find(key)
	at := slot{h, r}
	d.setStr(at, key, val, at.expiry())
}

// SetTextKeepTTL is SetStrKeepTTL that stores an integer as text too; the result of a float sum stays what it is.
func (d *DB) SetTextKeepTTL(key, val []byte) {
	h, r := d.find(key)
	at := slot{h, r}
	d.change(key)
	d.setText(at, key, val, at.expiry())
}

// AddInt adds to the integer at key, 0 if the key is missing, and returns the sum; the expiry stays as it is. Errors:
// ErrWrongType; ErrNotInteger, if the string is not an integer as its decimal digits are written; ErrOverflow.
func (d *DB) AddInt(key []byte, delta int64) (sum int64, err error) {
	h, r := d.find(key)
	d.touch(r)
	var n int64
	isInt := false
	if r != 0 {
		if typeOf(r) != TypeString {
			return 0, ErrWrongType
		}
		if isInt = encodingOf(r) == encInt; isInt {
			n = intOf(r)
		} else if n, err = integerOf(r); err != nil {
			return 0, err
		}
	}
	if sum = n + delta; (sum > n) != (delta > 0) {
		return 0, ErrOverflow
	}
	d.change(key)
	if isInt {
		setInt(r, sum)
		return sum, nil
	}
	at := slot{h, r}
	setInt(d.place(at, key, intBytes, at.expiry(), encInt), sum)
	return sum, nil
}

// integerOf reads a string record that holds text.
func integerOf(r slab.Ref) (int64, error) {
	if n, ok := packed.ParseInt(bytesOf(r)); ok {
		return n, nil
	}
	return 0, ErrNotInteger
}

func (d *DB) setStr(at slot, key, val []byte, expireMs int64) {
	d.change(key)
	if len(val) <= maxIntText {
		if n, ok := packed.ParseInt(val); ok {
			setInt(d.place(at, key, intBytes, expireMs, encInt), n)
			return
		}
	}
	d.setText(at, key, val, expireMs)
}

// setText stores bytes as they are; the caller has announced the change.
func (d *DB) setText(at slot, key, val []byte, expireMs int64) {
	enc := encRaw
	if len(val) <= embstrBytes {
		enc = encEmbstr
	} else if len(d.store.offers) > 0 {
		if b := d.store.taken(val); b != 0 {
			d.setBlock(at, key, b, len(val), expireMs)
			return
		}
	}
	copy(bytesOf(d.place(at, key, len(val), expireMs, enc)), val)
}

const (
	intBytes   = 8
	maxIntText = 20 // digits and sign of an int64
)

// slot is where a key belongs: its hash, and its record if it has one.
type slot struct {
	h uint64
	r slab.Ref
}

func (at slot) expiry() int64 {
	if at.r == 0 {
		return noExpiry
	}
	return expiryOf(at.r)
}

// place makes room for a string of n bytes under key, in the old record's block where that fits well, and returns the
// record with type, length and expiry set; the caller writes the bytes.
func (d *DB) place(at slot, key []byte, n int, expireMs int64, enc encoding) slab.Ref {
	s, h, old := d.store, at.h, at.r
	if old != 0 && n <= maxInlineBytes && encodingOf(old) < encObject && !isExternal(old) &&
		table.HasExpire(old) == (expireMs != noExpiry) {
		off := table.ValueOffset(old)
		if size := s.arena.SizeOf(old); off+n <= size && slab.ClassSize(off+n) >= size/2 {
			table.SetValueLen(old, n)
			setType(old, TypeString, enc)
			table.SetAccessClock(old, s.clock)
			if expireMs != noExpiry {
				table.SetExpire(old, expireMs)
			}
			return old
		}
	}
	r := s.newRecord(key, n, expireMs)
	setType(r, TypeString, enc)
	if old == 0 {
		d.link(h, r)
		return r
	}
	d.replace(h, old, r)
	d.discard(old)
	return r
}

// grow gives a record room for n value bytes with some to spare, keeping the value's bytes, and returns the record, which
// may have moved. The length stays as it was.
func (d *DB) grow(h uint64, r slab.Ref, n int) slab.Ref {
	s := d.store
	b := roomOf(r, s.arena)
	if n <= cap(b) {
		return r
	}
	want := n
	if n > maxInlineBytes {
		want = n + min(n, 1<<20) // as strings that are appended to grow in Redis: double, then by the megabyte
	}
	if isExternal(r) {
		off := table.ValueOffset(r)
		block := s.arena.Alloc(want)
		copy(slab.Bytes(block, 0, len(b)), b)
		if old := slab.Ref(slab.Load64(r, off)); !s.orphaned(old) {
			s.arena.Free(old)
		}
		slab.Store64(r, off, uint64(block))
		return r
	}
	c := s.newRecord(table.Key(r), want, expiryOf(r))
	table.SetType(c, table.Type(r))
	table.SetAccessClock(c, table.AccessClock(r))
	copy(bytesOf(c), b)
	setLen(c, len(b))
	d.replace(h, r, c)
	s.freeRecord(r)
	return c
}

// raw returns the string record as bytes with room for n, creating it when it is missing.
func (d *DB) raw(at slot, key []byte, n int) slab.Ref {
	r := at.r
	if r == 0 {
		r = d.place(at, key, n, noExpiry, encRaw)
		setLen(r, 0)
		return r
	}
	if encodingOf(r) == encInt {
		var text [maxIntText]byte
		t := Value{Int: intOf(r)}.AppendTo(text[:0])
		r = d.place(at, key, max(n, len(t)), expiryOf(r), encRaw)
		setLen(r, len(t))
		copy(bytesOf(r), t)
	}
	setType(r, TypeString, encRaw)
	d.store.unshare(r, n)
	return d.grow(at.h, r, n)
}

// edit finds a string for a write and returns where it is and its length in bytes, 0 when it is missing.
func (d *DB) edit(key []byte) (slot, int, error) {
	h, r := d.find(key)
	if r == 0 {
		return slot{h, 0}, 0, nil
	}
	d.touch(r)
	if typeOf(r) != TypeString {
		return slot{}, 0, ErrWrongType
	}
	return slot{h, r}, valueStr(r).Len(), nil
}

// AppendStr appends to a string, creating it, and returns the new length in bytes.
func (d *DB) AppendStr(key, suffix []byte) (int, error) {
	at, n, err := d.edit(key)
	if err != nil {
		return 0, err
	}
	if at.r == 0 {
		d.setStr(at, key, suffix, noExpiry)
		return len(suffix), nil
	}
	if n+len(suffix) > d.store.limits.StringBytes {
		return 0, ErrTooLong
	}
	d.change(key)
	r := d.raw(at, key, n+len(suffix))
	setLen(r, n+len(suffix))
	copy(bytesOf(r)[n:], suffix)
	return n + len(suffix), nil
}

// SetRange overwrites from byte off on, padding with zero bytes, and returns the new length in bytes. An empty val changes
// nothing.
func (d *DB) SetRange(key []byte, off int, val []byte) (int, error) {
	at, n, err := d.edit(key)
	if err != nil || len(val) == 0 {
		return n, err
	}
	if off > d.store.limits.StringBytes-len(val) {
		return 0, ErrTooLong
	}
	d.change(key)
	end := max(n, off+len(val))
	r := d.raw(at, key, end)
	setLen(r, end)
	b := bytesOf(r)
	if off > n {
		clear(b[n:off])
	}
	copy(b[off:], val)
	return end, nil
}

// Modify returns a string's bytes for writing in place, raw from now on; nil without an error when the key is missing.
func (d *DB) Modify(key []byte) ([]byte, error) {
	at, n, err := d.edit(key)
	if err != nil || at.r == 0 {
		return nil, err
	}
	d.change(key)
	return bytesOf(d.raw(at, key, n)), nil
}

// Truncate sets the length of a string in bytes, padding with zero bytes; it creates a missing key unless n is 0.
func (d *DB) Truncate(key []byte, n int) error {
	at, was, err := d.edit(key)
	if err != nil {
		return err
	}
	if n > d.store.limits.StringBytes {
		return ErrTooLong
	}
	if n == was {
		return nil
	}
	d.change(key)
	r := d.raw(at, key, n)
	setLen(r, n)
	if n > was {
		clear(bytesOf(r)[was:])
	} else if isExternal(r) && n < cap(roomOf(r, d.store.arena))/4 {
		d.refit(at.h, r, bytesOf(r))
	}
	return nil
}

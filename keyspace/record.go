package keyspace

import (
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// A database record's value stands behind its key. Three forms: inline bytes (length in the header), external bytes
// (reference and length of another block), and an 8-byte integer or object index.
const (
	external         = 1 << 4 // bit of the record's flag byte: the value is {reference u64, length u64}
	externalBytes    = 16
	maxInlineBytes   = 12 << 10 // longer values get a block of their own, so that a record never moves more than this
	maxRoomBytes     = 1<<16 - 1
	objectIndexBytes = 8
	accessMask       = 1<<24 - 1
)

func typeOf(r slab.Ref) Type         { return Type(table.Type(r) & 15) }
func encodingOf(r slab.Ref) encoding { return encoding(table.Type(r) >> 4) }

func setType(r slab.Ref, t Type, e encoding) { table.SetType(r, uint8(t)|uint8(e)<<4) }

func isExternal(r slab.Ref) bool { return slab.Load8(r, 0)&external != 0 }

// bytesOf returns the value's bytes, inline or external.
func bytesOf(r slab.Ref) []byte {
	off := table.ValueOffset(r)
	if !isExternal(r) {
		return slab.Bytes(r, off, table.ValueLen(r))
	}
	return slab.Bytes(slab.Ref(slab.Load64(r, off)), 0, int(slab.Load64(r, off+8)))
}

// roomOf is bytesOf with the capacity that the block leaves behind the value.
func roomOf(r slab.Ref, a *slab.Arena) []byte {
	off := table.ValueOffset(r)
	if !isExternal(r) {
		return slab.BytesCap(r, off, table.ValueLen(r), min(a.SizeOf(r)-off, maxRoomBytes))
	}
	b := slab.Ref(slab.Load64(r, off))
	return slab.BytesCap(b, 0, int(slab.Load64(r, off+8)), a.SizeOf(b))
}

// setLen records a new length of the value's bytes.
func setLen(r slab.Ref, n int) {
	if isExternal(r) {
		slab.Store64(r, table.ValueOffset(r)+8, uint64(n))
		return
	}
	table.SetValueLen(r, n)
}

func intOf(r slab.Ref) int64         { return int64(slab.Load64(r, table.ValueOffset(r))) }
func setInt(r slab.Ref, n int64)     { slab.Store64(r, table.ValueOffset(r), uint64(n)) }
func objectOf(r slab.Ref) uint32     { return uint32(slab.Load64(r, table.ValueOffset(r))) }
func setObject(r slab.Ref, i uint32) { slab.Store64(r, table.ValueOffset(r), uint64(i)) }

// valueStr reads a string record.
func valueStr(r slab.Ref) Value {
	if encodingOf(r) == encInt {
		return Value{Int: intOf(r)}
	}
	return Value{Bytes: bytesOf(r)}
}

// newRecord allocates a record with room for n value bytes, external when they are many; the expiry is 0 for none.
func (s *Store) newRecord(key []byte, n int, expireMs int64) slab.Ref {
	if n > maxInlineBytes {
		return s.newShell(key, s.arena.Alloc(n), n, expireMs)
	}
	r := s.newHeader(key, n, expireMs)
	table.SetValueLen(r, n)
	return r
}

// newShell allocates a record whose value are the n bytes of block b.
func (s *Store) newShell(key []byte, b slab.Ref, n int, expireMs int64) slab.Ref {
	r := s.newHeader(key, externalBytes, expireMs)
	slab.Store8(r, 0, slab.Load8(r, 0)|external)
	off := table.ValueOffset(r)
	slab.Store64(r, off, uint64(b))
	slab.Store64(r, off+8, uint64(n))
	return r
}

func (s *Store) newHeader(key []byte, room int, expireMs int64) slab.Ref {
	r := table.NewRecord(s.arena, key, room, expireMs != noExpiry)
	if expireMs != noExpiry {
		table.SetExpire(r, expireMs)
	}
	table.SetAccessClock(r, s.clock)
	return r
}

// freeRecord frees a record with everything its value holds.
func (s *Store) freeRecord(r slab.Ref) {
	enc := encodingOf(r)
	if enc >= encNative {
		s.freeNative(r)
		return
	}
	if enc == encObject {
		s.dropObject(objectOf(r))
	} else if isExternal(r) {
		s.freeBlock(slab.Ref(slab.Load64(r, table.ValueOffset(r))))
	}
	s.arena.Free(r)
}

// freeShell frees a record whose value's blocks have gone over to another record.
func (s *Store) freeShell(r slab.Ref) { s.arena.Free(r) }

const noExpiry = int64(-1)

func expiryOf(r slab.Ref) int64 {
	if !table.HasExpire(r) {
		return noExpiry
	}
	return table.Expire(r)
}

// rebuild copies a record under another key or with another expiry; an external or object value changes hands.
func (s *Store) rebuild(r slab.Ref, key []byte, expireMs int64) slab.Ref {
	off, size := table.ValueOffset(r), externalBytes
	if !isExternal(r) {
		size = table.ValueLen(r)
	}
	n := table.NewRecord(s.arena, key, size, expireMs != noExpiry)
	if expireMs != noExpiry {
		table.SetExpire(n, expireMs)
	}
	table.SetType(n, table.Type(r))
	table.SetAccessClock(n, table.AccessClock(r))
	table.SetValueLen(n, table.ValueLen(r))
	if isExternal(r) {
		slab.Store8(n, 0, slab.Load8(n, 0)|external)
	}
	slab.Copy(n, table.ValueOffset(n), r, off, size)
	return n
}

// refit puts a new record with exactly the bytes b of r's value in its place and returns it.
func (d *DB) refit(h uint64, r slab.Ref, b []byte) slab.Ref {
	s := d.store
	n := s.newRecord(table.Key(r), len(b), expiryOf(r))
	table.SetType(n, table.Type(r))
	table.SetAccessClock(n, table.AccessClock(r))
	copy(bytesOf(n), b)
	d.replace(h, r, n)
	s.freeRecord(r)
	return n
}

package table

import (
	"datastore/keyspace/slab"
)

// FORMAT of a record: one block, little endian. The table reads the header to find the key; the rest is the owner's.
//
//	byte 0  bits 0-1  form: 0 database record, 1 element record
//	        bit 2     long: extended lengths follow the header
//	        bit 3     expire (database records): an expiry follows
//	        bits 4-7  the owner's
//
//	database record                          element record (hash field, set member, sorted set member)
//	[0]    form and flags                    [0]    form and flags
//	[1]    type, the owner's                 [1]    key length, 255 if long
//	[2-4]  access clock, the owner's         [2-3]  value length, 65535 if long
//	[5]    key length, 255 if long           if long: u32 key length, u32 value length
//	[6-7]  value length, the owner's         key, value
//	if long: u32 key length,
//	         u32 of the owner's (Extra)
//	if expire: i64 Unix time in ms
//	key, value
//
// A database record is long exactly when its key is longer than 255 bytes; an element record also when its value is
// longer than 65,535 bytes. The value of a sorted set member is its score, a float64.
const (
	formMask    = 3
	formElement = 1
	flagLong    = 1 << 2
	flagExpire  = 1 << 3

	recordHeader  = 8
	elementHeader = 4
	longBytes     = 8
	expireBytes   = 8

	maxShortKey   = 255
	maxShortValue = 65535
)

// FlagsMask covers the bits of byte 0 that are the owner's.
const FlagsMask = 0xf0

// keyAt returns where the key of r lies and its length.
func keyAt(r slab.Ref) (off, n int) {
	h := slab.Load64(r, 0)
	if h&flagLong != 0 {
		return longKeyAt(r, h)
	}
	if h&formMask != 0 {
		return elementHeader, int(h >> 8 & 0xff)
	}
	return recordHeader + int(h&flagExpire), int(h >> 40 & 0xff) // flagExpire equals expireBytes
}

func longKeyAt(r slab.Ref, h uint64) (off, n int) {
	if h&formMask == formElement {
		return elementHeader + longBytes, int(h >> 32)
	}
	return recordHeader + longBytes + int(h&flagExpire), int(slab.Load32(r, recordHeader))
}

// Key returns a view of the record's key, valid as long as the record.
func Key(r slab.Ref) []byte {
	off, n := keyAt(r)
	return slab.Bytes(r, off, n)
}

// KeyEqual tells whether r is the record of key.
func KeyEqual(r slab.Ref, key []byte) bool {
	off, n := keyAt(r)
	return n == len(key) && string(slab.Bytes(r, off, n)) == string(key)
}

// ElementSize returns the bytes of an element record with the given lengths, before rounding to a size class.
func ElementSize(keyLen, valLen int) int {
	n := elementHeader + keyLen + valLen
	if keyLen > maxShortKey || valLen > maxShortValue {
		n += longBytes
	}
	return n
}

// NewElement makes an element record of copies of key and value.
func NewElement(a *slab.Arena, key, value []byte) slab.Ref {
	size := ElementSize(len(key), len(value))
	r := a.Alloc(max(size, 8)) // the header is read as eight bytes
	off := elementHeader
	if size != elementHeader+len(key)+len(value) {
		off += longBytes
		slab.Store32(r, 0, formElement|flagLong|maxShortKey<<8|maxShortValue<<16)
		slab.Store32(r, elementHeader, uint32(len(key)))
		slab.Store32(r, elementHeader+4, uint32(len(value)))
	} else {
		slab.Store32(r, 0, uint32(formElement|len(key)<<8|len(value)<<16))
	}
	b := slab.Bytes(r, off, len(key)+len(value))
	copy(b[copy(b, key):], value)
	return r
}

// ElementValue returns a view of an element record's value, valid as long as the record. The owner may write to it.
func ElementValue(r slab.Ref) []byte {
	h := slab.Load64(r, 0)
	if h&flagLong == 0 {
		return slab.Bytes(r, elementHeader+int(h>>8&0xff), int(h>>16&0xffff))
	}
	return slab.Bytes(r, elementHeader+longBytes+int(h>>32), int(slab.Load32(r, elementHeader+4)))
}

// RecordSize returns the bytes of a database record with the given lengths, before rounding to a size class.
func RecordSize(keyLen, valueCap int, expire bool) int {
	n := recordHeader + keyLen + valueCap
	if keyLen > maxShortKey {
		n += longBytes
	}
	if expire {
		n += expireBytes
	}
	return n
}

// NewRecord makes a database record with a copy of key and room for valueCap bytes of value. Type, access clock, value
// length, Extra and, if there is room for one, the expiry are 0; the value is undefined.
func NewRecord(a *slab.Arena, key []byte, valueCap int, expire bool) slab.Ref {
	r := a.Alloc(RecordSize(len(key), valueCap, expire))
	h, off := uint64(len(key))<<40, recordHeader
	if len(key) > maxShortKey {
		h = maxShortKey<<40 | flagLong
		slab.Store64(r, off, uint64(len(key)))
		off += longBytes
	}
	if expire {
		h |= flagExpire
		slab.Store64(r, off, 0)
		off += expireBytes
	}
	slab.Store64(r, 0, h)
	copy(slab.Bytes(r, off, len(key)), key)
	return r
}

// ValueOffset returns where the value of a record of either form begins.
func ValueOffset(r slab.Ref) int {
	off, n := keyAt(r)
	return off + n
}

// IsElement tells an element record from a database record.
func IsElement(r slab.Ref) bool { return slab.Load8(r, 0)&formMask == formElement }

// HasExpire tells whether a database record has room for an expiry.
func HasExpire(r slab.Ref) bool { return slab.Load8(r, 0)&flagExpire != 0 }

// Expire returns the expiry of a database record for which HasExpire holds, as Unix time in ms.
func Expire(r slab.Ref) int64 { return int64(slab.Load64(r, expireAt(r))) }

// SetExpire sets the expiry, Unix time in ms, of a database record for which HasExpire holds.
func SetExpire(r slab.Ref, unixMs int64) { slab.Store64(r, expireAt(r), uint64(unixMs)) }

func expireAt(r slab.Ref) int {
	return recordHeader + int(slab.Load8(r, 0)&flagLong)*(longBytes/flagLong)
}

// Type returns the owner's byte of a database record.
func Type(r slab.Ref) uint8 { return slab.Load8(r, 1) }

// SetType sets the owner's byte of a database record.
func SetType(r slab.Ref, t uint8) { slab.Store8(r, 1, t) }

// Flags returns the owner's bits of byte 0, in place (see FlagsMask).
func Flags(r slab.Ref) uint8 { return slab.Load8(r, 0) & FlagsMask }

// SetFlags sets the owner's bits of byte 0; bits outside FlagsMask are ignored.
func SetFlags(r slab.Ref, f uint8) { slab.Store8(r, 0, slab.Load8(r, 0)&^FlagsMask|f&FlagsMask) }

// AccessClock returns the owner's 24 bits of a database record.
func AccessClock(r slab.Ref) uint32 { return slab.Load32(r, 2) & 0xffffff }

// SetAccessClock sets the owner's 24 bits of a database record; higher bits of clock are ignored.
func SetAccessClock(r slab.Ref, clock uint32) {
	slab.Store32(r, 2, slab.Load32(r, 2)&0xff000000|clock&0xffffff)
}

// ValueLen returns the owner's 16 bits of a database record.
func ValueLen(r slab.Ref) int { return int(slab.Load16(r, 6)) }

// SetValueLen sets the owner's 16 bits of a database record; n is at most 65,535.
func SetValueLen(r slab.Ref, n int) { slab.Store16(r, 6, uint16(n)) }

// Long tells whether a record has extended lengths, for database records thus Extra.
func Long(r slab.Ref) bool { return slab.Load8(r, 0)&flagLong != 0 }

// Extra returns the owner's 32 bits that a long database record has.
func Extra(r slab.Ref) uint32 { return slab.Load32(r, recordHeader+4) }

// SetExtra sets the owner's 32 bits that a long database record has.
func SetExtra(r slab.Ref, v uint32) { slab.Store32(r, recordHeader+4, v) }

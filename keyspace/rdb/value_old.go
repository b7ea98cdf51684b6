package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"datastore/keyspace/packed"
)

// What is wrong with a ziplist or a zipmap.
var (
	errOldHeader = errors.New("header differs from the contents")
	errOldEntry  = errors.New("malformed entry")
)

const (
	zipHeader   = 10   // size (4), offset of the last entry (4), number of entries (2)
	zipEnd      = 0xFF // end marker of both formats
	zipLong     = 0xFE // first byte of a length of five bytes
	zipUnknown  = math.MaxUint16
	zipmapMany  = 0xFE // a zipmap with at least this many pairs does not know how many
	zipStr14    = 0x40
	zipStr32    = 0x80
	zipInt16    = 0xC0
	zipInt32    = 0xD0
	zipInt64    = 0xE0
	zipInt24    = 0xF0
	zipNibble   = 0xF1 // to zipNibbleMax: the integers 0 to 12
	zipLastNib  = 0xFD
	zipInt8     = 0xFE
	maxOldBytes = math.MaxInt32
)

// ziplist returns the listpack of a ziplist's elements. It is valid until the next conversion.
func (v *decoder) ziplist(z []byte) []byte {
	return v.convert("ziplist", z, appendZiplist)
}

// zipmap returns the listpack of a zipmap's pairs. It is valid until the next conversion.
func (v *decoder) zipmap(z []byte) []byte {
	return v.convert("zipmap", z, appendZipmap)
}

func (v *decoder) convert(format string, z []byte, with func(lp, z []byte) ([]byte, int, error)) []byte {
	if len(z) > maxOldBytes {
		v.r.Corrupt("%s of %d bytes", format, len(z))
		return nil
	}
	lp, off, err := with(packed.New(v.spare()), z)
	v.lp = lp
	if err != nil {
		v.r.Corrupt("%s: %v at byte %d of the value that ends", format, err, off)
		return nil
	}
	return lp
}

// spare is the memory of the last listpack that was made, unless that was large.
func (v *decoder) spare() []byte {
	if cap(v.lp) > maxIdleBytes {
		return nil
	}
	return v.lp[:0]
}

// appendZiplist appends the elements of a ziplist to a listpack, and checks all of the ziplist on its way. With an error
// comes the offset of the damage.
func appendZiplist(lp, z []byte) ([]byte, int, error) {
	end := len(z) - 1
	if end < zipHeader || uint64(binary.LittleEndian.Uint32(z)) != uint64(len(z)) || z[end] != zipEnd {
		return lp, 0, errOldHeader
	}
	off, last, count := zipHeader, zipHeader, 0
	for before := 0; off < end; count++ {
		elem, size, err := ziplistEntry(z[off:end], before)
		if err != nil {
			return lp, off, err
		}
		if elem.IsInt() {
			lp = packed.AppendInt(lp, elem.Int)
		} else {
			lp = packed.Append(lp, elem.Bytes)
		}
		last, before = off, size
		off += size
	}
	if uint64(binary.LittleEndian.Uint32(z[4:])) != uint64(last) {
		return lp, 4, errOldHeader
	}
	if n := int(binary.LittleEndian.Uint16(z[8:])); n != zipUnknown && n != count {
		return lp, 8, errOldHeader
	}
	return lp, 0, nil
}

// ziplistEntry reads the entry at the start of z, which ends where entries end; before is the size of the entry before.
func ziplistEntry(z []byte, before int) (elem packed.Value, size int, err error) {
	announced, off := int(z[0]), 1
	if announced == zipLong {
		if len(z) < 5 {
			return elem, 0, errOldEntry
		}
		announced, off = int(binary.LittleEndian.Uint32(z[1:])), 5
	}
	if announced != before || off == len(z) {
		return elem, 0, errOldEntry
	}
	if z[off] < zipInt16 {
		return ziplistString(z, off)
	}
	return ziplistInt(z, off)
}

// ziplistString reads a string whose encoding is at off.
func ziplistString(z []byte, off int) (elem packed.Value, size int, err error) {
	var n, head int
	switch c := z[off]; {
	case c < zipStr14:
		n, head = int(c), 1
	case c < zipStr32 && len(z) >= off+2:
		n, head = int(c&0x3F)<<8|int(z[off+1]), 2
	case c >= zipStr32 && len(z) >= off+5:
		n, head = int(binary.BigEndian.Uint32(z[off+1:])), 5
	default:
		return elem, 0, errOldEntry
	}
	off += head
	if n > len(z)-off {
		return elem, 0, errOldEntry
	}
	return packed.Value{Bytes: z[off : off+n]}, off + n, nil
}

// ziplistInt reads an integer whose encoding is at off.
func ziplistInt(z []byte, off int) (elem packed.Value, size int, err error) {
	c, p := z[off], z[off+1:]
	var n int64
	size = 0
	switch {
	case c >= zipNibble && c <= zipLastNib:
		n = int64(c - zipNibble)
	case c == zipInt8 && len(p) >= 1:
		n, size = int64(int8(p[0])), 1
	case c == zipInt16 && len(p) >= 2:
		n, size = int64(int16(binary.LittleEndian.Uint16(p))), 2
	case c == zipInt24 && len(p) >= 3:
		n, size = int64(int32(uint32(p[0])<<8|uint32(p[1])<<16|uint32(p[2])<<24)>>8), 3
	case c == zipInt32 && len(p) >= 4:
		n, size = int64(int32(binary.LittleEndian.Uint32(p))), 4
	case c == zipInt64 && len(p) >= 8:
		n, size = int64(binary.LittleEndian.Uint64(p)), 8
	default:
		return elem, 0, errOldEntry
	}
	return packed.Value{Int: n}, off + 1 + size, nil
}

// appendZipmap appends the fields and values of a zipmap to a listpack, and checks all of the zipmap on its way. With an
// error comes the offset of the damage.
func appendZipmap(lp, z []byte) ([]byte, int, error) {
	end := len(z) - 1
	if end < 1 || z[end] != zipEnd {
		return lp, 0, errOldHeader
	}
	off, count := 1, 0
	for ; off < end; count++ {
		field, next, err := zipmapString(z[:end], off, 0)
		if err != nil {
			return lp, off, err
		}
		val, after, err := zipmapString(z[:end], next, 1)
		if err != nil {
			return lp, next, err
		}
		lp = packed.Append(packed.Append(lp, field), val)
		off = after
	}
	if n := int(z[0]); n < zipmapMany && n != count {
		return lp, 0, errOldHeader
	}
	return lp, 0, nil
}

// zipmapString reads the string at off and returns the offset behind it. A value has, after its length, a byte that counts
// the unused bytes behind it: free is 1 then, and 0 for a field.
func zipmapString(z []byte, off, free int) (s []byte, next int, err error) {
	if off >= len(z) || z[off] == zipEnd {
		return nil, 0, errOldEntry
	}
	n := int(z[off])
	off++
	if n == zipLong {
		if len(z) < off+4 {
			return nil, 0, errOldEntry
		}
		n = int(binary.LittleEndian.Uint32(z[off:]))
		off += 4
	}
	unused := 0
	if free > 0 {
		if off == len(z) {
			return nil, 0, errOldEntry
		}
		unused = int(z[off])
		off++
	}
	if n+unused > len(z)-off {
		return nil, 0, fmt.Errorf("%w of %d bytes", errOldEntry, n)
	}
	return z[off : off+n], off + n + unused, nil
}

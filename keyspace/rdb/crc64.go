package rdb

import (
	"encoding/binary"
	"sync"
)

// jonesPoly is the polynomial 0xad93d23594c935a9 (D. Jones, "An Improved 64-bit Cyclic Redundancy Check for Protein
// Sequences", 2002) with its bits reversed, as the checksum works from the low bit up.
const jonesPoly = 0x95ac9329ac4bc9b5

// crcTables has in row k the effect of each byte when k more bytes follow it.
type crcTables [8][256]uint64

// jonesTables builds the tables at first use; they never change.
var jonesTables = sync.OnceValue(func() *crcTables {
	t := new(crcTables)
	for i := range t[0] {
		crc := uint64(i)
		for range 8 {
			crc = crc>>1 ^ crc&1*jonesPoly
		}
		t[0][i] = crc
	}
	for k := 1; k < len(t); k++ {
		for i := range t[k] {
			below := t[k-1][i]
			t[k][i] = below>>8 ^ t[0][byte(below)]
		}
	}
	return t
})

// Checksum continues crc over p: CRC-64/Jones, reflected, starting from 0 and not inverted at the end, as in RDB files and
// DUMP payloads. It takes eight bytes a step (slicing-by-8).
func Checksum(crc uint64, p []byte) uint64 {
	return jonesTables().update(crc, p)
}

// update continues crc over p.
func (t *crcTables) update(crc uint64, p []byte) uint64 {
	for ; len(p) >= 8; p = p[8:] {
		crc ^= binary.LittleEndian.Uint64(p)
		crc = t[7][byte(crc)] ^ t[6][byte(crc>>8)] ^ t[5][byte(crc>>16)] ^ t[4][byte(crc>>24)] ^
			t[3][byte(crc>>32)] ^ t[2][byte(crc>>40)] ^ t[1][byte(crc>>48)] ^ t[0][crc>>56]
	}
	for _, c := range p {
		crc = crc>>8 ^ t[0][byte(crc)^c]
	}
	return crc
}

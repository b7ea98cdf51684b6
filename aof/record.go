package aof

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"
)

const (
	// headerPrefix and version are the first line of every file this package begins. Redis skips it as an annotation.
	headerPrefix = "#DATASTORE-AOF:"
	version      = "1"
	headerLine   = headerPrefix + version + "\r\n"

	crcPrefix = "#CRC:"
	// timePrefix begins Redis's own annotation (aof-timestamp-enabled).
	timePrefix = "#TS:"

	hexDigits = "0123456789abcdef"
)

// checksummer computes the checksum of units: CRC-32C (Castagnoli, RFC 3720 appendix B.4), for which amd64 and arm64
// have instructions. It has memory of its own for the position so that a checksum allocates nothing.
type checksummer struct {
	table *crc32.Table
	pos   [8]byte
}

func newChecksummer() *checksummer {
	return &checksummer{table: crc32.MakeTable(crc32.Castagnoli)}
}

// unit is the CRC-32C of the unit's position in its file (8 bytes, little endian) followed by its bytes. With the
// position inside, a record that was lost, doubled or moved is found as surely as one that was changed, and each
// record can still be checked without the one before it.
func (c *checksummer) unit(offset int64, unit []byte) uint32 {
	binary.LittleEndian.PutUint64(c.pos[:], uint64(offset))
	return c.more(crc32.Checksum(c.pos[:], c.table), unit)
}

func (c *checksummer) more(crc uint32, b []byte) uint32 { return crc32.Update(crc, c.table, b) }

// appendAnnotation appends "#CRC:xxxxxxxx:LENGTH\r\n".
func appendAnnotation(b []byte, crc uint32, unitBytes int64) []byte {
	b = append(b, crcPrefix...)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[crc>>shift&15])
	}
	b = append(b, ':')
	b = strconv.AppendInt(b, unitBytes, 10)
	return append(b, '\r', '\n')
}

// annotation is what a CRC line says.
type annotation struct {
	crc       uint32
	unitBytes int64
}

// parseAnnotation reads a CRC line at the start of b. n is its length; n == 0 with a nil error means that b ends
// before the line does. Only what appendAnnotation writes is accepted (lower case, no leading zero), so that every
// change of a byte is noticed. bad is the index of the first wrong byte.
func parseAnnotation(b []byte) (a annotation, n int, bad int, err error) {
	for i := range len(crcPrefix) + 8 {
		if i == len(b) {
			return a, 0, 0, nil
		}
		if i < len(crcPrefix) {
			if b[i] != crcPrefix[i] {
				return a, 0, i, errAnnotation
			}
			continue
		}
		digit := hexValue(b[i])
		if digit < 0 {
			return a, 0, i, errAnnotation
		}
		a.crc = a.crc<<4 | uint32(digit)
	}
	i := len(crcPrefix) + 8
	if i == len(b) {
		return a, 0, 0, nil
	}
	if b[i] != ':' {
		return a, 0, i, errAnnotation
	}
	value, n, bad, err := parseDecimal(b, i+1)
	a.unitBytes = value
	return a, n, bad, err
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// maxDigits keeps a decimal within int64.
const maxDigits = 18

// parseDecimal reads an unsigned number without leading zeros and its "\r\n" from b[i:]. end is the index behind the
// line end, 0 when b ends too early.
func parseDecimal(b []byte, i int) (value int64, end int, bad int, err error) {
	first := i
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if i-first == maxDigits || i > first && b[first] == '0' {
			return 0, 0, i, errNumber
		}
		value = value*10 + int64(b[i]-'0')
	}
	switch {
	case i == len(b):
		return 0, 0, 0, nil
	case i == first || b[i] != '\r':
		return 0, 0, i, errNumber
	case i+1 == len(b):
		return 0, 0, 0, nil
	case b[i+1] != '\n':
		return 0, 0, i + 1, errNumber
	}
	return value, i + 2, 0, nil
}

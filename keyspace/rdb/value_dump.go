package rdb

import (
	"encoding/binary"
	"fmt"

	"datastore/keyspace"
)

// footerBytes is what follows the value in a DUMP payload: the version of the format (2, little endian) and the CRC64 of
// all before it (8, little endian).
const footerBytes = 2 + checksumBytes

// AppendValue appends the type and the value of a key that is present to dst. With compress, strings and nodes that gain by
// it are compressed. The error is that of a module that cannot save its value, and dst as it was.
func AppendValue(dst []byte, e keyspace.Entry, compress bool) ([]byte, error) {
	w := Writer{opts: WriterOptions{Compress: compress}, buf: dst, tables: jonesTables()}
	w.WriteOpcode(typeOf(e))
	w.writeValue(e)
	if w.err != nil {
		return dst, w.err
	}
	return w.buf, nil
}

// Dump appends a key that is present to dst as the payload that DUMP answers and RESTORE takes. Errors are those of
// AppendValue.
func Dump(dst []byte, e keyspace.Entry) ([]byte, error) {
	start := len(dst)
	dst, err := AppendValue(dst, e, true)
	if err != nil {
		return dst, err
	}
	dst = binary.LittleEndian.AppendUint16(dst, version)
	return binary.LittleEndian.AppendUint64(dst, Checksum(0, dst[start:])), nil
}

// Restore creates a key from a payload of Dump or of Redis's DUMP. The error is ErrExists when the key is present,
// ErrVersion or ErrChecksum when the payload's footer is wrong, and else that of the value, ErrCorrupt, ErrTruncated,
// ErrUnsupported or ErrModule; nothing has changed then.
func Restore(d *keyspace.DB, key, payload []byte, m keyspace.Meta) error {
	if d.Exists(key) {
		return ErrExists
	}
	return restore(payload, &target{d: d, key: key, meta: m, only: true})
}

// RestoreOver is Restore that replaces what the key holds.
func RestoreOver(d *keyspace.DB, key, payload []byte, m keyspace.Meta) error {
	return restore(payload, &target{d: d, key: key, meta: m, only: true, over: true})
}

// Verify is Restore that stores nothing, whatever the key is.
func Verify(d *keyspace.DB, payload []byte) error {
	return restore(payload, &target{d: d, only: true, drop: true})
}

func restore(payload []byte, to *target) error {
	end := len(payload) - footerBytes
	if end < 0 {
		return fmt.Errorf("%w: payload of %d bytes", ErrChecksum, len(payload))
	}
	if v := binary.LittleEndian.Uint16(payload[end:]); v > version {
		return fmt.Errorf("%w %d", ErrVersion, v)
	}
	if Checksum(0, payload[:end+2]) != binary.LittleEndian.Uint64(payload[end+2:]) {
		return ErrChecksum
	}
	r := NewBytesReader(payload[:end], ReaderOptions{MaxStringBytes: keyspace.MaxStringBytes})
	v := newDecoder(r, to.d.Store())
	t := r.ReadOpcode()
	if r.err != nil {
		return r.err
	}
	return v.decode(t, to)
}

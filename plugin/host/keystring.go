package host

import (
	"errors"

	"datastore/keyspace"
	"datastore/plugin"
	"datastore/server/resp"
)

// maxStringBytes is the largest string, key name and element of the SDK, whatever proto-max-bulk-len says.
const maxStringBytes = 512 << 20

func tooLong(b []byte) bool { return len(b) > maxStringBytes }

func appendInt64(dst []byte, n int64) []byte { return resp.AppendInt(dst, n) }

// SetString implements plugin.StringValue. The bytes are copied: what the caller's String aliases may change.
func (k *key) SetString(s plugin.String) error {
	if err := k.writable(); err != nil {
		return err
	}
	if k.iter.over != keyspace.TypeNone {
		return plugin.ErrIterating
	}
	value := s.Bytes()
	if len(value) > min(maxStringBytes, k.frame.cc.Store.Limits().StringBytes) {
		return plugin.ErrTooLarge
	}
	value, k.dirty = k.stable(value), false
	k.db.SetStr(k.name, value)
	k.frame.record(k.db, []byte("SET"), k.name, value)
	k.written()
	return nil
}

// DMA implements plugin.StringValue.
func (k *key) DMA(write bool) ([]byte, error) {
	switch {
	case k.frame == nil:
		return nil, plugin.ErrStale
	case write && !k.write:
		return nil, plugin.ErrNotWritable
	}
	switch k.Type() {
	case plugin.KeyEmpty:
		return []byte{}, nil
	case plugin.KeyString:
	default:
		return nil, plugin.ErrType
	}
	if write {
		b, err := k.db.Modify(k.name)
		k.written()
		k.dirty, k.lent = true, true
		return b[:len(b):len(b)], err
	}
	k.lent = true
	v := k.look().Str()
	if v.IsInt() {
		k.scratch = v.AppendTo(k.scratch[:0])
		return k.scratch, nil
	}
	return v.Bytes[:len(v.Bytes):len(v.Bytes)], nil
}

// Truncate implements plugin.StringValue.
func (k *key) Truncate(n int) error {
	if err := k.writable(); err != nil {
		return err
	}
	if n > maxStringBytes {
		return plugin.ErrTooLarge
	}
	before := k.changes()
	switch err := k.db.Truncate(k.name, n); {
	case errors.Is(err, keyspace.ErrWrongType):
		return plugin.ErrType
	case err != nil:
		return plugin.ErrTooLarge
	}
	if k.changes() != before {
		k.written()
		k.dirty = true
	}
	return nil
}

// recordDirty records the value that DMA and Truncate have left, if it is still there: when the handle is closed, and before
// what depends on the key, which Truncate may have made.
func (k *key) recordDirty() {
	if !k.dirty {
		return
	}
	if e := k.look(); e.Type() == keyspace.TypeString {
		v := e.Str()
		text := v.Bytes
		if v.IsInt() {
			k.scratch = v.AppendTo(k.scratch[:0])
			text = k.scratch
		}
		k.frame.record(k.db, []byte("SET"), k.name, text, []byte("KEEPTTL"))
	}
	k.dirty = false
}

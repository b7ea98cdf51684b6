package plugin

import "iter"

// HFlags are options of HSet.
type HFlags uint8

// Options of HSet.
const (
	HNX       HFlags = 1 << 0 // leave fields that exist alone
	HXX       HFlags = 1 << 1 // leave fields that do not exist alone
	HCountAll HFlags = 1 << 4 // count new fields too
)

// Field is a field of a hash and its value. In HSet a missing Value, String{}, deletes the field.
type Field struct{ Name, Value String }

// HashFields is the part of KeyImpl for hash values.
type HashFields interface {
	HSet(flags HFlags, fields []Field) (int, error)
	HGet(field []byte) (String, bool, error)
	HDel(field []byte) (bool, error)
	HExists(field []byte) (bool, error)
}

// maxKeptFields bounds the memory that a Key keeps for the next HSet.
const maxKeptFields = 256

// HSet stores and deletes fields, one after another, and creates a hash when the key is empty and there is something to
// store. It returns how many fields that existed it has overwritten, also with the same value, or deleted; with HCountAll
// also how many are new. HNX and HXX are checked before a field is stored or deleted. The key goes with the last field.
// The Strings are copied.
//
// Errors: ErrNotWritable; ErrType; ErrInvalid for unknown flags, HNX with HXX, and a missing Name. After an error nothing
// has changed.
func (k *Key) HSet(flags HFlags, fields ...Field) (int, error) {
	if k == nil {
		return 0, ErrNotWritable
	}
	k.fields = append(k.fields[:0], fields...)
	n, err := k.Impl.HSet(flags, k.fields)
	if clear(k.fields); cap(k.fields) > maxKeptFields {
		k.fields = nil
	}
	return n, err
}

// HGet returns the value of a field; false when there is no such field. The String is valid until the callback returns.
// An empty key has no fields. It fails with ErrType.
func (k *Key) HGet(field []byte) (String, bool, error) {
	if k == nil {
		return String{}, false, nil
	}
	return k.Impl.HGet(field)
}

// HDel deletes a field and reports whether it was there. An empty key has no fields. The key goes with the last field.
//
// Errors: ErrNotWritable; ErrType.
func (k *Key) HDel(field []byte) (bool, error) {
	if k == nil {
		return false, ErrNotWritable
	}
	return k.Impl.HDel(field)
}

// HExists reports whether there is a field. An empty key has no fields. It fails with ErrType.
func (k *Key) HExists(field []byte) (bool, error) {
	if k == nil {
		return false, nil
	}
	return k.Impl.HExists(field)
}

// HAll iterates over a hash in no particular order: field and value, both valid until the next step. An empty key has no
// fields, and neither has a key of another type. See IterErr for iterations that end early.
func (k *Key) HAll() iter.Seq2[String, String] {
	return func(yield func(String, String) bool) { k.pairs(KeyHash, yield) }
}

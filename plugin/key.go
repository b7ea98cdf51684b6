package plugin

import (
	"math"
	"time"
)

// KeyType is the type of the value behind a Key.
type KeyType uint8

// Key types.
const (
	KeyEmpty KeyType = iota // no value
	KeyString
	KeyList
	KeyHash
	KeySet
	KeyZSet
	KeyModule // a native type, see Key.Value
	KeyStream // none yet: the daemon has no streams
)

// NoExpire is the time to live of a key without one; as an argument it takes the time to live away.
const NoExpire = time.Duration(-1)

// KeyImpl is the host's side of one open Key. Its methods follow those of Key.
type KeyImpl interface {
	Close() error
	DB() int
	Type() KeyType
	Len() int
	Delete(unlink bool) error
	TTL() (ms int64, ok bool)
	SetTTL(ms int64) error
	ExpireAt() (unixMs int64, ok bool)
	SetExpireAt(unixMs int64) error
	Persist() error
	StringValue
	ListValue
	SetMembers
	HashFields
	ZSetMembers
	Iteration
	NativeValue
}

// Key is an open key. A nil Key is a missing key opened for reading: it is empty, and writes to it fail with
// ErrNotWritable. After Close every method that can fail does so with ErrStale, and the key looks empty. The fields are
// the host's: modules use the methods.
//
// Writes through a key fire no keyspace notifications. One of an element beyond 512 MB fails with ErrTooLarge. An aggregate that loses its last element is deleted; the handle
// is that of an empty key then.
//
// Rules KEY-4, KEY-5, KEY-7, KEY-8; EXP-1 to EXP-3 for expiry, DMA-1 to DMA-5 for strings, LST-1 to LST-3 for lists, HSH-1
// to HSH-3 for hashes, ZST-1 to ZST-8 for sorted sets, TYP-4 for native types.
type Key struct {
	Impl   KeyImpl
	Cursor Cursor
	Title  String

	fields []Field // keeps the arguments of HSet off the heap
}

// Name returns the key's name, valid as long as the key is open.
func (k *Key) Name() String {
	if k == nil {
		return String{}
	}
	return k.Title
}

// DB returns the number of the key's database, and -1 for a nil or closed Key.
func (k *Key) DB() int {
	if k == nil {
		return -1
	}
	return k.Impl.DB()
}

// Close ends the use of the key, earlier than the return of the callback would. It fails with ErrStale the second time.
func (k *Key) Close() error {
	if k == nil {
		return nil
	}
	return k.Impl.Close()
}

// Type returns the type of the value.
func (k *Key) Type() KeyType {
	if k == nil {
		return KeyEmpty
	}
	return k.Impl.Type()
}

// Len returns the bytes of a string, the elements of an aggregate, and 0 for an empty key.
func (k *Key) Len() int {
	if k == nil {
		return 0
	}
	return k.Impl.Len()
}

// Check returns nil when the key is empty or of type t; otherwise ErrWrongType, to be returned by the handler.
func (k *Key) Check(t KeyType) error {
	if kt := k.Type(); kt != KeyEmpty && kt != t {
		return ErrWrongType
	}
	return nil
}

// Delete deletes the key, if there is one. The handle stays open on an empty key, which may become any type.
// It fails with ErrNotWritable.
func (k *Key) Delete() error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.Delete(false)
}

// Unlink is Delete that leaves the work of freeing a large value for later.
func (k *Key) Unlink() error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.Delete(true)
}

// TTL returns the time to live, in whole milliseconds and never negative, or NoExpire. More than a Duration can hold,
// 292 years, is given as the longest Duration.
func (k *Key) TTL() time.Duration {
	if k == nil {
		return NoExpire
	}
	ms, ok := k.Impl.TTL()
	if !ok {
		return NoExpire
	}
	if ms > int64(math.MaxInt64/time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}

// SetTTL sets the time to live, counted from Invocation.Now and rounded up to whole milliseconds; NoExpire takes it
// away. 0 is legal.
//
// Errors: ErrInvalid for other negative durations; ErrEmptyKey; ErrNotWritable.
func (k *Key) SetTTL(d time.Duration) error {
	switch {
	case k == nil:
		return ErrNotWritable
	case d == NoExpire:
		return k.Impl.Persist()
	case d < 0:
		return ErrInvalid
	}
	ms := d.Milliseconds()
	if d%time.Millisecond != 0 {
		ms++
	}
	return k.Impl.SetTTL(ms)
}

// ExpireAt returns the moment at which the key expires, in whole milliseconds; false without one.
func (k *Key) ExpireAt() (time.Time, bool) {
	if k == nil {
		return time.Time{}, false
	}
	ms, ok := k.Impl.ExpireAt()
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMilli(ms), true
}

// SetExpireAt sets the moment at which the key expires, in whole milliseconds; the zero time takes it away.
//
// Errors: ErrInvalid for a time before 1970; ErrEmptyKey; ErrNotWritable.
func (k *Key) SetExpireAt(t time.Time) error {
	switch {
	case k == nil:
		return ErrNotWritable
	case t.IsZero():
		return k.Impl.Persist()
	case t.UnixMilli() < 0:
		return ErrInvalid
	}
	return k.Impl.SetExpireAt(t.UnixMilli())
}

package host

import (
	"errors"
	"reflect"
	"strconv"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/plugin"
)

// SetValue implements plugin.NativeValue.
func (k *key) SetValue(t *plugin.Type, v any) error {
	nt, err := k.storable(t, v)
	if err != nil {
		return err
	}
	if is, old, ok := k.look().Native(); ok && same(old, v) { // which must not be freed
		if is != keyspace.NativeType(nt) {
			return plugin.ErrInvalid
		}
		return errors.Join(k.Persist(), k.Changed())
	}
	k.dirty, k.handed = false, false
	k.db.SetNative(k.name, nt, v)
	k.written()
	k.frame.changedNative(k.db, k.name)
	return nil
}

// ReplaceValue implements plugin.NativeValue.
func (k *key) ReplaceValue(t *plugin.Type, v any) (old any, err error) {
	nt, err := k.storable(t, v)
	if err != nil {
		return nil, err
	}
	switch is, old, ok := k.look().Native(); {
	case k.Type() == plugin.KeyEmpty:
		return nil, plugin.ErrEmptyKey
	case !ok || is != keyspace.NativeType(nt):
		return nil, plugin.ErrType
	case same(old, v):
		return nil, plugin.ErrInvalid
	}
	k.handed = false
	old, _ = k.db.ReplaceNative(k.name, v)
	k.written()
	k.frame.changedNative(k.db, k.name)
	return old, nil
}

// same reports whether two values are one: a pointer or another reference to the same thing.
func same(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Type() != y.Type() {
		return false
	}
	switch x.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.UnsafePointer:
		return x.Pointer() == y.Pointer()
	}
	return false
}

// storable returns the type that v is to be stored as, or why it cannot be.
func (k *key) storable(t *plugin.Type, v any) (*nativeType, error) {
	if err := k.writable(); err != nil {
		return nil, err
	}
	nt := k.frame.host.registered(t)
	switch {
	case nt == nil || v == nil:
		return nil, plugin.ErrInvalid
	case k.iter.over != keyspace.TypeNone:
		return nil, plugin.ErrIterating
	}
	return nt, nil
}

// Value implements plugin.NativeValue.
func (k *key) Value() (*plugin.Type, any) {
	if k.frame == nil {
		return nil, nil
	}
	t, v, _ := k.look().Native()
	if nt, ok := t.(*nativeType); ok {
		k.handed = k.write
		return &nt.public, v
	}
	return nil, nil
}

// Changed implements plugin.NativeValue.
func (k *key) Changed() error {
	if err := k.writable(); err != nil {
		return err
	}
	if k.Type() == plugin.KeyEmpty {
		return plugin.ErrEmptyKey
	}
	t, v, _ := k.look().Native()
	nt, ok := t.(*nativeType)
	if !ok {
		return plugin.ErrType
	}
	k.frame.changedNative(k.db, k.name) // before AllocSize, which may end this goroutine
	k.db.NativeChanged(k.name, nt.size(v))
	k.handed = false
	k.wrote, k.seen = true, k.changes() // the record has stayed where it was
	return nil
}

// checkValue finds a value, handed out to be written, that was changed without a word, as far as its size tells, and makes up
// for it: replicas are to stay equal.
func (k *key) checkValue() {
	k.handed = false
	t, v, _ := k.look().Native()
	nt, ok := t.(*nativeType)
	if !ok {
		return
	}
	if now := nt.size(v); now != k.db.NativeBytes(k.name) {
		k.frame.misuse("the value of key %q was changed without Key.Changed", k.name)
		k.db.NativeChanged(k.name, now)
		k.wrote = true
		k.frame.changedNative(k.db, k.name)
	}
}

// thaw makes the value of a key that is being opened live, if it is an opaque one of a type that is known.
func (f *frame) thaw(entry keyspace.Entry, name []byte) (keyspace.Entry, error) {
	live, err := entry.Thaw()
	if err != nil {
		f.logf(plugin.Warning, "the value of key %q in database %d was not loaded: %v", name, f.db.Index(), err)
		return entry, plugin.ErrBadValue
	}
	return live, nil
}

// changed is a key whose native value a handler has changed.
type changed struct {
	db   *keyspace.DB
	name []byte
}

// changedNative notes that a native value is to be recorded. That takes the whole value, so it is done once and late: when
// the handler has ended without having said what is to be replicated, or before a command that it calls, whose effects come
// after it.
func (f *frame) changedNative(db *keyspace.DB, name []byte) {
	if !f.cc.Effects.Listening() {
		return
	}
	if f.noted(db, name) {
		return
	}
	if n := len(f.natives); n < cap(f.natives) {
		f.natives = f.natives[:n+1]
		f.natives[n].db, f.natives[n].name = db, append(f.natives[n].name[:0], name...)
		return
	}
	f.natives = append(f.natives, changed{db, append([]byte(nil), name...)})
}

// noted reports whether a native value is to be recorded already. More than a few are looked up in a set.
func (f *frame) noted(db *keyspace.DB, name []byte) bool {
	if len(f.natives) <= keptNatives {
		for i := range f.natives {
			if n := &f.natives[i]; n.db == db && string(n.name) == string(name) {
				return true
			}
		}
		return false
	}
	if f.nativeSet == nil {
		f.nativeSet = make(map[dbKey]struct{}, 4*keptNatives)
		for _, n := range f.natives {
			f.nativeSet[dbKey{n.db.Index(), string(n.name)}] = struct{}{}
		}
	}
	at := dbKey{db.Index(), string(name)}
	_, there := f.nativeSet[at]
	f.nativeSet[at] = struct{}{}
	return there
}

// recordNatives records the native values that were changed, as they are now, unless the handler has said what is to be
// replicated instead.
func (f *frame) recordNatives() {
	if len(f.natives) == 0 {
		return
	}
	if !f.effects.used || !f.effects.explicit || !f.returned {
		for i := range f.natives {
			f.recordNative(f.natives[i].db, f.natives[i].name)
		}
	}
	if f.natives = f.natives[:0]; cap(f.natives) > keptNatives {
		f.natives, f.nativeSet = nil, nil
	}
}

// keptNatives is the capacity of changed keys that a frame keeps.
const keptNatives = 16

// recordNative records a native value. A replica and the append-only file need no module to run RESTORE, in any state of
// the key; the commands of the type's Rewrite would, and they would find the old value there.
func (f *frame) recordNative(db *keyspace.DB, name []byte) {
	e := db.Peek(name)
	at := e.ExpireAt()
	if e.Type() != keyspace.TypeNative || at != keyspace.NoExpiry && at < f.cc.NowMs {
		return // it has become something else, or is gone, which has been recorded
	}
	h := f.host
	payload, err := rdb.Dump(h.payload[:0], e)
	if err != nil {
		f.misuse("the value of key %q cannot be replicated: %v", name, err)
		return
	}
	f.record(db, []byte("RESTORE"), name, strconv.AppendInt(nil, max(at, 0), 10), payload, []byte("REPLACE"), []byte("ABSTTL"))
	if h.payload = payload; cap(payload) > keptPayload {
		h.payload = nil
	}
}

// keptPayload is the capacity that is kept for the next value to be recorded.
const keptPayload = 1 << 20

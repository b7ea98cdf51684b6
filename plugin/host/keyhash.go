package host

import (
	"datastore/keyspace"
	"datastore/plugin"
)

var (
	hsetName = [...]byte{'H', 'S', 'E', 'T'}
	hdelName = [...]byte{'H', 'D', 'E', 'L'}
)

// HSet implements plugin.HashFields. fields belong to the callee until it returns.
func (k *key) HSet(flags plugin.HFlags, fields []plugin.Field) (int, error) {
	if err := k.forWrite(keyspace.TypeHash); err != nil {
		return 0, err
	}
	const conditions = plugin.HNX | plugin.HXX
	if flags&^(conditions|plugin.HCountAll) != 0 || flags&conditions == conditions {
		return 0, plugin.ErrInvalid
	}
	for i := range fields {
		if fields[i].Name.IsZero() {
			return 0, plugin.ErrInvalid
		}
		if tooLong(fields[i].Name.Bytes()) || tooLong(fields[i].Value.Bytes()) {
			return 0, plugin.ErrTooLarge
		}
	}
	if k.lent {
		k.keepFields(fields)
	}
	counted, before := 0, k.changes()
	for i := range fields {
		existed, done := k.putField(&fields[i], flags)
		if done && (existed || flags&plugin.HCountAll != 0) {
			counted++
		}
	}
	if k.changes() != before {
		k.recordFields()
		k.writtenHandle()
	}
	return counted, nil
}

// keepFields replaces fields that may be views of the hash itself by copies.
func (k *key) keepFields(fields []plugin.Field) {
	for i, f := range fields {
		fields[i].Name = plugin.StringOf(k.stable(f.Name.Bytes()))
		if !f.Value.IsZero() {
			fields[i].Value = plugin.StringOf(k.stable(f.Value.Bytes()))
		}
	}
}

// putField stores a field, or deletes one that is there, unless a condition holds it back.
func (k *key) putField(f *plugin.Field, flags plugin.HFlags) (existed, done bool) {
	name, deletes := f.Name.Bytes(), f.Value.IsZero()
	if deletes || flags&(plugin.HNX|plugin.HXX) != 0 {
		existed = k.hash.Has(name)
		if existed && flags&plugin.HNX != 0 || !existed && (deletes || flags&plugin.HXX != 0) {
			return existed, false
		}
	}
	if deletes {
		k.hash.Delete(name)
		k.addArgs(hdelName[:], name)
		return true, true
	}
	fresh := k.hash.Set(name, f.Value.Bytes())
	k.addArgs(hsetName[:], name, f.Value.Bytes())
	return !fresh, true
}

// addArgs makes one command of the changes of neighbouring fields that are of one kind.
func (k *key) addArgs(command []byte, args ...[]byte) {
	if !k.frame.cc.Effects.Listening() {
		return
	}
	if len(k.argv) > 0 && &k.argv[0][0] != &command[0] {
		k.recordFields()
	}
	if len(k.argv) == 0 {
		k.argv = append(k.argv, command, k.name)
	}
	k.argv = append(k.argv, args...)
}

// recordFields records the command that addArgs has made.
func (k *key) recordFields() {
	if len(k.argv) == 0 {
		return
	}
	k.frame.record(k.db, k.argv...)
	clear(k.argv)
	if k.argv = k.argv[:0]; cap(k.argv) > keptArgs {
		k.argv = nil
	}
}

// HGet implements plugin.HashFields.
func (k *key) HGet(field []byte) (plugin.String, bool, error) {
	switch err := k.forRead(keyspace.TypeHash); err {
	case nil:
	case plugin.ErrEmptyKey:
		return plugin.String{}, false, nil
	default:
		return plugin.String{}, false, err
	}
	v, ok := k.hash.Get(field)
	if !ok {
		return plugin.String{}, false, nil
	}
	return k.frame.keepValue(v), true, nil
}

// HDel implements plugin.HashFields.
func (k *key) HDel(field []byte) (bool, error) {
	if err := k.forWrite(keyspace.TypeHash); err != nil {
		return false, err
	}
	field = k.stable(field)
	deleted := k.hash.Delete(field)
	if deleted {
		k.writtenHandle()
		k.frame.record(k.db, hdelName[:], k.name, field)
	}
	return deleted, nil
}

// HExists implements plugin.HashFields.
func (k *key) HExists(field []byte) (bool, error) {
	switch err := k.forRead(keyspace.TypeHash); err {
	case nil:
		return k.hash.Has(field), nil
	case plugin.ErrEmptyKey:
		return false, nil
	default:
		return false, err
	}
}

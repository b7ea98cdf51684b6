package host

import (
	"datastore/keyspace"
	"datastore/plugin"
)

// SAdd implements plugin.SetMembers.
func (k *key) SAdd(m []byte) (bool, error) {
	if err := k.forWrite(keyspace.TypeSet); err != nil {
		return false, err
	}
	if tooLong(m) {
		return false, plugin.ErrTooLarge
	}
	m = k.stable(m)
	added := k.set.Add(m)
	if added {
		k.writtenHandle()
		k.frame.record(k.db, []byte("SADD"), k.name, m)
	}
	return added, nil
}

// SRem implements plugin.SetMembers.
func (k *key) SRem(m []byte) (bool, error) {
	if err := k.forWrite(keyspace.TypeSet); err != nil {
		return false, err
	}
	return k.removeMember(k.stable(m)), nil
}

func (k *key) removeMember(m []byte) bool {
	removed := k.set.Remove(m)
	if removed {
		k.writtenHandle()
		k.frame.record(k.db, []byte("SREM"), k.name, m)
	}
	return removed
}

// SHas implements plugin.SetMembers.
func (k *key) SHas(m []byte) (bool, error) {
	switch err := k.forRead(keyspace.TypeSet); err {
	case nil:
		return k.set.Has(m), nil
	case plugin.ErrEmptyKey:
		return false, nil
	default:
		return false, err
	}
}

// SRandom implements plugin.SetMembers.
func (k *key) SRandom() (plugin.String, error) {
	if err := k.forRead(keyspace.TypeSet); err != nil {
		return plugin.String{}, err
	}
	return k.frame.keepValue(k.set.Random(k.frame.cc.Rand.Uint64N)), nil
}

// SPop implements plugin.SetMembers. It is recorded as the removal of the member that chance has chosen.
func (k *key) SPop() (plugin.String, error) {
	if err := k.writable(); err != nil {
		return plugin.String{}, err
	}
	m, err := k.SRandom()
	if err == nil {
		k.removeMember(m.Bytes())
	}
	return m, err
}

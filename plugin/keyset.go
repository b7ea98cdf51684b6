package plugin

import "iter"

// SetMembers is the part of KeyImpl for set values.
type SetMembers interface {
	SAdd(m []byte) (bool, error)
	SRem(m []byte) (bool, error)
	SHas(m []byte) (bool, error)
	SRandom() (String, error)
	SPop() (String, error)
}

// SAdd adds a member to a set, and creates the set when the key is empty. It reports whether the member is new. m is
// copied.
//
// Errors: ErrNotWritable; ErrType.
func (k *Key) SAdd(m []byte) (bool, error) {
	if k == nil {
		return false, ErrNotWritable
	}
	return k.Impl.SAdd(m)
}

// SRem removes a member from a set and reports whether it was there. An empty key has no members. The key goes with the
// last member.
//
// Errors: ErrNotWritable; ErrType.
func (k *Key) SRem(m []byte) (bool, error) {
	if k == nil {
		return false, ErrNotWritable
	}
	return k.Impl.SRem(m)
}

// SHas reports whether m is a member of a set. An empty key has no members. It fails with ErrType.
func (k *Key) SHas(m []byte) (bool, error) {
	if k == nil {
		return false, nil
	}
	return k.Impl.SHas(m)
}

// SRandom returns a member, each with the same probability. The String is valid until the callback returns.
//
// Errors: ErrEmptyKey; ErrType.
func (k *Key) SRandom() (String, error) {
	if k == nil {
		return String{}, ErrEmptyKey
	}
	return k.Impl.SRandom()
}

// SPop removes a member, each with the same probability, and returns it. The String is valid until the callback returns.
// The key goes with the last member.
//
// Errors: ErrNotWritable; ErrEmptyKey; ErrType.
func (k *Key) SPop() (String, error) {
	if k == nil {
		return String{}, ErrNotWritable
	}
	return k.Impl.SPop()
}

// SAll iterates over the members of a set in no particular order. The String is valid until the next step. An empty key
// has no members, and neither has a key of another type. See IterErr for iterations that end early.
func (k *Key) SAll() iter.Seq[String] {
	return func(yield func(String) bool) { k.members(yield) }
}

func (k *Key) members(yield func(String) bool) {
	run, ok := k.seek(KeySet, false)
	if !ok {
		return
	}
	defer k.stop(run)
	for k.next(run) {
		if !yield(k.Cursor.Elem) {
			return
		}
	}
}

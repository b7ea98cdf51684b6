package keyspace

import (
	"iter"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// DB is one database: the table of its keys, and a second table of the keys that expire (the same records), which serves
// counting and sampling.
type DB struct {
	store   *Store
	index   int
	keys    table.Table
	expires table.Table

	expireAt uint64 // cursor of ExpireSome in expires
}

// Index returns the database's number.
func (d *DB) Index() int { return d.index }

// Len returns the number of keys, those included whose time has come but that nobody has met yet.
func (d *DB) Len() int { return d.keys.Len() }

// Expires returns the number of keys with a time to live.
func (d *DB) Expires() int { return d.expires.Len() }

// Entry is a view of a key, valid until the next operation that writes. The zero Entry is a missing key.
type Entry struct {
	db *DB
	h  uint64
	r  slab.Ref
}

// find returns the record of a key that is logically present.
func (d *DB) find(key []byte) (uint64, slab.Ref) {
	h := d.keys.Hash(key)
	r := d.keys.Find(h, key)
	if r != 0 && table.HasExpire(r) && !d.alive(h, r) {
		r = 0
	}
	return h, r
}

// alive applies the expiry mode to a record with an expiry; a dead one is deleted on a primary.
func (d *DB) alive(h uint64, r slab.Ref) bool {
	s := d.store
	if !s.expired(r) {
		return true
	}
	if s.mode == ExpireDelete {
		d.expire(h, r)
	}
	return false
}

// expired reports whether the time of a record has come. In the very millisecond of its expiry a key is still there.
func (s *Store) expired(r slab.Ref) bool {
	return table.HasExpire(r) && table.Expire(r) < s.nowMs && s.mode != ExpireIgnore
}

// expire deletes a record whose time has come. It is no change of the running command: the observer makes it an effect.
func (d *DB) expire(h uint64, r slab.Ref) {
	s := d.store
	key := table.Key(r)
	if s.onExpired != nil {
		mode := s.mode
		s.mode = ExpireIgnore
		s.onExpired(d.index, key)
		s.mode = mode
	}
	d.tell(key)
	s.stats.Expired++
	s.deaths++
	d.unlink(h, r)
	d.discard(r)
}

// unlink takes a record out of both tables without freeing it.
func (d *DB) unlink(h uint64, r slab.Ref) {
	if table.HasExpire(r) {
		d.expires.Remove(h, r)
	}
	d.keys.Remove(h, r)
}

// link enters a record under a key that is absent. Where expired keys are only hidden, one may still hold the name; a write
// of it ends that, as on Redis's writable replicas.
func (d *DB) link(h uint64, r slab.Ref) {
	if d.store.mode == ExpireHide {
		if old := d.keys.Find(h, table.Key(r)); old != 0 {
			d.expire(h, old)
		}
	}
	d.keys.Insert(h, r)
	if table.HasExpire(r) {
		d.expires.Insert(h, r)
	}
}

// replace puts record n in the place of r, whose key is equal, and frees nothing.
func (d *DB) replace(h uint64, r, n slab.Ref) {
	was, is := table.HasExpire(r), table.HasExpire(n)
	switch {
	case was && is:
		d.expires.Replace(h, r, n)
	case was:
		d.expires.Remove(h, r)
	case is:
		d.expires.Insert(h, n)
	}
	d.keys.Replace(h, r, n)
}

// change is called before each real change of a key.
func (d *DB) change(key []byte) {
	d.store.changes++
	if d.store.onChange != nil {
		d.tell(key)
	}
}

// tell calls OnChange. No key expires meanwhile: the observer may look at keys, and the caller holds records.
func (d *DB) tell(key []byte) {
	s := d.store
	if s.onChange == nil {
		return
	}
	mode := s.mode
	s.mode = ExpireIgnore
	s.onChange(d.index, key)
	s.mode = mode
}

// Lookup returns a key for reading: it counts a hit or a miss and renews the access clock.
func (d *DB) Lookup(key []byte) Entry {
	h, r := d.find(key)
	d.touch(r)
	return Entry{d, h, r}
}

func (d *DB) touch(r slab.Ref) {
	d.count(r)
	if s := d.store; r != 0 && table.AccessClock(r) != s.clock && !s.noTouch {
		table.SetAccessClock(r, s.clock)
	}
}

// count counts a hit or a miss while a command that only reads is running.
func (d *DB) count(r slab.Ref) {
	s := d.store
	switch {
	case !s.reading:
	case r == 0:
		s.stats.Misses++
	default:
		s.stats.Hits++
	}
}

// Peek returns a key and leaves its access clock alone.
func (d *DB) Peek(key []byte) Entry {
	h, r := d.find(key)
	d.count(r)
	return Entry{d, h, r}
}

// Exists reports whether a key is there.
func (d *DB) Exists(key []byte) bool {
	_, r := d.find(key)
	d.count(r)
	return r != 0
}

// Type returns the type of a key, TypeNone when it is missing.
func (d *DB) Type(key []byte) Type { return d.Peek(key).Type() }

// Delete removes a key and reports whether it was there.
func (d *DB) Delete(key []byte) bool {
	h, r := d.find(key)
	if r == 0 {
		return false
	}
	d.remove(h, r)
	return true
}

// remove deletes a record as a change.
func (d *DB) remove(h uint64, r slab.Ref) {
	d.change(table.Key(r))
	d.unlink(h, r)
	d.discard(r)
}

// Rename gives src the name dst, replacing what dst held; a time to live goes along. False when src is missing.
func (d *DB) Rename(src, dst []byte) bool {
	h, r := d.find(src)
	if r == 0 {
		return false
	}
	if string(src) == string(dst) {
		return true
	}
	d.Delete(dst)
	d.change(src)
	d.unlink(h, r)
	d.change(dst)
	d.adopt(r, dst)
	return true
}

// adopt enters an unlinked record, perhaps of another database, under a key that is absent here.
func (d *DB) adopt(r slab.Ref, key []byte) {
	n := d.store.rebuild(r, key, expiryOf(r))
	d.store.freeShell(r)
	d.link(d.keys.Hash(key), n)
}

// MoveTo moves a key to another database; false when it is missing here or present there.
func (d *DB) MoveTo(dst *DB, key []byte) bool {
	h, r := d.find(key)
	if r == 0 || dst.Exists(key) {
		return false
	}
	d.change(key)
	dst.change(key)
	d.unlink(h, r)
	dst.link(h, r)
	return true
}

// CopyTo copies a value with its time to live. False when src is missing, or dst is present and replace is not set. A copy
// to itself with replace changes nothing. The error is that of a native type that cannot be copied; nothing has changed
// then.
func (d *DB) CopyTo(dst *DB, src, dstKey []byte, replace bool) (bool, error) {
	h, r := d.find(src)
	if r == 0 || (!replace && dst.Exists(dstKey)) {
		return false, nil
	}
	if d == dst && string(src) == string(dstKey) {
		return true, nil
	}
	n, err := d.copyRecord(dst, Entry{d, h, r}, dstKey)
	if err != nil {
		return false, err
	}
	dst.Delete(dstKey)
	dst.change(dstKey)
	dst.link(dst.keys.Hash(dstKey), n)
	return true, nil
}

// copyRecord makes a record for another key with a copy of the value of src.
func (d *DB) copyRecord(dst *DB, src Entry, dstKey []byte) (n slab.Ref, err error) {
	s, r := d.store, src.r
	switch {
	case typeOf(r) == TypeNative:
		return d.copyNative(dst, src, dstKey)
	case encodingOf(r) == encObject:
		n = s.newRecord(dstKey, objectIndexBytes, expiryOf(r))
		setObject(n, s.cloneObject(objectOf(r)))
	default:
		b := bytesOf(r)
		n = s.newRecord(dstKey, len(b), expiryOf(r))
		copy(bytesOf(n), b)
	}
	table.SetType(n, table.Type(r))
	return n, nil
}

// RandomKey returns a random key, the zero Entry when there is none. Keys whose time has come are passed over.
func (d *DB) RandomKey(rnd Rand) Entry {
	for tries := 0; d.keys.Len() > 0; tries++ {
		r := d.keys.Random(rnd)
		key := table.Key(r)
		h := d.keys.Hash(key)
		// On a replica that hides a wholly expired database the search must end: Redis gives up after 100 as well.
		if !table.HasExpire(r) || d.alive(h, r) || (d.store.mode == ExpireHide && tries > 100) {
			return Entry{d, h, r}
		}
	}
	return Entry{}
}

// Scan calls emit for the live keys of one step and returns the next cursor, 0 at the end. A key present from the start
// to the end of a full iteration is emitted at least once. emit must not write.
func (d *DB) Scan(cursor uint64, emit func(Entry)) uint64 {
	var dead []slab.Ref
	next := d.keys.Scan(cursor, func(r slab.Ref) {
		if d.store.expired(r) {
			dead = append(dead, r)
			return
		}
		emit(Entry{d, 0, r})
	})
	if d.store.mode == ExpireDelete {
		for _, r := range dead {
			d.expire(d.keys.Hash(table.Key(r)), r)
		}
	}
	return next
}

// All iterates over the live keys. Nothing may be written during the walk.
func (d *DB) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for r := range d.keys.All() {
			if d.store.expired(r) {
				continue
			}
			if !yield(Entry{d, 0, r}) {
				return
			}
		}
	}
}

// Reserve makes room for n keys at once, before a load.
func (d *DB) Reserve(n int) { d.keys.Reserve(n) }

// Resizing reports whether a resize is under way.
func (d *DB) Resizing() bool { return d.keys.Rehashing() || d.expires.Rehashing() }

// Step moves a little of a running resize; for idle time. It reports whether there is more to do.
func (d *DB) Step(n int) bool {
	a := d.keys.Step(n)
	return d.expires.Step(n) || a
}

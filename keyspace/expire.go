package keyspace

import (
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// ExpireAt returns when a key expires in Unix ms, -1 without an expiry, -2 when the key is missing.
func (d *DB) ExpireAt(key []byte) int64 {
	_, r := d.find(key)
	d.count(r)
	if r == 0 {
		return -2
	}
	return expiryOf(r)
}

// SetExpire sets when a key expires (Unix ms, also one in the past; below 0 is 0); false when the key is missing.
func (d *DB) SetExpire(key []byte, ms int64) bool {
	h, r := d.find(key)
	if r == 0 {
		return false
	}
	d.change(key)
	ms = max(ms, 0)
	if table.HasExpire(r) {
		table.SetExpire(r, ms)
		return true
	}
	n := d.store.rebuild(r, key, ms)
	d.replace(h, r, n)
	d.store.freeShell(r)
	return true
}

// Persist takes a key's expiry away and reports whether it had one.
func (d *DB) Persist(key []byte) bool {
	h, r := d.find(key)
	if r == 0 || !table.HasExpire(r) {
		return false
	}
	d.change(key)
	n := d.store.rebuild(r, key, noExpiry)
	d.replace(h, r, n)
	d.store.freeShell(r)
	return true
}

// ExpireSome looks at about n of the keys that expire, the next ones of a round through all of them, and deletes those whose
// time has come, telling OnExpired. It returns how many it looked at and how many it deleted; a caller goes on while the
// share of dead keys is high. What it reads and writes is touched ahead, so that the cache misses of n keys overlap.
func (d *DB) ExpireSome(n int) (looked, deleted int) {
	s := d.store
	found := s.found[:0]
	for visits := 0; len(found) < n && visits < n && d.expires.Len() > 0; visits++ {
		d.expireAt = d.expires.Scan(d.expireAt, func(r slab.Ref) {
			slab.PrefetchBlock(r)
			found = append(found, foundKey{r: r})
		})
		if d.expireAt == 0 {
			break // the next round would find some of them again
		}
	}
	dead := found[:0]
	for _, f := range found {
		if table.Expire(f.r) < s.nowMs {
			f.h = d.keys.Hash(table.Key(f.r))
			d.keys.Prefetch(f.h)
			d.expires.Prefetch(f.h)
			dead = append(dead, f)
		}
	}
	for _, f := range dead {
		d.expire(f.h, f.r)
	}
	s.found = found[:0]
	return len(found), len(dead)
}

// foundKey is a record with the hash of its key.
type foundKey struct {
	r slab.Ref
	h uint64
}

// MeanTTL estimates the mean remaining time to live in ms from n random keys; 0 without any.
func (d *DB) MeanTTL(n int, rnd Rand) int64 {
	var sum, count int64
	for i := 0; i < n && d.expires.Len() > 0; i++ {
		if left := table.Expire(d.expires.Random(rnd)) - d.store.nowMs; left > 0 {
			sum, count = sum+left, count+1
		}
	}
	if count == 0 {
		return 0
	}
	return sum / count
}

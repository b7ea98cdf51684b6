package host

import (
	"datastore/keyspace"
	"datastore/plugin"
)

// key is the host's side of one open key.
//
// What a lookup has found stays true until the keyspace changes (keyspace.Store.Changes), so that the usual handler, which
// opens a key, checks its type, writes and asks for the length, costs one lookup like a built-in command. A list's handle
// follows its own writes; every other write through the key makes the next operation look again.
type key struct {
	plugin.Key
	frame *frame // nil when closed
	db    *keyspace.DB
	name  []byte
	write bool

	seen   int64 // changes at the lookup; -1 for none
	entry  keyspace.Entry
	asList bool // list is the handle of what entry found
	list   keyspace.List

	wrote  bool // through this handle, so that watchers know
	doomed bool // its time to live was set to end now
	dirty  bool // DMA gave out writable bytes, or Truncate ran: the value is recorded when the key is closed

	walk    walk
	cursor  walk   // of LGet
	scratch []byte // text of an element
}

// keyPool keeps closed handles. The one closed longest ago is used first, so that a stale handle is found out for as long
// as possible.
type keyPool struct {
	ring []*key
	next int
}

// minSpareKeys is small because handles that are used in turn share the processor's first-level cache with the keyspace.
const minSpareKeys = 8

func (p *keyPool) take() *key {
	if len(p.ring)-p.next <= minSpareKeys {
		k := &key{}
		k.Impl = k
		return k
	}
	k := p.ring[p.next]
	p.ring[p.next] = nil
	p.next++
	return k
}

func (p *keyPool) give(k *key) {
	if p.next > minSpareKeys && p.next > len(p.ring)/2 {
		n := copy(p.ring, p.ring[p.next:])
		clear(p.ring[n:])
		p.ring, p.next = p.ring[:n], 0
	}
	if len(p.ring)-p.next < 2*minSpareKeys {
		p.ring = append(p.ring, k)
	}
}

// OpenKey implements plugin.Keyspace.
func (f *frame) OpenKey(name plugin.String, mode plugin.OpenMode) (*plugin.Key, error) {
	if mode&(plugin.Read|plugin.Write) == 0 {
		return nil, plugin.ErrInvalid
	}
	if f.asking {
		return nil, plugin.ErrKeysRequest
	}
	f.module.keys++
	h, write := f.host, mode&plugin.Write != 0
	for _, o := range h.open {
		if (write || o.write) && o.db == f.db && string(o.name) == string(name.Bytes()) {
			return nil, plugin.ErrKeyConflict
		}
	}
	store := f.cc.Store
	store.CountReads(!write)
	entry := f.db.Lookup(name.Bytes())
	if !entry.Exists() && !write {
		return nil, nil
	}
	k := h.spare.take()
	k.frame, k.db, k.write = f, f.db, write
	k.name = append(k.name[:0], name.Bytes()...)
	k.Title = plugin.StringOf(k.name)
	k.entry, k.seen, k.asList = entry, store.Changes(), false
	k.wrote, k.dirty, k.doomed = false, false, false
	h.open = append(h.open, k)
	return &k.Key, nil
}

// KeyExists implements plugin.Keyspace.
func (f *frame) KeyExists(name plugin.String) bool { return f.db.Exists(name.Bytes()) }

// DBSize implements plugin.Keyspace.
func (f *frame) DBSize() int { return f.db.Len() }

// SelectedDB implements plugin.Keyspace.
func (f *frame) SelectedDB() int { return f.db.Index() }

// SelectDB implements plugin.Keyspace.
func (f *frame) SelectDB(n int) error {
	if n < 0 || n >= f.cc.Store.Databases() {
		return plugin.ErrInvalid
	}
	if f.asking {
		return plugin.ErrKeysRequest
	}
	f.client.DB = n
	f.db = f.cc.Store.DB(n)
	f.cc.DB = f.db
	return nil
}

// closeKeys closes what a handler has left open.
func (f *frame) closeKeys() {
	h := f.host
	for n := len(h.open); n > 0 && h.open[n-1].frame == f; n = len(h.open) {
		h.open[n-1].end()
		h.open = h.open[:n-1]
	}
}

// Close implements plugin.KeyImpl.
func (k *key) Close() error {
	f := k.frame
	if f == nil {
		return plugin.ErrStale
	}
	k.end()
	open := f.host.open
	for i := len(open) - 1; i >= 0; i-- {
		if open[i] == k {
			f.host.open = append(open[:i], open[i+1:]...)
			break
		}
	}
	return nil
}

// end records what is still to be recorded and makes the handle stale.
func (k *key) end() {
	f := k.frame
	if k.dirty {
		k.recordValue()
	}
	if k.doomed {
		if at := k.db.ExpireAt(k.name); at >= 0 && at <= f.cc.NowMs {
			f.record(k.db, []byte("DEL"), k.name)
		}
	}
	if k.write && !k.wrote {
		f.host.server.KeyTouched(k.db.Index(), k.name)
	}
	k.frame, k.entry, k.list = nil, keyspace.Entry{}, keyspace.List{}
	if k.walk.active = false; k.cursor.active || k.Cursor.Index != 0 || !k.Cursor.Elem.IsZero() {
		k.cursor.active, k.Cursor = false, plugin.Cursor{}
	}
	if cap(k.scratch) > keptBytes {
		k.scratch = nil
	}
	f.host.spare.give(k)
}

func (k *key) changes() int64 { return k.frame.cc.Store.Changes() }

// look returns what is behind the key now.
func (k *key) look() keyspace.Entry {
	if n := k.changes(); k.seen != n {
		k.entry, k.seen, k.asList = k.db.Peek(k.name), n, false
	}
	return k.entry
}

// current reports whether the list handle is what is behind the key now.
func (k *key) current() bool { return k.asList && k.seen == k.changes() }

// written is called after each write that did not go through the list handle.
func (k *key) written() {
	k.wrote, k.seen, k.asList = true, -1, false
	k.walk.active, k.cursor.active = false, false
}

// writable tells why the key cannot be written, nil when it can.
func (k *key) writable() error {
	switch {
	case k.frame == nil:
		return plugin.ErrStale
	case !k.write:
		return plugin.ErrNotWritable
	}
	return nil
}

// Type implements plugin.KeyImpl.
func (k *key) Type() plugin.KeyType {
	if k.frame == nil {
		return plugin.KeyEmpty
	}
	if k.current() {
		if k.list.Exists() {
			return plugin.KeyList
		}
		return plugin.KeyEmpty
	}
	switch k.look().Type() {
	case keyspace.TypeString:
		return plugin.KeyString
	case keyspace.TypeList:
		return plugin.KeyList
	case keyspace.TypeHash:
		return plugin.KeyHash
	case keyspace.TypeSet:
		return plugin.KeySet
	case keyspace.TypeZSet:
		return plugin.KeyZSet
	}
	return plugin.KeyEmpty
}

// Len implements plugin.KeyImpl.
func (k *key) Len() int {
	switch {
	case k.frame == nil:
		return 0
	case k.current():
		return k.list.Len()
	}
	return k.look().Len()
}

// Delete implements plugin.KeyImpl.
func (k *key) Delete(unlink bool) error {
	if err := k.writable(); err != nil {
		return err
	}
	k.dirty = false
	if k.db.Delete(k.name) {
		name := []byte("DEL")
		if unlink {
			name = []byte("UNLINK")
		}
		k.frame.record(k.db, name, k.name)
	}
	k.written()
	return nil
}

// TTL implements plugin.KeyImpl.
func (k *key) TTL() (ms int64, ok bool) {
	at, ok := k.ExpireAt()
	if !ok {
		return 0, false
	}
	return max(0, at-k.frame.cc.NowMs), true
}

// ExpireAt implements plugin.KeyImpl.
func (k *key) ExpireAt() (unixMs int64, ok bool) {
	if k.frame == nil {
		return 0, false
	}
	at := k.db.ExpireAt(k.name)
	return at, at >= 0
}

// SetTTL implements plugin.KeyImpl.
func (k *key) SetTTL(ms int64) error {
	if err := k.writable(); err != nil {
		return err
	}
	return k.SetExpireAt(k.frame.cc.NowMs + ms)
}

// SetExpireAt implements plugin.KeyImpl. A moment that has passed deletes the key at once, which nobody can tell from its
// deletion at the next use. A key whose moment is now lives until the time goes on, after this unit: it is recorded as
// deleted when the handle is closed.
func (k *key) SetExpireAt(unixMs int64) error {
	if err := k.writable(); err != nil {
		return err
	}
	nowMs := k.frame.cc.NowMs
	switch {
	case unixMs < nowMs && k.Type() != plugin.KeyEmpty:
		return k.Delete(false)
	case !k.db.SetExpire(k.name, unixMs):
		return plugin.ErrEmptyKey
	case unixMs == nowMs:
		k.doomed = true
	default:
		k.scratch = appendInt64(k.scratch[:0], unixMs)
		k.frame.record(k.db, []byte("PEXPIREAT"), k.name, k.scratch)
	}
	k.written()
	return nil
}

// Persist implements plugin.KeyImpl.
func (k *key) Persist() error {
	if err := k.writable(); err != nil {
		return err
	}
	if k.Type() == plugin.KeyEmpty {
		return plugin.ErrEmptyKey
	}
	if k.db.Persist(k.name) {
		k.frame.record(k.db, []byte("PERSIST"), k.name)
		k.written()
	}
	return nil
}

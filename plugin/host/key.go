package host

import (
	"datastore/keyspace"
	"datastore/plugin"
)

// key is the host's side of one open key.
//
// What a lookup has found stays true until the keyspace changes (keyspace.Store.Changes), so that the usual handler, which
// opens a key, checks its type, writes and asks for the length, costs one lookup like a built-in command. The handle of an
// aggregate follows its own writes; every other write makes the next operation look again.
type key struct {
	plugin.Key
	frame *frame // nil when closed
	db    *keyspace.DB
	name  []byte
	write bool
	place int // in Modules.open

	// expiry is what lookups through this handle do with a key whose time has come; ExpireDelete stands for what others do.
	expiry keyspace.ExpiryMode

	seen  int64 // changes at the lookup; -1 for none
	entry keyspace.Entry

	as   keyspace.Type // the aggregate whose handle is below, TypeNone for none
	held int64         // changes up to which it is right
	list keyspace.List
	set  keyspace.Set
	hash keyspace.Hash
	zset keyspace.ZSet

	wrote  bool // through this handle, so that watchers know
	doomed bool // its time to live was set to end now
	handed bool // Value gave out a value that may be written, and nothing has been said of it since
	dirty  bool // DMA gave out writable bytes, or Truncate ran: the value is recorded when the key is closed
	lent   bool // views of the value were given out, and it was not written since
	walked bool // iter or cursor has been in use since the key was opened

	iter    iteration
	cursor  walk   // of LGet
	scratch []byte // text of an element
	bounds  []byte // of a range of members
	argv    [][]byte
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

const (
	accessModes = plugin.NoTouch | plugin.NoNotify | plugin.NoStats | plugin.NoExpireDel
	openModes   = plugin.Read | plugin.Write | accessModes | plugin.NoEffects | plugin.AccessExpired
)

// OpenKey implements plugin.Keyspace.
func (f *frame) OpenKey(name plugin.String, mode plugin.OpenMode) (*plugin.Key, error) {
	h, write := f.host, mode&plugin.Write != 0
	if mode&(plugin.Read|plugin.Write) == 0 || mode&^openModes != 0 || write && mode&plugin.AccessExpired != 0 {
		return nil, plugin.ErrInvalid
	}
	if f.use != inUse {
		return nil, f.barred()
	}
	if tooLong(name.Bytes()) {
		return nil, plugin.ErrTooLarge
	}
	f.module.keys++
	if mode&plugin.NoEffects != 0 {
		mode |= accessModes
	}
	if h.conflicts(f.db, name.Bytes(), write) {
		return nil, plugin.ErrKeyConflict
	}
	expiry := keyspace.ExpireDelete
	switch {
	case mode&plugin.AccessExpired != 0:
		expiry = keyspace.ExpireIgnore
	case mode&plugin.NoExpireDel != 0:
		expiry = keyspace.ExpireHide
	}
	store := f.cc.Store
	store.CountReads(!write && mode&plugin.NoStats == 0)
	entry := find(f.db, name.Bytes(), expiry, mode&plugin.NoTouch == 0)
	store.CountReads(false)
	if entry.Type() == keyspace.TypeNative {
		var err error
		if entry, err = f.thaw(entry, name.Bytes()); err != nil {
			return nil, err
		}
	}
	if !entry.Exists() && !write {
		return nil, nil
	}
	k := h.spare.take()
	k.frame, k.db, k.write, k.expiry = f, f.db, write, expiry
	k.name = append(k.name[:0], name.Bytes()...)
	k.Title = plugin.StringOf(k.name)
	k.entry, k.seen, k.as = entry, k.changes(), keyspace.TypeNone
	k.wrote, k.dirty, k.doomed, k.lent, k.walked = false, false, false, false, false
	if k.Cursor.Err != nil { // of an iteration that the last Close ended
		k.Cursor.Err = nil
	}
	h.opened(k)
	return &k.Key, nil
}

// find looks a key up. expiry is as in key, touch renews the access clock.
func find(db *keyspace.DB, name []byte, expiry keyspace.ExpiryMode, touch bool) keyspace.Entry {
	if expiry == keyspace.ExpireDelete { // the usual one
		return look(db, name, touch)
	}
	store := db.Store()
	before := store.Expiry(expiry)
	if before != keyspace.ExpireDelete && expiry != keyspace.ExpireIgnore {
		store.Expiry(before)
	}
	e := look(db, name, touch)
	store.Expiry(before)
	return e
}

func look(db *keyspace.DB, name []byte, touch bool) keyspace.Entry {
	if touch {
		return db.Lookup(name)
	}
	return db.Peek(name)
}

// KeyExists implements plugin.Keyspace.
func (f *frame) KeyExists(name plugin.String) bool {
	if f.use == over {
		return false
	}
	f.cc.Store.CountReads(false)
	return find(f.db, name.Bytes(), keyspace.ExpireHide, false).Exists()
}

// SignalModifiedKey implements plugin.Keyspace.
func (f *frame) SignalModifiedKey(name plugin.String) {
	if f.use != inUse {
		return
	}
	f.host.server.KeyTouched(f.db.Index(), name.Bytes())
}

// DBSize implements plugin.Keyspace.
func (f *frame) DBSize() int {
	if f.use == over {
		return 0
	}
	return f.db.Len()
}

// SelectedDB implements plugin.Keyspace.
func (f *frame) SelectedDB() int { return f.db.Index() }

// SelectDB implements plugin.Keyspace.
func (f *frame) SelectDB(n int) error {
	if n < 0 || n >= f.cc.Store.Databases() {
		return plugin.ErrInvalid
	}
	if f.use != inUse {
		return f.barred()
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
		k := h.open[n-1]
		k.end()
		h.closed(k)
	}
}

// DB implements plugin.KeyImpl.
func (k *key) DB() int {
	if k.frame == nil {
		return -1
	}
	return k.db.Index()
}

// Close implements plugin.KeyImpl.
func (k *key) Close() error {
	f := k.frame
	if f == nil {
		return plugin.ErrStale
	}
	k.end()
	f.host.closed(k)
	return nil
}

// end records what is still to be recorded and makes the handle stale.
func (k *key) end() {
	f := k.frame
	if k.handed {
		k.checkValue()
	}
	if k.dirty {
		k.recordDirty()
	}
	if k.doomed {
		if at := k.db.ExpireAt(k.name); at >= 0 && at <= f.cc.NowMs && k.db.Delete(k.name) {
			f.record(k.db, []byte("DEL"), k.name)
		}
	}
	if k.write && !k.wrote {
		f.host.server.KeyTouched(k.db.Index(), k.name)
	}
	if k.walked {
		k.closeIteration()
	}
	k.frame, k.entry, k.as = nil, keyspace.Entry{}, keyspace.TypeNone
	if cap(k.scratch) > keptBytes {
		k.scratch = nil
	}
	if cap(k.bounds) > keptBytes {
		k.bounds = nil
	}
	f.host.spare.give(k)
}

// changes moves whenever a view of the keyspace may have become invalid.
func (k *key) changes() int64 {
	store := k.db.Store()
	return store.Changes() + store.Deaths()
}

// look returns what is behind the key now.
func (k *key) look() keyspace.Entry {
	if n := k.changes(); k.seen != n {
		k.entry = find(k.db, k.name, k.expiry, false)
		k.seen = k.changes() // the lookup may have deleted the key
	}
	return k.entry
}

// current reports whether the handle of an aggregate is what is behind the key now.
func (k *key) current() bool { return k.as != keyspace.TypeNone && k.held == k.changes() }

// written is called after each write that did not go through the handle of an aggregate.
func (k *key) written() {
	k.as = keyspace.TypeNone
	k.moved()
}

// writtenHandle is called after each write through the handle of an aggregate.
func (k *key) writtenHandle() {
	k.moved()
	k.held = k.changes()
}

// moved notes that what was known of the value, and all views of it, have become invalid.
func (k *key) moved() {
	k.wrote, k.seen, k.lent = true, -1, false
	if k.walked {
		k.cut()
	}
}

// writable tells why the key cannot be written, nil when it can. A key that a lookup has hidden, because its time has come,
// is deleted before it is written.
func (k *key) writable() error {
	switch {
	case k.frame == nil:
		return plugin.ErrStale
	case !k.write:
		return plugin.ErrNotWritable
	case k.expiry != keyspace.ExpireDelete:
		k.expiry, k.seen, k.as = keyspace.ExpireDelete, -1, keyspace.TypeNone
	}
	return nil
}

// forRead opens the aggregate behind the key. A missing one is ErrEmptyKey.
func (k *key) forRead(t keyspace.Type) error {
	if k.frame == nil {
		return plugin.ErrStale
	}
	if err := k.openAs(t); err != nil {
		return err
	}
	if k.length() == 0 {
		return plugin.ErrEmptyKey
	}
	return nil
}

// forWrite opens the aggregate behind the key, or the empty key that may become one.
func (k *key) forWrite(t keyspace.Type) error {
	if err := k.writable(); err != nil {
		return err
	}
	return k.openAs(t)
}

func (k *key) openAs(t keyspace.Type) error {
	if k.as == t && k.current() {
		return nil
	}
	e := k.look()
	if is := e.Type(); is != keyspace.TypeNone && is != t {
		return plugin.ErrType
	}
	switch t {
	case keyspace.TypeList:
		k.list.Open(e, k.name)
	case keyspace.TypeSet:
		k.set.Open(e, k.name)
	case keyspace.TypeHash:
		k.hash.Open(e, k.name)
	case keyspace.TypeZSet:
		k.zset.Open(e, k.name)
	}
	k.as, k.held = t, k.seen
	return nil
}

// length returns the elements of the aggregate that is open.
func (k *key) length() int {
	switch k.as {
	case keyspace.TypeList:
		return k.list.Len()
	case keyspace.TypeSet:
		return k.set.Len()
	case keyspace.TypeHash:
		return k.hash.Len()
	case keyspace.TypeZSet:
		return k.zset.Len()
	}
	return 0
}

// stable returns the bytes of an argument for a write. They may be a view of the value itself, which the write moves: then
// it is a copy.
func (k *key) stable(b []byte) []byte {
	if !k.lent {
		return b
	}
	return k.frame.keep(b)
}

// Type implements plugin.KeyImpl.
func (k *key) Type() plugin.KeyType {
	if k.frame == nil {
		return plugin.KeyEmpty
	}
	t := k.as
	switch {
	case !k.current():
		t = k.look().Type()
	case k.length() == 0:
		t = keyspace.TypeNone
	}
	switch t {
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
	case keyspace.TypeNative:
		return plugin.KeyModule
	}
	return plugin.KeyEmpty
}

// Len implements plugin.KeyImpl.
func (k *key) Len() int {
	switch {
	case k.frame == nil:
		return 0
	case k.current():
		return k.length()
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
	at := k.look().ExpireAt()
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
// deletion at the next use. A key whose moment is now lives until the handle is closed.
func (k *key) SetExpireAt(unixMs int64) error {
	if err := k.writable(); err != nil {
		return err
	}
	k.recordDirty()
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
	k.recordDirty()
	if k.db.Persist(k.name) {
		k.frame.record(k.db, []byte("PERSIST"), k.name)
		k.written()
	}
	return nil
}

package keyspace

import (
	"encoding/binary"
	"errors"
	"strings"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// Native values are those of types that modules have brought along. The keyspace knows nothing of what is in them. One is
//
//   - live: a Go value, in an entry of Store.natives that the record refers to by index, as it does to a large aggregate; or
//   - opaque: the bytes that the type has saved it as, in the record like a string's, behind the type's id. So are values
//     whose module is absent, and those of a full synchronization until somebody opens them (Thaw).
//
// A value that becomes live changes nothing of the dataset: no observer is told.
//
// What a type costs on the Go heap is what it says (NativeType.Bytes), asked when the value is stored and when it is said
// to have changed.

// Errors of native values.
var (
	ErrNoCopy     = errors.New("not supported for this module key")
	ErrCopyFailed = errors.New("module key failed to copy")
)

// KeyAt is a key of a database, for the methods of native types; Key is valid during the call and nil when unknown.
type KeyAt struct {
	DB  int
	Key []byte
}

// NativeType is a type of native values, as whoever knows the modules implements it. All methods but Free with slow are called
// under the lock that guards the store, and none may use the store.
type NativeType interface {
	// ID returns the type's id: nine characters of six bits, and below them ten bits of the version in which values are saved.
	ID() uint64
	// Name returns the nine characters.
	Name() string
	// Load makes a value of what it was saved as, without its id.
	Load(at KeyAt, version int, payload []byte) (any, error)
	// Bytes returns what v occupies on the Go heap.
	Bytes(v any) int64
	// Usage returns what MEMORY USAGE counts for v.
	Usage(at KeyAt, v any, samples int) int64
	// Copy makes a copy of v for another key; ErrNoCopy and ErrCopyFailed.
	Copy(from, to KeyAt, v any) (any, error)
	// Leaving is told that v is leaving its key, other than by a flush, and that Free follows. It tells whether freeing it
	// is work to be done beside the server.
	Leaving(at KeyAt, v any) (slow bool)
	// Free takes a value over that no key has any more.
	Free(v any, slow bool)
	// Digest adds what v consists of.
	Digest(at KeyAt, v any, d *NativeDigest)
}

// Natives are the types of native values that are known. All stores of a server share one.
type Natives struct {
	types  map[uint64]NativeType // by the name's bits of the id
	digest func(d *NativeDigest, payload []byte)
}

// versionBits are the low bits of an id, which say how a value was saved rather than what it is.
const versionBits = 10

// NewNatives returns an empty set. digest adds what an opaque value consists of, in the same way for all payloads of the
// same value; nil takes the payload as it is.
func NewNatives(digest func(d *NativeDigest, payload []byte)) *Natives {
	if digest == nil {
		digest = func(d *NativeDigest, payload []byte) {
			d.Add(payload)
			d.EndSequence()
		}
	}
	return &Natives{types: map[uint64]NativeType{}, digest: digest}
}

// Add makes a type known, whose name must be new.
func (n *Natives) Add(t NativeType) { n.types[t.ID()>>versionBits] = t }

// Type returns the type with the name in an id, whatever its version, and nil when it is not known.
func (n *Natives) Type(id uint64) NativeType { return n.types[id>>versionBits] }

const (
	nativeNameBytes  = 9
	nativeNameDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" // six bits each
)

// NativeID returns the id of a type, 0 for a name or a version that cannot be one.
func NativeID(name string, version int) (id uint64) {
	if len(name) != nativeNameBytes || version < 0 || version >= 1<<versionBits {
		return 0
	}
	for _, c := range []byte(name) {
		i := strings.IndexByte(nativeNameDigits, c)
		if i < 0 {
			return 0
		}
		id = id<<6 | uint64(i)
	}
	return id<<versionBits | uint64(version)
}

// NativeName returns the name in a type's id.
func NativeName(id uint64) string {
	var name [nativeNameBytes]byte
	for i := range name {
		name[i] = nativeNameDigits[id>>(58-6*i)&63]
	}
	return string(name[:])
}

// native is a live value; t is nil in an entry that is not in use.
type native struct {
	t     NativeType
	v     any
	bytes int64 // on the Go heap, as the type says
	quick bool  // Free may be called under the lock
}

const (
	nativeEntryBytes = 48
	nativeIndexBytes = 8
	nativeIDBytes    = 8 // before the payload of an opaque value
)

// nativeTable holds the live values of a store.
type nativeTable struct {
	known   *Natives
	entries []native
	free    []uint32
	opaque  int64 // records with opaque values
}

func nativeOf(r slab.Ref) uint32 { return objectOf(r) }

// Natives returns the types that the store knows.
func (s *Store) Natives() *Natives { return s.natives.known }

// OpaqueValues returns how many native values are opaque.
func (s *Store) OpaqueValues() int64 { return s.natives.opaque }

// newNative makes the record of a live value.
func (s *Store) newNative(key []byte, t NativeType, v any, expireMs int64) slab.Ref {
	n, tab := native{t: t, v: v, bytes: t.Bytes(v)}, &s.natives
	s.heapBytes += nativeEntryBytes + n.bytes
	i := uint32(len(tab.entries))
	if f := len(tab.free); f > 0 {
		i, tab.free = tab.free[f-1], tab.free[:f-1]
		tab.entries[i] = n
	} else {
		tab.entries = append(tab.entries, n)
	}
	r := s.newRecord(key, nativeIndexBytes, expireMs)
	setType(r, TypeNative, encNative)
	setObject(r, i)
	return r
}

// freeNative frees the record of a native value with what it holds; the type's code is called last.
func (s *Store) freeNative(r slab.Ref) {
	if encodingOf(r) == encNative {
		i := nativeOf(r)
		s.arena.Free(r)
		s.dropNative(i)
		return
	}
	s.natives.opaque--
	if isExternal(r) {
		s.freeBlock(slab.Ref(slab.Load64(r, table.ValueOffset(r))))
	}
	s.arena.Free(r)
}

// dropNative frees a live value that no record refers to any more.
func (s *Store) dropNative(i uint32) {
	tab := &s.natives
	n := tab.entries[i]
	s.heapBytes -= nativeEntryBytes + n.bytes
	tab.entries[i] = native{}
	tab.free = append(tab.free, i)
	if len(tab.free) == len(tab.entries) && len(tab.free) > keepObjects {
		tab.entries, tab.free = nil, nil
	}
	n.t.Free(n.v, !n.quick)
}

// discard frees the record of a key that has left the keyspace other than by a flush.
func (d *DB) discard(r slab.Ref) {
	if encodingOf(r) == encNative {
		n := &d.store.natives.entries[nativeOf(r)]
		n.quick = !n.t.Leaving(KeyAt{d.index, table.Key(r)}, n.v)
	}
	d.store.freeRecord(r)
}

// Native returns a live native value with its type; false for every other key.
func (e Entry) Native() (t NativeType, v any, ok bool) {
	if e.r == 0 || encodingOf(e.r) != encNative {
		return nil, nil, false
	}
	n := &e.db.store.natives.entries[nativeOf(e.r)]
	return n.t, n.v, true
}

// Opaque returns what an opaque native value was saved as, and its type's id; false for every other key. The payload is a
// view.
func (e Entry) Opaque() (id uint64, payload []byte, ok bool) {
	if e.r == 0 || encodingOf(e.r) != encOpaque {
		return 0, nil, false
	}
	b := bytesOf(e.r)
	return binary.BigEndian.Uint64(b), b[nativeIDBytes:], true
}

// TypeName returns what the TYPE command answers.
func (e Entry) TypeName() string {
	if t, _, ok := e.Native(); ok {
		return t.Name()
	}
	if id, _, ok := e.Opaque(); ok {
		return NativeName(id)
	}
	return e.Type().String()
}

// Thaw makes the value of a key that was looked up live, if it is an opaque one of a type that is known, and returns the key
// as it is then; e is stale. The error is that of NativeType.Load; nothing has changed then.
func (e Entry) Thaw() (Entry, error) {
	if e.r == 0 || encodingOf(e.r) != encOpaque {
		return e, nil
	}
	d := e.db
	t, v, err := d.load(e)
	if t == nil || err != nil {
		return e, err
	}
	n := d.store.newNative(e.Key(), t, v, expiryOf(e.r))
	table.SetAccessClock(n, table.AccessClock(e.r))
	d.replace(e.h, e.r, n)
	d.store.freeRecord(e.r)
	return Entry{d, e.h, n}, nil
}

// load makes a value of an opaque one; the type is nil when it is not known.
func (d *DB) load(e Entry) (t NativeType, v any, err error) {
	id, payload, _ := e.Opaque()
	if t = d.store.natives.known.Type(id); t != nil {
		v, err = t.Load(KeyAt{d.index, e.Key()}, int(id&(1<<versionBits-1)), payload)
	}
	return t, v, err
}

// SetNative makes a key a live native value, whatever it was, and takes its expiry away.
func (d *DB) SetNative(key []byte, t NativeType, v any) {
	h, old := d.find(key)
	d.change(key)
	r := d.store.newNative(key, t, v, noExpiry)
	if old == 0 {
		d.link(h, r)
		return
	}
	d.replace(h, old, r)
	d.discard(old)
}

// ReplaceNative exchanges the live native value of a key for another one of its type and returns the old one, which is the
// caller's. The expiry stays. False when the key has no live native value.
func (d *DB) ReplaceNative(key []byte, v any) (old any, ok bool) {
	_, r := d.find(key)
	if r == 0 || encodingOf(r) != encNative {
		return nil, false
	}
	d.change(key)
	n := &d.store.natives.entries[nativeOf(r)]
	old, n.v = n.v, v
	d.store.measure(n)
	return old, true
}

// NativeChanged counts a live native value as changed in place to a size in bytes; false when the key has none.
func (d *DB) NativeChanged(key []byte, bytes int64) bool {
	_, r := d.find(key)
	if r == 0 || encodingOf(r) != encNative {
		return false
	}
	d.change(key)
	d.store.natives.entries[nativeOf(r)].resize(d.store, bytes)
	return true
}

// NativeBytes returns the size that a key's live native value had when it was told last, or -1 when the key has none.
func (d *DB) NativeBytes(key []byte) int64 {
	_, r := d.find(key)
	if r == 0 || encodingOf(r) != encNative {
		return -1
	}
	return d.store.natives.entries[nativeOf(r)].bytes
}

func (s *Store) measure(n *native) {
	n.resize(s, n.t.Bytes(n.v))
}

func (n *native) resize(s *Store, bytes int64) {
	s.heapBytes += bytes - n.bytes
	n.bytes = bytes
}

// LoadOpaque enters a native value under a key that is absent, as the bytes that it was saved as; false when the key is
// present.
func (d *DB) LoadOpaque(key []byte, id uint64, payload []byte, m Meta) bool {
	r, h := d.newLoaded(key, TypeNative, encOpaque, nativeIDBytes+len(payload), m)
	if r == 0 {
		return false
	}
	b := bytesOf(r)
	binary.BigEndian.PutUint64(b, id)
	copy(b[nativeIDBytes:], payload)
	d.store.natives.opaque++
	d.link(h, r)
	return true
}

// LoadNative enters a live native value under a key that is absent; false when the key is present.
func (d *DB) LoadNative(key []byte, t NativeType, v any, m Meta) bool {
	h := d.keys.Hash(key)
	if d.keys.Find(h, key) != 0 {
		return false
	}
	d.change(key)
	r := d.store.newNative(key, t, v, m.ExpireMs)
	d.store.setIdle(r, m)
	d.link(h, r)
	return true
}

// copyNative makes the record of a copy of a native value, that of src, under another key; a value that can be live becomes
// so first.
func (d *DB) copyNative(dst *DB, src Entry, dstKey []byte) (slab.Ref, error) {
	e, err := src.Thaw()
	if err != nil {
		return 0, ErrCopyFailed
	}
	r, s := e.r, d.store
	if encodingOf(r) == encOpaque {
		b := bytesOf(r)
		n := s.newRecord(dstKey, len(b), expiryOf(r))
		copy(bytesOf(n), b)
		setType(n, TypeNative, encOpaque)
		s.natives.opaque++
		return n, nil
	}
	n := s.natives.entries[nativeOf(r)]
	v, err := n.t.Copy(KeyAt{d.index, e.Key()}, KeyAt{dst.index, dstKey}, n.v)
	if err != nil {
		return 0, err
	}
	return s.newNative(dstKey, n.t, v, expiryOf(r)), nil
}

// UsageOf is MemoryOf for MEMORY USAGE: a type of native values may count otherwise, from a number of samples.
func (d *DB) UsageOf(key []byte, samples int) (n int64, ok bool) {
	n, ok = d.MemoryOf(key)
	r := d.keys.Find(d.keys.Hash(key), key)
	if !ok || encodingOf(r) != encNative {
		return n, ok
	}
	v := &d.store.natives.entries[nativeOf(r)]
	return n - v.bytes + v.t.Usage(KeyAt{d.index, key}, v.v, samples), true
}

// flushNatives leaves all live values to FreeSome; no record refers to them any more.
func (s *Store) flushNatives() {
	tab, t := &s.natives, &s.trash
	if len(t.natives) == 0 {
		t.natives = tab.entries
	} else {
		t.natives = append(t.natives, tab.entries...)
	}
	tab.entries, tab.free, tab.opaque = nil, nil, 0
}

// drainNatives frees up to n of the values that a flush has left and returns how many entries it has looked at.
func (s *Store) drainNatives(n int) int {
	t := &s.trash
	n = min(n, len(t.natives))
	for i := range t.natives[:n] {
		if e := &t.natives[i]; e.t != nil {
			e.t.Free(e.v, true)
		}
		t.natives[i] = native{}
	}
	if t.natives = t.natives[n:]; len(t.natives) == 0 {
		t.natives = nil
	}
	return n
}

// NativeDigest is the digest of one native value, made by its type: unordered elements are added and ended one by one, an
// ordered list is added as a whole and ended once. It equals that of Redis for the same calls.
type NativeDigest struct{ sequence, sum Digest }

// Add adds an element to the sequence.
func (d *NativeDigest) Add(b []byte) { d.sequence.mix(b) }

// EndSequence mixes the sequence in without order and begins another one.
func (d *NativeDigest) EndSequence() {
	d.sum.xor(d.sequence[:])
	d.sequence = Digest{}
}

// digestNative mixes a native value in. One that is opaque and could be live gives the digest that it would give then.
func (e Entry) digestNative(d *Digest) {
	var nd NativeDigest
	at := KeyAt{e.db.index, e.Key()}
	if t, v, ok := e.Native(); ok {
		t.Digest(at, v, &nd)
	} else if t, v, err := e.db.load(e); t != nil && err == nil {
		t.Digest(at, v, &nd)
		t.Free(v, false)
	} else {
		_, payload, _ := e.Opaque()
		e.db.store.natives.known.digest(&nd, payload)
	}
	d.xor(nd.sum[:])
}

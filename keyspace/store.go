// Package keyspace owns the databases: keys, values and their encodings, expiry, scanning, sampling and the byte count of
// all of it. It knows no protocol, no client, no configuration, no logger and no clock: limits and the time are passed in,
// and what others must learn of a change is told through two observers.
//
// Everything lives in slab blocks outside the Go heap (package slab); what the methods hand out are views of those blocks,
// valid until the next operation that writes. Nothing here may be used by two goroutines at once: the server's execution
// lock is the one lock.
package keyspace

import (
	"hash/maphash"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// ExpiryMode says what a lookup does with a key whose time has come.
type ExpiryMode uint8

// Expiry modes.
const (
	ExpireDelete ExpiryMode = iota // a primary deletes it and tells OnExpired
	ExpireHide                     // a replica answers as if it were gone and waits for its primary's DEL
	ExpireIgnore                   // loading and the replication stream: the key is still there
)

// Limits are the sizes up to which aggregates stay packed, and the largest string; the directives of the same names.
type Limits struct {
	HashEntries, HashValueBytes int // hash-max-listpack-entries, -value
	ZSetEntries, ZSetValueBytes int // zset-max-listpack-entries, -value
	IntsetEntries               int // set-max-intset-entries
	ListNode                    int // list-max-listpack-size: elements per node, or -1…-5 for 4…64 KB
	StringBytes                 int // proto-max-bulk-len
}

// DefaultLimits returns Redis's defaults.
func DefaultLimits() Limits {
	return Limits{
		HashEntries: 512, HashValueBytes: 64, ZSetEntries: 128, ZSetValueBytes: 64,
		IntsetEntries: 512, ListNode: -2, StringBytes: 512 << 20,
	}
}

// Options configure New; zero values mean the defaults.
type Options struct {
	Databases int
	Limits    Limits
	// OnGrowth is told about memory that the store will need soon. If its Populate is called, on another thread, the store
	// is not stopped by the system when it touches it first. It must not use the store. nil is nobody.
	OnGrowth func(Extent)
	// Natives are the types of native values; nil is none, to which some may be added.
	Natives *Natives
}

// Extent is memory that will be needed soon.
type Extent = slab.Extent

// CanPopulate tells whether the system lets anybody but who uses it get memory ready (see Options.OnGrowth).
func CanPopulate() bool { return slab.CanPopulate() }

// Store is all databases of a server.
//
// A key is one block: header, key and, where it fits, its value (package table describes the header). Strings up to a few
// kilobytes and packed aggregates are such inline values; longer ones live in a block of their own that the record refers
// to; a large aggregate is an object: a table, a tree or a sequence of nodes, whose small Go header is reached through
// objects by index so that the collector finds no pointer per key.
type Store struct {
	arena   *slab.Arena
	owned   *slab.Arena // of every Memory
	seed    maphash.Seed
	dbs     []*DB
	objects []object
	free    []uint32 // unused indexes of objects
	natives nativeTable
	limits  Limits

	nowMs     int64
	clock     uint32 // access clock of this unit, 24 bits
	mode      ExpiryMode
	changes   int64
	deaths    int64
	onExpired func(db int, key []byte)
	onChange  func(db int, key []byte)
	onGrowth  func(Extent)
	stats     Stats
	reading   bool       // lookups count as hits and misses
	noTouch   bool       // lookups leave the access clock alone
	heapBytes int64      // of objects and rings, on the Go heap
	found     []foundKey // scratch

	trash      trash
	compaction compaction
	pins       map[slab.Ref]*pinned
	offers     []offer
	closed     bool
}

// Stats counts what lookups met since the start or the last ResetStats.
type Stats struct {
	Hits, Misses int64
	Expired      int64 // keys deleted because their time had come
}

// New returns empty databases.
func New(o Options) *Store {
	if o.Databases == 0 {
		o.Databases = 16
	}
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	s := &Store{arena: slab.New(), owned: slab.New(), seed: maphash.MakeSeed(), limits: o.Limits, onGrowth: o.OnGrowth}
	s.arena.OnGrowth(o.OnGrowth)
	if s.natives.known = o.Natives; s.natives.known == nil {
		s.natives.known = NewNatives(nil)
	}
	for i := range o.Databases {
		d := &DB{store: s, index: i}
		d.keys.Init(s.arena, s.seed)
		d.expires.Init(s.arena, s.seed)
		s.dbs = append(s.dbs, d)
	}
	return s
}

// Close gives all memory back to the system; the store must not be used afterwards.
func (s *Store) Close() {
	s.Retire()
	s.arena.Close()
	s.owned.Close()
	for _, a := range s.trash.graves {
		a.Close()
	}
	s.trash.graves = nil
}

// Retire is the part of Close that needs the lock: nothing but releases of pins may come after it, and Close may be called
// without the lock then.
func (s *Store) Retire() {
	if !s.closed {
		s.Retract()
		s.disownPinned()
		s.flushNatives()
		for len(s.trash.natives) > 0 {
			s.drainNatives(len(s.trash.natives))
		}
		s.closed = true
	}
}

// DB returns database i, which must be below Databases.
func (s *Store) DB(i int) *DB { return s.dbs[i] }

// Databases returns the number of databases.
func (s *Store) Databases() int { return len(s.dbs) }

// SetLimits changes the limits for values written from now on.
func (s *Store) SetLimits(l Limits) { s.limits = l }

// Limits returns the limits in force.
func (s *Store) Limits() Limits { return s.limits }

// BeginUnit sets the time (Unix ms) and the expiry mode for what follows; time stands still within a unit.
func (s *Store) BeginUnit(nowMs int64, mode ExpiryMode) {
	s.nowMs, s.mode = nowMs, mode
	s.clock = uint32(nowMs/1000) & accessMask
}

// NowMs returns the time of the current unit.
func (s *Store) NowMs() int64 { return s.nowMs }

// CountReads says whether lookups count as hits and misses from now on; they do for commands that only read.
func (s *Store) CountReads(on bool) { s.reading = on }

// NoTouch says whether lookups leave the access clock alone from now on.
func (s *Store) NoTouch(on bool) { s.noTouch = on }

// Expiry says what lookups do from now on, until the next unit, with a key whose time has come, and returns what they did
// before.
func (s *Store) Expiry(mode ExpiryMode) (before ExpiryMode) {
	before, s.mode = s.mode, mode
	return before
}

// Deaths counts the keys deleted because their time had come, which Changes does not, and ResetStats leaves it alone:
// while both stay as they are, the views of values stay valid.
func (s *Store) Deaths() int64 { return s.deaths }

// Changes counts the real changes since the start. A unit that leaves it as it was has no effects.
func (s *Store) Changes() int64 { return s.changes }

// Stats returns the counters of lookups and expiry.
func (s *Store) Stats() Stats { return s.stats }

// ResetStats sets the counters to zero.
func (s *Store) ResetStats() { s.stats = Stats{} }

// OnExpired is told a key, still present, right before a lookup or ExpireSome deletes it because its time has come.
// During the call no lookup takes a key as expired, so that f may Peek at it; f must not write.
func (s *Store) OnExpired(f func(db int, key []byte)) { s.onExpired = f }

// OnChange is told a key right before each real change of it; nil switches it off. One operation may tell a key more than
// once, with nothing changed in between that the key's value had not lost before. The key is valid during the call. What
// OnExpired says about lookups and writes goes for f too.
func (s *Store) OnChange(f func(db int, key []byte)) { s.onChange = f }

// MappedBytes returns what the store has obtained from the system and not given back.
func (s *Store) MappedBytes() int64 {
	n := s.arena.Mapped() + s.owned.Mapped()
	for _, a := range s.trash.graves {
		n += a.Mapped()
	}
	return n
}

// SwapDB exchanges the contents of two databases, which is one change unless they are the same. Handles of either become
// invalid. OnChange is told every key of the one in both.
func (s *Store) SwapDB(i, j int) {
	if i == j {
		return
	}
	s.changes++
	a, b := s.dbs[i], s.dbs[j]
	if s.onChange != nil {
		for _, d := range [2]*DB{a, b} {
			for r := range d.keys.All() {
				a.tell(table.Key(r))
				b.tell(table.Key(r))
			}
		}
	}
	a.keys, b.keys = b.keys, a.keys
	a.expires, b.expires = b.expires, a.expires
}

// object is the Go side of a large aggregate; exactly one of the pointers is set.
type object struct {
	list *nodeList
	dict *table.Table
	zset *bigZSet

	elementBytes int64 // of the blocks of all elements in a table
}

func (s *Store) newObject(o object) uint32 {
	s.heapBytes += o.structBytes()
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.objects[i] = o
		return i
	}
	s.objects = append(s.objects, o)
	return uint32(len(s.objects) - 1)
}

// dropObject takes an object that its record does not refer to any more out of the index and frees it, in steps when it
// is large.
func (s *Store) dropObject(i uint32) {
	o := s.objects[i]
	s.heapBytes -= o.structBytes()
	s.objects[i] = object{}
	s.free = append(s.free, i)
	if len(s.free) == len(s.objects) {
		s.dropIndexes()
	}
	s.throw(o)
}

// dropIndexes forgets all indexes of objects when none is in use, and the memory that many took.
func (s *Store) dropIndexes() {
	s.objects, s.free = s.objects[:0], s.free[:0]
	if cap(s.objects) > keepObjects {
		s.objects, s.free = nil, nil
	}
}

// keepObjects is the number of unused indexes whose memory is kept.
const keepObjects = 1 << 10

func (s *Store) newDict() *table.Table {
	t := &table.Table{}
	t.Init(s.arena, s.seed)
	return t
}

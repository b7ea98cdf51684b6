package keyspace

import (
	"iter"
	"slices"

	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// NoExpiry is the expiry of a key that does not expire.
const NoExpiry = noExpiry

// Meta is what a loaded key has beside its value.
type Meta struct {
	ExpireMs    int64 // Unix ms, or NoExpiry
	IdleSeconds int64 // time since the last access
}

// Store returns the store of the database.
func (d *DB) Store() *Store { return d.store }

// Records iterates over all keys, also those whose time has come: a file must have what the databases have. Nothing may be
// written during the walk.
func (d *DB) Records() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for r := range d.keys.All() {
			if !yield(Entry{d, 0, r}) {
				return
			}
		}
	}
}

// Packed returns the one packed block that is the value, an intset of a set and a listpack of the other aggregates; false
// for other encodings. It is a view.
func (e Entry) Packed() ([]byte, bool) {
	switch encodingOf(e.r) {
	case encPacked, encIntset:
		return bytesOf(e.r), true
	}
	return nil, false
}

// Nodes returns the number of listpacks that a list is stored in.
func (l *List) Nodes() int {
	switch {
	case l.r == 0:
		return 0
	case l.encoding() == encPacked:
		return 1
	}
	return l.nodes().n
}

// Node returns listpack i of a list, a view.
func (l *List) Node(i int) []byte {
	if l.encoding() == encPacked {
		return bytesOf(l.r)
	}
	return l.nodes().view(l.d.store, i)
}

// ReserveExpiring makes room for n keys that expire at once, before a load.
func (d *DB) ReserveExpiring(n int) { d.expires.Reserve(n) }

// LoadStr enters a string under a key that is absent; false when it is present, whether or not its time has come.
func (d *DB) LoadStr(key, val []byte, m Meta) bool {
	if n, ok := packed.ParseInt(val); ok {
		return d.LoadInt(key, n, m)
	}
	enc := encRaw
	if len(val) <= embstrBytes {
		enc = encEmbstr
	}
	return d.loadBytes(key, TypeString, enc, val, m)
}

// LoadInt is LoadStr of n's decimal text.
func (d *DB) LoadInt(key []byte, n int64, m Meta) bool {
	r, h := d.newLoaded(key, TypeString, encInt, 8, m)
	if r == 0 {
		return false
	}
	setInt(r, n)
	d.link(h, r)
	return true
}

// LoadPacked enters an aggregate under a key that is absent, its packed form being b: an intset for a set, a listpack for
// the other types. What b holds must have been checked completely. False when the key is present.
func (d *DB) LoadPacked(key []byte, t Type, b []byte, m Meta) bool {
	enc := encPacked
	if t == TypeSet {
		enc = encIntset
	}
	return d.loadBytes(key, t, enc, b, m)
}

func (d *DB) loadBytes(key []byte, t Type, enc encoding, b []byte, m Meta) bool {
	r, h := d.newLoaded(key, t, enc, len(b), m)
	if r == 0 {
		return false
	}
	copy(bytesOf(r), b)
	d.link(h, r)
	return true
}

// newLoaded makes the record of a key that is absent, with room for n value bytes; 0 when the key is present.
func (d *DB) newLoaded(key []byte, t Type, enc encoding, n int, m Meta) (slab.Ref, uint64) {
	h := d.keys.Hash(key)
	if d.keys.Find(h, key) != 0 {
		return 0, h
	}
	d.change(key)
	s := d.store
	r := s.newRecord(key, n, m.ExpireMs)
	setType(r, t, enc)
	s.setIdle(r, m)
	return r, h
}

// setIdle gives a loaded record the access clock that it had.
func (s *Store) setIdle(r slab.Ref, m Meta) {
	if m.IdleSeconds > 0 {
		table.SetAccessClock(r, (s.clock-uint32(min(m.IdleSeconds, accessMask)))&accessMask)
	}
}

// FitsPacked reports whether a packed aggregate with this many fields, members or members with scores may stay packed. A
// list's node always may.
func (s *Store) FitsPacked(t Type, entries int) bool {
	switch t {
	case TypeHash:
		return entries <= s.limits.HashEntries
	case TypeZSet:
		return entries <= s.limits.ZSetEntries
	case TypeSet:
		return entries <= s.limits.IntsetEntries
	}
	return true
}

// Builder puts one aggregate at a time together outside the databases: nothing is seen of it before Put, and after a
// failure Drop leaves nothing behind. It builds the large encoding and packs what turns out to be small. It is reused
// from value to value: Start, then the Add method of the type, then Put or Drop.
type Builder struct {
	s       *Store
	t       Type
	o       object
	longest int  // bytes of the longest field, value or member
	ints    bool // all members are integers
	buf     []byte
	nums    []int64
}

// maxReserve limits the room made for elements that were only announced.
const maxReserve = 1 << 16

// NewBuilder returns a Builder for values of the store.
func NewBuilder(s *Store) *Builder { return &Builder{s: s} }

// Start begins a list, set, sorted set or hash of about n elements.
func (b *Builder) Start(t Type, n uint64) {
	b.Drop()
	b.t, b.longest, b.ints = t, 0, true
	room := int(min(n, maxReserve))
	switch t {
	case TypeList:
		b.o.list = &nodeList{}
	case TypeZSet:
		b.o.zset = b.s.newBigZSet(room)
	default:
		b.o.dict = b.s.newDict()
		b.o.dict.Reserve(room)
	}
}

// Drop frees what has been built and not put.
func (b *Builder) Drop() {
	if b.o != (object{}) {
		b.s.dropObject(b.s.newObject(b.o))
		b.o = object{}
	}
}

// Len returns the number of elements so far.
func (b *Builder) Len() int {
	switch {
	case b.o.list != nil:
		return b.o.list.len
	case b.o.zset != nil:
		return b.o.zset.dict.Len()
	case b.o.dict != nil:
		return b.o.dict.Len()
	}
	return 0
}

// AddElem adds an element at the tail of the list, to the last node while the limits let it.
func (b *Builder) AddElem(val []byte) {
	l, s := b.o.list, b.s
	size := packed.EntrySize(val)
	if last := l.n - 1; last >= 0 && s.nodeFits(int(l.at(last).bytes), int(l.at(last).count), size) {
		l.keep(s, last, packed.Append(l.room(s, last, size), val), 1)
		return
	}
	b.buf = packed.Append(packed.New(b.buf[:0]), val)
	b.AddNode(b.buf)
}

// AddNode adds a node at the tail of the list: a copy of a listpack that has an element and was checked.
func (b *Builder) AddNode(lp []byte) {
	l := b.o.list
	n := newNode(b.s, lp)
	l.insertNode(b.s, l.n, n)
	l.len += int(n.count)
}

// AddMember adds a member to the set; false when it is there.
func (b *Builder) AddMember(m []byte) bool {
	if b.ints {
		_, b.ints = packed.ParseInt(m)
	}
	return b.insert(b.o.dict, m, nil) != 0
}

// AddField adds a field to the hash; false when it is there.
func (b *Builder) AddField(field, val []byte) bool {
	b.longest = max(b.longest, len(val))
	return b.insert(b.o.dict, field, val) != 0
}

// AddScored adds a member to the sorted set; false when it is there. The score must be a number.
func (b *Builder) AddScored(m []byte, score float64) bool {
	var buf [8]byte
	r := b.insert(&b.o.zset.dict, m, putScore(&buf, score))
	if r == 0 {
		return false
	}
	b.o.zset.tree.Insert(score, r)
	return true
}

func (b *Builder) insert(t *table.Table, key, val []byte) slab.Ref {
	h := t.Hash(key)
	if t.Find(h, key) != 0 {
		return 0
	}
	b.longest = max(b.longest, len(key))
	r := b.s.newElement(&b.o, key, val)
	t.Insert(h, r)
	return r
}

// Put enters what has been built, which must not be empty, under a key that is absent; false when the key is present.
// Nothing is left in the Builder either way.
func (b *Builder) Put(d *DB, key []byte, m Meta) bool {
	defer b.Drop()
	if b.pack() {
		return d.LoadPacked(key, b.t, b.buf, m)
	}
	r, h := d.newLoaded(key, b.t, encObject, 8, m)
	if r == 0 {
		return false
	}
	setObject(r, b.s.newObject(b.o))
	b.o = object{}
	d.link(h, r)
	return true
}

// pack writes the packed form to buf if the limits allow one.
func (b *Builder) pack() bool {
	l := &b.s.limits
	switch {
	case b.t == TypeList:
		return b.packList()
	case !b.s.FitsPacked(b.t, b.Len()):
		return false
	case b.t == TypeSet:
		return b.ints && b.packSet()
	case b.t == TypeHash:
		return b.longest <= l.HashValueBytes && b.packHash()
	}
	return b.longest <= l.ZSetValueBytes && b.packZSet()
}

// packList takes the node of a list that has one.
func (b *Builder) packList() bool {
	if b.o.list.n != 1 {
		return false
	}
	b.buf = append(b.buf[:0], b.o.list.view(b.s, 0)...)
	return true
}

func (b *Builder) packSet() bool {
	b.nums = b.nums[:0]
	for r := range b.o.dict.All() {
		n, _ := packed.ParseInt(table.Key(r))
		b.nums = append(b.nums, n)
	}
	slices.Sort(b.nums)
	b.buf = packed.NewIntset(b.buf[:0])
	for _, n := range b.nums {
		b.buf, _ = packed.IntsetAdd(b.buf, n)
	}
	return true
}

func (b *Builder) packHash() bool {
	b.buf = packed.New(b.buf[:0])
	for r := range b.o.dict.All() {
		b.buf = packed.Append(packed.Append(b.buf, table.Key(r)), table.ElementValue(r))
	}
	return len(b.buf) <= packed.MaxSize
}

func (b *Builder) packZSet() bool {
	b.buf = packed.New(b.buf[:0])
	for c := b.o.zset.tree.First(); c.Valid(); c.Next() {
		b.buf = packed.AppendFloat(packed.Append(b.buf, table.Key(c.Ref())), c.Score())
	}
	return len(b.buf) <= packed.MaxSize
}

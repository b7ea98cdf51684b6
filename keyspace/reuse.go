package keyspace

// Handles are set in place where that matters: a copy of what was just written waits until that has reached the cache.

// Find makes l the handle of a list or of a missing key; see DB.List, which is the same with a copy.
func (l *List) Find(d *DB, key []byte) error { return l.find(d, key, TypeList) }

// Find is List.Find for a set.
func (s *Set) Find(d *DB, key []byte) error { return s.find(d, key, TypeSet) }

// Find is List.Find for a hash.
func (h *Hash) Find(d *DB, key []byte) error { return h.find(d, key, TypeHash) }

// Find is List.Find for a sorted set.
func (z *ZSet) Find(d *DB, key []byte) error { return z.find(d, key, TypeZSet) }

// Open makes l the handle of the list that e is, or of a missing key, for reading and writing; key is the name that e was
// looked up with and must live as long as the handle. It saves the second lookup of DB.List for a caller that had to know the
// type first.
func (l *List) Open(e Entry, key []byte) { l.set(e, key) }

// Open is List.Open for a set.
func (s *Set) Open(e Entry, key []byte) { s.set(e, key) }

// Open is List.Open for a hash.
func (h *Hash) Open(e Entry, key []byte) { h.set(e, key) }

// Open is List.Open for a sorted set.
func (z *ZSet) Open(e Entry, key []byte) { z.set(e, key) }

func (h *handle) set(e Entry, key []byte) { h.d, h.key, h.h, h.r = e.db, key, e.h, e.r }

package keyspace

// OpenList returns the handle of the list that e is, or of a missing key, for reading and writing; key is the name that e
// was looked up with and must live as long as the handle. It saves the second lookup of DB.List for a caller that had to
// know the type first.
func (e Entry) OpenList(key []byte) List { return List{handle{e.db, key, e.h, e.r}} }

// OpenSet is OpenList for a set.
func (e Entry) OpenSet(key []byte) Set { return Set{handle{e.db, key, e.h, e.r}} }

// OpenHash is OpenList for a hash.
func (e Entry) OpenHash(key []byte) Hash { return Hash{handle{e.db, key, e.h, e.r}} }

// OpenZSet is OpenList for a sorted set.
func (e Entry) OpenZSet(key []byte) ZSet { return ZSet{handle{e.db, key, e.h, e.r}} }

// Package packed reads and edits small collections kept as one run of bytes: the listpack (lists, hashes, sorted sets) and
// the intset (sets of integers), byte for byte as Redis 7.0 lays them out, so that saving or dumping a small collection is
// a copy.
//
// It owns the two formats and nothing else: it allocates no memory when the caller's capacity suffices, keeps no
// references, knows no keys or element limits, and never decides when a collection has become too large to stay packed.
// Except for Validate and ValidateIntset, its functions trust their input: bytes that come from a file or a client must
// pass validation once; after that no function here can fail on them.
//
// The layouts are in FORMAT.md.
package packed

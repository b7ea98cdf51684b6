package slab

// Prefetch asks the processor for the cache line at r and does not wait for it. r need not be valid.
//
//go:noescape
func Prefetch(r Ref)

// PrefetchBlock is Prefetch for the first 40 bytes of a block, which may lie in two cache lines.
//
//go:noescape
func PrefetchBlock(r Ref)

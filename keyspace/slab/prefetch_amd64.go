package slab

// Prefetch asks the processor for the cache line at r and does not wait for it. r need not be valid.
//
//go:noescape
func Prefetch(r Ref)

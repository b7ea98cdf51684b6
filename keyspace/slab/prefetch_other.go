//go:build !amd64

package slab

// Prefetch would ask the processor for the cache line at r; here it does nothing. r need not be valid.
func Prefetch(Ref) {}

// PrefetchBlock is Prefetch for the first 40 bytes of a block.
func PrefetchBlock(Ref) {}

package slab

import "errors"

// ErrNoMemory is wrapped by the value that Alloc panics with when the system refuses memory. The arena is unchanged
// then.
var ErrNoMemory = errors.New("out of memory")

// errMisuse is wrapped by the panics of the invariants build.
var errMisuse = errors.New("broken invariant")

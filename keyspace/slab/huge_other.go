//go:build !linux

package slab

// noReserve is a flag of Linux.
const noReserve = 0

// adviseHuge has nothing to ask for outside of Linux.
func adviseHuge(uintptr, uintptr, bool) {}

//go:build !linux

package slab

import "golang.org/x/sys/unix"

// populate is what only Linux can.
func populate(uintptr, uintptr) error { return unix.ENOSYS }

// noReserve is a flag of Linux.
const noReserve = 0

// adviseHuge has nothing to ask for outside of Linux.
func adviseHuge(uintptr, uintptr, bool) {}

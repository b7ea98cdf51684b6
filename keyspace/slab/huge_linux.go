package slab

import "golang.org/x/sys/unix"

// noReserve lets a reservation be larger than what the system could back.
const noReserve = unix.MAP_NORESERVE

// populate gets the memory of a range ready for writing. Linux can since 5.14.
func populate(addr, size uintptr) error {
	return unix.Madvise(span(addr, size), unix.MADV_POPULATE_WRITE)
}

// adviseHuge asks for huge pages, or for none. Kernels without them refuse, which does not matter.
func adviseHuge(addr, size uintptr, huge bool) {
	advice := unix.MADV_NOHUGEPAGE
	if huge {
		advice = unix.MADV_HUGEPAGE
	}
	_ = unix.Madvise(span(addr, size), advice)
}

package slab

import "golang.org/x/sys/unix"

// noReserve lets a reservation be larger than what the system could back.
const noReserve = unix.MAP_NORESERVE

// adviseHuge asks for huge pages, or for none. Kernels without them refuse, which does not matter.
func adviseHuge(addr, size uintptr, huge bool) {
	advice := unix.MADV_NOHUGEPAGE
	if huge {
		advice = unix.MADV_HUGEPAGE
	}
	_ = unix.Madvise(span(addr, size), advice)
}

package slab

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const mapFlags = unix.MAP_PRIVATE | unix.MAP_ANON | noReserve

// mapAligned maps size bytes, a multiple of the page, at a multiple of chunkSize.
func mapAligned(size uintptr) (uintptr, error) {
	p, err := unix.MmapPtr(-1, 0, nil, size+chunkSize-pageSize, unix.PROT_READ|unix.PROT_WRITE, mapFlags)
	if err != nil {
		return 0, fmt.Errorf("slab: map %d bytes: %w: %w", size, ErrNoMemory, err)
	}
	got := uintptr(p)
	base := (got + chunkSize - 1) &^ (chunkSize - 1)
	end, gotEnd := base+size, got+size+chunkSize-pageSize
	if base > got {
		unmap(got, base-got)
	}
	if gotEnd > end {
		unmap(end, gotEnd-end)
	}
	return base, nil
}

// unmap gives a mapping of ours, or a part of one, back. It can fail only when the kernel runs out of mappings while
// splitting one; the range is then emptied instead and stays reserved.
func unmap(addr, size uintptr) {
	if err := unix.MunmapPtr(at(addr), size); err != nil {
		discard(addr, size)
	}
}

// discard drops the memory behind a range; it reads as zero afterwards.
func discard(addr, size uintptr) bool {
	return unix.Madvise(span(addr, size), unix.MADV_DONTNEED) == nil
}

func span(addr, size uintptr) []byte { return unsafe.Slice((*byte)(at(addr)), size) }

package slab

import "unsafe"

// Ref is the address of a block, or of a byte inside one. It fits 48 bits; 0 is none. It is valid until the block is
// freed.
type Ref uint64

// RefMask covers the bits of a Ref; the 16 above are free for whoever stores one in a word.
const RefMask = 1<<48 - 1

// at turns an address outside the Go heap into a pointer. unsafe.Add on nil compiles to a register move, where the
// detour over a *uintptr would go through the stack; the collector and checkptr ignore addresses that are not Go's.
func at(addr uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), addr) }

// Bytes returns the n bytes from off on as a view whose capacity is n. It lives as long as the block.
func Bytes(r Ref, off, n int) []byte {
	return unsafe.Slice((*byte)(at(uintptr(r)+uintptr(off))), n)
}

// BytesCap is Bytes with a capacity of c bytes, c >= n.
func BytesCap(r Ref, off, n, c int) []byte {
	return unsafe.Slice((*byte)(at(uintptr(r)+uintptr(off))), c)[:n]
}

// Load8 reads the byte at off.
func Load8(r Ref, off int) uint8 { return *(*uint8)(at(uintptr(r) + uintptr(off))) }

// Load16 reads two bytes at off, which need not be aligned, in the machine's order (little endian).
func Load16(r Ref, off int) uint16 { return *(*uint16)(at(uintptr(r) + uintptr(off))) }

// Load32 reads four bytes at off; see Load16.
func Load32(r Ref, off int) uint32 { return *(*uint32)(at(uintptr(r) + uintptr(off))) }

// Load64 reads eight bytes at off; see Load16.
func Load64(r Ref, off int) uint64 { return *(*uint64)(at(uintptr(r) + uintptr(off))) }

// Store8 writes the byte at off.
func Store8(r Ref, off int, v uint8) { *(*uint8)(at(uintptr(r) + uintptr(off))) = v }

// Store16 writes two bytes at off; see Load16.
func Store16(r Ref, off int, v uint16) { *(*uint16)(at(uintptr(r) + uintptr(off))) = v }

// Store32 writes four bytes at off; see Load16.
func Store32(r Ref, off int, v uint32) { *(*uint32)(at(uintptr(r) + uintptr(off))) = v }

// Store64 writes eight bytes at off; see Load16.
func Store64(r Ref, off int, v uint64) { *(*uint64)(at(uintptr(r) + uintptr(off))) = v }

// Copy moves n bytes between blocks, which may be the same one and overlap.
func Copy(dst Ref, dstOff int, src Ref, srcOff, n int) {
	copy(Bytes(dst, dstOff, n), Bytes(src, srcOff, n))
}

// Addr returns the address of r, for reports and tests; it is never turned back into a pointer.
func Addr(r Ref) uintptr { return uintptr(r) }

// RefOf returns where the bytes of b lie, which is a block's address if b is a view of one from its start. It is for
// comparing; 0 if b has no bytes.
func RefOf(b []byte) Ref {
	if len(b) == 0 {
		return 0
	}
	return Ref(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// Touch loads the first byte of r, which must not be 0, to bring its page in. The caller must use the result (fold it
// into something that is kept), or the compiler drops the load. To get ahead of cache misses use Prefetch.
func Touch(r Ref) byte { return Load8(r, 0) }

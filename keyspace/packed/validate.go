package packed

import (
	"encoding/binary"
)

// Validate checks untrusted bytes completely: b is one listpack and nothing else, every entry lies within it and can be
// walked both ways, and the count is right. It asks neither for the shortest encoding of each element nor for unique
// elements. The error is ErrCorrupt with an offset.
func Validate(b []byte) error {
	if len(b) < emptySize {
		return corrupt(len(b), "listpack shorter than its header")
	}
	if uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) {
		return corrupt(0, "listpack size differs from its header")
	}
	end := len(b) - 1
	if b[end] != endMarker {
		return corrupt(end, "listpack without end marker")
	}
	off, count := headerSize, 0
	for ; off < end; count++ {
		size, err := validateEntry(b, off, end)
		if err != nil {
			return err
		}
		off += size
	}
	if stored := storedCount(b); stored != unknownCount && stored != count {
		return corrupt(4, "listpack count differs from its header")
	}
	return nil
}

// validateEntry checks the entry at off, which must end at or before end, and gives its size.
func validateEntry(b []byte, off, end int) (int, error) {
	c := b[off]
	if c >= tagBeyond {
		return 0, corrupt(off, "unknown listpack entry")
	}
	head := 1
	if c == tagStr32 {
		head = 5
	} else if c >= tagStr12 && c < tagStr32 {
		head = 2
	}
	if off+head > end {
		return 0, corrupt(off, "listpack entry past the end")
	}
	body := bodySize(b, off)
	size := body + backlenSize(body)
	if size > end-off {
		return 0, corrupt(off, "listpack entry past the end")
	}
	var want [5]byte
	putBacklen(want[:], body)
	if string(b[off+body:off+size]) != string(want[:size-body]) {
		return 0, corrupt(off+body, "listpack entry with a wrong backlen")
	}
	return size, nil
}

// ValidateIntset checks untrusted bytes completely: b is one intset and nothing else, of a known width, and its integers
// ascend. The error is ErrCorrupt with an offset.
func ValidateIntset(b []byte) error {
	if len(b) < intsetHeader {
		return corrupt(len(b), "intset shorter than its header")
	}
	width := binary.LittleEndian.Uint32(b)
	if width != 2 && width != 4 && width != 8 {
		return corrupt(0, "unknown intset width")
	}
	count := IntsetLen(b)
	if len(b)-intsetHeader != count*int(width) {
		return corrupt(4, "intset size differs from its header")
	}
	for i := 1; i < count; i++ {
		if intAt(b, i-1, int(width)) >= intAt(b, i, int(width)) {
			return corrupt(intsetHeader+i*int(width), "intset out of order")
		}
	}
	return nil
}

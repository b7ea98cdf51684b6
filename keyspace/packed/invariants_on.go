//go:build invariants

package packed

import (
	"encoding/binary"
	"fmt"
)

const (
	invariants = true

	wholeBytes = 1 << 10 // up to this size a value is validated as a whole after each edit
)

// checkListpack panics when b is damaged: anywhere if it is small, else at its ends and around off, where it was edited.
func checkListpack(b []byte, off int) {
	if err := auditListpack(b, off); err != nil {
		panic(fmt.Errorf("packed: edit at byte %d of %d: %w", off, len(b), err))
	}
}

func auditListpack(b []byte, off int) error {
	if len(b) <= wholeBytes {
		return Validate(b)
	}
	end := len(b) - 1
	if uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) || b[end] != endMarker {
		return corrupt(0, "listpack size differs from its header")
	}
	if off < end {
		if _, err := validateEntry(b, off, end); err != nil {
			return err
		}
	}
	if off == headerSize {
		return nil
	}
	before := Prev(b, off)
	if before < headerSize {
		return corrupt(off, "listpack entry with a wrong backlen before it")
	}
	size, err := validateEntry(b, before, off)
	if err == nil && before+size != off {
		err = corrupt(before, "listpack entry that ends elsewhere than its backlen says")
	}
	return err
}

// checkIntset panics when b is damaged; of a large one it looks at the header and the ends.
func checkIntset(b []byte) {
	if err := auditIntset(b); err != nil {
		panic(fmt.Errorf("packed: intset of %d bytes: %w", len(b), err))
	}
}

func auditIntset(b []byte) error {
	if len(b) <= wholeBytes {
		return ValidateIntset(b)
	}
	n, width := IntsetLen(b), intsetWidth(b)
	if len(b) != intsetHeader+n*width {
		return corrupt(4, "intset size differs from its header")
	}
	if intAt(b, 0, width) >= intAt(b, 1, width) || intAt(b, n-2, width) >= intAt(b, n-1, width) {
		return corrupt(intsetHeader, "intset out of order")
	}
	return nil
}

package packed

import (
	"errors"
	"fmt"
)

// ErrCorrupt marks bytes that are not a well-formed listpack or intset. It is always wrapped with the offset of the first
// damage found.
var ErrCorrupt = errors.New("corrupt packed value")

// corrupt reports damage at byte off.
func corrupt(off int, what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrCorrupt, what, off)
}

package rdb

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt marks bytes that do not follow the format. It is wrapped with what was found, and by Reader with the
	// offset.
	ErrCorrupt = errors.New("corrupt rdb data")
	// ErrTruncated marks input that ended within a value. It is wrapped with the offset.
	ErrTruncated = errors.New("truncated rdb data")
	// ErrChecksum marks data that its checksum does not fit; it is ErrCorrupt.
	ErrChecksum = fmt.Errorf("%w: checksum differs", ErrCorrupt)
	// ErrVersion marks a version of the format that is newer than 10 or none; it is ErrUnsupported.
	ErrVersion = fmt.Errorf("%w: version of the format", ErrUnsupported)
	// ErrUnsupported marks well-formed data that cannot be kept: newer versions of the format, streams, values of
	// modules in the format of Redis 4, functions. It is wrapped with the key and the type's name.
	ErrUnsupported = errors.New("unsupported rdb data")
	// ErrExists is Restore's answer when the key is present.
	ErrExists = errors.New("key is present")
)

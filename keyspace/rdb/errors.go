package rdb

import "errors"

var (
	// ErrCorrupt marks bytes that do not follow the format. It is wrapped with what was found, and by Reader with the
	// offset.
	ErrCorrupt = errors.New("corrupt rdb data")
	// ErrTruncated marks input that ended within a value. It is wrapped with the offset.
	ErrTruncated = errors.New("truncated rdb data")
)

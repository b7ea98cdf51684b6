package image

import "errors"

// Files that cannot be looked at as plugins.
var (
	ErrNotELF    = errors.New("not an ELF shared object for this machine")
	ErrTruncated = errors.New("file is incomplete")
	ErrNotGo     = errors.New("not built by Go, or without build information")
	ErrDamaged   = errors.New("file is damaged")
)

// ErrNoPlugins says that the executable itself cannot open plugins.
var ErrNoPlugins = errors.New("this executable cannot open plugins: it was built with CGO_ENABLED=0 or without package plugin")

// ErrIncompatible is wrapped by the error of a Report with problems.
var ErrIncompatible = errors.New("module does not fit this daemon")

package host

import "errors"

// Files that are refused before anything is opened. What is wrong with a Go plugin is an error of package image.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrTooLarge   = errors.New("file is too large for a module")
)

// ErrProbe says that a child process could not open the file, or that opening it ended the child.
var ErrProbe = errors.New("probe in a child process failed")

// Images that this process cannot use any more, until it restarts.
var (
	ErrPoisoned    = errors.New("an earlier attempt to open this file failed, and Go cannot try again; restart the daemon")
	ErrOpenTimeout = errors.New("opening the file takes too long")
)

// Module code that did not return.
var (
	ErrPanic   = errors.New("module panicked")
	ErrGoexit  = errors.New("module ended its goroutine with runtime.Goexit")
	ErrTimeout = errors.New("module took too long")
)

// ErrCacheDir says that the directory for private copies cannot be used.
var ErrCacheDir = errors.New("module cache directory")

// Loads and unloads that fail.
var (
	ErrOnLoad        = errors.New("OnLoad")
	ErrNoInit        = errors.New("OnLoad did not call Init")
	ErrCommandTaken  = errors.New("a command of the module exists already")
	ErrNoModule      = errors.New("no such module with that name")
	ErrUnloadRefused = errors.New("operation not possible")
	ErrHasTypes      = errors.New("the module exports one or more module-side data types, can't unload")
	ErrHasBlocked    = errors.New("the module has blocked clients. Please wait for them to be unblocked and try again")
	ErrNoKeysHere    = errors.New("keys cannot be opened outside a command; use Call")
)

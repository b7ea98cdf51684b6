// Package vfs is the seam between the daemon and the disk: the few file operations that persistence needs, each with
// the durability meaning the callers rely on. It owns the real implementation (OS) and the directory lock.
// It refuses to buffer, to retry and to hide an error: a failed fsync or a short write reaches the caller as it is.
// In-memory and fault-injecting implementations for tests are in vfstest.
package vfs

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrLocked is wrapped by every error that Lock returns because another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// LockedError says who holds a lock file.
type LockedError struct {
	Path string
	// PID is the process id that the holder wrote into the lock file, 0 when it cannot be read.
	PID int
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is locked by another process", e.Path)
	}
	return fmt.Sprintf("%s is locked by the process with pid %d", e.Path, e.PID)
}

// Unwrap makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Unwrap() error { return ErrLocked }

// Info is what Stat knows about a name.
type Info struct {
	SizeBytes int64
	Dir       bool
	ModTime   time.Time
}

// File is an open file. Reads have a position of their own; writes go to the end, also to one that Truncate has moved back.
// A File is used by one goroutine at a time, but for Sync, which may run beside Write and Truncate.
type File interface {
	io.Reader
	io.ReaderAt
	// Write returns how many bytes reached the file; fewer than len(p) always comes with an error.
	io.Writer
	io.Closer
	// Truncate sets the length in bytes; it is durable after the next Sync.
	Truncate(sizeBytes int64) error
	// Sync returns when everything written before the call is durable. After an error nothing is known about
	// any byte since the last success, and calling Sync again proves nothing (the kernel may have dropped the pages).
	Sync() error
	// SizeBytes is the present length.
	SizeBytes() (int64, error)
}

// FS is a filesystem. Errors about a missing name satisfy errors.Is(err, fs.ErrNotExist).
// A name that was created, renamed or removed is durable only after SyncDir on its directory.
type FS interface {
	// Open opens an existing file for reading.
	Open(name string) (File, error)
	// Create makes an empty file, or empties an existing one, open for reading and writing.
	Create(name string) (File, error)
	// OpenAppend opens a file with what it has, made when missing, for reading and writing.
	OpenAppend(name string) (File, error)
	// Rename replaces newName atomically.
	Rename(oldName, newName string) error
	Remove(name string) error
	Stat(name string) (Info, error)
	// List returns the names (without the directory) in dir in ascending order.
	List(dir string) ([]string, error)
	// MkdirAll makes a directory and its parents; an existing one is no error.
	MkdirAll(dir string) error
	SyncDir(dir string) error
	// Lock takes an exclusive lock held until Close or the end of the process, and writes the process id into the
	// file. It never waits: a lock that is held gives a *LockedError.
	Lock(name string) (io.Closer, error)
}

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// Sync is fdatasync: the length and the data are what recovery needs, the times of the inode are not.
func (f osFile) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
		return nil
	}
}

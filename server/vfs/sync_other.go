//go:build !linux

package vfs

// Sync is fsync where the system has no fdatasync.
func (f osFile) Sync() error { return f.File.Sync() }

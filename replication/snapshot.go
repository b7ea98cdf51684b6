package replication

import (
	"errors"
	"io"
	"sync/atomic"
)

// SnapshotFile is the storage of a Snapshot.
type SnapshotFile interface {
	io.ReaderAt
	io.Closer
}

// Snapshot is a dataset as an RDB file of an offset of the stream, sent to one replica or several. The file is closed with
// the last use.
type Snapshot struct {
	file      SnapshotFile
	sizeBytes int64
	uses      atomic.Int32
}

// NewSnapshot takes over a file of sizeBytes; the caller holds one use.
func NewSnapshot(f SnapshotFile, sizeBytes int64) *Snapshot {
	s := &Snapshot{file: f, sizeBytes: sizeBytes}
	s.uses.Store(1)
	return s
}

// Use adds a user, who calls Release.
func (s *Snapshot) Use() *Snapshot {
	s.uses.Add(1)
	return s
}

// Release ends a use.
func (s *Snapshot) Release() error {
	switch n := s.uses.Add(-1); {
	case n > 0:
		return nil
	case n < 0:
		return errors.New("snapshot released more often than used")
	}
	return s.file.Close()
}

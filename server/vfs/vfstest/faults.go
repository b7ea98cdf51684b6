package vfstest

import (
	"io"
	"strings"
	"sync"
	"syscall"

	"datastore/server/vfs"
)

// Op names an operation that Faults can make fail.
type Op string

// The operations, after the methods of vfs.FS and vfs.File. OpAny counts every one but reads.
const (
	OpAny      Op = "any"
	OpOpen     Op = "open"
	OpCreate   Op = "create"
	OpAppend   Op = "openappend"
	OpRename   Op = "rename"
	OpRemove   Op = "remove"
	OpMkdir    Op = "mkdir"
	OpSyncDir  Op = "syncdir"
	OpWrite    Op = "write"
	OpTruncate Op = "truncate"
	OpSync     Op = "sync"
)

// Rule makes calls of one operation fail.
type Rule struct {
	Op Op
	// Contains restricts the rule to names with this part; "" is every name.
	Contains string
	// Nth is the first call that fails, counted from 1 among the calls the rule matches.
	Nth int
	// Count is how many calls fail from there; 0 is one, a negative one is all.
	Count int
	// Err is what the call returns.
	Err error
	// ShortBytes is how much of a failing write still reaches the file.
	ShortBytes int
	// Block, when not nil, holds the call until it is closed; with a nil Err the call then goes on.
	Block <-chan struct{}
	// Hook, when not nil, runs before the call fails.
	Hook func()
}

type activeRule struct {
	Rule
	seen int
}

// Faults passes everything to another filesystem but for the calls its rules choose. It is safe for concurrent use.
type Faults struct {
	vfs.FS
	mu    sync.Mutex
	rules []*activeRule
	// spaceBytes is how much may still be written before ENOSPC; negative is no limit.
	spaceBytes int64
}

// NewFaults wraps fsys without any rule.
func NewFaults(fsys vfs.FS) *Faults { return &Faults{FS: fsys, spaceBytes: -1} }

// Add puts a rule in force.
func (f *Faults) Add(r Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &activeRule{Rule: r})
}

// Clear drops all rules and any limit on space.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.spaceBytes = nil, -1
}

// SetSpace lets sizeBytes more bytes be written before writes are short and fail with ENOSPC; truncating gives none
// back.
func (f *Faults) SetSpace(sizeBytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spaceBytes = sizeBytes
}

func (f *Faults) fire(op Op, name string) (*activeRule, error) {
	f.mu.Lock()
	var hit *activeRule
	for _, r := range f.rules {
		if r.Op != op && r.Op != OpAny || !strings.Contains(name, r.Contains) {
			continue
		}
		r.seen++
		last := r.Nth + max(r.Count, 1)
		if hit == nil && r.seen >= r.Nth && (r.seen < last || r.Count < 0) {
			hit = r
		}
	}
	f.mu.Unlock()
	if hit == nil {
		return nil, nil
	}
	if hit.Hook != nil {
		hit.Hook()
	}
	if hit.Block != nil {
		<-hit.Block
	}
	return hit, hit.Err
}

func (f *Faults) wrap(file vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: file, fs: f, name: name}, nil
}

// Open implements vfs.FS.
func (f *Faults) Open(name string) (vfs.File, error) {
	if _, err := f.fire(OpOpen, name); err != nil {
		return nil, err
	}
	file, err := f.FS.Open(name)
	return f.wrap(file, name, err)
}

// Create implements vfs.FS.
func (f *Faults) Create(name string) (vfs.File, error) {
	if _, err := f.fire(OpCreate, name); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name)
	return f.wrap(file, name, err)
}

// OpenAppend implements vfs.FS.
func (f *Faults) OpenAppend(name string) (vfs.File, error) {
	if _, err := f.fire(OpAppend, name); err != nil {
		return nil, err
	}
	file, err := f.FS.OpenAppend(name)
	return f.wrap(file, name, err)
}

// Rename implements vfs.FS.
func (f *Faults) Rename(oldName, newName string) error {
	if _, err := f.fire(OpRename, newName); err != nil {
		return err
	}
	return f.FS.Rename(oldName, newName)
}

// Remove implements vfs.FS.
func (f *Faults) Remove(name string) error {
	if _, err := f.fire(OpRemove, name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// MkdirAll implements vfs.FS.
func (f *Faults) MkdirAll(dir string) error {
	if _, err := f.fire(OpMkdir, dir); err != nil {
		return err
	}
	return f.FS.MkdirAll(dir)
}

// SyncDir implements vfs.FS.
func (f *Faults) SyncDir(dir string) error {
	if _, err := f.fire(OpSyncDir, dir); err != nil {
		return err
	}
	return f.FS.SyncDir(dir)
}

// Lock implements vfs.FS; no rule applies.
func (f *Faults) Lock(name string) (io.Closer, error) { return f.FS.Lock(name) }

type faultyFile struct {
	vfs.File
	fs   *Faults
	name string
}

func (f *faultyFile) Write(p []byte) (int, error) {
	rule, err := f.fs.fire(OpWrite, f.name)
	if err != nil {
		return f.short(p, min(rule.ShortBytes, len(p)), err)
	}
	f.fs.mu.Lock()
	room := f.fs.spaceBytes
	if room >= 0 {
		f.fs.spaceBytes -= min(room, int64(len(p)))
	}
	f.fs.mu.Unlock()
	if room >= 0 && room < int64(len(p)) {
		return f.short(p, int(room), syscall.ENOSPC)
	}
	return f.File.Write(p)
}

func (f *faultyFile) short(p []byte, n int, err error) (int, error) {
	if n > 0 {
		if n, werr := f.File.Write(p[:n]); werr != nil {
			return n, werr
		}
	}
	return n, err
}

func (f *faultyFile) Truncate(sizeBytes int64) error {
	if _, err := f.fs.fire(OpTruncate, f.name); err != nil {
		return err
	}
	return f.File.Truncate(sizeBytes)
}

func (f *faultyFile) Sync() error {
	if _, err := f.fs.fire(OpSync, f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

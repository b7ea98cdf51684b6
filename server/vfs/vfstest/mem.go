// Package vfstest holds filesystems for tests: Mem, an in-memory one that knows which bytes and which directory
// entries an fsync has made durable and can show what a power loss would leave, and Faults, which makes chosen
// operations of another filesystem fail. It refuses to be fast and is not meant for production code.
package vfstest

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"sync"
	"time"

	"datastore/server/vfs"
)

// Mem is an in-memory filesystem. It is safe for concurrent use.
//
// Durability is modelled as POSIX gives it: file contents become durable by Sync on the file, directory entries by
// SyncDir on the directory, each independently of the other. CrashClone shows what may survive of the rest.
type Mem struct {
	mu    sync.Mutex
	dirs  map[string]*memDir
	locks map[string]int
}

type memDir struct {
	entries map[string]*inode
	durable map[string]*inode
	pending []dirOp
}

// dirOp sets (or, with a nil node, removes) up to two names in one atomic step.
type dirOp struct {
	set, unset string
	node       *inode
}

func (op dirOp) apply(to map[string]*inode) {
	if op.unset != "" {
		delete(to, op.unset)
	}
	if op.set != "" {
		to[op.set] = op.node
	}
}

type inode struct {
	data   []byte
	synced []byte
	mod    time.Time
}

var _ vfs.FS = (*Mem)(nil)

// NewMem returns a filesystem whose only directories are "/" and ".".
func NewMem() *Mem {
	m := &Mem{dirs: map[string]*memDir{}, locks: map[string]int{}}
	m.dirs["/"], m.dirs["."] = newMemDir(), newMemDir()
	return m
}

func newMemDir() *memDir {
	return &memDir{entries: map[string]*inode{}, durable: map[string]*inode{}}
}

func notExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

func (m *Mem) find(name string) (*memDir, *inode, string) {
	name = path.Clean(name)
	d := m.dirs[path.Dir(name)]
	if d == nil {
		return nil, nil, path.Base(name)
	}
	return d, d.entries[path.Base(name)], path.Base(name)
}

func (d *memDir) do(op dirOp) {
	op.apply(d.entries)
	d.pending = append(d.pending, op)
}

// Open implements vfs.FS.
func (m *Mem) Open(name string) (vfs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, node, _ := m.find(name)
	if node == nil {
		return nil, notExist("open", name)
	}
	return &memFile{fs: m, node: node, name: name, readOnly: true}, nil
}

// Create implements vfs.FS.
func (m *Mem) Create(name string) (vfs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, node, base := m.find(name)
	if d == nil {
		return nil, notExist("create", name)
	}
	if node == nil {
		node = &inode{}
		d.do(dirOp{set: base, node: node})
	}
	node.data = nil
	return &memFile{fs: m, node: node, name: name}, nil
}

// OpenAppend implements vfs.FS.
func (m *Mem) OpenAppend(name string) (vfs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, node, base := m.find(name)
	if d == nil {
		return nil, notExist("open", name)
	}
	if node == nil {
		node = &inode{}
		d.do(dirOp{set: base, node: node})
	}
	return &memFile{fs: m, node: node, name: name}, nil
}

// Rename implements vfs.FS. Both names must be in one directory or the move is two directory operations, of which a
// crash may keep the second only.
func (m *Mem) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, node, oldBase := m.find(oldName)
	to, _, newBase := m.find(newName)
	if node == nil || to == nil {
		return notExist("rename", oldName)
	}
	if from == to {
		from.do(dirOp{set: newBase, unset: oldBase, node: node})
		return nil
	}
	to.do(dirOp{set: newBase, node: node})
	from.do(dirOp{unset: oldBase})
	return nil
}

// Remove implements vfs.FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, node, base := m.find(name)
	if node == nil {
		return notExist("remove", name)
	}
	d.do(dirOp{unset: base})
	return nil
}

// Stat implements vfs.FS.
func (m *Mem) Stat(name string) (vfs.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dirs[path.Clean(name)] != nil {
		return vfs.Info{Dir: true}, nil
	}
	_, node, _ := m.find(name)
	if node == nil {
		return vfs.Info{}, notExist("stat", name)
	}
	return vfs.Info{SizeBytes: int64(len(node.data)), ModTime: node.mod}, nil
}

// List implements vfs.FS.
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = path.Clean(dir)
	d := m.dirs[dir]
	if d == nil {
		return nil, notExist("list", dir)
	}
	var names []string
	for name := range d.entries {
		names = append(names, name)
	}
	for name := range m.dirs {
		if name != dir && path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	sort.Strings(names)
	return names, nil
}

// MkdirAll implements vfs.FS. Directories are durable at once.
func (m *Mem) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for dir = path.Clean(dir); m.dirs[dir] == nil; dir = path.Dir(dir) {
		m.dirs[dir] = newMemDir()
	}
	return nil
}

// SyncDir implements vfs.FS.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dirs[path.Clean(dir)]
	if d == nil {
		return notExist("fsync", dir)
	}
	for _, op := range d.pending {
		op.apply(d.durable)
	}
	d.pending = nil
	return nil
}

// Lock implements vfs.FS; the holder's pid is 1 in every error.
func (m *Mem) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	if m.locks[name] != 0 {
		return nil, &vfs.LockedError{Path: name, PID: m.locks[name]}
	}
	m.locks[name] = 1
	return &memLock{fs: m, name: name}, nil
}

type memLock struct {
	fs   *Mem
	name string
}

func (l *memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.fs.locks[l.name] == 0 {
		return fmt.Errorf("unlock %s: %w", l.name, fs.ErrClosed)
	}
	delete(l.fs.locks, l.name)
	return nil
}

package vfstest

import (
	"bytes"
	"math/rand"
	"path"
	"sort"
	"time"

	"datastore/server/vfs"
)

// CrashClone returns what a disk could hold after a power loss at this moment: every synced byte and directory entry,
// and of the rest a subset chosen by seed. Of the bytes appended to a file since its last Sync a prefix survives,
// sometimes followed by NULs in place of the others (a length that was journalled before its data); of the unsynced
// operations on a directory any subset survives, which is harsher than a journal and what POSIX allows. The clone holds no locks.
func (m *Mem) CrashClone(seed int64) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	rng := rand.New(rand.NewSource(seed))
	clone := NewMem()
	nodes := map[*inode]*inode{}
	for _, name := range sortedKeys(m.dirs) {
		d := newMemDir()
		survivors := copyEntries(m.dirs[name].durable)
		for _, op := range m.dirs[name].pending {
			if rng.Intn(2) == 0 {
				op.apply(survivors)
			}
		}
		for _, file := range sortedKeys(survivors) {
			d.keep(file, crashed(nodes, survivors[file], rng))
		}
		clone.dirs[name] = d
	}
	return clone
}

// Clone returns a copy in which everything is durable: what another process sees after a kill -9.
func (m *Mem) Clone() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	clone := NewMem()
	for name, from := range m.dirs {
		d := newMemDir()
		for file, node := range from.entries {
			d.keep(file, durable(node.data, node.mod))
		}
		clone.dirs[name] = d
	}
	return clone
}

func (d *memDir) keep(name string, node *inode) {
	d.entries[name], d.durable[name] = node, node
}

func durable(data []byte, mod time.Time) *inode {
	return &inode{data: bytes.Clone(data), synced: bytes.Clone(data), mod: mod}
}

// crashed gives one inode one fate, under however many names it survives.
func crashed(done map[*inode]*inode, node *inode, rng *rand.Rand) *inode {
	if c := done[node]; c != nil {
		return c
	}
	c := durable(crashedData(node, rng), node.mod)
	done[node] = c
	return c
}

func crashedData(node *inode, rng *rand.Rand) []byte {
	if !bytes.HasPrefix(node.data, node.synced) {
		// Cut since the last Sync: the old length, or the new one with part of what followed.
		if rng.Intn(2) == 0 {
			return node.synced
		}
		common := 0
		for common < len(node.data) && common < len(node.synced) && node.data[common] == node.synced[common] {
			common++
		}
		return node.data[:common+rng.Intn(len(node.data)-common+1)]
	}
	rest := len(node.data) - len(node.synced)
	kept := rng.Intn(rest + 1)
	survivors := bytes.Clone(node.data[:len(node.synced)+kept])
	if rng.Intn(4) == 0 {
		survivors = append(survivors, make([]byte, rng.Intn(rest-kept+1))...)
	}
	return survivors
}

func copyEntries(from map[string]*inode) map[string]*inode {
	to := make(map[string]*inode, len(from))
	for name, node := range from {
		to[name] = node
	}
	return to
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// ReadFile returns a copy of the content of name.
func ReadFile(fsys vfs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := f.SizeBytes()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if size > 0 {
		if _, err := f.ReadAt(data, 0); err != nil {
			return nil, err
		}
	}
	return data, f.Close()
}

// WriteFile replaces the content of name and makes both durable.
func WriteFile(fsys vfs.FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return fsys.SyncDir(path.Dir(name))
}

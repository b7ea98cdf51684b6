package keyspace

import (
	"errors"
	"fmt"

	"datastore/keyspace/slab"
)

// ErrNoBlock says that bytes do not begin where a block of a Memory does, or that the block was freed.
var ErrNoBlock = errors.New("no block of this memory")

// Memory is blocks outside the Go heap that no key refers to: those of one owner, who frees each by itself. They count as
// used, stay where they are, and survive a flush and the exchange of the store (see TakeMemory). A Memory is guarded by
// whatever guards the store.
type Memory struct {
	arena  *slab.Arena
	blocks map[slab.Ref]struct{}
	bytes  int64
}

// NewMemory returns memory without blocks.
func (s *Store) NewMemory() *Memory {
	return &Memory{arena: s.owned, blocks: make(map[slab.Ref]struct{})}
}

// TakeMemory makes all Memory of another store this one's, before the other one is closed. Nobody may have asked this one for
// any.
func (s *Store) TakeMemory(from *Store) { s.owned, from.owned = from.owned, s.owned }

// Alloc returns n bytes whose content is undefined and whose capacity is that of the block. It fails with an error that wraps
// slab.ErrNoMemory when the system refuses.
func (m *Memory) Alloc(n int) ([]byte, error) { return m.alloc(n, false) }

// AllocZeroed is Alloc with zeros, also in what the block has beyond n bytes.
func (m *Memory) AllocZeroed(n int) ([]byte, error) { return m.alloc(n, true) }

func (m *Memory) alloc(n int, zero bool) (b []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			refused, ok := v.(error)
			if !ok || !errors.Is(refused, slab.ErrNoMemory) {
				panic(v)
			}
			b, err = nil, fmt.Errorf("%d bytes: %w", n, refused)
		}
	}()
	var r slab.Ref
	if zero {
		r = m.arena.AllocZeroed(max(n, 1))
	} else {
		r = m.arena.Alloc(max(n, 1))
	}
	size := m.arena.SizeOf(r)
	m.blocks[r] = struct{}{}
	m.bytes += int64(size)
	return slab.BytesCap(r, 0, n, size), nil
}

// Resize returns a block of n bytes that begins with the bytes of b, the same one where that is large enough and not much too
// large; else b is freed. Errors are those of Alloc, after which b is as it was, and ErrNoBlock.
func (m *Memory) Resize(b []byte, n int) ([]byte, error) {
	r, ok := m.blockOf(b)
	if !ok {
		return nil, ErrNoBlock
	}
	if size := m.arena.SizeOf(r); n <= size && n > size/2 {
		return slab.BytesCap(r, 0, n, size), nil
	}
	moved, err := m.Alloc(n)
	if err != nil {
		return nil, err
	}
	copy(moved, b[:cap(b)])
	m.free(r)
	return moved, nil
}

// Free gives back the block that b begins with; false when there is none.
func (m *Memory) Free(b []byte) bool {
	r, ok := m.blockOf(b)
	if ok {
		m.free(r)
	}
	return ok
}

func (m *Memory) free(r slab.Ref) {
	m.bytes -= int64(m.arena.SizeOf(r))
	delete(m.blocks, r)
	m.arena.Free(r)
}

// blockOf returns the block that b begins with.
func (m *Memory) blockOf(b []byte) (slab.Ref, bool) {
	r := slab.RefOf(b[:cap(b)])
	_, ok := m.blocks[r]
	return r, ok
}

// Bytes returns the size of all blocks.
func (m *Memory) Bytes() int64 { return m.bytes }

// Blocks returns the number of blocks.
func (m *Memory) Blocks() int { return len(m.blocks) }

// OwnedBytes returns the part of UsedBytes that no key refers to.
func (s *Store) OwnedBytes() int64 { return s.owned.Used() }

package keyspace

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"datastore/keyspace/slab"
)

// TestMemory compares many blocks of a Memory with copies of what was written to them, and what the store counts with their
// sizes, while the keyspace is filled and flushed.
func TestMemory(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	s.BeginUnit(1, ExpireDelete)
	m, other := s.NewMemory(), s.NewMemory()
	random := rand.New(rand.NewPCG(1, 2))
	var live, copies [][]byte
	sum := int64(0)
	for step := range 20_000 {
		n := random.IntN(1 << random.IntN(16))
		switch pick := random.IntN(10); {
		case pick < 5 || len(live) == 0:
			if b, err := other.AllocZeroed(n); err != nil || bytes.Count(b[:cap(b)], []byte{0}) != cap(b) || m.Free(b) || !other.Free(b) {
				t.Fatalf("step %d: AllocZeroed(%d): %v", step, n, err)
			}
			b, err := m.Alloc(n)
			if err != nil || len(b) != n || cap(b) < n {
				t.Fatalf("step %d: Alloc(%d): %d, %d, %v", step, n, len(b), cap(b), err)
			}
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			live, copies = append(live, b), append(copies, bytes.Clone(b))
			sum += int64(cap(b))
		case pick < 7:
			i := random.IntN(len(live))
			sum -= int64(cap(live[i]))
			b, err := m.Resize(live[i], n)
			if kept := min(n, len(copies[i])); err != nil || len(b) != n || !bytes.Equal(b[:kept], copies[i][:kept]) {
				t.Fatalf("step %d: Resize to %d bytes: %v", step, n, err)
			}
			sum += int64(cap(b))
			live[i], copies[i] = b, bytes.Clone(b)
		default:
			i, last := random.IntN(len(live)), len(live)-1
			if !bytes.Equal(live[i], copies[i]) || other.Free(live[i]) {
				t.Fatalf("step %d: a block has changed, or is another one's", step)
			}
			sum -= int64(cap(live[i]))
			if !m.Free(live[i]) || m.Free(live[i]) {
				t.Fatalf("step %d: Free", step)
			}
			live[i], copies[i] = live[last], copies[last]
			live, copies = live[:last], copies[:last]
		}
		if m.Bytes() != sum || m.Blocks() != len(live) || s.OwnedBytes() != sum {
			t.Fatalf("step %d: %d bytes in %d blocks, want %d in %d", step, m.Bytes(), m.Blocks(), sum, len(live))
		}
		if step%1000 == 0 {
			s.DB(0).SetStr([]byte{byte(step)}, make([]byte, 100_000))
			s.FlushAll()
			for s.FreeSome(1 << 10) {
			}
			s.Age()
			for s.Purge() {
			}
		}
	}
	moved := New(Options{})
	defer moved.Close()
	moved.TakeMemory(s)
	if moved.OwnedBytes() != sum || s.OwnedBytes() != 0 {
		t.Errorf("%d and %d bytes after the move, want %d and 0", moved.OwnedBytes(), s.OwnedBytes(), sum)
	}
	s.Close()
	for i := range live {
		if !bytes.Equal(live[i], copies[i]) || !m.Free(live[i]) {
			t.Fatal("a block was lost with the store it came from")
		}
	}
	if moved.OwnedBytes() != 0 || m.Bytes() != 0 || m.Blocks() != 0 {
		t.Errorf("%d bytes are left", moved.OwnedBytes())
	}
}

func TestMemoryRefused(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	m := s.NewMemory()
	b, err := m.Alloc(10)
	if err != nil {
		t.Fatal(err)
	}
	copy(b, "0123456789")
	used := s.UsedBytes()
	for _, n := range []int{1 << 47, 1 << 60} {
		if _, err := m.Alloc(n); !errors.Is(err, slab.ErrNoMemory) {
			t.Errorf("Alloc(%d): %v", n, err)
		}
		if _, err := m.Resize(b, n); !errors.Is(err, slab.ErrNoMemory) {
			t.Errorf("Resize(%d): %v", n, err)
		}
	}
	if s.UsedBytes() != used || m.Blocks() != 1 || string(b) != "0123456789" {
		t.Error("a refusal has changed something")
	}
	for _, bad := range [][]byte{nil, {}, make([]byte, 10), b[1:]} {
		if _, err := m.Resize(bad, 10); !errors.Is(err, ErrNoBlock) || m.Free(bad) {
			t.Errorf("%d bytes of nobody: %v", len(bad), err)
		}
	}
	if !m.Free(b[:0]) {
		t.Error("a block without its length")
	}
}

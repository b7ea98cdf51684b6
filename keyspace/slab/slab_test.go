package slab

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// Whoever frees all blocks of one size must get all chunks but the spare one back.
func TestChunksAreReturned(t *testing.T) {
	a := New()
	defer a.Close()
	for _, n := range []int{8, 48, 100, 1000, 14000, 50_000, 1 << 20} {
		var refs []Ref
		for size := 0; size < 64<<20 && (len(refs) < 1<<20 || !testing.Short()); size += ClassSize(n) {
			refs = append(refs, a.Alloc(n))
		}
		full := a.Mapped()
		for _, r := range refs {
			a.Free(r)
		}
		if a.Used() != 0 || a.Blocks() != 0 {
			t.Fatalf("size %d: Used %d, Blocks %d after freeing everything", n, a.Used(), a.Blocks())
		}
		if len(a.chunks) > 8 || // a class may keep a run, and so a chunk
			a.Mapped() > max(full/16, 4<<20) {
			t.Errorf("size %d: %d chunks and %d of %d bytes left", n, len(a.chunks), a.Mapped(), full)
		}
	}
}

func TestOverheadIsSmall(t *testing.T) {
	a := New()
	defer a.Close()
	for range 1_000_000 {
		a.Alloc(56)
	}
	if got := float64(a.Mapped()) / float64(a.Used()); got > 1.03 {
		t.Errorf("a million blocks of 56 bytes take %.3f times their size", got)
	}
}

func TestClasses(t *testing.T) {
	last := 0
	for n := 1; n <= maxSmall; n++ {
		c := classes[classOf(n)]
		size := int(c.sizeBytes)
		if size < n || size < last || size%8 != 0 {
			t.Fatalf("class of %d bytes has %d", n, size)
		}
		if n > fineMax && float64(size-n) > float64(n)/8+1 {
			t.Fatalf("class of %d bytes wastes %d", n, size-n)
		}
		if total := int(c.pages) * pageSize; int(c.blocks)*size > total || (int(c.blocks)+1)*size <= total {
			t.Fatalf("run of %d blocks of %d bytes in %d pages", c.blocks, size, c.pages)
		}
		last = size
	}
	if classOf(maxSmall) != classCount-1 {
		t.Fatalf("class of the largest block is %d of %d", classOf(maxSmall), classCount)
	}
	for i, c := range classes {
		waste := int(c.pages)*pageSize - int(c.blocks)*int(c.sizeBytes)
		if c.pages == 0 || c.pages > maxRunPages || waste*32 > int(c.pages)*pageSize {
			t.Errorf("class %d: %+v wastes %d bytes per run", i, c, waste)
		}
	}
}

func TestLoadStore(t *testing.T) {
	a := New()
	defer a.Close()
	r := a.AllocZeroed(64)
	Store64(r, 3, 0x1122334455667788)
	if Load8(r, 3) != 0x88 || Load16(r, 4) != 0x6677 || Load32(r, 5) != 0x33445566 || Load64(r, 3) != 0x1122334455667788 {
		t.Error("unaligned loads disagree with the store")
	}
	Store32(r, 0, 1<<31|7)
	Store16(r, 20, 0xfffe)
	Store8(r, 22, 9)
	if Load32(r, 0) != 1<<31|7 || Load32(r, 20) != 0x9fffe || Touch(r) != 7 {
		t.Error("stores are not little endian")
	}
	Copy(r, 8, r, 0, 8)
	Copy(r, 9, r, 8, 8) // overlapping
	if Load32(r, 9) != 1<<31|7 {
		t.Error("overlapping copy")
	}
	if b := BytesCap(r, 4, 2, 10); len(b) != 2 || cap(b) != 10 {
		t.Errorf("BytesCap: len %d, cap %d", len(b), cap(b))
	}
	if b := Bytes(r, 4, 2); cap(b) != 2 {
		t.Errorf("Bytes: cap %d", cap(b))
	}
	if Addr(r) != uintptr(r) {
		t.Error("Addr")
	}
}

func TestDiscard(t *testing.T) {
	a := New()
	defer a.Close()
	r := a.AllocZeroed(8 << 20)
	fill(block{r, 8 << 20, 3})
	Store8(r, 997*6, 1)
	a.Discard(r, 100, 1<<20)
	if Load8(r, 50) != 53 || Load8(r, 8<<20-1) == 0 || Load8(r, 997*6) != 0 {
		t.Error("Discard emptied the wrong pages")
	}
	small := a.AllocZeroed(1 << 20)
	Store8(small, 8192, 7)
	a.Discard(small, 0, 1<<20)
	if Load8(small, 8192) != 7 {
		t.Error("Discard of a block within a chunk")
	}
}

func TestRefusedMemoryPanicsWithErrNoMemory(t *testing.T) {
	a := New()
	defer a.Close()
	alloc := func(n int) (err error) {
		defer func() { err, _ = recover().(error) }()
		a.Alloc(n)
		return nil
	}
	for a.Blocks() < 4 && alloc(1<<45) == nil { // address space is 128 TiB
	}
	used, mapped := a.Used(), a.Mapped()
	for _, n := range []int{1 << 45, 1 << 46, 1 << 60} {
		if err := alloc(n); !errors.Is(err, ErrNoMemory) {
			t.Errorf("Alloc(%d) panicked with %v", n, err)
		}
	}
	if a.Used() != used || a.Mapped() != mapped {
		t.Error("the refused blocks are counted")
	}
	if err := alloc(-1); !errors.Is(err, errMisuse) {
		t.Errorf("Alloc(-1) panicked with %v", err)
	}
}

func TestClose(t *testing.T) {
	a := New()
	for _, n := range []int{8, 20_000, 3 << 20} {
		a.Alloc(n)
	}
	a.Close()
	if a.Used() != 0 || a.Mapped() != 0 || a.Blocks() != 0 {
		t.Error("Close left something")
	}
	a.Free(a.Alloc(10))
	a.Close()
}

func TestBitmap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var m bitmap
	var want [chunkPages]bool
	for range 3000 {
		start := rng.IntN(chunkPages)
		n := 1 + rng.IntN(min(chunkPages-start, 200))
		if rng.IntN(2) == 0 {
			m.set(start, n)
			for i := start; i < start+n; i++ {
				want[i] = true
			}
		} else {
			was := 0
			for i := start; i < start+n; i++ {
				if want[i] {
					was++
				}
				want[i] = false
			}
			if got := m.unset(start, n); got != was {
				t.Fatalf("unset(%d, %d) = %d, want %d", start, n, got, was)
			}
		}
		checkBitmap(t, &m, &want, 1+rng.IntN(100))
	}
}

func checkBitmap(t *testing.T, m *bitmap, want *[chunkPages]bool, n int) {
	t.Helper()
	longest, fit, run := 0, -1, 0
	for i := range chunkPages + 1 {
		if i < chunkPages && want[i] {
			run++
			continue
		}
		if run >= n && fit < 0 {
			fit = i - run
		}
		if run > 0 {
			if start, length := m.around(i - 1); start != i-run || length != run {
				t.Fatalf("around(%d) = %d, %d; want %d, %d", i-1, start, length, i-run, run)
			}
		}
		longest, run = max(longest, run), 0
	}
	if got := m.longest(); got != longest {
		t.Fatalf("longest = %d, want %d", got, longest)
	}
	if start, length := m.fit(n); fit >= 0 && (start != fit || length < n) || fit < 0 && length != 0 {
		t.Fatalf("fit(%d) = %d, %d; want %d", n, start, length, fit)
	}
}

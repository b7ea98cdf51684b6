//go:build linux

package slab

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// resident returns how many bytes of a range are in memory.
func resident(t *testing.T, addr, size uintptr) int {
	t.Helper()
	vec := make([]byte, size/pageSize)
	if _, _, e := unix.Syscall(unix.SYS_MINCORE, addr, size, uintptr(Addr(RefOf(vec)))); e != 0 {
		t.Fatalf("mincore: %v", e)
	}
	n := 0
	for _, v := range vec {
		n += int(v&1) * pageSize
	}
	return n
}

// mappedBytes returns the size of the process's address space.
func mappedBytes(t *testing.T) uint64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * uint64(os.Getpagesize())
}

func needPopulate(t *testing.T) {
	t.Helper()
	if !CanPopulate() {
		t.Skip("the kernel cannot populate memory (Linux before 5.14)")
	}
}

func TestGrowthIsAnnounced(t *testing.T) {
	needPopulate(t)
	a := New()
	defer a.Close()
	var told []Extent
	a.OnGrowth(func(e Extent) { told = append(told, e) })
	a.Alloc(64)
	if len(told) != 0 {
		t.Fatalf("%d extents were announced with the first block", len(told))
	}
	for a.Used() < 100<<20 {
		chunks := len(a.chunks)
		a.Alloc(1000)
		if len(a.chunks) == chunks {
			continue
		}
		base, announced := a.newest, false
		for _, e := range told {
			announced = announced || e.addr <= base && base < e.addr+e.size
		}
		if !announced {
			t.Fatalf("chunk %d was taken without having been announced", len(a.chunks))
		}
	}
	total := 0
	for _, e := range told {
		total += int(e.size)
	}
	if in := (len(a.chunks) - 1) * chunkSize; total < in || total > in+maxAhead*chunkSize {
		t.Errorf("%d bytes were announced for %d bytes of chunks", total, in)
	}
}

func TestAnnouncedMemoryIsThereAndGoesBack(t *testing.T) {
	needPopulate(t)
	a := New()
	defer a.Close()
	var told Extent
	a.OnGrowth(func(e Extent) { told = e })
	for told.size == 0 {
		a.Alloc(1000)
	}
	if n := resident(t, told.addr, told.size); n != 0 {
		t.Fatalf("%d of %d bytes are resident before anybody asked for them", n, told.size)
	}
	if n := a.aheadBytes(); n != int64(told.size) {
		t.Errorf("%d bytes count as mapped ahead, not %d", n, told.size)
	}
	if err := told.Populate(); err != nil {
		t.Fatalf("Populate of %d bytes: %v", told.size, err)
	}
	if n := resident(t, told.addr, told.size); n != int(told.size) {
		t.Fatalf("%d of %d bytes are resident", n, told.size)
	}
	for range aheadAges {
		a.Age()
	}
	if n := resident(t, told.addr, told.size); n != 0 {
		t.Errorf("%d bytes are resident after the arena has stopped growing", n)
	}
	if n := a.aheadBytes(); n != 0 {
		t.Errorf("%d bytes still count as mapped ahead", n)
	}
	told = Extent{}
	for used := a.Used(); a.Used() < used+2*chunkSize; {
		a.Alloc(1000)
	}
	if told.size == 0 {
		t.Error("nothing was announced when the arena grew again")
	}
}

func TestPopulateLeavesContents(t *testing.T) {
	needPopulate(t)
	a := New()
	defer a.Close()
	r := a.AllocZeroed(8 << 20)
	var told []Extent
	a.OnGrowth(func(e Extent) { told = append(told, e) })
	if a.Announce(r) == nil {
		t.Fatal("a block with a mapping of its own was not announced")
	}
	if a.Announce(a.Alloc(100)) != nil {
		t.Error("a small block was announced")
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, e := range told {
			if err := e.Populate(); err != nil {
				t.Errorf("Populate: %v", err)
			}
		}
	})
	view := Bytes(r, 0, a.SizeOf(r))
	for i := 0; i < len(view); i += pageSize {
		view[i] = byte(i>>12) | 1
	}
	wg.Wait()
	total := 0
	for _, e := range told {
		total += int(e.size)
	}
	if total != len(view) || resident(t, Addr(r), uintptr(len(view))) != len(view) {
		t.Errorf("%d of %d bytes were announced", total, len(view))
	}
	for i := 0; i < len(view); i += pageSize {
		if view[i] != byte(i>>12)|1 || !bytes.Equal(view[i+1:i+16], make([]byte, 15)) {
			t.Fatalf("the page at %d has changed", i)
		}
	}
}

// TestGrowthAheadMayBeRefused limits the address space so that the allocation at hand still fits and the next region does not.
func TestGrowthAheadMayBeRefused(t *testing.T) {
	needPopulate(t)
	a := New()
	defer a.Close()
	a.OnGrowth(func(Extent) {})
	for a.region.end == 0 || a.region.end-a.region.at > chunkSize {
		a.Alloc(1000)
	}
	if a.following.at != a.following.end {
		t.Fatal("the next region was reserved too early for this test")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the runtime needs no memory meanwhile
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &before); err != nil {
		t.Fatal(err)
	}
	// A mapping of an aligned chunk takes nearly two; the runtime gets along with less than one.
	limit := unix.Rlimit{Cur: mappedBytes(t) + chunkSize, Max: before.Max}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		t.Skipf("the address space cannot be limited: %v", err)
	}
	used := a.Used()
	for range 2*chunkSize/1000 - 100 { // what is left of the region
		if a.region.at == a.region.end && chunkAt(a.newest).freeN < 64 {
			break
		}
		a.Alloc(1000)
	}
	refused := a.following.at == a.following.end
	if err := unix.Setrlimit(unix.RLIMIT_AS, &before); err != nil {
		t.Fatal(err)
	}
	if !refused || a.Used() == used {
		t.Errorf("the limit was not met: %d bytes allocated", a.Used()-used)
	}
	for range 2 * chunkSize / 1000 {
		a.Alloc(1000)
	}
}

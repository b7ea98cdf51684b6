package slab

import (
	"math/rand/v2"
	"testing"
)

const minSlack = 64 << 10

// fillRandom allocates blocks of the sizes of small keys, each with its number in it, and frees all but keep of 100.
func fillRandom(a *Arena, rng *rand.Rand, n, keep int) []Ref {
	all := make([]Ref, n)
	for i := range all {
		all[i] = a.Alloc(16 + rng.IntN(200))
		Store64(all[i], 0, uint64(i))
	}
	var kept []Ref
	for _, r := range all {
		if rng.IntN(100) < keep {
			kept = append(kept, r)
		} else {
			a.Free(r)
		}
	}
	return kept
}

func TestCompaction(t *testing.T) {
	for _, keep := range []int{2, 10, 50, 80} {
		a := New()
		rng := rand.New(rand.NewPCG(1, uint64(keep)))
		kept := fillRandom(a, rng, 100_000, keep)
		numbers := map[Ref]uint64{}
		before, used := a.Mapped(), a.Used()
		for range 3 {
			a.Plan(minSlack)
			clear(numbers)
			for i, r := range kept {
				if a.Sparse(r) {
					kept[i] = a.Dup(r)
					if Load64(kept[i], 0) != Load64(r, 0) {
						t.Fatal("a moved block has another content")
					}
					a.Free(r)
				}
				numbers[kept[i]] = Load64(kept[i], 0)
			}
		}
		if a.Used() != used || len(numbers) != len(kept) {
			t.Fatalf("%d bytes used after moving, %d before; %d blocks of %d", a.Used(), used, len(numbers), len(kept))
		}
		// 1/16 of the pages may be dirty, headers take 1/113, and what Plan leaves alone is small.
		if limit := used + used/5 + 2*minSlack*classCount; a.Mapped() > limit {
			t.Errorf("%d%% kept: %d bytes mapped for %d used, %d before; expected at most %d",
				keep, a.Mapped(), used, before, limit)
		}
		a.Plan(minSlack)
		moved := 0
		for _, r := range kept {
			if a.Sparse(r) {
				moved++
			}
		}
		if moved > len(kept)/10 {
			t.Errorf("%d%% kept: compaction does not come to an end: %d of %d blocks would move", keep, moved, len(kept))
		}
		a.Close()
	}
}

// A class that is served by its fullest runs empties the others by frees alone.
func TestFullestRunServes(t *testing.T) {
	a := New()
	defer a.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	kept := fillRandom(a, rng, 100_000, 60)
	for range 400_000 { // churn: as many come as go
		i := rng.IntN(len(kept))
		a.Free(kept[i])
		kept[i] = a.Alloc(16 + rng.IntN(200))
	}
	if a.Mapped() > a.Used()+a.Used()/3 {
		t.Errorf("%d bytes mapped for %d used after churn", a.Mapped(), a.Used())
	}
}

func TestCloseSome(t *testing.T) {
	a := New()
	for range 100 {
		a.Alloc(1 << 20)
	}
	a.Alloc(100) // in a chunk of its own, hardly any of which is mapped
	big := a.Alloc(64 << 20)
	Store64(big, 0, 1)
	calls := 0
	for mapped := a.Mapped(); a.CloseSome(8 << 20); mapped = a.Mapped() {
		if a.Mapped() >= mapped || a.Used() != 0 {
			t.Errorf("call %d: %d bytes mapped, %d before, %d used", calls, a.Mapped(), mapped, a.Used())
		}
		if calls++; calls > 100 {
			t.Fatal("does not come to an end")
		}
	}
	if calls < 15 { // 164 MB in steps of 8
		t.Errorf("%d calls gave all back", calls)
	}
	if a.Used() != 0 || a.Mapped() != 0 || a.Blocks() != 0 {
		t.Errorf("%d bytes used, %d mapped after the last call", a.Used(), a.Mapped())
	}
	r := a.Alloc(100)
	fill(block{r, 100, 9})
	if damage(block{r, 100, 9}) >= 0 || a.Blocks() != 1 {
		t.Error("the arena is not usable afterwards")
	}
	a.Close()
}

package keyspace

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// bothZSets runs f on an empty sorted set that stays packed and on one that never is.
func bothZSets(t *testing.T, f func(t *testing.T, z ZSet)) {
	for _, entries := range []int{0, math.MaxInt} {
		t.Run(fmt.Sprintf("entries=%d", entries), func(t *testing.T) {
			s := New(Options{})
			defer s.Close()
			s.SetLimits(Limits{ZSetEntries: entries, ZSetValueBytes: 64})
			z, err := s.DB(0).ZSet([]byte("z"))
			if err != nil {
				t.Fatal(err)
			}
			f(t, z)
		})
	}
}

func fill(z *ZSet, v *mval) {
	for _, m := range sortedKeys(v.zset) {
		_, _, _ = z.Add(v.zset[m], []byte(m), 0)
	}
}

func inLex(r LexRange, m string) bool {
	min, max := string(r.Min.Key), string(r.Max.Key)
	above := r.Min.Inf < 0 || r.Min.Inf == 0 && (m > min || m == min && !r.Min.Exclusive)
	below := r.Max.Inf > 0 || r.Max.Inf == 0 && (m < max || m == max && !r.Max.Exclusive)
	return above && below
}

// LexRange and CountLex take exactly the members between the bounds, in both directions and encodings, also numbers and
// bounds that no member equals.
func TestLexRanges(t *testing.T) {
	bothZSets(t, func(t *testing.T, z ZSet) {
		v := &mval{typ: TypeZSet, zset: map[string]float64{}}
		for i := range 200 {
			v.zset[[]string{"a", "b", "", "7", "\xff"}[i%5]+strings.Repeat("0", i/20)+fmt.Sprint(i%20)] = 3
		}
		fill(&z, v)
		all := v.sorted()
		rapid.Check(t, func(t *rapid.T) {
			bound := func(label string) LexBound {
				b := LexBound{Exclusive: rapid.Bool().Draw(t, label), Inf: rapid.SampledFrom([]int8{-1, 0, 0, 0, 0, 1}).Draw(t, label)}
				b.Key = []byte(all[rapid.IntRange(0, len(all)-1).Draw(t, label)].member + rapid.SampledFrom([]string{"", "", "!"}).Draw(t, label))
				return b
			}
			r := LexRange{bound("min"), bound("max")}
			var want []pair
			for _, p := range all {
				if inLex(r, p.member) {
					want = append(want, p)
				}
			}
			if got := z.CountLex(r); got != len(want) {
				t.Fatalf("%+v: counted %d, want %d", r, got, len(want))
			}
			if got := pairs(z.LexRange(r, false)); !slices.Equal(got, want) {
				t.Fatalf("%+v: %v, want %v", r, got, want)
			}
			slices.Reverse(want)
			if got := pairs(z.LexRange(r, true)); !slices.Equal(got, want) {
				t.Fatalf("%+v backwards: %v, want %v", r, got, want)
			}
		})
	})
}

// A large set with many ties keeps ranks, ranges and counts while scores move.
func TestScoreRangesOfManyMembers(t *testing.T) {
	bothZSets(t, func(t *testing.T, z ZSet) {
		v := &mval{typ: TypeZSet, zset: map[string]float64{}}
		seed := uint64(1)
		next := func(n uint64) uint64 { seed = seed*6364136223846793005 + 1442695040888963407; return seed >> 33 % n }
		for range 3000 {
			m, score := fmt.Sprintf("m%d", next(400)), float64(next(40))-20
			if next(10) == 0 {
				score = math.Inf(1)
			}
			if next(5) == 0 {
				z.Remove([]byte(m))
				delete(v.zset, m)
				continue
			}
			_, _, _ = z.Add(score, []byte(m), 0)
			v.zset[m] = score
		}
		all := v.sorted()
		for min := -22.0; min < 22; min++ {
			for _, max := range []float64{min - 1, min, min + 3, math.Inf(1)} {
				for ex := range 4 {
					r := ScoreRange{min, max, ex&1 != 0, ex&2 != 0}
					var want []pair
					for _, p := range all {
						if r.aboveMin(p.score) && r.belowMax(p.score) {
							want = append(want, p)
						}
					}
					if got := pairs(z.ScoreRange(r, false)); !slices.Equal(got, want) || z.CountScore(r) != len(want) {
						t.Fatalf("%+v: %v, counted %d, want %v", r, got, z.CountScore(r), want)
					}
				}
			}
		}
		for i, p := range all {
			if rank, score, ok := z.Rank([]byte(p.member)); !ok || rank != i || score != p.score {
				t.Fatalf("%q: rank %d, score %v, want %d, %v", p.member, rank, score, i, p.score)
			}
		}
	})
}

// Empty ranges and a missing key give nothing and do not fail.
func TestRangesOfNothing(t *testing.T) {
	bothZSets(t, func(t *testing.T, z ZSet) {
		everything := LexRange{LexBound{Inf: -1}, LexBound{Inf: 1}}
		if z.CountLex(everything) != 0 || z.CountScore(ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}) != 0 || count(z.RankRange(0, 9, true)) != 0 {
			t.Error("a missing set has members")
		}
		if _, _, ok := z.Rank([]byte("m")); ok || z.Remove([]byte("m")) || z.Exists() {
			t.Error("a missing set has a member")
		}
		_, _, _ = z.Add(1, []byte("m"), 0)
		if n := count(z.LexRange(LexRange{LexBound{Inf: 1}, LexBound{Inf: -1}}, true)); n != 0 {
			t.Errorf("%d members between + and -", n)
		}
		if n := count(z.RankRange(1, 5, false)) + count(z.RankRange(0, -1, true)); n != 0 {
			t.Errorf("%d members beyond the end", n)
		}
	})
}

// Step goes to both neighbours, is held up by the end of the range on the side that it moves to and by no other, and then
// stays where it is.
func TestSteps(t *testing.T) {
	bothZSets(t, func(t *testing.T, z ZSet) {
		v := &mval{typ: TypeZSet, zset: map[string]float64{}}
		for i := range 300 {
			v.zset[fmt.Sprint([]string{"m", ""}[i%2], i)] = float64(i / 3)
		}
		fill(&z, v)
		all := v.sorted()
		rapid.Check(t, func(t *rapid.T) {
			score := rapid.SampledFrom([]float64{math.Inf(-1), 0, 1, 50, 50.5, 98, 99, math.Inf(1)})
			r := ScoreRange{Min: score.Draw(t, "min"), Max: score.Draw(t, "max"), MinEx: rapid.Bool().Draw(t, "min ex"), MaxEx: rapid.Bool().Draw(t, "max ex")}
			reverse := rapid.Bool().Draw(t, "reverse")
			it := z.ScoreRange(r, reverse)
			if !it.Next() {
				return
			}
			at := slices.Index(all, pairOf(&it))
			for range rapid.IntRange(1, 100).Draw(t, "steps") {
				back := rapid.Bool().Draw(t, "back")
				to := at + 1
				if back {
					to = at - 1
				}
				want := to >= 0 && to < len(all) && (back && r.aboveMin(all[to].score) || !back && r.belowMax(all[to].score))
				if got := it.Step(back); got != want {
					t.Fatalf("%+v: a step from %v, back %v: %v", r, all[at], back, got)
				}
				if want {
					at = to
				}
				if got := pairOf(&it); got != all[at] {
					t.Fatalf("%+v: at %v, want %v", r, got, all[at])
				}
			}
		})
	})
}

func pairOf(it *ZIter) pair {
	return pair{string(it.Member().AppendTo(nil)), it.Score()}
}

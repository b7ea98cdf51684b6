package host

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"datastore/plugin"
)

// bothSizes runs a test with few elements and with many, which are stored in another way.
func bothSizes(t *testing.T, f func(t *testing.T, n int)) {
	for _, n := range []int{10, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { f(t, n) })
	}
}

// scored is a member of a sorted set.
type scored struct {
	member string
	score  float64
}

// Rules: ZST-1, ZST-2, ZST-3, ZST-4, ZST-7.
func TestZSetWrites(t *testing.T) { bothSizes(t, testZSetWrites) }

func testZSetWrites(t *testing.T, n int) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "new", plugin.Write)
		add := func(score float64, m string, flags, want plugin.ZFlags) {
			t.Helper()
			if got, err := k.ZAdd(score, []byte(m), flags); got != want || err != nil {
				t.Errorf("ZAdd(%v, %s, %d): %d, %v, want %d", score, m, flags, got, err, want)
			}
		}
		add(1, "x", plugin.ZXX, plugin.ZNop)
		if ctx.KeyExists(str("new")) || k.Type() != plugin.KeyEmpty {
			t.Error("ZXX on a missing key has made one")
		}
		for i := range n {
			add(float64(i), fmt.Sprint("m", i), 0, plugin.ZAdded)
		}
		add(3, "m3", 0, 0) // the same score
		add(3.5, "m3", 0, plugin.ZUpdated)
		add(9, "m3", plugin.ZNX, plugin.ZNop)
		add(9, "other", plugin.ZXX, plugin.ZNop)
		add(3, "m3", plugin.ZGT, plugin.ZNop)
		add(3.5, "m3", plugin.ZGT, plugin.ZNop)
		add(4, "m3", plugin.ZLT, plugin.ZNop)
		add(4, "m3", plugin.ZGT|plugin.ZXX, plugin.ZUpdated)
		add(2, "m3", plugin.ZLT, plugin.ZUpdated)
		add(-7, "lower", plugin.ZGT, plugin.ZAdded) // new members are no matter of ZGT and ZLT
		add(math.Inf(1), "top", plugin.ZNX, plugin.ZAdded)
		checkIncr(t, k)
		if k.Len() != n+4 || k.Type() != plugin.KeyZSet {
			t.Errorf("%d members of type %d", k.Len(), k.Type())
		}
		checkScores(t, ctx, k)
		for i := range n {
			if was, err := k.ZRem(fmt.Append(nil, "m", i)); !was || err != nil {
				t.Errorf("ZRem(m%d): %v, %v", i, was, err)
			}
		}
		if was, err := k.ZRem([]byte("m0")); was || err != nil {
			t.Errorf("ZRem of a missing member: %v, %v", was, err)
		}
		for _, m := range []string{"lower", "top", "", "fresh"} {
			if was, err := k.ZRem([]byte(m)); !was || err != nil {
				t.Errorf("ZRem(%q): %v, %v", m, was, err)
			}
		}
		if k.Type() != plugin.KeyEmpty || ctx.KeyExists(str("new")) {
			t.Error("an empty sorted set is left")
		}
		if was, err := k.ZRem([]byte("m0")); was || err != nil {
			t.Errorf("ZRem from an empty key: %v, %v", was, err)
		}
		must(t, k.Push(plugin.Head, str("now a list")))
	})
	r.want("+list\r\n", "TYPE", "new")
}

func checkIncr(t *testing.T, k *plugin.Key) {
	t.Helper()
	incr := func(delta float64, m string, flags plugin.ZFlags, want float64, result plugin.ZFlags) {
		t.Helper()
		if score, got, err := k.ZIncrBy(delta, []byte(m), flags); score != want || got != result || err != nil {
			t.Errorf("ZIncrBy(%v, %q, %d): %v, %d, %v, want %v, %d", delta, m, flags, score, got, err, want, result)
		}
	}
	incr(2.5, "", 0, 2.5, plugin.ZAdded) // a missing member has 0
	incr(0.25, "", 0, 2.75, plugin.ZUpdated)
	incr(0, "", 0, 2.75, 0)
	incr(1, "", plugin.ZNX, 2.75, plugin.ZNop)
	incr(-1, "", plugin.ZGT, 2.75, plugin.ZNop)
	incr(1, "nobody", plugin.ZXX, 0, plugin.ZNop)
	incr(math.Inf(-1), "fresh", 0, math.Inf(-1), plugin.ZAdded)
	_, _, err := k.ZIncrBy(math.Inf(1), []byte("fresh"), 0)
	wantErr(t, "the sum of both infinities", err, plugin.ErrNotNumber)
	_, _, err = k.ZIncrBy(math.NaN(), []byte("nan"), 0)
	wantErr(t, "ZIncrBy NaN", err, plugin.ErrInvalid)
	if score, err := k.ZScore([]byte("fresh")); !math.IsInf(score, -1) || err != nil {
		t.Errorf("after a sum that failed: %v, %v", score, err)
	}
}

// checkScores reads scores and ranks, and tries what is not allowed.
func checkScores(t *testing.T, ctx plugin.Ctx, k *plugin.Key) {
	t.Helper()
	if score, err := k.ZScore([]byte("m3")); score != 2 || err != nil {
		t.Errorf("ZScore: %v, %v", score, err)
	}
	if rank, err := k.ZRank([]byte("top")); rank != k.Len()-1 || err != nil {
		t.Errorf("ZRank: %v, %v", rank, err)
	}
	_, err := k.ZScore([]byte("missing"))
	wantErr(t, "ZScore of a missing member", err, plugin.ErrNoElement)
	_, err = k.ZRank([]byte("missing"))
	wantErr(t, "ZRank of a missing member", err, plugin.ErrNoElement)
	empty, list, ro := open(t, ctx, "empty", plugin.Write), open(t, ctx, "l", plugin.Write), open(t, ctx, "z", plugin.Read)
	for what, f := range map[string]func(k *plugin.Key) error{
		"ZAdd":    func(k *plugin.Key) error { _, err := k.ZAdd(1, []byte("m"), 0); return err },
		"ZIncrBy": func(k *plugin.Key) error { _, _, err := k.ZIncrBy(1, []byte("m"), 0); return err },
		"ZRem":    func(k *plugin.Key) error { _, err := k.ZRem([]byte("m")); return err },
	} {
		wantErr(t, what+" of a list", f(list), plugin.ErrType)
		wantErr(t, what+" of a key open for reading", f(ro), plugin.ErrNotWritable)
		wantErr(t, what+" of a nil key", f(nil), plugin.ErrNotWritable)
	}
	for what, f := range map[string]func(k *plugin.Key) error{
		"ZScore": func(k *plugin.Key) error { _, err := k.ZScore([]byte("m")); return err },
		"ZRank":  func(k *plugin.Key) error { _, err := k.ZRank([]byte("m")); return err },
	} {
		wantErr(t, what+" of a list", f(list), plugin.ErrType)
		wantErr(t, what+" of an empty key", f(empty), plugin.ErrEmptyKey)
		wantErr(t, what+" of a nil key", f(nil), plugin.ErrEmptyKey)
	}
	_, err = empty.ZAdd(math.NaN(), []byte("m"), 0)
	wantErr(t, "NaN", err, plugin.ErrInvalid)
	for _, flags := range []plugin.ZFlags{
		plugin.ZNX | plugin.ZXX, plugin.ZNX | plugin.ZGT, plugin.ZNX | plugin.ZLT, plugin.ZGT | plugin.ZLT, plugin.ZAdded, 1 << 7,
	} {
		_, err := empty.ZAdd(1, []byte("m"), flags)
		wantErr(t, fmt.Sprint("flags ", flags), err, plugin.ErrInvalid)
	}
	if ctx.KeyExists(str("empty")) {
		t.Error("a call that failed has left an empty key")
	}
}

// What is replicated is the score that came of a write, in digits that give exactly this number.
func TestScoresAreReplicatedExactly(t *testing.T) {
	scores := []float64{0.1 + 0.2, 1e-320, math.MaxFloat64, -math.SmallestNonzeroFloat64, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 1 << 53, 1.0 / 3}
	bothSizes(t, func(t *testing.T, n int) {
		r := inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "scores", plugin.Write)
			for i := range n {
				_, err := k.ZAdd(float64(i), fmt.Append(nil, i), 0)
				must(t, err)
			}
			for i, s := range scores {
				_, err := k.ZAdd(s, fmt.Append(nil, i), 0)
				must(t, err)
				_, _, err = k.ZIncrBy(0.7, fmt.Append(nil, i+1), 0)
				must(t, err)
			}
		})
		for i := range n {
			m := fmt.Sprint(i)
			if got, want := r.replica.do("ZSCORE", "scores", m), r.do("ZSCORE", "scores", m); got != want {
				t.Errorf("score of %s: %q, on the replica %q", m, want, got)
			}
		}
	})
	r := inHandler(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "z", plugin.Write)
		_, _, err := k.ZIncrBy(0.1, []byte("m"), plugin.ZXX)
		must(t, err)
		_, err = k.ZAdd(9, []byte("m"), plugin.ZNX)
		must(t, err)
		_, err = k.ZRem([]byte("m"))
		must(t, err)
	})
	r.sent("MULTI", "ZADD z 1.1000000000000001 m", "ZREM z m", "EXEC")
}

// fillZSet makes a sorted set of n members with ties, one of them infinite at each end, and returns them in order.
func fillZSet(t *testing.T, k *plugin.Key, n int) []scored {
	t.Helper()
	var model []scored
	for i := range n {
		s := scored{fmt.Sprintf("m%04d", i), float64(i / 2)}
		if i%3 == 0 {
			s.member = fmt.Sprint(i) // a number
		}
		if i == 0 {
			s.score = math.Inf(-1)
		}
		if i == n-1 {
			s.score = math.Inf(1)
		}
		_, err := k.ZAdd(s.score, []byte(s.member), 0)
		must(t, err)
		model = append(model, s)
	}
	slices.SortFunc(model, func(a, b scored) int {
		if a.score != b.score {
			return map[bool]int{true: -1, false: 1}[a.score < b.score]
		}
		return strings.Compare(a.member, b.member)
	})
	return model
}

func (s scored) in(r plugin.ScoreRange) bool {
	return (s.score > r.Min || s.score == r.Min && !r.MinEx) && (s.score < r.Max || s.score == r.Max && !r.MaxEx)
}

func within(model []scored, in func(scored) bool) []scored {
	var out []scored
	for _, s := range model {
		if in(s) {
			out = append(out, s)
		}
	}
	return out
}

// cursor walks with the functions of the specification.
func cursorWalk(k *plugin.Key, step func() bool) []scored {
	var got []scored
	for !k.ZEndReached() {
		m, score, ok := k.ZCurrent()
		if !ok {
			got = append(got, scored{"no current member", 0})
		}
		got = append(got, scored{m.String(), score})
		step()
	}
	return got
}

func collect(seq func(yield func(plugin.String, float64) bool)) []scored {
	var got []scored
	for m, score := range seq {
		got = append(got, scored{m.String(), score})
	}
	return got
}

func wantMembers(t *testing.T, what string, got, want []scored) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// checkRange walks a range in all four ways.
func checkRange(t *testing.T, what string, k *plugin.Key, want []scored, first, last error, up, down func(yield func(plugin.String, float64) bool)) {
	t.Helper()
	must(t, first)
	must(t, last)
	wantMembers(t, what+" upwards", collect(up), want)
	slices.Reverse(want)
	wantMembers(t, what+" downwards", collect(down), want)
	if _, _, ok := k.ZCurrent(); ok || !k.ZEndReached() || k.IterErr() != nil {
		t.Errorf("%s: after the loop: %v", what, k.IterErr())
	}
}

// Rules: ZST-5, ZST-7, ZST-8.
func TestScoreRanges(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "range", plugin.Write)
			model := fillZSet(t, k, n)
			ends := []float64{math.Inf(-1), -1, 0, 1, 1.5, 3, float64(n/2 - 1), float64(n), math.Inf(1)}
			for i := range len(ends) * len(ends) * 4 {
				r := plugin.ScoreRange{Min: ends[i/4%len(ends)], Max: ends[i/4/len(ends)], MinEx: i&1 != 0, MaxEx: i&2 != 0}
				want := within(model, func(s scored) bool { return s.in(r) })
				what := fmt.Sprintf("%+v", r)
				first := k.ZFirst(r)
				wantMembers(t, what+" from the first", cursorWalk(k, k.ZNext), want)
				last := k.ZLast(r)
				back := slices.Clone(want)
				slices.Reverse(back)
				wantMembers(t, what+" from the last", cursorWalk(k, k.ZPrev), back)
				k.ZStop()
				checkRange(t, what, k, want, first, last, k.ZRange(r), k.ZRevRange(r))
			}
			for _, r := range []plugin.ScoreRange{{Min: math.NaN()}, {Max: math.NaN()}} {
				wantErr(t, "an end that is NaN", k.ZFirst(r), plugin.ErrInvalid)
				if !k.ZEndReached() || collect(k.ZRange(r)) != nil {
					t.Error("a range from NaN has members")
				}
				wantErr(t, "why", k.IterErr(), plugin.ErrNotNumber)
			}
		})
	})
}

// Rules: ZST-5, ZST-7, ZST-8.
func TestLexRanges(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "lex", plugin.Write)
			var model []scored
			for i := range n {
				m := []string{"a", "b", "", "7", "\xff"}[i%5] + strings.Repeat("0", i/5)
				if len(m) > 60 {
					m = fmt.Sprint(i) // numbers, and members that stay packed
				}
				_, err := k.ZAdd(3, []byte(m), 0)
				must(t, err)
				model = append(model, scored{m, 3})
			}
			slices.SortFunc(model, func(a, b scored) int { return strings.Compare(a.member, b.member) })
			model = slices.Compact(model)
			ends := []string{"-", "+", "[", "(", "[a", "(a", "[a0", "(b0", "[7", "(zz", "[\xff", "(\xff0"}
			for i := range len(ends) * len(ends) {
				r := plugin.LexRange{Min: str(ends[i%len(ends)]), Max: str(ends[i/len(ends)])}
				want := within(model, func(s scored) bool {
					return above(s.member, r.Min.String()) && below(s.member, r.Max.String())
				})
				what := fmt.Sprintf("%q to %q", r.Min, r.Max)
				first := k.ZFirstLex(r)
				wantMembers(t, what+" from the first", cursorWalk(k, k.ZNext), want)
				last := k.ZLastLex(r)
				back := slices.Clone(want)
				slices.Reverse(back)
				wantMembers(t, what+" from the last", cursorWalk(k, k.ZPrev), back)
				checkRange(t, what, k, want, first, last, k.ZRangeLex(r), k.ZRevRangeLex(r))
			}
			for _, end := range []string{"", "a", "--", "++", "-a", "]a", "{a"} {
				for _, r := range []plugin.LexRange{{Min: str(end), Max: str("+")}, {Min: str("-"), Max: str(end)}} {
					wantErr(t, fmt.Sprintf("%q", end), k.ZFirstLex(r), plugin.ErrInvalid)
					wantErr(t, fmt.Sprintf("%q", end), k.ZLastLex(r), plugin.ErrInvalid)
					if !k.ZEndReached() || collect(k.ZRangeLex(r)) != nil || collect(k.ZRevRangeLex(r)) != nil {
						t.Errorf("%q: a range that is none has members", end)
					}
					wantErr(t, "why", k.IterErr(), plugin.ErrInvalid)
				}
			}
			wantErr(t, "a missing end", k.ZFirstLex(plugin.LexRange{Min: str("-")}), plugin.ErrInvalid)
		})
	})
}

func above(m, end string) bool {
	switch {
	case end == "-" || end == "+":
		return end == "-"
	case end[0] == '[':
		return m >= end[1:]
	}
	return m > end[1:]
}

func below(m, end string) bool {
	switch {
	case end == "-" || end == "+":
		return end == "+"
	case end[0] == '[':
		return m <= end[1:]
	}
	return m < end[1:]
}

// Rules: ZST-5, ZST-6, ZST-7.
func TestZSetCursorTurnsRound(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "turn", plugin.Write)
			for i := range n {
				_, err := k.ZAdd(float64(i), fmt.Append(nil, "m", i), 0)
				must(t, err)
			}
			at := func(want float64) {
				t.Helper()
				if m, score, ok := k.ZCurrent(); !ok || score != want || m.String() != fmt.Sprint("m", want) {
					t.Errorf("at %s, %v, %v, want %v", m, score, ok, want)
				}
			}
			step := func(move func() bool, want bool) {
				t.Helper()
				if got := move(); got != want || k.ZEndReached() == want {
					t.Errorf("the step found a member: %v, the end is reached: %v", got, k.ZEndReached())
				}
			}
			must(t, k.ZFirst(plugin.ScoreRange{Min: 3, Max: 5}))
			at(3)
			step(k.ZNext, true)
			step(k.ZPrev, true)
			at(3)
			step(k.ZPrev, false) // below the range
			at(3)
			step(k.ZNext, true)
			step(k.ZNext, true)
			at(5)
			step(k.ZNext, false)
			step(k.ZNext, false)
			at(5)
			step(k.ZPrev, true)
			at(4)
			// Another iteration ends this one; from the last member upwards there is nothing in the range.
			must(t, k.ZLast(plugin.ScoreRange{Min: math.Inf(-1), Max: 2, MaxEx: true}))
			at(1)
			step(k.ZNext, false)
			step(k.ZPrev, true)
			at(0)
			step(k.ZPrev, false) // the border of the set
			at(0)
			// Only the end on the side of the move counts: with an upper end below the lower one nothing is found to begin with.
			must(t, k.ZFirst(plugin.ScoreRange{Min: 5, Max: 4}))
			if _, _, ok := k.ZCurrent(); ok || !k.ZEndReached() || k.ZNext() || k.ZPrev() {
				t.Error("an empty range has a member")
			}
			k.ZStop()
			k.ZStop()
			if _, _, ok := k.ZCurrent(); ok || !k.ZEndReached() || k.ZNext() || k.ZPrev() {
				t.Error("there is a member after ZStop")
			}
		})
	})
}

// Rules: ZST-5.
func TestZSetCursorOfOtherKeys(t *testing.T) {
	inHandler(t, func(ctx plugin.Ctx) {
		all := plugin.ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}
		lex := plugin.LexRange{Min: str("-"), Max: str("+")}
		list, empty := open(t, ctx, "l", plugin.Write), open(t, ctx, "empty", plugin.Write)
		for _, tt := range []struct {
			k    *plugin.Key
			want error
		}{{list, plugin.ErrType}, {empty, plugin.ErrEmptyKey}, {nil, plugin.ErrEmptyKey}} {
			for _, err := range []error{tt.k.ZFirst(all), tt.k.ZLast(all), tt.k.ZFirstLex(lex), tt.k.ZLastLex(lex)} {
				wantErr(t, "no sorted set", err, tt.want)
			}
			if _, _, ok := tt.k.ZCurrent(); ok || !tt.k.ZEndReached() || tt.k.ZNext() || tt.k.ZPrev() {
				t.Error("what is no sorted set has members")
			}
			tt.k.ZStop()
			if collect(tt.k.ZRange(all)) != nil || collect(tt.k.ZRevRangeLex(lex)) != nil {
				t.Error("what is no sorted set can be walked")
			}
			if err := tt.k.IterErr(); tt.want == plugin.ErrType && !errors.Is(err, plugin.ErrType) || tt.want != plugin.ErrType && err != nil {
				t.Errorf("IterErr: %v", err)
			}
		}
	})
}

// Rules: ZST-6.
func TestZSetCursorAfterWrites(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		r := inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "stale", plugin.Write)
			fillZSet(t, k, n)
			all := plugin.ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}
			for what, write := range map[string]func() error{
				"ZAdd":    func() error { _, err := k.ZAdd(-5, []byte("new "+fmt.Sprint(k.Len())), 0); return err },
				"ZRem":    func() error { _, err := k.ZRem([]byte("m0002")); return err },
				"ZIncrBy": func() error { _, _, err := k.ZIncrBy(1, []byte("m0004"), 0); return err },
				"SetTTL":  func() error { return k.SetTTL(1e12) },
				"Delete":  func() error { err := k.Delete(); fillZSet(t, k, n); return err },
			} {
				must(t, k.ZFirst(all))
				must(t, k.IterErr())
				must(t, write())
				if _, _, ok := k.ZCurrent(); ok || k.ZNext() || !k.ZEndReached() {
					t.Errorf("%s: the iteration goes on", what)
				}
				wantErr(t, what, k.IterErr(), plugin.ErrStale)
				if k.ZPrev() {
					t.Errorf("%s: the iteration goes back", what)
				}
			}
			must(t, k.ZFirst(all))
			wantErr(t, "SetString", k.SetString(str("x")), plugin.ErrIterating)
			if !k.ZNext() {
				t.Error("what was refused has ended the iteration")
			}
			// Writing without another step is no mistake, and a write that changes nothing leaves the iteration alone.
			must(t, k.ZFirst(all))
			_, err := k.ZRem([]byte("nobody"))
			must(t, err)
			if !k.ZNext() {
				t.Error("a write without a change has ended the iteration")
			}
			_, err = k.ZRem([]byte("0"))
			must(t, err)
		})
		if misuses := r.h.Infos()[0].Misuses; misuses != 5 {
			t.Errorf("%d misuses counted", misuses)
		}
		if !r.logged("went on with an iteration over a key that it had written meanwhile") {
			t.Errorf("logged %q", r.log)
		}
	})
}

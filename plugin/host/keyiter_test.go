package host

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"testing"

	"datastore/plugin"
)

// fillAll makes an aggregate of each type with n elements, some of them numbers, and returns the keys' names with what All
// has to give.
func fillAll(t *testing.T, ctx plugin.Ctx, n int) map[string]map[string]string {
	t.Helper()
	list, set, numbers := open(t, ctx, "All-list", plugin.Write), open(t, ctx, "All-set", plugin.Write), open(t, ctx, "All-intset", plugin.Write)
	hash, zset := open(t, ctx, "All-hash", plugin.Write), open(t, ctx, "All-zset", plugin.Write)
	want := map[string]map[string]string{}
	for _, k := range []*plugin.Key{list, set, numbers, hash, zset} {
		want[k.Name().String()] = map[string]string{}
	}
	for i := range n {
		e := fmt.Append(nil, []string{"e", "1"}[i%2], i)
		if i == 0 {
			e = []byte{} // an empty element is not a missing one
		}
		must(t, list.Push(plugin.Tail, plugin.StringOf(e)))
		_, a := set.SAdd(e)
		_, b := numbers.SAdd(fmt.Append(nil, i))
		_, c := hash.HSet(0, plugin.Field{Name: plugin.StringOf(e), Value: plugin.StringOf(append([]byte("2"), e...))})
		_, d := zset.ZAdd(float64(i), e, 0)
		must(t, errors.Join(a, b, c, d))
		for _, name := range []string{"All-list", "All-set", "All-zset"} {
			want[name][string(e)] = "missing"
		}
		want["All-intset"][fmt.Sprint(i)] = "missing"
		want["All-hash"][string(e)] = "2" + string(e)
	}
	return want
}

func TestAllOfEachType(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			want := fillAll(t, ctx, n)
			closeAll(t, ctx)
			for name, elems := range want {
				k := open(t, ctx, name, plugin.Read)
				got := map[string]string{}
				for e, v := range k.All() {
					text := v.String()
					if v.IsZero() {
						text = "missing"
					}
					if e.IsZero() || got[e.String()] != "" {
						t.Errorf("%s: element %q twice, or missing: %v", name, e, e.IsZero())
					}
					got[e.String()] = text
					if k.Type() == plugin.KeyZSet {
						m, score, ok := k.ZCurrent()
						if want, _ := k.ZScore(e.Bytes()); !ok || m.Compare(e) != 0 || score != want {
							t.Errorf("the current member is %q, %v, %v", m, score, ok)
						}
					} else if _, _, ok := k.ZCurrent(); ok {
						t.Errorf("%s has a current member of a sorted set", name)
					}
				}
				if !maps.Equal(got, elems) || k.IterErr() != nil {
					t.Errorf("%s: %q, %v", name, got, k.IterErr())
				}
			}
			s, empty := open(t, ctx, "s", plugin.Read), open(t, ctx, "empty", plugin.Write)
			for _, k := range []*plugin.Key{s, empty, nil} {
				for e := range k.All() {
					t.Errorf("%s has element %q", k.Name(), e)
				}
			}
			wantErr(t, "All of a string", s.IterErr(), plugin.ErrType)
			must(t, errors.Join(empty.IterErr(), (*plugin.Key)(nil).IterErr()))
		})
	})
}

// closeAll closes what the running handler has open.
func closeAll(t *testing.T, ctx plugin.Ctx) {
	t.Helper()
	ctx.(*frame).closeKeys()
}

// walks are the iterators of each type.
func walks(k *plugin.Key) map[string]iter.Seq[plugin.String] {
	second := func(seq iter.Seq2[int, plugin.String]) iter.Seq[plugin.String] {
		return func(yield func(plugin.String) bool) { seq(func(_ int, e plugin.String) bool { return yield(e) }) }
	}
	first := func(seq iter.Seq2[plugin.String, plugin.String]) iter.Seq[plugin.String] {
		return func(yield func(plugin.String) bool) { seq(func(e, _ plugin.String) bool { return yield(e) }) }
	}
	members := func(seq iter.Seq2[plugin.String, float64]) iter.Seq[plugin.String] {
		return func(yield func(plugin.String) bool) { seq(func(e plugin.String, _ float64) bool { return yield(e) }) }
	}
	all := plugin.ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}
	return map[string]iter.Seq[plugin.String]{
		"All-list": second(k.LAll()), "All-set": k.SAll(), "All-intset": k.SAll(), "All-hash": first(k.HAll()), "All-zset": members(k.ZRange(all)),
	}
}

// smallWrite changes an aggregate of any type a little.
func smallWrite(k *plugin.Key, e []byte) error {
	var err error
	switch k.Type() {
	case plugin.KeyList:
		err = k.Push(plugin.Head, plugin.StringOf(e))
	case plugin.KeySet:
		_, err = k.SRem(e)
	case plugin.KeyHash:
		_, err = k.HSet(0, plugin.Field{Name: plugin.StringOf(e), Value: plugin.StringOf(append([]byte("longer than it was: "), e...))})
	case plugin.KeyZSet:
		_, _, err = k.ZIncrBy(1000, e, 0)
	}
	return err
}

// Whatever is written through the key in a loop over it, the loop ends, says why, and nothing breaks. What the loop has
// given out may be an argument of the write, also after the loop.
func TestWritesInLoops(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		r := inHandler(t, func(ctx plugin.Ctx) {
			names := fillAll(t, ctx, n)
			closeAll(t, ctx)
			for name := range names {
				k := open(t, ctx, name, plugin.Write)
				steps := 0
				for e := range walks(k)[name] {
					steps++
					must(t, smallWrite(k, e.Bytes()))
				}
				if steps != 1 {
					t.Errorf("%s: the loop went on for %d elements after a write", name, steps)
				}
				wantErr(t, name, k.IterErr(), plugin.ErrStale)

				var last plugin.String
				for e := range walks(k)[name] {
					last = e
					if steps++; steps > n/2 {
						break
					}
				}
				must(t, k.IterErr())
				text := last.String()
				must(t, smallWrite(k, last.Bytes()))
				if k.Type() == plugin.KeyList {
					if e, err := k.LGet(0); e.String() != text || err != nil {
						t.Errorf("pushed %q, want %q", e, text)
					}
				}
			}
		})
		if got := r.h.Infos()[0].Misuses; got != 5 {
			t.Errorf("%d misuses counted", got)
		}
	})
}

// A write that takes the key away, or makes it another type, ends a loop too.
func TestKeysThatVanishInLoops(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			for what, write := range map[string]func(k *plugin.Key) error{
				"Delete": func(k *plugin.Key) error { return k.Delete() }, "Unlink": func(k *plugin.Key) error { return k.Unlink() },
				"SetTTL": func(k *plugin.Key) error { return k.SetTTL(1e9) },
				"Close":  func(k *plugin.Key) error { return k.Close() },
			} {
				names := fillAll(t, ctx, n)
				closeAll(t, ctx)
				for name := range names {
					k := open(t, ctx, name, plugin.Write)
					steps := 0
					for range walks(k)[name] {
						steps++
						must(t, write(k))
					}
					if steps != 1 {
						t.Errorf("%s: the loop over %s took %d steps", what, name, steps)
					}
					wantErr(t, what, k.IterErr(), plugin.ErrStale)
					closeAll(t, ctx)
					k = open(t, ctx, name, plugin.Write)
					must(t, k.Delete())
					closeAll(t, ctx)
				}
			}
		})
	})
}

// Rules: ZST-6.
func TestOneIterationAtATime(t *testing.T) {
	inHandler(t, func(ctx plugin.Ctx) {
		names := fillAll(t, ctx, 10)
		closeAll(t, ctx)
		for name := range names {
			k := open(t, ctx, name, plugin.Read)
			outer, inner := 0, 0
			for range walks(k)[name] {
				outer++
				for range walks(k)[name] {
					if inner++; inner == 3 {
						break
					}
				}
			}
			if outer != 1 || inner != 3 {
				t.Errorf("%s: %d and %d steps", name, outer, inner)
			}
			must(t, k.IterErr())
			// Reading another way does not disturb, and neither does a second handle.
			other := open(t, ctx, name, plugin.Read)
			outer, inner = 0, 0
			for range walks(k)[name] {
				outer++
				for e := range walks(other)[name] {
					_, _, _ = k.HGet(e.Bytes())
					_, _ = k.SHas(e.Bytes())
					_, _ = k.LGet(outer % 3)
					inner++
				}
			}
			if outer != 10 || inner != 100 {
				t.Errorf("%s with two handles: %d and %d steps", name, outer, inner)
			}
		}
		list := open(t, ctx, "All-list", plugin.Read)
		outer := 0
		for range list.LAll() { // the steps in a sorted set are none here
			if outer++; list.ZNext() || list.ZPrev() || !list.ZEndReached() {
				t.Error("a step from an element of a list")
			}
		}
		if outer != 10 {
			t.Errorf("%d steps over a list", outer)
		}
		z := open(t, ctx, "All-zset", plugin.Read)
		outer = 0
		for range z.ZRange(plugin.ScoreRange{Min: 0, Max: 9}) {
			outer++
			must(t, z.ZFirst(plugin.ScoreRange{Min: 5, Max: 9}))
		}
		if _, score, ok := z.ZCurrent(); outer != 1 || !ok || score != 5 {
			t.Errorf("%d steps, then at %v, %v", outer, score, ok)
		}
		for range z.All() {
			outer++
			must(t, z.ZFirst(plugin.ScoreRange{Min: 5, Max: 9}))
		}
		if _, score, ok := z.ZCurrent(); outer != 2 || !ok || score != 5 {
			t.Errorf("%d steps, then at %v, %v", outer, score, ok)
		}
	})
}

// A loop over one key may write others, with what it is given, and call commands.
func TestLoopsThatWriteOtherKeys(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			names := fillAll(t, ctx, n)
			closeAll(t, ctx)
			for name, elems := range names {
				from, to := open(t, ctx, name, plugin.Read), open(t, ctx, "copy of "+name, plugin.Write)
				for e := range walks(from)[name] {
					_, err := to.SAdd(e.Bytes())
					must(t, err)
					_, err = ctx.Cmd("SADD").Bytes([]byte("called " + name)).Str(e).Do()
					must(t, err)
				}
				must(t, from.IterErr())
				want := slices.Sorted(maps.Keys(elems))
				for _, k := range []*plugin.Key{to, open(t, ctx, "called "+name, plugin.Read)} {
					if got := keyMembers(k); !slices.Equal(got, want) {
						t.Errorf("%s: %q, want %q", k.Name(), got, want)
					}
				}
			}
		})
	})
}

// A handle that a loop has closed may be that of another key already when the loop goes on.
func TestLoopOverAHandleWithANewLife(t *testing.T) {
	inHandler(t, func(ctx plugin.Ctx) {
		fillAll(t, ctx, 10)
		closeAll(t, ctx)
		k := open(t, ctx, "All-set", plugin.Read)
		steps, again := 0, 0
		for range k.SAll() {
			steps++
			must(t, k.Close())
			for range 100 {
				other := open(t, ctx, "All-zset", plugin.Read)
				if other == k {
					must(t, other.IterErr())
					must(t, other.ZFirst(plugin.ScoreRange{Min: 3, Max: 9}))
					again++
					break
				}
				must(t, other.Close())
			}
		}
		if _, score, ok := k.ZCurrent(); steps != 1 || again != 1 || !ok || score != 3 {
			t.Errorf("%d steps, the new life's iteration is at %v, %v", steps, score, ok)
		}
	})
}

// A native value has no elements, and looking for them leaves the handle as it was. Rules: KEY-8.
func TestAggregateMethodsOfANativeValue(t *testing.T) {
	nt := newNumbers()
	nt.special["t"] = func(ctx plugin.Ctx, args []plugin.String) error {
		k := open(t, ctx, "native", plugin.Write)
		must(t, k.SetValue(nt.t.Type(), &numbers{n: []int64{1, 2}}))
		e := []byte("e")
		for range 2 {
			for range k.All() {
				t.Error("a native value has elements")
			}
			wantErr(t, "All", k.IterErr(), plugin.ErrType)
			_, has := k.SHas(e)
			_, _, get := k.HGet(e)
			_, score := k.ZScore(e)
			_, add := k.SAdd(e)
			_, lget := k.LGet(0)
			for _, err := range []error{has, get, score, add, lget, k.ZFirst(plugin.ScoreRange{}), k.Push(plugin.Head, args[0])} {
				wantErr(t, "a method for another type", err, plugin.ErrType)
			}
			if k.Type() != plugin.KeyModule || k.Len() != 0 {
				t.Errorf("type %d, length %d", k.Type(), k.Len())
			}
		}
		must(t, k.Delete())
		return ctx.ReplyInt(1)
	}
	r := newTypeRig(t, nt)
	if got := r.do("t", "native"); got != ":1\r\n" {
		t.Errorf("replied %q", got)
	}
}

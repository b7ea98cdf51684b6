package host

import (
	"fmt"
	"slices"
	"testing"

	"datastore/plugin"
)

// keyMembers returns the members of a set in order.
func keyMembers(k *plugin.Key) []string {
	var got []string
	for m := range k.SAll() {
		got = append(got, m.String())
	}
	slices.Sort(got)
	return got
}

// bothSets runs a test with sets of numbers and of texts, which are stored in different ways.
func bothSets(t *testing.T, f func(t *testing.T, n int, member func(i int) string)) {
	bothSizes(t, func(t *testing.T, n int) {
		t.Run("numbers", func(t *testing.T) { f(t, n, func(i int) string { return fmt.Sprint(i - 5) }) })
		t.Run("texts", func(t *testing.T) {
			f(t, n, func(i int) string {
				if i == 0 {
					return ""
				}
				return []string{"", "m\r\n\x00", "7x", "9"}[i%4] + fmt.Sprint(i/2)
			})
		})
	})
}

// Rules: KEY-5.
func TestSets(t *testing.T) {
	bothSets(t, func(t *testing.T, n int, member func(i int) string) {
		var model []string
		r := inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "new", plugin.Write)
			for i := range n {
				m := member(i)
				added, err := k.SAdd([]byte(m))
				if must(t, err); added == slices.Contains(model, m) {
					t.Errorf("SAdd(%q): %v", m, added)
				}
				if added {
					model = append(model, m)
				}
			}
			if added, err := k.SAdd([]byte(model[0])); added || err != nil {
				t.Errorf("adding twice: %v, %v", added, err)
			}
			slices.Sort(model)
			if k.Type() != plugin.KeySet || k.Len() != len(model) || !slices.Equal(keyMembers(k), model) {
				t.Errorf("%d members of type %d: %q, want %q", k.Len(), k.Type(), keyMembers(k), model)
			}
			for _, m := range model {
				if has, err := k.SHas([]byte(m)); !has || err != nil {
					t.Errorf("SHas(%q): %v, %v", m, has, err)
				}
			}
			if has, err := k.SHas([]byte("nobody")); has || err != nil {
				t.Errorf("SHas: %v, %v", has, err)
			}
			if was, err := k.SRem([]byte("nobody")); was || err != nil {
				t.Errorf("SRem: %v, %v", was, err)
			}
			emptySet(t, ctx, k, model)
			must(t, k.SetString(str("other type")))
		})
		r.want("$10\r\nother type\r\n", "GET", "new")
	})
}

// emptySet takes all members out of a set, half of them by chance.
func emptySet(t *testing.T, ctx plugin.Ctx, k *plugin.Key, model []string) {
	t.Helper()
	for len(model) > 0 {
		m, err := k.SRandom()
		if must(t, err); !slices.Contains(model, m.String()) {
			t.Fatalf("SRandom: %q", m)
		}
		if len(model)%2 == 0 {
			m, err = k.SPop()
			must(t, err)
		} else {
			was, err := k.SRem(m.Bytes())
			if must(t, err); !was {
				t.Fatalf("SRem(%q)", m)
			}
		}
		i := slices.Index(model, m.String())
		if i < 0 || k.Len() != len(model)-1 {
			t.Fatalf("removed %q, %d are left of %d", m, k.Len(), len(model))
		}
		model = slices.Delete(model, i, i+1)
	}
	if k.Type() != plugin.KeyEmpty || ctx.KeyExists(k.Name()) {
		t.Error("an empty set is left")
	}
	_, err := k.SPop()
	wantErr(t, "SPop of an empty key", err, plugin.ErrEmptyKey)
}

func TestSetsOfOtherKeys(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		list, ro, empty := open(t, ctx, "l", plugin.Write), open(t, ctx, "set", plugin.Read), open(t, ctx, "empty", plugin.Write)
		m := []byte("m")
		for _, tt := range []struct {
			what                      string
			k                         *plugin.Key
			add, rem, has, rand, take error
		}{
			{"a list", list, plugin.ErrType, plugin.ErrType, plugin.ErrType, plugin.ErrType, plugin.ErrType},
			{"open for reading", ro, plugin.ErrNotWritable, plugin.ErrNotWritable, nil, nil, plugin.ErrNotWritable},
			{"nil", nil, plugin.ErrNotWritable, plugin.ErrNotWritable, nil, plugin.ErrEmptyKey, plugin.ErrNotWritable},
		} {
			_, err := tt.k.SAdd(m)
			wantErr(t, "SAdd: "+tt.what, err, tt.add)
			_, err = tt.k.SRem(m)
			wantErr(t, "SRem: "+tt.what, err, tt.rem)
			_, err = tt.k.SHas(m)
			wantErr(t, "SHas: "+tt.what, err, tt.has)
			_, err = tt.k.SRandom()
			wantErr(t, "SRandom: "+tt.what, err, tt.rand)
			_, err = tt.k.SPop()
			wantErr(t, "SPop: "+tt.what, err, tt.take)
		}
		if has, err := empty.SHas(m); has || err != nil {
			t.Errorf("SHas of an empty key: %v, %v", has, err)
		}
		if was, err := empty.SRem(m); was || err != nil {
			t.Errorf("SRem of an empty key: %v, %v", was, err)
		}
		_, err := empty.SRandom()
		wantErr(t, "SRandom of an empty key", err, plugin.ErrEmptyKey)
	})
	r.sent()
}

// A member that chance has chosen is replicated by its name.
func TestPopIsReplicatedAsRemoval(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "set", plugin.Write)
		_, err := k.SAdd([]byte("y"))
		must(t, err)
		_, err = k.SRem([]byte("y"))
		must(t, err)
		m, err := k.SPop()
		if must(t, err); m.String() != "x" {
			t.Errorf("popped %q", m)
		}
	})
	r.sent("MULTI", "SADD set y", "SREM set y", "SREM set x", "EXEC")
}

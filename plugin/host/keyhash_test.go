package host

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"datastore/plugin"
)

func field(name, value string) plugin.Field { return plugin.Field{Name: str(name), Value: str(value)} }
func noField(name string) plugin.Field      { return plugin.Field{Name: str(name)} }

func wantHSet(t *testing.T, k *plugin.Key, want int, flags plugin.HFlags, fields ...plugin.Field) {
	t.Helper()
	if n, err := k.HSet(flags, fields...); n != want || err != nil {
		t.Errorf("HSet(%d, %v): %d, %v, want %d", flags, fields, n, err, want)
	}
}

// hashOf returns the fields of a hash.
func hashOf(k *plugin.Key) map[string]string {
	got := map[string]string{}
	for f, v := range k.HAll() {
		got[f.String()] = v.String()
	}
	return got
}

// Rules: HSH-1, HSH-2, HSH-3, KEY-5.
func TestHashes(t *testing.T) { bothSizes(t, testHashes) }

func testHashes(t *testing.T, n int) {
	model := map[string]string{}
	r := inHandler(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "new", plugin.Write)
		wantHSet(t, k, 0, 0)
		wantHSet(t, k, 0, plugin.HXX|plugin.HCountAll, field("f", "v"))
		wantHSet(t, k, 0, plugin.HCountAll, noField("f"))
		if ctx.KeyExists(str("new")) || k.Type() != plugin.KeyEmpty {
			t.Error("nothing to store has made a hash")
		}
		for i := range n {
			f := field(fmt.Sprint("f", i), []string{"", "text", fmt.Sprint(i), "bin\r\n\x00"}[i%4])
			model[f.Name.String()] = f.Value.String()
			wantHSet(t, k, 0, 0, f) // new ones are not counted
		}
		wantHSet(t, k, 1, plugin.HCountAll, field("7", "a number"))
		model["7"] = "a number"
		wantHSet(t, k, 2, 0, field("f1", "text"), field("f2", "changed"), field("g", "new"), noField("nobody"))
		wantHSet(t, k, 4, plugin.HCountAll, field("f1", "x"), field("h", "new"), noField("g"), noField("g"), field("g", "again"))
		wantHSet(t, k, 0, plugin.HNX, field("f1", "no"), noField("f1"), noField("nobody"), field("i", "new"))
		wantHSet(t, k, 2, plugin.HXX|plugin.HCountAll, field("f1", "yes"), noField("i"), field("j", "no"), noField("j"))
		model["f1"], model["f2"], model["g"], model["h"] = "yes", "changed", "again", "new"
		if got := hashOf(k); !maps.Equal(got, model) || k.Len() != len(model) || k.Type() != plugin.KeyHash {
			t.Errorf("%d fields of type %d: %q, want %q", k.Len(), k.Type(), got, model)
		}
		for name, want := range model {
			got, ok, err := k.HGet([]byte(name))
			if exists, _ := k.HExists([]byte(name)); got.String() != want || !ok || got.IsZero() || err != nil || !exists {
				t.Errorf("HGet(%s): %q, %v, %v, want %q", name, got, ok, err, want)
			}
		}
		got, ok, err := k.HGet([]byte("nobody"))
		if exists, _ := k.HExists([]byte("nobody")); !got.IsZero() || ok || err != nil || exists {
			t.Errorf("HGet of a missing field: %q, %v, %v", got, ok, err)
		}
		emptyHash(t, ctx, k, model)
		must(t, k.Push(plugin.Head, str("other type")))
	})
	r.want(":1\r\n", "LLEN", "new")
}

// emptyHash deletes all fields, in the two ways there are.
func emptyHash(t *testing.T, ctx plugin.Ctx, k *plugin.Key, model map[string]string) {
	t.Helper()
	i := 0
	for name := range model {
		if i++; i%2 == 0 {
			wantHSet(t, k, 1, 0, noField(name))
			continue
		}
		if was, err := k.HDel([]byte(name)); !was || err != nil {
			t.Errorf("HDel(%s): %v, %v", name, was, err)
		}
	}
	if k.Type() != plugin.KeyEmpty || ctx.KeyExists(k.Name()) {
		t.Error("an empty hash is left")
	}
	if was, err := k.HDel([]byte("f")); was || err != nil {
		t.Errorf("HDel of an empty key: %v, %v", was, err)
	}
	got, ok, err := k.HGet([]byte("f"))
	if exists, e := k.HExists([]byte("f")); !got.IsZero() || ok || err != nil || exists || e != nil {
		t.Errorf("HGet of an empty key: %q, %v, %v", got, ok, err)
	}
}

// Rules: HSH-1, HSH-3.
func TestHashErrors(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		k, list, ro := open(t, ctx, "new", plugin.Write), open(t, ctx, "l", plugin.Write), open(t, ctx, "h", plugin.Read)
		for _, flags := range []plugin.HFlags{plugin.HNX | plugin.HXX, 1 << 2, 1 << 7} {
			_, err := k.HSet(flags, field("f", "v"))
			wantErr(t, fmt.Sprint("flags ", flags), err, plugin.ErrInvalid)
		}
		_, err := k.HSet(0, field("f", "v"), plugin.Field{Value: str("v")})
		wantErr(t, "missing name", err, plugin.ErrInvalid)
		if ctx.KeyExists(str("new")) {
			t.Error("a call that failed has stored something")
		}
		for _, tt := range []struct {
			what              string
			k                 *plugin.Key
			set, get, del, is error
		}{
			{"a list", list, plugin.ErrType, plugin.ErrType, plugin.ErrType, plugin.ErrType},
			{"open for reading", ro, plugin.ErrNotWritable, nil, plugin.ErrNotWritable, nil},
			{"nil", nil, plugin.ErrNotWritable, nil, plugin.ErrNotWritable, nil},
		} {
			_, err := tt.k.HSet(0, field("f", "v"))
			wantErr(t, "HSet: "+tt.what, err, tt.set)
			_, _, err = tt.k.HGet([]byte("f"))
			wantErr(t, "HGet: "+tt.what, err, tt.get)
			_, err = tt.k.HDel([]byte("f"))
			wantErr(t, "HDel: "+tt.what, err, tt.del)
			_, err = tt.k.HExists([]byte("f"))
			wantErr(t, "HExists: "+tt.what, err, tt.is)
		}
	})
	r.sent()
}

// Neighbouring fields of one kind are one command.
func TestHashEffects(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "h", plugin.Write)
		wantHSet(t, k, 2, 0, field("a", "1"), field("b", "2"), noField("f"), noField("b"), noField("nobody"), field("c", "3"))
		wantHSet(t, k, 0, plugin.HNX, field("c", "4"), field("d", "5"))
		_, err := k.HDel([]byte("a"))
		must(t, err)
	})
	r.sent("MULTI", "HSET h a 1 b 2", "HDEL h f b", "HSET h c 3", "HSET h d 5", "HDEL h a", "EXEC")
}

// What HGet returns stays as it is until the callback returns, whatever is written and however much is read.
func TestHGetKeepsItsStrings(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "many", plugin.Write)
			value := func(i int) string { return strings.Repeat(fmt.Sprint(i, ","), 1+i%40) }
			var got []plugin.String
			for i := range n {
				wantHSet(t, k, 0, 0, field(fmt.Sprint(i), value(i)))
				v, ok, err := k.HGet(fmt.Append(nil, i))
				if must(t, err); !ok {
					t.Error("not stored")
				}
				got = append(got, v)
			}
			large := strings.Repeat("x", 1<<20)
			wantHSet(t, k, 0, 0, field("large", large))
			v, _, err := k.HGet([]byte("large"))
			must(t, err)
			must(t, k.Delete())
			for i, v := range got {
				if v.String() != value(i) {
					t.Fatalf("value %d is %q, want %q", i, v, value(i))
				}
			}
			if v.String() != large {
				t.Error("the large value has changed")
			}
		})
	})
}

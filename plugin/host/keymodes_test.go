package host

import (
	"fmt"
	"testing"
	"time"

	"datastore/keyspace"
	"datastore/plugin"
)

// accesses returns what counts as access: hits, misses, and the idle time of key s in seconds.
func accesses(r *rig) string {
	store := r.ctx.Store
	st := store.Stats()
	return fmt.Sprint(st.Hits, " hits ", st.Misses, " misses idle ", store.DB(0).Peek([]byte("s")).IdleSeconds())
}

// modesRig returns a rig in which key s was used 100 seconds ago, and key old expired a second ago; command t runs f.
func modesRig(t *testing.T, f func(ctx plugin.Ctx)) *rig {
	t.Helper()
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{
		"t": func(ctx plugin.Ctx, _ []plugin.String) error { f(ctx); return ctx.ReplyInt(1) },
	})
	store := r.ctx.Store
	store.BeginUnit(rigNowMs-100_000, keyspace.ExpireDelete)
	store.DB(0).SetStr([]byte("s"), []byte("text"))
	store.DB(0).SetStrExpire([]byte("old"), []byte("was"), rigNowMs-1000)
	return r
}

// Rules: KEY-2.
func TestOpenKeyAccesses(t *testing.T) {
	for _, tt := range []struct {
		what, want string
		f          func(ctx plugin.Ctx)
	}{
		{"read", "1 hits 1 misses idle 0", func(ctx plugin.Ctx) {
			k := open(t, ctx, "s", plugin.Read)
			k.Type()
			k.Len()
			k.TTL()
			open(t, ctx, "missing", plugin.Read)
		}},
		{"write", "0 hits 0 misses idle 0", func(ctx plugin.Ctx) { open(t, ctx, "s", plugin.Write); open(t, ctx, "missing", plugin.Write) }},
		{"read and write", "0 hits 0 misses idle 0", func(ctx plugin.Ctx) { open(t, ctx, "s", plugin.Read|plugin.Write) }},
		{"NoTouch", "1 hits 0 misses idle 100", func(ctx plugin.Ctx) { open(t, ctx, "s", plugin.Read|plugin.NoTouch) }},
		{"NoTouch with Write", "0 hits 0 misses idle 100", func(ctx plugin.Ctx) { open(t, ctx, "s", plugin.Write|plugin.NoTouch) }},
		{"NoStats", "0 hits 0 misses idle 0", func(ctx plugin.Ctx) {
			open(t, ctx, "s", plugin.Read|plugin.NoStats)
			open(t, ctx, "missing", plugin.Read|plugin.NoStats)
		}},
		{"NoNotify", "1 hits 0 misses idle 0", func(ctx plugin.Ctx) { open(t, ctx, "s", plugin.Read|plugin.NoNotify) }},
		{"NoEffects", "0 hits 0 misses idle 100", func(ctx plugin.Ctx) {
			open(t, ctx, "s", plugin.Read|plugin.NoEffects)
			open(t, ctx, "missing", plugin.Read|plugin.NoEffects)
		}},
		{"KeyExists", "0 hits 0 misses idle 100", func(ctx plugin.Ctx) {
			if !ctx.KeyExists(str("s")) || ctx.KeyExists(str("missing")) {
				t.Error("KeyExists is wrong")
			}
		}},
		{"after a call that reads", "1 hits 0 misses idle 0", func(ctx plugin.Ctx) {
			k := open(t, ctx, "s", plugin.Read|plugin.NoStats)
			_, err := ctx.Call("SET", "cc", "other", "v")
			must(t, err)
			_, err = ctx.Call("STRLEN", "c", "other")
			must(t, err)
			k.TTL() // looks the key up again
			ctx.KeyExists(str("s"))
		}},
	} {
		r := modesRig(t, tt.f)
		r.do("t")
		if got := accesses(r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}
	r := modesRig(t, func(ctx plugin.Ctx) {
		_, err := ctx.Call("EXISTS", "c", "missing")
		must(t, err)
		open(t, ctx, "s", plugin.Read)
	})
	r.client.NoTouch = true // CLIENT NO-TOUCH
	if r.do("t"); accesses(r) != "1 hits 1 misses idle 100" {
		t.Errorf("a client that does not touch: %s", accesses(r))
	}
}

// Rules: KEY-2.
func TestOpenKeyUnknownModes(t *testing.T) {
	modesRig(t, func(ctx plugin.Ctx) {
		for _, mode := range []plugin.OpenMode{0, plugin.NoTouch, plugin.NoEffects, plugin.Read | 1<<2, plugin.Write | 1<<22, plugin.Read | 1<<31, plugin.Write | plugin.AccessExpired} {
			_, err := ctx.OpenKey(str("s"), mode)
			wantErr(t, fmt.Sprintf("mode %#x", mode), err, plugin.ErrInvalid)
		}
	}).do("t")
}

// Rules: KEY-2.
func TestExpiredKeysAreDeleted(t *testing.T) {
	for _, mode := range []plugin.OpenMode{plugin.Read, plugin.Write, plugin.Read | plugin.NoTouch | plugin.NoStats | plugin.NoNotify} {
		r := modesRig(t, func(ctx plugin.Ctx) {
			if k := open(t, ctx, "old", mode); k.Type() != plugin.KeyEmpty || k.Len() != 0 || k.TTL() != plugin.NoExpire {
				t.Error("a key whose time has come is there")
			}
		})
		if r.do("t"); r.ctx.Store.DB(0).Len() != 1 {
			t.Error("it is not deleted")
		}
		r.sent("SELECT 0", "DEL old")
	}
}

// Rules: KEY-2.
func TestExpiredKeysThatAreLeft(t *testing.T) {
	for _, mode := range []plugin.OpenMode{plugin.Read | plugin.NoExpireDel, plugin.Read | plugin.NoEffects, plugin.Write | plugin.NoExpireDel} {
		r := modesRig(t, func(ctx plugin.Ctx) {
			if k := open(t, ctx, "old", mode); k.Type() != plugin.KeyEmpty || k.Len() != 0 || k.TTL() != plugin.NoExpire {
				t.Error("a key whose time has come is there")
			}
			if ctx.KeyExists(str("old")) {
				t.Error("it exists")
			}
		})
		if r.do("t"); r.ctx.Store.DB(0).Len() != 2 {
			t.Errorf("mode %#x: it is deleted", mode)
		}
		r.sent()
	}
	r := modesRig(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "old", plugin.Write|plugin.NoExpireDel)
		added, err := k.SAdd([]byte("m"))
		if n := ctx.(*frame).db.Len(); n != 2 {
			t.Errorf("%d keys: the old one is still beside the new one", n)
		}
		if must(t, err); !added || k.Type() != plugin.KeySet || k.TTL() != plugin.NoExpire {
			t.Error("the value of before has an effect on the new one")
		}
	})
	if got := r.do("t"); got != ":1\r\n" {
		t.Errorf("replied %q", got)
	}
	r.sent("MULTI", "SELECT 0", "DEL old", "SADD old m", "EXEC")
}

// Rules: KEY-2, EXP-1.
func TestAccessExpired(t *testing.T) {
	r := modesRig(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "old", plugin.Read|plugin.AccessExpired)
		b, err := k.DMA(plugin.Read)
		if must(t, err); k.Type() != plugin.KeyString || string(b) != "was" || k.TTL() != 0 {
			t.Errorf("%q, type %d, time to live %v", b, k.Type(), k.TTL())
		}
		if at, ok := k.ExpireAt(); !ok || !at.Equal(time.UnixMilli(rigNowMs-1000)) {
			t.Errorf("expires at %v, %v", at, ok)
		}
		if ctx.KeyExists(str("old")) {
			t.Error("it exists for others")
		}
		wantErr(t, "writing", k.SetString(str("x")), plugin.ErrNotWritable)
		// Others do delete it; the handle finds out.
		if open(t, ctx, "old", plugin.Read) != nil {
			t.Error("others see it")
		}
		if k.Impl.(*key).look().Exists() || k.Type() != plugin.KeyEmpty || k.Len() != 0 {
			t.Error("the handle has not found out")
		}
		b, err = k.DMA(plugin.Read)
		if must(t, err); len(b) != 0 {
			t.Errorf("%q after its deletion", b)
		}
	})
	r.do("t")
	r.sent("SELECT 0", "DEL old")
	bothSizes(t, func(t *testing.T, n int) {
		r := modesRig(t, func(ctx plugin.Ctx) {
			names := fillAll(t, ctx, n)
			closeAll(t, ctx)
			for name := range names {
				ctx.(*frame).db.SetExpire([]byte(name), rigNowMs-5)
				k := open(t, ctx, name, plugin.Read|plugin.AccessExpired)
				steps := 0
				for range walks(k)[name] {
					if steps++; steps == 3 {
						_, err := ctx.Call("EXISTS", "c", name)
						must(t, err)
					}
				}
				wantErr(t, name, k.IterErr(), plugin.ErrStale)
				if steps != 3 || k.Len() != 0 {
					t.Errorf("%s: %d steps, %d elements are left", name, steps, k.Len())
				}
			}
		})
		r.do("t")
	})
}

// Rules: KEY-3.
func TestSignalModifiedKey(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		ctx.SignalModifiedKey(str("missing"))
		ctx.SignalModifiedKey(str("s"))
	})
	if got := fmt.Sprint(r.touched); got != "[missing s]" {
		t.Errorf("touched %s", got)
	}
	r.sent()
}

func TestKeyDB(t *testing.T) {
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		a := open(t, ctx, "a", plugin.Write)
		must(t, ctx.SelectDB(3))
		b, missing := open(t, ctx, "a", plugin.Write), open(t, ctx, "b", plugin.Read)
		must(t, a.SetString(str("first")))
		must(t, b.SetString(str("second")))
		if a.DB() != 0 || b.DB() != 3 || missing.DB() != -1 {
			t.Errorf("databases %d, %d, %d", a.DB(), b.DB(), missing.DB())
		}
		if must(t, b.Close()); b.DB() != -1 {
			t.Errorf("a closed key is in database %d", b.DB())
		}
	})
	r.want(":1\r\n", "t")
	r.sent("MULTI", "SET a first", "SELECT 3", "SET a second", "EXEC")
}

package host

import (
	"math"
	"strings"
	"testing"

	"datastore/keyspace"
	"datastore/plugin"
)

// reading are handlers that open a key and read it.
func reading() map[string]func(k *plugin.Key, args []plugin.String) int {
	all, lex := plugin.ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}, plugin.LexRange{Min: str("-"), Max: str("+")}
	return map[string]func(k *plugin.Key, args []plugin.String) int{
		"string DMA": func(k *plugin.Key, _ []plugin.String) int { b, _ := k.DMA(plugin.Read); return len(b) },
		"list LAll": func(k *plugin.Key, _ []plugin.String) (n int) {
			for _, e := range k.LAll() {
				n += e.Len()
			}
			return n
		},
		"list All": func(k *plugin.Key, _ []plugin.String) (n int) {
			for e := range k.All() {
				n += e.Len()
			}
			return n
		},
		"set SHas": func(k *plugin.Key, args []plugin.String) int { _, _ = k.SHas(args[2].Bytes()); return 1 },
		"set SAll": func(k *plugin.Key, _ []plugin.String) (n int) {
			for m := range k.SAll() {
				n += m.Len()
			}
			return n
		},
		"set SRandom": func(k *plugin.Key, _ []plugin.String) int { m, _ := k.SRandom(); return m.Len() },
		"hash HGet":   func(k *plugin.Key, args []plugin.String) int { v, _, _ := k.HGet(args[2].Bytes()); return v.Len() },
		"hash HAll": func(k *plugin.Key, _ []plugin.String) (n int) {
			for f, v := range k.HAll() {
				n += f.Len() + v.Len()
			}
			return n
		},
		"zset ZScore": func(k *plugin.Key, args []plugin.String) int { s, _ := k.ZScore(args[2].Bytes()); return int(s) },
		"zset ZRange": func(k *plugin.Key, _ []plugin.String) (n int) {
			for m, s := range k.ZRange(all) {
				n += m.Len() + int(s)
			}
			for m := range k.ZRevRangeLex(lex) {
				n += m.Len()
			}
			return n
		},
		"zset cursor": func(k *plugin.Key, _ []plugin.String) (n int) {
			if k.ZLastLex(lex) != nil {
				return 0
			}
			for ; !k.ZEndReached(); k.ZPrev() {
				m, _, _ := k.ZCurrent()
				n += m.Len()
			}
			return n
		},
		"zset All": func(k *plugin.Key, _ []plugin.String) (n int) {
			for m := range k.All() {
				_, s, _ := k.ZCurrent()
				n += m.Len() + int(s)
			}
			return n
		},
	}
}

// writing are handlers that write a key. Afterwards it is as it was before.
func writing() map[string]func(k *plugin.Key, args []plugin.String) int {
	return map[string]func(k *plugin.Key, args []plugin.String) int{
		"set SAdd, SRem": func(k *plugin.Key, args []plugin.String) int {
			_, _ = k.SRem(args[2].Bytes())
			_, _ = k.SAdd(args[2].Bytes())
			return 1
		},
		"set SPop": func(k *plugin.Key, _ []plugin.String) int {
			m, _ := k.SPop()
			_, _ = k.SAdd(m.Bytes())
			return 1
		},
		"hash HSet": func(k *plugin.Key, args []plugin.String) int {
			n, _ := k.HSet(0, plugin.Field{Name: args[2], Value: args[1]}, plugin.Field{Name: args[1], Value: args[2]}, plugin.Field{Name: args[1]})
			return n
		},
		"hash HDel": func(k *plugin.Key, args []plugin.String) int {
			_, _ = k.HDel(args[2].Bytes())
			n, _ := k.HSet(plugin.HNX|plugin.HCountAll, plugin.Field{Name: args[2], Value: args[2]})
			return n
		},
		"zset ZAdd": func(k *plugin.Key, args []plugin.String) int {
			_, _ = k.ZRem(args[2].Bytes())
			_, _ = k.ZAdd(1.5, args[2].Bytes(), plugin.ZNX)
			_, _, _ = k.ZIncrBy(0.1, args[2].Bytes(), 0)
			return 1
		},
		"list Push": func(k *plugin.Key, args []plugin.String) int {
			_ = k.Push(plugin.Head, args[2])
			_ = k.LDelete(0)
			return 1
		},
	}
}

// A handler that opens a key, reads or writes it and replies allocates nothing, however many elements it walks over.
func TestKeysAllocateNothing(t *testing.T) {
	for _, l := range []keyspace.Limits{keyspace.DefaultLimits(), {ListNode: 3, StringBytes: 1 << 20}} {
		for _, listening := range []bool{false, true} {
			for mode, handlers := range map[plugin.OpenMode]map[string]func(*plugin.Key, []plugin.String) int{
				plugin.Read: reading(), plugin.Write: writing(),
			} {
				for name, f := range handlers {
					if n := allocations(t, l, listening, mode, name, f); n != 0 {
						t.Errorf("%s allocates %v times (limits %+v, listening %v)", name, n, l, listening)
					}
				}
			}
		}
	}
}

// allocations counts those of one command; the first word of name is the type of key that it opens.
func allocations(t *testing.T, l keyspace.Limits, listening bool, mode plugin.OpenMode, name string, f func(*plugin.Key, []plugin.String) int) float64 {
	t.Helper()
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{
		"fill": func(ctx plugin.Ctx, _ []plugin.String) error {
			fillAll(t, ctx, 10)
			return ctx.ReplyInt(1)
		},
		"run": func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], mode)
			if err != nil {
				return err
			}
			return ctx.ReplyInt(int64(f(k, args)))
		},
	})
	r.ctx.Store.SetLimits(l)
	r.do("SET", "All-string", "some value")
	r.do("fill")
	kind, _, _ := strings.Cut(name, " ")
	r.ctx.Effects.Listen(listening)
	args := [][]byte{[]byte("run"), []byte("All-" + kind), []byte("13")}
	cmd := r.table.Resolve(args)
	r.begin()
	return testing.AllocsPerRun(200, func() {
		r.ctx.W.Buf = r.ctx.W.Buf[:0]
		r.Call(&r.client, cmd, args)
		r.ctx.Effects.Finish()
		if len(r.ctx.W.Buf) == 0 || r.ctx.W.Buf[0] != ':' {
			t.Fatalf("%s: %q", name, r.ctx.W.Buf)
		}
	})
}

package host

import (
	"testing"

	"datastore/keyspace"
	"datastore/plugin"
)

// BenchmarkDispatch compares a module's command with the built-in one that does the same.
func BenchmarkDispatch(b *testing.B) {
	t := &testing.T{}
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{
		"hello.push": func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
			if err != nil {
				return err
			}
			if err := k.Check(plugin.KeyList); err != nil {
				return err
			}
			if err := k.Push(plugin.Tail, args[2]); err != nil {
				return err
			}
			return ctx.ReplyInt(int64(k.Len()))
		},
		"hello.call": func(ctx plugin.Ctx, args []plugin.String) error {
			reply, err := ctx.Cmd("RPUSH").With(plugin.Repl).Strs(args[1:]...).Do()
			if err != nil {
				return err
			}
			return ctx.ReplyReply(reply)
		},
		"hello.int": func(ctx plugin.Ctx, args []plugin.String) error { return ctx.ReplyInt(1) },
	})
	r.ctx.Effects.Listen(false)
	for _, name := range []string{"rpush", "hello.push", "hello.call", "hello.int"} {
		b.Run(name, func(b *testing.B) {
			argv := [][]byte{[]byte(name), []byte("list"), []byte("v")}
			cmd := r.table.Resolve(argv)
			b.ReportAllocs()
			r.ctx.Store.BeginUnit(rigNowMs, keyspace.ExpireDelete)
			for i := range b.N {
				if i%1000 == 0 {
					r.ctx.Store.FlushAll()
				}
				r.ctx.W.Buf = r.ctx.W.Buf[:0]
				r.Call(&r.client, cmd, argv)
				r.ctx.Effects.Finish()
			}
		})
	}
}

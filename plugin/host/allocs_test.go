package host

import (
	"testing"

	"datastore/plugin"
)

// costs are handlers of the shapes that most handlers have.
func costs() map[string]plugin.Handler {
	return map[string]plugin.Handler{
		"cost.reply": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) },
		"cost.read": func(ctx plugin.Ctx, _ []plugin.String) error {
			k, err := ctx.OpenKey(textKey, plugin.Read)
			if err != nil {
				return err
			}
			b, err := k.DMA(plugin.Read)
			if err != nil {
				return err
			}
			return ctx.ReplyBulk(b)
		},
		"cost.write": func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(textKey, plugin.Write)
			if err != nil {
				return err
			}
			if err := k.SetString(args[0]); err != nil {
				return err
			}
			return ctx.ReplyStatus("OK")
		},
		"cost.cmd": func(ctx plugin.Ctx, _ []plugin.String) error {
			r, err := ctx.Cmd("INCRBY").With(plugin.Repl).Str(numberKey).Int(3).Do()
			if err != nil {
				return err
			}
			return ctx.ReplyReply(r)
		},
		"cost.format": func(ctx plugin.Ctx, _ []plugin.String) error {
			r, err := ctx.Cmd("HINCRBY").Format("!scl", hashKey, "field", 1000).Do()
			if err != nil {
				return err
			}
			return ctx.ReplyReply(r)
		},
		"cost.iterate": func(ctx plugin.Ctx, _ []plugin.String) error {
			k, err := ctx.OpenKey(listKey, plugin.Read)
			if err != nil {
				return err
			}
			if err := ctx.ReplyArray(k.Len()); err != nil {
				return err
			}
			for _, element := range k.LAll() {
				if err := ctx.ReplyString(element); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

var (
	textKey   = str("cost:text")
	numberKey = str("cost:number")
	listKey   = str("cost:list")
	hashKey   = str("cost:hash")
)

// newCosts returns a rig with the handlers, and what they look at.
func newCosts(t *testing.T) *rig {
	r := newRig(t, plugin.APIVer2, costs())
	r.do("SET", "cost:text", "some text of ordinary length")
	r.do("RPUSH", "cost:list", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	r.replica = nil // it allocates
	return r
}

// once returns a function that runs a command as a unit.
func (r *rig) once(name string) func() {
	argv := [][]byte{[]byte(name)}
	cmd := r.table.Resolve(argv)
	return func() {
		r.ctx.W.Buf = r.ctx.W.Buf[:0]
		r.begin()
		r.Call(&r.client, cmd, argv)
		r.ctx.Effects.Finish()
	}
}

// TestHotPathAllocatesNothing: a handler costs no allocation, whether or not its effects are recorded.
func TestHotPathAllocatesNothing(t *testing.T) {
	for _, listen := range []bool{false, true} {
		r := newCosts(t)
		r.ctx.Effects.Listen(listen)
		for name := range costs() {
			run := r.once(name)
			run()
			if reply := string(r.ctx.W.Buf); reply == "" || reply[0] == '-' {
				t.Fatalf("%s replied %q", name, reply)
			}
			if n := testing.AllocsPerRun(200, run); n != 0 {
				t.Errorf("%s, effects recorded: %v: %v allocations", name, listen, n)
			}
		}
	}
}

// BenchmarkHandlers measures a command with a handler of each shape, without sockets.
func BenchmarkHandlers(b *testing.B) {
	for name := range costs() {
		b.Run(name, func(b *testing.B) {
			run := newCosts(&testing.T{}).once(name)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

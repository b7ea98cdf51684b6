// Command aggregates is a module that writes every type of key through open keys.
package main

import (
	"errors"
	"fmt"

	"datastore/plugin"
)

// OnLoad registers the commands.
func OnLoad(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Init("aggregates", 1, plugin.APIVer2); err != nil {
		return err
	}
	if err := ctx.CreateCommand("aggregates.write", write, plugin.CommandSpec{Flags: "write deny-oom", Arity: 2}); err != nil {
		return err
	}
	reads := plugin.CommandSpec{Flags: "readonly", FirstKey: 1, LastKey: 1, KeyStep: 1, Arity: 2}
	if err := ctx.CreateCommand("aggregates.read", read, reads); err != nil {
		return err
	}
	return ctx.CreateCommand("aggregates.signal", signal, plugin.CommandSpec{Flags: "write", FirstKey: 1, LastKey: 1, KeyStep: 1, Arity: 2})
}

// write is AGGREGATES.WRITE n: n elements in a key of each type, and a third of them away again.
func write(ctx plugin.Ctx, args []plugin.String) error {
	n, err := args[1].Int64()
	if err != nil {
		return plugin.ReplyError("ERR invalid number")
	}
	keys := map[string]*plugin.Key{}
	for _, name := range []string{"list", "set", "hash", "zset"} {
		if keys[name], err = ctx.OpenKey(ctx.CreateStringf("%s", name), plugin.Read|plugin.Write); err != nil {
			return err
		}
	}
	for i := range n {
		e := fmt.Appendf(nil, "e%d", i)
		s := plugin.StringOf(e)
		_, a := keys["set"].SAdd(e)
		_, b := keys["hash"].HSet(0, plugin.Field{Name: s, Value: s})
		_, c := keys["zset"].ZAdd(0.1*float64(i), e, 0)
		if err := errors.Join(keys["list"].Push(plugin.Tail, s), a, b, c); err != nil {
			return err
		}
		if i%3 != 0 {
			continue
		}
		_, a = keys["set"].SPop()
		_, b = keys["hash"].HDel(e)
		_, c = keys["zset"].ZRem(e)
		_, d := keys["list"].Pop(plugin.Head)
		if err := errors.Join(a, b, c, d); err != nil {
			return err
		}
	}
	return ctx.ReplyInt(n)
}

// read is AGGREGATES.READ key: the number of elements that a loop over the key finds.
func read(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read)
	if err != nil {
		return err
	}
	n := int64(0)
	for range k.All() {
		n++
	}
	if err := k.IterErr(); err != nil {
		return err
	}
	return ctx.ReplyInt(n)
}

// signal is AGGREGATES.SIGNAL key: makes a key count as modified.
func signal(ctx plugin.Ctx, args []plugin.String) error {
	ctx.SignalModifiedKey(args[1])
	return ctx.ReplyStatus("OK")
}

func main() {}

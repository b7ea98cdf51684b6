// Command tested is a module with a go.mod of its own and a test that uses the harness.
package main

import "datastore/plugin"

// OnLoad registers TESTED.PUSH key element.
func OnLoad(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Init("tested", 1, plugin.APIVer2); err != nil {
		return err
	}
	return ctx.CreateCommand("tested.push", push, plugin.CommandSpec{
		Flags: "write", FirstKey: 1, LastKey: 1, KeyStep: 1, Arity: 3,
	})
}

func push(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Write)
	if err != nil {
		return err
	}
	if err := k.Push(plugin.Tail, args[2]); err != nil {
		return err
	}
	return ctx.ReplyInt(int64(k.Len()))
}

func main() {}

// Command faulty is a module that does what modules must not do, each of it when asked to.
package main

import (
	"errors"
	"runtime"
	"unsafe"

	"datastore/plugin"
)

// OnLoad fails in the way that the first argument names.
func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
	how := ""
	if len(args) > 0 {
		how = args[0].String()
	}
	if how == "no-init" {
		return nil
	}
	if how == "early" {
		return ctx.CreateCommand("faulty.early", goexit)
	}
	api := plugin.APIVer1
	if how == "api" {
		api = 99
	}
	if err := ctx.Init("faulty", 3, api); err != nil {
		return err
	}
	handlers := map[string]plugin.Handler{
		"faulty.goexit": goexit, "faulty.panic": panics, "faulty.wild": wild, "faulty.noreply": noReply, "faulty.call": call,
	}
	for name, h := range handlers {
		if err := ctx.CreateCommand(name, h, plugin.CommandSpec{Flags: "write"}); err != nil {
			return err
		}
	}
	switch how {
	case "error":
		return errors.New("told to fail")
	case "panic":
		panic("told to panic")
	case "goexit":
		runtime.Goexit()
	case "collide":
		return ctx.CreateCommand("get", goexit)
	case "twice":
		return ctx.CreateCommand("FAULTY.GOEXIT", goexit)
	case "call":
		r, err := ctx.Call("INCR", "!c", "loads")
		if err != nil {
			return err
		}
		return r.Err()
	}
	veto = how == "veto"
	return nil
}

// veto is set by OnLoad each time, because unloading does not reset package variables.
var veto bool

// OnUnload refuses once when told so.
func OnUnload(plugin.Ctx) error {
	if veto {
		veto = false
		return errors.New("not now")
	}
	return nil
}

// write leaves a change behind and half a reply.
func write(ctx plugin.Ctx) error {
	k, err := ctx.OpenKey(plugin.StringOf([]byte("left")), plugin.Write)
	if err != nil {
		return err
	}
	if err := k.Push(plugin.Tail, plugin.StringOf([]byte("x"))); err != nil {
		return err
	}
	return ctx.ReplyArray(7)
}

func goexit(ctx plugin.Ctx, _ []plugin.String) error {
	if err := write(ctx); err != nil {
		return err
	}
	runtime.Goexit()
	return nil
}

func panics(ctx plugin.Ctx, _ []plugin.String) error {
	if err := write(ctx); err != nil {
		return err
	}
	panic("told to panic")
}

func wild(ctx plugin.Ctx, _ []plugin.String) error {
	address := uintptr(0x123456789000)
	return ctx.ReplyInt(int64(**(**byte)(unsafe.Pointer(&address))))
}

func noReply(plugin.Ctx, []plugin.String) error { return nil }

// call runs a command of this module through Call.
func call(ctx plugin.Ctx, args []plugin.String) error {
	r, err := ctx.Cmd(args[1].String()).With(plugin.Repl).Strs(args[2:]...).Do()
	if err != nil {
		return err
	}
	return ctx.ReplyReply(r)
}

func main() {}

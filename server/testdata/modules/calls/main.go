// Command calls is a module for tests of replies, calls, replication, key positions, memory and registration.
package main

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"datastore/plugin"
)

// OnLoad takes an API version as its first argument; "late" as the second makes it fail when everything is registered.
func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
	api := plugin.APIVer2
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0].String())
		if err != nil {
			return err
		}
		api = n
	}
	ctx.Log(plugin.Notice, "no name yet")
	if err := ctx.Init("calls", 7, api); err != nil {
		return err
	}
	startup, nobody = ctx.Flags(), ctx.ClientID()
	kept = nil
	write := plugin.CommandSpec{Flags: "write"}
	for name, h := range map[string]plugin.Handler{
		"calls.reply": reply, "calls.run": run, "calls.mixed": mixed, "calls.several": several, "calls.one": one,
		"calls.verbatim": verbatim, "calls.alloc": alloc, "calls.free": free, "calls.flags": flags, "calls.log": log,
		"calls.leak": leak, "calls.nested": nested, "calls.user": user, "calls.latency": latency, "calls.quiet": quiet, "calls.id": id,
	} {
		if err := ctx.CreateCommand(name, h, write); err != nil {
			return err
		}
	}
	if err := register(ctx); err != nil {
		return err
	}
	if len(args) > 1 && args[1].String() == "late" {
		return errors.New("told to fail")
	}
	return nil
}

// register adds the commands whose description is the point.
func register(ctx plugin.Ctx) error {
	return errors.Join(
		ctx.CreateCommand("calls.keys", keys, plugin.CommandSpec{Flags: "readonly getkeys-api", Arity: -3}),
		ctx.CreateCommand("calls.fast", func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }, plugin.CommandSpec{
			Flags: "readonly fast no-auth allow-loading allow-stale", Arity: 1,
		}),
		ctx.CreateCommand("calls.read", run, plugin.CommandSpec{Flags: "readonly"}),
		ctx.CreateCommand("calls.memory", func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }, plugin.CommandSpec{
			Flags: "write deny-oom",
		}),
		ctx.CreateCommand("calls.sum", func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }, plugin.CommandSpec{
			Flags: "write", Arity: -5, ACL: "sortedset", Summary: "Sums.", Complexity: "O(N)", Since: "1.2.0",
			Tips: "nondeterministic_output", History: []plugin.HistoryEntry{{Since: "1.3.0", Changes: "More."}},
			Keys: []plugin.KeySpec{
				{Flags: plugin.KeyOW | plugin.KeyUpdate, Index: 1},
				{Flags: plugin.KeyRO | plugin.KeyAccess, Index: 2, KeyNum: true, FirstKey: 1, Notes: "read"},
				{Flags: plugin.KeyRW | plugin.KeyInsert, Keyword: "STORE", StartFrom: 4},
			},
			Args: []plugin.ArgSpec{
				{Name: "destination", Type: "key"}, {Name: "numkeys", Type: "integer"},
				{Name: "key", Type: "key", KeySpecIndex: 1, Multiple: true, Summary: "What to sum."},
				{Name: "store", Type: "key", KeySpecIndex: 2, Token: "STORE", Optional: true, Since: "1.3.0"},
			},
		}),
		ctx.CreateCommand("calls.box", nil, plugin.CommandSpec{Container: true, Summary: "A container."}),
		ctx.CreateCommand("name", func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyText(ctx.Command()) }, plugin.CommandSpec{
			Parent: "calls.box", Flags: "readonly", Arity: 2, Summary: "Its name.",
		}),
		ctx.CreateCommand("arity", func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.WrongArity() }, plugin.CommandSpec{
			Parent: "calls.box", FirstKey: 2, LastKey: 2, KeyStep: 1,
		}),
	)
}

var (
	startup plugin.CtxFlags // in OnLoad
	nobody  uint64          // the client in OnLoad
	kept    []byte
)

// OnUnload lets everything go but memory, which the test wants to see reported.
func OnUnload(plugin.Ctx) error { return nil }

// reply writes a reply of the kind named: those of DEBUG PROTOCOL, with its values.
func reply(ctx plugin.Ctx, args []plugin.String) error {
	if len(args) != 2 {
		return ctx.WrongArity()
	}
	switch args[1].String() {
	case "string":
		return ctx.ReplyText("Hello World")
	case "integer":
		return ctx.ReplyInt(12345)
	case "double":
		return ctx.ReplyFloat(3.141)
	case "null":
		return ctx.ReplyNull()
	case "array":
		return errors.Join(ctx.ReplyArray(3), ctx.ReplyInt(0), ctx.ReplyInt(1), ctx.ReplyInt(2))
	case "set":
		return errors.Join(ctx.ReplySet(plugin.Postponed), ctx.ReplyInt(0), ctx.ReplyInt(1), ctx.ReplyInt(2), ctx.SetSetLen(3))
	case "map":
		err := ctx.ReplyMap(plugin.Postponed)
		for i := range int64(3) {
			err = errors.Join(err, ctx.ReplyInt(i), ctx.ReplyBool(i == 1))
		}
		return errors.Join(err, ctx.SetMapLen(3))
	case "attrib":
		return errors.Join(ctx.ReplyAttribute(1), ctx.ReplyText("key-popularity"), ctx.ReplyArray(2), ctx.ReplyText("key:123"),
			ctx.ReplyInt(90), ctx.ReplyText("Some real reply following the attribute"))
	case "verbatim":
		return ctx.ReplyVerbatim([]byte("This is a verbatim\nstring"), "txt")
	case "true":
		return ctx.ReplyBool(true)
	case "false":
		return ctx.ReplyBool(false)
	case "bignum":
		return ctx.ReplyBigNumber("1234567999999999999999999999999999999")
	case "error":
		return ctx.ReplyError("ODDCODE told to fail")
	}
	return plugin.ReplyError("ERR unknown kind")
}

// run FORMAT COMMAND [ARG…] calls a command with modifiers and passes its reply on; "none" stands for no reply.
func run(ctx plugin.Ctx, args []plugin.String) error {
	format := strings.TrimPrefix(args[1].String(), "-")
	r, err := ctx.Call(args[2].String(), format+"v", args[3:])
	switch {
	case err != nil:
		return err
	case r == nil:
		return ctx.ReplyStatus("none")
	}
	err = ctx.ReplyReply(r)
	if errors.Is(err, plugin.ErrRESP2) {
		return ctx.ReplyError("ERR " + err.Error())
	}
	return err
}

// mixed calls and replicates in turn.
func mixed(ctx plugin.Ctx, _ []plugin.String) error {
	call := func(key string) error {
		_, err := ctx.Call("INCR", "c!", key)
		return err
	}
	return errors.Join(call("using-call"), ctx.Replicate("INCR", "c", "counter-1"), ctx.Replicate("INCR", "c", "counter-2"),
		call("after-call"), ctx.ReplyStatus("OK"))
}

// several replicates three commands in the selected database and one in another.
func several(ctx plugin.Ctx, _ []plugin.String) error {
	err := errors.Join(ctx.Replicate("SET", "cl", "a", 1), ctx.Cmd("SET").Str(plugin.StringOf([]byte("b"))).Int(2).Replicate(),
		ctx.ReplicateArgs("SADD", 0, plugin.B([]byte("c")), plugin.I(3), plugin.I(4)))
	db := ctx.SelectedDB()
	return errors.Join(err, ctx.SelectDB(9), ctx.Replicate("SET", "cc", "d", "5"), ctx.SelectDB(db), ctx.ReplyStatus("OK"))
}

// one replicates a single command.
func one(ctx plugin.Ctx, _ []plugin.String) error {
	return errors.Join(ctx.Replicate("INCR", "c", "one"), ctx.ReplyStatus("OK"))
}

// verbatim changes a key quietly and replicates itself.
func verbatim(ctx plugin.Ctx, args []plugin.String) error {
	_, err := ctx.Call("APPEND", "ss", args[1], args[2])
	return errors.Join(err, ctx.ReplicateVerbatim(), ctx.ReplyStatus("OK"))
}

// nested calls what replicates, with and without "!".
func nested(ctx plugin.Ctx, _ []plugin.String) error {
	_, quiet := ctx.Call("calls.one", "")
	_, loud := ctx.Call("calls.mixed", "!")
	return errors.Join(quiet, loud, ctx.ReplyStatus("OK"))
}

// user replies the client's number, its database, and the client's number in OnLoad.
func user(ctx plugin.Ctx, _ []plugin.String) error {
	return errors.Join(ctx.ReplyArray(3), ctx.ReplyString(ctx.CreateStringFromUint(ctx.ClientID())), ctx.ReplyInt(int64(ctx.SelectedDB())),
		ctx.ReplyString(ctx.CreateStringFromUint(nobody)))
}

// id KEY stores who calls it and the flags of the call, also where it is replicated to.
func id(ctx plugin.Ctx, args []plugin.String) error {
	_, err := ctx.CallArgs("HSET", 0, plugin.S(args[1]), plugin.B([]byte("id")), plugin.S(ctx.CreateStringFromUint(ctx.ClientID())),
		plugin.B([]byte("flags")), plugin.I(int64(ctx.Flags())))
	return errors.Join(err, ctx.ReplicateVerbatim(), ctx.ReplyStatus("OK"))
}

// alloc N keeps N bytes and replies by how much used_memory has grown, as INFO tells in the same command.
func alloc(ctx plugin.Ctx, args []plugin.String) error {
	n, err := args[1].Int64()
	if err != nil {
		return err
	}
	before, err := used(ctx)
	if err != nil {
		return err
	}
	kept = ctx.Realloc(kept, int(n))
	ctx.AccountMemory(n)
	after, err := used(ctx)
	if err != nil {
		return err
	}
	return ctx.ReplyInt(after - before)
}

// used reads the bytes of modules from INFO.
func used(ctx plugin.Ctx) (n int64, err error) {
	r, err := ctx.Call("INFO", "c", "memory")
	if err != nil {
		return 0, err
	}
	_, line, _ := strings.Cut(string(r.Bytes()), "used_memory_modules:")
	_, err = fmt.Sscan(line, &n)
	return n, err
}

func free(ctx plugin.Ctx, _ []plugin.String) error {
	ctx.Free(kept)
	kept = nil
	return ctx.ReplyStatus("OK")
}

// flags replies the flags of this call, and those in OnLoad.
func flags(ctx plugin.Ctx, _ []plugin.String) error {
	return errors.Join(ctx.ReplyArray(2), ctx.ReplyInt(int64(ctx.Flags())), ctx.ReplyInt(int64(startup)))
}

func log(ctx plugin.Ctx, args []plugin.String) error {
	ctx.Log(plugin.LogLevel(args[1].String()), "said %s", args[2])
	return ctx.ReplyStatus("OK")
}

// latency EVENT MS notes an event.
func latency(ctx plugin.Ctx, args []plugin.String) error {
	ms, err := args[2].Int64()
	ctx.Latency(args[1].String(), time.Duration(ms)*time.Millisecond)
	return errors.Join(err, ctx.ReplyStatus("OK"))
}

// quiet COMMAND [ARG…] calls a command and tells nobody what it replied.
func quiet(ctx plugin.Ctx, args []plugin.String) error {
	_, err := ctx.CallArgs(args[1].String(), 0, plugin.V(args[2:]))
	return errors.Join(err, ctx.ReplyStatus("OK"))
}

// leak leaves a key and a reply open.
func leak(ctx plugin.Ctx, args []plugin.String) error {
	if len(args) > 1 {
		ctx.AutoMemory()
	}
	_, err := ctx.OpenKey(plugin.StringOf([]byte("leak")), plugin.Write)
	if err != nil {
		return err
	}
	if _, err := ctx.Call("PING", ""); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

// keys tells its keys: each is preceded by "r", "w" or "k" for a key that is read, written, or anything; they are told in the
// reverse order.
func keys(ctx plugin.Ctx, args []plugin.String) error {
	if !ctx.IsKeysPositionRequest() {
		return ctx.ReplyInt(int64(len(args)))
	}
	if args[1].String() == "exit" {
		runtime.Goexit()
	}
	for i := len(args) - 1; i > 1; i -= 2 {
		switch args[i-1].String() {
		case "r":
			ctx.KeyAtPosFlags(i, plugin.KeyRO|plugin.KeyAccess)
		case "w":
			ctx.KeyAtPosFlags(i, plugin.KeyOW|plugin.KeyInsert|plugin.KeyDelete)
		case "k":
			ctx.KeyAtPos(i)
		}
	}
	return ctx.ReplyText("nobody gets this")
}

func main() {}

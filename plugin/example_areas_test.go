package plugin_test

import (
	"fmt"

	"datastore/plugin"
	"datastore/plugin/plugintest"
)

// Subcommands, the help that COMMAND DOCS gives, and keys that are counted by an argument.
func ExampleCommandSpec() {
	count := func(ctx plugin.Ctx, args []plugin.String) error { return ctx.ReplyInt(int64(len(args) - 3)) }
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("example", 1, plugin.APIVer2); err != nil {
			return err
		}
		if err := ctx.CreateCommand("union", nil, plugin.CommandSpec{Container: true, Summary: "Commands on unions."}); err != nil {
			return err
		}
		return ctx.CreateCommand("count", count, plugin.CommandSpec{
			Parent: "union", Flags: "readonly", Arity: -4, Summary: "Counts the members of a union.",
			Keys: []plugin.KeySpec{{Flags: plugin.KeyRO | plugin.KeyAccess, Index: 2, KeyNum: true, FirstKey: 1}},
		})
	}
	serve(onLoad, "UNION COUNT 2 a b", "COMMAND GETKEYS UNION COUNT 2 a b", "UNION COUNT", "UNION NOPE")
	// Output:
	// UNION COUNT 2 a b: 2
	// COMMAND GETKEYS UNION COUNT 2 a b: ["a" "b"]
	// UNION COUNT: error "ERR wrong number of arguments for 'union|count' command"
	// UNION NOPE: error "ERR unknown subcommand 'NOPE'. Try UNION HELP."
}

// A command whose keys no rule describes reports them itself: here, each word that begins with "@".
func ExamplePositions() {
	mail := func(ctx plugin.Ctx, args []plugin.String) error {
		if ctx.IsKeysPositionRequest() {
			for i, arg := range args {
				if arg.Len() > 0 && arg.Bytes()[0] == '@' {
					ctx.KeyAtPosFlags(i, plugin.KeyRO|plugin.KeyAccess)
				}
			}
			return nil
		}
		return ctx.ReplyInt(int64(len(args) - 1))
	}
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("example", 1, plugin.APIVer2); err != nil {
			return err
		}
		return ctx.CreateCommand("mail", mail, plugin.CommandSpec{Flags: "readonly getkeys-api", Arity: -2})
	}
	serve(onLoad, "MAIL hello @ann and @bob", "COMMAND GETKEYS MAIL hello @ann and @bob", "COMMAND GETKEYS MAIL hello")
	// Output:
	// MAIL hello @ann and @bob: 4
	// COMMAND GETKEYS MAIL hello @ann and @bob: ["@ann" "@bob"]
	// COMMAND GETKEYS MAIL hello: error "ERR Invalid arguments specified for command"
}

// The reply of a command that is called is read by its type. With "3" a map is a map.
func ExampleReply() {
	fields := func(ctx plugin.Ctx, args []plugin.String) error {
		r, err := ctx.Call("HGETALL", "3s", args[1])
		if err != nil {
			return err
		}
		if r.Type() == plugin.ErrorReply {
			return r.Err()
		}
		text := fmt.Sprintf("%d fields:", r.Len())
		for name, value := range r.Pairs() {
			text += fmt.Sprintf(" %s is %s,", name.Bytes(), value.Bytes())
		}
		return ctx.ReplyText(text)
	}
	serve(command("fields", fields), "HSET h name ann", "FIELDS h", "SET text x", "FIELDS text")
	// Output:
	// HSET h name ann: 1
	// FIELDS h: "1 fields: name is ann,"
	// SET text x: "OK"
	// FIELDS text: error "WRONGTYPE Operation against a key holding the wrong kind of value"
	// propagated: HSET h name ann
	// propagated: SET text x
}

// Modifiers decide how a call is made. Without one of them a mistake is an error of Go; with ErrorsAsReply it is a reply.
func ExampleCallOpt() {
	try := func(ctx plugin.Ctx, args []plugin.String) error {
		opt := plugin.NoWrites
		if args[1].String() == "reply" {
			opt |= plugin.ErrorsAsReply
		}
		r, err := ctx.Cmd(args[2].String()).With(opt).Strs(args[3:]...).Do()
		if err != nil {
			return ctx.ReplyText("Go: " + err.Error())
		}
		return ctx.ReplyReply(r)
	}
	serve(command("try", try), "TRY go GET k", "TRY go SET k v", "TRY reply SET k v", "TRY go NOPE", "TRY reply GET")
	// Output:
	// TRY go GET k: nil
	// TRY go SET k v: "Go: command is not allowed by a modifier of the call"
	// TRY reply SET k v: error "ERR Write command 'set' was called while write is not allowed."
	// TRY go NOPE: "Go: unknown command"
	// TRY reply GET: error "ERR wrong number of arguments for 'get' command"
}

// ReplicateVerbatim sends the command as it came. It is for commands that do the same wherever they run; replicas and the
// append-only file need the module then; the replica of this example has it.
func ExampleReplication_replicateVerbatim() {
	extend := func(ctx plugin.Ctx, args []plugin.String) error {
		r, err := ctx.Call("APPEND", "ss", args[1], args[2])
		if err != nil {
			return err
		}
		if r.Type() != plugin.IntegerReply {
			return r.Err()
		}
		if err := ctx.ReplicateVerbatim(); err != nil {
			return err
		}
		return ctx.ReplyReply(r)
	}
	module := command("extend", extend)
	run(module, plugintest.Options{Replica: true, ReplicaModule: module}, "EXTEND k abc", "GET k")
	// Output:
	// EXTEND k abc: 3
	// GET k: "abc"
	// propagated: EXTEND k abc
}

// Memory outside of Go's heap counts in used_memory, and stays until it is freed. PoolAlloc is for the rest of the command.
func ExampleMemory() {
	var table []byte // a handler's state; OnLoad resets it, because it outlives an unload
	grow := func(ctx plugin.Ctx, args []plugin.String) error {
		n, err := args[1].Int64()
		if err != nil {
			return err
		}
		if n == 0 {
			ctx.Free(table)
			table = nil
			return ctx.ReplyStatus("freed")
		}
		p, err := ctx.TryRealloc(table, int(n))
		if err != nil {
			return err
		}
		table = p
		scratch := ctx.PoolAlloc(8)
		copy(table, append(scratch[:0], "used"...))
		return ctx.ReplyBulk(table[:4])
	}
	onLoad := func(ctx plugin.Ctx, args []plugin.String) error {
		table = nil
		return command("grow", grow)(ctx, args)
	}
	serve(onLoad, "GROW 100000", "GROW 200000", "GROW 0")
	// Output:
	// GROW 100000: "used"
	// GROW 200000: "used"
	// GROW 0: "freed"
}

// A native type: a counter that knows its greatest value. Without more methods it is saved, loaded, replicated by its effects,
// and kept where the module is missing.
func ExampleCreateTypeOf() {
	type gauge struct{ now, most int64 }
	var gauges plugin.TypeOf[gauge]
	add := func(ctx plugin.Ctx, args []plugin.String) error {
		n, err := args[2].Int64()
		if err != nil {
			return err
		}
		k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
		if err != nil {
			return err
		}
		g, err := gauges.GetOrCreate(k, func() *gauge { return &gauge{} })
		if err != nil {
			return err // WRONGTYPE
		}
		g.now += n
		g.most = max(g.most, g.now)
		if err := k.Changed(); err != nil {
			return err
		}
		return ctx.ReplyText(fmt.Sprintf("%d, at most %d", g.now, g.most))
	}
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) (err error) {
		if err := ctx.Init("example", 1, plugin.APIVer2); err != nil {
			return err
		}
		gauges, err = plugin.CreateTypeOf(ctx, "ex-gauge1", 0, plugin.MethodsOf[gauge]{
			Save: func(io *plugin.IO, g *gauge) {
				io.SaveInt(g.now)
				io.SaveInt(g.most)
			},
			Load: func(io *plugin.IO, encver int) (*gauge, error) {
				return &gauge{now: io.LoadInt(), most: io.LoadInt()}, io.Err()
			},
			Copy: func(_ plugin.OptCtx, g *gauge) (*gauge, error) { c := *g; return &c, nil },
		})
		if err != nil {
			return err
		}
		return ctx.CreateCommand("gauge", add, plugin.CommandSpec{
			Flags: "write deny-oom", Arity: 3, FirstKey: 1, LastKey: 1, KeyStep: 1,
		})
	}
	serveAlone(onLoad, "GAUGE g 5", "GAUGE g -3", "TYPE g", "COPY g other", "GAUGE other 10", "SET text x", "GAUGE text 1")
	// Output:
	// GAUGE g 5: "5, at most 5"
	// GAUGE g -3: "2, at most 5"
	// TYPE g: "ex-gauge1"
	// COPY g other: 1
	// GAUGE other 10: "12, at most 12"
	// SET text x: "OK"
	// GAUGE text 1: error "WRONGTYPE Operation against a key holding the wrong kind of value"
}

// A command that waits for a goroutine. What the goroutine has found reaches the client as private data of Unblock.
func ExampleBlocking() {
	slow := func(ctx plugin.Ctx, args []plugin.String) error {
		text := args[1].String() // args are gone when the handler has returned
		bc, err := ctx.Block(plugin.BlockOptions{
			Reply: func(ctx plugin.Ctx, args []plugin.String) error {
				return ctx.ReplyText(ctx.BlockedPriv().(string))
			},
		})
		if err != nil {
			return err // in a transaction, for example: the client has got an error already
		}
		return ctx.Go(func(*plugin.Background) {
			_ = bc.Unblock("computed from " + text)
		})
	}
	serve(command("slow", slow), "SLOW x", "MULTI", "SLOW y", "EXEC")
	// Output:
	// SLOW x: "computed from x"
	// MULTI: "OK"
	// SLOW y: "QUEUED"
	// EXEC: [error "ERR Blocking module command called from transaction"]
}

// A command that waits for a key. The same function serves the command and the key that became ready.
func ExampleBlocking_blockOnKeys() {
	var take plugin.Handler
	take = func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
		if err != nil {
			return err
		}
		if member, err := k.SPop(); err == nil {
			return ctx.ReplyString(member)
		}
		if ctx.IsBlockedReply() {
			return plugin.ErrNotServed // still no set, or one that others have emptied
		}
		_, err = ctx.BlockOnKeys(plugin.BlockOptions{Reply: take}, 0, args[1])
		return err
	}
	serve(command("take", take), "> TAKE s", "RPUSH s x", "DEL s", "SADD s member", "<")
	// Output:
	// TAKE s: waits: true
	// RPUSH s x: 1
	// DEL s: 1
	// SADD s member: 1
	// it gets "member"
	// propagated: RPUSH s x
	// propagated: DEL s
	// propagated: SADD s member
	// propagated: SREM s member
}

// A goroutine that works beside the commands, and takes the execution lock for what it does to keys.
func ExampleGoroutines() {
	length := func(ctx plugin.Ctx, args []plugin.String) error {
		text := args[1].String()
		err := ctx.Go(func(bg *plugin.Background) {
			n := int64(len(text)) // the long part, without the lock
			err := bg.Do(func(ctx plugin.Ctx) error {
				_, err := ctx.Call("RPUSH", "!cl", "lengths", n)
				return err
			})
			if err != nil {
				bg.Log(plugin.Warning, "lost: %v", err) // the server ends
			}
		})
		if err != nil {
			return err
		}
		return ctx.ReplyStatus("started")
	}
	serve(command("length", length), "LENGTH hello", "wait for LINDEX lengths 0")
	// Output:
	// LENGTH hello: "started"
	// LINDEX lengths 0: "5"
	// propagated: RPUSH lengths 5
}

package plugin_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"datastore/plugin"
)

// A whole module: what package main exports, and one command.
func Example() {
	push := func(ctx plugin.Ctx, args []plugin.String) error {
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
	}
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("hello", 1, plugin.APIVer2); err != nil {
			return err
		}
		return ctx.CreateCommand("hello.push", push, plugin.CommandSpec{
			Flags: "write deny-oom", FirstKey: 1, LastKey: 1, KeyStep: 1, Arity: 3,
		})
	}
	serve(onLoad, "HELLO.PUSH letters a", "HELLO.PUSH letters b", "SET text x", "HELLO.PUSH text a", "HELLO.PUSH")
	// Output:
	// HELLO.PUSH letters a: 1
	// HELLO.PUSH letters b: 2
	// SET text x: "OK"
	// HELLO.PUSH text a: error "WRONGTYPE Operation against a key holding the wrong kind of value"
	// HELLO.PUSH: error "ERR wrong number of arguments for 'hello.push' command"
	// propagated: RPUSH letters a
	// propagated: RPUSH letters b
	// propagated: SET text x
}

// A handler returns an error; its text is the reply. Check and the errors of replies are ready to be returned.
func ExampleReplyError() {
	const errNegative = plugin.ReplyError("ERR the number must not be negative")
	root := func(ctx plugin.Ctx, args []plugin.String) error {
		n, err := args[1].Int64()
		if err != nil {
			return err // plugin.ErrNotNumber
		}
		if n < 0 {
			return errNegative
		}
		r := int64(0)
		for (r+1)*(r+1) <= n {
			r++
		}
		return ctx.ReplyInt(r)
	}
	serve(command("root", root), "ROOT 17", "ROOT -1", "ROOT x")
	// Output:
	// ROOT 17: 4
	// ROOT -1: error "ERR the number must not be negative"
	// ROOT x: error "ERR value is not a number"
}

// Call takes a format; the command's error is a reply. With "!" it is propagated.
func ExampleCalls() {
	transfer := func(ctx plugin.Ctx, args []plugin.String) error {
		r, err := ctx.Call("LPOP", "!s", args[1])
		if err != nil {
			return err
		}
		if r.Type() != plugin.StringReply {
			return ctx.ReplyReply(r) // null, or WRONGTYPE
		}
		if r, err = ctx.Call("SADD", "!sb", args[2], r.Bytes()); err != nil {
			return err
		}
		return ctx.ReplyReply(r)
	}
	serve(command("transfer", transfer), "RPUSH l a", "TRANSFER l s", "TRANSFER l s", "TRANSFER s l")
	// Output:
	// RPUSH l a: 1
	// TRANSFER l s: 1
	// TRANSFER l s: nil
	// TRANSFER s l: error "WRONGTYPE Operation against a key holding the wrong kind of value"
	// propagated: RPUSH l a
	// propagated: MULTI
	// propagated: LPOP l
	// propagated: SADD s a
	// propagated: EXEC
}

// Cmd is Call without a format and without allocations.
func ExampleCmd() {
	visit := func(ctx plugin.Ctx, args []plugin.String) error {
		r, err := ctx.Cmd("INCRBY").With(plugin.Repl).Str(args[1]).Int(10).Do()
		if err != nil {
			return err
		}
		n, err := r.Int64()
		if err != nil {
			return r.Err()
		}
		return ctx.ReplyFloat(float64(n) / 4)
	}
	serve(command("visit", visit), "VISIT n", "SET text x", "VISIT text")
	// Output:
	// VISIT n: "2.5"
	// SET text x: "OK"
	// VISIT text: error "ERR value is not an integer or out of range"
	// propagated: INCRBY n 10
	// propagated: SET text x
}

// Format takes what Call takes, and allocates nothing.
func ExampleCmd_format() {
	lend := func(ctx plugin.Ctx, args []plugin.String) error {
		set := ctx.Cmd("SET").Format("!sscl", args[1], args[2], "EX", 60)
		for _, option := range args[3:] {
			set.Str(option)
		}
		r, err := set.Do()
		if err != nil {
			return err
		}
		return ctx.ReplyReply(r)
	}
	serve(command("lend", lend), "LEND book ann NX", "LEND book bob NX", "LEND book bob maybe", "TTL book")
	// Output:
	// LEND book ann NX: "OK"
	// LEND book bob NX: nil
	// LEND book bob maybe: error "ERR syntax error"
	// TTL book: 60
	// propagated: SET book ann PXAT 1767225660000
}

// An array whose length is known at its end only, with another array in it.
func ExampleReplies() {
	words := func(ctx plugin.Ctx, args []plugin.String) error {
		if err := ctx.ReplyArray(plugin.Postponed); err != nil {
			return err
		}
		n := 0
		for _, arg := range args[1:] {
			if arg.Len() < 3 {
				continue
			}
			n++
			if err := ctx.ReplyArray(2); err != nil {
				return err
			}
			if err := ctx.ReplyString(arg); err != nil {
				return err
			}
			if err := ctx.ReplyInt(int64(arg.Len())); err != nil {
				return err
			}
		}
		return ctx.SetArrayLen(n)
	}
	serve(command("words", words), "WORDS to be or not to be", "WORDS a")
	// Output:
	// WORDS to be or not to be: [["not" 3]]
	// WORDS a: []
}

// Replicate sends something else than what was done: here the result, because replicas must not draw lots of their own.
func ExampleReplication() {
	draw := func(ctx plugin.Ctx, args []plugin.String) error {
		candidates := args[2:]
		winner := candidates[rand.IntN(len(candidates))]
		if _, err := ctx.Call("SET", "ss", args[1], winner); err != nil {
			return err
		}
		if err := ctx.Replicate("SET", "ss", args[1], winner); err != nil {
			return err
		}
		return ctx.ReplyString(winner)
	}
	serve(command("draw", draw), "DRAW winner ann")
	// Output:
	// DRAW winner ann: "ann"
	// propagated: SET winner ann
}

// The elements of an iteration are valid until its next step.
func ExampleKey_LAll() {
	longest := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		best := plugin.String{}
		for _, element := range k.LAll() {
			if element.Len() > best.Len() {
				best = ctx.RetainString(element)
			}
		}
		if best.IsZero() {
			return ctx.ReplyNull()
		}
		return ctx.ReplyString(best)
	}
	serve(command("longest", longest), "RPUSH l a bbb cc", "LONGEST l", "LONGEST missing")
	// Output:
	// RPUSH l a bbb cc: 3
	// LONGEST l: "bbb"
	// LONGEST missing: nil
	// propagated: RPUSH l a bbb cc
}

// DMA gives access to the bytes of a string value; Truncate changes their number.
func ExampleKey_DMA() {
	stamp := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Write)
		if err != nil {
			return err
		}
		if err := k.Truncate(4); err != nil {
			return err
		}
		b, err := k.DMA(plugin.Write)
		if err != nil {
			return err
		}
		copy(b, "<>")
		return ctx.ReplyBulk(b)
	}
	serve(command("stamp", stamp), "SET text abcdefg", "STAMP text", "STAMP new")
	// Output:
	// SET text abcdefg: "OK"
	// STAMP text: "<>cd"
	// STAMP new: "<>\x00\x00"
	// propagated: SET text abcdefg
	// propagated: SET text <>cd KEEPTTL
	// propagated: SET new "<>\x00\x00" KEEPTTL
}

// A key with a time to live; the harness's clock stands still, so it is the whole of it.
func ExampleKey_SetTTL() {
	session := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Write)
		if err != nil {
			return err
		}
		if err := k.SetString(ctx.CreateStringf("session of %s", args[1])); err != nil {
			return err
		}
		if err := k.SetTTL(30 * time.Minute); err != nil {
			return err
		}
		return ctx.ReplyText(k.TTL().String())
	}
	serve(command("session", session), "SESSION ann", "PTTL ann")
	// Output:
	// SESSION ann: "30m0s"
	// PTTL ann: 1800000
	// propagated: MULTI
	// propagated: SET ann "session of ann"
	// propagated: PEXPIREAT ann 1767227400000
	// propagated: EXEC
}

// Numbers are read strictly.
func ExampleString_Int64() {
	for _, s := range []string{"42", "-9223372036854775808", "+1", "007", " 1", "9223372036854775808"} {
		n, err := plugin.StringOf([]byte(s)).Int64()
		fmt.Printf("%q: %d, %v\n", s, n, err)
	}
	// Output:
	// "42": 42, <nil>
	// "-9223372036854775808": -9223372036854775808, <nil>
	// "+1": 0, value is not a number
	// "007": 0, value is not a number
	// " 1": 0, value is not a number
	// "9223372036854775808": 0, value is not a number
}

// What a callback can ask about its circumstances.
func ExampleInvocation() {
	who := func(ctx plugin.Ctx, args []plugin.String) error {
		ctx.Log(plugin.Notice, "asked for %d times", len(args))
		return ctx.ReplyText(strings.Join([]string{
			ctx.Module(), ctx.Command(), ctx.Now().UTC().Format(time.DateOnly),
		}, " "))
	}
	serve(command("who", who), "WHO")
	// Output:
	// WHO: "example who 2026-01-01"
}

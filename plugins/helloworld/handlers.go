package main

import (
	"bytes"
	"math/rand/v2"
	"time"

	"datastore/plugin"
)

const (
	maxCount   = 1 << 20 // elements that one command moves or returns
	maxPadding = 1 << 20 // bytes of a padded string
)

// errCount is the reply to a count that is no number or out of range.
const errCount = plugin.ReplyError("ERR invalid count")

// count reads an argument between 0 and limit.
func count(s plugin.String, limit int64) (int, error) {
	n, err := s.Int64()
	if err != nil || n < 0 || n > limit {
		return 0, errCount
	}
	return int(n), nil
}

// openAs opens a key for writing that is empty or of type t.
func openAs(ctx plugin.Ctx, name plugin.String, t plugin.KeyType) (*plugin.Key, error) {
	k, err := ctx.OpenKey(name, plugin.Read|plugin.Write)
	if err != nil {
		return nil, err
	}
	return k, k.Check(t)
}

// simple is HELLO.SIMPLE: the database number, the shortest handler there is.
func simple(ctx plugin.Ctx, _ []plugin.String) error {
	return ctx.ReplyInt(int64(ctx.SelectedDB()))
}

// pushNative is HELLO.PUSH.NATIVE key value: RPUSH through an open key. What it writes is replicated as an RPUSH,
// because it says nothing about replication.
func pushNative(ctx plugin.Ctx, args []plugin.String) error {
	k, err := openAs(ctx, args[1], plugin.KeyList)
	if err != nil {
		return err
	}
	if err := k.Push(plugin.Tail, args[2]); err != nil {
		return err
	}
	return ctx.ReplyInt(int64(k.Len()))
}

// pushCall is HELLO.PUSH.CALL key value: RPUSH by calling it. "!" replicates the call, "s" takes a String.
func pushCall(ctx plugin.Ctx, args []plugin.String) error {
	r, err := ctx.Call("RPUSH", "!ss", args[1], args[2])
	if err != nil {
		return err
	}
	length, err := r.Int64()
	if err != nil {
		return r.Err()
	}
	return ctx.ReplyInt(length)
}

// pushCall2 is HELLO.PUSH.CALL2 key value: the same with Cmd, which allocates nothing, and with the reply passed on as it is,
// whether it is an integer or an error.
func pushCall2(ctx plugin.Ctx, args []plugin.String) error {
	r, err := ctx.Cmd("RPUSH").Format("!ss", args[1], args[2]).Do()
	if err != nil {
		return err
	}
	return ctx.ReplyReply(r)
}

// listSumLen is HELLO.LIST.SUM.LEN key: the sum of the lengths of all elements. A missing key is a nil Key, over which
// the loop does nothing.
func listSumLen(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read)
	if err != nil {
		return err
	}
	if err := k.Check(plugin.KeyList); err != nil {
		return err
	}
	sumBytes := 0
	for _, element := range k.LAll() {
		sumBytes += element.Len()
	}
	return ctx.ReplyInt(int64(sumBytes))
}

// listSplice is HELLO.LIST.SPLICE source destination count, and HELLO.LIST.SPLICE.AUTO, which differs in C only: moves up
// to count elements from the tail of one list to the head of another, and replies the length of the source.
func listSplice(ctx plugin.Ctx, args []plugin.String) error {
	n, err := count(args[3], maxCount)
	if err != nil {
		return err
	}
	from, err := openAs(ctx, args[1], plugin.KeyList)
	if err != nil {
		return err
	}
	to := from
	if args[1].Compare(args[2]) != 0 { // one key cannot be open for writing twice
		if to, err = openAs(ctx, args[2], plugin.KeyList); err != nil {
			return err
		}
	}
	for range min(n, from.Len()) {
		element, err := from.Pop(plugin.Tail)
		if err != nil {
			return err
		}
		if err := to.Push(plugin.Head, element); err != nil {
			return err
		}
	}
	return ctx.ReplyInt(int64(from.Len()))
}

// randomInt is HELLOWORLD.RAND: a random number.
func randomInt(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(rand.Int64()) }

// counter is HELLO.COUNTER key [step]: adds step, 1 if it is left out, to a number and replies the sum and its double. A
// command that fails is an error reply; Err turns it into an error of this handler.
func counter(ctx plugin.Ctx, args []plugin.String) error {
	if len(args) > 3 {
		return ctx.WrongArity()
	}
	incr := ctx.Cmd("INCRBY").With(plugin.Repl).Str(args[1])
	if len(args) == 3 {
		incr.Str(args[2])
	} else {
		incr.Int(1)
	}
	r, err := incr.Do()
	if err != nil {
		return err
	}
	sum, err := r.Int64()
	if err != nil {
		return r.Err()
	}
	if err := ctx.ReplyArray(2); err != nil {
		return err
	}
	if err := ctx.ReplyInt(sum); err != nil {
		return err
	}
	return ctx.ReplyFloat(2 * float64(sum))
}

// randArray is HELLO.RAND.ARRAY count: an array of random numbers.
func randArray(ctx plugin.Ctx, args []plugin.String) error {
	n, err := count(args[1], maxCount)
	if err != nil {
		return err
	}
	if err := ctx.ReplyArray(n); err != nil {
		return err
	}
	for range n {
		if err := ctx.ReplyInt(rand.Int64()); err != nil {
			return err
		}
	}
	return nil
}

// repl1 is HELLO.REPL1: sends commands to the append-only file and to replicas, and does nothing here. A real command
// would make the same changes to its own keyspace.
func repl1(ctx plugin.Ctx, _ []plugin.String) error {
	for _, name := range []string{"foo", "bar"} {
		if err := ctx.Replicate("ECHO", "c", name); err != nil {
			return err
		}
	}
	if err := ctx.Cmd("ECHO").Int(1234).Replicate(); err != nil {
		return err
	}
	return ctx.ReplyInt(0)
}

// repl2 is HELLO.REPL2 key: turns every element of a list into its number plus one, elements that are no numbers into 1,
// and replies the sum. Replicas get the command as it was sent, and so need the module.
func repl2(ctx plugin.Ctx, args []plugin.String) error {
	k, err := openAs(ctx, args[1], plugin.KeyList)
	if err != nil {
		return err
	}
	sum := int64(0)
	for i := range k.Len() {
		element, err := k.LGet(i)
		if err != nil {
			return err
		}
		n, err := element.Int64()
		if err != nil {
			n = 0
		}
		n++
		sum += n
		if err := k.LSet(i, ctx.CreateStringFromInt(n)); err != nil {
			return err
		}
	}
	if err := ctx.ReplicateVerbatim(); err != nil {
		return err
	}
	return ctx.ReplyInt(sum)
}

// toggleCase is HELLO.TOGGLE.CASE key: swaps the case of ASCII letters in the value's own memory.
func toggleCase(ctx plugin.Ctx, args []plugin.String) error {
	k, err := openAs(ctx, args[1], plugin.KeyString)
	if err != nil {
		return err
	}
	value, err := k.DMA(plugin.Write)
	if err != nil {
		return err
	}
	for i, c := range value {
		if lower := c | 0x20; lower >= 'a' && lower <= 'z' {
			value[i] = c ^ 0x20
		}
	}
	return ctx.ReplyStatus("OK")
}

// moreExpire is HELLO.MORE.EXPIRE key milliseconds: adds to the time to live of a key that has one.
func moreExpire(ctx plugin.Ctx, args []plugin.String) error {
	const yearMs = 365 * 24 * 60 * 60 * 1000
	moreMs, err := args[2].Int64()
	if err != nil || moreMs < 0 || moreMs > yearMs {
		return plugin.ReplyError("ERR invalid expire time")
	}
	k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
	if err != nil {
		return err
	}
	if at, ok := k.ExpireAt(); ok {
		if err := k.SetExpireAt(at.Add(time.Duration(moreMs) * time.Millisecond)); err != nil {
			return err
		}
	}
	return ctx.ReplyStatus("OK")
}

// leftPad is HELLO.LEFTPAD text length character: text, with as many characters before it as it takes to be that long.
func leftPad(ctx plugin.Ctx, args []plugin.String) error {
	length, err := count(args[2], maxPadding)
	if err != nil {
		return plugin.ReplyError("ERR invalid padding length")
	}
	if args[3].Len() != 1 {
		return plugin.ReplyError("ERR padding must be a single char")
	}
	missing := max(0, length-args[1].Len())
	return ctx.ReplyBulk(append(bytes.Repeat(args[3].Bytes(), missing), args[1].Bytes()...))
}

package plugin_test

import (
	"fmt"
	"math"

	"datastore/plugin"
)

// What opening a key tells: a missing key that is opened for reading is a nil Key, which is empty.
func ExampleKeyspace() {
	what := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		if k.Type() == plugin.KeyEmpty {
			return ctx.ReplyNull()
		}
		return ctx.ReplyErrorf("ERR %s of database %d has %d elements or bytes, and %d keys beside it",
			k.Name(), ctx.SelectedDB(), k.Len(), ctx.DBSize()-1)
	}
	serve(command("what", what), "SET text abc", "WHAT text", "WHAT nothing")
	// Output:
	// SET text abc: "OK"
	// WHAT text: error "ERR text of database 0 has 3 elements or bytes, and 0 keys beside it"
	// WHAT nothing: nil
	// propagated: SET text abc
}

// Two sets at once: a loop over one of them, with a question to the other in each step.
func ExampleKey_SAll() {
	common := func(ctx plugin.Ctx, args []plugin.String) error {
		a, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		b, err := ctx.OpenKey(args[2], plugin.Read)
		if err != nil {
			return err
		}
		n := int64(0)
		for member := range a.SAll() {
			found, err := b.SHas(member.Bytes())
			if err != nil {
				return plugin.ErrWrongType
			}
			if found {
				n++
			}
		}
		return ctx.ReplyInt(n)
	}
	serve(command("common", common), "SADD a x y z", "SADD b y z", "COMMON a b", "COMMON a missing", "SET text v", "COMMON a text")
	// Output:
	// SADD a x y z: 3
	// SADD b y z: 2
	// COMMON a b: 2
	// COMMON a missing: 0
	// SET text v: "OK"
	// COMMON a text: error "WRONGTYPE Operation against a key holding the wrong kind of value"
	// propagated: SADD a x y z
	// propagated: SADD b y z
	// propagated: SET text v
}

// A write through a key ends the loop over it, so that fields are collected before they are deleted. HSet deletes those
// without a value and stores the others in one call.
func ExampleKey_HAll() {
	tidy := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
		if err != nil {
			return err
		}
		if err := k.Check(plugin.KeyHash); err != nil {
			return err
		}
		var changes []plugin.Field
		for field, value := range k.HAll() {
			if value.String() == "none" {
				changes = append(changes, plugin.Field{Name: ctx.RetainString(field)})
			}
		}
		changes = append(changes, plugin.Field{Name: ctx.CreateStringf("tidy"), Value: ctx.CreateStringf("yes")})
		n, err := k.HSet(plugin.HCountAll, changes...)
		if err != nil {
			return err
		}
		return ctx.ReplyInt(int64(n))
	}
	serve(command("tidy", tidy), "HSET h name ann age none", "TIDY h")
	// Output:
	// HSET h name ann age none: 2
	// TIDY h: 2
	// propagated: HSET h name ann age none
	// propagated: MULTI
	// propagated: HDEL h age
	// propagated: HSET h tidy yes
	// propagated: EXEC
}

// A loop over a range of scores.
func ExampleKey_ZRange() {
	sum := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		total := 0.0
		for _, score := range k.ZRange(plugin.ScoreRange{Min: 2, MinEx: true, Max: math.Inf(1)}) {
			total += score
		}
		return ctx.ReplyFloat(total)
	}
	serve(command("sum", sum), "ZADD z 1 a 2 b 3 c 4.5 d", "SUM z", "SUM missing")
	// Output:
	// ZADD z 1 a 2 b 3 c 4.5 d: 4
	// SUM z: "7.5"
	// SUM missing: "0"
	// propagated: ZADD z 1 a 2 b 3 c 4.5 d
}

// The cursor of a sorted set, where a loop over a range is not enough: two members behind a name, and how many are left.
func ExampleKey_ZFirstLex() {
	after := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		if k.Type() == plugin.KeyEmpty { // for which ZFirstLex fails with ErrEmptyKey
			return ctx.ReplyEmptyArray()
		}
		behind := plugin.LexRange{Min: ctx.CreateStringf("(%s", args[2]), Max: ctx.CreateStringf("+")}
		if err := k.ZFirstLex(behind); err != nil {
			return err
		}
		if err := ctx.ReplyArray(plugin.Postponed); err != nil {
			return err
		}
		n, left := 0, int64(0)
		for ; !k.ZEndReached(); k.ZNext() {
			if n == 2 {
				left++
				continue
			}
			member, _, _ := k.ZCurrent()
			if err := ctx.ReplyString(member); err != nil {
				return err
			}
			n++
		}
		if err := ctx.ReplyInt(left); err != nil {
			return err
		}
		return ctx.SetArrayLen(n + 1)
	}
	serve(command("after", after), "ZADD z 0 ann 0 bob 0 cid 0 dan", "AFTER z ann", "AFTER z cid", "AFTER missing x")
	// Output:
	// ZADD z 0 ann 0 bob 0 cid 0 dan: 4
	// AFTER z ann: ["bob" "cid" 1]
	// AFTER z cid: ["dan" 0]
	// AFTER missing x: []
	// propagated: ZADD z 0 ann 0 bob 0 cid 0 dan
}

// ZAdd with a condition tells what came of it.
func ExampleKey_ZAdd() {
	record := func(ctx plugin.Ctx, args []plugin.String) error {
		score, err := args[3].Float64()
		if err != nil {
			return err
		}
		k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
		if err != nil {
			return err
		}
		result, err := k.ZAdd(score, args[2].Bytes(), plugin.ZGT)
		if err != nil {
			return err
		}
		switch result {
		case plugin.ZAdded:
			return ctx.ReplyStatus("welcome")
		case plugin.ZUpdated:
			return ctx.ReplyStatus("a new record")
		}
		return ctx.ReplyStatus("not this time")
	}
	serve(command("record", record), "RECORD z ann 5", "RECORD z ann 7", "RECORD z ann 6", "RECORD z ann nan")
	// Output:
	// RECORD z ann 5: "welcome"
	// RECORD z ann 7: "a new record"
	// RECORD z ann 6: "not this time"
	// RECORD z ann nan: error "ERR value is not a number"
	// propagated: ZADD z 5 ann
	// propagated: ZADD z 7 ann
}

// All iterates over a value of any type. What it finds in a string is nothing.
func ExampleKey_All() {
	dump := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		text := ""
		for element, value := range k.All() {
			text += element.String()
			if !value.IsZero() {
				text += "=" + value.String()
			}
			text += ";"
		}
		return ctx.ReplyText(fmt.Sprintf("%d: %s", k.Len(), text))
	}
	serve(command("show", dump), "RPUSH l a b", "SHOW l", "HSET h f v", "SHOW h", "SET s text", "SHOW s")
	// Output:
	// RPUSH l a b: 2
	// SHOW l: "2: a;b;"
	// HSET h f v: 1
	// SHOW h: "1: f=v;"
	// SET s text: "OK"
	// SHOW s: "4: "
	// propagated: RPUSH l a b
	// propagated: HSET h f v
	// propagated: SET s text
}

package main

import (
	"bytes"

	"datastore/plugin"
)

// openToRead opens a key for reading that is empty or of type t.
func openToRead(ctx plugin.Ctx, name plugin.String, t plugin.KeyType) (*plugin.Key, error) {
	k, err := ctx.OpenKey(name, plugin.Read)
	if err != nil {
		return nil, err
	}
	return k, k.Check(t)
}

// zsumRange is HELLO.ZSUMRANGE key min max: the sum of the scores in a range of a sorted set, computed twice, from the first
// member to the last and back.
func zsumRange(ctx plugin.Ctx, args []plugin.String) error {
	r := plugin.ScoreRange{}
	var err1, err2 error
	if r.Min, err1 = args[2].Float64(); err1 == nil {
		r.Max, err2 = args[3].Float64()
	}
	if err1 != nil || err2 != nil {
		return plugin.ReplyError("ERR invalid range")
	}
	k, err := openToRead(ctx, args[1], plugin.KeyZSet)
	if err != nil {
		return err
	}
	var forward, backward float64
	for _, score := range k.ZRange(r) {
		forward += score
	}
	for _, score := range k.ZRevRange(r) {
		backward += score
	}
	if err := ctx.ReplyArray(2); err != nil {
		return err
	}
	if err := ctx.ReplyFloat(forward); err != nil {
		return err
	}
	return ctx.ReplyFloat(backward)
}

// lexRange is HELLO.LEXRANGE key min max min-age max-age: of a sorted set whose members look like "name:age" and all have
// the same score, those between two members, written as for ZRANGEBYLEX, with an age within the limits. It walks with the
// cursor of the key, where ZRangeLex would do, and does not know the length of its reply before.
func lexRange(ctx plugin.Ctx, args []plugin.String) error {
	minAge, err1 := args[4].Int64()
	maxAge, err2 := args[5].Int64()
	if err1 != nil || err2 != nil {
		return plugin.ReplyError("ERR invalid age")
	}
	k, err := openToRead(ctx, args[1], plugin.KeyZSet)
	if err != nil {
		return err
	}
	if k.Type() == plugin.KeyEmpty {
		return ctx.ReplyEmptyArray()
	}
	if err := k.ZFirstLex(plugin.LexRange{Min: args[2], Max: args[3]}); err != nil {
		return plugin.ReplyError("ERR invalid range")
	}
	if err := ctx.ReplyArray(plugin.Postponed); err != nil {
		return err
	}
	found := 0
	for ; !k.ZEndReached(); k.ZNext() {
		member, _, _ := k.ZCurrent()
		if age, ok := ageOf(member); !ok || age < minAge || age > maxAge {
			continue
		}
		found++
		if err := ctx.ReplyString(member); err != nil {
			return err
		}
	}
	return ctx.SetArrayLen(found)
}

// ageOf reads the number behind the last colon.
func ageOf(member plugin.String) (int64, bool) {
	i := bytes.LastIndexByte(member.Bytes(), ':')
	if i < 0 {
		return 0, false
	}
	age, err := plugin.StringOf(member.Bytes()[i+1:]).Int64()
	return age, err == nil
}

// hcopy is HELLO.HCOPY key source destination: copies the value of a field of a hash to another field; 1 if there was
// something to copy.
func hcopy(ctx plugin.Ctx, args []plugin.String) error {
	k, err := openAs(ctx, args[1], plugin.KeyHash)
	if err != nil {
		return err
	}
	value, found, err := k.HGet(args[2].Bytes())
	if err != nil {
		return err
	}
	if !found {
		return ctx.ReplyInt(0)
	}
	if _, err := k.HSet(0, plugin.Field{Name: args[3], Value: value}); err != nil {
		return err
	}
	return ctx.ReplyInt(1)
}

package plugintest

import (
	"math"
	"testing"
	"time"

	"datastore/plugin"
)

// FuzzKeys: whatever a handler does with open keys, in whatever order, the effects that are recorded of it make the same
// data on a replica and in the append-only file, and the server lives.
func FuzzKeys(f *testing.F) {
	Fuzz(f, func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("keys", 1, plugin.APIVer2); err != nil {
			return err
		}
		one := plugin.CommandSpec{Flags: "write deny-oom", Arity: -14, FirstKey: 1, LastKey: 1, KeyStep: 1}
		two := plugin.CommandSpec{Flags: "write deny-oom", Arity: -12, FirstKey: 1, LastKey: 2, KeyStep: 1}
		if err := ctx.CreateCommand("keys.one", keysOne, one); err != nil {
			return err
		}
		if err := ctx.CreateCommand("keys.nest", keysNest, two); err != nil {
			return err
		}
		return ctx.CreateCommand("keys.two", keysTwo, two)
	}, Options{})
}

// keysOne is KEYS.ONE key (operation argument argument)...: operations on one key, each on a handle of its own or on the
// one of before.
func keysOne(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
	if err != nil {
		return err
	}
	done := int64(0)
	for rest := args[2:]; len(rest) >= 3; rest = rest[3:] {
		if sum(rest[0])%11 == 0 { // with a call in between
			if err := k.Close(); err != nil {
				return err
			}
			if _, err := ctx.Call("APPEND", "ss", args[1], rest[1]); err != nil {
				return err
			}
			if k, err = ctx.OpenKey(args[1], plugin.Write); err != nil {
				return err
			}
		}
		if operate(k, rest) == nil {
			done++
		}
	}
	return ctx.ReplyInt(done)
}

// keysTwo is KEYS.TWO key key (operation argument argument)...: operations on two open keys in turn.
func keysTwo(ctx plugin.Ctx, args []plugin.String) error {
	var keys [2]*plugin.Key
	for i := range keys {
		k, err := ctx.OpenKey(args[1+i], plugin.Write)
		if err != nil {
			return err // the same key twice
		}
		keys[i] = k
	}
	done, which := int64(0), 0
	for rest := args[3:]; len(rest) >= 3; rest = rest[3:] {
		if operate(keys[which], rest) == nil {
			done++
		}
		which = 1 - which
	}
	if done%7 == 3 {
		return errEnough // what was done stays
	}
	return ctx.ReplyInt(done)
}

// keysNest is KEYS.NEST key key (operation argument argument)...: KEYS.ONE on one key, called so that it is replicated and
// nothing else is, or so that everything is recorded, with operations on the other key around it.
func keysNest(ctx plugin.Ctx, args []plugin.String) error {
	inner := append([]plugin.String{args[1]}, args[3:]...)
	if sum(args[3])%2 == 0 {
		r, err := ctx.Call("KEYS.ONE", "!v", inner)
		if err != nil {
			return err
		}
		return ctx.ReplyReply(r)
	}
	k, err := ctx.OpenKey(args[2], plugin.Write)
	if err != nil {
		return err
	}
	_ = operate(k, args[3:6])
	r, err := ctx.Call("KEYS.ONE", "v", inner)
	if err != nil {
		return err // the other key is the same one, and open
	}
	_ = operate(k, args[6:9])
	return ctx.ReplyReply(r)
}

const errEnough = plugin.ReplyError("ERR enough")

func sum(s plugin.String) int {
	n := 0
	for _, c := range s.Bytes() {
		n = n*31 + int(c)
	}
	return n & math.MaxInt32
}

// operate does what the first word stands for, with the two words behind it.
func operate(k *plugin.Key, words []plugin.String) error {
	op, a, b := sum(words[0]), words[1], words[2]
	i, number := sum(b)%7-3, float64(sum(b)%9)-4
	if n, err := b.Float64(); err == nil {
		number = n
	}
	end := plugin.ListEnd(sum(b) % 2)
	var err error
	switch op % 26 {
	case 0, 1:
		err = k.Push(end, a)
	case 2:
		_, err = k.Pop(end)
	case 3:
		err = k.LSet(i, a)
	case 4:
		err = k.LInsert(i, a)
	case 5:
		err = k.LDelete(i)
	case 6, 7:
		_, err = k.HSet(plugin.HFlags(sum(b)%3), plugin.Field{Name: a, Value: b}, plugin.Field{Name: b, Value: a}, plugin.Field{Name: words[0]})
	case 8:
		_, err = k.HDel(a.Bytes())
	case 9, 10:
		_, err = k.ZAdd(number, a.Bytes(), plugin.ZFlags(sum(b)%4*32))
	case 11:
		_, _, err = k.ZIncrBy(number, a.Bytes(), 0)
	case 12:
		_, err = k.ZRem(a.Bytes())
	case 13, 14:
		_, err = k.SAdd(a.Bytes())
	case 15:
		_, err = k.SRem(a.Bytes())
	case 16:
		_, err = k.SPop()
	case 17:
		err = k.SetString(a)
	case 18:
		err = k.Truncate(sum(b) % 100)
	case 19:
		err = scribble(k, sum(b))
	case 20:
		err = k.SetTTL(time.Duration(sum(b)%9) * time.Second)
	case 24:
		err = k.SetExpireAt(time.UnixMilli(1_767_225_600_000 + int64(i)*1000)) // around where the clock is
	case 25:
		err = k.Unlink()
	case 21:
		err = k.SetTTL(plugin.NoExpire)
	case 22:
		err = k.Delete()
	case 23:
		err = thinOut(k)
	}
	return err
}

// scribble changes a byte of a string value.
func scribble(k *plugin.Key, n int) error {
	value, err := k.DMA(plugin.Write)
	if err == nil && len(value) > 0 {
		value[n%len(value)] ^= byte(n)
	}
	return err
}

// thinOut removes the first element or member that an iteration finds.
func thinOut(k *plugin.Key) error {
	for name := range k.All() {
		switch k.Type() {
		case plugin.KeyList:
			return k.LDelete(0)
		case plugin.KeyHash:
			_, err := k.HDel(name.Bytes())
			return err
		case plugin.KeySet:
			_, err := k.SRem(name.Bytes())
			return err
		case plugin.KeyZSet:
			_, err := k.ZRem(name.Bytes())
			return err
		}
	}
	return k.IterErr()
}

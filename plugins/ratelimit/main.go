// Command ratelimit is a module with one command, RL.THROTTLE, which limits how often something may happen. It takes the
// arguments of redis-cell's CL.THROTTLE and replies like it.
//
// It owns no state of its own: a limit is a string key that expires by itself, so replicas and the append-only file need no
// module. It refuses floating point and goroutines: the same command at the same time always does the same.
package main

import "datastore/plugin"

// OnLoad registers the command. It takes no arguments.
func OnLoad(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Init("ratelimit", 1, plugin.APIVer2); err != nil {
		return err
	}
	return ctx.CreateCommand("rl.throttle", throttle, plugin.CommandSpec{
		Flags: "write deny-oom fast", FirstKey: 1, LastKey: 1, KeyStep: 1, Arity: -5,
		Summary:    "Takes units from a rate limit and tells whether they may pass.",
		Complexity: "O(1)", Since: "1.0.0",
	})
}

// Error replies.
const (
	errNotInteger = plugin.ReplyError("ERR value is not an integer or out of range")
	errLimit      = plugin.ReplyError("ERR invalid limit: burst and quantity must not be negative, count and period must be " +
		"positive, and the numbers not astronomic")
	errForeign = plugin.ReplyError("ERR the key holds a string that is no rate limit")
)

const nsPerMs = 1_000_000

// throttle is RL.THROTTLE key burst count period [quantity].
func throttle(ctx plugin.Ctx, args []plugin.String) error {
	if len(args) > 6 {
		return ctx.WrongArity()
	}
	numbers := [4]int64{3: 1} // burst, count, period, quantity
	for i, arg := range args[2:] {
		n, err := arg.Int64()
		if err != nil {
			return errNotInteger
		}
		numbers[i] = n
	}
	l, ok := newLimit(numbers[0], numbers[1], numbers[2])
	if !ok {
		return errLimit
	}
	tatNs, err := load(ctx, args[1])
	if err != nil {
		return err
	}
	nowNs := ctx.Now().UnixNano()
	v, ok := l.take(nowNs, tatNs, numbers[3])
	if !ok {
		return errLimit
	}
	if v.allowed && v.tatNs > max(tatNs, nowNs) {
		if err := store(ctx, args[1], v.tatNs); err != nil {
			return err
		}
	}
	return reply(ctx, l, v)
}

// load returns the theoretical arrival time of a key, 0 for a new one.
func load(ctx plugin.Ctx, name plugin.String) (tatNs int64, err error) {
	k, err := ctx.OpenKey(name, plugin.Read)
	if err != nil || k == nil {
		return 0, err
	}
	if err := k.Check(plugin.KeyString); err != nil {
		return 0, err
	}
	digits, err := k.DMA(plugin.Read)
	if err != nil {
		return 0, err
	}
	tatNs, err = plugin.StringOf(digits).Int64()
	if err != nil || tatNs < 0 {
		return 0, errForeign
	}
	return tatNs, k.Close()
}

// store writes the state with its end as an absolute time, so that replaying it later gives the same key.
func store(ctx plugin.Ctx, name plugin.String, tatNs int64) error {
	set := ctx.Cmd("SET").With(plugin.Repl).Str(name).Int(tatNs).Bytes([]byte("PXAT")).Int(ceil(tatNs, nsPerMs))
	r, err := set.Do()
	if err != nil {
		return err
	}
	return r.Err()
}

// reply writes the five numbers of CL.THROTTLE; seconds are rounded up, so that whoever waits that long is not refused
// for coming early.
func reply(ctx plugin.Ctx, l limit, v verdict) error {
	limited := int64(1)
	if v.allowed {
		limited = 0
	}
	if err := ctx.ReplyArray(5); err != nil {
		return err
	}
	for _, n := range [5]int64{
		limited, l.capacity, v.remaining, ceil(v.retryAfterNs, nsPerSec), ceil(v.resetAfterNs, nsPerSec),
	} {
		if err := ctx.ReplyInt(n); err != nil {
			return err
		}
	}
	return nil
}

func main() {}

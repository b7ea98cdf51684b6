// Command blocker is a module for tests of blocked clients and of goroutines: each command does one thing that tests need.
//
// Its state is guarded by the execution lock: handlers, callbacks and Do.
package main

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"time"

	"datastore/plugin"
)

var (
	waiting     []*plugin.BlockedClient // of blocker.wait, in order
	made, freed int64                   // handles of blocker.random and blocker.half
)

// OnLoad registers the commands. With the argument "go" it starts a goroutine that counts in the key "ticks".
func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
	waiting, made, freed = nil, 0, 0
	if err := ctx.Init("blocker", 1, plugin.APIVer2); err != nil {
		return err
	}
	for name, h := range map[string]plugin.Handler{
		"blocker.wait": wait, "blocker.release": release, "blocker.measure": measure, "blocker.now": now, "blocker.bad": bad,
		"blocker.do": do, "blocker.stuck": stuck, "blocker.gopanic": goPanic, "blocker.deadlock": deadlock,
		"blocker.big": big, "blocker.long": long, "blocker.gone": gone, "blocker.signal": signal, "blocker.call": call,
		"blocker.half": half, "blocker.random": random, "blocker.handles": handles,
	} {
		if err := ctx.CreateCommand(name, h, plugin.Flags("write blocking", 0, 0, 0)); err != nil {
			return err
		}
	}
	if len(args) > 0 && args[0].String() == "go" {
		return ctx.Go(tick)
	}
	return nil
}

// tick counts until the module is unloaded.
func tick(bg *plugin.Background) {
	for bg.Context().Err() == nil {
		_ = bg.Do(func(ctx plugin.Ctx) error {
			_, err := ctx.Call("INCR", "c", "ticks")
			return err
		})
		time.Sleep(time.Millisecond)
	}
}

// wait is BLOCKER.WAIT [timeout]: waits for BLOCKER.RELEASE, whose text it writes to the key "released" and replies.
func wait(ctx plugin.Ctx, args []plugin.String) error {
	o := plugin.BlockOptions{
		Reply: func(ctx plugin.Ctx, args []plugin.String) error {
			if _, err := ctx.Call("RPUSH", "!cc", "released", ctx.BlockedPriv().(string)); err != nil {
				return err
			}
			if err := ctx.ReplyArray(2); err != nil {
				return err
			}
			if err := ctx.ReplyFloat(float64(len(args)) / 2); err != nil {
				return err
			}
			return ctx.ReplyText(ctx.BlockedPriv().(string))
		},
		Disconnect: func(ctx plugin.Ctx, bc *plugin.BlockedClient) {
			ctx.Log(plugin.Notice, "client gone")
			_ = bc.Unblock(nil)
		},
		Free: func(ctx plugin.Ctx, _ any) { ctx.Log(plugin.Notice, "freed, gone: %v", ctx.BlockedDisconnected()) },
	}
	if len(args) > 1 {
		ms, err := args[1].Int64()
		if err != nil {
			return err
		}
		o.Timeout = time.Duration(ms) * time.Millisecond
		o.OnTimeout = func(ctx plugin.Ctx, _ []plugin.String) error {
			_ = ctx.BlockedClient().Unblock(nil)
			return ctx.ReplyStatus("TIMEOUT")
		}
	}
	bc, err := ctx.Block(o)
	if err == nil {
		waiting = append(waiting, bc)
	}
	return err
}

// release is BLOCKER.RELEASE text: lets all clients of BLOCKER.WAIT go on, and replies how many there were.
func release(ctx plugin.Ctx, args []plugin.String) error {
	n := int64(0)
	for _, bc := range waiting {
		if bc.Unblock(args[1].String()) == nil {
			n++
		}
	}
	waiting = nil
	return ctx.ReplyInt(n)
}

// measure is BLOCKER.MEASURE measured unmeasured [timeout]: works that many milliseconds.
func measure(ctx plugin.Ctx, args []plugin.String) error {
	measured, err := args[1].Int64()
	if err != nil {
		return err
	}
	unmeasured, err := args[2].Int64()
	if err != nil {
		return err
	}
	bc, err := ctx.Block(plugin.BlockOptions{})
	if err != nil {
		return err
	}
	return ctx.Go(func(*plugin.Background) {
		_ = bc.MeasureStart()
		time.Sleep(time.Duration(measured) * time.Millisecond)
		_ = bc.MeasureEnd()
		time.Sleep(time.Duration(unmeasured) * time.Millisecond)
		_ = bc.Reply(func(r plugin.Replies) error { return r.ReplyStatus("OK") })
		_ = bc.Unblock(nil)
	})
}

// now is BLOCKER.NOW text: unblocks its client before it has begun to wait.
func now(ctx plugin.Ctx, _ []plugin.String) error {
	bc, err := ctx.Block(plugin.BlockOptions{
		Reply: func(ctx plugin.Ctx, args []plugin.String) error { return ctx.ReplyString(args[1]) },
	})
	if err != nil {
		return err
	}
	return bc.Unblock(nil)
}

// bad is BLOCKER.BAD panic|goexit: its reply callback and Free do not return.
func bad(ctx plugin.Ctx, args []plugin.String) error {
	end := func() { panic("told to panic") }
	if args[1].String() == "goexit" {
		end = runtime.Goexit
	}
	bc, err := ctx.Block(plugin.BlockOptions{
		Reply: func(ctx plugin.Ctx, _ []plugin.String) error {
			if _, err := ctx.Call("INCR", "c", "bad"); err != nil {
				return err
			}
			end()
			return nil
		},
		Free: func(plugin.Ctx, any) { end() },
	})
	if err != nil {
		return err
	}
	return ctx.Go(func(*plugin.Background) { _ = bc.Unblock(nil) })
}

// do is BLOCKER.DO key: writes two keys from a goroutine, as one unit, and replies their sum.
func do(ctx plugin.Ctx, args []plugin.String) error {
	key := args[1].String()
	bc, err := ctx.Block(plugin.BlockOptions{})
	if err != nil {
		return err
	}
	return ctx.Go(func(*plugin.Background) {
		_ = bc.Do(func(ctx plugin.Ctx) error {
			sum := int64(0)
			for _, suffix := range []string{"1", "2"} {
				r, err := ctx.Call("INCR", "c", key+suffix)
				if err != nil {
					return err
				}
				sum += r.Int()
			}
			return ctx.ReplyInt(sum)
		})
		_ = bc.Unblock(nil)
	})
}

// stuck is BLOCKER.STUCK ms: starts a goroutine that does not look at its context for so long.
func stuck(ctx plugin.Ctx, args []plugin.String) error {
	ms, err := args[1].Int64()
	if err != nil {
		return err
	}
	if err := ctx.Go(func(*plugin.Background) { time.Sleep(time.Duration(ms) * time.Millisecond) }); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

// goPanic is BLOCKER.GOPANIC: starts goroutines that panic and that exit.
func goPanic(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Go(func(*plugin.Background) { panic("told to panic") }); err != nil {
		return err
	}
	if err := ctx.Go(func(bg *plugin.Background) {
		_ = bg.Do(func(plugin.Ctx) error { runtime.Goexit(); return nil })
	}); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

// deadlock is BLOCKER.DEADLOCK: takes the lock that it has, and replies the error.
func deadlock(ctx plugin.Ctx, _ []plugin.String) error {
	bc, err := ctx.Block(plugin.BlockOptions{})
	if err != nil {
		return err
	}
	return bc.Do(func(plugin.Ctx) error { return nil })
}

// big is BLOCKER.BIG bytes: a large reply from a goroutine.
func big(ctx plugin.Ctx, args []plugin.String) error {
	n, err := args[1].Int64()
	if err != nil {
		return err
	}
	bc, err := ctx.Block(plugin.BlockOptions{})
	if err != nil {
		return err
	}
	return ctx.Go(func(*plugin.Background) {
		_ = bc.Reply(func(r plugin.Replies) error { return r.ReplyBulk(make([]byte, n)) })
		_ = bc.Unblock(nil)
	})
}

// long is BLOCKER.LONG key n: waits until a list has n elements.
func long(ctx plugin.Ctx, args []plugin.String) error {
	n, err := args[2].Int64()
	if err != nil {
		return err
	}
	try := func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		if k.Type() != plugin.KeyList || int64(k.Len()) < n {
			return plugin.ErrNotServed
		}
		return ctx.ReplyInt(int64(k.Len()))
	}
	_, err = ctx.BlockOnKeys(plugin.BlockOptions{Reply: try}, 0, args[1])
	return err
}

// gone is BLOCKER.GONE key: waits until a key loses its value.
func gone(ctx plugin.Ctx, args []plugin.String) error {
	_, err := ctx.BlockOnKeys(plugin.BlockOptions{Reply: func(ctx plugin.Ctx, args []plugin.String) error {
		if ctx.KeyExists(args[1]) {
			return plugin.ErrNotServed
		}
		return ctx.ReplyStatus("GONE")
	}}, plugin.UnblockDeleted, args[1])
	return err
}

// signal is BLOCKER.SIGNAL key.
func signal(ctx plugin.Ctx, args []plugin.String) error {
	ctx.SignalKeyAsReady(args[1])
	return ctx.ReplyStatus("OK")
}

// call is BLOCKER.CALL command [arg …]: replies what a command replies that is called.
func call(ctx plugin.Ctx, args []plugin.String) error {
	r, err := ctx.Call(args[1].String(), "v", args[2:])
	if err != nil {
		return err
	}
	return ctx.ReplyReply(r)
}

// half is BLOCKER.HALF error|panic|goexit|reply: blocks its client, and then does not leave it at that.
func half(ctx plugin.Ctx, args []plugin.String) error {
	bc, err := ctx.Block(plugin.BlockOptions{Free: func(plugin.Ctx, any) { freed++ }})
	if err != nil {
		return err
	}
	made++
	if err := ctx.Go(func(*plugin.Background) {
		time.Sleep(time.Millisecond)
		_ = bc.Unblock(nil) // too late
	}); err != nil {
		return err
	}
	switch args[1].String() {
	case "panic":
		panic("told to panic")
	case "goexit":
		runtime.Goexit()
	case "reply":
		return ctx.ReplyStatus("replied")
	}
	return errors.New("told to fail")
}

// random is BLOCKER.RANDOM text: blocks its client for up to two milliseconds with a timeout of one. It replies the text,
// whoever is first.
func random(ctx plugin.Ctx, args []plugin.String) error {
	answer := func(ctx plugin.Ctx, args []plugin.String) error { return ctx.ReplyString(args[1]) }
	bc, err := ctx.Block(plugin.BlockOptions{
		Reply: answer, OnTimeout: answer, Timeout: time.Millisecond, Free: func(plugin.Ctx, any) { freed++ },
	})
	if err != nil {
		return err
	}
	made++
	return ctx.Go(func(*plugin.Background) {
		time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Millisecond))))
		if rand.IntN(2) == 0 {
			_ = bc.Do(func(plugin.Ctx) error { return nil })
		}
		_ = bc.Unblock(nil)
	})
}

// handles is BLOCKER.HANDLES: how many handles there were, and how many Free was called for.
func handles(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.ReplyArray(2); err != nil {
		return err
	}
	if err := ctx.ReplyInt(made); err != nil {
		return err
	}
	return ctx.ReplyInt(freed)
}

func main() {}

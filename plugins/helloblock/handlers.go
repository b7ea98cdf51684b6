package main

import (
	"math/rand/v2"
	"time"

	"datastore/plugin"
)

const maxSeconds = 1_000_000 // of a delay or a timeout

// duration reads an argument as a number of units.
func duration(s plugin.String, unit time.Duration) (time.Duration, error) {
	n, err := s.Int64()
	if err != nil || n < 0 || n > maxSeconds*int64(time.Second/unit) {
		return 0, plugin.ReplyError("ERR invalid count")
	}
	return time.Duration(n) * unit, nil
}

// block is HELLO.BLOCK delay timeout: a random number after delay seconds, or an error after timeout milliseconds, if that
// is earlier; 0 is no timeout.
//
// The goroutine has no lock and needs none: what it found out goes to the reply callback as private data. It ends early
// when nobody waits any more, because Context ends then.
func block(ctx plugin.Ctx, args []plugin.String) error {
	delay, err := duration(args[1], time.Second)
	if err != nil {
		return err
	}
	timeout, err := duration(args[2], time.Millisecond)
	if err != nil {
		return err
	}
	bc, err := ctx.Block(plugin.BlockOptions{
		Timeout: timeout,
		Reply: func(ctx plugin.Ctx, _ []plugin.String) error {
			return ctx.ReplyInt(ctx.BlockedPriv().(int64))
		},
		OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error {
			return ctx.ReplyStatus("Request timedout")
		},
		Disconnect: func(ctx plugin.Ctx, _ *plugin.BlockedClient) {
			ctx.Log(plugin.Warning, "a blocked client has disconnected")
		},
	})
	if err != nil {
		return err
	}
	return ctx.Go(func(*plugin.Background) {
		select {
		case <-time.After(delay):
		case <-bc.Context().Done():
		}
		_ = bc.Unblock(rand.Int64()) // nobody else unblocks it
	})
}

// keys is HELLO.KEYS: all keys of the database, each once or more often, as SCAN finds them. The lock is taken for one SCAN at
// a time, so that others are served in between.
func keys(ctx plugin.Ctx, _ []plugin.String) error {
	bc, err := ctx.Block(plugin.BlockOptions{})
	if err != nil {
		return err
	}
	return ctx.Go(func(*plugin.Background) {
		names, err := scan(bc)
		_ = bc.Reply(func(r plugin.Replies) error { // the client may be gone
			if err != nil {
				return err
			}
			if err := r.ReplyArray(len(names)); err != nil {
				return err
			}
			for _, name := range names {
				if err := r.ReplyText(name); err != nil {
					return err
				}
			}
			return nil
		})
		_ = bc.Unblock(nil)
	})
}

// scan collects the keys of the client's database, as long as it waits for them.
func scan(bc *plugin.BlockedClient) (names []string, err error) {
	for cursor := "0"; ; {
		err := bc.Do(func(ctx plugin.Ctx) error {
			r, err := ctx.Call("SCAN", "c", cursor)
			if err != nil {
				return err
			}
			cursor = string(r.Elem(0).Bytes())
			for _, name := range r.Elem(1).All() {
				names = append(names, string(name.Bytes())) // r is gone after Do
			}
			return r.Err()
		})
		if err != nil || cursor == "0" || bc.Context().Err() != nil {
			return names, err
		}
	}
}

// bpop is HELLOBLOCK.BPOP key timeout: the last element of a list, or null after timeout milliseconds; 0 waits for ever. One
// function serves the command and the key that is ready, so it looks at the key in the same way both times.
func bpop(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
	if err != nil {
		return err
	}
	if err := k.Check(plugin.KeyList); err != nil {
		if ctx.IsBlockedReply() {
			return plugin.ErrNotServed // a value that is no list is none for us
		}
		return err
	}
	if k.Len() > 0 {
		element, err := k.Pop(plugin.Tail)
		if err != nil {
			return err
		}
		return ctx.ReplyString(element)
	}
	if ctx.IsBlockedReply() {
		return plugin.ErrNotServed
	}
	timeout, err := duration(args[2], time.Millisecond)
	if err != nil {
		return err
	}
	_, err = ctx.BlockOnKeys(plugin.BlockOptions{
		Reply: bpop, Timeout: timeout,
		OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyNull() },
	}, 0, args[1])
	return err
}

package host

import (
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// keyRig is a rig with KPOP key…, which pops an element of the first list that has one or waits, and KLONG key n, which
// waits until a list has n elements.
type keyRig struct {
	*rig
	bc    *plugin.BlockedClient
	flags plugin.BlockFlags
	o     plugin.BlockOptions
	tries int
	f     freed
}

func newKeyRig(t *testing.T) *keyRig {
	r := &keyRig{}
	pop := func(ctx plugin.Ctx, name plugin.String) error {
		k, err := ctx.OpenKey(name, plugin.Write)
		must(t, err)
		if k.Type() != plugin.KeyList {
			must(t, k.Close())
			return plugin.ErrNotServed
		}
		v, err := k.Pop(plugin.Head)
		must(t, err)
		return ctx.ReplyString(v)
	}
	r.o = plugin.BlockOptions{Free: r.f.free, Priv: "priv", Timeout: time.Minute,
		OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyNullArray() },
	}
	wait := func(ctx plugin.Ctx, reply plugin.Handler, keys ...plugin.String) (err error) {
		o := r.o
		o.Reply = func(ctx plugin.Ctx, args []plugin.String) error {
			r.tries++
			if ctx.BlockedPriv() != "priv" || !ctx.IsBlockedReply() {
				t.Error("the context of a try")
			}
			return reply(ctx, args)
		}
		r.bc, err = ctx.BlockOnKeys(o, r.flags, keys...)
		return err
	}
	r.rig = newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"kpop": func(ctx plugin.Ctx, args []plugin.String) error {
			for _, name := range args[1:] {
				if pop(ctx, name) == nil {
					return nil
				}
			}
			return wait(ctx, func(ctx plugin.Ctx, _ []plugin.String) error { return pop(ctx, ctx.BlockedReadyKey()) }, args[1:]...)
		},
		"klong": func(ctx plugin.Ctx, args []plugin.String) error {
			return wait(ctx, func(ctx plugin.Ctx, args []plugin.String) error {
				k, err := ctx.OpenKey(args[1], plugin.Read)
				must(t, err)
				if n, _ := args[2].Int64(); k.Type() != plugin.KeyList || int64(k.Len()) < n {
					return plugin.ErrNotServed
				}
				return ctx.ReplyInt(int64(k.Len()))
			}, args[1])
		},
		"kexists": func(ctx plugin.Ctx, args []plugin.String) error {
			return wait(ctx, func(ctx plugin.Ctx, args []plugin.String) error {
				if ctx.KeyExists(args[1]) {
					return plugin.ErrNotServed
				}
				return ctx.ReplyStatus("GONE")
			}, args[1])
		},
		"signal": func(ctx plugin.Ctx, args []plugin.String) error {
			ctx.SignalKeyAsReady(args[1])
			return ctx.ReplyStatus("OK")
		},
		"ring": func(ctx plugin.Ctx, args []plugin.String) error {
			return wait(ctx, func(ctx plugin.Ctx, args []plugin.String) error {
				from, err := ctx.OpenKey(args[1], plugin.Write)
				must(t, err)
				v, err := from.Pop(plugin.Head)
				if err != nil {
					return plugin.ErrNotServed
				}
				to, err := ctx.OpenKey(args[2], plugin.Write)
				must(t, err)
				must(t, to.Push(plugin.Tail, v))
				return ctx.ReplyString(args[2])
			}, args[1])
		},
		"kerr": func(ctx plugin.Ctx, args []plugin.String) error {
			return wait(ctx, func(plugin.Ctx, []plugin.String) error { return plugin.ErrWrongType }, args[1])
		},
		"kmisuse": func(ctx plugin.Ctx, args []plugin.String) error {
			return wait(ctx, func(ctx plugin.Ctx, _ []plugin.String) error {
				must(t, ctx.ReplyInt(1))
				return plugin.ErrNotServed
			}, args[1])
		},
	})
	return r
}

func (r *keyRig) tried(want int) {
	r.t.Helper()
	if r.tries != want {
		r.t.Errorf("%d tries, want %d", r.tries, want)
	}
	r.tries = 0
}

// TestKeysFirstComeFirstServed: one element for each, in the order in which they blocked; who was not served stays.
//
// Rules: BLK-7.
func TestKeysFirstComeFirstServed(t *testing.T) {
	r := newKeyRig(t)
	c := rigClients(4)
	r.blocks(c[0], "kpop", "other", "l")
	r.blocks(c[1], "klong", "l", "3")
	r.blocks(c[2], "kpop", "l", "l")
	r.blocks(c[3], "kpop", "l")
	r.blockedCount(4)
	r.do("RPUSH", "l", "a", "b")
	r.got(c[0], "$1\r\na\r\n")
	r.got(c[1], "")
	r.got(c[2], "$1\r\nb\r\n")
	r.got(c[3], "") // the key is not ready any more
	r.tried(3)
	r.sent("SELECT 0", "RPUSH l a b", "LPOP l", "LPOP l") // three units
	r.equal(nil)
	r.f.times(t, 2)
	wantErr(t, "Unblock of a client that waits", r.bc.Unblock(nil), nil) // c[3]'s
	r.turn()
	r.got(c[3], "*-1\r\n")
	r.do("RPUSH", "l", "1", "2", "3")
	r.got(c[1], ":3\r\n")
	r.f.times(t, 4)
	r.blockedCount(0)
	r.quiet()
	if len(r.h.waits.keys) != 0 {
		t.Error("keys are still waited for")
	}
}

// TestKeysOfOtherTypes: a key of any type is tried, and one that has a value already only on a signal.
//
// Rules: BLK-7, BLK-8.
func TestKeysOfOtherTypes(t *testing.T) {
	r := newKeyRig(t)
	c := rigClients(3)
	r.blocks(c[0], "kpop", "l")
	r.do("ZADD", "l", "1", "m")
	r.do("ZADD", "l", "1", "m2")
	r.got(c[0], "")
	r.tried(1)
	r.do("SET", "l", "v") // a value of another type in its place
	r.tried(1)
	r.do("DEL", "l")
	r.tried(0)
	r.do("RPUSH", "l", "x")
	r.tried(1)
	r.got(c[0], "$1\r\nx\r\n")

	r.do("RPUSH", "l", "1")
	r.blocks(c[0], "klong", "l", "3")
	r.blocks(c[1], "klong", "l", "2")
	r.blocks(c[2], "kpop", "missing")
	r.do("RPUSH", "l", "2")
	r.tried(0)
	r.want("+OK\r\n", "signal", "l")
	r.tried(2)
	r.got(c[0], "")
	r.got(c[1], ":2\r\n")
	r.do("RPUSH", "l", "3")
	r.want("+OK\r\n", "signal", "missing")
	r.tried(0) // nothing to be ready with
	r.client.DB = 1
	r.do("signal", "l")
	r.tried(0) // another database
	r.client.DB = 0
	r.do("signal", "l")
	r.got(c[0], ":3\r\n")
	r.quiet()
}

// Rules: BLK-7.
func TestUnblockDeleted(t *testing.T) {
	for _, command := range []string{"DEL k", "UNLINK k", "SET k v", "RENAME k other", "PEXPIREAT k 1", "RPOP k 2"} {
		r := newKeyRig(t)
		c := rigClients(3)
		r.do("RPUSH", "k", "1", "2")
		r.blocks(c[0], "kexists", "k")
		r.flags = plugin.UnblockDeleted
		r.blocks(c[1], "kexists", "k")
		r.blocks(c[2], "kexists", "other")
		r.do("RPUSH", "k", "3")
		r.do("LPOP", "k")
		r.tried(0)
		r.do(strings.Fields(command)...)
		if strings.HasPrefix(command, "SET") { // there is a value again: both are tried, in vain
			r.tried(2)
			r.do("DEL", "k")
		}
		r.got(c[0], "")
		r.got(c[1], "+GONE\r\n")
		r.got(c[2], "")
		r.quiet()
	}
}

// Rules: BLK-7.
func TestKeyBlockedEndsEarly(t *testing.T) {
	r := newKeyRig(t)
	c := rigClients(2)
	r.blocks(c[0], "kpop", "l")
	waiting := r.bc.Context()
	must(t, r.bc.Unblock("ignored"))
	wantErr(t, "second Unblock", r.bc.Unblock(nil), plugin.ErrStale)
	r.do("RPUSH", "l", "x") // too late: it was unblocked
	r.got(c[0], "*-1\r\n")
	r.tried(0)
	if waiting.Err() == nil {
		t.Error("the context of the wait goes on")
	}
	r.do("DEL", "l")

	// The host ends the handle after the timeout, the end of the connection, and the server's own answer.
	r.blocks(c[0], "kpop", "l")
	r.timeout(c[0])
	r.got(c[0], "*-1\r\n")
	wantErr(t, "Unblock after the timeout", r.bc.Unblock(nil), plugin.ErrStale)
	gone := 0
	r.o.Disconnect = func(plugin.Ctx, *plugin.BlockedClient) { gone++ }
	r.blocks(c[0], "kpop", "l")
	r.lost(c[0])
	wantErr(t, "Unblock after the connection", r.bc.Unblock(nil), plugin.ErrStale)
	r.blocks(c[0], "kpop", "l")
	r.mu.Lock()
	r.suspended[c[0]].Unblocked()
	delete(r.suspended, c[0])
	r.mu.Unlock()
	r.turn()
	r.f.times(t, 4)
	if gone != 1 || !r.f.gone[2] || r.f.gone[3] {
		t.Errorf("Disconnect ran %d times, Free was told %v", gone, r.f.gone)
	}

	// Without OnTimeout it cannot be unblocked, but aborted.
	r.o.OnTimeout, r.o.Timeout = nil, 0
	r.blocks(c[0], "kpop", "l")
	wantErr(t, "Unblock without OnTimeout", r.bc.Unblock(nil), plugin.ErrInvalid)
	must(t, r.bc.Abort())
	r.turn()
	r.f.times(t, 5)
	r.blockedCount(0)
	delete(r.replies, c[0].ID)

	// An error other than ErrNotServed is the reply; what is written for a client that is not served is dropped.
	r.blocks(c[0], "kerr", "l")
	r.blocks(c[1], "kmisuse", "l")
	r.do("RPUSH", "l", "x")
	r.got(c[0], "-"+string(plugin.ErrWrongType)+"\r\n")
	r.got(c[1], "")
	if r.h.find("test").misuses.Load() != 2 { // and Abort above left nothing to reply
		t.Errorf("log: %q", r.log)
	}
}

// TestKeyRing: callbacks that make keys ready for each other, which ends when nobody waits any more.
//
// Rules: BLK-7.
func TestKeyRing(t *testing.T) {
	r := newKeyRig(t)
	c := rigClients(3)
	r.blocks(c[0], "ring", "a", "b")
	r.blocks(c[1], "ring", "b", "c")
	r.blocks(c[2], "ring", "c", "a")
	r.do("RPUSH", "a", "x")
	for i, key := range []string{"b", "c", "a"} {
		r.got(c[i], "$1\r\n"+key+"\r\n")
	}
	r.sent("SELECT 0", "RPUSH a x", "MULTI", "LPOP a", "RPUSH b x", "EXEC", "MULTI", "LPOP b", "RPUSH c x", "EXEC", "MULTI", "LPOP c", "RPUSH a x", "EXEC")
	r.want("*1\r\n$1\r\nx\r\n", "LRANGE", "a", "0", "-1")
	r.quiet()
}

package plugintest

import (
	"math"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// waiter is a module whose clients wait to be released by another command.
type waiter struct {
	reply   plugin.Handler
	blocked *plugin.BlockedClient
	early   bool // a goroutine has written the reply before
}

func (w *waiter) handlers() map[string]plugin.Handler {
	return map[string]plugin.Handler{
		"t.wait": func(ctx plugin.Ctx, _ []plugin.String) (err error) {
			w.blocked, err = ctx.Block(plugin.BlockOptions{
				Reply: w.reply, Timeout: time.Minute,
				OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyText("too late") },
			})
			return err
		},
		// t.background has a goroutine write the reply.
		"t.background": func(ctx plugin.Ctx, _ []plugin.String) error {
			if err := ctx.ReplyStatus("OK"); err != nil {
				return err
			}
			return ctx.Go(func(*plugin.Background) {
				if err := w.blocked.Reply(func(r plugin.Replies) error { return r.ReplyText("from the goroutine") }); err != nil {
					panic(err)
				}
				if err := w.blocked.Do(func(plugin.Ctx) error { w.early = true; return nil }); err != nil {
					panic(err)
				}
			})
		},
		"t.early": func(ctx plugin.Ctx, _ []plugin.String) error {
			if w.early {
				return ctx.ReplyInt(1)
			}
			return ctx.ReplyInt(0)
		},
		"t.release": func(ctx plugin.Ctx, _ []plugin.String) error {
			if err := w.blocked.Unblock(nil); err != nil {
				return err
			}
			return ctx.ReplyStatus("OK")
		},
	}
}

// TestReplyCallbackIsOneBlock: what the reply callback of a blocked client changes is one block, with one SELECT, behind
// MULTI.
//
// Rules: RPL-7.
func TestReplyCallbackIsOneBlock(t *testing.T) {
	t.Parallel()
	w := &waiter{reply: func(ctx plugin.Ctx, _ []plugin.String) error {
		for _, name := range []string{"a", "b"} {
			k, err := ctx.OpenKey(plugin.StringOf([]byte(name)), plugin.Write)
			if err != nil {
				return err
			}
			if err := k.Push(plugin.Tail, plugin.StringOf([]byte("x"))); err != nil {
				return err
			}
		}
		return ctx.ReplyInt(2)
	}}
	s := New(t, module(w.handlers()), Options{Replica: true})
	c := s.Client()
	c.Do("SELECT", 3)
	c.Send("T.WAIT")
	if !c.Blocked() {
		t.Fatal("the client is not blocked")
	}
	s.WantStream()
	s.Do("T.RELEASE").Want("OK")
	c.Recv().Want(2)
	s.WantStream("MULTI", "SELECT 3", "RPUSH a x", "RPUSH b x", "EXEC")
}

// TestReplyOfAGoroutine: it is kept until the client is unblocked, and gives way to what the reply callback writes. Either
// way there is one reply, and the next command's comes behind it.
//
// Rules: REP-10.
func TestReplyOfAGoroutine(t *testing.T) {
	t.Parallel()
	for want, reply := range map[string]plugin.Handler{
		"from the goroutine": nil,
		"from the callback":  func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyText("from the callback") },
	} {
		w := &waiter{reply: reply}
		s := New(t, module(w.handlers()), Options{})
		c := s.Client()
		c.Send("T.WAIT")
		c.Send("PING")
		if !c.Blocked() {
			t.Fatal("the client is not blocked")
		}
		s.Do("T.BACKGROUND").Want("OK")
		s.eventually("the goroutine has replied", func() bool { return s.Do("T.EARLY").Int() == 1 })
		if !c.Blocked() {
			t.Error("the reply of the goroutine has unblocked the client")
		}
		s.Do("T.RELEASE").Want("OK")
		c.Recv().Want(want)
		c.Recv().Want("PONG")
	}
}

// TestTimeoutOfABlockedClient: the virtual clock decides.
//
// Rules: BLK-3.
func TestTimeoutOfABlockedClient(t *testing.T) {
	t.Parallel()
	s := New(t, module((&waiter{}).handlers()), Options{})
	c := s.Client()
	c.Send("T.WAIT")
	s.Advance(time.Minute - time.Millisecond)
	if !c.Blocked() {
		t.Fatal("the client is not blocked")
	}
	s.Advance(time.Millisecond)
	c.Recv().Want("too late")
	s.Do("T.RELEASE").Want("OK") // the handle is still there, and is ended without another reply
	c.Do("PING").Want("PONG")
}

// TestClientNumbers: they grow, 0 is none, and the append-only file that is loaded has the largest number.
//
// Rules: CLI-1.
func TestClientNumbers(t *testing.T) {
	var loading, last uint64
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("test", 1, plugin.APIVer2); err != nil {
			return err
		}
		loading = ctx.ClientID()
		return ctx.CreateCommand("t.id", func(ctx plugin.Ctx, _ []plugin.String) error {
			last = ctx.ClientID()
			if err := ctx.ReplicateVerbatim(); err != nil {
				return err
			}
			return ctx.ReplyStatus("OK")
		}, plugin.Flags("write", 0, 0, 0))
	}
	s := New(t, onLoad, Options{AOF: true})
	if loading != 0 {
		t.Errorf("OnLoad has client %d", loading)
	}
	before := uint64(0)
	for range 3 {
		c := s.Client()
		if c.Do("T.ID").Want("OK"); last != c.ID() || last <= before {
			t.Errorf("client %d after %d, CLIENT ID says %d", last, before, c.ID())
		}
		before = last
	}
	if s.ReplayAOF(onLoad); last != math.MaxUint64 {
		t.Errorf("the append-only file has client %d", last)
	}
}

// TestLogLevels: the module's name comes before the line, and an unknown level is verbose.
//
// Rules: MSC-3.
func TestLogLevels(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{"t.log": func(ctx plugin.Ctx, args []plugin.String) error {
		ctx.Log(plugin.LogLevel(args[1].String()), "level %s", args[1])
		return ctx.ReplyStatus("OK")
	}}), Options{Config: []string{"loglevel debug"}})
	for level, mark := range map[string]string{"debug": ".", "verbose": "-", "notice": "*", "warning": "#", "shouting": "-"} {
		s.Do("T.LOG", level)
		if line := mark + " <test> level " + level + "\n"; !strings.Contains(s.Log()+"\n", line) {
			t.Errorf("no line %q in\n%s", line, s.Log())
		}
	}
}

// keeper is a native value: a string as it was loaded.
type keeper struct{ text plugin.String }

// TestLoadedStringsStay: a string that was loaded with a value belongs to the module.
//
// Rules: MEM-3.
func TestLoadedStringsStay(t *testing.T) {
	t.Parallel()
	var types plugin.TypeOf[keeper]
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) (err error) {
		if err := ctx.Init("test", 1, plugin.APIVer2); err != nil {
			return err
		}
		types, err = plugin.CreateTypeOf(ctx, "test-keep", 0, plugin.MethodsOf[keeper]{
			Load: func(io *plugin.IO, _ int) (*keeper, error) { return &keeper{io.LoadString()}, io.Err() },
			Save: func(io *plugin.IO, v *keeper) { io.SaveString(v.text) },
		})
		if err != nil {
			return err
		}
		set := func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			if err := types.Set(k, &keeper{ctx.RetainString(args[2])}); err != nil {
				return err
			}
			return ctx.ReplyStatus("OK")
		}
		get := func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Read)
			if err != nil {
				return err
			}
			v, err := types.Get(k)
			if err != nil || v == nil {
				return err
			}
			return ctx.ReplyString(v.text)
		}
		if err := ctx.CreateCommand("t.set", set, plugin.Flags("write", 1, 1, 1)); err != nil {
			return err
		}
		return ctx.CreateCommand("t.get", get, plugin.Flags("readonly", 1, 1, 1))
	}
	s := New(t, onLoad, Options{})
	texts := map[string]string{"a": "one", "b": strings.Repeat("long", 5000), "c": "\x00\r\n", "d": ""}
	for key, text := range texts {
		s.Do("T.SET", key, text).Want("OK")
	}
	for range 2 {
		s.Reload()
		for key, text := range texts {
			s.Do("T.GET", key).Want(text)
		}
	}
}

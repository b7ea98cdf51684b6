package host

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/server/command"
)

// Rules: BLK-2, BLK-6.
func TestBlock(t *testing.T) {
	var bc *plugin.BlockedClient
	var f freed
	// One function serves all phases.
	var all plugin.Handler
	all = func(ctx plugin.Ctx, args []plugin.String) error {
		switch {
		case ctx.IsBlockedReply():
			if ctx.Flags()&plugin.FlagDenyBlocking == 0 {
				t.Error("a callback may block, it is said")
			}
			if ctx.IsBlockedTimeout() || ctx.BlockedClient() != bc || !ctx.BlockedReadyKey().IsZero() || ctx.Command() != "all" {
				t.Error("the reply phase")
			}
			must(t, ctx.ReplyArray(3))
			must(t, ctx.ReplyString(args[1]))
			must(t, ctx.ReplyText(ctx.BlockedPriv().(string)))
			k, err := ctx.OpenKey(args[1], plugin.Write)
			must(t, err)
			must(t, k.SetString(args[2]))
			return ctx.ReplyInt(int64(ctx.ClientID()))
		case ctx.IsBlockedTimeout():
			return ctx.ReplyNull()
		}
		if ctx.BlockedClient() != nil || ctx.BlockedPriv() != nil || !ctx.BlockedReadyKey().IsZero() || ctx.BlockedDisconnected() {
			t.Error("a handler knows of a blocked client")
		}
		if ctx.Flags()&plugin.FlagDenyBlocking != 0 {
			t.Error("the handler may not block, it is said")
		}
		var err error
		bc, err = ctx.Block(plugin.BlockOptions{Reply: all, OnTimeout: all, Timeout: 1500 * time.Microsecond, Free: f.free, Priv: "options"})
		return err
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"all": all})
	c := rigClients(2)
	c[0].DB = 3
	r.blocks(c[0], "all", "key", "value")
	if r.timeoutMs != 2 {
		t.Errorf("timeout %d ms", r.timeoutMs)
	}
	r.blockedCount(1)
	done := make(chan error)
	go func() { done <- bc.Unblock("priv") }()
	must(t, <-done)
	wantErr(t, "second Unblock", bc.Unblock("other"), plugin.ErrStale)
	wantErr(t, "Abort after Unblock", bc.Abort(), plugin.ErrStale)
	r.got(c[0], "") // nothing runs before the driver's turn
	r.turn()
	r.got(c[0], "*3\r\n$3\r\nkey\r\n$4\r\npriv\r\n:100\r\n")
	r.sent("SELECT 3", "SET key value")
	r.equal(nil)
	f.times(t, 1)
	if f.privs[0] != "priv" || f.gone[0] {
		t.Errorf("Free got %v, %v", f.privs, f.gone)
	}

	// Unblock in the handler itself, and private data of the options.
	r.blocks(c[1], "all", "k2", "v2")
	must(t, bc.Unblock(nil))
	r.turn()
	r.got(c[1], "*3\r\n$2\r\nk2\r\n$7\r\noptions\r\n:101\r\n")
	f.times(t, 2)
	r.blockedCount(0)
	r.quiet()
}

// Rules: BLK-1, CALL-4.
func TestBlockDenied(t *testing.T) {
	var f freed
	var handles []*plugin.BlockedClient
	options := plugin.BlockOptions{Free: f.free, Reply: func(plugin.Ctx, []plugin.String) error {
		t.Error("Reply was called for a client that could not block")
		return nil
	}}
	block := func(ctx plugin.Ctx, o plugin.BlockOptions) error {
		bc, err := ctx.Block(o)
		wantErr(t, "Block", err, plugin.ErrBlockDenied)
		if bc == nil {
			t.Fatal("no handle")
		}
		handles = append(handles, bc)
		return err
	}
	inReply := func(ctx plugin.Ctx, _ []plugin.String) error { return block(ctx, options) }
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"returns": func(ctx plugin.Ctx, _ []plugin.String) error { return block(ctx, options) },
		"goeson": func(ctx plugin.Ctx, _ []plugin.String) error {
			_ = block(ctx, options)
			return nil
		},
		"negative": func(ctx plugin.Ctx, _ []plugin.String) error {
			o := options
			o.Timeout = -1
			return block(ctx, o)
		},
		"twice": func(ctx plugin.Ctx, _ []plugin.String) error {
			_, err := ctx.Block(options)
			must(t, err)
			return block(ctx, options)
		},
		"inreply": func(ctx plugin.Ctx, _ []plugin.String) error {
			bc, err := ctx.Block(plugin.BlockOptions{Reply: inReply})
			must(t, err)
			return bc.Unblock(nil)
		},
		"calls": func(ctx plugin.Ctx, _ []plugin.String) error {
			reply, err := ctx.Call("RETURNS", "")
			must(t, err)
			return ctx.ReplyReply(reply)
		},
		"invalid": func(ctx plugin.Ctx, args []plugin.String) error {
			bc, err := ctx.Block(plugin.BlockOptions{Timeout: 1})
			wantErr(t, "Timeout without OnTimeout", err, plugin.ErrInvalid)
			_, err = ctx.BlockOnKeys(options, 0)
			wantErr(t, "no keys", err, plugin.ErrInvalid)
			_, err = ctx.BlockOnKeys(plugin.BlockOptions{}, 0, args[0])
			wantErr(t, "no Reply", err, plugin.ErrInvalid)
			wantErr(t, "nil handle", bc.Unblock(nil), plugin.ErrStale)
			return ctx.ReplyInt(1)
		},
	})
	const denied = "-ERR Blocking module command called "
	exec := command.Client{ID: 1, Proto: 2, InExec: true, DenyBlock: true}
	stream := command.Client{ID: 2, Proto: 2, FromStream: true}
	for _, tt := range []struct {
		cl      *command.Client
		command string
		reply   string
		frees   int
	}{
		{&exec, "returns", denied + "from transaction\r\n", 1},
		{&exec, "goeson", denied + "from transaction\r\n", 0},
		{&stream, "returns", denied + "where its client cannot wait\r\n", 1},
		{&r.client, "calls", denied + "where its client cannot wait\r\n", 1},
		{&r.client, "negative", "-ERR timeout is out of range\r\n", 1},
		{&r.client, "twice", "-ERR Blocking module command blocks its client twice\r\n", 2},
		{&r.client, "invalid", ":1\r\n", 0},
	} {
		f.n = 0
		if got := r.doAs(tt.cl, tt.command); got != tt.reply {
			t.Errorf("%s: %q, want %q", tt.command, got, tt.reply)
		}
		f.times(t, tt.frees)
	}
	r.blockedCount(1) // of the handler that went on
	f.n = 0
	for i, bc := range handles {
		if err := bc.Unblock("late"); (err == nil) != (i == 1) {
			t.Errorf("handle %d: %v", i, err)
		}
	}
	r.turn()
	f.times(t, 1)
	c := rigClients(1)[0]
	r.do("inreply")
	r.got(&r.client, denied+"from a Reply callback context\r\n")
	f.times(t, 2)
	r.blockedCount(0)
	if len(r.suspended) != 0 || c.ID == 0 {
		t.Error("somebody is suspended")
	}
	r.quiet()
}

// Rules: BLK-2, BLK-3.
func TestBlockTimeout(t *testing.T) {
	var bc *plugin.BlockedClient
	var f freed
	o := plugin.BlockOptions{
		Free: f.free, Timeout: time.Second, Priv: "p",
		Reply:     func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyText("answer") },
		OnTimeout: func(ctx plugin.Ctx, args []plugin.String) error { return ctx.ReplyString(args[1]) },
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"wait": func(ctx plugin.Ctx, args []plugin.String) (err error) {
			bc, err = ctx.Block(o)
			return err
		},
		"forever": func(ctx plugin.Ctx, args []plugin.String) (err error) {
			bc, err = ctx.Block(plugin.BlockOptions{Free: f.free})
			return err
		},
	})
	c := rigClients(1)[0]
	r.blocks(c, "wait", "too late")
	if !r.suspended[c].MayTimeOut() {
		t.Error("CLIENT UNBLOCK has no effect")
	}
	waiting, ended := bc.Context(), r.suspended[c]
	must(t, waiting.Err())
	r.timeout(c)
	r.got(c, "$8\r\ntoo late\r\n")
	f.times(t, 0) // the module still has the handle
	if ended.MayTimeOut() || waiting.Err() == nil {
		t.Error("the wait is not over")
	}
	wantErr(t, "Reply after the timeout", bc.Reply(func(plugin.Replies) error { return nil }), plugin.ErrNoClient)
	must(t, bc.Unblock(nil))
	r.turn()
	if len(r.replies) != 0 {
		t.Errorf("after the timeout the client was replied %v", r.replies)
	}
	f.times(t, 1)
	if f.privs[0] != "p" || f.gone[0] {
		t.Errorf("Free got %v, %v", f.privs, f.gone)
	}

	// Unblock before the deadline wins, whoever is noticed first.
	r.blocks(c, "wait", "x")
	must(t, bc.Unblock(nil))
	r.timeout(c)
	r.got(c, "$6\r\nanswer\r\n")
	f.times(t, 2)

	// Without a timeout callback there is no timeout.
	r.blocks(c, "forever")
	if r.timeoutMs != 0 || r.suspended[c].MayTimeOut() {
		t.Error("a client that waits for ever times out")
	}

	// The server answers itself: CLIENT UNBLOCK id ERROR.
	r.mu.Lock()
	r.suspended[c].Unblocked()
	delete(r.suspended, c)
	r.mu.Unlock()
	r.turn()
	f.times(t, 2)
	must(t, bc.Unblock(nil))
	r.turn()
	f.times(t, 3)
	r.blockedCount(0)
	r.quiet()
}

// Rules: BLK-2, BLK-4.
func TestBlockDisconnect(t *testing.T) {
	var bc *plugin.BlockedClient
	var f freed
	told := 0
	o := plugin.BlockOptions{
		Free: f.free, Timeout: time.Second,
		Reply:     func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) },
		OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(2) },
		Disconnect: func(ctx plugin.Ctx, gone *plugin.BlockedClient) {
			told++
			wantErr(t, "reply to nobody", ctx.ReplyInt(1), plugin.ErrNoClient)
			if gone != bc || ctx.BlockedClient() != bc || ctx.ClientID() != 0 {
				t.Error("the context of Disconnect")
			}
			_, err := ctx.Call("INCR", "!c", "gone")
			must(t, err)
			must(t, gone.Unblock("in Disconnect"))
		},
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"wait": func(ctx plugin.Ctx, _ []plugin.String) (err error) {
			bc, err = ctx.Block(o)
			return err
		},
	})
	c := rigClients(1)[0]
	r.blocks(c, "wait")
	r.lost(c)
	f.times(t, 1)
	r.sent("SELECT 0", "INCR gone")
	if told != 1 || !f.gone[0] || f.privs[0] != "in Disconnect" {
		t.Errorf("Disconnect ran %d times, Free got %v, %v", told, f.privs, f.gone)
	}

	// A goroutine that sees the context end may be faster than the callback.
	o.Disconnect = func(plugin.Ctx, *plugin.BlockedClient) {
		if told++; f.n != 1 {
			t.Error("Free ran before Disconnect")
		}
	}
	r.blocks(c, "wait")
	r.mu.Lock()
	r.suspended[c].Gone()
	delete(r.suspended, c)
	<-bc.Context().Done()
	must(t, bc.Unblock("by the context"))
	r.mu.Unlock()
	r.turn()
	f.times(t, 2)

	// Neither the timeout, nor Unblock before the end of the connection, is a disconnection.
	r.blocks(c, "wait")
	r.timeout(c)
	r.got(c, ":2\r\n")
	must(t, bc.Unblock(nil))
	r.turn()
	r.blocks(c, "wait")
	must(t, bc.Unblock(nil))
	r.lost(c)
	f.times(t, 4)
	r.blocks(c, "wait")
	must(t, bc.Abort())
	r.turn()
	r.got(c, "-ERR module command 'wait' returned no reply\r\n")
	if told != 2 || f.n != 5 {
		t.Errorf("Disconnect ran %d times, Free %d times", told, f.n)
	}
	r.equal(nil)
}

// Rules: BLK-5.
func TestAbort(t *testing.T) {
	var bc *plugin.BlockedClient
	var f freed
	forbidden := func(plugin.Ctx, []plugin.String) error {
		t.Error("a callback was called after Abort")
		return nil
	}
	o := plugin.BlockOptions{Free: f.free, Reply: forbidden, OnTimeout: forbidden, Disconnect: func(plugin.Ctx, *plugin.BlockedClient) {
		t.Error("Disconnect was called after Abort")
	}}
	block := func(ctx plugin.Ctx) {
		var err error
		bc, err = ctx.Block(o)
		must(t, err)
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"before": func(ctx plugin.Ctx, _ []plugin.String) error {
			block(ctx)
			must(t, ctx.ReplyInt(1))
			return bc.Abort()
		},
		"after": func(ctx plugin.Ctx, _ []plugin.String) error {
			block(ctx)
			must(t, bc.Abort())
			return ctx.ReplyInt(2)
		},
		"fails": func(ctx plugin.Ctx, _ []plugin.String) error {
			block(ctx)
			return errors.New("no")
		},
		"panics": func(ctx plugin.Ctx, _ []plugin.String) error {
			block(ctx)
			panic("no")
		},
		"replies": func(ctx plugin.Ctx, _ []plugin.String) error {
			block(ctx)
			return ctx.ReplyInt(3)
		},
		"wait": func(ctx plugin.Ctx, _ []plugin.String) error {
			block(ctx)
			return nil
		},
	})
	for i, tt := range [][2]string{
		{"before", ":1\r\n"}, {"after", ":2\r\n"}, {"fails", "-ERR no\r\n"}, {"panics", "-MODULEPANIC test: no\r\n"}, {"replies", ":3\r\n"},
	} {
		r.want(tt[1], tt[0])
		wantErr(t, tt[0], bc.Unblock(nil), plugin.ErrStale)
		f.times(t, i+1)
	}
	r.blockedCount(0)
	if m := r.h.find("test"); m.misuses.Load() != 1 || !r.logged("API misuse: command 'replies' has blocked its client and replied") {
		t.Errorf("%d misuses: %q", m.misuses.Load(), r.log)
	}
	// While the client waits already, it gets what was written so far.
	c := rigClients(1)[0]
	r.blocks(c, "wait")
	must(t, bc.Reply(func(w plugin.Replies) error { return w.ReplyStatus("written") }))
	must(t, bc.Abort())
	r.turn()
	r.got(c, "+written\r\n")
	f.times(t, 6)
}

// Rules: BLK-9.
func TestMeasure(t *testing.T) {
	var bc *plugin.BlockedClient
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"wait": func(ctx plugin.Ctx, _ []plugin.String) (err error) {
			bc, err = ctx.Block(plugin.BlockOptions{Reply: func(ctx plugin.Ctx, _ []plugin.String) error {
				time.Sleep(2 * time.Millisecond)
				return ctx.ReplyInt(1)
			}})
			return err
		},
	})
	c := rigClients(1)[0]
	r.blocks(c, "wait")
	wantErr(t, "MeasureEnd without MeasureStart", bc.MeasureEnd(), plugin.ErrInvalid)
	for range 2 {
		must(t, bc.MeasureStart())
		time.Sleep(5 * time.Millisecond)
		must(t, bc.MeasureEnd())
		time.Sleep(5 * time.Millisecond)
	}
	wantErr(t, "second MeasureEnd", bc.MeasureEnd(), plugin.ErrInvalid)
	must(t, bc.MeasureStart()) // what is not ended does not count
	must(t, bc.Unblock(nil))
	wantErr(t, "MeasureEnd after Unblock", bc.MeasureEnd(), plugin.ErrStale)
	wantErr(t, "MeasureStart after Unblock", bc.MeasureStart(), plugin.ErrStale)
	r.turn()
	r.got(c, ":1\r\n")
	if m := r.spent[0]; m < 10*time.Millisecond || r.spent[1] < 2*time.Millisecond {
		t.Errorf("measured %v, callback %v", m, r.spent[1])
	}
}

// TestReplyFromGoroutine: one reply, whoever writes it, and the callback's goes first.
//
// Rules: THR-1.
func TestReplyFromGoroutine(t *testing.T) {
	var bc *plugin.BlockedClient
	var o plugin.BlockOptions
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"wait": func(ctx plugin.Ctx, _ []plugin.String) (err error) {
			bc, err = ctx.Block(o)
			return err
		},
	})
	cl := rigClients(1)[0]
	finish := func(want string) {
		t.Helper()
		must(t, bc.Unblock(nil))
		wantErr(t, "Reply after Unblock", bc.Reply(func(plugin.Replies) error { return nil }), plugin.ErrStale)
		r.turn()
		r.got(cl, want)
	}
	var leaked plugin.Replies
	r.blocks(cl, "wait")
	r.mu.Lock() // nothing that follows may need it
	must(t, bc.Reply(func(w plugin.Replies) error {
		leaked = w
		if _, ok := w.(plugin.Ctx); ok {
			t.Error("more than replies can be had from Replies")
		}
		must(t, w.ReplyArray(plugin.Postponed))
		must(t, w.ReplyFloat(1.5))
		return w.SetArrayLen(1)
	}))
	r.mu.Unlock()
	wantErr(t, "second Reply", bc.Reply(func(plugin.Replies) error { return nil }), plugin.ErrReplyShape)
	wantErr(t, "Replies after Reply", leaked.ReplyInt(1), plugin.ErrNoClient)
	finish("*1\r\n$3\r\n1.5\r\n")

	cl.Proto = 3
	r.blocks(cl, "wait")
	must(t, bc.Reply(func(w plugin.Replies) error { return w.ReplyFloat(1.5) }))
	finish(",1.5\r\n")
	r.blocks(cl, "wait")
	must(t, bc.Reply(func(w plugin.Replies) error { return plugin.ErrWrongType }))
	counted := len(r.errors)
	finish("-" + string(plugin.ErrWrongType) + "\r\n")
	if len(r.errors) != counted+1 {
		t.Errorf("counted errors %q", r.errors)
	}
	r.quiet()
	r.blocks(cl, "wait")
	wantErr(t, "panic", bc.Reply(func(w plugin.Replies) error { panic("oh") }), plugin.ErrPanic)
	finish("-MODULEPANIC test: oh\r\n")
	r.blocks(cl, "wait")
	must(t, bc.Reply(func(w plugin.Replies) error { return w.ReplyArray(2) }))
	finish("*2\r\n_\r\n_\r\n")
	r.blocks(cl, "wait")
	finish("-ERR module command 'wait' returned no reply\r\n")

	o.Reply = func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyText("callback") }
	r.blocks(cl, "wait")
	must(t, bc.Reply(func(w plugin.Replies) error { return w.ReplyText("goroutine") }))
	finish("$8\r\ncallback\r\n")
	o.Reply = func(plugin.Ctx, []plugin.String) error { return nil }
	r.blocks(cl, "wait")
	must(t, bc.Reply(func(w plugin.Replies) error { return w.ReplyText("goroutine") }))
	finish("$9\r\ngoroutine\r\n")
}

// TestCallbacksThatDoNotReturn: whatever a callback does, the client gets one error, Free runs, and others go on.
func TestCallbacksThatDoNotReturn(t *testing.T) {
	for name, end := range map[string]func(){"oops": func() { panic("oops") }, "runtime.Goexit": runtime.Goexit} {
		var bc *plugin.BlockedClient
		frees := 0
		bad := func(ctx plugin.Ctx, _ []plugin.String) error {
			k, err := ctx.OpenKey(str("wrote"), plugin.Write)
			must(t, err)
			must(t, k.SetString(str(name)))
			must(t, ctx.ReplyArray(5))
			end()
			return nil
		}
		o := plugin.BlockOptions{Reply: bad, OnTimeout: bad, Timeout: time.Second,
			Disconnect: func(plugin.Ctx, *plugin.BlockedClient) { end() },
			Free:       func(plugin.Ctx, any) { frees++; end() },
		}
		r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
			"wait": func(ctx plugin.Ctx, _ []plugin.String) (err error) {
				bc, err = ctx.Block(o)
				return err
			},
			"waitkey": func(ctx plugin.Ctx, args []plugin.String) (err error) {
				bc, err = ctx.BlockOnKeys(o, 0, args[1])
				return err
			},
		})
		c := rigClients(1)[0]
		text := "-MODULEPANIC test: " + name + "\r\n"
		r.blocks(c, "wait")
		must(t, bc.Unblock(nil))
		r.turn()
		r.got(c, text)
		r.sent("SELECT 0", "SET wrote "+name)
		r.blocks(c, "wait")
		r.timeout(c)
		r.got(c, text)
		must(t, bc.Unblock(nil))
		r.blocks(c, "wait")
		r.lost(c)
		must(t, bc.Unblock(nil))
		r.turn()
		r.blocks(c, "waitkey", "k")
		r.do("LPUSH", "k", "x")
		r.got(c, text)
		if frees != 4 {
			t.Errorf("%s: Free ran %d times", name, frees)
		}
		r.blockedCount(0)
		if n := r.h.find("test").panics.Load(); n != 8 {
			t.Errorf("%s: %d panics", name, n)
		}
		if !strings.Contains(strings.Join(r.log, "\n"), "reply callback of command 'wait' did not return") {
			t.Errorf("log: %q", r.log)
		}
		r.want("+OK\r\n", "SET", "still", "there")
	}
}

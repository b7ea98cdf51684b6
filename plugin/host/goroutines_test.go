package host

import (
	"context"
	"errors"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"datastore/plugin"
)

// goRig is a rig with a module that starts goroutines: GO runs r.next on one.
func goRig(t *testing.T, next *func(bg *plugin.Background)) *rig {
	return newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"go": func(ctx plugin.Ctx, _ []plugin.String) error {
			if err := ctx.Go(*next); err != nil {
				return err
			}
			return ctx.ReplyStatus("OK")
		},
	})
}

// inBackground runs f on a supervised goroutine and waits for it.
func (r *rig) inBackground(next *func(bg *plugin.Background), f func(bg *plugin.Background)) {
	r.t.Helper()
	done := make(chan struct{})
	*next = func(bg *plugin.Background) {
		defer close(done)
		f(bg)
	}
	r.want("+OK\r\n", "go")
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		r.t.Fatal("the goroutine does not end")
	}
}

// TestDo: what a goroutine does with the lock is one unit, begins in database 0, and has nobody to reply to.
//
// Rules: THR-2, THR-3.
func TestDo(t *testing.T) {
	var next func(bg *plugin.Background)
	r := goRig(t, &next)
	var dead plugin.Ctx
	var key *plugin.Key
	failed := errors.New("f's own")
	r.inBackground(&next, func(bg *plugin.Background) {
		for range 2 {
			err := bg.Do(func(ctx plugin.Ctx) error {
				dead = ctx
				if ctx.SelectedDB() != 0 || ctx.ClientID() != 0 || ctx.Command() != "" || ctx.Module() != "test" || ctx.BlockedClient() != nil {
					t.Error("the context of Do")
				}
				wantErr(t, "ReplyInt", ctx.ReplyInt(1), plugin.ErrNoClient)
				wantErr(t, "ReplyArray", ctx.ReplyArray(1), plugin.ErrNoClient)
				wantErr(t, "ReplicateVerbatim", ctx.ReplicateVerbatim(), plugin.ErrNoClient)
				_, err := ctx.Block(plugin.BlockOptions{})
				wantErr(t, "Block", err, plugin.ErrNoClient)
				key, err = ctx.OpenKey(str("low"), plugin.Write)
				must(t, err)
				must(t, key.Push(plugin.Tail, str("1")))
				must(t, ctx.SelectDB(2))
				_, err = ctx.Call("INCR", "c", "n")
				must(t, err)
				return failed
			})
			wantErr(t, "Do", err, failed)
		}
	})
	r.sent("MULTI", "SELECT 0", "RPUSH low 1", "SELECT 2", "INCR n", "EXEC", "MULTI", "SELECT 0", "RPUSH low 1", "SELECT 2", "INCR n", "EXEC")
	r.equal(nil)
	wantErr(t, "a key after Do", key.Push(plugin.Tail, str("2")), plugin.ErrStale)
	wantErr(t, "a reply after Do", dead.ReplyInt(1), plugin.ErrNoClient)
	r.want("*2\r\n$1\r\n1\r\n$1\r\n1\r\n", "LRANGE", "low", "0", "-1")
	r.quiet()
}

// TestDoInCallbacks: whoever has the lock already gets an error instead of waiting for himself.
//
// Rules: THR-1.
func TestDoInCallbacks(t *testing.T) {
	var bg *plugin.Background
	var bc *plugin.BlockedClient
	refused := func(what string) {
		for _, do := range []func(func(plugin.Ctx) error) error{bg.Do, bg.TryDo, bc.Do} {
			wantErr(t, what, do(func(plugin.Ctx) error { return nil }), plugin.ErrLocked)
		}
	}
	r := bareRig(t)
	r.replica = bareRig(t)
	must(t, r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("test", 1, plugin.APIVer2))
		must(t, ctx.Go(func(g *plugin.Background) {
			r.mu.Lock()
			bg = g
			r.mu.Unlock()
			<-g.Done()
		}))
		return ctx.CreateCommand("handler", func(ctx plugin.Ctx, args []plugin.String) (err error) {
			bc, err = ctx.Block(plugin.BlockOptions{
				Reply: func(ctx plugin.Ctx, _ []plugin.String) error { refused("reply callback"); return ctx.ReplyInt(1) },
				Free:  func(plugin.Ctx, any) { refusedFree(t, bg) },
			})
			must(t, err)
			refused("handler")
			return nil
		}, plugin.Flags("write", 0, 0, 0))
	}, OnUnload: func(plugin.Ctx) error { refusedFree(t, bg); return nil }}, nil))
	r.await("the goroutine has begun", func() bool { return bg != nil })
	r.blocks(&r.client, "handler")
	must(t, bg.Do(func(plugin.Ctx) error { refused("Do"); return nil }))
	must(t, bc.Unblock(nil))
	r.turn()
	r.got(&r.client, ":1\r\n")
	must(t, r.h.UnloadBeside("test"))
	wantErr(t, "Do of a module that is gone", bg.Do(func(plugin.Ctx) error { return nil }), plugin.ErrStopped)
	wantErr(t, "Go of a module that is gone", bg.Go(func(*plugin.Background) {}), plugin.ErrStopped)
}

func refusedFree(t *testing.T, bg *plugin.Background) {
	wantErr(t, "callback", bg.Do(func(plugin.Ctx) error { return nil }), plugin.ErrLocked)
}

// Rules: THR-1.
func TestTryDo(t *testing.T) {
	var next func(bg *plugin.Background)
	r := goRig(t, &next)
	r.inBackground(&next, func(bg *plugin.Background) {
		r.mu.Lock()
		wantErr(t, "TryDo", bg.TryDo(func(plugin.Ctx) error { return nil }), plugin.ErrBusy)
		r.mu.Unlock()
		ran := false
		must(t, bg.TryDo(func(plugin.Ctx) error { ran = true; return nil }))
		if !ran {
			t.Error("TryDo did nothing")
		}
	})
}

// TestDoOfBlockedClient: in the name of the client, with its database, and with a reply.
//
// Rules: THR-1, THR-2.
func TestDoOfBlockedClient(t *testing.T) {
	var bc *plugin.BlockedClient
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"wait": func(ctx plugin.Ctx, _ []plugin.String) (err error) {
		bc, err = ctx.Block(plugin.BlockOptions{Priv: "p"})
		return err
	}})
	c := rigClients(1)[0]
	c.DB, c.Proto = 4, 3
	r.blocks(c, "wait")
	must(t, bc.Do(func(ctx plugin.Ctx) error {
		if ctx.SelectedDB() != 4 || ctx.ClientID() != c.ID || ctx.BlockedClient() != bc || ctx.BlockedPriv() != "p" || ctx.IsBlockedReply() {
			t.Error("the context of Do")
		}
		must(t, ctx.SelectDB(5))
		_, err := ctx.Call("SET", "cc", "k", "v")
		must(t, err)
		return ctx.ReplyFloat(0.5)
	}))
	r.got(c, "")
	must(t, bc.Do(func(ctx plugin.Ctx) error {
		_, err := ctx.Call("SET", "cc", "k", "w")
		return err
	}))
	wantErr(t, "Reply after a reply in Do", bc.Reply(func(plugin.Replies) error { return nil }), plugin.ErrReplyShape)
	must(t, bc.Unblock(nil))
	r.turn()
	r.got(c, ",0.5\r\n")
	wantErr(t, "Do after Unblock", bc.Do(func(plugin.Ctx) error { return nil }), plugin.ErrStale)
	if c.DB != 4 {
		t.Errorf("the client is in database %d", c.DB)
	}
	r.sent("SELECT 5", "SET k v", "SELECT 4", "SET k w")
	r.equal(nil)

	r.blocks(c, "wait")
	wantErr(t, "panic", bc.Do(func(ctx plugin.Ctx) error { must(t, ctx.ReplyInt(1)); panic("x") }), plugin.ErrPanic)
	r.lost(c)
	must(t, bc.Do(func(ctx plugin.Ctx) error {
		wantErr(t, "a reply to nobody", ctx.ReplyInt(1), plugin.ErrNoClient)
		return nil
	}))
	must(t, bc.Abort())
	r.turn()
	r.blockedCount(0)
}

// TestGoroutinesAreIsolated: a panic ends one goroutine, and one Do.
func TestGoroutinesAreIsolated(t *testing.T) {
	var next func(bg *plugin.Background)
	r := goRig(t, &next)
	m := r.h.find("test")
	r.inBackground(&next, func(bg *plugin.Background) {
		err := bg.Do(func(ctx plugin.Ctx) error {
			_, err := ctx.Call("SET", "cc", "before", "panic")
			must(t, err)
			panic("in Do")
		})
		wantErr(t, "Do", err, plugin.ErrPanic)
		if !strings.Contains(err.Error(), "in Do") {
			t.Errorf("%v", err)
		}
	})
	r.sent("SELECT 0", "SET before panic")
	r.inBackground(&next, func(bg *plugin.Background) { panic("in the goroutine") })
	r.inBackground(&next, func(bg *plugin.Background) { runtime.Goexit() })
	r.inBackground(&next, func(bg *plugin.Background) {
		_ = bg.Do(func(plugin.Ctx) error { runtime.Goexit(); return nil })
	})
	r.inBackground(&next, func(bg *plugin.Background) {
		var wild *int
		*wild++
	})
	r.await("all goroutines have ended", func() bool { return m.goroutines.count() == 0 })
	if n := m.panics.Load(); n != 4 || !r.logged("in the goroutine") || !r.logged("goroutines_test.go") {
		t.Errorf("%d panics, log %q", n, r.log)
	}
	next = nil
	r.want("-ERR invalid argument\r\n", "go")
	r.want("+OK\r\n", "SET", "still", "there")
}

// TestDoWaitsForTheDataset: what it would write before would be lost.
func TestDoWaitsForTheDataset(t *testing.T) {
	var next func(bg *plugin.Background)
	r := goRig(t, &next)
	r.loading.Store(true)
	begun := make(chan struct{})
	var ran atomic.Bool
	next = func(bg *plugin.Background) {
		close(begun)
		must(t, bg.Do(func(plugin.Ctx) error { ran.Store(true); return nil }))
	}
	r.want("+OK\r\n", "go")
	<-begun
	time.Sleep(3 * loadPoll)
	if ran.Load() {
		t.Error("Do ran while the dataset was being loaded")
	}
	r.loading.Store(false)
	r.await("Do has run", ran.Load)
}

// Rules: INIT-9.
func TestUnloadWithBlockedClients(t *testing.T) {
	var bc *plugin.BlockedClient
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"wait": func(ctx plugin.Ctx, _ []plugin.String) (err error) {
		bc, err = ctx.Block(plugin.BlockOptions{})
		return err
	}})
	r.blocks(&r.client, "wait")
	for range 2 {
		wantErr(t, "Unload", r.h.Unload("test"), ErrHasBlocked)
		wantErr(t, "UnloadBeside", r.h.UnloadBeside("test"), ErrHasBlocked)
	}
	r.lost(&r.client)
	wantErr(t, "a handle that was not given back", r.h.Unload("test"), ErrHasBlocked)
	must(t, bc.Unblock(nil))
	r.turn()
	must(t, r.h.Unload("test"))
	wantErr(t, "Unblock after the unload", bc.Unblock(nil), plugin.ErrStale)
}

// TestUnloadEndsGoroutines: their contexts end, and a last Do is possible; one that does not return keeps the module loaded.
func TestUnloadEndsGoroutines(t *testing.T) {
	var next func(bg *plugin.Background)
	r := goRig(t, &next)
	r.h.o.UnloadTimeout = 50 * time.Millisecond
	next = func(bg *plugin.Background) {
		<-bg.Done()
		if !errors.Is(bg.Context().Err(), context.Canceled) {
			t.Error("the context has not ended")
		}
		wantErr(t, "Go while ending", bg.Go(func(*plugin.Background) {}), plugin.ErrStopped)
		must(t, bg.Do(func(ctx plugin.Ctx) error {
			_, err := ctx.Call("INCR", "c", "last")
			return err
		}))
		bg.Log(plugin.Notice, "good%s", "bye\n")
	}
	for range 3 {
		r.want("+OK\r\n", "go")
	}
	stuck := make(chan struct{})
	next = func(*plugin.Background) { <-stuck }
	r.want("+OK\r\n", "go")
	wantErr(t, "Unload under the lock", r.h.Unload("test"), ErrUnloadRefused)
	err := r.h.UnloadBeside("test")
	wantErr(t, "a goroutine that does not return", err, ErrUnloadRefused)
	if !strings.Contains(err.Error(), "1 of its goroutines have not returned") {
		t.Error(err)
	}
	r.want("$1\r\n3\r\n", "GET", "last")
	var fresh atomic.Bool
	next = func(bg *plugin.Background) { fresh.Store(bg.Context().Err() == nil); <-bg.Done() }
	r.want("+OK\r\n", "go") // the module goes on
	r.await("a new goroutine has a context that has not ended", fresh.Load)
	close(stuck)
	must(t, r.h.UnloadBeside("test"))
	if !r.logged("<test> goodbye") || r.do("go") != "-ERR unknown command" {
		t.Errorf("log %q", r.log)
	}
}

// TestGoInOnLoad: goroutines start with the module, and not at all when it fails.
func TestGoInOnLoad(t *testing.T) {
	r := bareRig(t)
	started := make(chan string, 10)
	load := func(name string, result error) error {
		return r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error {
			wantErr(t, "Go before Init", ctx.Go(func(*plugin.Background) {}), plugin.ErrNotInitialized)
			must(t, ctx.Init(name, 1, plugin.APIVer2))
			must(t, ctx.Go(func(bg *plugin.Background) {
				must(t, bg.Do(func(ctx plugin.Ctx) error { started <- ctx.Module(); return nil }))
			}))
			ctx.SignalKeyAsReady(str("k"))
			time.Sleep(time.Millisecond)
			if len(started) != 0 {
				t.Error("the goroutine runs before OnLoad has returned")
			}
			return result
		}}, nil)
	}
	failed := errors.New("no")
	wantErr(t, "OnLoad", load("bad", failed), failed)
	must(t, load("good", nil))
	if name := <-started; name != "good" {
		t.Errorf("started: %s", name)
	}
	r.await("the goroutine has ended", func() bool { return r.h.find("good").goroutines.count() == 0 })
}

// TestStop: the end of the server ends goroutines and runs what closed connections have left.
func TestStop(t *testing.T) {
	var next func(bg *plugin.Background)
	r := goRig(t, &next)
	ended := make(chan error, 1)
	next = func(bg *plugin.Background) {
		<-bg.Done()
		ended <- bg.Do(func(plugin.Ctx) error { return nil })
	}
	r.want("+OK\r\n", "go")
	r.h.Stop()
	wantErr(t, "Do at the end", <-ended, plugin.ErrStopped)
	r.want("-ERR "+plugin.ErrStopped.Error()+"\r\n", "go")
}

// TestProfileLabels: goroutines and callbacks carry the module's name in profiles.
func TestProfileLabels(t *testing.T) {
	var next func(bg *plugin.Background)
	r := goRig(t, &next)
	r.inBackground(&next, func(bg *plugin.Background) {
		var text strings.Builder
		must(t, pprof.Lookup("goroutine").WriteTo(&text, 1))
		if !strings.Contains(text.String(), `labels: {"module":"test"}`) {
			t.Error("no label")
		}
	})
}

// TestBlockingUnderRace has goroutines, clients and unloads meet.
func TestBlockingUnderRace(t *testing.T) {
	r := bareRig(t)
	load := func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("test", 1, plugin.APIVer2))
		return ctx.CreateCommand("work", func(ctx plugin.Ctx, args []plugin.String) error {
			bc, err := ctx.Block(plugin.BlockOptions{Timeout: time.Second, Free: func(plugin.Ctx, any) {},
				OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(-1) }})
			if err != nil {
				return err
			}
			return ctx.Go(func(bg *plugin.Background) {
				_ = bc.MeasureStart()
				_ = bc.Reply(func(w plugin.Replies) error { return w.ReplyInt(1) })
				_ = bg.Do(func(ctx plugin.Ctx) error { _, err := ctx.Call("INCR", "c", "n"); return err })
				_ = bc.MeasureEnd()
				_ = bc.Unblock(nil)
			})
		}, plugin.Flags("write", 0, 0, 0))
	}
	clients := rigClients(4)
	for range 20 {
		r.mustLoad(load)
		var wg sync.WaitGroup
		for _, c := range clients {
			wg.Go(func() {
				if got := r.doAs(c, "work"); got != "" && !strings.HasPrefix(got, "-ERR unknown command") {
					t.Errorf("work: %q", got)
				}
			})
		}
		wg.Wait()
		r.await("all are served", func() bool { return len(r.suspended) == 0 })
		for _, c := range clients {
			r.got(c, ":1\r\n")
		}
		must(t, r.h.UnloadBeside("test"))
	}
}

func BenchmarkInsideCallback(b *testing.B) {
	for range b.N {
		if insideCallback() {
			b.Fatal("no")
		}
	}
}

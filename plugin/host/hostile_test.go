package host

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// TestContextsThatAreKept: a context that is used after its callback, while no command runs, gives errors and leaves the
// keyspace alone.
func TestContextsThatAreKept(t *testing.T) {
	var kept plugin.Ctx
	var cmd *plugin.Cmd
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"keep": func(ctx plugin.Ctx, args []plugin.String) error {
			kept, cmd = ctx, ctx.Cmd("SET").Str(str("stale")).Str(str("x"))
			return ctx.ReplyInt(1)
		},
	})
	r.want(":1\r\n", "keep")
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, plugin.ErrStale) && !errors.Is(err, plugin.ErrNoClient) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := kept.OpenKey(str("k"), plugin.Write)
	check("OpenKey", err)
	_, err = kept.Call("SET", "cc", "k", "v")
	check("Call", err)
	_, err = kept.Cmd("SET").Str(str("k")).Str(str("v")).Do()
	check("Cmd", err)
	_, err = cmd.Do()
	check("an old Cmd", err)
	check("Replicate", kept.Replicate("SET", "cc", "k", "v"))
	check("ReplicateVerbatim", kept.ReplicateVerbatim())
	check("SelectDB", kept.SelectDB(1))
	check("Go", kept.Go(func(*plugin.Background) {}))
	check("ReplyInt", kept.ReplyInt(1))
	_, err = kept.TryAlloc(10)
	check("TryAlloc", err)
	_, err = kept.Block(plugin.BlockOptions{})
	check("Block", err)
	kept.SignalModifiedKey(str("k"))
	kept.SignalKeyAsReady(str("k"))
	if len(r.touched) != 0 {
		t.Errorf("touched %q", r.touched)
	}
	r.want("$-1\r\n", "GET", "k")
	r.want(":1\r\n", "keep")
	r.sent()
	r.quiet()
}

// TestMemoryDoesNotGrow: what handlers of all kinds leave behind does not add up.
func TestMemoryDoesNotGrow(t *testing.T) {
	nt := newNumbers()
	nt.m.AllocSize = func(v *numbers) int64 { return int64(cap(v.n)) * 8 }
	nt.m.FreeEffort = func(plugin.OptCtx, *numbers) int { return 1000 }
	nt.m.Free = func(*numbers) {}
	done := make(chan struct{}, 1)
	handlers := map[string]plugin.Handler{
		"m.panic": func(ctx plugin.Ctx, args []plugin.String) error {
			_, _ = ctx.OpenKey(args[1], plugin.Write)
			_, _ = ctx.Call("LRANGE", "cll", "list", 0, -1)
			ctx.Cmd("SET").Str(args[1])
			panic("told to panic")
		},
		"m.calls": func(ctx plugin.Ctx, args []plugin.String) error {
			for range 3 {
				if _, err := ctx.Call("LRANGE", "cll", "list", 0, -1); err != nil {
					return err
				}
			}
			ctx.Cmd("SET")
			ctx.PoolAlloc(3000)
			return ctx.ReplyInt(1)
		},
		"m.alloc": func(ctx plugin.Ctx, _ []plugin.String) error {
			ctx.Free(ctx.Realloc(ctx.Alloc(100), 5000))
			p, err := ctx.Heap().Alloc(1000)
			return errors.Join(err, ctx.Heap().Free(p), ctx.ReplyInt(1))
		},
		"m.walk": func(ctx plugin.Ctx, _ []plugin.String) error {
			k, err := ctx.OpenKey(str("list"), plugin.Write)
			if err != nil {
				return err
			}
			for range k.LAll() {
				break
			}
			return ctx.ReplyInt(1)
		},
		"m.block": func(ctx plugin.Ctx, args []plugin.String) error {
			o := plugin.BlockOptions{
				Reply: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }, Free: func(plugin.Ctx, any) {},
				Priv: make([]byte, 100),
			}
			b, err := ctx.Block(o)
			if err != nil {
				return err
			}
			b.Context()
			return b.Unblock(nil)
		},
		"m.blockkeys": func(ctx plugin.Ctx, args []plugin.String) error {
			o := plugin.BlockOptions{
				Reply: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }, Free: func(plugin.Ctx, any) {},
			}
			b, err := ctx.BlockOnKeys(o, plugin.UnblockDeleted, args[1], str("list"))
			if err != nil {
				return err
			}
			b.Context()
			ctx.SignalKeyAsReady(str("list"))
			return nil
		},
		"m.go": func(ctx plugin.Ctx, args []plugin.String) error {
			err := ctx.Go(func(*plugin.Background) { done <- struct{}{} })
			return errors.Join(err, ctx.ReplyInt(1))
		},
	}
	for name, h := range handlers {
		nt.special[name] = h
	}
	r := bareRig(t)
	r.mustLoad(nt.onLoad(plugin.APIVer2))
	r.ctx.Effects.Listen(true)
	r.do("RPUSH", "list", "1", "2", "3", "4", "5", "6", "7", "8", "9", strings.Repeat("x", 100))
	r.do("nadd", "dumped", "1")
	reply := r.do("DUMP", "dumped")
	dump := reply[strings.Index(reply, "\n")+1 : len(reply)-2]
	steps := map[string]func(key string){
		"panic": func(key string) { r.do("m.panic", key) },
		"calls": func(string) { r.do("m.calls") }, "alloc": func(string) { r.do("m.alloc") }, "walk": func(string) { r.do("m.walk") },
		"block": func(string) {
			r.do("m.block")
			clear(r.replies)
		},
		"blockkeys": func(key string) {
			r.do("m.blockkeys", key)
			if len(r.suspended) > 0 {
				r.do("RPUSH", key, "1")
				r.do("DEL", key)
			}
			clear(r.replies)
		},
		"go":     func(string) { r.do("m.go"); <-done },
		"del":    func(key string) { r.do("nadd", key, "1"); r.do("DEL", key) },
		"unlink": func(key string) { r.do("nadd", key, "1"); r.do("UNLINK", key) },
		"set":    func(key string) { r.do("nadd", key, "1"); r.do("SET", key, "1"); r.do("DEL", key) },
		"flush": func(key string) {
			r.do("nadd", key, "1")
			r.do("SELECT", "0")
			r.do("FLUSHDB")
			r.do("RPUSH", "list", "1")
		},
		"restore": func(key string) { r.do("RESTORE", key, "0", dump); r.do("DEL", key) },
	}
	heap := func() int64 {
		r.h.reaper.wg.Wait()
		for r.ctx.Store.FreeSome(1 << 20) {
		}
		r.h.reaper.wg.Wait()
		r.log, r.errors, r.touched, r.stream, r.aof = nil, nil, nil, nil, nil
		clear(r.ctx.W.Buf[:cap(r.ctx.W.Buf)])
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) + r.ctx.Store.UsedBytes()
	}
	const times = 20_000
	for name, step := range steps {
		for range 100 {
			step("warm")
		}
		before, goroutines := heap(), runtime.NumGoroutine()
		for i := range times {
			step("key:" + strconv.Itoa(i))
			r.log, r.errors, r.touched = r.log[:0], r.errors[:0], r.touched[:0]
			if len(r.suspended) > 0 {
				t.Fatalf("%s left a client suspended", name)
			}
		}
		after := heap()
		t.Logf("%s: %d bytes, %d goroutines", name, after-before, runtime.NumGoroutine()-goroutines)
		if grown := after - before; grown > 4*times { // queues keep what they have grown to; an object each time is 16 bytes
			t.Errorf("%s: %d times took %d bytes", name, times, grown)
		}
		if more := runtime.NumGoroutine() - goroutines; more > 2 {
			t.Errorf("%s left %d goroutines", name, more)
		}
	}
	if len(r.h.waits.keys) > 0 {
		t.Errorf("%d keys are waited for", len(r.h.waits.keys))
	}
	r.h.Close()
}

// TestManyClientsAtOnce: clients that are unblocked at once are answered in several turns, in their order, so that others get
// their turn in between.
func TestManyClientsAtOnce(t *testing.T) {
	var handles []*plugin.BlockedClient
	var served []uint64
	o := plugin.BlockOptions{
		Reply: func(ctx plugin.Ctx, _ []plugin.String) error {
			served = append(served, ctx.ClientID())
			return ctx.ReplyInt(1)
		},
		Free: func(plugin.Ctx, any) {},
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"b.wait": func(ctx plugin.Ctx, _ []plugin.String) error {
			b, err := ctx.Block(o)
			handles = append(handles, b)
			return err
		},
		"b.key": func(ctx plugin.Ctx, args []plugin.String) error {
			_, err := ctx.BlockOnKeys(o, 0, args[1])
			return err
		},
	})
	clients := rigClients(3*maxServed + 10)
	turns := func(want int) {
		t.Helper()
		n := 0
		for before := len(served); r.due.Load(); before = len(served) {
			r.turn()
			if now := len(served) - before; now > maxServed {
				t.Errorf("a turn served %d clients", now)
			}
			n++
		}
		if n != want || len(served) != len(clients) {
			t.Errorf("%d clients were served in %d turns", len(served), n)
		}
		for i, id := range served {
			if id != clients[i].ID {
				t.Fatalf("client %d was served at place %d", id, i)
			}
		}
		served = nil
		r.blockedCount(0)
	}
	for _, cl := range clients {
		r.doAs(cl, "b.wait")
	}
	for _, b := range handles {
		must(t, b.Unblock(nil))
	}
	turns(4)
	for _, cl := range clients {
		r.doAs(cl, "b.key", "k")
	}
	r.do("SET", "k", "x") // serves the first of them
	if n := len(served); n == 0 || n > maxServed {
		t.Errorf("%d clients were served at once", n)
	}
	turns(3)
	for _, cl := range clients {
		r.doAs(cl, "b.key", "k2")
	}
	r.do("SET", "k2", "x")
	r.do("DEL", "k2") // in the middle: it is ready for nobody any more
	for r.due.Load() {
		r.turn()
	}
	if n := len(served); n == 0 || n > 2*maxServed || len(r.suspended) != len(clients)-n {
		t.Errorf("%d clients were served, %d are suspended", n, len(r.suspended))
	}
	r.do("SET", "k2", "x")
	turns(2)
}

// TestManyOpenKeys: a handler that opens many keys, leaves them open, closes them in any order and changes native values in
// them takes time for each one, not for each pair; conflicts are found among many as among few.
func TestManyOpenKeys(t *testing.T) {
	nt := newNumbers()
	nt.special["many"] = func(ctx plugin.Ctx, args []plugin.String) error {
		n, _ := args[2].Int64()
		keys := make([]*plugin.Key, n)
		for i := range keys {
			k, err := ctx.OpenKey(str("k"+strconv.Itoa(i)), plugin.Write)
			if err != nil {
				return err
			}
			if err := nt.t.Set(k, &numbers{n: []int64{int64(i)}}); err != nil {
				return err
			}
			keys[i] = k
		}
		for i := 0; i < len(keys); i += 3 {
			if err := keys[i].Close(); err != nil {
				return err
			}
		}
		for i := range keys {
			_, err := ctx.OpenKey(str("k"+strconv.Itoa(i)), plugin.Read)
			_, called := ctx.Call("EXISTS", "c", "k"+strconv.Itoa(i))
			_, listed := ctx.Call("LLEN", "c", "k"+strconv.Itoa(i))
			want := error(nil)
			if i%3 != 0 {
				want = plugin.ErrOpenKeyBusy
			}
			if (i%3 != 0) != errors.Is(err, plugin.ErrKeyConflict) || !errors.Is(called, want) || !errors.Is(listed, want) {
				return ctx.ReplyErrorf("ERR key %d: %v, %v, %v", i, err, called, listed)
			}
		}
		return ctx.ReplyInt(n)
	}
	r := bareRig(t)
	r.replica = bareRig(t)
	r.ctx.Effects.Listen(true)
	r.mustLoad(nt.onLoad(plugin.APIVer2))
	for _, n := range []int{1, 5, manyOpen - 1, manyOpen, manyOpen + 1, 1000} {
		r.want(":"+strconv.Itoa(n)+"\r\n", "many", "x", strconv.Itoa(n))
	}
	r.replica = nil
	began := time.Now()
	r.want(":40000\r\n", "many", "x", "40000")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("40,000 keys took %v", took)
	}
	r.want("$-1\r\n", "GET", "none")
}

// TestValuesThatAreStoredAgain: a value that is stored in the key that has it already is not freed, and replicated as it is now.
func TestValuesThatAreStoredAgain(t *testing.T) {
	nt, freed := newNumbers(), 0
	nt.m.Free = func(*numbers) { freed++ }
	nt.m.Unlink = func(plugin.OptCtx, *numbers) { freed++ }
	nt.special["again"] = func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
		if err != nil {
			return err
		}
		v, err := nt.t.Get(k)
		if err != nil {
			return err
		}
		v.n[0]++
		if _, err := nt.t.Replace(k, v); !errors.Is(err, plugin.ErrInvalid) {
			t.Errorf("Replace: %v", err)
		}
		if err := nt.t.Set(k, v); err != nil {
			return err
		}
		return ctx.ReplyInt(v.n[0])
	}
	r := bareRig(t)
	r.replica = bareRig(t)
	r.ctx.Effects.Listen(true)
	r.mustLoad(nt.onLoad(plugin.APIVer2))
	r.want("+OK\r\n", "nadd", "k", "1")
	r.want(":1\r\n", "PEXPIRE", "k", "1000")
	r.want(":2\r\n", "again", "k")
	r.want(":-1\r\n", "PTTL", "k")
	if freed != 0 {
		t.Errorf("a value in use was freed %d times", freed)
	}
	r.want(":1\r\n", "DEL", "k")
	if freed != 2 {
		t.Errorf("Free and Unlink ran %d times", freed)
	}
}

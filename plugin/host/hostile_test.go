package host

import (
	"errors"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/server/resp"
)

// TestSizesThatMakeNoSense: lengths and times that are negative, too large, or overflow are errors, and change nothing.
func TestSizesThatMakeNoSense(t *testing.T) {
	extremes := []int{math.MinInt, -1 << 40, -2, -1, 0, 1, 1 << 31, 1 << 40, 1 << 47, math.MaxInt - 7, math.MaxInt - 1, math.MaxInt}
	guard := func(what string, n int, f func()) {
		defer func() {
			v := recover()
			err, ok := v.(error)
			if v != nil && (!ok || !errors.Is(err, plugin.ErrInvalid) && !errors.Is(err, plugin.ErrOOM) && !errors.Is(err, plugin.ErrTooLarge)) {
				t.Errorf("%s(%d) panicked with %v", what, n, v)
			}
		}()
		f()
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"mem": func(ctx plugin.Ctx, _ []plugin.String) error {
			for _, n := range extremes {
				guard("PoolAlloc", n, func() { ctx.PoolAlloc(n) })
				if n == 1<<40 || n == 1<<31 {
					continue // the system may give that
				}
				guard("Alloc", n, func() { ctx.Free(ctx.Alloc(n)) })
				guard("TryAlloc", n, func() {
					if p, err := ctx.TryAlloc(n); err == nil {
						ctx.Free(p)
					}
				})
				guard("Calloc", n, func() { ctx.Free(ctx.Calloc(n, 2)) })
				guard("Calloc", n, func() { ctx.Free(ctx.Calloc(3, n)) })
				p := ctx.Alloc(10)
				guard("TryRealloc", n, func() {
					if q, err := ctx.TryRealloc(p, n); err == nil {
						p = q
					}
				})
				ctx.Free(p)
				guard("Heap", n, func() {
					if p, err := ctx.Heap().Alloc(n); err == nil {
						_ = ctx.Heap().Free(p)
					}
				})
			}
			return ctx.ReplyInt(1)
		},
		"walk": func(ctx plugin.Ctx, args []plugin.String) error {
			for _, n := range extremes {
				for _, name := range []string{"string", "list", "hash", "set", "zset", "none"} {
					k, err := ctx.OpenKey(str(name), plugin.Read|plugin.Write)
					if err != nil {
						return err
					}
					_, _ = k.LGet(n)
					_ = k.LSet(n, str("x"))
					if n != 0 && n != -1 {
						_ = k.LInsert(n, str("x"))
						_ = k.LDelete(n)
					}
					if n != 0 && n != 1 {
						_ = k.Truncate(n)
					}
					_ = k.Close()
				}
				_ = ctx.SelectDB(n)
				_ = ctx.SelectDB(0)
			}
			return ctx.ReplyInt(1)
		},
		"t.ttl": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[2].Int64()
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			if err := k.SetTTL(time.Duration(n)); err != nil {
				return err
			}
			return ctx.ReplyInt(int64(k.TTL()))
		},
		"t.ttlat": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[2].Int64()
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			if err := k.SetExpireAt(time.UnixMilli(n)); err != nil {
				return err
			}
			at, _ := k.ExpireAt()
			return ctx.ReplyInt(at.UnixMilli())
		},
		"replies": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			return errors.Join(ctx.ReplyArray(int(n)), ctx.ReplyMap(int(n)), ctx.ReplySet(int(n)))
		},
		"setlen": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			return errors.Join(ctx.ReplyArray(plugin.Postponed), ctx.SetArrayLen(int(n)))
		},
		"block": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			b, err := ctx.Block(plugin.BlockOptions{Timeout: time.Duration(n), OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error {
				return ctx.ReplyStatus("late")
			}})
			if err != nil {
				return err
			}
			return b.Abort()
		},
	})
	r.do("SET", "string", "text")
	r.do("RPUSH", "list", "a", "b", "c")
	r.do("HSET", "hash", "a", "b")
	r.do("SADD", "set", "a", "b")
	r.do("ZADD", "zset", "1", "a", "2", "b")
	r.want(":1\r\n", "mem")
	r.want(":1\r\n", "walk")
	for _, n := range extremes {
		text := string(appendInt64(nil, int64(n)))
		for _, name := range []string{"replies", "setlen", "block"} {
			if got := r.do(name, text); len(got) > 1<<21 {
				t.Errorf("%s %d replied %d bytes", name, n, len(got))
			}
			for cl := range r.suspended {
				delete(r.suspended, cl)
			}
		}
		for _, name := range []string{"t.ttl", "t.ttlat"} {
			if name == "t.ttl" && (n == 0 || n == int(plugin.NoExpire)) {
				continue // these make sense
			}
			r.do("SET", "k", "x")
			got := r.do(name, "k", text)
			there := r.do("EXISTS", "k") == ":1\r\n"
			if there != (n > 1<<41 || n > 0 && name == "t.ttl") && !strings.HasPrefix(got, "-") {
				t.Errorf("%s %d replied %q, key exists: %v", name, n, got, there)
			}
			r.equal([]string{name, text})
		}
	}
}

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
		if grown := after - before; grown > 2*times {
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

// TestElementsThatAreTooLong: what is longer than any client could send is refused before it gets into the keyspace, whose
// records have lengths of 32 bits.
func TestElementsThatAreTooLong(t *testing.T) {
	if testing.Short() {
		t.Skip("needs address space")
	}
	huge := make([]byte, 5<<30) // nobody touches it, so that it takes no memory
	h := plugin.StringOf(huge)
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t.all": func(ctx plugin.Ctx, _ []plugin.String) error {
		var errs []error
		open := func(name string) *plugin.Key {
			k, err := ctx.OpenKey(str(name), plugin.Read|plugin.Write)
			must(t, err)
			return k
		}
		_, err := ctx.OpenKey(h, plugin.Write)
		errs = append(errs, err, open("string").SetString(h), open("string2").Truncate(5<<30))
		l := open("list")
		must(t, l.Push(plugin.Head, str("x")))
		errs = append(errs, l.Push(plugin.Tail, h), l.LSet(0, h), l.LInsert(0, h))
		_, err = open("set").SAdd(huge)
		errs = append(errs, err)
		hash := open("hash")
		_, err = hash.HSet(0, plugin.Field{Name: h, Value: str("x")})
		errs = append(errs, err)
		_, err = hash.HSet(0, plugin.Field{Name: str("x"), Value: h})
		errs = append(errs, err)
		zset := open("zset")
		_, err = zset.ZAdd(1, huge, 0)
		errs = append(errs, err)
		_, _, err = zset.ZIncrBy(1, huge, 0)
		errs = append(errs, err)
		_, err = ctx.Call("SET", "cs", "k", h)
		errs = append(errs, err, ctx.Replicate("SET", "cs", "k", h))
		_, err = ctx.CallArgs("RPUSH", plugin.Repl, plugin.S(str("k")), plugin.B(huge))
		errs = append(errs, err)
		for i, err := range errs {
			if !errors.Is(err, plugin.ErrTooLarge) {
				t.Errorf("write %d: %v, want %v", i, err, plugin.ErrTooLarge)
			}
		}
		return ctx.ReplyInt(1)
	}})
	r.want(":1\r\n", "t.all")
	r.sent("SELECT 0", "LPUSH list x")
}

// TestRepliesThatNestTooDeep: modules that pass each other's replies on cannot make one that no client decodes.
func TestRepliesThatNestTooDeep(t *testing.T) {
	open := func(ctx plugin.Ctx, n int) (err error) {
		for range n {
			if err = ctx.ReplyArray(1); err != nil {
				return err
			}
		}
		return nil
	}
	var passed error
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"d.deep": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			return errors.Join(open(ctx, int(n)), ctx.ReplyInt(7))
		},
		"d.wrap": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			reply, err := ctx.Call("d.deep", "s", args[2])
			if err != nil {
				return err
			}
			if err := open(ctx, int(n)); err != nil {
				return err
			}
			passed = ctx.ReplyReply(reply)
			return nil
		},
	})
	const most = resp.MaxDepth - 1
	for _, c := range []struct {
		outer, inner int
		want         error
	}{
		{0, most, nil}, {most, 0, nil}, {27, most - 27, nil}, {28, most - 27, plugin.ErrTooLarge}, {most, most, plugin.ErrTooLarge},
	} {
		reply := r.do("d.wrap", strconv.Itoa(c.outer), strconv.Itoa(c.inner))
		if _, n, err := resp.Decode([]byte(reply)); err != nil || n != len(reply) || !errors.Is(passed, c.want) || (c.want == nil) != (passed == nil) {
			t.Errorf("%d around %d: %v, the client reads %d of %d bytes, %v", c.outer, c.inner, passed, n, len(reply), err)
		}
	}
}

// TestLargeReplies: a reply of a million elements is passed on whole, and one that announces as many and gives none is an
// error of the right shape.
func TestLargeReplies(t *testing.T) {
	const n = 1_000_000
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"l.many": func(ctx plugin.Ctx, _ []plugin.String) error {
			if err := ctx.ReplyArray(plugin.Postponed); err != nil {
				return err
			}
			for i := range int64(n) {
				if err := ctx.ReplyInt(i); err != nil {
					return err
				}
			}
			return ctx.SetArrayLen(n)
		},
		"l.pass": func(ctx plugin.Ctx, _ []plugin.String) error {
			reply, err := ctx.Call("l.many", "")
			if err != nil {
				return err
			}
			if reply.Len() != n || reply.Elem(n-1).Int() != n-1 {
				return ctx.ReplyErrorf("ERR %d elements", reply.Len())
			}
			return ctx.ReplyReply(reply)
		},
		"l.none": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyArray(math.MaxInt32) },
	})
	many := r.do("l.many")
	if got := r.do("l.pass"); got != many || !strings.HasPrefix(got, "*1000000\r\n") {
		t.Errorf("%d bytes were passed on of %d", len(got), len(many))
	}
	if got := r.do("l.none"); !strings.HasPrefix(got, "-ERR") {
		t.Errorf("an array that was not filled is %d bytes", len(got))
	}
	if kept := cap(r.h.frames[0].calls.replies.wire) + cap(r.h.frames[0].calls.replies.elems); kept > 2*keptBytes {
		t.Errorf("%d bytes of replies are kept", kept)
	}
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

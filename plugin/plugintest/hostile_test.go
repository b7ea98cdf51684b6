package plugintest

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"datastore/plugin"
)

// hostile is a module with a native type whose methods, one at a time, do not return.
type hostile struct {
	t    plugin.TypeOf[[]byte]
	bad  atomic.Pointer[string] // the method
	how  atomic.Pointer[func()]
	hits atomic.Int64
}

// arm has a method end otherwise than by returning; "" for none.
func (h *hostile) arm(method string, how func()) {
	h.bad.Store(&method)
	h.how.Store(&how)
	h.hits.Store(0)
}

func (h *hostile) enter(method string) {
	if bad := h.bad.Load(); bad != nil && *bad == method {
		h.hits.Add(1)
		(*h.how.Load())()
	}
}

func (h *hostile) methods() plugin.MethodsOf[[]byte] {
	return plugin.MethodsOf[[]byte]{
		Load: func(io *plugin.IO, _ int) (*[]byte, error) {
			b := io.LoadBytes()
			h.enter("Load")
			return &b, io.Err()
		},
		Save: func(io *plugin.IO, v *[]byte) { h.enter("Save"); io.SaveBytes(*v) },
		Rewrite: func(io *plugin.IO, key plugin.String, v *[]byte) {
			h.enter("Rewrite")
			io.EmitAOF("H.SET", "sb", key, *v)
		},
		Free:       func(*[]byte) { h.enter("Free") },
		FreeEffort: func(_ plugin.OptCtx, v *[]byte) int { h.enter("FreeEffort"); return len(*v) },
		Unlink:     func(plugin.OptCtx, *[]byte) { h.enter("Unlink") },
		AllocSize:  func(v *[]byte) int64 { h.enter("AllocSize"); return int64(len(*v)) },
		MemUsage:   func(_ plugin.OptCtx, v *[]byte) int64 { h.enter("MemUsage"); return int64(len(*v)) },
		Copy: func(_ plugin.OptCtx, v *[]byte) (*[]byte, error) {
			h.enter("Copy")
			b := append([]byte(nil), *v...)
			return &b, nil
		},
		Digest:  func(d *plugin.Digest, v *[]byte) { h.enter("Digest"); d.Add(*v); d.EndSequence() },
		AuxSave: func(io *plugin.IO, _ plugin.AuxWhen) { h.enter("AuxSave"); io.SaveUint(7) },
		AuxLoad: func(io *plugin.IO, _ int, _ plugin.AuxWhen) error { h.enter("AuxLoad"); io.LoadUint(); return io.Err() },
		AuxWhen: plugin.AuxBefore | plugin.AuxAfter,
	}
}

func (h *hostile) onLoad(ctx plugin.Ctx, _ []plugin.String) (err error) {
	if err := ctx.Init("hostile", 1, plugin.APIVer2); err != nil {
		return err
	}
	m := h.methods()
	m.Digest = nil // the replica has no module, so that it digests what was saved
	if h.t, err = plugin.CreateTypeOf(ctx, "hostile-1", 0, m); err != nil {
		return err
	}
	for name, f := range map[string]plugin.Handler{"h.set": h.set, "h.append": h.append, "h.del": h.del} {
		if err := ctx.CreateCommand(name, f, plugin.Flags("write", 1, 1, 1)); err != nil {
			return err
		}
	}
	return nil
}

// set is H.SET key text: a new value.
func (h *hostile) set(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Write)
	if err != nil {
		return err
	}
	b := append([]byte(nil), args[2].Bytes()...)
	if err := h.t.Set(k, &b); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

// append is H.APPEND key text [forget]: a value that is changed in place.
func (h *hostile) append(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Write)
	if err != nil {
		return err
	}
	v, err := h.t.GetOrCreate(k, func() *[]byte { return new([]byte) })
	if err != nil {
		return err
	}
	*v = append(*v, args[2].Bytes()...)
	if len(args) == 3 {
		err = k.Changed()
	}
	return errors.Join(err, ctx.ReplyInt(int64(len(*v))))
}

// del is H.DEL key.
func (h *hostile) del(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Write)
	if err != nil {
		return err
	}
	return errors.Join(k.Delete(), ctx.ReplyInt(1))
}

// saves tells whether a method is called when a new append-only file is written.
func saves(method string) bool { return method == "Save" || method == "AuxSave" || method == "Rewrite" }

// TestMethodsThatDoNotReturn: whatever a method of a native type does, the command is carried out and replicated, or fails as a
// whole, and everything goes on.
func TestMethodsThatDoNotReturn(t *testing.T) {
	t.Parallel()
	for how, f := range map[string]func(){"panic": func() { panic("told to panic") }, "Goexit": runtime.Goexit} {
		for _, method := range []string{
			"Load", "Save", "Free", "FreeEffort", "Unlink", "AllocSize", "MemUsage", "Copy", "AuxSave", "AuxLoad",
			"Rewrite",
		} {
			t.Run(method+" "+how, func(t *testing.T) {
				t.Parallel()
				h := &hostile{}
				o := Options{Replica: true, AOF: true, AllowMisuse: true}
				if method == "Rewrite" {
					o.Config = []string{"aof-use-rdb-preamble no"}
				}
				s := New(t, h.onLoad, o)
				var appended any = 2
				if method == "AllocSize" && how == "Goexit" { // it is asked on the handler's own goroutine, and never again
					appended = plugin.ReplyError("MODULEPANIC hostile: runtime.Goexit")
				}
				h.spoil(t, s, method, f, appended)
			})
		}
	}
}

// spoil runs commands that call every method while one of them does not return. appended is the first reply that depends on it.
func (h *hostile) spoil(t *testing.T, s *Server, method string, how func(), appended any) {
	long := strings.Repeat("x", 100)
	for _, k := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		s.Do("H.SET", k, k).Want("OK")
	}
	s.Do("H.SET", "long", long).Want("OK")
	dump := s.Do("DUMP", "a").Text()
	h.arm(method, how)
	if method != "Save" { // what cannot be saved cannot be replicated
		s.Do("H.APPEND", "a", "x").Want(appended)
		s.Do("H.APPEND", "b", "x", "forget")
		s.Do("H.SET", "c", "other")
		s.Do("H.SET", "new", "value")
		s.Do("COPY", "d", "d2")
		s.Do("RESTORE", "restored", "0", dump)
		s.Do("H.APPEND", "restored", "x")
	}
	s.Do("H.DEL", "d")
	s.Do("DEL", "e", "f")
	s.Do("UNLINK", "g", "long")
	s.Do("SET", "h", "text")
	s.Do("PEXPIRE", "i", "1")
	s.Advance(10 * time.Millisecond)
	s.Do("EXISTS", "i").Want(0)
	s.Do("MEMORY", "USAGE", "a")
	s.Do("DUMP", "a")
	s.Do("DEBUG", "DIGEST")
	s.Do("SAVE")
	if !strings.Contains(method, "Load") { // what cannot be loaded is lost, as DEBUG RELOAD says
		s.Do("DEBUG", "RELOAD")
	}
	s.Do("CONFIG", "SET", "appendonly", "no").Want("OK")
	if r := s.Do("CONFIG", "SET", "appendonly", "yes"); (r.Err() == nil) == (h.hits.Load() > 0 && saves(method)) {
		t.Errorf("writing a new append-only file: %v", r)
	}
	h.arm("", nil)
	s.Do("CONFIG", "SET", "appendonly", "yes").Want("OK")
	s.Do("PING").Want("PONG")
	for _, k := range []string{"a", "b", "c", "new"} {
		s.Do("H.APPEND", k, "y")
	}
	s.ReplicaEquals()
	s.ReplayAOF((&hostile{}).onLoad) // which a file with what Rewrite emits needs
	s.Do("FLUSHALL").Want("OK")
}

// TestMethodsThatAskForTheLock: a method that calls Background.Do, where it would wait for itself, gets an error, whoever has
// caused the call.
func TestMethodsThatAskForTheLock(t *testing.T) {
	t.Parallel()
	h := &hostile{}
	var bg *plugin.Background
	ready := make(chan struct{})
	s := New(t, func(ctx plugin.Ctx, args []plugin.String) error {
		if err := h.onLoad(ctx, args); err != nil {
			return err
		}
		return ctx.Go(func(b *plugin.Background) { bg = b; close(ready); <-b.Context().Done() })
	}, Options{})
	<-ready
	for _, method := range []string{"Unlink", "Free", "FreeEffort", "AllocSize", "Save", "MemUsage", "Copy", "AuxSave"} {
		var got atomic.Value
		h.arm(method, func() {
			got.Store(errors.Join(bg.Do(func(plugin.Ctx) error { return nil }), bg.TryDo(func(plugin.Ctx) error { return nil })))
		})
		s.Do("H.SET", "k", strings.Repeat("x", 100)).Want("OK")
		s.Do("COPY", "k", "k2")
		s.Do("MEMORY", "USAGE", "k")
		s.Do("SAVE").Want("OK")
		s.Do("DEL", "k").Want(1)
		s.Do("FLUSHALL").Want("OK")
		s.eventually("the values are freed", func() bool { return h.hits.Load() > 0 && s.number("memory", "lazyfree_pending_objects") == 0 })
		if err, _ := got.Load().(error); !errors.Is(err, plugin.ErrLocked) {
			t.Errorf("Do in %s: %v, want %v", method, err, plugin.ErrLocked)
		}
	}
	h.arm("", nil)
}

// TestUnitsThatDoNotReturn: what a goroutine has written before it ends in Do reaches the replica and the append-only file.
func TestUnitsThatDoNotReturn(t *testing.T) {
	t.Parallel()
	h := &hostile{}
	set := func(ctx plugin.Ctx, key string) error {
		k, err := ctx.OpenKey(plugin.StringOf([]byte(key)), plugin.Write)
		if err != nil {
			return err
		}
		return k.SetString(plugin.StringOf([]byte("written")))
	}
	ends := map[string]func(){"panic": func() { panic("told to panic") }, "goexit": runtime.Goexit}
	onLoad := func(ctx plugin.Ctx, args []plugin.String) error {
		if err := h.onLoad(ctx, args); err != nil {
			return err
		}
		background := func(ctx plugin.Ctx, args []plugin.String) error {
			how := args[1].String()
			done := make(chan struct{})
			err := ctx.Go(func(bg *plugin.Background) {
				defer close(done)
				_ = bg.Do(func(ctx plugin.Ctx) error {
					if err := set(ctx, how); err != nil {
						return err
					}
					ends[how]()
					return nil
				})
			})
			return errors.Join(err, ctx.ReplyStatus("OK"))
		}
		blocked := func(ctx plugin.Ctx, args []plugin.String) error {
			how := args[1].String()
			b, err := ctx.Block(plugin.BlockOptions{Reply: func(ctx plugin.Ctx, _ []plugin.String) error {
				if err := set(ctx, "reply "+how); err != nil {
					return err
				}
				ends[how]()
				return nil
			}, Free: func(ctx plugin.Ctx, _ any) {
				_ = set(ctx, "free "+how)
				ends[how]()
			}})
			if err != nil {
				return err
			}
			return ctx.Go(func(*plugin.Background) {
				defer b.Unblock(nil)
				_ = b.Do(func(ctx plugin.Ctx) error {
					_ = set(ctx, "do "+how)
					ends[how]()
					return nil
				})
			})
		}
		return errors.Join(ctx.CreateCommand("h.background", background, plugin.Flags("write", 0, 0, 0)),
			ctx.CreateCommand("h.blocked", blocked, plugin.Flags("write", 0, 0, 0)))
	}
	s := New(t, onLoad, Options{Replica: true, AOF: true, AllowMisuse: true})
	for how := range ends {
		s.Do("H.BACKGROUND", how).Want("OK")
		s.eventually("the unit ends", func() bool { return s.Do("EXISTS", how).Int() == 1 })
		s.Client().Do("H.BLOCKED", how)
		for _, where := range []string{"do ", "reply ", "free "} {
			s.eventually("the callback ends", func() bool { return s.Do("EXISTS", where+how).Int() == 1 })
		}
	}
	s.eventually("no goroutine is left", func() bool { return strings.Contains(s.Do("INFO", "modules").Text(), "goroutines=0") })
	s.Do("SET", "after", "1").Want("OK")
	s.Do("MULTI").Want("OK")
	s.Do("INCR", "after").Want("QUEUED")
	s.Do("EXEC")
	s.ReplicaEquals()
	s.ReplayAOF(nil)
}

// TestReplicaSurvivesItsModule: a command that does not return on the replica, where it came with the primary's stream, ends
// neither the replica nor its link.
func TestReplicaSurvivesItsModule(t *testing.T) {
	t.Parallel()
	for how, f := range map[string]func(){"panic": func() { panic("told to panic") }, "Goexit": runtime.Goexit} {
		module := func(fails func()) plugin.OnLoadFunc {
			return module(map[string]plugin.Handler{"t.incr": func(ctx plugin.Ctx, args []plugin.String) error {
				if err := ctx.ReplicateVerbatim(); err != nil {
					return err
				}
				r, err := ctx.Call("INCR", "s", args[1])
				if err != nil {
					return err
				}
				fails()
				return ctx.ReplyReply(r)
			}})
		}
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := New(t, module(func() {}), Options{AllowMisuse: true})
			r := New(t, module(f), Options{AllowMisuse: true})
			port, err := s.relay()
			if err != nil {
				t.Fatal(err)
			}
			s.Do("SET", "n", "1").Want("OK")
			r.Do("REPLICAOF", "127.0.0.1", port).Want("OK")
			t.Cleanup(func() { r.Do("REPLICAOF", "NO", "ONE") }) // the relay's goroutines wait for that
			equal := func() bool { return s.digest() == r.digest() }
			r.eventually("the replica has synchronized", equal)
			for n := 2; n < 5; n++ {
				s.Do("T.INCR", "n").Want(n)
				s.Do("SET", "m", n).Want("OK")
				r.eventually("the replica has synchronized again", equal)
			}
		})
	}
}

// TestCommandsDuringAnIteration: whatever a handler calls while it walks over keys that it has open, the walk ends properly, and
// the data is the same everywhere.
func TestCommandsDuringAnIteration(t *testing.T) {
	t.Parallel()
	names := []string{"list", "set", "hash", "zset", "string"}
	var keep [][]byte
	walk := func(mode plugin.OpenMode) plugin.Handler {
		return func(ctx plugin.Ctx, args []plugin.String) error {
			var keys []*plugin.Key
			for _, name := range names {
				k, err := ctx.OpenKey(plugin.StringOf([]byte(name)), mode)
				if err != nil {
					return err
				}
				keys = append(keys, k)
			}
			for _, k := range keys[:4] {
				first := true
				for e, v := range k.All() {
					keep = append(keep[:0], e.Bytes(), v.Bytes())
					if !first {
						continue
					}
					first = false
					_, _ = ctx.CallArgs(args[1].String(), 0, plugin.V(args[2:]))
				}
				if err := k.IterErr(); err != nil {
					return err
				}
			}
			return ctx.ReplyInt(1)
		}
	}
	s := New(t, module(map[string]plugin.Handler{"t.read": walk(plugin.Read), "t.write": walk(plugin.Read | plugin.Write)}),
		Options{Replica: true, AOF: true, AllowMisuse: true})
	fill := func() {
		for i := range 300 {
			s.Do("RPUSH", "list", i)
			s.Do("SADD", "set", "m"+strconv.Itoa(i))
			s.Do("HSET", "hash", "f"+strconv.Itoa(i), i)
			s.Do("ZADD", "zset", i, "m"+strconv.Itoa(i))
		}
		s.Do("SET", "string", strings.Repeat("x", 1000))
		s.Do("SET", "other", "1")
	}
	fill()
	for _, c := range s.Do("COMMAND", "LIST").Elems() {
		name := c.Text()
		if strings.HasPrefix(name, "t.") || name == "debug|jmap" {
			continue
		}
		words := strings.Split(name, "|")
		for _, args := range [][]string{
			{}, {"list"}, {"set", "other"}, {"other", "hash"}, {"zset", "0"}, {"0", "1"}, {"list", "set", "x"}, {"2", "list", "set"},
			{"hash", "f", "v"}, {"RELOAD"}, {"LOADAOF"}, {"FLUSHALL"}, {"list", "0", "-1"}, {"x", "1", "list"}, {"SYNC"}, {"ASYNC"},
			{"other", "BY", "nosort", "STORE", "list"}, {"list", "0", "0", "IDLETIME", "1"}, {"list", "other", "LEFT", "RIGHT"},
		} {
			for _, how := range []string{"T.READ", "T.WRITE"} {
				call := []any{how}
				for _, w := range append(words, args...) {
					call = append(call, w)
				}
				s.Do(call...).Want(1)
			}
		}
		if s.Do("DBSIZE").Int() < 6 {
			t.Errorf("%s deleted an open key", name)
			fill()
		}
	}
	s.ReplicaEquals()
	s.ReplayAOF(nil)
}

// TestLoadAndUnloadUnderLoad: modules come and go while clients call them, and nothing of them stays.
func TestLoadAndUnloadUnderLoad(t *testing.T) {
	times := 100
	if testing.Short() {
		times = 10
	}
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("test", 1, plugin.APIVer2); err != nil {
			return err
		}
		work := func(bg *plugin.Background) {
			for bg.Context().Err() == nil {
				_ = bg.Do(func(ctx plugin.Ctx) error { _, err := ctx.Call("INCR", "!c", "background"); return err })
			}
		}
		push := func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			return errors.Join(k.Push(plugin.Head, args[1]), ctx.ReplyInt(int64(k.Len())))
		}
		block := func(ctx plugin.Ctx, _ []plugin.String) error {
			b, err := ctx.Block(plugin.BlockOptions{Reply: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }})
			if err != nil {
				return err
			}
			return errors.Join(ctx.Go(func(*plugin.Background) {
				_ = b.Reply(func(r plugin.Replies) error { return r.ReplyInt(2) })
				_ = b.Unblock(nil)
			}))
		}
		return errors.Join(ctx.Go(work), ctx.CreateCommand("t.push", push, plugin.Flags("write", 1, 1, 1)),
			ctx.CreateCommand("t.block", block, plugin.Flags("write", 0, 0, 0)))
	}
	s := New(t, onLoad, Options{Replica: true, AllowMisuse: true})
	before := runtime.NumGoroutine()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 4 {
		c := s.Client()
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				c.Do("T.PUSH", "list"+strconv.Itoa(i))
				if n%10 == 0 {
					c.Do("T.BLOCK")
				}
			}
		})
	}
	for range times {
		for s.Unload() != nil { // a client is blocked
		}
		if err := s.Load(onLoad); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	clients.Wait()
	for s.Unload() != nil {
	}
	s.eventually("the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	s.ReplicaEquals()
}

package plugintest

import (
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// TestKeysComeWithTheFirstWrite: commands here declare no keys and open them all the same.
//
// Rules: KEY-1, KEY-9.
func TestKeysComeWithTheFirstWrite(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{
		"t.look": func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Read)
			if err != nil {
				return err
			}
			if k == nil && k.Type() == plugin.KeyEmpty && k.Len() == 0 && k.Close() == nil {
				return ctx.ReplyNull()
			}
			return ctx.ReplyInt(int64(k.Len()))
		},
		"t.touch": func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			if k == nil || k.Type() != plugin.KeyEmpty || ctx.KeyExists(args[1]) {
				return ctx.ReplyError("ERR the key is not an empty one")
			}
			if len(args) == 2 {
				return ctx.ReplyStatus("untouched")
			}
			if err := k.Push(plugin.Head, args[2]); err != nil {
				return err
			}
			return ctx.ReplyInt(int64(k.Type()))
		},
	}), Options{Replica: true})
	s.Do("T.LOOK", "k").Want(nil)
	s.Do("T.TOUCH", "k").Want("untouched")
	s.Do("EXISTS", "k").Want(0)
	s.WantStream()
	s.Do("T.TOUCH", "k", "x").Want(int(plugin.KeyList))
	s.Do("T.LOOK", "k").Want(1)
	s.WantStream("LPUSH k x")
}

// TestReadingKeys: hits and misses are counted for reading alone; a key whose time is over is deleted by the primary and
// not seen on the replica.
//
// Rules: KEY-2.
func TestReadingKeys(t *testing.T) {
	t.Parallel()
	look := func(mode plugin.OpenMode) plugin.Handler {
		return func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], mode)
			if err != nil {
				return err
			}
			return ctx.ReplyInt(int64(k.Len()))
		}
	}
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("test", 1, plugin.APIVer2); err != nil {
			return err
		}
		if err := ctx.CreateCommand("t.read", look(plugin.Read), plugin.Flags("readonly", 1, 1, 1)); err != nil {
			return err
		}
		return ctx.CreateCommand("t.write", look(plugin.Write), plugin.Flags("write", 1, 1, 1))
	}
	s := New(t, onLoad, Options{Replica: true, ReplicaModule: onLoad})
	s.Do("SET", "k", "text", "PX", 1000)
	counted := func(command, key string, hits, misses int64) {
		t.Helper()
		h, m := s.number("stats", "keyspace_hits"), s.number("stats", "keyspace_misses")
		s.Do(command, key)
		if h, m = s.number("stats", "keyspace_hits")-h, s.number("stats", "keyspace_misses")-m; h != hits || m != misses {
			t.Errorf("%s %s counts %d hits and %d misses, want %d and %d", command, key, h, m, hits, misses)
		}
	}
	counted("T.READ", "k", 1, 0)
	counted("T.READ", "missing", 0, 1)
	counted("T.WRITE", "k", 0, 0)
	counted("T.WRITE", "missing", 0, 0)

	s.Stream()
	s.Advance(time.Second + time.Millisecond)
	replica := s.Replica()
	replica.Do("T.READ", "k").Want(0)
	replica.Do("DBSIZE").Want(1) // only the primary deletes
	s.WantStream()
	s.Do("T.READ", "k").Want(0)
	s.WantStream("DEL k")
	s.Replica().Do("DBSIZE").Want(0)
}

// TestTimeToLiveOfANewValue: SetString takes the time to live away, as SET does; taking away none is no error.
//
// Rules: EXP-2.
func TestTimeToLiveOfANewValue(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{
		"t.set": func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			if err := k.SetString(args[2]); err != nil {
				return err
			}
			if err := k.SetTTL(plugin.NoExpire); err != nil {
				return err
			}
			return ctx.ReplyInt(int64(k.TTL()))
		},
	}), Options{Replica: true, AOF: true})
	s.Do("SET", "k", "a", "EX", 100)
	s.Do("T.SET", "k", "b").Want(int(plugin.NoExpire))
	s.Do("TTL", "k").Want(-1)
	s.ReplayAOF(nil).Do("TTL", "k").Want(-1)
}

// TestSelectDB: the client stays in the database that its command has selected.
//
// Rules: DB-1.
func TestSelectDB(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{
		"t.select": func(ctx plugin.Ctx, args []plugin.String) error {
			n, err := args[1].Int64()
			if err != nil {
				return err
			}
			if err := ctx.SelectDB(int(n)); err != nil {
				return err
			}
			r, err := ctx.Call("SET", "cs", "where", args[1])
			if err != nil {
				return err
			}
			return ctx.ReplyReply(r)
		},
		"t.db": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(int64(ctx.SelectedDB())) },
	}), Options{Replica: true})
	s.Do("T.SELECT", 7).Want("OK")
	s.Do("T.DB").Want(7)
	s.Do("GET", "where").Want("7")
	for _, n := range []int{-1, 16} {
		s.Do("T.SELECT", n).Want(plugin.ReplyError("ERR " + plugin.ErrInvalid.Error()))
	}
	s.Do("T.DB").Want(7)
	s.Client().Do("T.DB").Want(0)
	s.WantStream("SELECT 7", "SET where 7")
}

// TestArgumentsAndKeptStrings: arguments are the same before and after a call, and a retained one outlives its command.
//
// Rules: STR-4, STR-5.
func TestArgumentsAndKeptStrings(t *testing.T) {
	var kept []plugin.String
	s := New(t, module(map[string]plugin.Handler{
		"t.keep": func(ctx plugin.Ctx, args []plugin.String) error {
			before := args[1].String()
			r, err := ctx.Call("SET", "cs", "k", args[1])
			if err != nil {
				return err
			}
			kept = append(kept, ctx.RetainString(args[1]))
			if args[1].String() != before || string(r.Bytes()) != "OK" {
				return ctx.ReplyError("ERR the argument has changed")
			}
			return ctx.ReplyInt(int64(args[1].Len()))
		},
		"t.pass": func(ctx plugin.Ctx, args []plugin.String) error {
			r, err := ctx.Cmd("STRLEN").Str(args[1]).Do()
			if err != nil {
				return err
			}
			return ctx.ReplyReply(r)
		},
	}), Options{Replica: true})
	texts := []string{"short", strings.Repeat("long ", 10_000), "\x00\xff"}
	for _, text := range texts {
		s.Do("T.KEEP", text).Want(len(text))
	}
	for i, text := range texts {
		if kept[i].String() != text {
			t.Errorf("the kept string %d has changed", i)
		}
	}
	if n := s.Allocs("T.PASS", texts[1]); n != 0 {
		t.Errorf("passing an argument on allocates %d times", n)
	}
}

// TestArity: too few or too many arguments never reach the handler.
//
// Rules: CMD-3.
func TestArity(t *testing.T) {
	t.Parallel()
	calls := 0
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("test", 1, plugin.APIVer2); err != nil {
			return err
		}
		h := func(ctx plugin.Ctx, args []plugin.String) error { calls++; return ctx.ReplyInt(int64(len(args))) }
		for name, arity := range map[string]int{"t.any": 0, "t.three": 3, "t.least": -2} {
			if err := ctx.CreateCommand(name, h, plugin.CommandSpec{Arity: arity}); err != nil {
				return err
			}
		}
		return nil
	}
	s := New(t, onLoad, Options{})
	const wrong = "ERR wrong number of arguments for '"
	s.Do("T.ANY").Want(1)
	s.Do("t.Three", 1).Want(plugin.ReplyError(wrong + "t.three' command"))
	s.Do("T.THREE", 1, 2, 3).Want(plugin.ReplyError(wrong + "t.three' command"))
	s.Do("T.LEAST").Want(plugin.ReplyError(wrong + "t.least' command"))
	if calls != 1 {
		t.Errorf("the handler ran %d times", calls)
	}
	s.Do("T.THREE", 1, 2).Want(3)
	s.Do("T.LEAST", 1, 2, 3).Want(4)
}

// TestClocks: the time of a unit stands still, whatever the server's clock does meanwhile.
//
// Rules: MSC-1.
func TestClocks(t *testing.T) {
	t.Parallel()
	var s *Server
	s = New(t, module(map[string]plugin.Handler{
		"t.now": func(ctx plugin.Ctx, _ []plugin.String) error {
			before := ctx.Now()
			s.clock.elapsed.Add(int64(time.Second)) // as if the handler took that long
			if ctx.Now() != before {
				return ctx.ReplyError("ERR the unit's time has moved")
			}
			return ctx.ReplyInt(before.UnixMilli())
		},
	}), Options{})
	first := s.Do("T.NOW").Int()
	s.Do("T.NOW").Want(first + 1000)
	s.Do("MULTI")
	s.Do("T.NOW")
	s.Do("T.NOW")
	s.Do("EXEC").Want([]int64{first + 2000, first + 2000})
}

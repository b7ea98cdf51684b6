package host

import (
	"errors"
	"math"
	"testing"

	"datastore/plugin"
)

// Rules: RPL-5.
func TestCallErrors(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		for _, tt := range []struct {
			cmd, format string
			args        []any
			want        error
		}{
			{"GET", "x", []any{"k"}, plugin.ErrBadFormat}, {"GET", "c", nil, plugin.ErrBadFormat},
			{"GET", "c", []any{"k", "k"}, plugin.ErrBadFormat}, {"GET", "s", []any{"k"}, plugin.ErrBadFormat},
			{"GET", "l", []any{1.5}, plugin.ErrBadFormat}, {"NOPE", "?", nil, plugin.ErrBadFormat},
			{"NOPE", "c", []any{"k"}, plugin.ErrCommandNotFound}, {"GET", "", nil, plugin.ErrArity},
			{"OBJECT", "c", []any{"nope"}, plugin.ErrCommandNotFound},
		} {
			_, err := ctx.Call(tt.cmd, tt.format, tt.args...)
			wantErr(t, tt.cmd+" "+tt.format, err, tt.want)
			wantErr(t, tt.cmd+" "+tt.format, err, plugin.ErrInvalid)
		}
		reply, err := ctx.Call("INCR", "c", "l")
		if must(t, err); reply.Type() != plugin.ErrorReply || !errors.Is(reply.Err(), plugin.ErrWrongType) {
			t.Errorf("INCR of a list: %q", reply.Bytes())
		}
		reply, err = ctx.Call("MULTI", "!")
		if must(t, err); reply.Err() == nil {
			t.Error("MULTI may be called")
		}
		wantErr(t, "Replicate", ctx.Replicate("NOPE", ""), plugin.ErrCommandNotFound)
		wantErr(t, "Replicate", ctx.Replicate("SET", "q", 1), plugin.ErrBadFormat)
		c := ctx.Cmd("PING")
		c.Impl.RunCmd(c)
		_, err = c.Do()
		wantErr(t, "second Do", err, plugin.ErrStale)
	})
	r.sent()
}

// Rules: AM-1, CALL-7, CALL-8.
func TestCallReplies(t *testing.T) {
	var kept *plugin.Reply
	inHandler(t, func(ctx plugin.Ctx) {
		type word uint64
		reply, err := ctx.Call("RPUSH", "cblslv", "new", []byte("b\r\n"), int8(-8), str("s"), word(math.MaxUint64), []plugin.String{str("v1"), str("")})
		if must(t, err); reply.Int() != 6 {
			t.Fatalf("RPUSH: %+v", reply)
		}
		list, err := ctx.Cmd("LRANGE").Str(str("new")).Int(0).Int(-1).Do()
		must(t, err)
		want := []string{"b\r\n", "-8", "s", "18446744073709551615", "v1", ""}
		for i, e := range list.All() {
			if string(e.Bytes()) != want[i] || e != list.Elem(i) {
				t.Errorf("element %d is %q", i, e.Bytes())
			}
		}
		null, err := ctx.Call("GET", "c", "missing")
		if must(t, err); null.Type() != plugin.NullReply {
			t.Errorf("GET of a missing key: %d", null.Type())
		}
		null.Free()
		null.Free()
		wantErr(t, "a freed reply", ctx.ReplyReply(null), plugin.ErrStale)
		for range 10 * minCmds { // replies and commands do not move or pile up
			c := ctx.Cmd("GET").Str(str("s"))
			if r, err := c.Do(); err != nil || string(r.Bytes()) != "text" {
				t.Fatal(err)
			}
		}
		if string(list.Elem(0).Bytes()) != "b\r\n" || string(list.Elem(0).Wire) != "$3\r\nb\r\n\r\n" {
			t.Errorf("an earlier reply has changed to %q", list.Elem(0).Wire)
		}
		kept = list
	})
	if kept.Type() != plugin.UnknownReply {
		t.Error("a reply outlives its callback")
	}
}

// Rules: RPL-1, RPL-2.
func TestReplicationOrder(t *testing.T) {
	mixed := func(ctx plugin.Ctx, _ []plugin.String) error {
		for _, step := range []struct {
			call bool
			key  string
		}{{true, "using-call"}, {false, "counter-1"}, {false, "counter-2"}, {true, "after-call"}} {
			if step.call {
				_, err := ctx.Call("INCR", "!c", step.key)
				must(t, err)
				continue
			}
			must(t, ctx.Replicate("INCR", "c", step.key))
		}
		return ctx.ReplyInt(1)
	}
	v1 := newRig(t, plugin.APIVer1, map[string]plugin.Handler{"mixed": mixed})
	v1.do("mixed")
	v1.sent("MULTI", "SELECT 0", "INCR using-call", "INCR after-call", "INCR counter-1", "INCR counter-2", "EXEC")
	v2 := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"mixed": mixed})
	v2.do("mixed")
	v2.sent("MULTI", "SELECT 0", "INCR using-call", "INCR counter-1", "INCR counter-2", "INCR after-call", "EXEC")
}

// Rules: RPL-3, RPL-4, RPL-6.
func TestReplication(t *testing.T) {
	call := func(ctx plugin.Ctx, cmd, format string, args ...any) {
		_, err := ctx.Call(cmd, format, args...)
		must(t, err)
	}
	push := func(ctx plugin.Ctx, name string) {
		k := open(t, ctx, name, plugin.Write)
		must(t, k.Push(plugin.Tail, str("x")))
		must(t, k.Close())
	}
	handlers := map[string]plugin.Handler{
		"low": func(ctx plugin.Ctx, _ []plugin.String) error { push(ctx, "a"); return ctx.ReplyInt(1) },
		"quiet": func(ctx plugin.Ctx, _ []plugin.String) error {
			call(ctx, "SET", "cc", "k", "v")
			push(ctx, "a")
			call(ctx, "INCR", "c", "n")
			return ctx.ReplyInt(1)
		},
		"bang": func(ctx plugin.Ctx, _ []plugin.String) error { call(ctx, "INCR", "!c", "n"); return ctx.ReplyInt(1) },
		"verbatim": func(ctx plugin.Ctx, _ []plugin.String) error {
			must(t, ctx.ReplicateVerbatim())
			return ctx.ReplyInt(1)
		},
		"reads": func(ctx plugin.Ctx, _ []plugin.String) error { call(ctx, "GET", "c", "k"); return ctx.ReplyInt(1) },
		"nested": func(ctx plugin.Ctx, _ []plugin.String) error {
			call(ctx, "bang", "!")
			call(ctx, "quiet", "!")
			return ctx.ReplyInt(1)
		},
		"silent": func(ctx plugin.Ctx, _ []plugin.String) error {
			call(ctx, "bang", "")
			call(ctx, "INCR", "!c", "m")
			return ctx.ReplyInt(1)
		},
		"auto": func(ctx plugin.Ctx, _ []plugin.String) error { call(ctx, "bang", ""); return ctx.ReplyInt(1) },
		"refused": func(ctx plugin.Ctx, _ []plugin.String) error {
			must(t, ctx.Replicate("SET", "c", "no value"))
			must(t, ctx.Replicate("MULTI", ""))
			must(t, ctx.Replicate("DBSIZE", ""))
			return ctx.ReplyInt(1)
		},
		"db": func(ctx plugin.Ctx, _ []plugin.String) error {
			must(t, ctx.SelectDB(3))
			push(ctx, "three")
			wantErr(t, "SelectDB", ctx.SelectDB(99), plugin.ErrInvalid)
			return ctx.ReplyInt(int64(ctx.SelectedDB()))
		},
	}
	r := newRig(t, plugin.APIVer1, handlers)
	for _, tt := range []struct {
		cmd  string
		sent []string
	}{
		{"low", []string{"SELECT 0", "RPUSH a x"}},
		{"quiet", []string{"MULTI", "SET k v", "RPUSH a x", "INCR n", "EXEC"}},
		{"bang", []string{"INCR n"}},
		{"reads", nil},
		{"nested", []string{"MULTI", "INCR n", "SET k v", "RPUSH a x", "INCR n", "EXEC"}},
		{"auto", []string{"INCR n"}}, {"refused", []string{"DBSIZE"}},
	} {
		r.want(":1\r\n", tt.cmd)
		r.sent(tt.sent...)
	}
	r.want(":3\r\n", "db")
	r.sent("SELECT 3", "RPUSH three x")
	r.client.DB = 0
	r.replica = nil
	r2 := newRig(t, plugin.APIVer1, handlers)
	r2.do("silent")
	r2.sent("SELECT 0", "INCR m")
	r2.replica.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("test", 1, plugin.APIVer1))
		return ctx.CreateCommand("verbatim", handlers["reads"])
	})
	r2.do("verbatim", "A", "b")
	r2.sent("verbatim A b")
}

// Rules: RPL-8.
func TestExpiredKeysInsideACall(t *testing.T) {
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		_, err := ctx.Call("SETNX", "!cc", "old", "new")
		must(t, err)
		return ctx.ReplyInt(1)
	}})
	r.do("SET", "old", "x", "PXAT", "1700000000001")
	r.stream = nil
	r.ctx.Store.BeginUnit(rigNowMs+10, 0)
	r.ctx.NowMs = rigNowMs + 10
	cmd := r.table.Find([]byte("t"))
	r.Call(&r.client, cmd, [][]byte{[]byte("t")})
	r.finish()
	r.sent("MULTI", "DEL old", "SETNX old new", "EXEC")
}

// TestMissingKeysReplicateNothing: reading what is not there has no effect to replicate, not even with "!".
//
// Rules: RPL-8.
func TestMissingKeysReplicateNothing(t *testing.T) {
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		for cmd, format := range map[string]string{"GET": "!c", "LLEN": "c!", "HGETALL": "!3c", "DEL": "!c", "SPOP": "!c"} {
			_, err := ctx.Call(cmd, format, "missing")
			must(t, err)
		}
		if k := open(t, ctx, "missing", plugin.Read); k != nil {
			t.Error("the key is there")
		}
		return ctx.ReplyInt(1)
	}})
	r.want(":1\r\n", "t")
	r.sent()
}

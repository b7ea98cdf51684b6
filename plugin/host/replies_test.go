package host

import (
	"errors"
	"strings"
	"testing"

	"datastore/plugin"
)

func TestReplies(t *testing.T) {
	var failed error
	nested := func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.ReplyArray(plugin.Postponed))
		must(t, ctx.ReplyInt(1))
		must(t, ctx.ReplyArray(plugin.Postponed))
		for range 3 {
			must(t, ctx.ReplyText("x"))
		}
		must(t, ctx.SetArrayLen(3))
		must(t, ctx.ReplyArray(2))
		must(t, ctx.ReplyNull())
		must(t, ctx.ReplyEmptyArray())
		if err := ctx.SetArrayLen(4); !errors.Is(err, plugin.ErrReplyShape) {
			t.Errorf("wrong length: %v", err)
		}
		return ctx.SetArrayLen(3)
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"int":    func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(-1 << 63) },
		"status": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyStatus("a\r\nb") },
		"error":  func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyErrorf("CODE %d\n", 1) },
		"reterr": func(plugin.Ctx, []plugin.String) error { return plugin.ErrWrongType },
		"other":  func(plugin.Ctx, []plugin.String) error { return errors.New("no such thing") },
		"none":   func(plugin.Ctx, []plugin.String) error { return nil },
		"late":   func(ctx plugin.Ctx, _ []plugin.String) error { must(t, ctx.ReplyInt(1)); return errors.New("late") },
		"twice":  func(ctx plugin.Ctx, _ []plugin.String) error { must(t, ctx.ReplyInt(1)); return ctx.ReplyInt(2) },
		"short": func(ctx plugin.Ctx, _ []plugin.String) error {
			must(t, ctx.ReplyArray(3))
			must(t, ctx.ReplyArray(plugin.Postponed))
			return ctx.ReplyInt(1)
		},
		"huge":   func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyArray(1 << 30) },
		"nested": nested,
		"badlen": func(ctx plugin.Ctx, _ []plugin.String) error { failed = ctx.SetArrayLen(0); return ctx.ReplyArray(0) },
		"minus": func(ctx plugin.Ctx, _ []plugin.String) error {
			failed = ctx.ReplyArray(-2)
			return ctx.ReplyNullArray()
		},
		"arity": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.WrongArity() },
		"float": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyFloat(1.5) },
		"deep": func(ctx plugin.Ctx, _ []plugin.String) error {
			for ctx.ReplyArray(1) == nil {
			}
			return ctx.ReplyInt(1)
		},
	})
	for name, want := range map[string]string{
		"int": ":-9223372036854775808\r\n", "status": "+a  b\r\n", "error": "-CODE 1 \r\n", "reterr": "-" + string(plugin.ErrWrongType) + "\r\n",
		"other": "-ERR no such thing\r\n", "none": "-ERR module command 'none' returned no reply\r\n", "late": ":1\r\n",
		"twice": ":1\r\n", "short": "*3\r\n*1\r\n:1\r\n$-1\r\n$-1\r\n",
		"huge":   "-ERR module command 'huge' returned an incomplete reply\r\n",
		"nested": "*3\r\n:1\r\n*3\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n*2\r\n$-1\r\n*0\r\n",
		"badlen": "*0\r\n", "minus": "*-1\r\n", "arity": "-ERR wrong number of arguments for 'arity' command\r\n",
		"float": "$3\r\n1.5\r\n",
	} {
		r.want(want, name)
	}
	if failed == nil {
		t.Error("a misuse was not reported")
	}
	if got := r.do("deep"); !strings.HasSuffix(got, ":1\r\n") {
		t.Errorf("deep: %q", got)
	}
	r.client.Proto = 3
	r.want(",1.5\r\n", "float")
	r.want("_\r\n", "minus")
	for _, text := range []string{"left 2 collections", "wrote 2 replies", "returned no reply", "an error after its reply"} {
		if !r.logged(text) {
			t.Errorf("the log does not say %q", text)
		}
	}
	if len(r.errors) != 6 {
		t.Errorf("counted errors %q", r.errors)
	}
	if i := r.h.Infos()[0]; i.Misuses < 5 || i.Calls == 0 || i.Errors != 6 {
		t.Errorf("%+v", i)
	}
}

// Rules: REP-1.
func TestRepliesNeedAClient(t *testing.T) {
	bareRig(t).mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("m", 1, plugin.APIVer1))
		for i, err := range []error{
			ctx.ReplyInt(1), ctx.ReplyError("x"), ctx.ReplyErrorf("x"), ctx.ReplyStatus("x"), ctx.ReplyBulk(nil), ctx.ReplyText(""),
			ctx.ReplyString(str("")), ctx.ReplyArray(1), ctx.SetArrayLen(1), ctx.ReplyEmptyArray(), ctx.ReplyNullArray(),
			ctx.ReplyNull(), ctx.ReplyEmptyString(), ctx.ReplyFloat(1), ctx.ReplyReply(nil), ctx.WrongArity(), ctx.ReplicateVerbatim(),
			ctx.ReplyMap(1), ctx.ReplySet(1), ctx.ReplyAttribute(1), ctx.SetMapLen(1), ctx.SetSetLen(1), ctx.SetAttributeLen(1),
			ctx.ReplyBool(true), ctx.ReplyBigNumber("1"), ctx.ReplyVerbatim(nil, "txt"),
		} {
			if !errors.Is(err, plugin.ErrNoClient) {
				t.Errorf("method %d: %v", i, err)
			}
		}
		if ctx.Replied() || ctx.ClientID() != 0 || ctx.Command() != "" {
			t.Error("OnLoad has a client")
		}
		return nil
	})
}

func TestPanics(t *testing.T) {
	handlers := map[string]plugin.Handler{
		"panic": func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(str("l"), plugin.Write)
			must(t, err)
			must(t, k.Push(plugin.Tail, str("a")))
			must(t, ctx.Replicate("SET", "cc", "never", "1"))
			must(t, ctx.ReplyArray(5))
			panic("boom\r\n+OK")
		},
		"range": func(_ plugin.Ctx, args []plugin.String) error { return plugin.ReplyError(args[99].String()) },
		"outer": func(ctx plugin.Ctx, _ []plugin.String) error {
			r, err := ctx.Call("panic", "!")
			must(t, err)
			return ctx.ReplyReply(r)
		},
		"recurse": func(ctx plugin.Ctx, _ []plugin.String) error {
			r, err := ctx.Call("recurse", "")
			must(t, err)
			return ctx.ReplyReply(r)
		},
	}
	r := newRig(t, plugin.APIVer1, handlers)
	r.want("-MODULEPANIC test: boom  +OK\r\n", "panic")
	r.sent("SELECT 0", "RPUSH l a")
	r.want("-MODULEPANIC test: runtime error: index out of range [99] with length 1\r\n", "range")
	r.want("-MODULEPANIC test: boom  +OK\r\n", "outer")
	r.sent("RPUSH l a")
	r.want("-ERR module commands are nested too deeply\r\n", "recurse")
	if i := r.h.Infos()[0]; i.Panics != 3 {
		t.Errorf("%d panics", i.Panics)
	}
	if !r.logged("replies_test.go") {
		t.Error("the log has no stack")
	}
}

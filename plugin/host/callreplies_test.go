package host

import (
	"errors"
	"math"
	"testing"

	"datastore/plugin"
)

// everyKind replies an array with a reply of every type in it, an attribute among them.
func everyKind(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.ReplyArray(plugin.Postponed); err != nil {
		return err
	}
	n := 10
	for _, err := range []error{
		ctx.ReplyInt(-5), ctx.ReplyStatus("st"), ctx.ReplyText("bulk\r\n"), ctx.ReplyError("CODE text"), ctx.ReplyNull(),
		ctx.ReplyBool(true), ctx.ReplyFloat(-1.5), ctx.ReplyBigNumber("12345678901234567890"), ctx.ReplyVerbatim([]byte("te:xt"), "mkd"),
		ctx.ReplyMap(1), ctx.ReplyText("k"), ctx.ReplySet(2), ctx.ReplyInt(1), ctx.ReplyBool(false),
	} {
		if err != nil {
			return err
		}
	}
	if err := ctx.ReplyAttribute(1); err == nil {
		n++
		if err := errors.Join(ctx.ReplyText("ttl"), ctx.ReplyInt(9), ctx.ReplyEmptyArray()); err != nil {
			return err
		}
	}
	return ctx.SetArrayLen(n)
}

// wantAccessors checks that each accessor gives the value of its own type and the default for all others.
func wantAccessors(t *testing.T, what string, r *plugin.Reply, length int) {
	t.Helper()
	kind := r.Type()
	if n := r.Int(); n != math.MinInt64 && kind != plugin.IntegerReply {
		t.Errorf("%s: Int %d", what, n)
	}
	if f := r.Float(); f != math.MinInt64 && kind != plugin.DoubleReply {
		t.Errorf("%s: Float %v", what, f)
	}
	if _, err := r.Float64(); (err == nil) != (kind == plugin.DoubleReply) {
		t.Errorf("%s: Float64 %v", what, err)
	}
	if v, ok := r.Bool(); ok != (kind == plugin.BoolReply) || v && !ok {
		t.Errorf("%s: Bool %v, %v", what, v, ok)
	}
	if b := r.Bytes(); (b != nil) != (kind == plugin.StringReply || kind == plugin.ErrorReply) {
		t.Errorf("%s: Bytes %q", what, b)
	}
	if b := r.BigNumber(); (b != nil) != (kind == plugin.BigNumberReply) {
		t.Errorf("%s: BigNumber %q", what, b)
	}
	if b, format := r.Verbatim(); (b != nil) != (kind == plugin.VerbatimReply) || (format != "") != (b != nil) {
		t.Errorf("%s: Verbatim %q, %q", what, b, format)
	}
	if e := r.Elem(0); e != nil && kind != plugin.ArrayReply {
		t.Errorf("%s: Elem", what)
	}
	if e := r.SetElem(0); e != nil && kind != plugin.SetReply {
		t.Errorf("%s: SetElem", what)
	}
	if _, _, ok := r.MapElem(0); ok && kind != plugin.MapReply && kind != plugin.AttributeReply {
		t.Errorf("%s: MapElem", what)
	}
	if r.Len() != length {
		t.Errorf("%s: Len %d, want %d", what, r.Len(), length)
	}
	for _, i := range []int{-1, length, math.MaxInt} {
		if _, _, ok := r.MapElem(i); ok || r.Elem(i) != nil || r.SetElem(i) != nil {
			t.Errorf("%s has an element %d", what, i)
		}
	}
}

// TestReplyTypes calls a command that replies every type, and looks at each with all accessors.
//
// Rules: CALL-7, CALL-8.
func TestReplyTypes(t *testing.T) {
	look := func(ctx plugin.Ctx, _ []plugin.String) error {
		all, err := ctx.Call("every", "3")
		if err != nil {
			return err
		}
		wantAccessors(t, "array", all, 11)
		for i, want := range []struct {
			kind   plugin.ReplyType
			length int
			wire   string
			text   string // of ToString, "-" for none
		}{
			{plugin.IntegerReply, 0, ":-5\r\n", "-5"}, {plugin.StringReply, 2, "+st\r\n", "st"},
			{plugin.StringReply, 6, "$6\r\nbulk\r\n\r\n", "bulk\r\n"}, {plugin.ErrorReply, 9, "-CODE text\r\n", "CODE text"},
			{plugin.NullReply, 0, "_\r\n", "-"}, {plugin.BoolReply, 0, "#t\r\n", "-"}, {plugin.DoubleReply, 0, ",-1.5\r\n", "-"},
			{plugin.BigNumberReply, 0, "(12345678901234567890\r\n", "-"}, {plugin.VerbatimReply, 0, "=9\r\nmkd:te:xt\r\n", "-"},
			{plugin.MapReply, 1, "%1\r\n$1\r\nk\r\n~2\r\n:1\r\n#f\r\n", "-"}, {plugin.ArrayReply, 0, "|1\r\n$3\r\nttl\r\n:9\r\n*0\r\n", "-"},
		} {
			e := all.Elem(i)
			if e.Type() != want.kind || string(e.Proto()) != want.wire {
				t.Errorf("element %d: type %d, %q", i, e.Type(), e.Proto())
			}
			wantAccessors(t, string(e.Proto()), e, want.length)
			if s, ok := e.ToString(ctx); ok != (want.text != "-") || ok && s.String() != want.text {
				t.Errorf("element %d as a string: %q, %v", i, s.Bytes(), ok)
			}
			e.Free()
			if e.Type() != want.kind || e != all.Elem(i) {
				t.Errorf("element %d: freeing it had an effect", i)
			}
		}
		value, isBool := all.Elem(5).Bool()
		text, format := all.Elem(8).Verbatim()
		if all.Elem(0).Int() != -5 || !value || !isBool || all.Elem(6).Float() != -1.5 || string(text) != "te:xt" || format != "mkd" ||
			string(all.Elem(7).BigNumber()) != "12345678901234567890" {
			t.Errorf("values of %q", all.Proto())
		}
		key, set, ok := all.Elem(9).MapElem(0)
		if !ok || string(key.Bytes()) != "k" || set.Len() != 2 || set.SetElem(0).Int() != 1 || set.SetElem(1).Type() != plugin.BoolReply {
			t.Error("the map")
		}
		attribute := all.Elem(10).Attribute()
		wantAccessors(t, "attribute", attribute, 1)
		for k, v := range attribute.Pairs() {
			if attribute.Type() != plugin.AttributeReply || string(k.Bytes()) != "ttl" || v.Int() != 9 || all.Elem(9).Attribute() != nil {
				t.Errorf("the attribute %q", attribute.Proto())
			}
		}
		wantErr(t, "replying an attribute", ctx.ReplyReply(attribute), plugin.ErrInvalid)
		all.Free()
		wantAccessors(t, "a freed reply", all, 0)
		if all.Type() != plugin.UnknownReply || all.Proto() != nil || all.Attribute() != nil {
			t.Error("a freed reply")
		}
		return ctx.ReplyInt(1)
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"every": everyKind, "look": look})
	r.want(":1\r\n", "look")
}

// TestReplyReply passes on what a call returned as the very bytes, unless they are beyond a RESP2 client.
//
// Rules: REP-8, CALL-8.
func TestReplyReply(t *testing.T) {
	pass := func(format string) plugin.Handler {
		return func(ctx plugin.Ctx, args []plugin.String) error {
			reply, err := ctx.Call(args[1].String(), format+"v", args[2:])
			if err != nil {
				return err
			}
			if err := ctx.ReplyReply(reply); !errors.Is(err, plugin.ErrRESP2) {
				return err
			}
			return ctx.ReplyStatus("RESP3 only")
		}
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"every": everyKind, "pass2": pass(""), "pass3": pass("3"), "pass0": pass("0"),
		"swallow": func(ctx plugin.Ctx, _ []plugin.String) error {
			reply, err := ctx.Call("STRLEN", "c", "h")
			must(t, err)
			return ctx.ReplyBool(reply.Err() != nil)
		},
		"two": func(ctx plugin.Ctx, _ []plugin.String) error {
			return errors.Join(ctx.ReplyArray(2), ctx.ReplyError("ONE"), ctx.ReplyError("TWO"))
		},
	})
	r.do("HSET", "h", "f", "v")
	r.do("SADD", "set", "x")
	for _, tt := range [][3]string{
		{"get missing", "$-1\r\n", "_\r\n"}, {"hgetall h", "*2\r\n$1\r\nf\r\n$1\r\nv\r\n", "%1\r\n$1\r\nf\r\n$1\r\nv\r\n"},
		{"smembers set", "*1\r\n$1\r\nx\r\n", "~1\r\n$1\r\nx\r\n"}, {"strlen h", "-" + string(plugin.ErrWrongType) + "\r\n", "-" + string(plugin.ErrWrongType) + "\r\n"},
		{"hmget h f nope", "*2\r\n$1\r\nv\r\n$-1\r\n", "*2\r\n$1\r\nv\r\n_\r\n"}, {"hlen h", ":1\r\n", ":1\r\n"},
	} {
		words := append([]string{"pass2"}, splitWords(tt[0])...)
		r.wantBytes(tt[1], tt[1], words...)
		words[0] = "pass0"
		r.wantBytes(tt[1], tt[2], words...)
		words[0] = "pass3"
		in2 := "+RESP3 only\r\n"
		if tt[1] == tt[2] {
			in2 = tt[1]
		}
		r.wantBytes(in2, tt[2], words...)
	}
	failed := func(name string) int64 { return r.table.Find([]byte(name)).Stats.Failed }
	if failed("pass2") != 2 || failed("pass3") != 2 || failed("strlen") != 6 || len(r.errors) != 6 {
		t.Errorf("%d, %d, %d calls failed, %d errors", failed("pass2"), failed("pass3"), failed("strlen"), len(r.errors))
	}
	r.client.Proto = 3
	every := r.do("every")
	r.want(every, "pass3", "every") // an error among the elements counts, too
	if failed("pass3") != 3 {
		t.Errorf("%d calls failed", failed("pass3"))
	}
	before := len(r.errors)
	if r.do("swallow"); len(r.errors) != before || failed("strlen") != 7 || failed("swallow") != 0 {
		t.Errorf("an error that the module keeps to itself was counted: %q", r.errors[before:])
	}
	if r.do("two"); len(r.errors) != before+2 || failed("two") != 1 {
		t.Errorf("a reply with two errors counts %q, and %d failures", r.errors[before:], failed("two"))
	}
}

package host

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"datastore/plugin"
)

// replying is a handler that writes replies one after the other.
func replying(t *testing.T, write func(ctx plugin.Ctx) []error) plugin.Handler {
	return func(ctx plugin.Ctx, _ []plugin.String) error {
		t.Helper()
		for i, err := range write(ctx) {
			if err != nil {
				t.Errorf("reply %d: %v", i, err)
			}
		}
		return nil
	}
}

// wantBytes compares what a command replies in both protocols.
func (r *rig) wantBytes(resp2, resp3 string, args ...string) {
	r.t.Helper()
	for proto, want := range map[int]string{2: resp2, 3: resp3} {
		r.client.Proto = proto
		if got := r.do(args...); got != want {
			r.t.Errorf("%q in RESP%d: %q, want %q", args, proto, got, want)
		}
	}
	r.client.Proto = 2
}

// TestReplyKinds has the exact bytes of every kind of reply.
//
// Rules: REP-3, REP-4, REP-9.
func TestReplyKinds(t *testing.T) {
	big := "-1234567999999999999999999999999999999"
	for _, tt := range []struct {
		name, resp2, resp3 string
		reply              func(ctx plugin.Ctx) error
	}{
		{"int", ":-9223372036854775808\r\n", ":-9223372036854775808\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyInt(math.MinInt64) }},
		{"max", ":9223372036854775807\r\n", ":9223372036854775807\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyInt(math.MaxInt64) }},
		{"status", "+a  b\r\n", "+a  b\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyStatus("a\r\nb") }},
		{"error", "-CODE a  b\r\n", "-CODE a  b\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyError("CODE a\r\nb") }},
		{"bulk", "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyBulk([]byte("a\r\n")) }},
		{"emptybulk", "$0\r\n\r\n", "$0\r\n\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyEmptyString() }},
		{"null", "$-1\r\n", "_\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyNull() }},
		{"nullarray", "*-1\r\n", "_\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyNullArray() }},
		{"true", ":1\r\n", "#t\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyBool(true) }},
		{"false", ":0\r\n", "#f\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyBool(false) }},
		{"double", "$4\r\n-2.5\r\n", ",-2.5\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyFloat(-2.5) }},
		{"inf", "$3\r\ninf\r\n", ",inf\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyFloat(math.Inf(1)) }},
		{"minf", "$4\r\n-inf\r\n", ",-inf\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyFloat(math.Inf(-1)) }},
		{"nan", "$3\r\nnan\r\n", ",nan\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyFloat(math.NaN()) }},
		{"big", "$38\r\n" + big + "\r\n", "(" + big + "\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyBigNumber(big) }},
		{"txt", "$2\r\n\r\n\r\n", "=6\r\ntxt:\r\n\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyVerbatim([]byte("\r\n"), "txt") }},
		{"short", "$1\r\nx\r\n", "=5\r\nm  :x\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyVerbatim([]byte("x"), "m") }},
		{"long", "$1\r\nx\r\n", "=5\r\nmar:x\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyVerbatim([]byte("x"), "markdown") }},
		{"array0", "*0\r\n", "*0\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyArray(0) }},
		{"map0", "*0\r\n", "%0\r\n", func(ctx plugin.Ctx) error { return ctx.ReplyMap(0) }},
		{"set0", "*0\r\n", "~0\r\n", func(ctx plugin.Ctx) error { return ctx.ReplySet(0) }},
		{"map", "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", func(ctx plugin.Ctx) error {
			return errors.Join(ctx.ReplyMap(2), ctx.ReplyStatus("a"), ctx.ReplyInt(1), ctx.ReplyStatus("b"), ctx.ReplyInt(2))
		}},
		{"set", "*2\r\n:1\r\n:2\r\n", "~2\r\n:1\r\n:2\r\n", func(ctx plugin.Ctx) error {
			return errors.Join(ctx.ReplySet(2), ctx.ReplyInt(1), ctx.ReplyInt(2))
		}},
	} {
		r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
			"test.kind": func(ctx plugin.Ctx, _ []plugin.String) error { return tt.reply(ctx) },
		})
		r.wantBytes(tt.resp2, tt.resp3, "test.kind")
		if tt.name == "error" && (len(r.errors) != 2 || r.table.Find([]byte("test.kind")).Stats.Failed != 2) {
			t.Errorf("an error reply does not count: %q", r.errors)
		}
		if t.Failed() {
			t.Fatalf("kind %s", tt.name)
		}
	}
}

// Rules: REP-4.
func TestAttributes(t *testing.T) {
	with := func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.ReplyArray(2))
		switch err := ctx.ReplyAttribute(1); {
		case errors.Is(err, plugin.ErrRESP2):
		default:
			must(t, errors.Join(err, ctx.ReplyStatus("ttl"), ctx.ReplyInt(9)))
		}
		must(t, ctx.ReplyStatus("a"))
		switch err := ctx.ReplyAttribute(plugin.Postponed); {
		case errors.Is(err, plugin.ErrRESP2):
		default:
			must(t, errors.Join(err, ctx.ReplyStatus("x"), ctx.ReplyMap(0), ctx.SetAttributeLen(1)))
		}
		return ctx.ReplySet(0)
	}
	alone := func(ctx plugin.Ctx, _ []plugin.String) error {
		return errors.Join(ctx.ReplyAttribute(1), ctx.ReplyInt(1), ctx.ReplyInt(2))
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"with": with, "alone": alone,
		"second": func(ctx plugin.Ctx, _ []plugin.String) error {
			must(t, ctx.ReplyAttribute(0))
			wantErr(t, "an attribute of an attribute", ctx.ReplyAttribute(1), plugin.ErrReplyShape)
			return ctx.ReplyInt(1)
		},
		"inner": func(ctx plugin.Ctx, _ []plugin.String) error {
			must(t, errors.Join(ctx.ReplyArray(1), ctx.ReplyAttribute(0)))
			wantErr(t, "an attribute of an attribute", ctx.ReplyAttribute(1), plugin.ErrReplyShape)
			return ctx.ReplyInt(1)
		},
		"top":  func(ctx plugin.Ctx, args []plugin.String) error { must(t, alone(ctx, args)); return ctx.ReplyInt(3) },
		"tail": func(ctx plugin.Ctx, args []plugin.String) error { must(t, ctx.ReplyInt(3)); return alone(ctx, args) },
		"in": func(ctx plugin.Ctx, args []plugin.String) error {
			must(t, ctx.ReplyArray(plugin.Postponed))
			must(t, ctx.ReplyInt(3))
			must(t, alone(ctx, args))
			wantErr(t, "SetArrayLen behind an attribute", ctx.SetArrayLen(1), plugin.ErrReplyShape)
			return nil
		},
	})
	r.wantBytes("*2\r\n+a\r\n*0\r\n", "*2\r\n|1\r\n+ttl\r\n:9\r\n+a\r\n|1\r\n+x\r\n%0\r\n~0\r\n", "with")
	r.client.Proto = 3
	r.want("|1\r\n:1\r\n:2\r\n:3\r\n", "top")
	if r.logged("misuse") {
		t.Errorf("log: %q", r.log)
	}
	r.want("|0\r\n:1\r\n", "second")
	r.want("*1\r\n|0\r\n:1\r\n", "inner")
	r.want("|1\r\n:1\r\n:2\r\n_\r\n", "alone")
	r.want(":3\r\n", "tail")
	r.want("*2\r\n:3\r\n|1\r\n:1\r\n:2\r\n_\r\n", "in")
}

// TestPostponedNesting nests collections whose lengths are set afterwards: arrays as in the specification's example of 100
// times 10, and all kinds in each other.
//
// Rules: REP-5.
func TestPostponedNesting(t *testing.T) {
	hundred := func(ctx plugin.Ctx) (errs []error) {
		errs = append(errs, ctx.ReplyArray(plugin.Postponed))
		for i := range int64(10) {
			errs = append(errs, ctx.ReplyInt(i))
		}
		errs = append(errs, ctx.ReplyArray(plugin.Postponed))
		for i := range int64(10) {
			errs = append(errs, ctx.ReplyInt(100+i))
		}
		errs = append(errs, ctx.SetArrayLen(10))
		for i := range int64(89) {
			errs = append(errs, ctx.ReplyInt(i))
		}
		return append(errs, ctx.SetArrayLen(100))
	}
	mixed := func(ctx plugin.Ctx) []error {
		return []error{
			ctx.ReplySet(plugin.Postponed), ctx.ReplyArray(plugin.Postponed), ctx.ReplyMap(plugin.Postponed),
			ctx.ReplyStatus("k"), ctx.ReplySet(1), ctx.ReplyInt(1),
			ctx.ReplyMap(1), ctx.ReplyInt(2), ctx.ReplyArray(plugin.Postponed), ctx.SetArrayLen(0), ctx.ReplyNull(),
			ctx.SetMapLen(2), ctx.ReplyInt(3), ctx.SetArrayLen(2), ctx.SetSetLen(1),
		}
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"hundred": replying(t, hundred), "mixed": replying(t, mixed)})
	line := func(from, n int) (text string) {
		for i := range n {
			text += ":" + strconv.Itoa(from+i) + "\r\n"
		}
		return text
	}
	want := "*100\r\n" + line(0, 10) + "*10\r\n" + line(100, 10) + line(0, 89)
	r.wantBytes(want, want, "hundred")
	r.wantBytes("*1\r\n*2\r\n*4\r\n+k\r\n*1\r\n:1\r\n*2\r\n:2\r\n*0\r\n$-1\r\n:3\r\n",
		"~1\r\n*2\r\n%2\r\n+k\r\n~1\r\n:1\r\n%1\r\n:2\r\n*0\r\n_\r\n:3\r\n", "mixed")
	if len(r.log) != 1 { // of the load
		t.Errorf("log: %q", r.log)
	}
}

// TestReplyMisuse: a length without an open collection has no effect, and whatever a handler leaves open or unfinished, of any
// kind, the client gets one whole reply. All of it is logged and counted.
//
// Rules: REP-6, REP-7.
func TestReplyMisuse(t *testing.T) {
	shape := func(what string, err error) error {
		wantErr(t, what, err, plugin.ErrReplyShape)
		return nil
	}
	for _, tt := range []struct {
		name, resp2, resp3 string
		write              func(ctx plugin.Ctx) []error
	}{
		{"none", ":1\r\n", ":1\r\n", func(ctx plugin.Ctx) []error {
			return []error{shape("array", ctx.SetArrayLen(0)), shape("map", ctx.SetMapLen(0)), shape("set", ctx.SetSetLen(0)),
				shape("attribute", ctx.SetAttributeLen(0)), ctx.ReplyInt(1)}
		}},
		{"kind", "*2\r\n:1\r\n:2\r\n", "%1\r\n:1\r\n:2\r\n", func(ctx plugin.Ctx) []error {
			return []error{ctx.ReplyMap(plugin.Postponed), ctx.ReplyInt(1), ctx.ReplyInt(2), shape("array", ctx.SetArrayLen(2)),
				shape("set", ctx.SetSetLen(2)), shape("length", ctx.SetMapLen(2)), shape("negative", ctx.SetMapLen(-1))}
		}},
		{"half", "*4\r\n:1\r\n:2\r\n:3\r\n$-1\r\n", "%2\r\n:1\r\n:2\r\n:3\r\n_\r\n", func(ctx plugin.Ctx) []error {
			return []error{ctx.ReplyMap(plugin.Postponed), ctx.ReplyInt(1), ctx.ReplyInt(2), ctx.ReplyInt(3)}
		}},
		{"fixed", "*4\r\n:1\r\n$-1\r\n$-1\r\n$-1\r\n", "%2\r\n:1\r\n_\r\n_\r\n_\r\n", func(ctx plugin.Ctx) []error {
			return []error{ctx.ReplyMap(2), ctx.ReplyInt(1)}
		}},
		{"nested", "*1\r\n*2\r\n*2\r\n:1\r\n$-1\r\n$-1\r\n", "~1\r\n*2\r\n%1\r\n:1\r\n_\r\n_\r\n", func(ctx plugin.Ctx) []error {
			return []error{ctx.ReplySet(plugin.Postponed), ctx.ReplyArray(2), ctx.ReplyMap(1), ctx.ReplyInt(1)}
		}},
		{"many", "*1\r\n:1\r\n", "~1\r\n:1\r\n", func(ctx plugin.Ctx) []error {
			return []error{ctx.ReplySet(1), ctx.ReplyInt(1), ctx.ReplyInt(2), ctx.ReplyMap(1), ctx.ReplyInt(3)}
		}},
	} {
		r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{tt.name: replying(t, tt.write)})
		r.wantBytes(tt.resp2, tt.resp3, tt.name)
		if i := r.h.Infos()[0]; i.Misuses < 2 || !r.logged("API misuse") {
			t.Errorf("%s: %d misuses counted, log %q", tt.name, i.Misuses, r.log)
		}
	}
}

func TestReplyArguments(t *testing.T) {
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		for _, digits := range []string{"", "-", "+", "1.5", "1e3", "0x1", " 1", "1\r\n:2"} {
			wantErr(t, "big number "+digits, ctx.ReplyBigNumber(digits), plugin.ErrInvalid)
		}
		for _, open := range []func(int) error{ctx.ReplyArray, ctx.ReplyMap, ctx.ReplySet} {
			wantErr(t, "a negative length", open(-2), plugin.ErrInvalid)
			wantErr(t, "a length that no client takes", open(math.MaxInt32+1), plugin.ErrTooLarge)
		}
		if ctx.Replied() {
			t.Error("something was written")
		}
		return ctx.ReplyBigNumber("+0")
	}})
	r.wantBytes("$2\r\n+0\r\n", "(+0\r\n", "t")
}

// TestWrongArity names the command in full, also a subcommand.
//
// Rules: REP-2.
func TestWrongArity(t *testing.T) {
	arity := func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.WrongArity() }
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		return errors.Join(ctx.Init("m", 1, plugin.APIVer2), ctx.CreateCommand("M.One", arity),
			ctx.CreateCommand("m.box", nil, plugin.CommandSpec{Container: true}),
			ctx.CreateCommand("Sub", arity, plugin.CommandSpec{Parent: "M.Box"}))
	})
	r.want("-ERR wrong number of arguments for 'm.one' command\r\n", "M.ONE")
	r.want("-ERR wrong number of arguments for 'm.box|sub' command\r\n", "m.box", "SUB", "x")
}

// TestReplyAllocations: replies of all kinds allocate nothing.
func TestReplyAllocations(t *testing.T) {
	text := []byte("text")
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		for _, err := range [...]error{
			ctx.ReplyMap(plugin.Postponed), ctx.ReplySet(1), ctx.ReplyBool(true), ctx.ReplyBigNumber("123456789012345678901234567890"),
			ctx.ReplyVerbatim(text, "txt"), ctx.ReplyFloat(1.5), ctx.SetMapLen(2),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	}})
	r.client.Proto = 3
	cmd, args := r.table.Find([]byte("t")), [][]byte{[]byte("t")}
	r.ctx.W.Proto = 3
	if n := testing.AllocsPerRun(100, func() {
		r.ctx.W.Buf = r.ctx.W.Buf[:0]
		r.Call(&r.client, cmd, args)
	}); n != 0 || !strings.HasPrefix(string(r.ctx.W.Buf), "%2\r\n~1\r\n#t\r\n") {
		t.Errorf("%v allocations for %q", n, r.ctx.W.Buf)
	}
}

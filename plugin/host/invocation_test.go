package host

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// TestNumbersAsText: integers in decimal, floats as the shortest text that reads as the same number.
//
// Rules: STR-3.
func TestNumbersAsText(t *testing.T) {
	inHandler(t, func(ctx plugin.Ctx) {
		for n, want := range map[uint64]string{0: "0", 7: "7", 1 << 63: "9223372036854775808", math.MaxUint64: "18446744073709551615"} {
			if s := ctx.CreateStringFromUint(n); s.String() != want {
				t.Errorf("%d: %s", n, s)
			}
		}
		for n, want := range map[int64]string{math.MinInt64: "-9223372036854775808", math.MaxInt64: "9223372036854775807", 0: "0"} {
			if s := ctx.CreateStringFromInt(n); s.String() != want {
				t.Errorf("%d: %s", n, s)
			}
		}
		for v, want := range map[float64]string{
			0: "0", 1: "1", -2.5: "-2.5", .1: "0.1", 1.0 / 3: "0.3333333333333333", 1e20: "100000000000000000000", 1e21: "1e+21",
			1234567.5: "1234567.5", 1e-5: "0.00001", 1.5e-7: "1.5e-07", math.MaxFloat64: "1.7976931348623157e+308",
			math.SmallestNonzeroFloat64: "5e-324", math.Inf(1): "inf", math.Inf(-1): "-inf", 1 << 53: "9007199254740992",
		} {
			s := ctx.CreateStringFromFloat(v)
			if s.String() != want {
				t.Errorf("%v: %s, want %s", v, s, want)
			}
			if got, err := s.Float64(); err != nil || got != v {
				t.Errorf("%s reads as %v, %v", s, got, err)
			}
		}
		if s := ctx.CreateStringFromFloat(math.NaN()); s.String() != "nan" {
			t.Errorf("NaN: %s", s)
		}
		if s := ctx.CreateStringFromFloat(math.Copysign(0, -1)); s.String() != "-0" {
			t.Errorf("-0: %s", s)
		}
		for _, bad := range []string{"nan", "NaN", "-nan", " 1", "1 ", "", "1x", "0x", "1e", "\t1"} {
			if _, err := str(bad).Float64(); !errors.Is(err, plugin.ErrNotNumber) {
				t.Errorf("%q reads as a number", bad)
			}
		}
	})
}

// TestArgumentsKept: arguments are valid until the handler returns without being freed, what is retained is valid beyond, and a
// call gets the bytes of a String as they are.
//
// Rules: STR-4, STR-5.
func TestArgumentsKept(t *testing.T) {
	var kept, held plugin.String
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, args []plugin.String) error {
		kept, held = ctx.RetainString(args[1]), ctx.RetainString(plugin.String{})
		ctx.FreeString(args[1]) // an argument needs none, and is left alone
		if _, err := ctx.Call("SET", "ss", args[1], args[1]); err != nil {
			return err
		}
		reply, err := ctx.Call("GET", "s", args[1])
		if err != nil {
			return err
		}
		if string(reply.Bytes()) != args[1].String() {
			t.Errorf("the call got %q", reply.Bytes())
		}
		return ctx.ReplyString(args[1])
	}})
	argv := [][]byte{[]byte("t"), []byte("a\x00\r\nb")}
	r.begin()
	r.Call(&r.client, r.table.Find(argv[0]), argv)
	r.finish()
	copy(argv[1], "XXXXX") // the input buffer is used again
	if kept.String() != "a\x00\r\nb" || !held.IsZero() || !strings.HasSuffix(string(r.ctx.W.Buf), "$5\r\na\x00\r\nb\r\n") {
		t.Errorf("kept %q, replied %q", kept, r.ctx.W.Buf)
	}
}

// TestClocks: the unit's time stands still while real time goes on.
//
// Rules: MSC-1.
func TestClocks(t *testing.T) {
	inHandler(t, func(ctx plugin.Ctx) {
		began, now := time.Now(), ctx.Now()
		_, err := ctx.Call("SET", "!ccccc", "clock", "v", "PX", "1000", "NX")
		must(t, err)
		for time.Since(began) < 3*time.Millisecond { // monotonic: it cannot go back
			if later := ctx.Now(); !later.Equal(now) || !now.Equal(time.UnixMilli(rigNowMs)) {
				t.Fatalf("the time of the unit went from %v to %v", now, later)
			}
		}
	})
}

// TestLog: lines begin with the module's name, or with "module" before Init; an unknown level is "verbose".
func TestLog(t *testing.T) {
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		ctx.Log(plugin.Notice, "no name yet")
		must(t, ctx.Init("named", 1, plugin.APIVer2))
		ctx.Log("shouting", "two\r\nlines %d", 1)
		return nil
	})
	if len(r.log) != 3 || r.log[0] != "<module> no name yet" || r.log[1] != "<named> two  lines 1" {
		t.Errorf("log: %q", r.log)
	}
}

// TestLatency: a module names a bounded number of events.
func TestLatency(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		for i := range 2 * maxEvents {
			ctx.Latency("event-"+strconv.Itoa(i), time.Second)
		}
		ctx.Latency("event-0", 2*time.Second)
		for _, bad := range []string{"", "a b", "a\nb"} {
			ctx.Latency(bad, time.Second)
		}
	})
	if len(r.events) != maxEvents+1 || r.events[0] != "event-0 1s" || r.events[maxEvents] != "event-0 2s" {
		t.Errorf("%d events: %q", len(r.events), r.events)
	}
	if i := r.h.Infos()[0]; i.Misuses != maxEvents+3 {
		t.Errorf("%d misuses", i.Misuses)
	}
}

func TestInvocation(t *testing.T) {
	seen := map[byte]bool{}
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		if ctx.Module() != "test" || ctx.Command() != "t" || ctx.ClientID() != 7 {
			t.Errorf("%s, %s, %d", ctx.Module(), ctx.Command(), ctx.ClientID())
		}
		want := plugin.FlagMaster
		if ctx.Flags()&plugin.FlagRESP3 != 0 {
			want |= plugin.FlagRESP3
		}
		if ctx.Flags() != want {
			t.Errorf("flags %b", ctx.Flags())
		}
		if ctx.DBSize() != 7 {
			t.Errorf("%d keys", ctx.DBSize())
		}
		for range 10 {
			var b [100]byte
			ctx.RandomBytes(b[:])
			for _, c := range b {
				seen[c] = true
			}
		}
	})
	r.state = plugin.FlagMaster
	r.want(":1\r\n", "t")
	r.client.Proto = 3
	r.want(":1\r\n", "t")
	if len(seen) < 200 {
		t.Errorf("only %d values among 2000 random bytes", len(seen))
	}
	bare := bareRig(t)
	bare.state = plugin.FlagServerStartup
	bare.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		if ctx.DBSize() != 0 {
			t.Errorf("%d keys", ctx.DBSize())
		}
		if ctx.Flags() != plugin.FlagServerStartup|plugin.FlagDenyBlocking {
			t.Errorf("flags in OnLoad: %b", ctx.Flags())
		}
		_, err := ctx.Call("GET", "C"+"c", "k")
		must(t, ctx.Init("m", 1, plugin.APIVer1))
		wantErr(t, "a call before Init", err, plugin.ErrNotInitialized)
		_, err = ctx.Call("GET", "Cc", "k")
		wantErr(t, "as a user in OnLoad", err, plugin.ErrNoUser)
		_, err = ctx.CallArgs("SET", plugin.Repl, plugin.B([]byte("k")), plugin.I(1))
		must(t, err)
		must(t, ctx.ReplicateArgs("SET", 0, plugin.B([]byte("k")), plugin.I(1)))
		return nil
	})
	if got := bare.do("GET", "k"); got != "$1\r\n1\r\n" {
		t.Errorf("k: %q", got)
	}
}

// TestOpenedKeysAreCounted: INFO tells how many keys a module's commands have opened.
func TestOpenedKeysAreCounted(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		for i := range 5 {
			must(t, open(t, ctx, "k"+strconv.Itoa(i), plugin.Write).Close())
		}
		open(t, ctx, "missing", plugin.Read)
	})
	if n := r.h.Infos()[0].Keys; n != 6 {
		t.Errorf("%d keys", n)
	}
}

package host

import (
	"errors"
	"math"
	"strings"
	"testing"

	"datastore/plugin"
)

// TestCallFormat: letters take arguments, modifiers take none and stand anywhere, and anything else is an error before the
// command is looked up.
//
// Rules: CALL-1.
func TestCallFormat(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		all := []plugin.String{str("v1"), str("v2")}
		for _, format := range []string{"cbslv", "!cbslv", "c!bKs0lv3", "AcRbslvEMC", "Scbslv"} {
			const want = 5
			reply, err := ctx.Call("RPUSH", format, "new", []byte("b"), str("s"), 4, all)
			if must(t, err); reply.Int() != want {
				t.Errorf("%s: %d, %q", format, reply.Int(), reply.Bytes())
			}
			_, err = ctx.Call("DEL", "!c", "new")
			must(t, err)
		}
		for _, format := range []string{"x", "c?", "c c", "c~", "1c", "2c", "4c", "Ac!c", "cc", "", "\x00c", "é"} {
			for _, cmd := range []string{"GET", "NO SUCH COMMAND"} {
				reply, err := ctx.Call(cmd, format, "k")
				wantErr(t, format, err, plugin.ErrBadFormat)
				wantErr(t, format, err, plugin.ErrInvalid)
				wantErr(t, format, ctx.Replicate(cmd, format, "k"), plugin.ErrBadFormat)
				if reply != nil {
					t.Errorf("%q: a reply", format)
				}
			}
		}
	})
	if r.logged("misuse") {
		t.Error("a modifier is a misuse")
	}
}

// refusals are the calls that fail, with the state of the rig in which they do.
var refusals = []struct {
	modifiers string
	cmd       string
	args      []string
	want      error
	text      string
	prepare   func(r *rig)
}{
	{"", "nope", []string{"a", "b"}, plugin.ErrCommandNotFound, "ERR unknown command 'nope', with args beginning with: 'a' 'b' ", nil},
	{"", "OBJECT", []string{"nope"}, plugin.ErrCommandNotFound, "ERR unknown subcommand 'nope'. Try OBJECT HELP.", nil},
	{"", "get", nil, plugin.ErrArity, "ERR wrong number of arguments for 'get' command", nil},
	{"", "object", []string{"encoding"}, plugin.ErrArity, "ERR wrong number of arguments for 'object|encoding' command", nil},
	{"S", "multi", nil, plugin.ErrScriptMode, "ERR command 'multi' is not allowed on script mode", nil},
	{"S", "set", []string{"k", "v"}, plugin.ErrScriptMode, "READONLY You can't write.", func(r *rig) { r.unfit = "READONLY You can't write." }},
	{"M", "set", []string{"k", "v"}, plugin.ErrNotAllowed, "OOM command not allowed when used memory > 'maxmemory'.", func(r *rig) { r.full = true }},
	{"W", "set", []string{"k", "v"}, plugin.ErrNotAllowed, "ERR Write command 'set' was called while write is not allowed.", nil},
	{"C", "get", []string{"k"}, plugin.ErrNoUser, "ERR cannot run as user, no user directly attached to context or context's client", func(r *rig) { r.client.Authed = false }},
}

// TestRefusedCalls: each failure is an error of its own without "E", and the reply a client would get with it, or with "D". Those
// of a cluster and of users with restrictions cannot happen: the daemon has neither yet.
//
// Rules: CALL-2, CALL-3.
func TestRefusedCalls(t *testing.T) {
	for _, tt := range refusals {
		args := make([]plugin.String, len(tt.args))
		for i, a := range tt.args {
			args[i] = str(a)
		}
		ran := false
		r := inHandlerOnly(t, func(ctx plugin.Ctx) {
			reply, err := ctx.Call(tt.cmd, tt.modifiers+"v", args)
			wantErr(t, tt.cmd, err, tt.want)
			if reply != nil {
				t.Errorf("%s: a reply", tt.cmd)
			}
			for _, modifier := range []string{"E", "D", "ED"} {
				reply, err := ctx.Call(tt.cmd, modifier+"v"+tt.modifiers, args)
				if must(t, err); reply.Type() != plugin.ErrorReply || string(reply.Bytes()) != tt.text {
					t.Errorf("%s with %s: %q, want %q", tt.cmd, modifier, reply.Bytes(), tt.text)
				}
				if string(reply.Proto()) != "-"+tt.text+"\r\n" {
					t.Errorf("%s with %s: %q", tt.cmd, modifier, reply.Proto())
				}
			}
			_, err = ctx.Call(tt.cmd, tt.modifiers+"Ex", "k")
			wantErr(t, "a bad format with E", err, plugin.ErrBadFormat)
			ran = true
		})
		if tt.prepare != nil {
			tt.prepare(r)
		}
		before := r.ctx.Store.Changes()
		r.do("t")
		if !ran || r.ctx.Store.Changes() != before {
			t.Errorf("%s: something has run, or nothing", tt.cmd)
		}
	}
}

// TestConditionsMet: the modifiers let pass what they are not about.
func TestConditionsMet(t *testing.T) {
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		for cmd, format := range map[string]string{"GET": "SWMCc", "STRLEN": "WMc"} {
			_, err := ctx.Call(cmd, format, "s")
			must(t, err)
		}
		_, err := ctx.Call("SET", "cc", "s", "the state of the server is nothing to a plain call")
		must(t, err)
		_, err = ctx.CallArgs("DEL", plugin.RespectOOM|plugin.Repl, plugin.B([]byte("s")))
		must(t, err)
	})
	r.full, r.unfit = true, "READONLY"
	r.want(":1\r\n", "t")
}

// TestCallOnOpenKey: a call leaves alone what the handler holds open, unless both sides only read.
//
// Rules: CALL-6.
func TestCallOnOpenKey(t *testing.T) {
	inHandler(t, func(ctx plugin.Ctx) {
		busy := func(what string, format string, words ...string) {
			t.Helper()
			for _, f := range []string{format, format + "E"} {
				_, err := ctx.Call(words[0], f, words[1])
				wantErr(t, what, err, plugin.ErrOpenKeyBusy)
			}
		}
		k := open(t, ctx, "s", plugin.Read)
		_, err := ctx.Call("GET", "c", "s")
		must(t, err)
		busy("a write to a key open for reading", "c", "DEL", "s")
		must(t, k.Close())
		k = open(t, ctx, "s", plugin.Write)
		busy("a read of a key open for writing", "c", "GET", "s")
		_, err = ctx.Call("FLUSHALL", "")
		wantErr(t, "a write to all keys", err, plugin.ErrOpenKeyBusy)
		must(t, k.SetString(str("still open")))
		must(t, k.Close())
		reply, err := ctx.Call("GET", "c", "s")
		if must(t, err); string(reply.Bytes()) != "still open" {
			t.Errorf("s is %q", reply.Bytes())
		}
	})
}

// TestDryRun: a command that would run gives neither a reply nor an error, and does not run.
//
// Rules: CALL-4.
func TestDryRun(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		for _, format := range []string{"Dcc", "DEcc", "!ccD", "DSMCcc"} {
			reply, err := ctx.Call("SET", format, "dry", "run")
			if must(t, err); reply != nil || reply.Type() != plugin.UnknownReply {
				t.Errorf("%s: %q", format, reply.Proto())
			}
		}
		reply, err := ctx.Cmd("SET").With(plugin.DryRun | plugin.NoWrites).Str(str("dry")).Str(str("run")).Do()
		if must(t, err); !strings.Contains(string(reply.Bytes()), "write is not allowed") {
			t.Errorf("a write in a dry run: %q", reply.Bytes())
		}
		if ctx.KeyExists(str("dry")) {
			t.Error("the command has run")
		}
		open(t, ctx, "s", plugin.Write)
		_, err = ctx.Call("DEL", "Dc", "s")
		wantErr(t, "a dry run on an open key", err, plugin.ErrOpenKeyBusy)
	})
	r.sent()
	if cmd := r.table.Find([]byte("set")); cmd.Stats.Calls != 3 { // those that prepare the rig
		t.Errorf("SET was called %d times", cmd.Stats.Calls)
	}
}

// TestCallProtocols: a called command replies in RESP2 unless asked otherwise, with all permissions, in the context's database,
// and is counted.
//
// Rules: CALL-5.
func TestCallProtocols(t *testing.T) {
	var wire [4]string
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		for i, format := range []string{"c", "3c", "0c", "30c"} {
			reply, err := ctx.Call("HGETALL", format, "h")
			must(t, err)
			wire[i] = string(reply.Proto())
		}
		must(t, ctx.SelectDB(4))
		_, err := ctx.Call("SET", "cc", "here", "v")
		must(t, err)
		_, err = ctx.Call("INCR", "!c", "n")
		must(t, err)
		must(t, ctx.SelectDB(0))
	})
	const flat, pairs = "*2\r\n$1\r\nf\r\n$1\r\nv\r\n", "%1\r\n$1\r\nf\r\n$1\r\nv\r\n"
	r.do("t")
	if wire != [4]string{flat, pairs, flat, pairs} {
		t.Errorf("for a client in RESP2: %q", wire)
	}
	r.sent("SELECT 4", "INCR n") // and nothing of the call without "!"
	r.client.Proto = 3
	if r.do("t"); wire != [4]string{flat, pairs, pairs, pairs} {
		t.Errorf("for a client in RESP3: %q", wire)
	}
	if cmd := r.table.Find([]byte("hgetall")); cmd.Stats.Calls != 8 {
		t.Errorf("HGETALL was counted %d times", cmd.Stats.Calls)
	}
	r.client.DB = 4
	if got := r.do("GET", "here"); got != "$1\r\nv\r\n" {
		t.Errorf("the call was in another database: %q", got)
	}
}

// TestCallThatPanics: a handler that recovers from a panic of what it called goes on with its reply as it was.
func TestCallThatPanics(t *testing.T) {
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.ReplyArray(2))
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not reach the handler")
				}
			}()
			_, err := ctx.Call("boom", "3")
			must(t, err)
		}()
		_, err := ctx.Call("SET", "cc", "k", "v")
		must(t, err)
		return errors.Join(ctx.ReplyNull(), ctx.ReplyBool(true))
	}})
	r.want("*2\r\n$-1\r\n:1\r\n", "t")
	r.sent("SELECT 0", "SET k v")
}

// TestTypedArguments: CallArgs and the builder take what Call takes.
func TestTypedArguments(t *testing.T) {
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		list := []plugin.String{str("x"), str("")}
		reply, err := ctx.CallArgs("RPUSH", plugin.Repl, plugin.S(str("typed")), plugin.B([]byte("b\r\n")), plugin.I(math.MinInt64), plugin.V(list), plugin.Arg{})
		if must(t, err); reply.Int() != 5 {
			t.Errorf("RPUSH: %q", reply.Proto())
		}
		_, err = ctx.CallArgs("NOPE", 0)
		wantErr(t, "unknown", err, plugin.ErrCommandNotFound)
		must(t, ctx.ReplicateArgs("SADD", 0, plugin.B([]byte("s")), plugin.I(7), plugin.V(list)))
		wantErr(t, "unknown", ctx.ReplicateArgs("NOPE", 0), plugin.ErrCommandNotFound)
		return ctx.ReplyReply(reply)
	}})
	r.replica = bareRig(t)
	if got := r.do("t"); got != ":5\r\n" {
		t.Errorf("t: %q", got)
	}
	r.sent("MULTI", "SELECT 0", "RPUSH typed b\r\n -9223372036854775808 x  ", "SADD s 7 x ", "EXEC")
	if got := r.do("LRANGE", "typed", "1", "-1"); got != "*4\r\n$20\r\n-9223372036854775808\r\n$1\r\nx\r\n$0\r\n\r\n$0\r\n\r\n" {
		t.Errorf("typed: %q", got)
	}
}

// TestTargets: "A" keeps what is replicated from the append-only file, "R" from replicas; both together from everybody. The
// databases are selected right in both streams, and each of them has its own MULTI.
//
// Rules: RPL-5, CALL-1.
func TestTargets(t *testing.T) {
	var step func(ctx plugin.Ctx) error
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"t": func(ctx plugin.Ctx, _ []plugin.String) error { return errors.Join(step(ctx), ctx.ReplyInt(1)) },
		"inner": func(ctx plugin.Ctx, _ []plugin.String) error {
			return errors.Join(ctx.Replicate("SET", "Acc", "na", "1"), ctx.Replicate("SET", "cc", "all", "1"),
				ctx.Replicate("SET", "ccR", "nr", "1"), ctx.ReplyInt(1))
		},
	})
	call := func(ctx plugin.Ctx, cmd, format string, args ...any) error {
		_, err := ctx.Call(cmd, format, args...)
		return err
	}
	for i, tt := range []struct {
		step         func(ctx plugin.Ctx) error
		aof, replica string
	}{
		{func(ctx plugin.Ctx) error { return ctx.Replicate("SET", "cc", "k", "v") }, "SELECT 0|SET k v", "SELECT 0|SET k v"},
		{func(ctx plugin.Ctx) error { return ctx.Replicate("SET", "ccA", "k", "v") }, "", "SELECT 0|SET k v"},
		{func(ctx plugin.Ctx) error {
			return ctx.ReplicateArgs("SET", plugin.NoReplicas, plugin.B([]byte("k")), plugin.I(1))
		}, "SELECT 0|SET k 1", ""},
		{func(ctx plugin.Ctx) error {
			return ctx.Cmd("DEL").With(plugin.NoAOF | plugin.NoReplicas).Str(str("k")).Replicate()
		}, "", ""},
		{func(ctx plugin.Ctx) error { return call(ctx, "INCR", "!Ac", "n") }, "", "SELECT 0|INCR n"},
		{func(ctx plugin.Ctx) error { return call(ctx, "INCR", "c!R", "n") }, "SELECT 0|INCR n", ""},
		{func(ctx plugin.Ctx) error { return call(ctx, "INCR", "AcR", "n") }, "INCR n", "INCR n"},
		{func(ctx plugin.Ctx) error {
			return errors.Join(call(ctx, "INCR", "!Ac", "n"), call(ctx, "INCR", "!c", "m"), ctx.SelectDB(3), ctx.Replicate("INCR", "Rc", "o"),
				ctx.Replicate("INCR", "c", "p"), ctx.SelectDB(0))
		}, "MULTI|SELECT 0|INCR m|SELECT 3|INCR o|SELECT 3|INCR p|EXEC", "MULTI|SELECT 0|INCR n|SELECT 0|INCR m|SELECT 3|INCR p|EXEC"},
		{func(ctx plugin.Ctx) error { return call(ctx, "inner", "!") },
			"MULTI|SELECT 0|SET all 1|SELECT 0|SET nr 1|EXEC", "MULTI|SELECT 0|SET na 1|SELECT 0|SET all 1|EXEC"},
		{func(ctx plugin.Ctx) error { return call(ctx, "inner", "!A") }, "", "MULTI|SELECT 0|SET na 1|SELECT 0|SET all 1|EXEC"},
		{func(ctx plugin.Ctx) error {
			return errors.Join(call(ctx, "inner", "!R"), ctx.Replicate("SET", "cc", "k", "v"))
		},
			"MULTI|SELECT 0|SET all 1|SELECT 0|SET nr 1|SELECT 0|SET k v|EXEC", "SELECT 0|SET k v"},
	} {
		step = tt.step
		r.stream, r.aof = nil, nil
		if got := r.do("t"); got != ":1\r\n" {
			t.Errorf("step %d: %q", i, got)
		}
		if aof, replica := strings.Join(r.aof, "|"), strings.Join(r.stream, "|"); aof != tt.aof || replica != tt.replica {
			t.Errorf("step %d:\n  logged     %q\n  want       %q\n  replicated %q\n  want       %q", i, aof, tt.aof, replica, tt.replica)
		}
		r.stream, r.aof = nil, nil
		if r.do("SET", "between", "v"); strings.Join(r.aof, "|") != strings.Join(r.stream, "|") {
			t.Errorf("step %d: then %q is logged and %q replicated", i, r.aof, r.stream)
		}
	}
}

// TestReplicatedChanges: what is replicated counts as a change, whoever gets it; a call counts by what it changes.
func TestReplicatedChanges(t *testing.T) {
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		_, err := ctx.Call("SET", "!cc", "k", "v")
		return errors.Join(err, ctx.Replicate("INCR", "c", "n"), ctx.ReplicateArgs("INCR", plugin.NoAOF, plugin.B([]byte("n"))),
			ctx.ReplicateVerbatim(), ctx.ReplyInt(1))
	}})
	r.replica = nil
	r.do("t")
	r.ctx.Effects.Listen(false)
	if r.do("t"); r.dirty != 6 || r.ctx.Store.Changes() != 2 {
		t.Errorf("%d changes besides %d of the keyspace", r.dirty, r.ctx.Store.Changes())
	}
}

// TestCallAllocations: the builder allocates nothing, CallArgs its slice of arguments at most.
func TestCallAllocations(t *testing.T) {
	for name, tt := range map[string]struct {
		most float64
		call func(ctx plugin.Ctx, args []plugin.String) (*plugin.Reply, error)
	}{
		"builder": {0, func(ctx plugin.Ctx, args []plugin.String) (*plugin.Reply, error) {
			return ctx.Cmd("SETRANGE").With(plugin.Repl | plugin.RESPAuto | plugin.ErrorsAsReply).Str(args[0]).Int(0).Str(args[0]).Do()
		}},
		"typed": {1, func(ctx plugin.Ctx, args []plugin.String) (*plugin.Reply, error) {
			return ctx.CallArgs("SETRANGE", plugin.Repl, plugin.S(args[0]), plugin.I(0), plugin.S(args[0]))
		}},
		"map": {0, func(ctx plugin.Ctx, args []plugin.String) (*plugin.Reply, error) {
			return ctx.Cmd("HGETALL").With(plugin.RESP3).Str(args[0]).Do()
		}},
	} {
		r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{name: func(ctx plugin.Ctx, args []plugin.String) error {
			reply, err := tt.call(ctx, args)
			if err != nil {
				return err
			}
			return ctx.ReplyInt(int64(reply.Len()))
		}})
		if r.do("HSET", "map", "f", "v"); name != "map" {
			r.do("DEL", "map")
		}
		cmd, args := r.table.Find([]byte(name)), [][]byte{[]byte(name)}
		n := testing.AllocsPerRun(200, func() {
			r.ctx.W.Buf = r.ctx.W.Buf[:0]
			r.Call(&r.client, cmd, args)
			r.ctx.Effects.Finish()
		})
		if n > tt.most || len(r.errors) > 0 {
			t.Errorf("%s: %v allocations, errors %q", name, n, r.errors)
		}
	}
}

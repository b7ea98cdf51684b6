package plugintest

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"datastore/plugin"
)

// module makes an OnLoad that registers write commands.
func module(handlers map[string]plugin.Handler) plugin.OnLoadFunc {
	return func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("test", 1, plugin.APIVer2); err != nil {
			return err
		}
		for name, h := range handlers {
			if err := ctx.CreateCommand(name, h, plugin.Flags("write", 0, 0, 0)); err != nil {
				return err
			}
		}
		return nil
	}
}

func push(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Write)
	if err != nil {
		return err
	}
	if err := k.Check(plugin.KeyList); err != nil {
		return err
	}
	if err := k.Push(plugin.Tail, args[2]); err != nil {
		return err
	}
	return ctx.ReplyInt(int64(k.Len()))
}

// divergent changes something, and tells replicas something else.
func divergent(ctx plugin.Ctx, args []plugin.String) error {
	r, err := ctx.Call("SET", "sc", args[1], "here")
	if err != nil {
		return err
	}
	if err := ctx.Replicate("SET", "sc", args[1], "there"); err != nil {
		return err
	}
	return ctx.ReplyReply(r)
}

// judge is a test that notes its failures.
type judge struct {
	testing.TB // for what is not overridden; cleanups are the real test's
	mu         sync.Mutex
	failures   []string
	cleanups   []func()
}

type stopped struct{}

func (j *judge) Helper()             {}
func (j *judge) Logf(string, ...any) {}
func (j *judge) Cleanup(f func())    { j.cleanups = append(j.cleanups, f) }
func (j *judge) Failed() bool        { return len(j.failures) > 0 }
func (j *judge) Fatal(args ...any)   { j.Errorf("%s", fmt.Sprint(args...)); panic(stopped{}) }
func (j *judge) Fatalf(format string, args ...any) {
	j.Errorf(format, args...)
	panic(stopped{})
}

func (j *judge) Errorf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failures = append(j.failures, fmt.Sprintf(format, args...))
}

// judged runs a test and returns its failures.
func judged(t *testing.T, test func(t testing.TB)) string {
	t.Helper()
	j := &judge{TB: t}
	call := func(f func()) {
		defer func() {
			if v := recover(); v != nil && v != (stopped{}) {
				panic(v)
			}
		}()
		f()
	}
	call(func() { test(j) })
	for i := len(j.cleanups) - 1; i >= 0; i-- {
		call(j.cleanups[i])
	}
	return strings.Join(j.failures, "\n")
}

// TestFailures: what must fail a test does, with a message that says what.
func TestFailures(t *testing.T) {
	t.Parallel()
	handlers := map[string]plugin.Handler{
		"t.push": push, "t.divergent": divergent,
		"t.panic":   func(plugin.Ctx, []plugin.String) error { panic("told to") },
		"t.noreply": func(plugin.Ctx, []plugin.String) error { return nil },
		"t.short":   func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyArray(2) },
		"t.auto":    func(ctx plugin.Ctx, args []plugin.String) error { ctx.AutoMemory(); return push(ctx, args) },
		"t.verbatim": func(ctx plugin.Ctx, _ []plugin.String) error {
			if err := ctx.ReplicateVerbatim(); err != nil {
				return err
			}
			return ctx.ReplyStatus("OK")
		},
		"t.alloc": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(int64(len(ctx.Alloc(100)))) },
		"t.local": func(ctx plugin.Ctx, args []plugin.String) error { // replicates nothing of what it does
			if _, err := ctx.Call("SET", "sc", args[1], "x"); err != nil {
				return err
			}
			return ctx.Replicate("PING", "")
		},
	}
	for name, tt := range map[string]struct {
		o    Options
		run  func(s *Server)
		want string // part of the failures; "" for none
	}{
		"nothing":         {Options{Replica: true}, func(s *Server) { s.Do("T.PUSH", "k", "v").Want(1) }, ""},
		"a value":         {Options{}, func(s *Server) { s.Do("T.PUSH", "k", "v").Want("1") }, `T.PUSH k v: got 1, want "1"`},
		"an error":        {Options{}, func(s *Server) { s.Do("NOPE", "a b").Want(1) }, `NOPE "a b": got error "ERR unknown command 'NOPE'`},
		"no error":        {Options{}, func(s *Server) { s.Do("PING").WantErr("ERR") }, `PING: got "PONG", want an error with "ERR"`},
		"bytes":           {Options{}, func(s *Server) { s.Do("PING").WantRaw("+PING\r\n") }, `PING: got "+PONG\r\n", want "+PING\r\n"`},
		"must":            {Options{}, func(s *Server) { s.Do("GET").Must() }, "wrong number of arguments"},
		"an argument":     {Options{}, func(s *Server) { s.Do("GET", struct{}{}) }, "neither text nor a number"},
		"an expectation":  {Options{}, func(s *Server) { s.Do("PING").Want(struct{}{}) }, "no reply can be a struct {}"},
		"the stream":      {Options{}, func(s *Server) { s.WantStream("PING") }, "(nothing)\nwant:\n\tPING"},
		"a panic":         {Options{}, func(s *Server) { s.Do("T.PANIC") }, "T.PANIC: Panic in module test"},
		"an allowed one":  {Options{AllowMisuse: true}, func(s *Server) { s.Do("T.PANIC").WantErr("MODULEPANIC test: told to") }, ""},
		"no reply":        {Options{}, func(s *Server) { s.Do("T.NOREPLY") }, "T.NOREPLY: <test> API misuse: "},
		"a short reply":   {Options{}, func(s *Server) { s.Do("T.SHORT") }, "T.SHORT: <test> API misuse: "},
		"in the end":      {Options{Replica: true}, func(s *Server) { s.Do("T.DIVERGENT", "k") }, `db 0, key "k": string "here", there string "there"`},
		"a missing key":   {Options{Replica: true}, func(s *Server) { s.Do("T.LOCAL", "k"); s.ReplicaEquals() }, `key "k": string "x", there missing`},
		"no module":       {Options{Replica: true}, func(s *Server) { s.Do("T.VERBATIM").Want("OK"); s.ReplicaEquals() }, "does it need Options.ReplicaModule"},
		"a replay":        {Options{AOF: true}, func(s *Server) { s.Do("T.DIVERGENT", "k"); s.ReplayAOF(nil) }, "replay of the append-only file differs"},
		"no AOF":          {Options{}, func(s *Server) { s.ReplayAOF(nil) }, "needs Options.AOF"},
		"no replica":      {Options{}, func(s *Server) { s.ReplicaEquals() }, "needs Options.Replica"},
		"no unload":       {Options{OnUnload: veto}, func(s *Server) { s.t.Errorf("%v", s.Unload()) }, "operation not possible"},
		"time":            {Options{}, func(s *Server) { s.Advance(-1) }, "time does not go back"},
		"a leak":          {Options{NoLeaks: true}, func(s *Server) { s.Do("T.PUSH", "k", "v") }, "left 1 keys and replies open"},
		"no leak":         {Options{NoLeaks: true}, func(s *Server) { s.Do("T.AUTO", "k", "v") }, ""},
		"memory":          {Options{}, func(s *Server) { s.Do("T.ALLOC"); s.Unload() }, "Module test has not freed"},
		"a failing alloc": {Options{}, func(s *Server) { s.Allocs("T.PUSH", "k") }, "T.PUSH"},
	} {
		got := judged(t, func(t testing.TB) { tt.run(New(t, module(handlers), tt.o)) })
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: fails with %q, want %q", name, got, tt.want)
		}
	}
}

func veto(plugin.Ctx) error { return errors.New("not now") }

// TestLoading: a module that refuses to load is an error of Open, and ends New.
func TestLoading(t *testing.T) {
	t.Parallel()
	refusal := errors.New("told to fail")
	refuse := func(_ plugin.Ctx, args []plugin.String) error {
		return fmt.Errorf("%w with %s", refusal, args[0])
	}
	if _, err := Open(t, refuse, Options{Args: []string{"this"}}); !errors.Is(err, refusal) || !strings.Contains(err.Error(), "with this") {
		t.Errorf("Open: %v", err)
	}
	if got := judged(t, func(t testing.TB) { New(t, refuse, Options{Args: []string{"this"}}) }); !strings.Contains(got, "told to fail with this") {
		t.Errorf("New: %q", got)
	}
	if _, err := Open(t, module(nil), Options{Config: []string{"no-such-directive 1"}}); err == nil || !strings.Contains(err.Error(), "Options.Config") {
		t.Errorf("a bad configuration: %v", err)
	}
	_, err := Open(t, module(map[string]plugin.Handler{"first.x": push}), Options{Before: []plugin.OnLoadFunc{
		func(ctx plugin.Ctx, _ []plugin.String) error {
			return errors.Join(ctx.Init("first", 1, plugin.APIVer2), ctx.CreateCommand("first.x", push))
		},
	}})
	if !errors.Is(err, plugin.ErrBusyName) {
		t.Errorf("two modules with one command: %v", err)
	}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{"t.push": push}), Options{})
	s.Do("GET", "none").Want(nil)
	s.Do("RPUSH", "l", "a", 1, []byte("b"), plugin.StringOf([]byte("c")), 1.5, int64(math.MinInt64)).Want(6)
	s.Do("LRANGE", "l", 0, -1).Want([]any{"a", "1", "b", "c", "1.5", "-9223372036854775808"})
	s.Do("LRANGE", "l", 0, 1).Want([2]string{"a", "1"}).WantRaw("*2\r\n$1\r\na\r\n$1\r\n1\r\n")
	s.Do("TYPE", "l").Want([]byte("list"))
	for kind, want := range map[string]any{
		"double": 3.141, "true": true, "false": false, "null": nil, "verbatim": "This is a verbatim\nstring",
		"set": Set{2, 0, 1}, "map": map[int]bool{2: false, 0: false, 1: true}, "array": []int{0, 1, 2},
	} {
		s.Do3("DEBUG", "PROTOCOL", kind).Want(want)
	}
	n, _ := new(big.Int).SetString("1234567999999999999999999999999999999", 10)
	s.Do3("DEBUG", "PROTOCOL", "bignum").Want(n)
	if m, ok := s.Do3("DEBUG", "PROTOCOL", "map").Value().(map[string]any); !ok || m["1"] != true || m["2"] != false {
		t.Errorf("a map: %v", m)
	}
	if got := s.Do("LRANGE", "l", 0, 1).Elems()[1].Text(); got != "1" {
		t.Errorf("an element: %q", got)
	}
	if err := s.Do("GET").Err(); err == nil {
		t.Error("no error for a missing argument")
	}
}

// TestClientsThatBlock: timeouts count with the virtual clock, and what was sent is answered in order.
func TestClientsThatBlock(t *testing.T) {
	t.Parallel()
	s := New(t, module(nil), Options{})
	c := s.Client()
	if s.Client().ID() <= c.ID() {
		t.Error("client numbers do not grow")
	}
	c.Send("WAIT", 9, 5000)
	c.Send("PING")
	if !c.Blocked() {
		t.Fatal("WAIT does not block")
	}
	s.Advance(4999 * time.Millisecond)
	if !c.Blocked() {
		t.Fatal("WAIT ends before its time")
	}
	s.Advance(time.Millisecond)
	if c.Blocked() {
		t.Error("WAIT does not end")
	}
	if c.Recv().Int() == 9 {
		t.Error("WAIT has found 9 replicas")
	}
	c.Recv().Want("PONG")
}

func TestTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2030, 2, 3, 4, 5, 6, 7e6, time.UTC)
	now := func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(ctx.Now().UnixMilli()) }
	s := New(t, module(map[string]plugin.Handler{"t.now": now}), Options{Replica: true, Now: start})
	s.Do("T.NOW").Want(start.UnixMilli())
	s.Do("SET", "k", "v", "PX", 1000)
	s.Advance(time.Second)
	s.Do("PTTL", "k").Want(0)
	s.Stream()
	s.Advance(time.Millisecond)
	s.Do("T.NOW").Want(start.UnixMilli() + 1001)
	s.WantStream()
	s.Do("GET", "k").Want(nil)
	s.WantStream("DEL k")
}

// TestStream: what one command does is sent alone, what a transaction does in one block.
//
// Rules: RPL-3.
func TestStream(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{"t.push": push}), Options{})
	s.Do("T.PUSH", "k", "\x00 ")
	s.Do("MULTI")
	s.Do("T.PUSH", "a", 1)
	s.Do("SET", "b", "")
	s.Do("T.PUSH", "a", 2)
	s.Do("EXEC")
	s.Do("SELECT", 3)
	s.Do("T.PUSH", "a", 1)
	s.WantStream(`RPUSH k "\x00 "`, "MULTI", "RPUSH a 1", `SET b ""`, "RPUSH a 2", "EXEC", "SELECT 3", "RPUSH a 1")
	s.Do("GET", "a")
	s.WantStream()
}

func TestAllocs(t *testing.T) {
	kept := [][]byte(nil)
	s := New(t, module(map[string]plugin.Handler{
		"t.three": func(ctx plugin.Ctx, args []plugin.String) error {
			kept = kept[:0]
			for range 3 {
				kept = append(kept, make([]byte, 100))
			}
			return ctx.ReplyInt(int64(len(kept)))
		},
		"t.array": func(ctx plugin.Ctx, args []plugin.String) error {
			if err := ctx.ReplyArray(2); err != nil {
				return err
			}
			if err := ctx.ReplyEmptyArray(); err != nil {
				return err
			}
			return ctx.ReplyNull()
		},
	}), Options{})
	if n := s.Allocs("T.THREE"); n != 3 {
		t.Errorf("a command that allocates 3 times: %d", n)
	}
	if n := s.Allocs("T.ARRAY"); n != 0 {
		t.Errorf("a command that does not allocate: %d", n)
	}
}

func TestReplica(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{"t.push": push}), Options{Replica: true, AOF: true})
	s.Do("SELECT", 2)
	for i := range 100 {
		s.Do("T.PUSH", "k", i).Want(i + 1)
	}
	r := s.Replica()
	r.Do("SELECT", 2)
	r.Do("LLEN", "k").Want(100)
	r.Do("T.PUSH", "k", "x").WantErr("unknown command")
	s.Reload()
	s.ReplayAOF(nil).Do("DBSIZE").Want(0)
}

// TestLoadAgain: a module can be unloaded and loaded again while clients are served.
func TestLoadAgain(t *testing.T) {
	t.Parallel()
	loads := 0
	onLoad := func(ctx plugin.Ctx, args []plugin.String) error {
		loads++
		if err := ctx.Init("again", loads, plugin.APIVer2); err != nil {
			return err
		}
		words := len(args)
		return ctx.CreateCommand("again.args", func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(int64(words)) })
	}
	s := New(t, onLoad, Options{Args: []string{"one"}})
	s.Do("AGAIN.ARGS").Want(1)
	if err := s.Load(onLoad); !errors.Is(err, plugin.ErrBusyName) {
		t.Errorf("loading it twice: %v", err)
	}
	if err := s.Unload(); err != nil {
		t.Fatal(err)
	}
	s.Do("AGAIN.ARGS").WantErr("unknown command")
	if err := s.Load(onLoad, "two", "words"); err != nil {
		t.Fatal(err)
	}
	s.Do("AGAIN.ARGS").Want(2)
	if err := s.Unload(); err != nil {
		t.Error(err)
	}
	if err := s.Unload(); err == nil {
		t.Error("there is nothing to unload")
	}
}

// TestFuzzedCommands: subcommands are called by both names, and the tokens of the documentation are tried.
func TestFuzzedCommands(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	onLoad := func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("test", 1, plugin.APIVer2); err != nil {
			return err
		}
		if err := ctx.CreateCommand("t.top", nil, plugin.CommandSpec{Container: true}); err != nil {
			return err
		}
		h := func(ctx plugin.Ctx, args []plugin.String) error {
			for _, a := range args {
				seen[a.String()] = true
			}
			return ctx.ReplyInt(int64(len(args)))
		}
		return ctx.CreateCommand("sub", h, plugin.CommandSpec{
			Parent: "t.top", Arity: -3, Args: []plugin.ArgSpec{
				{Name: "choice", Type: "oneof", Sub: []plugin.ArgSpec{{Name: "fast", Type: "pure-token", Token: "QUICKLY"}}},
			},
		})
	}
	for _, program := range seedPrograms() {
		runProgram(t, onLoad, Options{Replica: true, AOF: true, Words: []string{"a word"}}, program)
	}
	for _, word := range []string{"t.top", "sub", "QUICKLY", "a word", "zset", "-1"} {
		if !seen[word] {
			t.Errorf("%q was not tried", word)
		}
	}
}

// checked is a handler that looks at the number of its arguments.
func checked(args int, h plugin.Handler) plugin.Handler {
	return func(ctx plugin.Ctx, given []plugin.String) error {
		if len(given) != args {
			return ctx.WrongArity()
		}
		return h(ctx, given)
	}
}

// FuzzHarness: a module without mistakes passes.
func FuzzHarness(f *testing.F) {
	Fuzz(f, module(map[string]plugin.Handler{
		"t.push": checked(3, push), "t.text": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyText("no") },
	}), Options{})
}

// TestFuzzFindsMistakes: each kind of mistake fails a program.
func TestFuzzFindsMistakes(t *testing.T) {
	t.Parallel()
	fragile := func(ctx plugin.Ctx, args []plugin.String) error { // forgets that a key may be missing
		k, err := ctx.OpenKey(args[1], plugin.Read)
		if err != nil {
			return err
		}
		return ctx.ReplyInt(int64(k.Impl.Len()))
	}
	clock := func(ctx plugin.Ctx, args []plugin.String) error { // is replicated as it is, though time decides
		_, err := ctx.Call("SET", "sl", args[1], time.Now().UnixNano())
		if err != nil {
			return err
		}
		if err := ctx.ReplicateVerbatim(); err != nil {
			return err
		}
		return ctx.ReplyStatus("OK")
	}
	for name, tt := range map[string]struct {
		h    plugin.Handler
		want string
	}{
		"a panic":       {fragile, "Panic in module test"},
		"arguments":     {push, "index out of range"},
		"no reply":      {func(plugin.Ctx, []plugin.String) error { return nil }, "API misuse"},
		"another value": {checked(2, divergent), "the replica differs"},
		"the time":      {checked(2, clock), "the replica differs"},
	} {
		onLoad := module(map[string]plugin.Handler{"t": tt.h, "t.push": checked(3, push)})
		got := judged(t, func(t testing.TB) {
			runProgram(t, onLoad, Options{Replica: true, AOF: true, ReplicaModule: onLoad}, seedPrograms()[0])
		})
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: fails with %q, want %q", name, got, tt.want)
		}
	}
}

// TestFrames: a reply that arrives byte by byte is whole with its last byte, and not before.
func TestFrames(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{
		"+OK\r\n", "-ERR\r\n", ":1\r\n", "$-1\r\n", "$0\r\n\r\n", "$3\r\n\n\r\n\r\n", "*0\r\n", "*-1\r\n", "_\r\n",
		"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n", "%1\r\n+a\r\n~2\r\n#t\r\n,inf\r\n", "|1\r\n+a\r\n:1\r\n*1\r\n_\r\n", "=5\r\ntxt:x\r\n", ">1\r\n(5\r\n",
	} {
		f := frame{}
		for n := range len(reply) {
			if f.whole([]byte(reply[:n])) {
				t.Errorf("%q is whole after %d bytes", reply, n)
			}
		}
		if b := []byte(reply + ":9\r\n"); !f.whole(b) || f.at != len(reply) {
			t.Errorf("%q ends at %d", reply, f.at)
		}
	}
	if f := (frame{}); !f.whole([]byte("\n")) {
		t.Error("an empty line is waited for")
	}
}

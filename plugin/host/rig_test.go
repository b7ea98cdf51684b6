package host

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/plugin"
	"datastore/server/builtin"
	"datastore/server/command"
	"datastore/server/resp"
)

// rig is a server without sockets: it runs commands as units, and applies what they propagate to a second keyspace that
// knows no modules, which must stay equal.
type rig struct {
	t       *testing.T
	ctx     command.Ctx
	table   *command.Table
	client  command.Client
	h       *Modules
	log     []string
	errors  []string // counted
	touched []string
	stream  []string // commands propagated since the last look
	replica *rig

	aof    []string        // commands for the append-only file since the last look
	events []string        // of the latency monitor
	dirty  int             // changes for the save points besides those of the keyspace
	called int             // depth of calls by modules
	full   bool            // maxmemory is reached
	unfit  string          // why the server's role or disk does not admit a write
	state  plugin.CtxFlags // of the server
	rigBlocking
}

const rigNowMs = 1_700_000_000_000

// newRig returns a rig with a module that registers the given commands, named test.
func newRig(t *testing.T, api int, handlers map[string]plugin.Handler) *rig {
	t.Helper()
	r := bareRig(t)
	r.replica = bareRig(t)
	r.ctx.Effects.Listen(true)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("test", 1, api); err != nil {
			return err
		}
		for name, h := range handlers {
			if err := ctx.CreateCommand(name, h, plugin.CommandSpec{Flags: "write"}); err != nil {
				return err
			}
		}
		return nil
	})
	return r
}

func bareRig(t *testing.T) *rig {
	r := &rig{t: t, client: command.Client{ID: 7, Proto: 2, Authed: true}}
	r.ctx.Store = keyspace.New(keyspace.Options{Natives: keyspace.NewNatives(rdb.DigestModule)})
	t.Cleanup(r.ctx.Store.Close)
	r.ctx.Store.OnExpired(func(db int, key []byte) { r.ctx.Effects.AddNow(db, []byte("DEL"), key) })
	r.ctx.Rand, r.ctx.MaxBulkBytes = rand.New(rand.NewPCG(1, 2)), 512<<20
	r.ctx.Effects.Forget()
	r.woken = make(chan struct{}, 1)
	if err := r.Register(nil); err != nil {
		t.Fatal(err)
	}
	r.h = New(r, Options{})
	return r
}

func (r *rig) mustLoad(f plugin.OnLoadFunc) {
	r.t.Helper()
	if err := r.h.LoadLinked(&Image{OnLoad: f}, nil); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) Locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.serveBlocked()
	defer r.finish()
	r.begin()
	f()
}
func (r *rig) Context() *command.Ctx { return &r.ctx }
func (r *rig) Table() *command.Table { return r.table }
func (r *rig) Register(modules []command.Command) error {
	t, err := command.NewTable(r.table, builtin.Commands(), []command.Command{
		{Name: "multi", Arity: 1, Flags: command.NoScript, Handler: func(*command.Ctx) error { return nil }},
		{Name: "boom", Arity: 1, Handler: func(c *command.Ctx) error { c.W.Array(5); panic("boom") }},
	}, modules)
	if err == nil {
		r.table = t
	}
	return err
}

func (r *rig) Call(cl *command.Client, cmd *command.Command, args [][]byte) {
	r.called++
	defer func() { r.called-- }()
	r.run(cl, cmd, args)
}

func (r *rig) run(cl *command.Client, cmd *command.Command, args [][]byte) {
	c := &r.ctx
	c.Client, c.Cmd, c.Args, c.DB = cl, cmd, args, c.Store.DB(cl.DB)
	start, before := len(c.W.Buf), c.Store.Changes()
	c.Store.CountReads(cmd.Is(command.ReadOnly))
	c.Store.NoTouch(cl.NoTouch)
	c.Effects.Begin()
	cmd.Stats.Calls++
	if err := cmd.Handler(c); err != nil {
		c.W.Buf = c.W.Buf[:start]
		var e *command.Error
		if !errors.As(err, &e) {
			e = command.Errorf("ERR " + err.Error())
		}
		r.CountError(cmd, e.Text)
		c.W.Error(e.Text)
	}
	if c.Store.Changes() != before && !c.Effects.Settled() {
		c.Effects.Add(c.DB.Index(), args...)
	}
}
func (r *rig) OutOfMemory() *command.Error {
	if r.full {
		return command.Errorf("OOM command not allowed when used memory > 'maxmemory'.")
	}
	return nil
}
func (r *rig) Unfit(_ *command.Client, cmd *command.Command) *command.Error {
	if r.unfit != "" && cmd.Is(command.Write) {
		return command.Errorf(r.unfit)
	}
	return nil
}
func (r *rig) State(cl *command.Client) plugin.CtxFlags {
	if cl != nil && cl.Proto >= 3 {
		return r.state | plugin.FlagRESP3
	}
	return r.state
}
func (r *rig) CountChange() { r.dirty++ }
func (r *rig) NoteLatency(event string, d time.Duration) {
	r.events = append(r.events, event+" "+d.String())
}
func (r *rig) KeyTouched(_ int, key []byte) { r.touched = append(r.touched, string(key)) }
func (r *rig) CountError(cmd *command.Command, text string) {
	if cmd != nil {
		cmd.Stats.Failed++
	}
	if r.called == 0 {
		r.errors = append(r.errors, text)
	}
}
func (r *rig) Log(_ plugin.LogLevel, line string) {
	r.logging.Lock()
	r.log = append(r.log, line)
	r.logging.Unlock()
}

func (r *rig) begin() {
	r.ctx.NowMs = rigNowMs
	r.ctx.Store.BeginUnit(rigNowMs, keyspace.ExpireDelete)
}

// finish ends a unit and applies its effects to the replica.
func (r *rig) finish() {
	logged, unit := r.ctx.Effects.Split()
	if r.replica == nil {
		return
	}
	for len(logged) > 0 {
		var words []string
		words, logged = r.decode(logged)
		r.aof = append(r.aof, strings.Join(words, " "))
	}
	for len(unit) > 0 {
		var words []string
		words, unit = r.decode(unit)
		r.stream = append(r.stream, strings.Join(words, " "))
		switch words[0] {
		case "MULTI", "EXEC":
		case "SELECT":
			r.replica.client.DB = int(words[1][0] - '0')
		default:
			if got := r.replica.do(words...); strings.HasPrefix(got, "-") {
				r.t.Errorf("replica: %q replied %q", words, got)
			}
		}
	}
}

// decode reads one command of a stream.
func (r *rig) decode(unit []byte) (words []string, rest []byte) {
	v, n, err := resp.Decode(unit)
	if err != nil {
		r.t.Fatalf("stream: %v in %q", err, unit)
	}
	for _, e := range v.Elems {
		words = append(words, string(e.Str))
	}
	return words, unit[n:]
}

// do runs a command as a unit and returns the bytes of its reply.
func (r *rig) do(args ...string) string {
	r.t.Helper()
	return r.doAs(&r.client, args...)
}

// doAs is do for another client.
func (r *rig) doAs(cl *command.Client, args ...string) string {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	argv := make([][]byte, len(args))
	for i, a := range args {
		argv[i] = []byte(a)
	}
	cmd := r.table.Resolve(argv)
	if cmd == nil {
		return "-ERR unknown command"
	}
	r.begin()
	r.ctx.W.Proto = cl.Proto
	start := len(r.ctx.W.Buf)
	r.run(cl, cmd, argv)
	reply := string(r.ctx.W.Buf[start:])
	r.ctx.W.Buf = r.ctx.W.Buf[:start]
	r.finish()
	for _, a := range argv {
		clear(a) // the input buffer is used for other things now
	}
	r.serveBlocked()
	if r.h != nil && (len(r.h.open) != 0 || r.h.depth != 0) {
		r.t.Errorf("%q left %d keys open and depth %d", args, len(r.h.open), r.h.depth)
	}
	return reply
}

// want runs a command, compares its reply, and compares the replica's keyspace with ours.
func (r *rig) want(reply string, args ...string) {
	r.t.Helper()
	if got := r.do(args...); got != reply {
		r.t.Errorf("%q replied %q, want %q", args, got, reply)
	}
	r.equal(args)
}

func (r *rig) equal(args []string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replica != nil && r.ctx.Store.Digest() != r.replica.ctx.Store.Digest() {
		r.t.Errorf("after %q the replica differs", args)
	}
}

// sent compares what has been propagated since the last look.
func (r *rig) sent(want ...string) {
	r.t.Helper()
	if got := strings.Join(r.stream, " | "); got != strings.Join(want, " | ") {
		r.t.Errorf("propagated %q, want %q", got, strings.Join(want, " | "))
	}
	r.stream = nil
}

// logged reports whether a line of the log contains text.
func (r *rig) logged(text string) bool {
	r.logging.Lock()
	defer r.logging.Unlock()
	return strings.Contains(strings.Join(r.log, "\n"), text)
}

func str(s string) plugin.String { return plugin.StringOf([]byte(s)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

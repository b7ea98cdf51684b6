package builtin_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"datastore/keyspace"
	"datastore/server/builtin"
	"datastore/server/command"
	"datastore/server/resp"
)

const startMs = 1_800_000_000_000

// runner runs commands on a store of its own, as the server does, without one.
type runner struct {
	t     testing.TB
	table *command.Table
	c     command.Ctx
}

func newRunner(t testing.TB) *runner {
	t.Helper()
	table, err := command.NewTable(nil, builtin.Commands())
	if err != nil {
		t.Fatal(err)
	}
	store := keyspace.New(keyspace.Options{})
	t.Cleanup(store.Close)
	r := &runner{t: t, table: table}
	r.c = command.Ctx{
		Store: store, DB: store.DB(0), NowMs: startMs, Client: &command.Client{}, W: resp.Writer{Proto: 2},
		Rand: rand.New(rand.NewPCG(1, 2)), MaxBulkBytes: 512 << 20,
	}
	r.c.Effects.Listen(true)
	store.OnExpired(func(db int, key []byte) { r.c.Effects.AddNow(db, []byte("DEL"), key) })
	return r
}

func argv(args ...string) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = []byte(a)
	}
	return out
}

// run runs one command as a unit of its own and leaves the reply in c.W.Buf.
func (r *runner) run(args [][]byte) {
	c := &r.c
	c.Args, c.W.Buf = args, c.W.Buf[:0]
	c.Store.BeginUnit(c.NowMs, keyspace.ExpireDelete)
	c.Cmd = r.table.Resolve(args)
	if c.Cmd == nil {
		r.t.Fatalf("no command %s", args[0])
	}
	if !c.Cmd.ArityOK(len(args)) {
		c.W.Error(command.ErrArity(c.Cmd.FullName()).Text)
		return
	}
	c.Effects.Begin()
	before := c.Store.Changes()
	if err := c.Cmd.Handler(c); err != nil {
		r.fail(err)
		return
	}
	if len(c.W.Buf) == 0 {
		r.t.Errorf("%s wrote no reply", args[0])
	}
	if !c.Effects.Settled() && c.Store.Changes() != before {
		c.Effects.Add(c.Selected(), args...)
	}
}

func (r *runner) fail(err error) {
	var shown *command.Error
	if !errors.As(err, &shown) {
		r.t.Errorf("%s: %v is no error for clients", r.c.Args[0], err)
		return
	}
	if len(r.c.W.Buf) != 0 {
		r.t.Errorf("%s: wrote %q before the error %v", r.c.Args[0], r.c.W.Buf, err)
	}
	r.c.W.Error(shown.Text)
}

// do runs a command and returns the bytes of its reply.
func (r *runner) do(args ...string) string {
	r.run(argv(args...))
	r.c.Effects.Finish()
	return string(r.c.W.Buf)
}

// effects returns the effects of the last run, without SELECT, MULTI and EXEC.
func (r *runner) effects() [][]string {
	var out [][]string
	var p resp.Parser
	limits := resp.DefaultLimits()
	for buf := r.c.Effects.Finish(); len(buf) > 0; {
		args, n, err := p.Next(buf, nil, &limits)
		if err != nil || n == 0 {
			r.t.Fatalf("effects end with %q: %v", buf, err)
		}
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = string(a)
		}
		if words[0] != "SELECT" && words[0] != "MULTI" && words[0] != "EXEC" {
			out = append(out, words)
		}
		buf = buf[n:]
	}
	return out
}

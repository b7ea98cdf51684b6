package host

import (
	"errors"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// Rules: CMD-1, INIT-1, INIT-2, INIT-3.
func TestRegistration(t *testing.T) {
	noop := func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		wantErr(t, "CreateCommand before Init", ctx.CreateCommand("x", noop), plugin.ErrNotInitialized)
		_, err := ctx.Call("DBSIZE", "")
		wantErr(t, "Call before Init", err, plugin.ErrNotInitialized)
		wantErr(t, "no name", ctx.Init("", 1, 1), plugin.ErrInvalid)
		wantErr(t, "API version", ctx.Init("m", 1, 3), plugin.ErrAPIVersion)
		must(t, ctx.Init("m", 1, plugin.APIVer2))
		wantErr(t, "second Init", ctx.Init("m", 1, plugin.APIVer2), plugin.ErrBusyName)
		for _, name := range []string{"", "a b", "a\nb", "a|b", "a@b", "a=b", "a,b"} {
			wantErr(t, name, ctx.CreateCommand(name, noop), plugin.ErrInvalid)
		}
		for _, spec := range []plugin.CommandSpec{
			plugin.Flags("nonsense", 0, 0, 0), plugin.Flags("", -1, 1, 1), plugin.Flags("", 1, 1, 0), plugin.Flags("", 2, 1, 1), plugin.Flags("", 0, 1, 1),
		} {
			wantErr(t, "spec", ctx.CreateCommand("x", noop, spec), plugin.ErrInvalid)
		}
		wantErr(t, "two specs", ctx.CreateCommand("x", noop, plugin.CommandSpec{}, plugin.CommandSpec{}), plugin.ErrInvalid)
		wantErr(t, "no handler", ctx.CreateCommand("x", nil), plugin.ErrInvalid)
		wantErr(t, "built-in", ctx.CreateCommand("GET", noop), plugin.ErrBusyName)
		_, err = ctx.OpenKey(str("k"), plugin.Read)
		wantErr(t, "OpenKey", err, ErrNoKeysHere)
		must(t, ctx.SelectDB(2))
		reply, err := ctx.Call("SET", "cc", "k", "v")
		if must(t, err); string(reply.Bytes()) != "OK" || !ctx.KeyExists(str("k")) || ctx.SelectedDB() != 2 {
			t.Error("Call in OnLoad")
		}
		return ctx.CreateCommand("M.Cmd", noop, plugin.CommandSpec{Flags: "WRITE Deny-OOM random", FirstKey: 2, LastKey: -1, KeyStep: 2, Arity: 4})
	})
	c := r.table.Find([]byte("m.cmd"))
	first, last, step := c.KeyRange()
	if c.Arity != 4 || first != 2 || last != -1 || step != 2 || c.ModuleName != "m" || strings.Join(c.Categories(), " ") != "write slow" {
		t.Errorf("%+v", c)
	}
	err := r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.Init("m", 1, 1) }}, nil)
	wantErr(t, "name of a module", err, plugin.ErrBusyName)
	must(t, r.h.Unload("m"))
	wantErr(t, "unloading twice", r.h.Unload("m"), ErrNoModule)
}

func TestOnLoadThatDoesNotReturn(t *testing.T) {
	r := bareRig(t)
	r.h = New(r, Options{LoadTimeout: 50 * time.Millisecond, UnloadTimeout: 50 * time.Millisecond})
	ended := make(chan struct{})
	err := r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error {
		defer close(ended)
		must(t, ctx.Init("m", 1, 1))
		for {
			ctx.KeyExists(str("k"))
		}
	}}, nil)
	wantErr(t, "endless OnLoad", err, ErrTimeout)
	select {
	case <-ended: // its next call ended it
	case <-time.After(5 * time.Second):
		t.Error("the goroutine of an abandoned OnLoad is still running")
	}
	if len(r.h.Infos()) != 0 {
		t.Error("the module is loaded")
	}
}

// Rules: INIT-7.
func TestOnUnload(t *testing.T) {
	r := bareRig(t)
	var answer error
	must(t, r.h.LoadLinked(&Image{
		OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.Init("m", 1, 1) },
		OnUnload: func(ctx plugin.Ctx) error {
			wantErr(t, "Init", ctx.Init("m", 1, 1), plugin.ErrNotInOnLoad)
			wantErr(t, "CreateCommand", ctx.CreateCommand("x", nil), plugin.ErrNotInOnLoad)
			_, err := ctx.Call("INCR", "c", "unloads")
			must(t, err)
			return answer
		},
	}, nil))
	answer = errors.New("not now")
	wantErr(t, "veto", r.h.Unload("m"), ErrUnloadRefused)
	answer = nil
	must(t, r.h.Unload("m"))
	if got := r.do("GET", "unloads"); got != "$1\r\n2\r\n" {
		t.Errorf("unloads: %q", got)
	}
}

// TestReplicateInOnLoad: "A" and "R" hold outside of commands too, and a bad format sends nothing.
//
// Rules: RPL-5.
func TestReplicateInOnLoad(t *testing.T) {
	r := newRig(t, plugin.APIVer2, nil)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("loading", 1, plugin.APIVer2))
		wantErr(t, "format", ctx.Replicate("SET", "cx", "bad", "v"), plugin.ErrBadFormat)
		_, err := ctx.Call("SET", "!cl", "bad", "v")
		wantErr(t, "format", err, plugin.ErrBadFormat)
		return errors.Join(ctx.Replicate("SET", "Acc", "replica", "v"), ctx.Replicate("SET", "ccR", "aof", "v"),
			ctx.Replicate("SET", "cc", "both", "v"), ctx.Cmd("SET").Format("Acc", "built", "v").Replicate())
	})
	aof, replica := strings.Join(r.aof, "|"), strings.Join(r.stream, "|")
	if aof != "SELECT 0|SET aof v|SELECT 0|SET both v" || replica != "SELECT 0|SET replica v|SELECT 0|SET both v|SELECT 0|SET built v" {
		t.Errorf("logged %q, replicated %q", aof, replica)
	}
}

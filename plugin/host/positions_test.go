package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"datastore/plugin"
	"datastore/server/command"
)

func splitWords(text string) []string { return strings.Fields(text) }

// keysOfCommand asks for the keys of a command, as COMMAND GETKEYSANDFLAGS does.
func (r *rig) keysOfCommand(args ...string) (string, bool) {
	r.t.Helper()
	argv := make([][]byte, len(args))
	for i, a := range args {
		argv[i] = []byte(a)
	}
	r.ctx.DB, r.ctx.Client = r.ctx.Store.DB(0), &r.client
	keys, ok := r.table.Resolve(argv).KeysAt(argv, nil)
	text := ""
	for _, k := range keys {
		text += fmt.Sprintf("%d:%d ", k.Pos, k.Flags)
	}
	if r.h.depth != 0 || len(r.h.open) != 0 {
		r.t.Errorf("%q left depth %d", args, r.h.depth)
	}
	return strings.TrimSpace(text), ok
}

// TestKeysRequest asks handlers for positions: they can do nothing but answer, in any order, and only then.
//
// Rules: POS-1, POS-2, POS-3.
func TestKeysRequest(t *testing.T) {
	runs := 0
	handler := func(ctx plugin.Ctx, args []plugin.String) error {
		if !ctx.IsKeysPositionRequest() {
			runs++
			ctx.KeyAtPos(1) // nothing happens
			return ctx.ReplyInt(int64(len(args)))
		}
		_, err := ctx.OpenKey(args[1], plugin.Write)
		wantErr(t, "OpenKey", err, plugin.ErrKeysRequest)
		_, err = ctx.Call("SET", "!cc", "asked", "v")
		wantErr(t, "Call", err, plugin.ErrKeysRequest)
		_, err = ctx.CallArgs("DBSIZE", 0)
		wantErr(t, "CallArgs", err, plugin.ErrKeysRequest)
		_, err = ctx.Cmd("DBSIZE").Do()
		wantErr(t, "Cmd", err, plugin.ErrKeysRequest)
		_, err = ctx.TryAlloc(1)
		wantErr(t, "TryAlloc", err, plugin.ErrKeysRequest)
		wantErr(t, "Replicate", ctx.Replicate("SET", "cc", "asked", "v"), plugin.ErrKeysRequest)
		wantErr(t, "ReplicateVerbatim", ctx.ReplicateVerbatim(), plugin.ErrNoClient)
		wantErr(t, "SelectDB", ctx.SelectDB(1), plugin.ErrKeysRequest)
		wantErr(t, "ReplyInt", ctx.ReplyInt(1), plugin.ErrNoClient)
		wantErr(t, "ReplyError", ctx.ReplyError("ERR x"), plugin.ErrNoClient)
		_, err = ctx.Block(plugin.BlockOptions{})
		wantErr(t, "Block", err, plugin.ErrNoClient)
		wantErr(t, "Go", ctx.Go(func(*plugin.Background) { t.Error("a goroutine of an asked handler") }), plugin.ErrKeysRequest)
		ctx.SignalModifiedKey(args[1])
		ctx.SignalKeyAsReady(args[1])
		if b := ctx.PoolAlloc(4); string(b) != "\x00\x00\x00\x00" {
			t.Errorf("PoolAlloc: %q", b)
		}
		ctx.KeyAtPosFlags(3, plugin.KeyRO|plugin.KeyAccess)
		ctx.KeyAtPos(0)
		ctx.KeyAtPos(-1)
		ctx.KeyAtPos(1)
		ctx.KeyAtPosFlags(2, plugin.KeyNotKey)
		return nil
	}
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		return errors.Join(ctx.Init("m", 1, plugin.APIVer2),
			ctx.CreateCommand("m.ask", handler, plugin.CommandSpec{Flags: "write GetKeys-API", Arity: 4}),
			ctx.CreateCommand("m.plain", handler, plugin.CommandSpec{}),
			ctx.CreateCommand("m.both", func(ctx plugin.Ctx, _ []plugin.String) error {
				ctx.KeyAtPosFlags(2, plugin.KeyOW|plugin.KeyUpdate)
				return nil
			}, plugin.CommandSpec{Flags: "getkeys-api", FirstKey: 1, LastKey: 1, KeyStep: 1}),
			ctx.CreateCommand("m.bad", func(ctx plugin.Ctx, args []plugin.String) error {
				switch args[1].String() {
				case "panic":
					panic("asked")
				case "error":
					ctx.KeyAtPos(1)
					return errors.New("no idea")
				case "far":
					ctx.KeyAtPos(2)
				case "flags":
					ctx.KeyAtPosFlags(1, plugin.KeyRO|plugin.KeyRW)
				}
				return nil
			}, plugin.CommandSpec{Flags: "getkeys-api"}))
	})
	full := command.RW | command.Access | command.Update
	want := fmt.Sprintf("3:%d 1:%d 2:%d", command.RO|command.Access, full, command.NotKey)
	if got, ok := r.keysOfCommand("m.ask", "a", "b", "c"); got != want || !ok || runs != 0 {
		t.Errorf("keys %q, want %q; %d runs", got, want, runs)
	}
	if got, ok := r.keysOfCommand("m.both", "a", "b"); got != fmt.Sprintf("2:%d", command.OW|command.Update) || !ok {
		t.Errorf("the handler was not preferred to the triple: %q", got)
	}
	for how, keys := range map[string]string{"panic": "", "error": "", "far": "", "flags": fmt.Sprintf("1:%d", full), "none": ""} {
		if got, ok := r.keysOfCommand("m.bad", how); got != keys || ok != (keys != "") {
			t.Errorf("%s: %q, %v", how, got, ok)
		}
	}
	if i := r.h.Infos()[0]; i.Panics != 1 || i.Misuses != 2 {
		t.Errorf("%+v", i)
	}
	for name, movable := range map[string]bool{"m.ask": true, "m.both": true, "m.plain": false} {
		if c := r.table.Find([]byte(name)); c.Is(command.MovableKeys) != movable {
			t.Errorf("%s: movablekeys is %v", name, !movable)
		}
	}
	if len(r.touched) != 0 {
		t.Errorf("signalled %q", r.touched)
	}
	r.want(":4\r\n", "m.ask", "a", "b", "c")
	if runs != 1 || r.ctx.Store.DB(0).Len() != 0 {
		t.Errorf("%d runs, %d keys", runs, r.ctx.Store.DB(0).Len())
	}
}

// TestCallAsksForKeys: a call of a command that tells its keys itself leaves open keys alone, and is asked for that.
func TestCallAsksForKeys(t *testing.T) {
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		return errors.Join(ctx.Init("m", 1, plugin.APIVer2),
			ctx.CreateCommand("m.second", func(ctx plugin.Ctx, args []plugin.String) error {
				if ctx.IsKeysPositionRequest() {
					ctx.KeyAtPos(2)
					return nil
				}
				return ctx.ReplyString(args[2])
			}, plugin.CommandSpec{Flags: "write getkeys-api", Arity: 3}),
			ctx.CreateCommand("m.outer", func(ctx plugin.Ctx, _ []plugin.String) error {
				open(t, ctx, "held", plugin.Write)
				_, err := ctx.Call("m.second", "cc", "other", "held")
				wantErr(t, "a call on an open key", err, plugin.ErrOpenKeyBusy)
				reply, err := ctx.Call("m.second", "cc", "held", "other")
				must(t, err)
				return ctx.ReplyReply(reply)
			}, plugin.CommandSpec{Flags: "write"}))
	})
	r.want("$5\r\nother\r\n", "m.outer")
}

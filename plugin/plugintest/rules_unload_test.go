package plugintest

import (
	"errors"
	"strings"
	"testing"

	"datastore/plugin"
)

// TestUnloadReasonsInOrder: of several reasons to keep a module the first one is told: it has types, it has blocked clients, its
// OnUnload refuses, which is not called before.
//
// Rules: INIT-9.
func TestUnloadReasonsInOrder(t *testing.T) {
	t.Parallel()
	for _, typed := range []bool{true, false} {
		var asked, refused int
		w := &waiter{reply: func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }}
		commands := module(w.handlers())
		onLoad := func(ctx plugin.Ctx, args []plugin.String) error {
			if err := commands(ctx, args); err != nil || !typed {
				return err
			}
			_, err := ctx.CreateType("unload-it", 0, plugin.TypeMethods{
				Load: func(io *plugin.IO, _ int) (any, error) { return io.LoadUint(), io.Err() },
				Save: func(io *plugin.IO, _ any) { io.SaveUint(1) },
			})
			return err
		}
		s := New(t, onLoad, Options{OnUnload: func(plugin.Ctx) error {
			if asked++; refused > 0 {
				refused--
				return errors.New("told to refuse")
			}
			return nil
		}})
		reason := func(want string) {
			t.Helper()
			err := s.Unload()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("typed: %v: %v, want %s", typed, err, want)
			}
		}
		c := s.Client()
		c.Send("T.WAIT")
		if !c.Blocked() {
			t.Fatal("the client is not blocked")
		}
		refused = 1
		const types = "the module exports one or more module-side data types, can't unload"
		if typed {
			reason(types)
		} else {
			reason("the module has blocked clients. Please wait for them to be unblocked and try again")
		}
		s.Do("T.RELEASE").Want("OK")
		c.Recv().Want(1)
		if asked != 0 {
			t.Errorf("OnUnload was called %d times", asked)
		}
		if typed {
			reason(types)
			continue
		}
		reason("operation not possible")
		if err := s.Unload(); err != nil || asked != 2 {
			t.Errorf("%v, OnUnload was called %d times", err, asked)
		}
	}
}

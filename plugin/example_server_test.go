package plugin_test

import (
	"fmt"
	"strings"
	"testing"

	"datastore/plugin"
	"datastore/plugin/plugintest"
)

// command makes the OnLoad of a module, named example, with one write command.
func command(name string, h plugin.Handler) plugin.OnLoadFunc {
	return func(ctx plugin.Ctx, _ []plugin.String) error {
		if err := ctx.Init("example", 1, plugin.APIVer2); err != nil {
			return err
		}
		return ctx.CreateCommand(name, h, plugin.Flags("write", 0, 0, 0))
	}
}

// serve runs commands, given as words, on a server with a module, and prints their replies and what they propagated. "> "
// before a command sends it on a connection of its own, where it waits; "<" is that connection's reply. "wait for " repeats a
// command until it does not reply null.
func serve(onLoad plugin.OnLoadFunc, commands ...string) {
	run(onLoad, plugintest.Options{Replica: true}, commands...)
}

// serveAlone is serve without a replica, and so without what is propagated.
func serveAlone(onLoad plugin.OnLoadFunc, commands ...string) {
	run(onLoad, plugintest.Options{}, commands...)
}

func run(onLoad plugin.OnLoadFunc, o plugintest.Options, commands ...string) {
	t := &exampleT{}
	defer t.end()
	s := plugintest.New(t, onLoad, o)
	waits := s.Client()
	for _, c := range commands {
		rest, send := strings.CutPrefix(c, "> ")
		rest, wait := strings.CutPrefix(rest, "wait for ")
		var args []any
		for _, word := range strings.Fields(rest) {
			args = append(args, word)
		}
		switch {
		case send:
			waits.Send(args...)
			fmt.Printf("%s: waits: %t\n", rest, waits.Blocked())
		case c == "<":
			fmt.Println("it gets", waits.Recv())
		default:
			r := s.Do(args...)
			for wait && r.Value() == nil {
				r = s.Do(args...)
			}
			fmt.Printf("%s: %s\n", rest, r)
		}
	}
	if o.Replica {
		for _, line := range s.Stream() {
			fmt.Println("propagated:", line)
		}
	}
}

// exampleT lets an example use the harness, which wants a test: failures are printed, so that the output is not the one
// that is wanted.
type exampleT struct {
	testing.TB
	failed   bool
	cleanups []func()
}

func (t *exampleT) Helper()          {}
func (t *exampleT) Failed() bool     { return t.failed }
func (t *exampleT) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) Errorf(format string, args ...any) {
	t.failed = true
	fmt.Printf(format+"\n", args...)
}
func (t *exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *exampleT) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

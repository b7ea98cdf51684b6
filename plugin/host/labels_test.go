package host

import (
	"runtime/pprof"
	"strings"
	"testing"

	"datastore/plugin"
)

// labelsHere returns the pprof labels of the goroutine that calls it, as a goroutine profile shows them; "" for none.
func labelsHere(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	must(t, pprof.Lookup("goroutine").WriteTo(&text, 1))
	for _, stack := range strings.Split(text.String(), "\n\n") {
		if strings.Contains(stack, "host.labelsHere") {
			_, labels, _ := strings.Cut(stack, "# labels: ")
			line, _, _ := strings.Cut(labels, "\n")
			return line
		}
	}
	t.Fatal("this goroutine has no stack")
	return ""
}

// TestHandlersHaveLabels: while a profile is taken, handlers have labels that tell module and command; after a command that
// they have called it is theirs again, and after them the goroutine has none, however they end.
func TestHandlersHaveLabels(t *testing.T) {
	var got []string
	look := func() { got = append(got, labelsHere(t)) }
	var next func(bg *plugin.Background)
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"inner": func(ctx plugin.Ctx, args []plugin.String) error {
			look()
			if len(args) > 1 {
				panic("asked to")
			}
			return ctx.ReplyInt(1)
		},
		"outer": func(ctx plugin.Ctx, _ []plugin.String) error {
			look()
			for _, args := range [][]any{nil, {"x"}} {
				if _, err := ctx.Call("inner", strings.Repeat("c", len(args)), args...); err != nil && len(args) == 0 {
					return err
				}
				look()
			}
			return ctx.ReplyInt(2)
		},
		"go": func(ctx plugin.Ctx, _ []plugin.String) error {
			if err := ctx.Go(next); err != nil {
				return err
			}
			return ctx.ReplyStatus("OK")
		},
	})
	const inner, outer = `{"command":"inner", "module":"test"}`, `{"command":"outer", "module":"test"}`
	want := func(what string, labels ...string) {
		t.Helper()
		if look(); strings.Join(got, "\n") != strings.Join(append(labels, ""), "\n") {
			t.Errorf("%s: labels\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(labels, "\n"))
		}
		got = nil
	}
	r.want(":2\r\n", "outer")
	want("off", "", "", "", "", "")
	r.h.Label(true)
	for range 2 {
		r.want(":2\r\n", "outer")
		want("on", outer, inner, outer, inner, outer)
	}
	r.do("inner", "x")
	want("panic", inner)
	r.inBackground(&next, func(bg *plugin.Background) {
		must(t, bg.Do(func(ctx plugin.Ctx) error {
			look()
			_, err := ctx.Call("inner", "")
			look()
			return err
		}))
	})
	want("goroutine", `{"module":"test"}`, inner, `{"module":"test"}`)
	r.h.Label(false)
	r.want(":1\r\n", "inner")
	want("off again", "")
}

// Command typed is a module with a native type, texts, that has what hellotype has not: data beside the keys, values that take
// long to be freed, replication by effect, and no Rewrite, Copy or Digest.
package main

import (
	"errors"
	"fmt"
	"sync/atomic"

	"datastore/plugin"
)

type text struct{ b []byte }

// module counts; the counters are read by commands while values are freed beside the server.
type module struct {
	texts    plugin.TypeOf[text]
	unlinked atomic.Int64
	freed    atomic.Int64
	loads    int64
	saved    string // beside the keys
}

// OnLoad registers the type and the commands; the argument noaux leaves the data beside the keys out, and badrewrite has values
// rewritten as a command that does not exist.
func OnLoad(ctx plugin.Ctx, args []plugin.String) (err error) {
	if err := ctx.Init("typed", 1, plugin.APIVer2); err != nil {
		return err
	}
	m := &module{}
	methods := plugin.MethodsOf[text]{
		Load: m.load,
		Save: func(io *plugin.IO, v *text) {
			if string(v.b) == "panic" {
				panic("told to panic")
			}
			io.SaveBytes(v.b)
		},
		Free:       func(*text) { m.freed.Add(1) },
		Unlink:     func(plugin.OptCtx, *text) { m.unlinked.Add(1) },
		FreeEffort: func(_ plugin.OptCtx, v *text) int { return len(v.b) },
		AllocSize:  func(v *text) int64 { return int64(cap(v.b)) },
		MemUsage:   func(o plugin.OptCtx, v *text) int64 { return int64(1000*o.SampleSize + len(v.b)) },
	}
	how := ""
	if len(args) > 0 {
		how = args[0].String()
	}
	if how == "badrewrite" {
		methods.Rewrite = func(io *plugin.IO, key plugin.String, v *text) { io.EmitAOF("TYPED.NOPE", "sb", key, v.b) }
	}
	if how != "noaux" {
		methods.AuxSave, methods.AuxLoad, methods.AuxWhen = m.auxSave, m.auxLoad, plugin.AuxBefore|plugin.AuxAfter
	}
	if m.texts, err = plugin.CreateTypeOf(ctx, "typedtext", 5, methods); err != nil {
		return err
	}
	for name, h := range map[string]plugin.Handler{
		"typed.append": m.append, "typed.get": m.get, "typed.aux": m.aux, "typed.counts": m.counts,
	} {
		spec := plugin.CommandSpec{Flags: "write", Arity: -2, FirstKey: 1, LastKey: 1, KeyStep: 1}
		switch name {
		case "typed.get":
			spec.Flags = "readonly"
		case "typed.aux", "typed.counts":
			spec = plugin.CommandSpec{Flags: "readonly"}
		}
		if err := ctx.CreateCommand(name, h, spec); err != nil {
			return err
		}
	}
	return nil
}

func (m *module) load(io *plugin.IO, encver int) (*text, error) {
	m.loads++
	v := &text{io.LoadBytes()}
	if encver != 5 {
		return nil, fmt.Errorf("version %d", encver)
	}
	if string(v.b) == "refused" {
		return nil, errors.New("told to refuse")
	}
	return v, io.Err()
}

// auxSave saves the same before and after the keys, and nothing when there is nothing.
func (m *module) auxSave(io *plugin.IO, when plugin.AuxWhen) {
	if m.saved != "" {
		io.SaveString(plugin.StringOf([]byte(m.saved)))
		io.SaveUint(uint64(when))
	}
}

func (m *module) auxLoad(io *plugin.IO, encver int, when plugin.AuxWhen) error {
	s := io.LoadString().String()
	if n := io.LoadUint(); n != uint64(when) || encver != 5 {
		return fmt.Errorf("saved at %d, loaded at %d, version %d", n, when, encver)
	}
	m.saved = s
	return nil
}

// append is TYPED.APPEND key text; it is replicated by its effect.
func (m *module) append(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
	if err != nil {
		return err
	}
	v, err := m.texts.GetOrCreate(k, func() *text { return &text{} })
	if err != nil {
		return err
	}
	v.b = append(v.b, args[2].Bytes()...)
	if err := k.Changed(); err != nil {
		return err
	}
	return ctx.ReplyInt(int64(len(v.b)))
}

// get is TYPED.GET key.
func (m *module) get(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read)
	if err != nil {
		return err
	}
	v, err := m.texts.Get(k)
	switch {
	case err != nil:
		return err
	case v == nil:
		return ctx.ReplyNull()
	}
	return ctx.ReplyBulk(v.b)
}

// aux is TYPED.AUX [text]: what is stored beside the keys, before it is set to text.
func (m *module) aux(ctx plugin.Ctx, args []plugin.String) error {
	before := m.saved
	if len(args) > 1 {
		m.saved = args[1].String()
	}
	return ctx.ReplyBulk([]byte(before))
}

// counts is TYPED.COUNTS: values that have left their keys, that were freed, and that were loaded.
func (m *module) counts(ctx plugin.Ctx, _ []plugin.String) error {
	return ctx.ReplyStatus(fmt.Sprintf("%d unlinked, %d freed, %d loaded", m.unlinked.Load(), m.freed.Load(), m.loads))
}

func main() {}

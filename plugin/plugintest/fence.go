package plugintest

import (
	"sync/atomic"

	"datastore/plugin"
)

// fence tells the race detector what the connection between the test and its server orders: what the test did before it
// sent a command, the handler sees; what the handler did, the test sees when it has the reply. So a test may look at the
// variables of its module.
type fence struct{ passed atomic.Int64 }

func (f *fence) pass() { f.passed.Add(1) }

// around puts the fence around everything that a module's OnLoad registers as a command.
func (f *fence) around(onLoad plugin.OnLoadFunc) plugin.OnLoadFunc {
	return func(ctx plugin.Ctx, args []plugin.String) error {
		f.pass()
		defer f.pass()
		return onLoad(fencedCtx{ctx, f}, args)
	}
}

// fencedCtx is the context of OnLoad.
type fencedCtx struct {
	plugin.Ctx
	f *fence
}

// CreateCommand implements plugin.Registration.
func (c fencedCtx) CreateCommand(name string, h plugin.Handler, spec ...plugin.CommandSpec) error {
	if h == nil {
		return c.Ctx.CreateCommand(name, nil, spec...)
	}
	return c.Ctx.CreateCommand(name, func(ctx plugin.Ctx, args []plugin.String) error {
		c.f.pass()
		defer c.f.pass()
		return h(ctx, args)
	}, spec...)
}

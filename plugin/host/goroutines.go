package host

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"datastore/plugin"
	"datastore/server/command"
)

// maxLastTurns bounds how many callbacks of blocked clients the end of the server waits for, in units of maxServed.
const maxLastTurns = 1000

// loadPoll is how often Do looks whether the server has loaded its dataset.
const loadPoll = 20 * time.Millisecond

// goroutines are those that a module has started with Go.
//
// They are staged until OnLoad has succeeded, running, or ending: then no new ones start. Ending them is to cancel their
// context and to wait, without the execution lock, which they may need for a last Do.
type goroutines struct {
	host   *Modules
	module *module
	labels context.Context // pprof's, set on every goroutine that runs module code outside of a command

	mu     sync.Mutex
	state  goState
	ctx    context.Context
	cancel context.CancelFunc
	live   int
	staged []func(bg *plugin.Background)
	empty  chan struct{} // closed when none is left, if anybody waits for that
}

type goState uint8

const (
	goStaging goState = iota
	goRunning
	goEnding
)

func (g *goroutines) init(h *Modules, m *module) {
	g.host, g.module = h, m
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.labels = context.Background()
}

// begin starts what OnLoad has staged.
func (g *goroutines) begin() {
	g.labels = pprof.WithLabels(context.Background(), pprof.Labels("module", g.module.name))
	g.mu.Lock()
	staged := g.staged
	g.state, g.staged = goRunning, nil
	g.mu.Unlock()
	for _, f := range staged {
		_ = g.start(f) // it fails when one of them has had the module unloaded
	}
}

func (g *goroutines) context() context.Context {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ctx
}

func (g *goroutines) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.live
}

// start runs f on a goroutine of its own.
func (g *goroutines) start(f func(bg *plugin.Background)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case f == nil:
		return plugin.ErrInvalid
	case g.state == goEnding:
		return plugin.ErrStopped
	case g.state == goStaging:
		g.staged = append(g.staged, f)
		return nil
	}
	g.live++
	bg := &plugin.Background{Impl: &background{g, g.ctx}}
	go g.run(f, bg)
	return nil
}

// run is a goroutine of the module. Whatever f does, it ends alone.
func (g *goroutines) run(f func(bg *plugin.Background), bg *plugin.Background) {
	defer g.ended()
	defer func() {
		if v := recover(); v != nil {
			g.module.panics.Add(1)
			g.host.logStack(g.module, newPanicError(v))
		}
	}()
	pprof.SetGoroutineLabels(g.labels)
	debug.SetPanicOnFault(true)
	f(bg)
}

func (g *goroutines) ended() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.live--
	if g.live == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// refuse lets no new goroutines start until reopen; false when somebody is at it already.
func (g *goroutines) refuse() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == goEnding {
		return false
	}
	g.state = goEnding
	return true
}

// reopen takes refuse back, with a new context where the old one has ended.
func (g *goroutines) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = goRunning
	if g.ctx.Err() != nil {
		g.ctx, g.cancel = context.WithCancel(context.Background())
	}
}

// stop cancels the goroutines and waits for them, at most for the given time. It reports whether all have returned.
func (g *goroutines) stop(most time.Duration) bool {
	g.mu.Lock()
	g.state = goEnding
	g.cancel()
	if g.live == 0 {
		g.mu.Unlock()
		return true
	}
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	empty := g.empty
	g.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-empty:
		return true
	case <-timer.C:
		return false
	}
}

// Go implements plugin.Goroutines.
func (f *frame) Go(run func(bg *plugin.Background)) error {
	if f.use != inUse {
		return f.barred()
	}
	return f.module.goroutines.start(run)
}

// background is the host's side of a plugin.Background.
type background struct {
	g   *goroutines
	ctx context.Context
}

// Context implements plugin.BackgroundImpl.
func (b *background) Context() context.Context { return b.ctx }

// Go implements plugin.BackgroundImpl.
func (b *background) Go(f func(bg *plugin.Background)) error { return b.g.start(f) }

// Log implements plugin.BackgroundImpl.
func (b *background) Log(level plugin.LogLevel, text string) {
	b.g.host.server.Log(level, b.g.module.tag()+line(text))
}

// Do implements plugin.BackgroundImpl.
func (b *background) Do(f func(ctx plugin.Ctx) error) error { return b.do(f, b.g.host.locked) }

// TryDo implements plugin.BackgroundImpl.
func (b *background) TryDo(f func(ctx plugin.Ctx) error) error {
	return b.do(f, b.g.host.server.TryLocked)
}

func (b *background) do(f func(ctx plugin.Ctx) error, locked func(func()) bool) error {
	m := b.g.module
	return b.g.host.do(m, locked, func() error {
		v := &visit{module: m, self: &moduleCommand{module: m}, noClient: true,
			client: &command.Client{Proto: 2, Authed: true}, at: blocking{phase: phaseDo}}
		b.g.host.visit(v, func(ctx *frame) error { return f(ctx) })
		return v.err
	})
}

// Do implements plugin.BlockedImpl.
func (b *blocked) Do(f func(ctx plugin.Ctx) error) error {
	return b.host.do(b.module, b.host.locked, func() error {
		if !b.live() {
			return plugin.ErrStale
		}
		v, cc := b.visitOf(phaseDo), b.host.server.Context()
		begin := len(cc.W.Buf)
		defer func() { cc.W.Buf = cc.W.Buf[:begin] }()
		b.host.visit(v, func(ctx *frame) error {
			err := f(ctx)
			ctx.returned = true
			if ctx.Replied() {
				ctx.writeError(ctx.answer(nil))
				b.keep(cc.W.Buf[begin:], nil)
			}
			return err
		})
		return v.err
	})
}

// locked is Server.Locked in the shape of TryLocked.
func (h *Modules) locked(f func()) bool {
	h.server.Locked(f)
	return true
}

// do runs a unit of a goroutine with the execution lock, on that goroutine: when it panics it has given the lock back.
func (h *Modules) do(m *module, locked func(func()) bool, unit func() error) (err error) {
	if insideCallback() {
		return plugin.ErrLocked
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for {
		loading := false
		entered := locked(func() {
			switch {
			case h.stopped || m.gone:
				err = plugin.ErrStopped
			case h.server.Loading():
				loading = true
			default:
				h.server.Unit(func() { err = unit() })
			}
		})
		switch {
		case !entered:
			return plugin.ErrBusy
		case !loading:
			return err
		}
		time.Sleep(loadPoll)
	}
}

// insideCallback reports whether this goroutine is one on which the host has called module code, and that therefore has the
// execution lock, or somebody who waits for it: Do would wait for itself. Asking the stack costs a microsecond of each Do and
// nothing of each command.
func insideCallback() bool {
	entries := [...]string{"(*Modules).invoke", "(*Modules).visit", "host.runGuarded.func1", "(*worker).once"}
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var fr runtime.Frame
			fr, more = frames.Next()
			if strings.HasPrefix(fr.Function, hostPackage) &&
				slices.ContainsFunc(entries[:], func(entry string) bool { return strings.HasSuffix(fr.Function, entry) }) {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

const hostPackage = "datastore/plugin/host."

// UnloadBeside is Unload for a module with goroutines, which it ends and waits for. It is called without the execution
// lock, beside the running server: commands of the module still run meanwhile. After a refusal the module goes on, with
// those of its goroutines that have not ended.
func (h *Modules) UnloadBeside(name string) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	var m *module
	var err error
	h.server.Locked(func() { m, err = h.unloadable(name) })
	if err != nil {
		return err
	}
	if err := h.unloading(m, h.server.Locked); err != nil {
		return err
	}
	if !m.goroutines.stop(h.o.UnloadTimeout) {
		err = fmt.Errorf("%w: %d of its goroutines have not returned after %v", ErrUnloadRefused, m.goroutines.count(), h.o.UnloadTimeout)
	} else {
		h.server.Locked(func() {
			if err = m.unused(); err == nil {
				err = h.remove(m)
			}
		})
	}
	if err != nil {
		m.goroutines.reopen()
	}
	return err
}

// Goroutines returns how many goroutines of a module are running. It is called under the execution lock.
func (h *Modules) Goroutines(name string) int {
	if m := h.find(name); m != nil {
		return m.goroutines.count()
	}
	return 0
}

// Stop ends the goroutines of all modules, at the end of the server, when nobody has the execution lock any more. It waits
// for those that have not returned as long as an unload does.
func (h *Modules) Stop() {
	var list []*module
	h.server.Locked(func() {
		for n := 0; n < maxLastTurns && h.serveSome(); n++ { // connections that were closed at the end
		}
		h.stopped = true
		list = h.list
	})
	for _, m := range list {
		m.goroutines.refuse()
		m.goroutines.cancel()
	}
	until := time.Now().Add(h.o.UnloadTimeout)
	for _, m := range list {
		if !m.goroutines.stop(time.Until(until)) {
			h.server.Log(plugin.Warning, fmt.Sprintf("Module %s: %d goroutines have not returned", m.name, m.goroutines.count()))
		}
	}
}

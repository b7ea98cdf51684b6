package host

import (
	"errors"
	"fmt"

	"datastore/keyspace"
	"datastore/plugin"
	"datastore/server/command"
)

const (
	maxDepth     = 64   // of module commands that call each other: each level is a handler on the stack
	keptArgs     = 1024 // capacity that a frame keeps for the next command
	keptBytes    = 64 << 10
	maxNullsFill = 1 << 20 // nulls that complete an array; above, the reply becomes an error
)

// frame is the plugin.Ctx of one running handler. Handlers run on the goroutine that holds the execution lock, so a frame
// per depth of nesting is enough; it is reused for every command and allocates nothing in the long run.
//
// A handler is entered through invoke, whose deferred leave runs however the handler ends. It closes what is open and
// settles the effects, so that memory, append-only file and replicas stay equal even after a panic. runtime.Goexit cannot
// be stopped by a deferred function: leave does its work and the goroutine ends; the server goes on with another one.
type frame struct {
	host   *Modules
	module *module
	self   *moduleCommand
	cc     *command.Ctx
	client *command.Client
	cmd    *command.Command
	raw    [][]byte // the command's arguments
	args   []plugin.String
	db     *keyspace.DB
	fromDB int // the database in which the command began
	depth  int
	begin  int // of the reply in the writer's buffer

	returned bool
	noClient bool // replies have nowhere to go: OnLoad, OnUnload

	use    use
	keysAt []command.KeyAt // what it has answered
	auto   bool            // AutoMemory was called
	failed bool            // an error reply was counted
	proto  int             // of the reply

	reply   shape
	effects effects
	calls   calls
	pool    pool
	digits  []byte // scratch

	blocking blocking
	natives  []changed // values that are to be recorded

	nativeSet map[dbKey]struct{} // the keys of natives when there are many
}

// use is what a frame may be used for.
type use uint8

const (
	inUse  use = iota
	asking     // the handler is asked for key positions, and can do nothing else
	over       // the handler has ended: whoever has kept the context gets errors, until the next handler of this depth
)

// barred returns why a frame cannot be used.
func (f *frame) barred() error {
	if f.use == asking {
		return plugin.ErrKeysRequest
	}
	return plugin.ErrStale
}

// handlerOf returns what the command table calls.
func (h *Modules) handlerOf(c *moduleCommand) command.Handler {
	return func(cc *command.Ctx) error { return h.invoke(c, cc) }
}

var errTooDeep = command.Errorf("ERR module commands are nested too deeply")

// invoke runs a handler. The returned error becomes the reply, in place of what was written.
func (h *Modules) invoke(mc *moduleCommand, cc *command.Ctx) (err error) {
	if h.depth == maxDepth {
		return errTooDeep
	}
	f := h.enter(mc, cc)
	if h.labelling {
		h.label()
	}
	defer func() {
		if v := recover(); v != nil || !f.returned {
			err = f.crashed(v)
		}
		f.leave()
		if h.labelling {
			h.label()
		}
	}()
	result := mc.handler(f, f.args)
	f.returned = true
	return f.answer(result)
}

// frameAt returns the frame of a depth, which is at most one more than there are frames.
func (h *Modules) frameAt(depth int) *frame {
	if depth == len(h.frames) {
		h.frames = append(h.frames, &frame{host: h, depth: depth})
	}
	return h.frames[depth]
}

// enter takes a frame for a command.
func (h *Modules) enter(mc *moduleCommand, cc *command.Ctx) *frame {
	f := h.frameAt(h.depth)
	h.depth++
	mc.module.running++
	if f.self != mc || f.cmd != cc.Cmd { // a pointer that is stored costs more than a look while garbage is collected
		f.module, f.self, f.cmd = mc.module, mc, cc.Cmd
	}
	if f.cc != cc {
		f.cc = cc
	}
	if f.client != cc.Client {
		f.client = cc.Client
	}
	if f.db != cc.DB {
		f.db = cc.DB
	}
	f.raw = cc.Args
	f.fromDB, f.begin, f.returned, f.noClient, f.use = cc.DB.Index(), len(cc.W.Buf), false, false, inUse
	f.auto, f.failed, f.proto = false, false, cc.W.Proto
	cc.Store.CountReads(false) // only OpenKey does
	f.reply.reset()
	for _, a := range cc.Args {
		f.args = append(f.args, plugin.StringOf(a))
	}
	return f
}

// leave ends a frame: keys are closed, effects sent, everything that was handed out becomes stale. The size of a value may be
// asked for on the way: where that ends the goroutine, what is left is done nevertheless.
func (f *frame) leave() {
	if !f.hasOpen() {
		f.end()
		return
	}
	done := false
	defer func() {
		if !done {
			f.leave()
		}
	}()
	f.end()
	done = true
}

// hasOpen reports whether the frame has open keys.
func (f *frame) hasOpen() bool {
	open := f.host.open
	return len(open) > 0 && open[len(open)-1].frame == f
}

// end does the work of leave.
func (f *frame) end() {
	h := f.host
	if f.hasOpen() || f.calls.replies.used > 0 {
		f.countLeaks()
		f.closeKeys()
	}
	if f.effects.used || len(f.natives) > 0 {
		f.settle()
	} else {
		f.cc.Effects.Drop()
	}
	if len(f.calls.cmds) > 0 || f.calls.replies.used > 0 || !f.returned {
		f.release()
		f.restore()
		f.cc.W.Proto = f.proto
	}
	if len(f.pool.blocks) > 0 {
		f.pool.reset()
	}
	if at := &f.blocking; at.phase != phaseNone || len(at.made) > 0 {
		f.endBlocking()
	}
	f.noClient, f.use = true, over
	f.module.running--
	h.depth = f.depth
	f.dropArgs()
}

// dropArgs makes room for the next command's arguments.
func (f *frame) dropArgs() {
	if cap(f.args) > keptArgs {
		f.args = nil
	}
	f.args = f.args[:0]
}

// restore gives the context back to this frame's command after another one has run in it.
func (f *frame) restore() {
	f.cc.Args, f.cc.Cmd, f.cc.DB, f.cc.Client = f.raw, f.cmd, f.db, f.client
	f.cc.Store.CountReads(false)
	f.cc.Store.NoTouch(f.client.NoTouch)
}

// answer completes the reply of a handler that has returned.
func (f *frame) answer(result error) error {
	if len(f.blocking.made) > 0 {
		rest, parked := f.park(result)
		if parked {
			return nil
		}
		result = rest
	}
	if result == nil {
		if f.reply.complete() {
			return nil
		}
		return f.repair()
	}
	if f.Replied() {
		f.misuse("command '%s' returned an error after its reply: %v", f.cmd.FullName(), result)
		return f.repair()
	}
	var text plugin.ReplyError
	if errors.As(result, &text) {
		return command.Errorf(string(text))
	}
	f.logf(plugin.Verbose, "command '%s' failed: %v", f.cmd.FullName(), result)
	return command.Errorf("ERR " + result.Error())
}

// crashed logs a handler that did not return and makes the error reply.
func (f *frame) crashed(v any) error {
	err := error(ErrGoexit)
	if v != nil {
		err = newPanicError(v)
	}
	f.dropBlocked()
	f.module.panics.Add(1)
	f.host.logStack(f.module, err)
	f.logf(plugin.Warning, "command '%s' did not return: %v", f.cmd.FullName(), err)
	return command.Errorf(PanicText(f.module.name, v))
}

// PanicText is the error reply for a module's command that panicked with v, or ended its goroutine when v is nil.
func PanicText(module string, v any) string {
	const maxText = 256
	text := "runtime.Goexit"
	if v != nil {
		text = fmt.Sprint(v)
	}
	return "MODULEPANIC " + module + ": " + command.Clip([]byte(text), maxText)
}

// misuse logs and counts a broken rule of the SDK.
func (f *frame) misuse(format string, args ...any) {
	f.module.misuses.Add(1)
	f.logf(plugin.Warning, "API misuse: "+format, args...)
}

func (f *frame) logf(level plugin.LogLevel, format string, args ...any) {
	f.host.server.Log(level, f.module.tag()+fmt.Sprintf(format, args...))
}

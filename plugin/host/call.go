package host

import (
	"datastore/plugin"
	"datastore/server/command"
)

const (
	minCmds  = 64 // commands under construction that a frame has before it looks for used ones
	keptCmds = 64 // and that it keeps for the next handler
)

// calls is the memory of a frame's calls. It is all given back when the handler ends.
type calls struct {
	args    [][]byte // of the running call
	longest int      // bytes of one of them
	name    []byte
	client  command.Client // whom called commands see
	cmds    []*plugin.Cmd  // handed out in this callback
	spare   []*plugin.Cmd
	compact int // length of cmds at which to look for used ones
	replies replies

	table     *command.Table // in which foundName is the name of found
	found     *command.Command
	foundName string
}

// usedCmd is the implementation behind commands that were run or replicated, and those of callbacks that have ended.
type usedCmd struct{}

func (usedCmd) RunCmd(*plugin.Cmd) (*plugin.Reply, error) { return nil, plugin.ErrStale }
func (usedCmd) ReplicateCmd(*plugin.Cmd) error            { return plugin.ErrStale }

func spend(c *plugin.Cmd) { c.Impl = usedCmd{} }

// argv returns the arguments of a command, name first, until the next call.
func (a *calls) argv(c *plugin.Cmd) [][]byte {
	if string(a.name) != c.Name {
		a.name = append(a.name[:0], c.Name...)
	}
	a.args, a.longest = append(a.args[:0], a.name), 0
	for _, s := range c.Args {
		a.args = append(a.args, s.Bytes())
		a.longest = max(a.longest, s.Len())
	}
	return a.args
}

// Cmd implements plugin.Calls.
func (f *frame) Cmd(name string) *plugin.Cmd {
	if f.use == over {
		return new(plugin.Cmd).Reset(usedCmd{}, name)
	}
	return f.calls.take(f, name)
}

func (a *calls) take(impl plugin.CmdImpl, name string) *plugin.Cmd {
	if len(a.cmds) >= max(a.compact, minCmds) {
		a.collect()
	}
	var c *plugin.Cmd
	if n := len(a.spare); n > 0 {
		c, a.spare = a.spare[n-1], a.spare[:n-1]
	} else {
		c = &plugin.Cmd{}
	}
	a.cmds = append(a.cmds, c)
	return c.Reset(impl, name)
}

// collect takes used commands back within a callback, so that a loop of calls needs bounded memory.
func (a *calls) collect() {
	live := a.cmds[:0]
	for _, c := range a.cmds {
		if c.Impl == (usedCmd{}) {
			a.spare = append(a.spare, c)
			continue
		}
		live = append(live, c)
	}
	a.cmds, a.compact = live, 2*len(live)
}

// release ends what the calls of a frame handed out.
func (f *frame) release() {
	a := &f.calls
	for _, c := range a.cmds {
		spend(c)
		if len(a.spare) < keptCmds && cap(c.Args) <= keptArgs {
			a.spare = append(a.spare, c)
		}
	}
	a.cmds, a.compact = a.cmds[:0], 0
	if len(a.spare) > keptCmds {
		a.spare = a.spare[:keptCmds]
	}
	if cap(a.args) > keptArgs {
		a.args = nil
	}
	a.replies.release()
}

// Call implements plugin.Calls.
func (f *frame) Call(cmd, format string, args ...any) (*plugin.Reply, error) {
	return f.RunCmd(f.Cmd(cmd).Format(format, args...))
}

// CallArgs implements plugin.Calls.
func (f *frame) CallArgs(cmd string, opt plugin.CallOpt, args ...plugin.Arg) (*plugin.Reply, error) {
	return f.RunCmd(f.Cmd(cmd).With(opt).Add(args...))
}

// RunCmd implements plugin.CmdImpl: it runs a command as a part of the handler's unit.
func (f *frame) RunCmd(c *plugin.Cmd) (*plugin.Reply, error) {
	spend(c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if f.use != inUse {
		return nil, f.barred()
	}
	argv, opt := f.calls.argv(c), c.Opt
	cmd := f.resolve(c.Name, argv)
	if reply, err := f.refusal(cmd, argv, opt); err != nil {
		if opt&(plugin.ErrorsAsReply|plugin.DryRun) == 0 {
			return nil, err
		}
		return f.errorReply(reply), nil
	}
	switch {
	case f.host.busy(cmd, argv, f.db.Index()):
		return nil, plugin.ErrOpenKeyBusy
	case beyond(cmd):
		return f.errorReply(command.Errorf("ERR command '" + cmd.FullName() + "' cannot be called by a module")), nil
	case opt&plugin.DryRun != 0:
		return nil, nil
	}
	w := &f.cc.W
	start, proto := len(w.Buf), w.Proto
	defer func() { w.Buf, w.Proto = w.Buf[:start], proto }() // also when the command panics
	w.Proto = f.protoOf(opt)
	f.execute(cmd, argv, opt)
	return f.calls.replies.parse(w.Buf[start:]), nil
}

// resolve returns the command that argv names, or nil. Most handlers call the same one each time.
func (f *frame) resolve(name string, argv [][]byte) *command.Command {
	a, table := &f.calls, f.host.server.Table()
	if a.found != nil && a.table == table && a.foundName == name {
		return a.found
	}
	cmd := table.Resolve(argv)
	if cmd != nil && cmd.Parent() == nil && !cmd.HasSubs() {
		a.table, a.found, a.foundName = table, cmd, name
	}
	return cmd
}

// execute runs a command with its effects diverted, and sorts them into those of this frame.
func (f *frame) execute(cmd *command.Command, argv [][]byte, opt plugin.CallOpt) {
	f.impersonate(f.protoOf(opt))
	all := &f.cc.Effects
	if !all.Listening() {
		f.host.server.Call(&f.calls.client, cmd, argv)
		f.restore()
		return
	}
	if !cmd.Is(command.ReadOnly) {
		f.recordNatives() // what the command does comes after it
	}
	e := f.collect()
	e.call.Adopt(all)
	before := all.Divert(&e.call)
	defer func() { // also when the command panics
		all.Divert(before)
		e.done.Append(&e.call)
	}()
	f.host.server.Call(&f.calls.client, cmd, argv)
	f.restore()
	if opt&plugin.Repl != 0 {
		e.explicit = true
		e.said.AppendFor(targetOf(opt), &e.call)
	}
}

// impersonate makes the client that called commands see: the caller, with the rights of the server. Pointers that are there
// already are not stored again, which costs more than a look while garbage is collected.
func (f *frame) impersonate(proto int) {
	c, from := &f.calls.client, f.client
	if c.Name != from.Name {
		c.Name = from.Name
	}
	if c.User != from.User {
		c.User = from.User
	}
	if c.Owner != from.Owner {
		c.Owner = from.Owner
	}
	c.ID, c.DB, c.Proto, c.Authed, c.FromStream, c.DenyBlock = from.ID, f.db.Index(), proto, true, from.FromStream, true
	c.InMulti, c.InExec, c.NoTouch = false, false, false
}

// beyond reports whether a command is about the connection or the process rather than the keyspace: MULTI, SUBSCRIBE, AUTH,
// SHUTDOWN. Those that block do not when a module calls them, and the subcommands of administration (CONFIG GET) may be
// called.
func beyond(cmd *command.Command) bool {
	root := cmd
	if p := cmd.Parent(); p != nil {
		root = p
	}
	if root.Is(command.Guarded) || cmd.Is(command.Guarded) {
		return true
	}
	return cmd.Is(command.NoScript) && !cmd.Any(command.Blocking|command.Module) &&
		!(root != cmd && cmd.Is(command.Admin) && root.Group == "server")
}

// busy reports whether a command would touch a key that a handler holds open, where one of the two writes. A command that
// writes and names no keys, as FLUSHALL does, would touch them all.
func (h *Modules) busy(cmd *command.Command, argv [][]byte, db int) bool {
	if len(h.open) == 0 {
		return false
	}
	writes := cmd.Is(command.Write)
	keys, ok := cmd.KeysAt(argv, h.keysAt[:0])
	h.keysAt = keys
	if !ok || len(keys) == 0 {
		return writes && !cmd.Is(command.Module) // a module's keys are checked when it opens them
	}
	anyDB := cmd.Group == "generic" // COPY and MOVE name keys of another database
	store := h.server.Context().Store
	for _, at := range keys {
		if !anyDB {
			if h.conflicts(store.DB(db), argv[at.Pos], writes) {
				return true
			}
			continue
		}
		for i := range store.Databases() {
			if h.conflicts(store.DB(i), argv[at.Pos], writes) {
				return true
			}
		}
	}
	return false
}

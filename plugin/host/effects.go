package host

import (
	"datastore/keyspace"
	"datastore/plugin"
	"datastore/server/command"
)

// effects are what a handler's command is reproduced by.
//
// done has every change in the order of execution: low-level writes as canonical commands, and what calls caused, with
// and without "!". said has what the handler asked for: effects of calls with "!", and Replicate. API version 1 wants the
// calls before the Replicates, which are kept in late until the end; version 2 wants the order of execution.
//
// At the end exactly one of the two is sent: said when the handler has said anything and has returned, done otherwise.
// After a panic it is done: what was said may be about writes that did not happen any more.
type effects struct {
	used     bool // the collections below are in use
	explicit bool // the handler has said something
	done     command.Effects
	said     command.Effects
	late     command.Effects
	call     command.Effects // of the call that is running
}

// collect returns the frame's effects, ready to take some.
func (f *frame) collect() *effects {
	e := &f.effects
	if !e.used {
		e.used, e.explicit = true, false
		for _, c := range [...]*command.Effects{&e.done, &e.said, &e.late} {
			c.Adopt(&f.cc.Effects)
		}
	}
	return e
}

// record notes a low-level write as the command that reproduces it.
func (f *frame) record(db *keyspace.DB, args ...[]byte) {
	if f.cc.Effects.Listening() {
		f.collect().done.Add(db.Index(), args...)
	}
}

// targetOf returns who gets what is replicated with these modifiers.
func targetOf(opt plugin.CallOpt) command.Target {
	target := command.ToAll
	if opt&plugin.NoAOF != 0 {
		target &^= command.ToAOF
	}
	if opt&plugin.NoReplicas != 0 {
		target &^= command.ToReplicas
	}
	return target
}

// replicate notes a command that the handler wants to have replicated.
func (f *frame) replicate(target command.Target, db int, args ...[]byte) {
	f.host.server.CountChange()
	if !f.cc.Effects.Listening() {
		return
	}
	e := f.collect()
	e.explicit = true
	if f.module.api == plugin.APIVer1 {
		e.late.AddFor(target, db, args...)
		return
	}
	e.said.AddFor(target, db, args...)
}

// settle sends the effects of a handler that has ended.
func (f *frame) settle() {
	f.recordNatives()
	all, e := &f.cc.Effects, &f.effects
	if e.used {
		e.used = false
		if e.explicit && f.returned {
			all.Append(&e.said)
			all.Append(&e.late)
		} else {
			all.Append(&e.done)
		}
	}
	all.Drop() // settled: the command itself is no effect
}

// Replicate implements plugin.Replication.
func (f *frame) Replicate(cmd, format string, args ...any) error {
	return f.ReplicateCmd(f.Cmd(cmd).Format(format, args...))
}

// ReplicateArgs implements plugin.Replication.
func (f *frame) ReplicateArgs(cmd string, opt plugin.CallOpt, args ...plugin.Arg) error {
	return f.ReplicateCmd(f.Cmd(cmd).With(opt).Add(args...))
}

// ReplicateCmd implements plugin.CmdImpl. The number of arguments is no reason for an error; but what a replica would refuse,
// and a replay of the append-only file would end at, is not sent.
func (f *frame) ReplicateCmd(c *plugin.Cmd) error {
	defer spend(c)
	if err := c.Err(); err != nil {
		return err
	}
	if f.use != inUse {
		return f.barred()
	}
	argv := f.calls.argv(c)
	cmd := f.host.server.Table().Resolve(argv)
	switch {
	case cmd == nil:
		return plugin.ErrCommandNotFound
	case f.calls.longest > f.maxArgBytes():
		return plugin.ErrTooLarge
	}
	if !cmd.ArityOK(len(argv)) || !cmd.Is(command.Write) && cmd.Any(command.Admin|command.NoScript|command.Blocking) {
		f.misuse("'%s' with %d arguments cannot be replicated and was left out", cmd.FullName(), len(argv))
		f.collect().explicit = true
		return nil
	}
	f.replicate(targetOf(c.Opt), f.db.Index(), argv...)
	return nil
}

// ReplicateVerbatim implements plugin.Replication.
func (f *frame) ReplicateVerbatim() error {
	if f.noClient {
		return plugin.ErrNoClient
	}
	f.replicate(command.ToAll, f.fromDB, f.raw...)
	return nil
}

package host

import (
	"fmt"
	"strings"
	"sync/atomic"

	"datastore/plugin"
	"datastore/server/command"
)

// module is a loaded module, or one whose OnLoad is running. Its fields are guarded by the execution lock; until the
// module is active, they belong to the goroutine that loads it.
type module struct {
	name     string // "" until Init
	version  int
	api      int
	path     string
	args     []string
	image    *Image
	commands []*moduleCommand
	types    []*nativeType

	running int // handlers in progress
	panics  atomic.Int64
	misuses int64 // broken reply shapes, errors after a reply, handlers without a reply
}

// moduleCommand is a command as a module registered it.
type moduleCommand struct {
	module  *module
	handler plugin.Handler
	literal command.Command
}

// flagWords are the words of CommandSpec.Flags; those that mean nothing here have no bits.
func flagWords() map[string]command.Flags {
	return map[string]command.Flags{
		"write": command.Write, "readonly": command.ReadOnly, "admin": command.Admin, "deny-oom": command.DenyOOM,
		"deny-script": command.NoScript, "allow-loading": command.Loading, "pubsub": command.PubSub,
		"blocking": command.Blocking, "allow-stale": command.Stale, "no-monitor": command.SkipMonitor,
		"no-slowlog": command.SkipSlowlog, "fast": command.Fast, "no-auth": command.NoAuth,
		"may-replicate": command.MayReplicate, "no-mandatory-keys": command.NoMandatoryKeys,
		"allow-busy": command.AllowBusy, "random": 0, "no-cluster": 0,
	}
}

// add registers a command with the module; taken tells which names are in use elsewhere.
func (m *module) add(name string, h plugin.Handler, specs []plugin.CommandSpec, taken func(string) bool) (*moduleCommand, error) {
	switch {
	case name == "" || strings.ContainsAny(name, " \r\n|@=,"):
		return nil, fmt.Errorf("%w: command name %q", plugin.ErrInvalid, name)
	case h == nil:
		return nil, fmt.Errorf("%w: command %q has no handler", plugin.ErrInvalid, name)
	case len(specs) > 1:
		return nil, fmt.Errorf("%w: command %q has more than one CommandSpec", plugin.ErrInvalid, name)
	}
	var spec plugin.CommandSpec
	if len(specs) == 1 {
		spec = specs[0]
	}
	literal, err := literalOf(strings.ToLower(name), spec)
	if err != nil {
		return nil, err
	}
	for _, c := range m.commands {
		if c.literal.Name == literal.Name {
			return nil, plugin.ErrBusyName
		}
	}
	if taken(literal.Name) {
		return nil, plugin.ErrBusyName
	}
	literal.ModuleName = m.name
	c := &moduleCommand{module: m, handler: h, literal: literal}
	m.commands = append(m.commands, c)
	return c, nil
}

// literalOf makes the literal of a module's command, which lacks its handler.
func literalOf(name string, spec plugin.CommandSpec) (command.Command, error) {
	c := command.Command{
		Name: name, Arity: spec.Arity, Flags: command.Module, Group: "module", Since: spec.Since, Summary: spec.Summary,
		Complexity: spec.Complexity,
	}
	if c.Arity == 0 {
		c.Arity = -1
	}
	words := flagWords()
	for _, word := range strings.Fields(strings.ToLower(spec.Flags)) {
		f, known := words[word]
		if !known {
			return c, fmt.Errorf("%w: flag %q", plugin.ErrInvalid, word)
		}
		c.Flags |= f
	}
	first, last, step := spec.FirstKey, spec.LastKey, spec.KeyStep
	switch {
	case first == 0 && last == 0 && step == 0:
		return c, nil
	case first < 1 || step < 1 || last >= 0 && last < first:
		return c, fmt.Errorf("%w: keys at %d to %d, step %d", plugin.ErrInvalid, first, last, step)
	}
	if last > 0 {
		last -= first // specs count from the first key
	}
	c.Keys = []command.KeySpec{{
		Flags: command.RW | command.Access | command.Update, Index: first, LastKey: last, Step: step,
	}}
	return c, nil
}

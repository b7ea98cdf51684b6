package host

import (
	"context"
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
	misuses atomic.Int64 // broken reply shapes, errors after a reply, handlers without a reply
	keys    int64        // opened
	leaked  int64        // keys and replies that handlers without AutoMemory left to be released

	heap    *heap // from Init on
	offHeap offHeap
	events  map[string]struct{} // of the latency monitor

	blocked    int  // clients, or handles that the module has not given back
	gone       bool // unloaded
	goroutines goroutines
}

// moduleCommand is a command as a module registered it.
type moduleCommand struct {
	module  *module
	handler plugin.Handler  // nil for a container
	literal command.Command // without its subcommands
	parent  *moduleCommand  // of a subcommand
	full    string          // name, or "parent|name"

	leakTold bool            // the log has told once that its handler leaves things to be released
	labels   context.Context // pprof's, nil until they were needed
}

// keysFlag makes the handler tell where the keys are.
const keysFlag = "getkeys-api"

// flagWords are the words of CommandSpec.Flags; those that mean nothing here have no bits.
func flagWords() map[string]command.Flags {
	return map[string]command.Flags{
		"write": command.Write, "readonly": command.ReadOnly, "admin": command.Admin, "deny-oom": command.DenyOOM,
		"deny-script": command.NoScript, "allow-loading": command.Loading, "pubsub": command.PubSub,
		"blocking": command.Blocking, "allow-stale": command.Stale, "no-monitor": command.SkipMonitor,
		"no-slowlog": command.SkipSlowlog, "fast": command.Fast, "no-auth": command.NoAuth,
		"may-replicate": command.MayReplicate, "no-mandatory-keys": command.NoMandatoryKeys,
		"allow-busy": command.AllowBusy, "random": 0, "no-cluster": 0,
		keysFlag: command.MovableKeys,
	}
}

// add registers a command with the module; taken tells which names are in use elsewhere.
func (m *module) add(name string, h plugin.Handler, specs []plugin.CommandSpec, taken func(string) bool) (*moduleCommand, error) {
	switch {
	case name == "" || strings.ContainsAny(name, " \r\n|@=,"):
		return nil, fmt.Errorf("%w: command name %q", plugin.ErrInvalid, name)
	case len(specs) > 1:
		return nil, fmt.Errorf("%w: command %q has more than one CommandSpec", plugin.ErrInvalid, name)
	}
	var spec plugin.CommandSpec
	if len(specs) == 1 {
		spec = specs[0]
	}
	if spec.Container != (h == nil) {
		return nil, fmt.Errorf("%w: command %q needs a handler, or subcommands instead", plugin.ErrInvalid, name)
	}
	literal, err := literalOf(strings.ToLower(name), spec)
	if err != nil {
		return nil, err
	}
	literal.ModuleName = m.name
	c := &moduleCommand{module: m, handler: h, literal: literal, full: literal.Name}
	if spec.Parent != "" {
		if c.parent, err = m.container(spec.Parent); err != nil {
			return nil, err
		}
		c.full = c.parent.full + "|" + c.full
	}
	for _, other := range m.commands {
		if other.full == c.full {
			return nil, plugin.ErrBusyName
		}
	}
	if c.parent == nil && taken(literal.Name) {
		return nil, plugin.ErrBusyName
	}
	m.commands = append(m.commands, c)
	return c, nil
}

// container returns the container of that name which the module has registered.
func (m *module) container(name string) (*moduleCommand, error) {
	name = strings.ToLower(name)
	for _, c := range m.commands {
		if c.full != name {
			continue
		}
		if c.handler != nil || c.parent != nil {
			return nil, fmt.Errorf("%w: command %q is no container", plugin.ErrInvalid, name)
		}
		return c, nil
	}
	return nil, fmt.Errorf("%w: the module has no container %q", plugin.ErrCommandNotFound, name)
}

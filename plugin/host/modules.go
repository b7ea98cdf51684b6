package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"datastore/keyspace/rdb"
	"datastore/plugin"
	"datastore/server/command"
)

const (
	defaultLoadTimeout   = 10 * time.Second
	defaultUnloadTimeout = 2 * time.Second
)

// Options configure New.
type Options struct {
	Loader LoaderOptions

	// LoadTimeout bounds OnLoad, which runs beside the server, UnloadTimeout bounds OnUnload, during which the server
	// stands still. Defaults: 10 and 2 seconds.
	LoadTimeout, UnloadTimeout time.Duration
}

// Modules are the modules of one server.
//
// A module is loading (Open, then OnLoad, beside the running server), active (its commands are in the table) or gone.
// Between loading and active lies one moment under the execution lock in which everything that OnLoad asked for becomes
// true, or nothing. The image of a module that is gone stays with the loader.
//
// list and what handlers work with (frames, open, spare) are guarded by the execution lock; turn makes loads follow one
// another, because two OnLoad of one image would run on the same package variables at once.
type Modules struct {
	server Server
	o      Options

	turn   sync.Mutex
	loader *Loader // nil until the first load, so that a server without modules needs no directory

	list   []*module
	frames []*frame // one per depth of nested module commands, reused
	depth  int
	open   []*key // of all frames
	spare  keyPool

	positions []int // scratch of busy

	aux     []rdb.ModuleAux // of types that no module has registered
	reaper  reaper
	payload []byte // scratch of recordNative
}

// New returns the modules of a server, none so far.
func New(server Server, o Options) *Modules {
	o.LoadTimeout = cmp.Or(o.LoadTimeout, defaultLoadTimeout)
	o.UnloadTimeout = cmp.Or(o.UnloadTimeout, defaultUnloadTimeout)
	return &Modules{server: server, o: o}
}

// Load opens a module file, runs its OnLoad with args and makes it active. It is called without the execution lock and
// takes 10 to 30 ms, and as long as the module's init and OnLoad do. When it fails, nothing of the module is left
// besides its image.
//
// Errors: those of Loader.Open; what OnLoad returned; ErrPanic, ErrGoexit and ErrTimeout when it did not return;
// ErrNoInit; ErrCommandTaken.
func (h *Modules) Load(ctx context.Context, path string, args [][]byte) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	if h.loader == nil {
		l, err := NewLoader(h.o.Loader)
		if err != nil {
			return err
		}
		h.loader = l
	}
	image, err := h.loader.Open(ctx, path)
	if err != nil {
		return err
	}
	return h.start(&module{path: path, image: image}, args)
}

// LoadLinked makes a module active that is linked into the program, such as one under test: image has its symbols and need
// not come from a Loader. Errors are those of Load.
func (h *Modules) LoadLinked(image *Image, args [][]byte) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	return h.start(&module{image: image}, args)
}

// start runs OnLoad and makes the module active.
func (h *Modules) start(m *module, args [][]byte) error {
	given := make([]plugin.String, len(args))
	for i, a := range args {
		m.args = append(m.args, string(a))
		given[i] = plugin.StringOf([]byte(m.args[i]))
	}
	c := newOutside(h, m, h.server.Locked)
	c.loading = true
	err := c.run(h.o.LoadTimeout, func() error { return m.image.OnLoad(c, given) })
	switch {
	case err != nil:
		h.logStack(m, err)
		return fmt.Errorf("OnLoad: %w", err)
	case m.name == "":
		return ErrNoInit
	}
	h.server.Locked(func() { err = h.activate(m) })
	return err
}

// activate puts a loaded module's commands in force.
func (h *Modules) activate(m *module) error {
	if h.find(m.name) != nil {
		return fmt.Errorf("module %s: %w", m.name, plugin.ErrBusyName)
	}
	rest, err := h.adoptAux(m)
	if err != nil {
		return err
	}
	list := append(slices.Clone(h.list), m)
	if err := h.server.Register(literals(list)); err != nil {
		return fmt.Errorf("%w: %w", ErrCommandTaken, err)
	}
	h.list, h.aux = list, rest
	for _, t := range m.types {
		h.natives().Add(t)
	}
	h.server.Log(plugin.Notice, fmt.Sprintf("Module '%s' loaded from %s", m.name, m.path))
	return nil
}

// literals returns the commands of all modules.
func literals(list []*module) []command.Command {
	var all []command.Command
	for _, m := range list {
		for _, c := range m.commands {
			all = append(all, c.literal)
		}
	}
	return all
}

// Unload runs a module's OnUnload, if it has one, and takes its commands away. It is called under the execution lock,
// inside a unit.
//
// Errors: ErrNoModule; ErrHasTypes; ErrUnloadRefused with the reason.
func (h *Modules) Unload(name string) error {
	m := h.find(name)
	switch {
	case m == nil:
		return ErrNoModule
	case len(m.types) > 0:
		return ErrHasTypes
	case m.running > 0:
		return fmt.Errorf("%w: a command of the module is running", ErrUnloadRefused)
	}
	if unload := m.image.OnUnload; unload != nil {
		c := newOutside(h, m, func(f func()) { f() })
		if err := c.run(h.o.UnloadTimeout, func() error { return unload(c) }); err != nil {
			h.logStack(m, err)
			h.server.Log(plugin.Notice, fmt.Sprintf("Module %s OnUnload failed.  Unload canceled.", name))
			return fmt.Errorf("%w: %w", ErrUnloadRefused, err)
		}
	}
	list := slices.DeleteFunc(slices.Clone(h.list), func(o *module) bool { return o == m })
	if err := h.server.Register(literals(list)); err != nil {
		return fmt.Errorf("%w: %w", ErrUnloadRefused, err)
	}
	h.list = list
	h.server.Log(plugin.Notice, fmt.Sprintf("Module %s unloaded", name))
	return nil
}

func (h *Modules) find(name string) *module {
	for _, m := range h.list {
		if m.name == name {
			return m
		}
	}
	return nil
}

// logStack logs where a module panicked.
func (h *Modules) logStack(m *module, err error) {
	var p *PanicError
	if errors.As(err, &p) {
		h.server.Log(plugin.Warning, fmt.Sprintf("Panic in module %s (%s): %v\n%s", m.name, m.path, p.Value, p.Stack))
	}
}

// Info is what can be told of an active module.
type Info struct {
	Name       string
	Version    int
	API        int // the API version given to Init
	Path       string
	Args       []string
	Generation int // of its image: how many images the process has opened up to it

	Calls   int64 // of all its commands
	Errors  int64 // calls that replied an error
	Panics  int64
	Misuses int64 // replies of the wrong shape, none at all, or errors after one
	Nanos   int64 // time in its commands
}

// Infos returns what can be told of all modules, in the order in which they were loaded. It is called under the execution
// lock.
func (h *Modules) Infos() []Info {
	infos := make([]Info, 0, len(h.list))
	table := h.server.Table()
	for _, m := range h.list {
		i := Info{
			Name: m.name, Version: m.version, API: m.api, Path: m.path, Args: m.args, Panics: m.panics.Load(),
			Misuses: m.misuses, Generation: m.image.Generation,
		}
		for _, c := range m.commands {
			if cmd := table.Find([]byte(c.literal.Name)); cmd != nil {
				i.Calls += cmd.Stats.Calls
				i.Errors += cmd.Stats.Failed
				i.Nanos += cmd.Stats.Nanos
			}
		}
		infos = append(infos, i)
	}
	return infos
}

// Reason puts why a load failed on one line, for an error reply.
func Reason(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

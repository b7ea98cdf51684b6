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
	open   []*key              // of all frames, in the order of opening; nil where one was closed before a later one
	openAt map[dbKey]openCount // of open, nil while that is short
	spare  keyPool

	keysAt []command.KeyAt  // scratch of busy
	heaps  map[string]*heap // by name of the module: what it has not freed outlives its unloading

	waits   waits
	stopped bool // the server has ended; under the execution lock

	labelling bool // handlers run under pprof labels

	aux     []rdb.ModuleAux // of types that no module has registered
	reaper  reaper
	workers workers
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
// Errors: those of Loader.Open; ErrOnLoad with what OnLoad returned, or with ErrPanic, ErrGoexit or ErrTimeout when it did not
// return; ErrNoInit; ErrCommandTaken.
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
	m.goroutines.init(h, m)
	m.offHeap.host, m.offHeap.module = h, m
	c := newOutside(h, m, h.server.Locked)
	c.loading = true
	err := c.run(h.o.LoadTimeout, func() error { return m.image.OnLoad(c, given) })
	if err != nil {
		h.logStack(m, err)
		err = fmt.Errorf("%w: %w", ErrOnLoad, err)
	} else if m.name == "" {
		err = ErrNoInit
	}
	h.server.Locked(func() {
		if err == nil {
			err = h.activate(m)
		}
		if err != nil {
			h.abandon(m)
		}
	})
	if err != nil {
		m.goroutines.cancel()
	}
	return err
}

// activate puts a loaded module's commands in force.
func (h *Modules) activate(m *module) error {
	if h.find(m.name) != nil {
		return fmt.Errorf("module %s: %w", m.name, plugin.ErrBusyName)
	}
	m.offHeap.ready = true
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
	m.goroutines.begin()
	return nil
}

// literals returns the commands of all modules.
func literals(list []*module) []command.Command {
	var all []command.Command
	for _, m := range list {
		for _, c := range m.commands {
			if c.parent == nil {
				all = append(all, c.whole())
			}
		}
	}
	return all
}

// Unload runs a module's OnUnload, if it has one, and takes its commands away. It is called under the execution lock,
// inside a unit.
//
// Errors: ErrNoModule; ErrHasTypes; ErrHasBlocked; ErrUnloadRefused with the reason, which is that it has goroutines where
// UnloadBeside would end them.
func (h *Modules) Unload(name string) error {
	m, err := h.unloadable(name)
	switch {
	case err != nil:
		return err
	case m.goroutines.count() > 0:
		return fmt.Errorf("%w: the module has goroutines, which cannot be waited for here", ErrUnloadRefused)
	}
	if err := h.unloading(m, func(f func()) { f() }); err != nil {
		return err
	}
	if err = m.unused(); err == nil {
		err = h.remove(m)
	}
	if err != nil {
		m.goroutines.reopen()
	}
	return err
}

// unloadable returns a module that nothing keeps from being unloaded.
func (h *Modules) unloadable(name string) (*module, error) {
	m := h.find(name)
	if m == nil {
		return nil, ErrNoModule
	}
	return m, m.unused()
}

// unused returns what keeps a module from being unloaded.
func (m *module) unused() error {
	switch {
	case len(m.types) > 0:
		return ErrHasTypes
	case m.blocked > 0:
		return ErrHasBlocked
	case m.running > 0:
		return fmt.Errorf("%w: a command of the module is running", ErrUnloadRefused)
	}
	return nil
}

// unloading lets no new goroutines start and runs OnUnload. locked runs something under the execution lock.
func (h *Modules) unloading(m *module, locked func(func())) error {
	if !m.goroutines.refuse() {
		return fmt.Errorf("%w: the module is being unloaded already", ErrUnloadRefused)
	}
	unload := m.image.OnUnload
	if unload == nil {
		return nil
	}
	c := newOutside(h, m, locked)
	err := c.run(h.o.UnloadTimeout, func() error { return unload(c) })
	if err == nil {
		return nil
	}
	m.goroutines.reopen()
	h.logStack(m, err)
	h.server.Log(plugin.Notice, fmt.Sprintf("Module %s OnUnload failed.  Unload canceled.", m.name))
	return fmt.Errorf("%w: %w", ErrUnloadRefused, err)
}

// remove takes a module's commands away.
func (h *Modules) remove(m *module) error {
	list := slices.DeleteFunc(slices.Clone(h.list), func(o *module) bool { return o == m })
	if err := h.server.Register(literals(list)); err != nil {
		return fmt.Errorf("%w: %w", ErrUnloadRefused, err)
	}
	h.list, m.gone = list, true
	m.goroutines.cancel()
	h.abandon(m)
	h.server.Log(plugin.Notice, fmt.Sprintf("Module %s unloaded", m.name))
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
	Keys    int64 // opened
	Leaked  int64 // keys and replies that handlers without AutoMemory left to be released

	Bytes, Blocks int64 // memory of Alloc that has not been freed
	Accounted     int64 // bytes of the Go heap that the module says it holds

	Blocked    int // clients
	Goroutines int
}

// Infos returns what can be told of all modules, in the order in which they were loaded. It is called under the execution
// lock.
func (h *Modules) Infos() []Info {
	infos := make([]Info, 0, len(h.list))
	table := h.server.Table()
	for _, m := range h.list {
		i := Info{
			Name: m.name, Version: m.version, API: m.api, Path: m.path, Args: m.args, Panics: m.panics.Load(),
			Misuses: m.misuses.Load(), Generation: m.image.Generation, Keys: m.keys, Leaked: m.leaked,
			Bytes: m.heap.memory.Bytes(), Blocks: int64(m.heap.memory.Blocks()), Accounted: m.heap.accounted,
			Blocked: m.blocked, Goroutines: m.goroutines.count(),
		}
		for _, c := range m.commands {
			if cmd := c.in(table); cmd != nil {
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

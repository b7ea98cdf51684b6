package host

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"datastore/plugin"
	"datastore/server/command"
)

// outside is the plugin.Ctx of OnLoad and OnUnload. They run on a goroutine of their own, because runtime.Goexit and
// endless loops must not take the caller with them, and so they must not touch the server themselves: whatever needs it is
// handed to the waiting caller, which does it under the execution lock. When the caller has given up, nobody takes the
// work any more, and the goroutine ends at its next call.
//
// There is no client to reply to, and keys cannot be opened: OnLoad runs beside the server, so a key would have to stay
// as it is between two methods. Call works; each call is a unit of its own.
type outside struct {
	*frame
	locked  func(func()) // runs work under the execution lock
	loading bool         // Init and CreateCommand are allowed
	work    chan func()
	gone    chan struct{} // closed when the caller has given up or is done
}

// newOutside returns a context for a callback of m. locked runs something under the execution lock.
func newOutside(h *Modules, m *module, locked func(func())) *outside {
	f := &frame{host: h, module: m, cc: h.server.Context(), noClient: true, client: &command.Client{Proto: 2, Authed: true}}
	return &outside{frame: f, locked: locked, work: make(chan func()), gone: make(chan struct{})}
}

// run runs a callback and does its work until it ends or the time is over; errors as of runGuarded.
func (o *outside) run(timeout time.Duration, callback func() error) error {
	done := make(chan error, 1)
	go func() { done <- runGuarded(timeout, callback) }()
	defer close(o.gone)
	for {
		select {
		case f := <-o.work:
			o.locked(func() {
				o.db = o.cc.Store.DB(o.client.DB)
				f()
			})
		case err := <-done:
			return err
		}
	}
}

// do has f done under the execution lock and waits for it.
func (o *outside) do(f func()) {
	var crash any
	done := make(chan struct{})
	work := func() {
		defer close(done)
		defer func() { crash = recover() }()
		f()
	}
	select {
	case o.work <- work:
		<-done
	case <-o.gone:
		runtime.Goexit()
	}
	if crash != nil {
		panic(crash)
	}
}

// Init implements plugin.Registration.
func (o *outside) Init(name string, version, apiVersion int) (err error) {
	m := o.module
	switch {
	case !o.loading:
		return plugin.ErrNotInOnLoad
	case name == "" || strings.ContainsAny(name, " \r\n"):
		return plugin.ErrInvalid
	case m.name != "":
		return plugin.ErrBusyName
	case apiVersion != plugin.APIVer1 && apiVersion != plugin.APIVer2:
		return fmt.Errorf("%w: %d", plugin.ErrAPIVersion, apiVersion)
	}
	o.do(func() {
		if o.host.find(name) != nil {
			err = fmt.Errorf("module %s: %w", name, plugin.ErrBusyName)
		}
	})
	if err == nil {
		m.name, m.version, m.api = name, version, apiVersion
		o.do(func() { m.heap = o.host.heapOf(name) })
	}
	return err
}

// CreateCommand implements plugin.Registration.
func (o *outside) CreateCommand(name string, h plugin.Handler, spec ...plugin.CommandSpec) (err error) {
	switch {
	case !o.loading:
		return plugin.ErrNotInOnLoad
	case o.module.name == "":
		return plugin.ErrNotInitialized
	}
	var c *moduleCommand
	o.do(func() {
		c, err = o.module.add(name, h, spec, func(name string) bool { return o.host.server.Table().Find([]byte(name)) != nil })
	})
	if err != nil {
		return fmt.Errorf("command %s: %w", name, err)
	}
	o.host.bind(c)
	return nil
}

// ready fails before Init.
func (o *outside) ready() error {
	if o.module.name == "" {
		return plugin.ErrNotInitialized
	}
	return nil
}

// Call implements plugin.Calls.
func (o *outside) Call(cmd, format string, args ...any) (*plugin.Reply, error) {
	return o.RunCmd(o.Cmd(cmd).Format(format, args...))
}

// Cmd implements plugin.Calls.
func (o *outside) Cmd(name string) *plugin.Cmd { return o.calls.take(o, name) }

// RunCmd implements plugin.CmdImpl. What the command changes is always replicated: there is no other place to say it.
func (o *outside) RunCmd(c *plugin.Cmd) (r *plugin.Reply, err error) {
	if err := o.ready(); err != nil {
		return nil, err
	}
	o.do(func() {
		outer := *o.cc
		opt := c.Opt
		o.returned, o.cmd = false, nil
		r, err = o.frame.RunCmd(c)
		o.returned = opt&plugin.Repl != 0 // it may restrict who gets the effects
		o.settle()
		o.cc.Args, o.cc.Cmd, o.cc.DB, o.cc.Client = outer.Args, outer.Cmd, outer.DB, outer.Client
	})
	return r, err
}

// ReplicateCmd implements plugin.CmdImpl.
func (o *outside) ReplicateCmd(c *plugin.Cmd) (err error) {
	if err := o.ready(); err != nil {
		return err
	}
	o.do(func() {
		o.returned = true
		err = o.frame.ReplicateCmd(c)
		o.settle()
	})
	return err
}

// Replicate implements plugin.Replication.
func (o *outside) Replicate(cmd, format string, args ...any) error {
	return o.ReplicateCmd(o.Cmd(cmd).Format(format, args...))
}

// OpenKey implements plugin.Keyspace; it fails with ErrNoKeysHere.
func (o *outside) OpenKey(plugin.String, plugin.OpenMode) (*plugin.Key, error) {
	return nil, ErrNoKeysHere
}

// KeyExists implements plugin.Keyspace.
func (o *outside) KeyExists(name plugin.String) (exists bool) {
	o.do(func() { exists = o.frame.KeyExists(name) })
	return exists
}

// SignalModifiedKey implements plugin.Keyspace.
func (o *outside) SignalModifiedKey(name plugin.String) {
	o.do(func() { o.frame.SignalModifiedKey(name) })
}

// SelectedDB implements plugin.Keyspace.
func (o *outside) SelectedDB() int { return o.client.DB }

// SelectDB implements plugin.Keyspace: for the calls that follow.
func (o *outside) SelectDB(n int) error {
	if n < 0 || n >= o.cc.Store.Databases() {
		return plugin.ErrInvalid
	}
	o.client.DB = n
	return nil
}

// Now implements plugin.Invocation.
func (o *outside) Now() (now time.Time) {
	o.do(func() { now = o.frame.Now() })
	return now
}

// SignalKeyAsReady implements plugin.Blocking.
func (o *outside) SignalKeyAsReady(name plugin.String) {
	o.do(func() { o.frame.SignalKeyAsReady(name) })
}

// Go implements plugin.Goroutines: in OnLoad, once it has succeeded.
func (o *outside) Go(f func(bg *plugin.Background)) error {
	if err := o.ready(); err != nil {
		return err
	}
	return o.frame.Go(f)
}

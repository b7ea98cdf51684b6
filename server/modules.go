package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"datastore/plugin"
	"datastore/plugin/host"
	"datastore/server/builtin"
	"datastore/server/command"
	"datastore/server/resp"
)

// modules are the modules of this server and the loads in progress.
type modules struct {
	host  *host.Modules
	loads sync.WaitGroup
	ctx   context.Context // ends with the server
	stop  context.CancelFunc

	due       atomic.Bool // host.ServeBlocked has something to do
	serving   *conn       // in whose unit it runs
	putOff    bool        // it was due during a load
	suspended int         // clients
	deadlines deadlines   // of those that have one
	observing bool        // the host wants to know what keys change
	called    int         // depth of calls by modules
}

// LinkedModule is a module that is linked into the program instead of coming from a file.
type LinkedModule struct {
	OnLoad   plugin.OnLoadFunc
	OnUnload plugin.OnUnloadFunc // nil for none
	Args     []string
}

// newTable builds the command table with the commands of modules beside the built-in ones.
func (s *Server) newTable(modules []command.Command) (*command.Table, error) {
	return command.NewTable(s.table.Load(), builtin.Commands(), s.commands(), modules)
}

// loadModules loads the linked modules and what the loadmodule directive names; a failure stops the start.
func (s *Server) loadModules() error {
	m := &s.modules
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.host = host.New(moduleServer{s}, host.Options{})
	s.cfg.OnRewrite("loadmodule", s.moduleLines)
	for i, l := range s.o.Modules {
		if err := s.LoadLinked(l); err != nil {
			return fmt.Errorf("loading linked module %d: %w", i, err)
		}
	}
	for _, words := range s.values.LoadModules {
		if err := m.host.Load(m.ctx, words[0], bytesOf(words[1:])); err != nil {
			s.logLoadFailure(words[0], err)
			s.logf(Warning, "Can't load module from %s: server aborting", words[0])
			return fmt.Errorf("loading module %s: %w", words[0], err)
		}
	}
	return nil
}

// LoadLinked loads a module beside the running server. It is called without the execution lock, once the server is ready;
// errors are those of host.Modules.Load.
func (s *Server) LoadLinked(l LinkedModule) error {
	return s.modules.host.LoadLinked(&host.Image{OnLoad: l.OnLoad, OnUnload: l.OnUnload}, bytesOf(l.Args))
}

func bytesOf(words []string) [][]byte {
	list := make([][]byte, len(words))
	for i, w := range words {
		list[i] = []byte(w)
	}
	return list
}

// logLoadFailure logs why a module was not loaded.
func (s *Server) logLoadFailure(path string, err error) {
	if errors.Is(err, host.ErrOnLoad) || errors.Is(err, host.ErrNoInit) {
		s.logf(Warning, "Module %s initialization failed. Module not loaded", path)
	}
	s.logf(Warning, "Module %s failed to load: %s", path, host.Reason(err))
}

// closeModules waits for loads in progress at shutdown.
func (s *Server) closeModules() {
	if s.modules.stop != nil {
		s.modules.stop()
		s.modules.loads.Wait()
		s.modules.host.Stop()
		s.modules.host.Close()
	}
}

// moduleServer is the server as modules see it.
type moduleServer struct{ s *Server }

// Locked implements host.Server.
func (m moduleServer) Locked(f func()) { m.s.locked(f) }

// Context implements host.Server.
func (m moduleServer) Context() *command.Ctx { return &m.s.ctx }

// Table implements host.Server.
func (m moduleServer) Table() *command.Table { return m.s.table.Load() }

// Register implements host.Server.
func (m moduleServer) Register(modules []command.Command) error {
	t, err := m.s.newTable(modules)
	if err != nil {
		return err
	}
	m.s.table.Store(t)
	return nil
}

// Call implements host.Server.
func (m moduleServer) Call(cl *command.Client, cmd *command.Command, args [][]byte) {
	m.s.modules.called++
	defer func() { m.s.modules.called-- }() // also when the command does not return
	m.s.call(cl, cmd, args)
}

// KeyTouched implements host.Server.
func (m moduleServer) KeyTouched(db int, key []byte) {
	if len(m.s.watchers) > 0 {
		m.s.keyChanged(db, key)
	}
}

// CountError implements host.Server.
func (m moduleServer) CountError(cmd *command.Command, text string) {
	if cmd != nil {
		cmd.Stats.Failed++
	}
	m.s.countError(text)
}

// Log implements host.Server.
func (m moduleServer) Log(level plugin.LogLevel, line string) {
	l := Verbose
	switch level {
	case plugin.Debug:
		l = Debug
	case plugin.Notice:
		l = Notice
	case plugin.Warning:
		l = Warning
	}
	m.s.o.Log(l, line)
}

// writeModules replies the list of MODULE LIST and HELLO.
func (s *Server) writeModules(w *resp.Writer) {
	if s.modules.host == nil {
		w.Array(0)
		return
	}
	infos := s.modules.host.Infos()
	w.Array(len(infos))
	for i := range infos {
		m := &infos[i]
		w.Map(4)
		w.BulkString("name")
		w.BulkString(m.Name)
		w.BulkString("ver")
		w.Int(int64(m.Version))
		w.BulkString("path")
		w.BulkString(m.Path)
		w.BulkString("args")
		w.Array(len(m.Args))
		for _, a := range m.Args {
			w.BulkString(a)
		}
	}
}

// infoModules writes INFO's section Modules: a line per module with the fields that Redis has, then what ours did.
func (s *Server) infoModules(t *infoText) {
	if s.modules.host == nil {
		return
	}
	infos := s.modules.host.Infos()
	for i := range infos {
		m := &infos[i]
		t.rawLine("module:name=%s,ver=%d,api=%d,filters=0,usedby=[],using=[],options=[]", m.Name, m.Version, m.API)
	}
	for i := range infos {
		m := &infos[i]
		t.rawLine("module_%s:calls=%d,errors=%d,panics=%d,misuses=%d,usec=%d,generation=%d,keys=%d,bytes=%d,blocks=%d,"+
			"accounted=%d,blocked=%d,goroutines=%d", m.Name, m.Calls, m.Errors, m.Panics, m.Misuses, m.Nanos/1000, m.Generation,
			m.Keys, m.Bytes, m.Blocks, m.Accounted, m.Blocked, m.Goroutines)
		t.rawLine("module_%s_leaked_handles:%d", m.Name, m.Leaked)
	}
	if n := s.store.OpaqueValues(); n > 0 { // kept as they were saved
		t.line("module_opaque_values", n)
	}
}

// moduleLines are the words of the loadmodule directives for the modules that are loaded now.
func (s *Server) moduleLines() [][]string {
	var lines [][]string
	for _, m := range s.modules.host.Infos() {
		if m.Path != "" {
			lines = append(lines, append([]string{m.Path}, m.Args...))
		}
	}
	return lines
}

// onGoroutine runs f on a goroutine of its own and waits for it. It returns host.ErrGoexit when a module's command, which
// the AOF or the primary's stream may have, ended the goroutine: that must be neither the one that main waits with nor that
// of the link. Faults at wild addresses in module code are panics.
func onGoroutine(f func() error) error {
	result := make(chan error, 1)
	go func() {
		err := host.ErrGoexit
		defer func() { result <- err }()
		debug.SetPanicOnFault(true)
		err = f()
	}()
	return <-result
}

package server

import (
	"errors"

	"datastore/plugin/host"
	"datastore/server/command"
)

// moduleCommands is MODULE.
func (s *Server) moduleCommands() []command.Command {
	const load = command.Admin | command.NoScript | command.NoAsyncLoading | command.Guarded
	path := command.Arg{Name: "path"}
	return []command.Command{{
		Name: "module", Arity: -2, Group: "server", Since: "4.0.0",
		Summary: "A container for module commands", Complexity: "Depends on subcommand.",
		Subs: []command.Command{
			{
				Name: "load", Arity: -3, Group: "server", Since: "4.0.0", Flags: load, Handler: s.moduleLoad,
				Summary: "Load a module", Complexity: "O(1)",
				Args: []command.Arg{path, {Name: "arg", Optional: true, Multiple: true}},
			},
			{
				Name: "loadex", Arity: -3, Group: "server", Since: "7.0.0", Flags: load, Handler: s.moduleLoadEx,
				Summary: "Load a module with extended parameters", Complexity: "O(1)",
				Args: []command.Arg{path,
					{
						Name: "configs", Kind: command.ArgBlock, Token: "CONFIG", Optional: true, Multiple: true, MultipleToken: true,
						Args: []command.Arg{{Name: "name"}, {Name: "value"}},
					},
					{
						Name: "args", Kind: command.ArgBlock, Token: "ARGS", Optional: true, Multiple: true,
						Args: []command.Arg{{Name: "arg"}},
					},
				},
			},
			{
				Name: "unload", Arity: 3, Group: "server", Since: "4.0.0", Flags: load, Handler: s.moduleUnload,
				Summary: "Unload a module", Complexity: "O(1)", Args: []command.Arg{{Name: "name"}},
			},
			{
				Name: "list", Arity: 2, Group: "server", Since: "4.0.0", Flags: command.Admin | command.NoScript,
				Summary: "List all modules loaded by the server", Complexity: "O(N) where N is the number of loaded modules.",
				Tips: []string{"nondeterministic_output_order"}, Handler: s.moduleList,
			},
			{
				Name: "help", Arity: 2, Group: "server", Since: "5.0.0", Flags: command.Loading | command.Stale,
				Summary: "Show helpful text about the different subcommands", Complexity: "O(1)", Handler: moduleHelp,
			},
		},
	}}
}

// loadFailed begins the error reply of a load. Redis's reply ends here; ours goes on with the reason, because whoever may
// load modules should not have to look for the log.
const loadFailed = "ERR Error loading the extension. Please check the server logs."

var (
	errLoadBusy     = command.Errorf(loadFailed + " Modules cannot be loaded inside a transaction.")
	errLoadSyntax   = errors.New("syntax error")
	errNoModConfigs = errors.New("the module has no configuration directives")
)

// moduleLoad is MODULE LOAD path [arg …].
func (s *Server) moduleLoad(c *command.Ctx) error { return s.beginLoad(c, c.Args[2], c.Args[3:]) }

// moduleLoadEx is MODULE LOADEX path [CONFIG name value]… [ARGS arg …]. Modules cannot have configuration directives yet,
// so that every name is an unknown one.
func (s *Server) moduleLoadEx(c *command.Ctx) error {
	path, rest, configs := c.Args[2], c.Args[3:], 0
	for len(rest) > 0 && command.IsKeyword(rest[0], "CONFIG") {
		if len(rest) < 3 {
			return s.loadError(string(path), errLoadSyntax)
		}
		rest = rest[3:]
		configs++
	}
	switch {
	case len(rest) > 0 && !command.IsKeyword(rest[0], "ARGS"):
		return s.loadError(string(path), errLoadSyntax)
	case configs > 0:
		return s.loadError(string(path), errNoModConfigs)
	case len(rest) > 0:
		rest = rest[1:]
	}
	return s.beginLoad(c, path, rest)
}

// loadError logs why a load failed and makes the reply.
func (s *Server) loadError(path string, err error) *command.Error {
	s.logLoadFailure(path, err)
	return command.Errorf(loadFailed + " " + host.Reason(err))
}

// beginLoad blocks the client and loads the module beside the server, which takes 10 ms and more.
func (s *Server) beginLoad(c *command.Ctx, path []byte, words [][]byte) error {
	if c.Client.InExec || c.Client.DenyBlock || c.Client.FromStream {
		return errLoadBusy
	}
	name, args := string(path), make([][]byte, len(words))
	for i, w := range words {
		args[i] = append([]byte{}, w...)
	}
	s.beside(c, func() error { return s.modules.host.Load(s.modules.ctx, name, args) }, func(failure error) *command.Error {
		return s.loadError(name, failure)
	})
	return nil
}

// beside blocks the client and does work without the lock; the client is answered OK, or with the error that a failure
// becomes.
func (s *Server) beside(c *command.Ctx, work func() error, failed func(failure error) *command.Error) {
	cmd, done := c.Cmd, false
	var failure error
	s.block(ownerOf(c), 0, &wait{try: func() bool {
		switch {
		case !done:
			return false
		case failure != nil:
			s.replyError(cmd, failed(failure))
		default:
			s.ctx.W.OK()
		}
		return true
	}})
	s.modules.loads.Go(func() {
		err := host.ErrGoexit // of another module's command that OnLoad has called
		defer func() {
			s.locked(func() {
				failure, done = err, true
				s.checkWaiting()
			})
		}()
		err = work()
	})
}

// moduleUnload is MODULE UNLOAD name. A module with goroutines is unloaded beside the server, because they may need the
// lock in order to end.
func (s *Server) moduleUnload(c *command.Ctx) error {
	name, modules := string(c.Args[2]), s.modules.host
	waits := !c.Client.InExec && !c.Client.DenyBlock && !c.Client.FromStream
	if waits && modules.Goroutines(name) > 0 {
		s.beside(c, func() error { return modules.UnloadBeside(name) }, func(failure error) *command.Error {
			return s.unloadError(name, failure)
		})
		return nil
	}
	if err := modules.Unload(name); err != nil {
		return s.unloadError(name, err)
	}
	c.W.OK()
	return nil
}

// unloadError logs why an unload was refused and makes the reply.
func (s *Server) unloadError(name string, err error) *command.Error {
	const failed = "ERR Error unloading module: "
	if errors.Is(err, host.ErrNoModule) {
		return command.Errorf(failed + host.ErrNoModule.Error())
	}
	s.logf(Warning, "Module %s not unloaded: %s", name, host.Reason(err))
	for _, known := range [...]error{host.ErrHasTypes, host.ErrHasBlocked} {
		if errors.Is(err, known) {
			return command.Errorf(failed + known.Error())
		}
	}
	return command.Errorf(failed + "operation not possible.")
}

// moduleList is MODULE LIST.
func (s *Server) moduleList(c *command.Ctx) error {
	s.writeModules(&c.W)
	return nil
}

// moduleHelp is MODULE HELP.
func moduleHelp(c *command.Ctx) error {
	lines := [...]string{
		"MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"LIST", "    Return a list of loaded modules.",
		"LOAD <path> [<arg> ...]", "    Load a module library from <path>, passing to it any optional arguments.",
		"LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
		"    Load a module library from <path>, while passing it module configurations and optional arguments.",
		"UNLOAD <name>", "    Unload a module.",
		"HELP", "    Prints this help.",
	}
	c.W.Array(len(lines))
	for _, l := range lines {
		c.W.Status(l)
	}
	return nil
}

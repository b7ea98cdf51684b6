package server

import (
	"strings"

	"datastore/server/command"
	"datastore/server/config"
)

// Replies that only this file gives.
var (
	errNoAuth     = command.Errorf("NOAUTH Authentication required.")
	errLoading    = command.Errorf("LOADING Redis is loading the dataset in memory")
	errReadOnly   = command.Errorf("READONLY You can't write against a read only replica.")
	errOOM        = command.Errorf("OOM command not allowed when used memory > 'maxmemory'.")
	errMasterDown = command.Errorf("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
	errNoReplicas = command.Errorf("NOREPLICAS Not enough good replicas to write.")
	errNoMulti    = command.Errorf("ERR Command not allowed inside a transaction")
)

// admit decides whether a client's command may run now; nil lets it pass. The order of the checks is Redis's.
func (s *Server) admit(c *conn, cmd *command.Command, args [][]byte) *command.Error {
	if cmd == nil || cmd.Handler == nil {
		return s.unknown(c, args)
	}
	if !cmd.ArityOK(len(args)) {
		return command.ErrArity(cmd.FullName())
	}
	if !c.Authed && !cmd.Is(command.NoAuth) {
		return errNoAuth
	}
	if s.calm && !cmd.Any(command.Admin|command.NoMulti) {
		return nil
	}
	if c.InMulti && cmd.Is(command.NoMulti) {
		return errNoMulti
	}
	if err := s.allowed(c, cmd); err != nil {
		return err
	}
	if c.InMulti && !cmd.Is(command.SkipQueue) && s.outOfMemory() {
		return errOOM // a queue needs memory, whatever the command
	}
	return s.restricted(c, cmd)
}

// allowed applies enable-debug-command and enable-module-command.
func (s *Server) allowed(c *conn, cmd *command.Command) *command.Error {
	root := cmd
	if p := cmd.Parent(); p != nil {
		root = p
	}
	var access config.Access
	switch {
	case !cmd.Is(command.Guarded) && !root.Is(command.Guarded):
		return nil
	case root.Name == "module":
		access = s.values.EnableModuleCommand
	default:
		access = s.values.EnableDebugCommand
	}
	if access.Allows(c.origin()) {
		return nil
	}
	name := strings.ToUpper(root.Name)
	return command.Errorf("ERR " + name + " command not allowed. If the enable-" + root.Name +
		"-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option " +
		"in the configuration file, and then restart the server.")
}

// restricted applies the conditions of the server: memory, disk, role, loading.
func (s *Server) restricted(c *conn, cmd *command.Command) *command.Error {
	if cmd.Is(command.DenyOOM) && s.outOfMemory() {
		return errOOM
	}
	if err := s.unfit(c.FromStream, cmd); err != nil {
		return err
	}
	if s.loading && !cmd.Is(command.Loading) {
		return errLoading
	}
	return nil
}

// unfit applies the conditions of disk and role.
func (s *Server) unfit(fromStream bool, cmd *command.Command) *command.Error {
	write := cmd.Is(command.Write)
	switch {
	case s.aofErr != nil && s.link == nil && (write || cmd.Name == "ping"):
		return command.Errorf("MISCONF Errors writing to the AOF file: " + s.aofErr.Error())
	case write && s.link == nil && s.tooFewReplicas():
		return errNoReplicas
	case write && s.link != nil && s.values.ReplicaReadOnly && !fromStream:
		return errReadOnly
	case s.link != nil && !s.values.ReplicaServeStaleData && !s.link.Up() && !cmd.Is(command.Stale):
		return errMasterDown
	}
	return nil
}

// relax recomputes whether restricted has nothing to say, so that the common case costs one comparison per command.
func (s *Server) relax() {
	s.calm = s.values.MaxMemoryBytes == 0 && s.aofErr == nil && s.values.MinReplicasToWrite == 0 && s.link == nil &&
		!s.loading
}

// outOfMemory reports whether maxmemory is exceeded. What waits to be freed does not count against a client: it is freed
// first then.
func (s *Server) outOfMemory() bool {
	limit := s.values.MaxMemoryBytes
	if limit == 0 || s.usedMemory() <= limit {
		return false
	}
	for s.store.FreeSome(slicePart) {
		if s.usedMemory() <= limit {
			return false
		}
	}
	return s.usedMemory() > limit
}

// unknown is the error for a command or subcommand that does not exist.
func (s *Server) unknown(c *conn, args [][]byte) *command.Error {
	if isHTTP(args[0]) {
		s.logf(Warning, "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to "+
			"Redis. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis "+
			"instance. Connection from %s aborted.", c.addr)
		c.kill(false)
	}
	return s.table.Load().Unknown(args)
}

// isHTTP recognizes the first word of a request that a browser was tricked into sending.
func isHTTP(name []byte) bool {
	return command.IsKeyword(name, "POST") || command.IsKeyword(name, "HOST:")
}

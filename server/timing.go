package server

import (
	"datastore/server/command"
	"datastore/server/ticks"
)

// timing measures what the server does. It belongs to whoever holds the execution lock.
//
// Every command is measured by itself. The commands of a batch follow each other, so that one reading of the clock between
// two of them is the end of one and the beginning of the next: lap is that reading. A command's time includes what it takes
// to admit it and to encode its effects. One that runs others inside (EXEC, a module's command) includes theirs, which are
// measured as well, as with Redis.
type timing struct {
	clock *ticks.Clock
	lap   ticks.Tick
}

// beginLaps begins the measurement of a run of commands.
func (s *Server) beginLaps() { s.timing.lap = s.timing.clock.Now() }

// endLap ends the measurement of a command, nil for one that did not run, and begins that of the next.
func (s *Server) endLap(cmd *command.Command) {
	t := &s.timing
	now := t.clock.Now()
	if cmd != nil {
		s.note(cmd, now-t.lap)
	}
	t.lap = now
}

// note counts an execution of a command that took so long.
func (s *Server) note(cmd *command.Command, took ticks.Tick) {
	st := cmd.Stats
	st.Calls++
	st.Nanos += s.timing.clock.Nanos(took)
}

package server

import (
	"datastore/server/command"
	"datastore/server/config"
)

var (
	errNoShutdown = command.Errorf("ERR No shutdown in progress.")
	errSaveFailed = command.Errorf("ERR")
)

// time answers Unix time in seconds and the microseconds of the second.
func (s *Server) time(c *command.Ctx) error {
	now := s.turn
	c.W.Array(2)
	c.W.BulkInt(now.Unix())
	c.W.BulkInt(int64(now.Nanosecond() / 1000))
	return nil
}

func (s *Server) save(c *command.Ctx) error {
	if err := s.saveDump(); err != nil {
		s.logf(Warning, "%v", err)
		return errSaveFailed
	}
	c.W.OK()
	return nil
}

func (s *Server) lastSave(c *command.Ctx) error {
	c.W.Int(s.lastSaveSec)
	return nil
}

// shutdownCommand answers SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] and SHUTDOWN ABORT. The caller waits, as the end of the
// connection is the answer; it gets an error when the end is called off.
func (s *Server) shutdownCommand(c *command.Ctx) error {
	flags, abort, err := shutdownFlags(c)
	switch {
	case err != nil:
		return err
	case abort && s.shutdown == nil:
		return errNoShutdown
	case abort:
		s.logf(Notice, "Shutdown manually aborted.")
		s.callOffShutdown()
		c.W.OK()
		return nil
	}
	s.beginShutdown(flags)
	if o, ok := c.Client.Owner.(*conn); ok {
		s.block(o, 0, &wait{try: func() bool { return false }})
		s.shutdown.waiting = append(s.shutdown.waiting, o)
	}
	return nil
}

func shutdownFlags(c *command.Ctx) (flags config.ShutdownFlags, abort bool, err error) {
	for i := 1; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "NOSAVE"):
			flags |= config.ShutdownNoSave
		case c.Is(i, "SAVE"):
			flags |= config.ShutdownSave
		case c.Is(i, "NOW"):
			flags |= config.ShutdownNow
		case c.Is(i, "FORCE"):
			flags |= config.ShutdownForce
		case c.Is(i, "ABORT"):
			abort = true
		default:
			return 0, false, command.ErrSyntax
		}
	}
	const both = config.ShutdownSave | config.ShutdownNoSave
	if flags&both == both || abort && flags != 0 {
		return 0, false, command.ErrSyntax
	}
	return flags, abort, nil
}

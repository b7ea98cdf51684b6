package server

import (
	"datastore/server/command"
	"datastore/server/config"
)

func (s *Server) configGet(c *command.Ctx) error {
	patterns := make([]string, 0, len(c.Args)-2)
	for i := 2; i < len(c.Args); i++ {
		patterns = append(patterns, c.Arg(i))
	}
	names, values := s.cfg.Get(patterns)
	c.W.Map(len(names))
	for i := range names {
		c.W.BulkString(names[i])
		c.W.BulkString(values[i])
	}
	return nil
}

func (s *Server) configSet(c *command.Ctx) error {
	if len(c.Args)%2 != 0 {
		return command.ErrSyntax
	}
	pairs := make([][2]string, 0, len(c.Args)/2-1)
	for i := 2; i < len(c.Args); i += 2 {
		pairs = append(pairs, [2]string{c.Arg(i), c.Arg(i + 1)})
	}
	from := config.Remote
	if o, ok := c.Client.Owner.(*conn); ok {
		from = o.origin()
	}
	if err := s.cfg.Set(pairs, from); err != nil {
		return command.Errorf(err.Error())
	}
	for _, line := range s.cfg.Warnings() {
		s.logf(Warning, "%s", line)
	}
	c.W.OK()
	return nil
}

// configSecret hides the values of directives that are secrets.
func (s *Server) configSecret(args [][]byte, i int) bool {
	return i > 2 && i%2 == 1 && s.cfg.Sensitive(string(args[i-1]))
}

func (s *Server) configRewrite(c *command.Ctx) error {
	if err := s.cfg.Rewrite(); err != nil {
		s.logf(Warning, "CONFIG REWRITE failed: %v", err)
		return command.Errorf(err.Error())
	}
	s.logf(Notice, "CONFIG REWRITE executed with success.")
	c.W.OK()
	return nil
}

// configResetStat sets the counters of INFO back; what describes the present, such as memory, stays.
func (s *Server) configResetStat(c *command.Ctx) error {
	peak := s.stats.peakMemory
	s.stats = stats{peakMemory: peak}
	s.admin.resetCounters()
	clear(s.errorCounts)
	s.store.ResetStats()
	s.eachCommand(func(cmd *command.Command) { *cmd.Stats = command.Stats{} })
	c.W.OK()
	return nil
}

package server

import (
	"datastore/server/command"
)

// connectionCommands are the commands about the connection itself.
func (s *Server) connectionCommands() []command.Command {
	return []command.Command{
		{
			Name: "ping", Arity: -1, Group: "connection", Since: "1.0.0", Handler: ping,
			Flags: command.Fast, ACL: []string{"connection"},
			Summary: "Answers PONG, or its argument.", Complexity: "O(1)",
			Args: []command.Arg{{Name: "message", Optional: true}},
		},
		{
			Name: "select", Arity: 2, Group: "connection", Since: "1.0.0", Handler: selectDB,
			Flags: command.Loading | command.Stale | command.Fast, ACL: []string{"connection"},
			Summary: "Selects a database.", Complexity: "O(1)",
			Args: []command.Arg{{Name: "index", Kind: command.ArgInteger}},
		},
	}
}

func ping(c *command.Ctx) error {
	switch len(c.Args) {
	case 1:
		c.W.Status("PONG")
	case 2:
		c.W.Bulk(c.Args[1])
	default:
		return command.ErrArity("ping")
	}
	return nil
}

func selectDB(c *command.Ctx) error {
	n, err := c.Int(1)
	if err != nil {
		return err
	}
	if n < 0 || n >= int64(c.Store.Databases()) {
		return command.ErrDBRange
	}
	c.Client.DB = int(n)
	c.W.OK()
	return nil
}

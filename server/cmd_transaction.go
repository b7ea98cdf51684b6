package server

import "datastore/server/command"

// transactionCommands are MULTI, EXEC, DISCARD, WATCH and UNWATCH.
func (s *Server) transactionCommands() []command.Command {
	const base = command.NoScript | command.Loading | command.Stale | command.Fast | command.AllowBusy
	return []command.Command{
		{
			Name: "multi", Arity: 1, Group: "transactions", Since: "1.2.0", Handler: s.multi,
			Flags:   base | command.SkipQueue,
			ACL:     []string{"transaction"},
			Summary: "Begins to queue commands for a transaction.", Complexity: "O(1)",
		},
		{
			Name: "exec", Arity: 1, Group: "transactions", Since: "1.2.0", Handler: s.exec,
			Flags:   command.NoScript | command.Loading | command.Stale | command.SkipSlowlog | command.SkipQueue,
			ACL:     []string{"transaction"},
			Summary: "Runs all queued commands as one unit.", Complexity: "Depends on the queued commands",
		},
		{
			Name: "discard", Arity: 1, Group: "transactions", Since: "2.0.0", Handler: s.discard,
			Flags:   base | command.SkipQueue,
			ACL:     []string{"transaction"},
			Summary: "Throws the queued commands away.", Complexity: "O(N), when N is the number of queued commands",
		},
		{
			Name: "watch", Arity: -2, Group: "transactions", Since: "2.2.0", Handler: s.watch,
			Flags:   base | command.SkipQueue,
			ACL:     []string{"transaction"},
			Keys:    []command.KeySpec{{Flags: command.RO, Index: 1, LastKey: -1, Step: 1}},
			Args:    []command.Arg{{Name: "key", Kind: command.ArgKey, Multiple: true}},
			Summary: "Makes the next EXEC depend on keys staying unchanged.", Complexity: "O(1) for every key.",
		},
		{
			Name: "unwatch", Arity: 1, Group: "transactions", Since: "2.2.0", Handler: s.unwatch,
			Flags:   base,
			ACL:     []string{"transaction"},
			Summary: "Forgets all watched keys.", Complexity: "O(1)",
		},
	}
}

package server

import "datastore/server/command"

// connectionCommands describes the commands about a connection.
func (s *Server) connectionCommands() []command.Command {
	return []command.Command{
		{
			Name: "auth", Arity: -2, Group: "connection", Since: "1.0.0", Handler: s.auth, Secret: authSecret,
			Flags:   command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy,
			ACL:     []string{"connection"},
			Summary: "Logs the connection in", Complexity: "O(N), N being the number of passwords of the user",
			History: []command.Change{{Since: "6.0.0", What: "A user name may stand before the password."}},
			Args: []command.Arg{
				{Name: "username", Since: "6.0.0", Optional: true},
				{Name: "password"},
			},
		},
		{
			Name: "client", Arity: -2, Group: "connection", Since: "2.4.0",
			Summary: "Groups the commands about client connections", Complexity: "That of the subcommand",
			Subs: []command.Command{
				{
					Name: "getname", Arity: 2, Group: "connection", Since: "2.6.9", Handler: clientGetName,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Answers the name of this connection", Complexity: "O(1)",
				},
				{
					Name: "getredir", Arity: 2, Group: "connection", Since: "6.0.0", Handler: clientGetRedir,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Answers the connection that gets the invalidations of this one", Complexity: "O(1)",
				},
				{
					Name: "help", Arity: 2, Group: "connection", Since: "5.0.0", Handler: containerHelp,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Lists the subcommands", Complexity: "O(1)",
				},
				{
					Name: "id", Arity: 2, Group: "connection", Since: "5.0.0", Handler: clientID,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Answers the ID of this connection", Complexity: "O(1)",
				},
				{
					Name: "info", Arity: 2, Group: "connection", Since: "6.2.0", Handler: clientInfo,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Tips:    []string{"nondeterministic_output"},
					Summary: "Describes this connection", Complexity: "O(1)",
				},
				{
					Name: "kill", Arity: -3, Group: "connection", Since: "2.4.0", Handler: s.clientKill,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Closes the connections that match", Complexity: "O(N), N being the number of connections",
					History: []command.Change{
						{Since: "2.8.12", What: "Filters instead of an address."},
						{Since: "2.8.12", What: "Filter `ID`."},
						{Since: "3.2.0", What: "Type `master`."},
						{Since: "5.0.0", What: "Type `replica` beside `slave`."},
						{Since: "6.2.0", What: "Filter `LADDR`."},
					},
					Args: []command.Arg{
						{Name: "filter", Kind: command.ArgOneOf, Args: []command.Arg{
							{Name: "ip:port", Deprecated: "2.8.12"},
							{Name: "new-format", Kind: command.ArgOneOf, Multiple: true, Args: []command.Arg{
								{Name: "client-id", Kind: command.ArgInteger, Token: "ID", Since: "2.8.12", Optional: true},
								{Name: "normal_master_slave_pubsub", Kind: command.ArgOneOf, Token: "TYPE", Since: "2.8.12", Optional: true, Args: []command.Arg{
									{Name: "normal", Kind: command.ArgPureToken, Token: "NORMAL"},
									{Name: "master", Kind: command.ArgPureToken, Token: "MASTER", Since: "3.2.0"},
									{Name: "slave", Kind: command.ArgPureToken, Token: "SLAVE"},
									{Name: "replica", Kind: command.ArgPureToken, Token: "REPLICA", Since: "5.0.0"},
									{Name: "pubsub", Kind: command.ArgPureToken, Token: "PUBSUB"},
								}},
								{Name: "username", Token: "USER", Optional: true},
								{Name: "ip:port", Token: "ADDR", Optional: true},
								{Name: "ip:port", Token: "LADDR", Since: "6.2.0", Optional: true},
								{Name: "yes/no", Token: "SKIPME", Optional: true},
							}},
						}},
					},
				},
				{
					Name: "list", Arity: -2, Group: "connection", Since: "2.4.0", Handler: s.clientList,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Tips:    []string{"nondeterministic_output"},
					Summary: "Describes all connections, or those that match", Complexity: "O(N), N being the number of connections",
					History: []command.Change{
						{Since: "2.8.12", What: "Field `id`."},
						{Since: "5.0.0", What: "Filter `TYPE`."},
						{Since: "6.0.0", What: "Field `user`."},
						{Since: "6.2.0", What: "Fields `argv-mem`, `tot-mem`, `laddr` and `redir`, filter `ID`."},
						{Since: "7.0.0", What: "Fields `resp`, `multi-mem`, `rbs` and `rbp`."},
						{Since: "7.0.3", What: "Field `ssub`."},
					},
					Args: []command.Arg{
						{Name: "normal_master_replica_pubsub", Kind: command.ArgOneOf, Token: "TYPE", Since: "5.0.0", Optional: true, Args: []command.Arg{
							{Name: "normal", Kind: command.ArgPureToken, Token: "NORMAL"},
							{Name: "master", Kind: command.ArgPureToken, Token: "MASTER"},
							{Name: "replica", Kind: command.ArgPureToken, Token: "REPLICA"},
							{Name: "pubsub", Kind: command.ArgPureToken, Token: "PUBSUB"},
						}},
						{Name: "id", Kind: command.ArgBlock, Token: "ID", Since: "6.2.0", Optional: true, Args: []command.Arg{
							{Name: "client-id", Kind: command.ArgInteger, Multiple: true},
						}},
					},
				},
				{
					Name: "no-evict", Arity: 3, Group: "connection", Since: "7.0.0", Handler: clientNoEvict,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Protects this connection from client eviction, or not", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "enabled", Kind: command.ArgOneOf, Args: []command.Arg{
							{Name: "on", Kind: command.ArgPureToken, Token: "ON"},
							{Name: "off", Kind: command.ArgPureToken, Token: "OFF"},
						}},
					},
				},
				{
					Name: "reply", Arity: 3, Group: "connection", Since: "3.2.0", Handler: clientReply,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Switches replies to this connection on or off", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "on_off_skip", Kind: command.ArgOneOf, Args: []command.Arg{
							{Name: "on", Kind: command.ArgPureToken, Token: "ON"},
							{Name: "off", Kind: command.ArgPureToken, Token: "OFF"},
							{Name: "skip", Kind: command.ArgPureToken, Token: "SKIP"},
						}},
					},
				},
				{
					Name: "setname", Arity: 3, Group: "connection", Since: "2.6.9", Handler: clientSetName,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Names this connection", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "connection-name"},
					},
				},
				{
					Name: "trackinginfo", Arity: 2, Group: "connection", Since: "6.2.0", Handler: clientTrackingInfo,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Describes the client side caching of this connection", Complexity: "O(1)",
				},
				{
					Name: "unblock", Arity: -3, Group: "connection", Since: "5.0.0", Handler: s.clientUnblock,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Ends the wait of a connection that a command has blocked", Complexity: "O(log N), N being the number of connections",
					Args: []command.Arg{
						{Name: "client-id", Kind: command.ArgInteger},
						{Name: "timeout_error", Kind: command.ArgOneOf, Optional: true, Args: []command.Arg{
							{Name: "timeout", Kind: command.ArgPureToken, Token: "TIMEOUT"},
							{Name: "error", Kind: command.ArgPureToken, Token: "ERROR"},
						}},
					},
				},
				// The two of Redis 7.2 that clients of today send.
				{
					Name: "no-touch", Arity: 3, Group: "connection", Since: "7.2.0", Handler: clientNoTouch,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Lets the reads of this connection leave the age of keys alone, or not", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "enabled", Kind: command.ArgOneOf, Args: []command.Arg{
							{Name: "on", Kind: command.ArgPureToken, Token: "ON"},
							{Name: "off", Kind: command.ArgPureToken, Token: "OFF"},
						}},
					},
				},
				{
					Name: "setinfo", Arity: 4, Group: "connection", Since: "7.2.0", Handler: clientSetInfo,
					Flags:   command.NoScript | command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Notes which client library uses this connection", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "attr", Kind: command.ArgOneOf, Args: []command.Arg{
							{Name: "libname", Token: "LIB-NAME"},
							{Name: "libver", Token: "LIB-VER"},
						}},
					},
				},
			},
		},
		{
			Name: "echo", Arity: 2, Group: "connection", Since: "1.0.0", Handler: echo,
			Flags:   command.Loading | command.Stale | command.Fast,
			ACL:     []string{"connection"},
			Summary: "Answers its argument", Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "message"},
			},
		},
		{
			Name: "hello", Arity: -1, Group: "connection", Since: "6.0.0", Handler: s.hello, Secret: helloSecret,
			Flags:   command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy,
			ACL:     []string{"connection"},
			Summary: "Begins a conversation: protocol, login, name", Complexity: "O(1)",
			History: []command.Change{{Since: "6.2.0", What: "The protocol version may be left out."}},
			Args: []command.Arg{
				{Name: "arguments", Kind: command.ArgBlock, Optional: true, Args: []command.Arg{
					{Name: "protover", Kind: command.ArgInteger},
					{Name: "username_password", Kind: command.ArgBlock, Token: "AUTH", Optional: true, Args: []command.Arg{
						{Name: "username"},
						{Name: "password"},
					}},
					{Name: "clientname", Token: "SETNAME", Optional: true},
				}},
			},
		},
		{
			Name: "ping", Arity: -1, Group: "connection", Since: "1.0.0", Handler: ping,
			Flags:   command.Fast,
			ACL:     []string{"connection"},
			Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Summary: "Answers PONG, or its argument", Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "message", Optional: true},
			},
		},
		{
			Name: "quit", Arity: -1, Group: "connection", Since: "1.0.0", Handler: quit,
			Flags:   command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy | command.SkipQueue,
			ACL:     []string{"connection"},
			Summary: "Closes the connection", Complexity: "O(1)",
		},
		{
			Name: "reset", Arity: 1, Group: "connection", Since: "6.2.0", Handler: s.reset,
			Flags:   command.NoScript | command.Loading | command.Stale | command.Fast | command.NoAuth | command.AllowBusy | command.SkipQueue,
			ACL:     []string{"connection"},
			Summary: "Puts the connection back into the state of a new one", Complexity: "O(1)",
		},
		{
			Name: "select", Arity: 2, Group: "connection", Since: "1.0.0", Handler: selectDB,
			Flags:   command.Loading | command.Stale | command.Fast,
			ACL:     []string{"connection"},
			Summary: "Selects the database of this connection", Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "index", Kind: command.ArgInteger},
			},
		},
	}
}

package builtin

import "datastore/server/command"

// expireTable describes the commands about expiry.
func expireTable() []command.Command {
	return []command.Command{
		{
			Name: "expire", Arity: -3, Group: "generic", Since: "1.0.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Summary:    "Gives a key a time to live in seconds",
			Complexity: "O(1)",
			History: []command.Change{
				{Since: "7.0.0", What: "Options `NX`, `XX`, `GT` and `LT`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "seconds", Kind: command.ArgInteger},
				{Name: "condition", Kind: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
					{Name: "nx", Kind: command.ArgPureToken, Token: "NX"},
					{Name: "xx", Kind: command.ArgPureToken, Token: "XX"},
					{Name: "gt", Kind: command.ArgPureToken, Token: "GT"},
					{Name: "lt", Kind: command.ArgPureToken, Token: "LT"},
				}},
			},
			Handler: expire,
		},
		{
			Name: "expireat", Arity: -3, Group: "generic", Since: "1.2.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Summary:    "Lets a key expire at a Unix time in seconds",
			Complexity: "O(1)",
			History: []command.Change{
				{Since: "7.0.0", What: "Options `NX`, `XX`, `GT` and `LT`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "unix-time-seconds", Kind: command.ArgUnixTime},
				{Name: "condition", Kind: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
					{Name: "nx", Kind: command.ArgPureToken, Token: "NX"},
					{Name: "xx", Kind: command.ArgPureToken, Token: "XX"},
					{Name: "gt", Kind: command.ArgPureToken, Token: "GT"},
					{Name: "lt", Kind: command.ArgPureToken, Token: "LT"},
				}},
			},
			Handler: expireat,
		},
		{
			Name: "expiretime", Arity: 2, Group: "generic", Since: "7.0.0",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the Unix time in seconds at which a key expires",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: expiretime,
		},
		{
			Name: "persist", Arity: 2, Group: "generic", Since: "2.2.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Summary:    "Clears the expiry of a key",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: persist,
		},
		{
			Name: "pexpire", Arity: -3, Group: "generic", Since: "2.6.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Summary:    "Gives a key a time to live in milliseconds",
			Complexity: "O(1)",
			History: []command.Change{
				{Since: "7.0.0", What: "Options `NX`, `XX`, `GT` and `LT`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "milliseconds", Kind: command.ArgInteger},
				{Name: "condition", Kind: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
					{Name: "nx", Kind: command.ArgPureToken, Token: "NX"},
					{Name: "xx", Kind: command.ArgPureToken, Token: "XX"},
					{Name: "gt", Kind: command.ArgPureToken, Token: "GT"},
					{Name: "lt", Kind: command.ArgPureToken, Token: "LT"},
				}},
			},
			Handler: pexpire,
		},
		{
			Name: "pexpireat", Arity: -3, Group: "generic", Since: "2.6.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Summary:    "Lets a key expire at a Unix time in milliseconds",
			Complexity: "O(1)",
			History: []command.Change{
				{Since: "7.0.0", What: "Options `NX`, `XX`, `GT` and `LT`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "unix-time-milliseconds", Kind: command.ArgUnixTime},
				{Name: "condition", Kind: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
					{Name: "nx", Kind: command.ArgPureToken, Token: "NX"},
					{Name: "xx", Kind: command.ArgPureToken, Token: "XX"},
					{Name: "gt", Kind: command.ArgPureToken, Token: "GT"},
					{Name: "lt", Kind: command.ArgPureToken, Token: "LT"},
				}},
			},
			Handler: pexpireat,
		},
		{
			Name: "pexpiretime", Arity: 2, Group: "generic", Since: "7.0.0",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the Unix time in milliseconds at which a key expires",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: pexpiretime,
		},
		{
			Name: "pttl", Arity: 2, Group: "generic", Since: "2.6.0",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the remaining time to live of a key in milliseconds",
			Complexity: "O(1)",
			History: []command.Change{
				{Since: "2.8.0", What: "Replies -2 for a missing key."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: pttl,
		},
		{
			Name: "ttl", Arity: 2, Group: "generic", Since: "1.0.0",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the remaining time to live of a key in seconds",
			Complexity: "O(1)",
			History: []command.Change{
				{Since: "2.8.0", What: "Replies -2 for a missing key."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: ttl,
		},
	}
}

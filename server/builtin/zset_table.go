package builtin

import "datastore/server/command"

// zsetTable describes the commands of sorted sets.
func zsetTable() []command.Command {
	return []command.Command{
		{
			Name: "zadd", Arity: -4, Group: "sorted-set", Since: "1.2.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Summary:    "Adds members to a sorted set or changes their scores",
			Complexity: "O(log(N)) per member, where N is the size of the sorted set.",
			History: []command.Change{
				{Since: "2.4.0", What: "Takes several elements."},
				{Since: "3.0.2", What: "Options `XX`, `NX`, `CH` and `INCR`."},
				{Since: "6.2.0", What: "Options `GT` and `LT`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "condition", Kind: command.ArgOneOf, Since: "3.0.2", Optional: true, Args: []command.Arg{
					{Name: "nx", Kind: command.ArgPureToken, Token: "NX"},
					{Name: "xx", Kind: command.ArgPureToken, Token: "XX"},
				}},
				{Name: "comparison", Kind: command.ArgOneOf, Since: "6.2.0", Optional: true, Args: []command.Arg{
					{Name: "gt", Kind: command.ArgPureToken, Token: "GT"},
					{Name: "lt", Kind: command.ArgPureToken, Token: "LT"},
				}},
				{Name: "change", Kind: command.ArgPureToken, Token: "CH", Since: "3.0.2", Optional: true},
				{Name: "increment", Kind: command.ArgPureToken, Token: "INCR", Since: "3.0.2", Optional: true},
				{Name: "score_member", Kind: command.ArgBlock, Multiple: true, Args: []command.Arg{
					{Name: "score", Kind: command.ArgDouble},
					{Name: "member"},
				}},
			},
			Handler: zadd,
		},
		{
			Name: "zcard", Arity: 2, Group: "sorted-set", Since: "1.2.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Summary:    "Counts the members of a sorted set",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: zcard,
		},
		{
			Name: "zcount", Arity: 4, Group: "sorted-set", Since: "2.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Counts the sorted set members within a range of scores",
			Complexity: "O(log(N)), where N is the size of the sorted set.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "min", Kind: command.ArgDouble},
				{Name: "max", Kind: command.ArgDouble},
			},
			Handler: zcount,
		},
		{
			Name: "zincrby", Arity: 4, Group: "sorted-set", Since: "1.2.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Update, Index: 1}},
			Summary:    "Adds a number to the score of a sorted set member",
			Complexity: "O(log(N)), where N is the size of the sorted set.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "increment", Kind: command.ArgInteger},
				{Name: "member"},
			},
			Handler: zincrby,
		},
		{
			Name: "zlexcount", Arity: 4, Group: "sorted-set", Since: "2.8.9",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Counts the sorted set members within a lexicographic range",
			Complexity: "O(log(N)), where N is the size of the sorted set.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "min"},
				{Name: "max"},
			},
			Handler: zlexcount,
		},
		{
			Name: "zmscore", Arity: -3, Group: "sorted-set", Since: "6.2.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the scores of several sorted set members",
			Complexity: "O(N), where N is the number of members asked for.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member", Multiple: true},
			},
			Handler: zmscore,
		},
		{
			Name: "zpopmax", Arity: -2, Group: "sorted-set", Since: "5.0.0",
			Flags:      command.Write | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Delete, Index: 1}},
			Summary:    "Takes the members with the highest scores out of a sorted set",
			Complexity: "O(log(N)*M), where N is the size of the sorted set and M the number of members in the reply.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "count", Kind: command.ArgInteger, Optional: true},
			},
			Handler: zpopmax,
		},
		{
			Name: "zpopmin", Arity: -2, Group: "sorted-set", Since: "5.0.0",
			Flags:      command.Write | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Delete, Index: 1}},
			Summary:    "Takes the members with the lowest scores out of a sorted set",
			Complexity: "O(log(N)*M), where N is the size of the sorted set and M the number of members in the reply.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "count", Kind: command.ArgInteger, Optional: true},
			},
			Handler: zpopmin,
		},
		{
			Name: "zrange", Arity: -4, Group: "sorted-set", Since: "1.2.0",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads a range of a sorted set by rank, score or lexicographic order",
			Complexity: "O(log(N)+M), where N is the size of the sorted set and M the number of elements in the reply.",
			History: []command.Change{
				{Since: "6.2.0", What: "Options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "start"},
				{Name: "stop"},
				{Name: "sortby", Kind: command.ArgOneOf, Since: "6.2.0", Optional: true, Args: []command.Arg{
					{Name: "byscore", Kind: command.ArgPureToken, Token: "BYSCORE"},
					{Name: "bylex", Kind: command.ArgPureToken, Token: "BYLEX"},
				}},
				{Name: "rev", Kind: command.ArgPureToken, Token: "REV", Since: "6.2.0", Optional: true},
				{Name: "offset_count", Kind: command.ArgBlock, Token: "LIMIT", Since: "6.2.0", Optional: true, Args: []command.Arg{
					{Name: "offset", Kind: command.ArgInteger},
					{Name: "count", Kind: command.ArgInteger},
				}},
				{Name: "withscores", Kind: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
			},
			Handler: zrange,
		},
		{
			Name: "zrangebylex", Arity: -4, Group: "sorted-set", Since: "2.8.9",
			Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the option `BYLEX`",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads the sorted set members within a lexicographic range",
			Complexity: "O(log(N)+M), where N is the size of the sorted set and M the number of elements in the reply. With a constant M, for example under LIMIT 10, that is O(log(N)).",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "min"},
				{Name: "max"},
				{Name: "offset_count", Kind: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
					{Name: "offset", Kind: command.ArgInteger},
					{Name: "count", Kind: command.ArgInteger},
				}},
			},
			Handler: zrangebylex,
		},
		{
			Name: "zrangebyscore", Arity: -4, Group: "sorted-set", Since: "1.0.5",
			Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the option `BYSCORE`",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads the sorted set members within a range of scores",
			Complexity: "O(log(N)+M), where N is the size of the sorted set and M the number of elements in the reply. With a constant M, for example under LIMIT 10, that is O(log(N)).",
			History: []command.Change{
				{Since: "2.0.0", What: "Option `WITHSCORES`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "min", Kind: command.ArgDouble},
				{Name: "max", Kind: command.ArgDouble},
				{Name: "withscores", Kind: command.ArgPureToken, Token: "WITHSCORES", Since: "2.0.0", Optional: true},
				{Name: "offset_count", Kind: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
					{Name: "offset", Kind: command.ArgInteger},
					{Name: "count", Kind: command.ArgInteger},
				}},
			},
			Handler: zrangebyscore,
		},
		{
			Name: "zrank", Arity: 3, Group: "sorted-set", Since: "2.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the position of a sorted set member, lowest score first",
			Complexity: "O(log(N))",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member"},
			},
			Handler: zrank,
		},
		{
			Name: "zrem", Arity: -3, Group: "sorted-set", Since: "1.2.0",
			Flags:      command.Write | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Delete, Index: 1}},
			Summary:    "Deletes members of a sorted set",
			Complexity: "O(M*log(N)), where N is the size of the sorted set and M the number of members to delete.",
			History: []command.Change{
				{Since: "2.4.0", What: "Takes several elements."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member", Multiple: true},
			},
			Handler: zrem,
		},
		{
			Name: "zrevrange", Arity: -4, Group: "sorted-set", Since: "1.2.0",
			Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the option `REV`",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads a range of a sorted set by rank, highest score first",
			Complexity: "O(log(N)+M), where N is the size of the sorted set and M the number of elements in the reply.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "start", Kind: command.ArgInteger},
				{Name: "stop", Kind: command.ArgInteger},
				{Name: "withscores", Kind: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
			},
			Handler: zrevrange,
		},
		{
			Name: "zrevrangebylex", Arity: -4, Group: "sorted-set", Since: "2.8.9",
			Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the options `REV` and `BYLEX`",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads the sorted set members within a lexicographic range in descending order",
			Complexity: "O(log(N)+M), where N is the size of the sorted set and M the number of elements in the reply. With a constant M, for example under LIMIT 10, that is O(log(N)).",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "max"},
				{Name: "min"},
				{Name: "offset_count", Kind: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
					{Name: "offset", Kind: command.ArgInteger},
					{Name: "count", Kind: command.ArgInteger},
				}},
			},
			Handler: zrevrangebylex,
		},
		{
			Name: "zrevrangebyscore", Arity: -4, Group: "sorted-set", Since: "2.2.0",
			Deprecated: "6.2.0", ReplacedBy: "`ZRANGE` with the options `REV` and `BYSCORE`",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads the sorted set members within a range of scores in descending order",
			Complexity: "O(log(N)+M), where N is the size of the sorted set and M the number of elements in the reply. With a constant M, for example under LIMIT 10, that is O(log(N)).",
			History: []command.Change{
				{Since: "2.1.6", What: "The ends `min` and `max` may be excluded."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "max", Kind: command.ArgDouble},
				{Name: "min", Kind: command.ArgDouble},
				{Name: "withscores", Kind: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
				{Name: "offset_count", Kind: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
					{Name: "offset", Kind: command.ArgInteger},
					{Name: "count", Kind: command.ArgInteger},
				}},
			},
			Handler: zrevrangebyscore,
		},
		{
			Name: "zrevrank", Arity: 3, Group: "sorted-set", Since: "2.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the position of a sorted set member, highest score first",
			Complexity: "O(log(N))",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member"},
			},
			Handler: zrevrank,
		},
		{
			Name: "zscore", Arity: 3, Group: "sorted-set", Since: "1.2.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Tells the score of a sorted set member",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member"},
			},
			Handler: zscore,
		},
	}
}

package builtin

import "datastore/server/command"

// setTable describes the commands of sets.
func setTable() []command.Command {
	return []command.Command{
		{
			Name: "sadd", Arity: -3, Group: "set", Since: "1.0.0",
			Flags:   command.Write | command.DenyOOM | command.Fast,
			Keys:    []command.KeySpec{{Flags: command.RW | command.Insert, Index: 1}},
			Element: 2, ElementStep: 1,
			Summary:    "Adds members to a set",
			Complexity: "O(1) per element, hence O(N) for N elements in one call.",
			History: []command.Change{
				{Since: "2.4.0", What: "Takes several `member` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member", Multiple: true},
			},
			Handler: sadd,
		},
		{
			Name: "scard", Arity: 2, Group: "set", Since: "1.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Summary:    "Counts the members of a set",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: scard,
		},
		{
			Name: "sismember", Arity: 3, Group: "set", Since: "1.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Element:    2,
			Summary:    "Tells whether a value belongs to a set",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member"},
			},
			Handler: sismember,
		},
		{
			Name: "smembers", Arity: 2, Group: "set", Since: "1.0.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output_order"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Lists the members of a set",
			Complexity: "O(N), where N is the size of the set.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: smembers,
		},
		{
			Name: "smismember", Arity: -3, Group: "set", Since: "6.2.0",
			Flags:   command.ReadOnly | command.Fast,
			Keys:    []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Element: 2, ElementStep: 1,
			Summary:    "Tells for each of several values whether it belongs to a set",
			Complexity: "O(N), where N is the number of members to look for",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member", Multiple: true},
			},
			Handler: smismember,
		},
		{
			Name: "spop", Arity: -2, Group: "set", Since: "1.0.0",
			Flags:      command.Write | command.Fast,
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Delete, Index: 1}},
			Summary:    "Takes random members out of a set",
			Complexity: "O(1) without a count, else O(N), where N is the count.",
			History: []command.Change{
				{Since: "3.2.0", What: "Argument `count`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "count", Kind: command.ArgInteger, Since: "3.2.0", Optional: true},
			},
			Handler: spop,
		},
		{
			Name: "srandmember", Arity: -2, Group: "set", Since: "1.0.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Picks random members of a set and leaves them there",
			Complexity: "O(1) without a count, else O(N), where N is the count without its sign.",
			History: []command.Change{
				{Since: "2.6.0", What: "Argument `count`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "count", Kind: command.ArgInteger, Since: "2.6.0", Optional: true},
			},
			Handler: srandmember,
		},
		{
			Name: "srem", Arity: -3, Group: "set", Since: "1.0.0",
			Flags:   command.Write | command.Fast,
			Keys:    []command.KeySpec{{Flags: command.RW | command.Delete, Index: 1}},
			Element: 2, ElementStep: 1,
			Summary:    "Deletes members of a set",
			Complexity: "O(N), where N is the number of members to delete.",
			History: []command.Change{
				{Since: "2.4.0", What: "Takes several `member` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "member", Multiple: true},
			},
			Handler: srem,
		},
	}
}

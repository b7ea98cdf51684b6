package builtin

import "datastore/server/command"

// scanTable describes the commands that walk through a collection with a cursor.
func scanTable() []command.Command {
	return []command.Command{
		{
			Name: "hscan", Arity: -3, Group: "hash", Since: "2.8.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Walks through the fields and values of a hash step by step",
			Complexity: "O(1) per call and O(N) for a whole walk, until the cursor is 0 again; N counts the elements of the collection.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "cursor", Kind: command.ArgInteger},
				{Name: "pattern", Kind: command.ArgPattern, Token: "MATCH", Optional: true},
				{Name: "count", Kind: command.ArgInteger, Token: "COUNT", Optional: true},
			},
			Handler: hscan,
		},
		{
			Name: "scan", Arity: -2, Group: "generic", Since: "2.8.0",
			Flags:      command.ReadOnly,
			ACL:        []string{"keyspace"},
			Tips:       []string{"nondeterministic_output", "request_policy:special"},
			Summary:    "Walks through the keys of a database step by step",
			Complexity: "O(1) per call and O(N) for a whole walk, until the cursor is 0 again; N counts the elements of the collection.",
			History: []command.Change{
				{Since: "6.0.0", What: "Option `TYPE`."},
			},
			Args: []command.Arg{
				{Name: "cursor", Kind: command.ArgInteger},
				{Name: "pattern", Kind: command.ArgPattern, Token: "MATCH", Optional: true},
				{Name: "count", Kind: command.ArgInteger, Token: "COUNT", Optional: true},
				{Name: "type", Token: "TYPE", Since: "6.0.0", Optional: true},
			},
			Handler: scan,
		},
		{
			Name: "sscan", Arity: -3, Group: "set", Since: "2.8.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Walks through the members of a set step by step",
			Complexity: "O(1) per call and O(N) for a whole walk, until the cursor is 0 again; N counts the elements of the collection.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "cursor", Kind: command.ArgInteger},
				{Name: "pattern", Kind: command.ArgPattern, Token: "MATCH", Optional: true},
				{Name: "count", Kind: command.ArgInteger, Token: "COUNT", Optional: true},
			},
			Handler: sscan,
		},
		{
			Name: "zscan", Arity: -3, Group: "sorted-set", Since: "2.8.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Walks through the members and scores of a sorted set step by step",
			Complexity: "O(1) per call and O(N) for a whole walk, until the cursor is 0 again; N counts the elements of the collection.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "cursor", Kind: command.ArgInteger},
				{Name: "pattern", Kind: command.ArgPattern, Token: "MATCH", Optional: true},
				{Name: "count", Kind: command.ArgInteger, Token: "COUNT", Optional: true},
			},
			Handler: zscan,
		},
	}
}

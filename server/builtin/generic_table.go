package builtin

import "datastore/server/command"

// genericTable describes the commands that work on keys of any type and on databases.
func genericTable() []command.Command {
	return []command.Command{
		{
			Name: "copy", Arity: -3, Group: "generic", Since: "6.2.0",
			Flags: command.Write | command.DenyOOM,
			ACL:   []string{"keyspace"},
			Keys: []command.KeySpec{
				{Flags: command.RO | command.Access, Index: 1},
				{Flags: command.OW | command.Update, Index: 2},
			},
			Summary:    "Duplicates the value and the expiry of a key under another name or in another database",
			Complexity: "O(1) for strings; at worst O(N) for collections, where N counts the nested elements.",
			Args: []command.Arg{
				{Name: "source", Kind: command.ArgKey},
				{Name: "destination", Kind: command.ArgKey, KeySpec: 1},
				{Name: "destination-db", Kind: command.ArgInteger, Token: "DB", Optional: true},
				{Name: "replace", Kind: command.ArgPureToken, Token: "REPLACE", Optional: true},
			},
			Handler: copyKey,
		},
		{
			Name: "dbsize", Arity: 1, Group: "server", Since: "1.0.0",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Tips:       []string{"request_policy:all_shards", "response_policy:agg_sum"},
			Summary:    "Counts the keys of the selected database",
			Complexity: "O(1)",
			Handler:    dbsize,
		},
		{
			Name: "del", Arity: -2, Group: "generic", Since: "1.0.0",
			Flags:      command.Write,
			ACL:        []string{"keyspace"},
			Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:       []command.KeySpec{{Flags: command.RM | command.Delete, Index: 1, LastKey: -1}},
			Summary:    "Deletes one or more keys",
			Complexity: "O(N), where N is the number of keys deleted. A key that is no string costs O(M) by itself, where M counts the elements of its list, set, sorted set or hash; a single string is O(1).",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey, Multiple: true},
			},
			Handler: del,
		},
		{
			Name: "exists", Arity: -2, Group: "generic", Since: "1.0.0",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1, LastKey: -1}},
			Summary:    "Counts how many of the given keys exist",
			Complexity: "O(N), where N is the number of keys asked for.",
			History: []command.Change{
				{Since: "3.0.3", What: "Takes several `key` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey, Multiple: true},
			},
			Handler: exists,
		},
		{
			Name: "flushall", Arity: -1, Group: "server", Since: "1.0.0",
			Flags:      command.Write,
			ACL:        []string{"keyspace", "dangerous"},
			Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Summary:    "Empties all databases",
			Complexity: "O(N), where N counts the keys of all databases",
			History: []command.Change{
				{Since: "4.0.0", What: "Option `ASYNC`."},
				{Since: "6.2.0", What: "Option `SYNC`."},
			},
			Args: []command.Arg{
				{Name: "async", Kind: command.ArgOneOf, Optional: true, Args: []command.Arg{
					{Name: "async", Kind: command.ArgPureToken, Token: "ASYNC", Since: "4.0.0"},
					{Name: "sync", Kind: command.ArgPureToken, Token: "SYNC", Since: "6.2.0"},
				}},
			},
			Handler: flushall,
		},
		{
			Name: "flushdb", Arity: -1, Group: "server", Since: "1.0.0",
			Flags:      command.Write,
			ACL:        []string{"keyspace", "dangerous"},
			Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Summary:    "Empties the selected database",
			Complexity: "O(N), where N counts the keys of the database",
			History: []command.Change{
				{Since: "4.0.0", What: "Option `ASYNC`."},
				{Since: "6.2.0", What: "Option `SYNC`."},
			},
			Args: []command.Arg{
				{Name: "async", Kind: command.ArgOneOf, Optional: true, Args: []command.Arg{
					{Name: "async", Kind: command.ArgPureToken, Token: "ASYNC", Since: "4.0.0"},
					{Name: "sync", Kind: command.ArgPureToken, Token: "SYNC", Since: "6.2.0"},
				}},
			},
			Handler: flushdb,
		},
		{
			Name: "keys", Arity: 2, Group: "generic", Since: "1.0.0",
			Flags:      command.ReadOnly,
			ACL:        []string{"keyspace", "dangerous"},
			Tips:       []string{"request_policy:all_shards", "nondeterministic_output_order"},
			Summary:    "Lists the keys whose names match a pattern",
			Complexity: "O(N), where N is the number of keys in the database, provided that the lengths of names and pattern are bounded.",
			Args: []command.Arg{
				{Name: "pattern", Kind: command.ArgPattern},
			},
			Handler: keys,
		},
		{
			Name: "move", Arity: 3, Group: "generic", Since: "1.0.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Update, Index: 1}},
			Summary:    "Transfers a key to another database",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "db", Kind: command.ArgInteger},
			},
			Handler: move,
		},
		{
			Name: "object", Arity: -2, Group: "generic", Since: "2.2.3",
			Summary:    "Groups the commands that show how a value is kept",
			Complexity: "See the subcommands.",
			Subs: []command.Command{
				{
					Name: "encoding", Arity: 3, Group: "generic", Since: "2.2.3",
					Flags:      command.ReadOnly,
					ACL:        []string{"keyspace"},
					Tips:       []string{"nondeterministic_output"},
					Keys:       []command.KeySpec{{Flags: command.RO, Index: 2}},
					Summary:    "Names the encoding in which a value is kept",
					Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "key", Kind: command.ArgKey},
					},
					Handler: objectEncoding,
				},
				{
					Name: "freq", Arity: 3, Group: "generic", Since: "4.0.0",
					Flags:      command.ReadOnly,
					ACL:        []string{"keyspace"},
					Tips:       []string{"nondeterministic_output"},
					Keys:       []command.KeySpec{{Flags: command.RO, Index: 2}},
					Summary:    "Tells the logarithmic access counter of a key",
					Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "key", Kind: command.ArgKey},
					},
					Handler: objectFreq,
				},
				{
					Name: "help", Arity: 2, Group: "generic", Since: "6.2.0",
					Flags:      command.Loading | command.Stale,
					ACL:        []string{"keyspace"},
					Summary:    "Lists the subcommands with an explanation of each",
					Complexity: "O(1)",
					Handler:    objectHelp,
				},
				{
					Name: "idletime", Arity: 3, Group: "generic", Since: "2.2.3",
					Flags:      command.ReadOnly,
					ACL:        []string{"keyspace"},
					Tips:       []string{"nondeterministic_output"},
					Keys:       []command.KeySpec{{Flags: command.RO, Index: 2}},
					Summary:    "Tells for how many seconds a key has not been accessed",
					Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "key", Kind: command.ArgKey},
					},
					Handler: objectIdletime,
				},
				{
					Name: "refcount", Arity: 3, Group: "generic", Since: "2.2.3",
					Flags:      command.ReadOnly,
					ACL:        []string{"keyspace"},
					Tips:       []string{"nondeterministic_output"},
					Keys:       []command.KeySpec{{Flags: command.RO, Index: 2}},
					Summary:    "Counts the references to the value of a key",
					Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "key", Kind: command.ArgKey},
					},
					Handler: objectRefcount,
				},
			},
		},
		{
			Name: "randomkey", Arity: 1, Group: "generic", Since: "1.0.0",
			Flags:      command.ReadOnly,
			ACL:        []string{"keyspace"},
			Tips:       []string{"request_policy:all_shards", "nondeterministic_output"},
			Summary:    "Picks a key at random",
			Complexity: "O(1)",
			Handler:    randomkey,
		},
		{
			Name: "rename", Arity: 3, Group: "generic", Since: "1.0.0",
			Flags: command.Write,
			ACL:   []string{"keyspace"},
			Keys: []command.KeySpec{
				{Flags: command.RW | command.Access | command.Delete, Index: 1},
				{Flags: command.OW | command.Update, Index: 2},
			},
			Summary:    "Gives a key another name, replacing a key that has it",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "newkey", Kind: command.ArgKey, KeySpec: 1},
			},
			Handler: rename,
		},
		{
			Name: "renamenx", Arity: 3, Group: "generic", Since: "1.0.0",
			Flags: command.Write | command.Fast,
			ACL:   []string{"keyspace"},
			Keys: []command.KeySpec{
				{Flags: command.RW | command.Access | command.Delete, Index: 1},
				{Flags: command.OW | command.Insert, Index: 2},
			},
			Summary:    "Gives a key another name unless a key has it already",
			Complexity: "O(1)",
			History: []command.Change{
				{Since: "3.2.0", What: "Equal names are no error any more."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "newkey", Kind: command.ArgKey, KeySpec: 1},
			},
			Handler: renamenx,
		},
		{
			Name: "swapdb", Arity: 3, Group: "server", Since: "4.0.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace", "dangerous"},
			Summary:    "Exchanges the contents of two databases",
			Complexity: "O(N), where N is the number of clients that watch or wait for keys of the two databases.",
			Args: []command.Arg{
				{Name: "index1", Kind: command.ArgInteger},
				{Name: "index2", Kind: command.ArgInteger},
			},
			Handler: swapdb,
		},
		{
			Name: "touch", Arity: -2, Group: "generic", Since: "3.2.1",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1, LastKey: -1}},
			Summary:    "Marks keys as accessed now and counts those that exist",
			Complexity: "O(N), where N is the number of keys to touch.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey, Multiple: true},
			},
			Handler: touch,
		},
		{
			Name: "type", Arity: 2, Group: "generic", Since: "1.0.0",
			Flags:      command.ReadOnly | command.Fast,
			ACL:        []string{"keyspace"},
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Summary:    "Names the type of the value at a key",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: typeName,
		},
		{
			Name: "unlink", Arity: -2, Group: "generic", Since: "4.0.0",
			Flags:      command.Write | command.Fast,
			ACL:        []string{"keyspace"},
			Tips:       []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:       []command.KeySpec{{Flags: command.RM | command.Delete, Index: 1, LastKey: -1}},
			Summary:    "Deletes keys and leaves freeing their memory to the background",
			Complexity: "O(1) per key, whatever its size; the background then does O(N) work to free N allocations.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey, Multiple: true},
			},
			Handler: unlink,
		},
	}
}

package builtin

import "datastore/server/command"

// hashTable describes the commands of hashes.
func hashTable() []command.Command {
	return []command.Command{
		{
			Name: "hdel", Arity: -3, Group: "hash", Since: "2.0.0",
			Flags:   command.Write | command.Fast,
			Keys:    []command.KeySpec{{Flags: command.RW | command.Delete, Index: 1}},
			Element: 2, ElementStep: 1,
			Summary:    "Deletes fields of a hash",
			Complexity: "O(N), where N is the number of fields to delete.",
			History: []command.Change{
				{Since: "2.4.0", What: "Takes several `field` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field", Multiple: true},
			},
			Handler: hdel,
		},
		{
			Name: "hexists", Arity: 3, Group: "hash", Since: "2.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Element:    2,
			Summary:    "Tells whether a hash has a field",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field"},
			},
			Handler: hexists,
		},
		{
			Name: "hget", Arity: 3, Group: "hash", Since: "2.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Element:    2,
			Summary:    "Reads the value of a hash field",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field"},
			},
			Handler: hget,
		},
		{
			Name: "hgetall", Arity: 2, Group: "hash", Since: "2.0.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output_order"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads every field of a hash with its value",
			Complexity: "O(N), where N is the size of the hash.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: hgetall,
		},
		{
			Name: "hincrby", Arity: 4, Group: "hash", Since: "2.0.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Update, Index: 1}},
			Element:    2,
			Summary:    "Adds an integer to the value of a hash field",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field"},
				{Name: "increment", Kind: command.ArgInteger},
			},
			Handler: hincrby,
		},
		{
			Name: "hincrbyfloat", Arity: 4, Group: "hash", Since: "2.6.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Update, Index: 1}},
			Element:    2,
			Summary:    "Adds a floating point number to the value of a hash field",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field"},
				{Name: "increment", Kind: command.ArgDouble},
			},
			Handler: hincrbyfloat,
		},
		{
			Name: "hkeys", Arity: 2, Group: "hash", Since: "2.0.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output_order"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Lists the fields of a hash",
			Complexity: "O(N), where N is the size of the hash.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: hkeys,
		},
		{
			Name: "hlen", Arity: 2, Group: "hash", Since: "2.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Summary:    "Counts the fields of a hash",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: hlen,
		},
		{
			Name: "hmget", Arity: -3, Group: "hash", Since: "2.0.0",
			Flags:   command.ReadOnly | command.Fast,
			Keys:    []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Element: 2, ElementStep: 1,
			Summary:    "Reads the values of several hash fields",
			Complexity: "O(N), where N is the number of fields asked for.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field", Multiple: true},
			},
			Handler: hmget,
		},
		{
			Name: "hmset", Arity: -4, Group: "hash", Since: "2.0.0",
			Deprecated: "4.0.0", ReplacedBy: "`HSET` with several pairs of field and value",
			Flags:   command.Write | command.DenyOOM | command.Fast,
			Keys:    []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Element: 2, ElementStep: 2,
			Summary:    "Stores several hash fields",
			Complexity: "O(N), where N is the number of fields to store.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field_value", Kind: command.ArgBlock, Multiple: true, Args: []command.Arg{
					{Name: "field"},
					{Name: "value"},
				}},
			},
			Handler: hmset,
		},
		{
			Name: "hset", Arity: -4, Group: "hash", Since: "2.0.0",
			Flags:   command.Write | command.DenyOOM | command.Fast,
			Keys:    []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Element: 2, ElementStep: 2,
			Summary:    "Stores one or more hash fields",
			Complexity: "O(1) per pair of field and value, hence O(N) for N pairs in one call.",
			History: []command.Change{
				{Since: "4.0.0", What: "Takes several pairs of `field` and `value`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field_value", Kind: command.ArgBlock, Multiple: true, Args: []command.Arg{
					{Name: "field"},
					{Name: "value"},
				}},
			},
			Handler: hset,
		},
		{
			Name: "hsetnx", Arity: 4, Group: "hash", Since: "2.0.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Insert, Index: 1}},
			Element:    2,
			Summary:    "Stores a hash field unless it exists already",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field"},
				{Name: "value"},
			},
			Handler: hsetnx,
		},
		{
			Name: "hstrlen", Arity: 3, Group: "hash", Since: "3.2.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Element:    2,
			Summary:    "Tells how many bytes the value of a hash field has",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "field"},
			},
			Handler: hstrlen,
		},
		{
			Name: "hvals", Arity: 2, Group: "hash", Since: "2.0.0",
			Flags:      command.ReadOnly,
			Tips:       []string{"nondeterministic_output_order"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Lists the values of a hash",
			Complexity: "O(N), where N is the size of the hash.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: hvals,
		},
	}
}

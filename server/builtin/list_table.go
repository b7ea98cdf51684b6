package builtin

import "datastore/server/command"

// listTable describes the commands of lists.
func listTable() []command.Command {
	return []command.Command{
		{
			Name: "lindex", Arity: 3, Group: "list", Since: "1.0.0",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads the list element at an index",
			Complexity: "O(N), where N is the number of elements passed on the way to the index; O(1) for the first and the last element.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "index", Kind: command.ArgInteger},
			},
			Handler: lindex,
		},
		{
			Name: "linsert", Arity: 5, Group: "list", Since: "2.2.0",
			Flags:      command.Write | command.DenyOOM,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Insert, Index: 1}},
			Summary:    "Places an element next to another one of a list",
			Complexity: "O(N), where N is the number of elements passed before the pivot is found: O(1) near the head, O(N) near the tail.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "where", Kind: command.ArgOneOf, Args: []command.Arg{
					{Name: "before", Kind: command.ArgPureToken, Token: "BEFORE"},
					{Name: "after", Kind: command.ArgPureToken, Token: "AFTER"},
				}},
				{Name: "pivot"},
				{Name: "element"},
			},
			Handler: linsert,
		},
		{
			Name: "llen", Arity: 2, Group: "list", Since: "1.0.0",
			Flags:      command.ReadOnly | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RO, Index: 1}},
			Summary:    "Counts the elements of a list",
			Complexity: "O(1)",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
			},
			Handler: llen,
		},
		{
			Name: "lpop", Arity: -2, Group: "list", Since: "1.0.0",
			Flags:      command.Write | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Delete, Index: 1}},
			Summary:    "Takes elements off the head of a list",
			Complexity: "O(N), where N is the number of elements in the reply",
			History: []command.Change{
				{Since: "6.2.0", What: "Argument `count`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "count", Kind: command.ArgInteger, Since: "6.2.0", Optional: true},
			},
			Handler: lpop,
		},
		{
			Name: "lpush", Arity: -3, Group: "list", Since: "1.0.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Insert, Index: 1}},
			Summary:    "Puts elements in front of the head of a list",
			Complexity: "O(1) per element, hence O(N) for N elements in one call.",
			History: []command.Change{
				{Since: "2.4.0", What: "Takes several `element` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "element", Multiple: true},
			},
			Handler: lpush,
		},
		{
			Name: "lpushx", Arity: -3, Group: "list", Since: "2.2.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Insert, Index: 1}},
			Summary:    "Puts elements in front of the head of a list that exists",
			Complexity: "O(1) per element, hence O(N) for N elements in one call.",
			History: []command.Change{
				{Since: "4.0.0", What: "Takes several `element` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "element", Multiple: true},
			},
			Handler: lpushx,
		},
		{
			Name: "lrange", Arity: 4, Group: "list", Since: "1.0.0",
			Flags:      command.ReadOnly,
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Reads the list elements between two indexes",
			Complexity: "O(S+N), where S is the distance of the start from the head, or from the nearer end of a large list, and N the number of elements in the range.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "start", Kind: command.ArgInteger},
				{Name: "stop", Kind: command.ArgInteger},
			},
			Handler: lrange,
		},
		{
			Name: "lrem", Arity: 4, Group: "list", Since: "1.0.0",
			Flags:      command.Write,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Delete, Index: 1}},
			Summary:    "Deletes list elements that equal a value",
			Complexity: "O(N+M), where N is the length of the list and M the number of elements deleted.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "count", Kind: command.ArgInteger},
				{Name: "element"},
			},
			Handler: lrem,
		},
		{
			Name: "lset", Arity: 4, Group: "list", Since: "1.0.0",
			Flags:      command.Write | command.DenyOOM,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Update, Index: 1}},
			Summary:    "Overwrites the list element at an index",
			Complexity: "O(N), where N is the length of the list; O(1) for the first and the last element.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "index", Kind: command.ArgInteger},
				{Name: "element"},
			},
			Handler: lset,
		},
		{
			Name: "ltrim", Arity: 4, Group: "list", Since: "1.0.0",
			Flags:      command.Write,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Delete, Index: 1}},
			Summary:    "Deletes all list elements outside of two indexes",
			Complexity: "O(N), where N is the number of elements deleted.",
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "start", Kind: command.ArgInteger},
				{Name: "stop", Kind: command.ArgInteger},
			},
			Handler: ltrim,
		},
		{
			Name: "rpop", Arity: -2, Group: "list", Since: "1.0.0",
			Flags:      command.Write | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Access | command.Delete, Index: 1}},
			Summary:    "Takes elements off the tail of a list",
			Complexity: "O(N), where N is the number of elements in the reply",
			History: []command.Change{
				{Since: "6.2.0", What: "Argument `count`."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "count", Kind: command.ArgInteger, Since: "6.2.0", Optional: true},
			},
			Handler: rpop,
		},
		{
			Name: "rpush", Arity: -3, Group: "list", Since: "1.0.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Insert, Index: 1}},
			Summary:    "Puts elements behind the tail of a list",
			Complexity: "O(1) per element, hence O(N) for N elements in one call.",
			History: []command.Change{
				{Since: "2.4.0", What: "Takes several `element` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "element", Multiple: true},
			},
			Handler: rpush,
		},
		{
			Name: "rpushx", Arity: -3, Group: "list", Since: "2.2.0",
			Flags:      command.Write | command.DenyOOM | command.Fast,
			Keys:       []command.KeySpec{{Flags: command.RW | command.Insert, Index: 1}},
			Summary:    "Puts elements behind the tail of a list that exists",
			Complexity: "O(1) per element, hence O(N) for N elements in one call.",
			History: []command.Change{
				{Since: "4.0.0", What: "Takes several `element` arguments."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "element", Multiple: true},
			},
			Handler: rpushx,
		},
	}
}

package server

import "datastore/server/command"

// commandCommands describes COMMAND.
func (s *Server) commandCommands() []command.Command {
	return []command.Command{
		{
			Name: "command", Arity: -1, Group: "server", Since: "2.8.13", Handler: s.commandAll,
			Flags:   command.Loading | command.Stale,
			ACL:     []string{"connection"},
			Tips:    []string{"nondeterministic_output_order"},
			Summary: "Describes all commands", Complexity: "O(N), N being the number of commands",
			Subs: []command.Command{
				{
					Name: "count", Arity: 2, Group: "server", Since: "2.8.13", Handler: s.commandCount,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Counts the commands", Complexity: "O(1)",
				},
				{
					Name: "docs", Arity: -2, Group: "server", Since: "7.0.0", Handler: s.commandDocs,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Tips:    []string{"nondeterministic_output_order"},
					Summary: "Documents commands", Complexity: "O(N), N being the number of commands asked for",
					Args: []command.Arg{
						{Name: "command-name", Optional: true, Multiple: true},
					},
				},
				{
					Name: "getkeys", Arity: -4, Group: "server", Since: "2.8.13", Handler: s.commandGetKeys,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Finds the keys among the arguments of a command", Complexity: "O(N), N being the number of arguments",
				},
				{
					Name: "getkeysandflags", Arity: -4, Group: "server", Since: "7.0.0", Handler: s.commandGetKeysAndFlags,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Finds the keys among the arguments of a command, with what it does to them", Complexity: "O(N), N being the number of arguments",
				},
				{
					Name: "help", Arity: 2, Group: "server", Since: "5.0.0", Handler: containerHelp,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Summary: "Lists the subcommands", Complexity: "O(1)",
				},
				{
					Name: "info", Arity: -2, Group: "server", Since: "2.8.13", Handler: s.commandInfo,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Tips:    []string{"nondeterministic_output_order"},
					Summary: "Describes commands", Complexity: "O(N), N being the number of commands asked for",
					History: []command.Change{{Since: "7.0.0", What: "Without names it describes all commands."}},
					Args: []command.Arg{
						{Name: "command-name", Optional: true, Multiple: true},
					},
				},
				{
					Name: "list", Arity: -2, Group: "server", Since: "7.0.0", Handler: s.commandList,
					Flags:   command.Loading | command.Stale,
					ACL:     []string{"connection"},
					Tips:    []string{"nondeterministic_output_order"},
					Summary: "Names the commands, or those that match", Complexity: "O(N), N being the number of commands",
					Args: []command.Arg{
						{Name: "filterby", Kind: command.ArgOneOf, Token: "FILTERBY", Optional: true, Args: []command.Arg{
							{Name: "module-name", Token: "MODULE"},
							{Name: "category", Token: "ACLCAT"},
							{Name: "pattern", Kind: command.ArgPattern, Token: "PATTERN"},
						}},
					},
				},
			},
		},
	}
}

// serverCommands describes the commands about the server.
func (s *Server) serverCommands() []command.Command {
	return []command.Command{
		{
			Name: "config", Arity: -2, Group: "server", Since: "2.0.0",
			Summary: "Groups the commands about the configuration", Complexity: "That of the subcommand",
			Subs: []command.Command{
				{
					Name: "get", Arity: -3, Group: "server", Since: "2.0.0", Handler: s.configGet,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Summary: "Answers directives and their values", Complexity: "O(N), N being the number of directives",
					History: []command.Change{{Since: "7.0.0", What: "Several patterns in one call."}},
					Args: []command.Arg{
						{Name: "parameter", Kind: command.ArgBlock, Multiple: true, Args: []command.Arg{
							{Name: "parameter"},
						}},
					},
				},
				{
					Name: "help", Arity: 2, Group: "server", Since: "5.0.0", Handler: containerHelp,
					Flags:   command.Loading | command.Stale,
					Summary: "Lists the subcommands", Complexity: "O(1)",
				},
				{
					Name: "resetstat", Arity: 2, Group: "server", Since: "2.0.0", Handler: s.configResetStat,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Summary: "Sets the counters of INFO back", Complexity: "O(1)",
				},
				{
					Name: "rewrite", Arity: 2, Group: "server", Since: "2.8.0", Handler: s.configRewrite,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Summary: "Writes the configuration in force to the configuration file", Complexity: "O(1)",
				},
				{
					Name: "set", Arity: -4, Group: "server", Since: "2.0.0", Handler: s.configSet, Secret: s.configSecret,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
					Summary: "Changes directives, all of them or none", Complexity: "O(N), N being the number of directives",
					History: []command.Change{{Since: "7.0.0", What: "Several directives in one call."}},
					Args: []command.Arg{
						{Name: "parameter_value", Kind: command.ArgBlock, Multiple: true, Args: []command.Arg{
							{Name: "parameter"},
							{Name: "value"},
						}},
					},
				},
			},
		},
		{
			Name: "debug", Arity: -2, Group: "server", Since: "1.0.0", Handler: s.debug,
			Flags:   command.Admin | command.NoScript | command.Loading | command.Stale | command.Guarded | command.SysCmd,
			Summary: "Groups the commands for tests of the server", Complexity: "That of the subcommand",
		},
		{
			Name: "info", Arity: -1, Group: "server", Since: "1.0.0", Handler: s.info,
			Flags:   command.Loading | command.Stale,
			ACL:     []string{"dangerous"},
			Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
			Summary: "Answers facts and counters of the server", Complexity: "O(1)",
			History: []command.Change{{Since: "7.0.0", What: "Several sections in one call."}},
			Args: []command.Arg{
				{Name: "section", Optional: true, Multiple: true},
			},
		},
		{
			Name: "lastsave", Arity: 1, Group: "server", Since: "1.0.0", Handler: s.lastSave,
			Flags:   command.Loading | command.Stale | command.Fast,
			ACL:     []string{"admin", "dangerous"},
			Tips:    []string{"nondeterministic_output"},
			Summary: "Answers when the dataset was saved last", Complexity: "O(1)",
		},
		{
			Name: "save", Arity: 1, Group: "server", Since: "1.0.0", Handler: s.save,
			Flags:   command.Admin | command.NoScript | command.NoAsyncLoading | command.NoMulti,
			Summary: "Saves the dataset while everybody waits", Complexity: "O(N), N being the number of keys",
		},
		{
			Name: "shutdown", Arity: -1, Group: "server", Since: "1.0.0", Handler: s.shutdownCommand,
			Flags:   command.Admin | command.NoScript | command.Loading | command.Stale | command.NoMulti | command.AllowBusy,
			Summary: "Ends the server, saving the dataset first where asked to", Complexity: "O(N) with saving, N being the number of keys, else O(1)",
			History: []command.Change{{Since: "7.0.0", What: "Modifiers `NOW`, `FORCE` and `ABORT`."}},
			Args: []command.Arg{
				{Name: "nosave_save", Kind: command.ArgOneOf, Optional: true, Args: []command.Arg{
					{Name: "nosave", Kind: command.ArgPureToken, Token: "NOSAVE"},
					{Name: "save", Kind: command.ArgPureToken, Token: "SAVE"},
				}},
				{Name: "now", Kind: command.ArgPureToken, Token: "NOW", Since: "7.0.0", Optional: true},
				{Name: "force", Kind: command.ArgPureToken, Token: "FORCE", Since: "7.0.0", Optional: true},
				{Name: "abort", Kind: command.ArgPureToken, Token: "ABORT", Since: "7.0.0", Optional: true},
			},
		},
		{
			Name: "time", Arity: 1, Group: "server", Since: "2.6.0", Handler: s.time,
			Flags:   command.Loading | command.Stale | command.Fast,
			Tips:    []string{"nondeterministic_output"},
			Summary: "Answers the time of the server", Complexity: "O(1)",
		},
	}
}

// aclCommands describes what there is of access control: one user, and the categories.
func (s *Server) aclCommands() []command.Command {
	return []command.Command{
		{
			Name: "acl", Arity: -2, Group: "server", Since: "6.0.0",
			Summary: "Groups the commands about access control", Complexity: "That of the subcommand",
			Subs: []command.Command{
				{
					Name: "cat", Arity: -2, Group: "server", Since: "6.0.0", Handler: s.aclCat,
					Flags:   command.NoScript | command.Loading | command.Stale,
					Summary: "Names the categories, or the commands of one", Complexity: "O(1), as categories and commands are fixed",
					Args: []command.Arg{
						{Name: "categoryname", Optional: true},
					},
				},
				{
					Name: "genpass", Arity: -2, Group: "server", Since: "6.0.0", Handler: aclGenPass,
					Flags:   command.NoScript | command.Loading | command.Stale,
					Summary: "Answers a random password", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "bits", Kind: command.ArgInteger, Optional: true},
					},
				},
				{
					Name: "getuser", Arity: 3, Group: "server", Since: "6.0.0", Handler: s.aclGetUser,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Summary: "Describes a user", Complexity: "O(N), N being the number of rules of the user",
					History: []command.Change{{Since: "6.2.0", What: "Patterns of channels."}, {Since: "7.0.0", What: "Selectors; patterns as rules."}},
					Args: []command.Arg{
						{Name: "username"},
					},
				},
				{
					Name: "help", Arity: 2, Group: "server", Since: "6.0.0", Handler: containerHelp,
					Flags:   command.Loading | command.Stale,
					Summary: "Lists the subcommands", Complexity: "O(1)",
				},
				{
					Name: "list", Arity: 2, Group: "server", Since: "6.0.0", Handler: s.aclList,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Summary: "Describes all users as in a configuration file", Complexity: "O(N), N being the number of users",
				},
				{
					Name: "users", Arity: 2, Group: "server", Since: "6.0.0", Handler: aclUsers,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Summary: "Names all users", Complexity: "O(N), N being the number of users",
				},
				{
					Name: "whoami", Arity: 2, Group: "server", Since: "6.0.0", Handler: aclWhoAmI,
					Flags:   command.NoScript | command.Loading | command.Stale,
					Summary: "Answers the user of this connection", Complexity: "O(1)",
				},
			},
		},
	}
}

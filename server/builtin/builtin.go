// Package builtin owns the data commands: those that read and write keys, strings, lists, hashes, sets and sorted sets.
// Each family has a table of command literals (string_table.go) and its handlers (string.go).
//
// A handler reads the arguments, works on the keyspace and writes one reply. The package refuses everything around
// that: connections, transactions, configuration, permissions, and the question who learns of a change. Where the
// arguments do not determine a change, the handler declares the command that does, as redis-server 7.0.15 puts it into
// its replication stream.
package builtin

import (
	"slices"

	"datastore/server/command"
)

// Commands returns the literals of all data commands. The slice is the caller's.
func Commands() []command.Command {
	return slices.Concat(
		genericTable(), expireTable(), scanTable(), dumpTable(),
		stringTable(), listTable(), hashTable(), setTable(), zsetTable(),
	)
}

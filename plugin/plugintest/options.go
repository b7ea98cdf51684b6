package plugintest

import (
	"time"

	"datastore/plugin"
)

// Options say how to run the server. The zero value is a server with the module, without persistence or replicas.
type Options struct {
	// Args are the arguments of OnLoad.
	Args []string

	// Config are lines of the configuration file, as in "maxmemory 1mb".
	Config []string

	// OnUnload is the module's symbol of that name, if it has one.
	OnUnload plugin.OnUnloadFunc

	// Before are modules that are loaded before the one under test, without arguments.
	Before []plugin.OnLoadFunc

	// AOF turns the append-only file on; ReplayAOF needs it.
	AOF bool

	// Replica starts a second server that follows the first one. At the end of the test the two must be equal.
	Replica bool

	// ReplicaModule is the OnLoad of the replica's module, mostly the same one. A replica needs it only when commands use
	// ReplicateVerbatim, or Replicate with a command of a module.
	ReplicaModule plugin.OnLoadFunc

	// Now is the time at which the clock stands at the start, to the millisecond; by default the first moment of 2026 in
	// UTC.
	Now time.Time

	// AllowMisuse lets a test go on when the module breaks a rule of the SDK or panics. It is for tests of just that; Log
	// has the lines.
	AllowMisuse bool

	// NoLeaks makes the test fail at its end when a command has left a key or a reply open without AutoMemory. That does
	// no harm, because the host closes them; it is for modules that want to be strict about it.
	NoLeaks bool

	// Words are arguments that Fuzz tries besides keys and numbers, such as the names of a command's options.
	Words []string
}

// now is where the clock stands at the start.
func (o *Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return o.Now.Truncate(time.Millisecond)
}

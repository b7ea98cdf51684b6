package plugin

// API versions that Init accepts. They differ in the order in which one unit's effects are replicated.
const (
	APIVer1 = 1 // effects of Call with "!" come before those of Replicate
	APIVer2 = 2 // effects come in the order of execution
)

// Registration is what OnLoad does.
type Registration interface {
	// Init announces the module: the name that MODULE LIST and MODULE UNLOAD use, a version of the author's choice,
	// and the API version the module was written for. It must be the first call of OnLoad: every other method
	// fails with ErrNotInitialized before it.
	//
	// Errors: ErrNotInOnLoad; ErrInvalid for an empty name; ErrBusyName when a module of that name is loaded, or on a
	// second call; ErrAPIVersion.
	Init(name string, version, apiVersion int) error

	// CreateCommand registers a command that runs h. Without a spec the command has no flags, no keys and any number
	// of arguments. The command exists once OnLoad has returned nil.
	//
	// Names are compared without regard to case; a prefix of the module's own ("hello.push") keeps them apart.
	//
	// Errors: ErrNotInOnLoad; ErrNotInitialized; ErrBusyName when any command has the name; ErrInvalid for an empty
	// name, a name with one of space, CR, LF, "|", "@", "=" or ",", an unknown flag, key positions that make no
	// sense, a nil handler, or more than one spec.
	CreateCommand(name string, h Handler, spec ...CommandSpec) error
}

// CommandSpec says everything about a command besides its handler. COMMAND, COMMAND DOCS, COMMAND GETKEYS, ACL and the
// checks before execution read it.
type CommandSpec struct {
	// Flags are words separated by spaces, in any case: write, readonly, admin, deny-oom, deny-script, allow-loading,
	// pubsub, blocking, allow-stale, no-monitor, no-slowlog, fast, no-auth, may-replicate, no-mandatory-keys,
	// allow-busy; random and no-cluster are accepted and mean nothing. They mean what they mean for the commands of
	// Redis, and nobody checks that the handler keeps to them: one that writes without "write" does so on a read-only
	// replica too, and one that needs memory without "deny-oom" is not stopped by maxmemory.
	Flags string

	// FirstKey, LastKey and KeyStep are positions in args: keys are at FirstKey, FirstKey+KeyStep, ..., LastKey. A
	// negative LastKey counts from the end. All three are 0 for a command without keys.
	FirstKey, LastKey, KeyStep int

	// Arity is the number of arguments with the command's name, or the smallest number when negative. It is checked
	// before the handler runs. 0 stands for -1, any number.
	Arity int

	Summary    string // one sentence for COMMAND DOCS
	Complexity string // as in "O(N) where N is the number of elements"
	Since      string // the version of the module that introduced the command
}

// Flags makes the CommandSpec of the classic tail of arguments: flags, first key, last key, key step. It has no Arity, so
// the handler has to look at len(args) before it takes one: see Replies.WrongArity.
func Flags(flags string, firstKey, lastKey, keyStep int) CommandSpec {
	return CommandSpec{Flags: flags, FirstKey: firstKey, LastKey: lastKey, KeyStep: keyStep}
}

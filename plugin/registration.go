package plugin

// API versions that Init accepts. They differ in the order in which one unit's effects are replicated. With version 1, which is
// that of Redis's API, a replica can end up with other data than the primary when a Call with "!" and a Replicate of one unit
// change the same key: new modules take version 2.
const (
	APIVer1 = 1 // effects of Call with "!" come before those of Replicate
	APIVer2 = 2 // effects come in the order of execution
)

// Registration is what OnLoad does.
//
// Rules INIT-1 to INIT-14, CMD-1 to CMD-6.
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
	// With CommandSpec.Parent it registers a subcommand, whose full name is "parent|name".
	//
	// Errors: ErrNotInOnLoad; ErrNotInitialized; ErrBusyName when any command, or subcommand of the parent, has the name;
	// ErrInvalid for an empty name, a name with one of space, CR, LF, "|", "@", "=" or ",", an unknown flag or
	// category, key positions that make no sense, a nil handler unless it is a container, or more than one spec.
	CreateCommand(name string, h Handler, spec ...CommandSpec) error
}

// CommandSpec says everything about a command besides its handler. COMMAND, COMMAND DOCS, COMMAND GETKEYS, ACL and the
// checks before execution read it.
type CommandSpec struct {
	// Flags are words separated by spaces, in any case. Access control lists have categories that come with some of them.
	//
	//	write              it may change data: refused on read-only replicas, and when the disk or replicas fail; @write
	//	readonly           it reads keys and changes nothing; @read
	//	deny-oom           it may need memory: refused when maxmemory is reached
	//	fast               it takes the same time for all sizes of data, or almost; @fast in place of @slow
	//	blocking           it may block its client, see Blocking; @blocking
	//	admin, pubsub      it belongs to administration, or to publish/subscribe; @admin and @dangerous, @pubsub
	//	deny-script        calls with ScriptMode may not run it
	//	allow-loading      it runs also while the server loads its dataset
	//	allow-stale        it runs also on a replica that has lost its primary and may not serve stale data
	//	no-auth            it runs also for clients that have not logged in
	//	no-mandatory-keys  it may come without a key: COMMAND GETKEYS replies an empty array then, and no error
	//	getkeys-api        the handler tells where the keys are, see Positions
	//	no-slowlog         SLOWLOG does not show it
	//
	// Of no-monitor, may-replicate and allow-busy the server has nothing yet that they would change: COMMAND shows them.
	// random and no-cluster are accepted and mean nothing.
	//
	// Nobody checks that a handler keeps to its flags: one that writes without "write" does so on a read-only replica too,
	// and one that needs memory without "deny-oom" is not stopped by maxmemory.
	Flags string

	// FirstKey, LastKey and KeyStep are positions in args: keys are at FirstKey, FirstKey+KeyStep, ..., LastKey. A
	// negative LastKey counts from the end. All three are 0 for a command without keys, and for one with Keys.
	FirstKey, LastKey, KeyStep int

	// Keys says where the keys are and what the command does to them, where FirstKey and its like are not enough.
	Keys []KeySpec

	// Arity is the number of arguments with the command's name, or the smallest number when negative; for a subcommand
	// with both names. It is checked before the handler runs. 0 stands for -1, any number, and for a container for -2.
	Arity int

	// ACL are categories, separated by spaces and without "@", beyond those that come with the flags.
	ACL string

	// Container makes a command that has subcommands and no handler; Parent, the name of a container that the module has
	// registered before, makes a subcommand of it.
	Container bool
	Parent    string

	// What follows is shown by COMMAND INFO and COMMAND DOCS.

	Summary    string // one sentence
	Complexity string // as in "O(N) where N is the number of elements"
	Since      string // the version of the module that introduced the command
	Tips       string // separated by spaces, as in "nondeterministic_output"
	History    []HistoryEntry
	Args       []ArgSpec
}

// HistoryEntry is a change of a command.
type HistoryEntry struct{ Since, Changes string }

// KeySpec finds keys among the arguments in two steps. The search begins at args[Index], or behind the first argument from
// StartFrom on that is Keyword; a negative StartFrom counts from the end and searches backwards. From there on, the keys are a
// range, or counted by an argument.
type KeySpec struct {
	Flags KeyFlags
	Notes string

	Index     int
	Keyword   string
	StartFrom int

	// LastKey is the last key of a range, counted from where the search began or, when negative, from the end of the
	// arguments. Step is the distance between two keys, 0 for 1; it is that of counted keys, too. Limit, with a LastKey of
	// -1, ends the range after one part in Limit of the arguments.
	LastKey, Step, Limit int

	// KeyNum says that args[KeyNumIndex] is the number of keys and args[FirstKey] the first one, both counted from where
	// the search began.
	KeyNum                bool
	KeyNumIndex, FirstKey int

	// UnknownBegin and UnknownFind say that a step cannot be described: the flag getkeys-api finds the keys.
	UnknownBegin, UnknownFind bool
}

// ArgSpec documents an argument.
type ArgSpec struct {
	Name  string
	Type  string // string, integer, double, key, pattern, unix-time, pure-token, oneof or block; "" is string
	Token string // the word before it, or the argument itself for a pure-token

	KeySpecIndex int // of a key, in CommandSpec.Keys

	Summary, Since, DeprecatedSince string

	Optional, Multiple, MultipleToken bool

	Sub []ArgSpec // of oneof and block
}

// Flags makes the CommandSpec of the classic tail of arguments: flags, first key, last key, key step. It has no Arity, so
// the handler has to look at len(args) before it takes one: see Replies.WrongArity.
func Flags(flags string, firstKey, lastKey, keyStep int) CommandSpec {
	return CommandSpec{Flags: flags, FirstKey: firstKey, LastKey: lastKey, KeyStep: keyStep}
}

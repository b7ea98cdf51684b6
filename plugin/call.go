package plugin

// Calls runs commands of the daemon and of other modules.
//
// Rules CALL-1 to CALL-6.
type Calls interface {
	// Call runs a command in the current database and returns its reply.
	//
	// Each of these letters in format takes one argument:
	//
	//	c  string    b  []byte    s  String    l  any integer type    v  []String, which becomes several arguments
	//
	// Modifiers may stand anywhere among them and take none: ! A R 3 0 C S W M E D K, see the constants of CallOpt. Without
	// "!" nothing below the call is replicated by it. Without "3" and "0" the reply is in RESP2. The command runs with
	// all permissions unless "C" is given, and does not block.
	//
	// A command that fails, with WRONGTYPE for example, is no error of Call: the reply is of type ErrorReply. So it is for
	// commands about the connection or the process, such as MULTI, AUTH and SHUTDOWN, which modules cannot call, and for
	// commands of modules that call each other more than 64 deep.
	//
	// Errors, all of them before anything has run: ErrBadFormat for an unknown letter, a wrong number or type of
	// arguments; ErrCommandNotFound; ErrArity; ErrTooLarge for an argument beyond 512 MB and proto-max-bulk-len;
	// ErrOpenKeyBusy when the command's keys include one that this callback holds open, where at least one of the two
	// writes; those of the modifiers that are given. errors.Is(err, ErrInvalid) holds for the first four.
	//
	// An interface's method makes the compiler put args and what is in them on the heap. Cmd(cmd).Format(format, args...).Do()
	// is the same call without that.
	Call(cmd, format string, args ...any) (*Reply, error)

	// CallArgs is Call with modifiers and arguments that the compiler checks; its errors are those of Call without
	// ErrBadFormat. It allocates nothing besides the slice of its arguments.
	CallArgs(cmd string, opt CallOpt, args ...Arg) (*Reply, error)

	// Cmd starts a command in memory that belongs to the context: it allocates nothing in the long run. The result
	// is used up by Do and Replicate, and valid until the callback returns.
	Cmd(name string) *Cmd
}

// CallOpt are the modifiers of a call as bits. Each is a letter in the format of Call, too.
type CallOpt uint32

// Modifiers.
const (
	// Repl is "!": the effects of the call go to the append-only file and to replicas.
	Repl CallOpt = 1 << 0

	// NoAOF is "A": what "!" or Replicate sends does not go to the append-only file.
	NoAOF CallOpt = 1 << 1

	// NoReplicas is "R": what "!" or Replicate sends does not go to replicas. The data of a replica that lacks effects, or
	// of an append-only file that does, is not that of the primary any more: both are for data that may differ.
	NoReplicas CallOpt = 1 << 2

	// RESP3 is "3": the command replies as to a client that speaks RESP3.
	RESP3 CallOpt = 1 << 3

	// RESPAuto is "0": the command replies in the protocol of this callback's client.
	RESPAuto CallOpt = 1 << 4

	// AsUser is "C": the call fails unless the user of this callback's client may run it. ErrNoUser without a client
	// that has logged in; ErrACL.
	AsUser CallOpt = 1 << 5

	// ScriptMode is "S": the call fails with ErrScriptMode where a script could not run the command: for commands that
	// scripts may not run, for writes while the server refuses those of clients, because it is a read-only replica, lacks
	// replicas or cannot write to its disk, and on a replica that may not serve stale data.
	ScriptMode CallOpt = 1 << 6

	// NoWrites is "W": the call fails with ErrNotAllowed for a command that writes.
	NoWrites CallOpt = 1 << 7

	// RespectOOM is "M": the call fails with ErrNotAllowed for a command that needs memory when maxmemory is reached.
	RespectOOM CallOpt = 1 << 8

	// ErrorsAsReply is "E": the call returns a reply of type ErrorReply, with the text that a client would get, instead of
	// an error. ErrBadFormat and ErrOpenKeyBusy, which are mistakes of the module, stay errors.
	ErrorsAsReply CallOpt = 1 << 9

	// DryRun is "D": the command does not run. The call returns neither reply nor error if it would have, else what
	// ErrorsAsReply does.
	DryRun CallOpt = 1 << 10

	// AllowBlock is "K". It is accepted and means nothing: a command that blocks its client does not when it is called.
	AllowBlock CallOpt = 1 << 11
)

// Arg is an argument of Calls.CallArgs and Replication.ReplicateArgs; the zero Arg is an empty string. S, B, I and V make one.
type Arg struct {
	text   []byte
	list   []String
	number int64
	kind   argKind
}

type argKind uint8

const (
	argText argKind = iota
	argNumber
	argList
)

// S is an argument.
func S(s String) Arg { return Arg{text: s.b} }

// B is an argument, which is not copied: b must not change before the call has returned.
func B(b []byte) Arg { return Arg{text: b} }

// I is a number in decimal.
func I(n int64) Arg { return Arg{number: n, kind: argNumber} }

// V is any number of arguments.
func V(v []String) Arg { return Arg{list: v, kind: argList} }

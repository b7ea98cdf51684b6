package plugin

// ReplyError is an error whose text is sent to the client as it is, after a "-". Its first word is the error code,
// as in "ERR no such thing" or "WRONGTYPE ...". Line breaks are sent as spaces.
type ReplyError string

// Error returns the error line without its leading "-".
func (e ReplyError) Error() string { return string(e) }

// ErrWrongType is the reply to a command on a key of another type; Key.Check returns it.
const ErrWrongType = ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value")

// Error is a failure reported by the host.
type Error struct {
	Msg   string
	Class error // the wider class the error belongs to, or nil
}

// Error returns the message.
func (e *Error) Error() string { return e.Msg }

// Unwrap returns the wider class, so that errors.Is(err, ErrInvalid) holds for every invalid argument.
func (e *Error) Unwrap() error { return e.Class }

// Arguments that make no sense.
var (
	ErrInvalid         error = &Error{Msg: "invalid argument"}
	ErrCommandNotFound error = &Error{Msg: "unknown command", Class: ErrInvalid}
	ErrBadFormat       error = &Error{Msg: "unrecognised format specifier", Class: ErrInvalid}
	ErrArity           error = &Error{Msg: "wrong number of arguments", Class: ErrInvalid}
	ErrNotNumber       error = &Error{Msg: "value is not a number", Class: ErrInvalid}
	ErrTooLarge        error = &Error{Msg: "value too large", Class: ErrInvalid}
)

// Calls that the moment does not allow.
var (
	ErrNotInitialized error = &Error{Msg: "Init was not called"}
	ErrNotInOnLoad    error = &Error{Msg: "only allowed inside OnLoad"}
	ErrAPIVersion     error = &Error{Msg: "unsupported API version"}
	ErrBusyName       error = &Error{Msg: "name is already taken"}
	ErrNoClient       error = &Error{Msg: "context has no client to reply to"}
	ErrReplyShape     error = &Error{Msg: "reply length does not match the elements written"}
	ErrRESP2          error = &Error{Msg: "the client speaks RESP2, which cannot say this"}
	ErrKeysRequest    error = &Error{Msg: "only the positions of keys are asked for"}
)

// Calls that a modifier or the state of the server forbids. With ErrorsAsReply they are replies instead.
var (
	ErrNotAllowed error = &Error{Msg: "command is not allowed by a modifier of the call"} // NoWrites, RespectOOM
	ErrScriptMode error = &Error{Msg: "command is not allowed in script mode"}
	ErrNoUser     error = &Error{Msg: "no user is attached to the context"}

	// The daemon has neither users with restrictions nor cluster mode yet: these come with them.
	ErrACL             error = &Error{Msg: "the user may not run the command or touch its keys"}
	ErrNotLocalSlot    error = &Error{Msg: "command would touch a key of another node of the cluster"}
	ErrClusterDown     error = &Error{Msg: "the cluster is down"}
	ErrClusterReadOnly error = &Error{Msg: "the cluster is down and only reads are allowed"}
)

// Memory.
var (
	ErrOOM     error = &Error{Msg: "the system has no memory left"}
	ErrBadFree error = &Error{Msg: "memory is not of Alloc, of another module, or was freed before", Class: ErrInvalid}
)

// Keys.
var (
	ErrType        error = &Error{Msg: "key holds another type"}
	ErrEmptyKey    error = &Error{Msg: "key is empty"}
	ErrNoElement   error = &Error{Msg: "no such element"}
	ErrIndex       error = &Error{Msg: "index out of range"}
	ErrNotWritable error = &Error{Msg: "key is not open for writing"}
	ErrKeyConflict error = &Error{Msg: "key is already open and one side writes"}
	ErrOpenKeyBusy error = &Error{Msg: "command would touch a key that is held open"}
	ErrStale       error = &Error{Msg: "handle used after its release"}
	ErrIterating   error = &Error{Msg: "key is being iterated over"}
	ErrBadValue    error = &Error{Msg: "value cannot be loaded by the module of its type"}
)

// Blocked clients and goroutines.
var (
	ErrBlockDenied error = &Error{Msg: "the client cannot be blocked here"}
	ErrNotServed   error = &Error{Msg: "the blocked client was not served"} // for BlockOptions.Reply to return
	ErrLocked      error = &Error{Msg: "a callback has the execution lock already"}
	ErrBusy        error = &Error{Msg: "the execution lock is taken"} // Background.TryDo
	ErrStopped     error = &Error{Msg: "the module is being unloaded or the server ends"}
	ErrPanic       error = &Error{Msg: "the function panicked"}
)

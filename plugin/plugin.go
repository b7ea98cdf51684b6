package plugin

// Ctx is what a module callback can ask of the host. It is valid until the callback it was passed to returns, and only
// on the goroutine of that callback. Afterwards its methods fail with ErrStale, or ErrNoClient for replies, as long as no other
// callback uses the same memory: then what they do is done in the name of that one, without the lock if on another goroutine.
//
// Only the host implements it: later versions add methods.
type Ctx interface {
	Registration
	Strings
	Replies
	Calls
	Replication
	Keyspace
	Blocking
	Goroutines
	Invocation
	Positions
	Memory
	Types
}

type (
	// OnLoadFunc is the type of the symbol OnLoad, which every module exports. args are the words after the file
	// name of MODULE LOAD or of the loadmodule directive. An error makes the load fail and undoes what was registered.
	OnLoadFunc = func(ctx Ctx, args []String) error

	// OnUnloadFunc is the type of the symbol OnUnload, which a module may export. An error keeps the module loaded.
	OnUnloadFunc = func(ctx Ctx) error

	// Handler implements a command. args[0] is the command's name as the client wrote it.
	Handler = func(ctx Ctx, args []String) error
)

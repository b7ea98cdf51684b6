package host

import (
	"time"

	"datastore/plugin"
	"datastore/server/command"
)

// Server is what modules need of the server that runs them. All methods but Locked, TryLocked, Log, BlockedDue
// and Wake are called under the execution lock.
type Server interface {
	// Locked runs f under the execution lock, as a unit of its own whose effects are sent when f returns.
	Locked(f func())
	// Context returns the one context that commands run with.
	Context() *command.Ctx
	// Table returns the commands in force.
	Table() *command.Table
	// Register puts a table with these commands of modules, beside the built-in ones, in force. It fails, and changes
	// nothing, when a name is taken.
	Register(modules []command.Command) error
	// Call runs a command inside the running unit; its reply is appended to the context's writer. Its errors are not
	// counted by their codes.
	Call(cl *command.Client, cmd *command.Command, args [][]byte)
	// KeyTouched makes a key count as changed for WATCH.
	KeyTouched(db int, key []byte)
	// OutOfMemory returns the error reply for a command that needs memory when maxmemory is reached, else nil.
	OutOfMemory() *command.Error
	// Unfit returns the error reply for a command that the server's role or disk does not admit from such a client, else nil.
	Unfit(cl *command.Client, cmd *command.Command) *command.Error
	// State returns the context flags that are about the server and a client of it.
	State(cl *command.Client) plugin.CtxFlags
	// CountChange counts what a handler replicates as a change for the save points.
	CountChange()
	// NoteLatency notes that an event took d, if that is long enough.
	NoteLatency(event string, d time.Duration)
	// CountError counts an error reply that a handler has written itself, by its code unless the handler was called, and
	// as a failure of cmd unless that is nil.
	CountError(cmd *command.Command, text string)
	// Log writes a line to the daemon's log; it may be called from any goroutine.
	Log(level plugin.LogLevel, line string)
	Blocker
}

// Blocker is the part of a server that suspends clients and lets modules in that no command has called.
type Blocker interface {
	// TryLocked is Locked, unless the lock is taken.
	TryLocked(f func()) bool
	// Loading reports whether the dataset is being loaded.
	Loading() bool
	// Unit runs f as a unit of its own, whose effects are sent when f returns. It is called outside of another one.
	Unit(f func())
	// Suspend keeps the client of the running command from executing others until Resume. w is told what ends its wait
	// otherwise; timeoutMs is the time that it has, 0 for any.
	Suspend(cl *command.Client, cmd *command.Command, timeoutMs int64, w Waiting)
	// Resume lets a suspended client go on, and moves the bytes from begin on of the context's writer to it. The times
	// count as time of the command: what the module has measured, and what its callback took.
	Resume(cl *command.Client, begin int, measured, callback time.Duration)
	// ObserveKeys switches the calls of Modules.KeyChanging on and off.
	ObserveKeys(on bool)
	// BlockedDue has Modules.ServeBlocked called after the unit, or in the driver's next turn; from any goroutine.
	BlockedDue()
	// Wake makes the driver turn; from any goroutine.
	Wake()
}

// Waiting is a suspended client as the server knows it. The methods run no module code.
type Waiting interface {
	// TimedOut says that its time is over.
	TimedOut()
	// MayTimeOut reports whether TimedOut has an effect.
	MayTimeOut() bool
	// Unblocked says that the server has answered the client and lets it go on.
	Unblocked()
	// Gone says that the connection was closed.
	Gone()
}

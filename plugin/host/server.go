package host

import (
	"time"

	"datastore/plugin"
	"datastore/server/command"
)

// Server is what modules need of the server that runs them. All methods but Locked and Log are called under the
// execution lock.
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
}

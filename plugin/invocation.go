package plugin

import "time"

// LogLevel names a level of the daemon's log.
type LogLevel string

// Log levels, from the most to the least talkative.
const (
	Debug   LogLevel = "debug"
	Verbose LogLevel = "verbose"
	Notice  LogLevel = "notice"
	Warning LogLevel = "warning"
)

// Invocation tells about the callback that is running.
type Invocation interface {
	// Module returns the name given to Init, "" before it.
	Module() string

	// Command returns the name the running command was registered with; "" outside a command.
	Command() string

	// ClientID returns the number CLIENT ID answers to the client; 0 without a client.
	ClientID() uint64

	// Now returns the time at which the unit began; it stands still until the unit ends.
	Now() time.Time

	// Log writes a line, formatted as by fmt.Sprintf, to the daemon's log under the module's name. An unknown level
	// is taken for Verbose.
	Log(level LogLevel, format string, args ...any)
}

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

// CtxFlags tell what surrounds a callback and what the server is doing.
type CtxFlags uint64

// Context flags. Those for what the daemon does not have yet, such as scripts and cluster mode, are never set.
const (
	FlagScript              CtxFlags = 1 << iota // a script is running the command
	FlagMulti                                    // the command runs inside EXEC
	FlagMaster                                   // the server is a primary
	FlagReplica                                  // the server is a replica
	FlagReadOnly                                 // it is a replica that refuses writes of clients
	FlagCluster                                  // cluster mode is on
	FlagAOF                                      // the append-only file is on
	FlagRDB                                      // snapshots are taken by themselves ("save")
	FlagMaxmemory                                // there is a limit on memory
	FlagEvict                                    // the policy for reaching it is to evict keys
	FlagOOM                                      // it has been reached
	FlagOOMWarning                               // less than a quarter of it is left
	FlagReplicated                               // the command comes from the primary
	FlagLoading                                  // the server is loading its dataset
	FlagReplicaStale                             // the link to the primary is not up
	FlagReplicaConnecting                        // it is being established
	FlagReplicaTransferring                      // the dataset is being received
	FlagReplicaOnline                            // the link is up
	FlagActiveChild                              // a background save is running
	FlagMultiDirty                               // the EXEC will fail, because a watched key has changed
	FlagIsChild                                  // this is the process of a background save
	FlagDenyBlocking                             // the client cannot be blocked here
	FlagRESP3                                    // the client speaks RESP3
	FlagAsyncLoading                             // a dataset is loaded beside the one that is served
	FlagServerStartup                            // the server is starting
)

// Invocation tells about the callback that is running.
//
// Rules MSC-1, MSC-3, CLI-1, CLI-2.
type Invocation interface {
	// Module returns the name given to Init, "" before it.
	Module() string

	// Command returns the name the running command was registered with, in lower case and "parent|name" for a subcommand;
	// "" outside a command.
	Command() string

	// ClientID returns the number CLIENT ID answers to the client, which is never given twice; 0 without a client, and
	// math.MaxUint64 for the append-only file that is being loaded.
	ClientID() uint64

	// Flags tells what surrounds the callback and what the server is doing.
	Flags() CtxFlags

	// Now returns the time at which the unit began; it stands still until the unit ends. For the real time, and for
	// durations, which no change of the clock disturbs, use time.Now and time.Since.
	Now() time.Time

	// RandomBytes fills dst from a cryptographic generator. What depends on it must be replicated by its effects.
	RandomBytes(dst []byte)

	// Log writes a line, formatted as by fmt.Sprintf, to the daemon's log, behind the module's name in angle brackets
	// ("<module>" before Init). An unknown level is taken for Verbose. Line breaks become spaces.
	Log(level LogLevel, format string, args ...any)

	// Latency notes for the LATENCY commands that event took d, unless that is less than latency-monitor-threshold or the
	// monitor is off. Of several within a second the longest counts. A module has 64 names of events; more, and names that
	// are empty or have spaces or control characters, are a misuse.
	Latency(event string, d time.Duration)
}

package servertest

import "errors"

// Decoding.
var (
	// ErrProtocol marks bytes that are not a RESP reply.
	ErrProtocol = errors.New("not a RESP reply")
)

// Scripts.
var (
	// ErrQuoting is answered for a command line whose quotes do not balance.
	ErrQuoting = errors.New("unbalanced quotes")
	// ErrDirective is answered for a directive of a script with a wrong argument.
	ErrDirective = errors.New("bad directive")
)

// Processes.
var (
	// ErrNotReady is answered when a server did not answer PING in time or ended before it did.
	ErrNotReady = errors.New("server did not become ready")
	// ErrBuild is answered when the daemon does not build; it carries the compiler's output.
	ErrBuild = errors.New("building the daemon")
)

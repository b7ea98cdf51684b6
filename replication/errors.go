package replication

import "errors"

// Errors of a link to a primary.
var (
	// ErrStopped ends Follow: the server follows somebody else now, or nobody.
	ErrStopped = errors.New("replication stopped")
	// ErrRefused wraps an error reply of the primary during the handshake.
	ErrRefused = errors.New("primary refused")
	// ErrProtocol marks bytes that are no reply, no payload or no stream of units.
	ErrProtocol = errors.New("replication protocol violation")
	// ErrPayload marks a snapshot that was refused: not an RDB file, damaged, or longer than what it describes.
	ErrPayload = errors.New("snapshot refused")
	// ErrForbiddenAddr refuses a primary whose address no server should be made to connect to.
	ErrForbiddenAddr = errors.New("link-local addresses are not allowed for a primary")
)

// Errors of a link to a replica.
var (
	// ErrClosed is the end of a Sender that was closed by its owner.
	ErrClosed = errors.New("replica link closed")
	// ErrNoReplica is the end of a Sender whose replica took no bytes within the timeout.
	ErrNoReplica = errors.New("replica does not read")
)

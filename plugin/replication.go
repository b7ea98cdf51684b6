package plugin

// Replication decides what the append-only file and the replicas receive for this command. Several effects of one unit
// arrive as one MULTI/EXEC block. See the package documentation for commands that use none of this.
//
// Rules RPL-1 to RPL-9.
type Replication interface {
	// Replicate sends a command, written as for Calls.Call, without running it here. Its number of arguments is not
	// checked. "A" and "R" restrict who gets it, as for Calls.Call; the other modifiers are accepted and mean nothing.
	//
	// Errors: ErrBadFormat, ErrCommandNotFound, ErrTooLarge.
	Replicate(cmd, format string, args ...any) error

	// ReplicateArgs is Replicate with arguments that the compiler checks. Its errors are those of Replicate without
	// ErrBadFormat.
	ReplicateArgs(cmd string, opt CallOpt, args ...Arg) error

	// ReplicateVerbatim sends the running command as the client sent it. Replicas and the replay of the append-only
	// file then need this module: without it a replica ends the link, and the daemon does not start. It fails with
	// ErrNoClient outside a command.
	ReplicateVerbatim() error
}

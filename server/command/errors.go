package command

import (
	"bytes"
	"strings"
)

// Error is an error reply: the text after "-", its code included.
type Error struct{ Text string }

// Error returns the text of the reply without the leading "-".
func (e *Error) Error() string { return e.Text }

// Errorf returns an error reply with that text; for texts that carry an argument of the client.
func Errorf(text string) *Error { return &Error{text} }

// Errors that clients see, equal to Redis byte for byte.
var (
	ErrSyntax          = &Error{"ERR syntax error"}
	ErrWrongType       = &Error{"WRONGTYPE Operation against a key holding the wrong kind of value"}
	ErrNotInteger      = &Error{"ERR value is not an integer or out of range"}
	ErrNotFloat        = &Error{"ERR value is not a valid float"}
	ErrOutOfRange      = &Error{"ERR value is out of range"}
	ErrMustBePositive  = &Error{"ERR value is out of range, must be positive"}
	ErrIndexOutOfRange = &Error{"ERR index out of range"}
	ErrNoKey           = &Error{"ERR no such key"}
	ErrOverflow        = &Error{"ERR increment or decrement would overflow"}
	ErrNaNOrInf        = &Error{"ERR increment would produce NaN or Infinity"}
	ErrTooLong         = &Error{"ERR string exceeds maximum allowed size (proto-max-bulk-len)"}
	ErrSameObject      = &Error{"ERR source and destination objects are the same"}
	ErrInvalidCursor   = &Error{"ERR invalid cursor"}
	ErrDBRange         = &Error{"ERR DB index is out of range"}
	ErrInvalidDB       = &Error{"ERR invalid DB index"}
)

// ErrArity returns the error for a wrong number of arguments.
func ErrArity(fullName string) *Error {
	return &Error{"ERR wrong number of arguments for '" + fullName + "' command"}
}

// ErrUnknownSub returns the error of a container for a subcommand that it does not have.
func ErrUnknownSub(container string, sub []byte) *Error {
	return &Error{"ERR unknown subcommand '" + Clip(sub, 128) + "'. Try " + container + " HELP."}
}

// maxUnknownBytes bounds what the error for an unknown command quotes of the name, and of the arguments.
const maxUnknownBytes = 128

// Unknown returns the error for a command or subcommand that is not in the table.
func (t *Table) Unknown(args [][]byte) *Error {
	if container := t.Find(args[0]); container != nil && container.HasSubs() {
		if len(args) == 1 {
			return ErrArity(container.Name)
		}
		return ErrUnknownSub(strings.ToUpper(container.Name), args[1])
	}
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= maxUnknownBytes {
			break
		}
		b.WriteString("'" + Clip(a, maxUnknownBytes-b.Len()) + "' ")
	}
	return &Error{"ERR unknown command '" + Clip(args[0], maxUnknownBytes) + "', with args beginning with: " + b.String()}
}

// Clip returns at most n bytes of an argument for an error text; like Redis it ends at a NUL byte.
func Clip(b []byte, n int) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b[:min(len(b), max(n, 0))])
}

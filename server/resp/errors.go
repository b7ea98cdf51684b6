package resp

import "errors"

// ProtocolError is a request that no byte that may follow can repair. Its text
// is what follows "-ERR " in the reply; the connection must be closed after it.
type ProtocolError string

func (e ProtocolError) Error() string { return string(e) }

// Errors of Parser.Next. One more has no constant because it quotes the
// offending byte: "Protocol error: expected '$', got 'x'".
const (
	ErrMultibulkLength       ProtocolError = "Protocol error: invalid multibulk length"
	ErrBulkLength            ProtocolError = "Protocol error: invalid bulk length"
	ErrUnauthMultibulkLength ProtocolError = "Protocol error: unauthenticated multibulk length"
	ErrUnauthBulkLength      ProtocolError = "Protocol error: unauthenticated bulk length"
	ErrInlineTooBig          ProtocolError = "Protocol error: too big inline request"
	ErrMultibulkCountTooBig  ProtocolError = "Protocol error: too big mbulk count string"
	ErrBulkCountTooBig       ProtocolError = "Protocol error: too big bulk count string"
	ErrUnbalancedQuotes      ProtocolError = "Protocol error: unbalanced quotes in request"
)

// Errors of Decode.
var (
	// ErrIncomplete: the buffer ends inside a reply; read more and decode again.
	ErrIncomplete = errors.New("resp: incomplete reply")
	// ErrMalformed: the buffer does not hold a RESP2 or RESP3 reply.
	ErrMalformed = errors.New("resp: malformed reply")
	// ErrTooDeep: the reply nests deeper than MaxDepth.
	ErrTooDeep = errors.New("resp: reply is nested too deeply")
	// ErrTooLong: a length is announced that exceeds MaxReplyBytes.
	ErrTooLong = errors.New("resp: reply is too long")
)

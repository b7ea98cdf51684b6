package plugin

// Postponed, as the length of a collection, opens one whose length is set after its elements.
const Postponed = -1

// Replies writes the command's reply, in the protocol version of the client. A handler writes exactly one reply, which
// may be a collection of any depth.
//
// Every method fails with ErrNoClient in a context that has no client, such as that of OnLoad, and has no effect then.
// The result is meant to be returned by the handler: return ctx.ReplyInt(n). Buffers may be reused at once.
type Replies interface {
	// WrongArity replies "ERR wrong number of arguments for 'NAME' command". CommandSpec.Arity does it unasked.
	WrongArity() error

	// ReplyInt replies an integer.
	ReplyInt(n int64) error

	// ReplyError replies an error. msg starts with the error code and has no "-" before it. Line breaks become spaces.
	ReplyError(msg string) error

	// ReplyErrorf is ReplyError with a format as of fmt.Sprintf.
	ReplyErrorf(format string, args ...any) error

	// ReplyStatus replies a simple string such as "OK". Line breaks become spaces.
	ReplyStatus(msg string) error

	// ReplyBulk replies a binary-safe string.
	ReplyBulk(b []byte) error

	// ReplyText is ReplyBulk of a Go string, binary-safe too.
	ReplyText(s string) error

	// ReplyString is ReplyBulk of a String. A missing String replies as an empty one.
	ReplyString(s String) error

	// ReplyArray opens an array; the next n replies are its elements. With Postponed, SetArrayLen closes it. Any
	// other negative n fails with ErrInvalid. An array that is incomplete when the handler returns is a misuse: it is
	// filled up with nulls and logged.
	ReplyArray(n int) error

	// SetArrayLen closes the innermost open postponed array, which must have got exactly n elements since. It fails
	// with ErrReplyShape, and has no effect, when none is open or the number of elements is another one.
	SetArrayLen(n int) error

	// ReplyEmptyArray replies an array without elements.
	ReplyEmptyArray() error

	// ReplyNullArray replies the null array, which RESP3 does not tell from null.
	ReplyNullArray() error

	// ReplyNull replies null.
	ReplyNull() error

	// ReplyEmptyString replies a string of length 0.
	ReplyEmptyString() error

	// ReplyFloat replies a double; RESP2 clients get it as a string. Infinities are "inf" and "-inf".
	ReplyFloat(v float64) error

	// ReplyReply passes on what Call returned, as it is. It fails with ErrStale after r.Free.
	ReplyReply(r *Reply) error

	// Replied tells whether this callback has written anything.
	Replied() bool
}

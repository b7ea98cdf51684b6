package plugin

// Postponed, as the length of a collection, opens one whose length is set after its elements.
const Postponed = -1

// Replies writes the command's reply, in the protocol version of the client. A handler writes exactly one reply, which
// may be a collection of any depth.
//
// Every method fails with ErrNoClient in a context that has no client, such as that of OnLoad, and has no effect then.
// The result is meant to be returned by the handler: return ctx.ReplyInt(n). Buffers may be reused at once.
//
// What a handler leaves wrong is repaired when it returns, logged and counted, so that the connection stays in step: what is
// missing in a collection becomes nulls, and of several replies the client gets the first.
//
// Rules REP-1 to REP-10.
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
	// filled up with nulls and logged. Collections of all kinds nest in each other and follow these rules.
	ReplyArray(n int) error

	// ReplyMap opens a map of n pairs; the next 2n replies are keys and values in turn. RESP2 clients get an array of
	// 2n elements. With Postponed, SetMapLen closes it.
	ReplyMap(n int) error

	// ReplySet opens a set of n elements, an array for RESP2 clients. Nobody checks that they differ. With Postponed,
	// SetSetLen closes it.
	ReplySet(n int) error

	// ReplyAttribute opens n pairs, as ReplyMap does, that tell something about the reply that follows them; they are
	// no reply themselves and no element of the collection they stand in. With Postponed, SetAttributeLen closes it.
	// A reply has one attribute at most: a second one fails with ErrReplyShape and has no effect. For RESP2 clients,
	// which do not know attributes, it fails with ErrRESP2 and has no effect: leave the pairs out.
	ReplyAttribute(n int) error

	// SetArrayLen closes the innermost open collection, which must be a postponed array that has got exactly n elements
	// since. It fails with ErrReplyShape, and has no effect, when that is not so.
	SetArrayLen(n int) error

	// SetMapLen is SetArrayLen for a postponed map that has got n pairs.
	SetMapLen(n int) error

	// SetSetLen is SetArrayLen for a postponed set.
	SetSetLen(n int) error

	// SetAttributeLen is SetArrayLen for a postponed attribute that has got n pairs.
	SetAttributeLen(n int) error

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

	// ReplyBool replies a boolean; RESP2 clients get the integer 1 or 0.
	ReplyBool(v bool) error

	// ReplyBigNumber replies an integer of any size, given in decimal with an optional sign; RESP2 clients get it as a
	// string. It fails with ErrInvalid for anything else.
	ReplyBigNumber(decimal string) error

	// ReplyVerbatim replies a text with its format, three letters such as "txt" or "mkd": a shorter one is filled up with
	// spaces, a longer one cut. RESP2 clients get the text as a string.
	ReplyVerbatim(text []byte, format string) error

	// ReplyReply passes on what Call returned, as it is: the reply to a call in RESP2 reaches a RESP3 client in RESP2.
	//
	// Errors: ErrStale after r.Free; ErrInvalid for an attribute, which is no reply; ErrRESP2 when r has a part that only
	// RESP3 knows and the client speaks RESP2; ErrTooLarge where collections would be nested deeper than clients decode.
	ReplyReply(r *Reply) error

	// Replied tells whether this callback has written anything.
	Replied() bool
}

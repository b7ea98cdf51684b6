package plugin

// KeyFlags say what a command does to a key. Exactly one of KeyRO, KeyRW, KeyOW and KeyRM is set, unless KeyNotKey is.
type KeyFlags uint32

// What happens to the value as a whole.
const (
	KeyRO KeyFlags = 1 << iota // it is read
	KeyRW                      // it is read and changed
	KeyOW                      // it is overwritten
	KeyRM                      // it is removed
)

// What happens to the data in the value, and what is known about the key.
const (
	KeyAccess        KeyFlags = 1 << (iota + 4) // data is returned, copied or used
	KeyUpdate                                   // data is changed, in a way that depends on what was there
	KeyInsert                                   // data is added, whatever was there
	KeyDelete                                   // data is removed
	KeyNotKey                                   // it is no key, but is routed like one
	KeyIncomplete                               // the specification misses some of the keys
	KeyVariableFlags                            // the flags depend on the arguments
)

// Positions tell where a command's keys are, for commands whose flags include getkeys-api. Such a command is asked by running
// its handler with the arguments in question, whenever COMMAND GETKEYS, an access control list or a call needs to know:
//
//	func eval(ctx plugin.Ctx, args []plugin.String) error {
//		if ctx.IsKeysPositionRequest() {
//			ctx.KeyAtPos(2)
//			return nil
//		}
//		...
//
// The arguments have the right number by then and may be wrong in any other way. While asked, the handler has nothing to
// reply to and nothing to work on: replies fail with ErrNoClient, keys, calls and goroutines with ErrKeysRequest.
//
// Rules POS-1 to POS-3.
type Positions interface {
	// IsKeysPositionRequest tells whether the handler is asked for positions instead of being run.
	IsKeysPositionRequest() bool

	// KeyAtPos reports that args[pos] is a key, of which nothing else is known: it may be read and changed. The order of
	// the calls is kept. It does nothing for a pos below 1 and when positions are not asked for; a pos beyond the
	// arguments is a misuse.
	KeyAtPos(pos int)

	// KeyAtPosFlags is KeyAtPos with what the command does to the key. Flags that make no sense are a misuse; KeyAtPos's
	// are taken then.
	KeyAtPosFlags(pos int, f KeyFlags)
}

// Package command owns what a command is: the literal that describes it, the table it is looked up in, the context its
// handler works with, and the errors that clients see. It knows neither sockets nor files: a Ctx is filled and its
// effects are carried away by package server.
package command

import (
	"sync/atomic"

	"datastore/server/latency"
)

// Handler runs a command under the execution lock. It reads c.Args, works on c.DB and writes exactly one reply to c.W.
// An error that it returns becomes the error reply; nothing may have been written to c.W then.
type Handler func(c *Ctx) error

// Flags say how a command behaves; the names are those of COMMAND INFO.
type Flags uint32

// Command flags.
const (
	Write           Flags = 1 << iota // may change the keyspace
	ReadOnly                          // never changes the keyspace
	DenyOOM                           // refused when maxmemory is reached
	Admin                             // administration
	PubSub                            // publish and subscribe
	NoScript                          // refused in scripts
	Blocking                          // may block the client
	Loading                           // allowed while a dataset is being loaded
	Stale                             // allowed on a replica with stale data
	SkipMonitor                       // not shown to MONITOR
	SkipSlowlog                       // not shown in the slow log
	Fast                              // O(1) or O(log N)
	NoAuth                            // allowed before authentication
	MayReplicate                      // may replicate although it is no write
	NoAsyncLoading                    // refused during an asynchronous load
	NoMulti                           // refused inside MULTI
	AllowBusy                         // allowed while a script or module blocks the server
	NoMandatoryKeys                   // its keys are optional
	MovableKeys                       // its key positions depend on its arguments
	Module                            // registered by a module
	SkipQueue                         // inside MULTI it runs at once instead of being queued
	Guarded                           // needs a directive's permission (DEBUG, MODULE)
	SysCmd                            // meant for servers and tests rather than for clients; shown by COMMAND DOCS only
)

// FlagName pairs a flag with its name in COMMAND INFO.
type FlagName struct {
	Flag Flags
	Name string
}

// FlagNames lists the flags that COMMAND INFO shows, in its order.
func FlagNames() []FlagName {
	return []FlagName{
		{Write, "write"}, {ReadOnly, "readonly"}, {DenyOOM, "denyoom"}, {Module, "module"}, {Admin, "admin"},
		{PubSub, "pubsub"}, {NoScript, "noscript"}, {Blocking, "blocking"}, {Loading, "loading"}, {Stale, "stale"},
		{SkipMonitor, "skip_monitor"}, {SkipSlowlog, "skip_slowlog"}, {Fast, "fast"}, {NoAuth, "no_auth"},
		{MayReplicate, "may_replicate"}, {NoMandatoryKeys, "no_mandatory_keys"}, {NoAsyncLoading, "no_async_loading"},
		{NoMulti, "no_multi"}, {MovableKeys, "movablekeys"}, {AllowBusy, "allow_busy"},
	}
}

// KeyFlags say what a command does to the keys of a KeySpec; the names are those of COMMAND INFO.
type KeyFlags uint16

// Key flags.
const (
	RW KeyFlags = 1 << iota
	RO
	OW
	RM
	Access
	Update
	Insert
	Delete
	NotKey
	Incomplete
	VariableFlags
)

// KeySpec finds keys among the arguments in two steps: where to begin, and which arguments from there are keys.
type KeySpec struct {
	Flags KeyFlags
	Notes string

	Index     int    // begin at this argument (the command name is 0)
	Keyword   string // begin after this keyword instead, searched from StartFrom (negative: backwards from the end)
	StartFrom int

	LastKey int // range: last key relative to the begin, negative relative to the last argument
	Step    int // range and key number: distance between keys; 0 means 1
	Limit   int // range: with LastKey -1, stop after 1/Limit of the remaining arguments

	KeyNum      bool // the keys are counted by an argument
	KeyNumIndex int  // its position relative to the begin
	FirstKey    int  // position of the first key relative to the begin

	UnknownBegin, UnknownFind bool // positions cannot be described; Command.GetKeys finds them
}

// KeyAt is a key among the arguments of a command, and what it does to that key.
type KeyAt struct {
	Pos   int
	Flags KeyFlags
}

// ArgKind is the type of an argument in COMMAND DOCS.
type ArgKind uint8

// Argument kinds.
const (
	ArgString ArgKind = iota
	ArgInteger
	ArgDouble
	ArgKey
	ArgPattern
	ArgUnixTime
	ArgPureToken
	ArgOneOf
	ArgBlock
)

// String returns the name that COMMAND DOCS uses.
func (k ArgKind) String() string {
	return [...]string{"string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"}[k]
}

// Arg documents one argument.
type Arg struct {
	Name          string
	Kind          ArgKind
	Token         string
	Summary       string
	Since         string
	Deprecated    string // version since which it is deprecated, or ""
	KeySpec       int    // index into Command.Keys, meaningful for ArgKey
	Optional      bool
	Multiple      bool
	MultipleToken bool
	Args          []Arg // of ArgOneOf and ArgBlock
}

// Change is one line of a command's history.
type Change struct{ Since, What string }

// Command is one command or subcommand: a literal that every check, COMMAND's replies and the documentation are read from.
type Command struct {
	Name       string // lower case
	Arity      int    // number of arguments with the name; negative: at least that many
	Flags      Flags
	ACL        []string // categories beyond those that flags and group imply, without "@"
	Keys       []KeySpec
	Group      string // "string", "list", "generic", …
	Since      string
	Summary    string
	Complexity string
	Tips       []string
	History    []Change
	Args       []Arg
	Deprecated string // version since which it is deprecated, or ""
	ReplacedBy string
	Subs       []Command
	Handler    Handler                                  // nil for a container
	GetKeys    func(args [][]byte, dst []KeyAt) []KeyAt // appends the keys where Keys cannot describe them; none is a failure
	KeyFlags   func(args [][]byte) KeyFlags             // what it does to the keys of a KeySpec with VariableFlags

	// Element is the position of the first field or member of the collection at the first key, ElementStep the distance to
	// the next, 0 for a single one. They are for prefetching and need not be right for all options; 0 for none.
	Element, ElementStep int

	Secret func(args [][]byte, i int) bool // whether logs must not show argument i; nil for none

	ModuleName string // module that registered it, or ""
	parent     *Command
	full       string
	upper      string // Name in upper case, as most clients send it
	categories []string
	subs       map[string]*Command
	first      int // legacy key triple of COMMAND
	last       int
	step       int
	collection bool
	Stats      *Stats
}

// Stats counts the executions of one command; written under the execution lock, read by INFO and LATENCY.
type Stats struct {
	Calls, Rejected, Failed int64
	Nanos                   int64
	Latency                 latency.Histogram // of the calls while latency-tracking was on
}

// Parent returns the container of a subcommand, or nil.
func (c *Command) Parent() *Command { return c.parent }

// FullName returns "name" or "container|name".
func (c *Command) FullName() string { return c.full }

// Is reports whether all flags of f are set.
func (c *Command) Is(f Flags) bool { return c.Flags&f == f }

// Any reports whether one of the flags of f is set.
func (c *Command) Any(f Flags) bool { return c.Flags&f != 0 }

// ArityOK reports whether n arguments, the name included, are acceptable.
func (c *Command) ArityOK(n int) bool {
	if c.Arity >= 0 {
		return n == c.Arity
	}
	return n >= -c.Arity
}

// Sub returns the subcommand of that name (any case), or nil.
func (c *Command) Sub(name []byte) *Command {
	if c.subs == nil {
		return nil
	}
	var buf [64]byte
	return c.subs[string(lower(buf[:0], name))]
}

// HasSubs reports whether c is a container.
func (c *Command) HasSubs() bool { return c.subs != nil }

// KeyRange returns the first and last key position and the step, as COMMAND shows them; zeros without keys.
func (c *Command) KeyRange() (first, last, step int) { return c.first, c.last, c.step }

// OnCollection reports whether c is about lists, hashes, sets or sorted sets, which many commands in a row are often about.
func (c *Command) OnCollection() bool { return c.collection }

// OnOneKey reports whether c has one key, whatever its arguments.
func (c *Command) OnOneKey() bool { return c.first > 0 && c.first == c.last }

// Table is the immutable set of commands in force; the server swaps it as a whole when modules come and go.
type Table struct {
	list  []*Command
	slots []*Command // open addressing by hash of the lower-case name
	mask  uint32
}

// Current is an atomic holder of the table in force.
type Current = atomic.Pointer[Table]

package plugin

import "strconv"

// Calls runs commands of the daemon and of other modules.
type Calls interface {
	// Call runs a command in the current database and returns its reply in RESP2.
	//
	// Each letter of format takes one argument:
	//
	//	c  string    b  []byte    s  String    l  any integer type    v  []String, which becomes several arguments
	//
	// "!" among the letters replicates the command: its effects go to the append-only file and to replicas.
	// Without it nothing below the call is replicated by it.
	//
	// A command that fails, with WRONGTYPE for example, is no error of Call: the reply is of type ErrorReply.
	//
	// Errors, all of them before anything has run: ErrBadFormat for an unknown letter, a wrong number or type of
	// arguments; ErrCommandNotFound; ErrArity; ErrOpenKeyBusy when the command's keys include one that this callback
	// holds open, where at least one of the two writes. errors.Is(err, ErrInvalid) holds for the first three.
	Call(cmd, format string, args ...any) (*Reply, error)

	// Cmd starts a command in memory that belongs to the context: it allocates nothing in the long run. The result
	// is used up by Do and Replicate, and valid until the callback returns.
	Cmd(name string) *Cmd
}

// CallOpt are the modifiers of a call as bits.
type CallOpt uint32

// Repl is "!": the effects of the call go to the append-only file and to replicas.
const Repl CallOpt = 1 << 0

// CmdImpl is the host's side of Cmd.
type CmdImpl interface {
	RunCmd(c *Cmd) (*Reply, error)
	ReplicateCmd(c *Cmd) error
}

// Cmd is a command under construction; see Calls.Cmd. The fields are the host's: modules use the methods.
//
//	r, err := ctx.Cmd("INCRBY").With(plugin.Repl).Str(args[1]).Int(10).Do()
type Cmd struct {
	Impl CmdImpl
	Name string
	Opt  CallOpt
	Args []String // without the name

	digits []byte // of Int arguments; when it grows, earlier arguments keep the array they point into
}

// Reset makes c an empty command of impl and keeps its memory. It is for hosts.
func (c *Cmd) Reset(impl CmdImpl, name string) *Cmd {
	c.Impl, c.Name, c.Opt = impl, name, 0
	c.Args, c.digits = c.Args[:0], c.digits[:0]
	return c
}

// With adds modifiers.
func (c *Cmd) With(o CallOpt) *Cmd {
	c.Opt |= o
	return c
}

// Str appends an argument.
func (c *Cmd) Str(s String) *Cmd {
	c.Args = append(c.Args, s)
	return c
}

// Bytes appends an argument without a copy: b must not change before Do or Replicate has returned.
func (c *Cmd) Bytes(b []byte) *Cmd {
	c.Args = append(c.Args, String{b})
	return c
}

// Int appends a number in decimal.
func (c *Cmd) Int(n int64) *Cmd {
	start := len(c.digits)
	c.digits = strconv.AppendInt(c.digits, n, 10)
	c.Args = append(c.Args, String{c.digits[start:len(c.digits):len(c.digits)]})
	return c
}

// Strs appends any number of arguments.
func (c *Cmd) Strs(v ...String) *Cmd {
	c.Args = append(c.Args, v...)
	return c
}

// Do runs the command; errors as of Calls.Call, and ErrStale when c has been used up.
func (c *Cmd) Do() (*Reply, error) { return c.Impl.RunCmd(c) }

// Replicate sends the command to the append-only file and to replicas instead of running it; errors as of
// Replication.Replicate, and ErrStale when c has been used up.
func (c *Cmd) Replicate() error { return c.Impl.ReplicateCmd(c) }

package plugin

import (
	"reflect"
	"strconv"
)

// CmdImpl is the host's side of Cmd. Both methods return the error of Cmd.Err when there is one.
type CmdImpl interface {
	RunCmd(c *Cmd) (*Reply, error)
	ReplicateCmd(c *Cmd) error
}

// Cmd is a command under construction; see Calls.Cmd. The fields are the host's: modules use the methods.
//
//	r, err := ctx.Cmd("INCRBY").With(plugin.Repl).Str(args[1]).Int(10).Do()
//	r, err := ctx.Cmd("INCRBY").Format("!sl", args[1], 10).Do()
type Cmd struct {
	Impl CmdImpl
	Name string
	Opt  CallOpt
	Args []String // without the name

	text []byte // of arguments that came as numbers or string; when it grows, earlier ones keep the array they point into
	err  error
}

// maxCopied is the length of a string up to which it is copied into the command's own memory, which is kept for the next one.
const maxCopied = 256

// Reset makes c an empty command of impl and keeps its memory. It is for hosts.
func (c *Cmd) Reset(impl CmdImpl, name string) *Cmd {
	c.Impl, c.Name, c.Opt = impl, name, 0
	c.Args, c.text, c.err = c.Args[:0], c.text[:0], nil
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

// Text appends an argument.
func (c *Cmd) Text(s string) *Cmd {
	if len(s) > maxCopied {
		return c.Bytes([]byte(s))
	}
	return c.own(append(c.text, s...))
}

// Int appends a number in decimal.
func (c *Cmd) Int(n int64) *Cmd { return c.own(strconv.AppendInt(c.text, n, 10)) }

// own appends as an argument what text has more than c.text, which it continues.
func (c *Cmd) own(text []byte) *Cmd {
	start, end := len(c.text), len(text)
	c.text = text
	c.Args = append(c.Args, String{text[start:end:end]})
	return c
}

// Strs appends any number of arguments.
func (c *Cmd) Strs(v ...String) *Cmd {
	c.Args = append(c.Args, v...)
	return c
}

// Add appends any number of arguments.
func (c *Cmd) Add(args ...Arg) *Cmd {
	for i := range args {
		switch a := &args[i]; a.kind {
		case argNumber:
			c.Int(a.number)
		case argList:
			c.Strs(a.list...)
		default:
			c.Bytes(a.text)
		}
	}
	return c
}

// Format adds modifiers and appends arguments, both as the format of Calls.Call. Unlike Call it allocates nothing, but for a "c"
// of more than 256 bytes; text of "b", "s" and "v" is not copied and must not change before Do or Replicate has returned.
// ErrBadFormat is what Err, Do and Replicate return afterwards when format and args do not go together.
func (c *Cmd) Format(format string, args ...any) *Cmd {
	used := 0
	for i := range len(format) {
		letter := format[i]
		if letter < 'a' {
			o := modifier(letter)
			if o == 0 {
				return c.bad()
			}
			c.Opt |= o
			continue
		}
		if used == len(args) || !c.value(letter, args[used]) {
			return c.bad()
		}
		used++
	}
	if used != len(args) {
		return c.bad()
	}
	return c
}

func (c *Cmd) bad() *Cmd {
	c.err = ErrBadFormat
	return c
}

// modifier returns what a letter of a format stands for, 0 for one that is none.
func modifier(letter byte) CallOpt {
	switch letter {
	case '!':
		return Repl
	case 'A':
		return NoAOF
	case 'R':
		return NoReplicas
	case '3':
		return RESP3
	case '0':
		return RESPAuto
	case 'C':
		return AsUser
	case 'S':
		return ScriptMode
	case 'W':
		return NoWrites
	case 'M':
		return RespectOOM
	case 'E':
		return ErrorsAsReply
	case 'D':
		return DryRun
	case 'K':
		return AllowBlock
	}
	return 0
}

// value appends one argument of the type that the letter stands for.
func (c *Cmd) value(letter byte, arg any) bool {
	switch letter {
	case 's':
		if s, ok := arg.(String); ok {
			c.Str(s)
			return true
		}
	case 'b':
		if b, ok := arg.([]byte); ok {
			c.Bytes(b)
			return true
		}
	case 'c':
		if s, ok := arg.(string); ok {
			c.Text(s)
			return true
		}
	case 'l':
		return c.integer(arg)
	case 'v':
		if v, ok := arg.([]String); ok {
			c.Strs(v...)
			return true
		}
	}
	return false
}

// integer appends an integer of any type.
func (c *Cmd) integer(arg any) bool {
	switch n := arg.(type) {
	case int64:
		c.Int(n)
		return true
	case int:
		c.Int(int64(n))
		return true
	}
	switch v := reflect.ValueOf(arg); {
	case v.CanInt():
		c.Int(v.Int())
	case v.CanUint():
		c.own(strconv.AppendUint(c.text, v.Uint(), 10))
	default:
		return false
	}
	return true
}

// Err returns ErrBadFormat after a Format that failed, else nil.
func (c *Cmd) Err() error { return c.err }

// Do runs the command; errors as of Calls.Call, and ErrStale when c has been used up.
func (c *Cmd) Do() (*Reply, error) { return c.Impl.RunCmd(c) }

// Replicate sends the command to the append-only file and to replicas instead of running it; errors as of
// Replication.Replicate, and ErrStale when c has been used up.
func (c *Cmd) Replicate() error { return c.Impl.ReplicateCmd(c) }

package builtin

import (
	"strings"

	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/glob"
)

func dbsize(c *command.Ctx) error {
	c.W.Int(int64(c.DB.Len()))
	return nil
}

// checkFlushMode accepts SYNC and ASYNC, which make no difference here.
func checkFlushMode(c *command.Ctx) error {
	if len(c.Args) == 1 || len(c.Args) == 2 && (c.Is(1, "SYNC") || c.Is(1, "ASYNC")) {
		return nil
	}
	return command.ErrSyntax
}

// flushall is propagated even when there was nothing to delete, and so is flushdb: replicas are emptied as well.
func flushall(c *command.Ctx) error {
	if err := checkFlushMode(c); err != nil {
		return err
	}
	c.Store.FlushAll()
	c.Effects.Replace(c.Selected(), c.Args...)
	c.W.OK()
	return nil
}

func flushdb(c *command.Ctx) error {
	if err := checkFlushMode(c); err != nil {
		return err
	}
	c.DB.Flush()
	c.Effects.Replace(c.Selected(), c.Args...)
	c.W.OK()
	return nil
}

func keys(c *command.Ctx) error {
	pattern := c.Args[1]
	all := len(pattern) == 1 && pattern[0] == '*'
	mark, n := c.W.Deferred(), 0
	for e := range c.DB.All() {
		if key := e.Key(); all || glob.Match(pattern, key) {
			c.W.Bulk(key)
			n++
		}
	}
	c.W.SetDeferredArray(mark, n)
	return nil
}

func typeName(c *command.Ctx) error {
	c.W.Status(c.DB.Peek(c.Args[1]).TypeName())
	return nil
}

func exists(c *command.Ctx) error {
	n := 0
	for _, key := range c.Args[1:] {
		if c.DB.Exists(key) {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

func del(c *command.Ctx) error {
	n := 0
	for _, key := range c.Args[1:] {
		if c.DB.Delete(key) {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

func unlink(c *command.Ctx) error { return del(c) }

func touch(c *command.Ctx) error {
	n := 0
	for _, key := range c.Args[1:] {
		if c.DB.Lookup(key).Exists() {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

func randomkey(c *command.Ctx) error {
	e := c.DB.RandomKey(c.Rand.Uint64N)
	if !e.Exists() {
		c.W.Null()
		return nil
	}
	c.W.Bulk(e.Key())
	return nil
}

func rename(c *command.Ctx) error {
	if !c.DB.Rename(c.Args[1], c.Args[2]) {
		return command.ErrNoKey
	}
	c.W.OK()
	return nil
}

func renamenx(c *command.Ctx) error {
	if !c.DB.Exists(c.Args[1]) {
		return command.ErrNoKey
	}
	free := !c.DB.Exists(c.Args[2])
	if free {
		c.DB.Rename(c.Args[1], c.Args[2])
	}
	writeBool(&c.W, free)
	return nil
}

func copyKey(c *command.Ctx) error {
	dst, replace := c.DB, false
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "REPLACE"):
			replace = true
		case c.Is(i, "DB") && i+1 < len(c.Args):
			i++
			n, err := small(c, i)
			if err != nil {
				return err
			}
			if dst, err = database(c, n); err != nil {
				return err
			}
		default:
			return command.ErrSyntax
		}
	}
	if dst == c.DB && string(c.Args[1]) == string(c.Args[2]) {
		return command.ErrSameObject
	}
	copied, err := c.DB.CopyTo(dst, c.Args[1], c.Args[2], replace)
	if err != nil {
		return command.Errorf("ERR " + err.Error()) // of a module's type
	}
	writeBool(&c.W, copied)
	return nil
}

func move(c *command.Ctx) error {
	n, err := small(c, 2)
	if err != nil {
		return err
	}
	dst, err := database(c, n)
	if err != nil {
		return err
	}
	if dst == c.DB {
		return command.ErrSameObject
	}
	writeBool(&c.W, c.DB.MoveTo(dst, c.Args[1]))
	return nil
}

func swapdb(c *command.Ctx) error {
	i, err := small(c, 1)
	if err != nil {
		return errInvalidFirstDB
	}
	j, err := small(c, 2)
	if err != nil {
		return errInvalidSecondDB
	}
	n := c.Store.Databases()
	if i < 0 || j < 0 || i >= n || j >= n {
		return command.ErrDBRange
	}
	selected := c.Selected()
	c.Store.SwapDB(i, j)
	c.Effects.Swapped(i, j)
	c.Effects.Replace(selected, c.Args...)
	c.W.OK()
	return nil
}

func objectEncoding(c *command.Ctx) error {
	e := c.DB.Peek(c.Args[2])
	if !e.Exists() {
		c.W.Null()
		return nil
	}
	c.W.BulkString(e.Encoding())
	return nil
}

// Redis shares the objects of the integers below sharedIntegers; their reference count is a constant.
const (
	sharedIntegers = 10000
	sharedRefcount = 1<<31 - 1
)

func objectRefcount(c *command.Ctx) error {
	e := c.DB.Peek(c.Args[2])
	if !e.Exists() {
		c.W.Null()
		return nil
	}
	n := int64(1)
	if e.Type() == keyspace.TypeString {
		if v := e.Str(); v.IsInt() && v.Int >= 0 && v.Int < sharedIntegers {
			n = sharedRefcount
		}
	}
	c.W.Int(n)
	return nil
}

func objectIdletime(c *command.Ctx) error {
	e := c.DB.Peek(c.Args[2])
	if !e.Exists() {
		c.W.Null()
		return nil
	}
	c.W.Int(e.IdleSeconds())
	return nil
}

func objectFreq(c *command.Ctx) error {
	if !c.DB.Exists(c.Args[2]) {
		c.W.Null()
		return nil
	}
	return errLFU
}

// objectHelp lists the subcommands from their literals.
func objectHelp(c *command.Ctx) error {
	container := c.Cmd.Parent()
	c.W.Array(1 + 2*len(container.Subs))
	c.W.Status(strings.ToUpper(container.Name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for i := range container.Subs {
		sub := &container.Subs[i]
		line := strings.ToUpper(sub.Name)
		for _, a := range sub.Args {
			line += " <" + a.Name + ">"
		}
		c.W.Status(line)
		c.W.Status("    " + sub.Summary + ".")
	}
	return nil
}

package builtin

import (
	"math"

	"datastore/keyspace"
	"datastore/server/command"
)

func lpush(c *command.Ctx) error  { return push(c, keyspace.Head, false) }
func rpush(c *command.Ctx) error  { return push(c, keyspace.Tail, false) }
func lpushx(c *command.Ctx) error { return push(c, keyspace.Head, true) }
func rpushx(c *command.Ctx) error { return push(c, keyspace.Tail, true) }

func push(c *command.Ctx, end keyspace.End, mustExist bool) error {
	var l keyspace.List
	if err := l.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if l.Exists() || !mustExist {
		for _, val := range c.Args[2:] {
			l.Push(end, val)
		}
	}
	c.W.Int(int64(l.Len()))
	return nil
}

func lpop(c *command.Ctx) error { return pop(c, keyspace.Head) }
func rpop(c *command.Ctx) error { return pop(c, keyspace.Tail) }

func pop(c *command.Ctx, end keyspace.End) error {
	if len(c.Args) > 3 {
		return command.ErrArity(c.Cmd.FullName())
	}
	counted, count := len(c.Args) == 3, 1
	if counted {
		var err error
		if count, err = positive(c, 2); err != nil {
			return err
		}
	}
	var l keyspace.List
	err := l.Find(c.DB, c.Args[1])
	switch {
	case err != nil:
		return command.ErrWrongType
	case !l.Exists() && counted:
		c.W.NullArray()
		return nil
	case !l.Exists():
		c.W.Null()
		return nil
	case counted:
		count = min(count, l.Len())
		c.W.Array(count)
	}
	for range count {
		c.Scratch, _ = l.Pop(end, c.Scratch[:0])
		c.W.Bulk(c.Scratch)
	}
	return nil
}

func llen(c *command.Ctx) error {
	var l keyspace.List
	if err := l.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Int(int64(l.Len()))
	return nil
}

func lrange(c *command.Ctx) error {
	start, err := c.Int(2)
	if err != nil {
		return err
	}
	stop, err := c.Int(3)
	if err != nil {
		return err
	}
	var l keyspace.List
	if err := l.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	from, to := span(start, stop, l.Len())
	c.W.Array(to - from)
	if from == to {
		return nil
	}
	it := l.Iter(from, false)
	for range to - from {
		it.Next()
		writeValue(&c.W, it.Value())
	}
	return nil
}

func lindex(c *command.Ctx) error {
	var l keyspace.List
	if err := l.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if !l.Exists() {
		c.W.Null()
		return nil
	}
	i, err := c.Int(2)
	if err != nil {
		return err
	}
	v, ok := l.At(int(i))
	if !ok {
		c.W.Null()
		return nil
	}
	writeValue(&c.W, v)
	return nil
}

func lset(c *command.Ctx) error {
	var l keyspace.List
	if err := l.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if !l.Exists() {
		return command.ErrNoKey
	}
	i, err := c.Int(2)
	if err != nil {
		return err
	}
	if !l.Set(int(i), c.Args[3]) {
		return command.ErrIndexOutOfRange
	}
	c.W.OK()
	return nil
}

func linsert(c *command.Ctx) error {
	before := c.Is(2, "BEFORE")
	if !before && !c.Is(2, "AFTER") {
		return command.ErrSyntax
	}
	var l keyspace.List
	err := l.Find(c.DB, c.Args[1])
	switch {
	case err != nil:
		return command.ErrWrongType
	case !l.Exists():
		c.W.Int(0)
	case !l.InsertPivot(before, c.Args[3], c.Args[4]):
		c.W.Int(-1)
	default:
		c.W.Int(int64(l.Len()))
	}
	return nil
}

func lrem(c *command.Ctx) error {
	count, err := c.Int(2)
	if err != nil {
		return err
	}
	var l keyspace.List
	if err := l.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Int(int64(l.Remove(int(max(count, -math.MaxInt64)), c.Args[3])))
	return nil
}

func ltrim(c *command.Ctx) error {
	start, err := c.Int(2)
	if err != nil {
		return err
	}
	stop, err := c.Int(3)
	if err != nil {
		return err
	}
	var l keyspace.List
	if err := l.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if n := l.Len(); n > 0 {
		from, to := span(start, stop, n)
		l.Trim(from, to-1)
	}
	c.W.OK()
	return nil
}

package builtin

import (
	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/resp"
)

func hset(c *command.Ctx) error {
	created, err := setFields(c)
	if err != nil {
		return err
	}
	c.W.Int(int64(created))
	return nil
}

func hmset(c *command.Ctx) error {
	if _, err := setFields(c); err != nil {
		return err
	}
	c.W.OK()
	return nil
}

// setFields stores the pairs of HSET and returns how many fields are new.
func setFields(c *command.Ctx) (created int, err error) {
	if len(c.Args)%2 == 1 {
		return 0, command.ErrArity(c.Cmd.FullName())
	}
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return 0, command.ErrWrongType
	}
	for i := 2; i < len(c.Args); i += 2 {
		if h.Set(c.Args[i], c.Args[i+1]) {
			created++
		}
	}
	return created, nil
}

func hsetnx(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	missing := !h.Has(c.Args[2])
	if missing {
		h.Set(c.Args[2], c.Args[3])
	}
	writeBool(&c.W, missing)
	return nil
}

func hget(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	v, ok := h.Get(c.Args[2])
	if !ok {
		c.W.Null()
		return nil
	}
	writeValue(&c.W, v)
	return nil
}

func hmget(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Array(len(c.Args) - 2)
	for _, field := range c.Args[2:] {
		if v, ok := h.Get(field); ok {
			writeValue(&c.W, v)
		} else {
			c.W.Null()
		}
	}
	return nil
}

func hgetall(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Map(h.Len())
	for it := h.Iter(); it.Next(); {
		writeValue(&c.W, it.Field())
		writeValue(&c.W, it.Value())
	}
	return nil
}

func hkeys(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Array(h.Len())
	for it := h.Iter(); it.Next(); {
		writeValue(&c.W, it.Field())
	}
	return nil
}

func hvals(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Array(h.Len())
	for it := h.Iter(); it.Next(); {
		writeValue(&c.W, it.Value())
	}
	return nil
}

func hdel(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	n := 0
	for _, field := range c.Args[2:] {
		if h.Delete(field) {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

func hlen(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Int(int64(h.Len()))
	return nil
}

func hexists(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	writeBool(&c.W, h.Has(c.Args[2]))
	return nil
}

func hstrlen(c *command.Ctx) error {
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	n := 0
	if v, ok := h.Get(c.Args[2]); ok {
		n = v.Len()
	}
	c.W.Int(int64(n))
	return nil
}

func hincrby(c *command.Ctx) error {
	delta, err := c.Int(3)
	if err != nil {
		return err
	}
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	var n int64
	if v, ok := h.Get(c.Args[2]); ok {
		if n, ok = intOf(v); !ok {
			return errHashNotInteger
		}
	}
	sum := n + delta
	if (sum > n) != (delta > 0) {
		return command.ErrOverflow
	}
	h.Set(c.Args[2], scratchInt(c, sum))
	c.W.Int(sum)
	return nil
}

func hincrbyfloat(c *command.Ctx) error {
	delta, ok := resp.ParseLongDouble(c.Args[3])
	if !ok {
		return command.ErrNotFloat
	}
	var old resp.LongDouble
	if _, finite := old.Add(&delta); !finite {
		return errNaNOrInfinity
	}
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if v, found := h.Get(c.Args[2]); found {
		if old, ok = resp.ParseLongDouble(textOf(c, v)); !ok {
			return errHashNotFloat
		}
	}
	sum, ok := old.Add(&delta)
	if !ok {
		return command.ErrNaNOrInf
	}
	c.Scratch = resp.AppendLongDouble(c.Scratch[:0], &sum)
	h.Set(c.Args[2], c.Scratch)
	c.W.Bulk(c.Scratch)
	c.Effects.Replace(c.Selected(), []byte("HSET"), c.Args[1], c.Args[2], c.Scratch)
	return nil
}

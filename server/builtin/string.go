package builtin

import (
	"errors"
	"math"

	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/resp"
)

// writeStr replies with a string or a null.
func writeStr(c *command.Ctx, v keyspace.Value, exists bool) {
	if !exists {
		c.W.Null()
		return
	}
	c.Str(v)
}

// get also serves commands that write afterwards; all of them count as reads of the key.
func get(c *command.Ctx) error {
	c.Store.CountReads(true)
	v, exists, err := c.DB.Str(c.Args[1])
	if err != nil {
		return command.ErrWrongType
	}
	writeStr(c, v, exists)
	return nil
}

func getset(c *command.Ctx) error {
	if err := get(c); err != nil {
		return err
	}
	c.DB.SetStr(c.Args[1], c.Args[2])
	c.Effects.Replace(c.Selected(), []byte("SET"), c.Args[1], c.Args[2])
	return nil
}

func getdel(c *command.Ctx) error {
	if err := get(c); err != nil {
		return err
	}
	if c.DB.Delete(c.Args[1]) {
		effectDel(c)
	}
	return nil
}

// effectDel declares that the command has deleted its key.
func effectDel(c *command.Ctx) {
	c.Effects.Replace(c.Selected(), []byte("DEL"), c.Args[1])
}

func getex(c *command.Ctx) error {
	o, err := parseSetOptions(c, 2, true)
	if err != nil {
		return err
	}
	key := c.Args[1]
	c.Store.CountReads(true)
	v, exists, err := c.DB.Str(key)
	if err != nil {
		return command.ErrWrongType
	}
	if !exists {
		c.W.Null()
		return nil
	}
	if err := o.resolve(c); err != nil {
		return err
	}
	c.Str(v)
	switch {
	case o.persist:
		if c.DB.Persist(key) {
			c.Effects.Replace(c.Selected(), []byte("PERSIST"), key)
		}
	case !o.expires:
	case o.absolute && isPast(c, o.expireMs):
		c.DB.Delete(key)
		effectDel(c)
	default:
		c.DB.SetExpire(key, o.expireMs)
		c.Effects.Replace(c.Selected(), []byte("PEXPIREAT"), key, scratchInt(c, o.expireMs))
	}
	return nil
}

func mget(c *command.Ctx) error {
	c.W.Array(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		v, exists, _ := c.DB.Str(key) // what is no string is null
		writeStr(c, v, exists)
	}
	return nil
}

func mset(c *command.Ctx) error {
	if len(c.Args)%2 == 0 {
		return errMSetArity
	}
	for i := 1; i < len(c.Args); i += 2 {
		c.DB.SetStr(c.Args[i], c.Args[i+1])
	}
	c.W.OK()
	return nil
}

func msetnx(c *command.Ctx) error {
	if len(c.Args)%2 == 0 {
		return errMSetNXArity
	}
	for i := 1; i < len(c.Args); i += 2 {
		if c.DB.Exists(c.Args[i]) {
			c.W.Int(0)
			return nil
		}
	}
	for i := 1; i < len(c.Args); i += 2 {
		c.DB.SetStr(c.Args[i], c.Args[i+1])
	}
	c.W.Int(1)
	return nil
}

func incr(c *command.Ctx) error { return addInt(c, 1) }
func decr(c *command.Ctx) error { return addInt(c, -1) }

func incrby(c *command.Ctx) error {
	n, err := c.Int(2)
	if err != nil {
		return err
	}
	return addInt(c, n)
}

func decrby(c *command.Ctx) error {
	n, err := c.Int(2)
	if err != nil {
		return err
	}
	if n == math.MinInt64 {
		return errDecrOverflow
	}
	return addInt(c, -n)
}

// addInt adds to the integer at the command's key; a missing key counts as 0.
func addInt(c *command.Ctx, delta int64) error {
	sum, err := c.DB.AddInt(c.Args[1], delta)
	switch {
	case err == nil:
		c.W.Int(sum)
		return nil
	case errors.Is(err, keyspace.ErrNotInteger):
		return command.ErrNotInteger
	case errors.Is(err, keyspace.ErrOverflow):
		return command.ErrOverflow
	}
	return command.ErrWrongType
}

func incrbyfloat(c *command.Ctx) error {
	v, exists, err := c.DB.Str(c.Args[1])
	if err != nil {
		return command.ErrWrongType
	}
	var old resp.LongDouble
	ok := true
	if exists {
		old, ok = resp.ParseLongDouble(textOf(c, v))
	}
	if !ok {
		return command.ErrNotFloat
	}
	delta, ok := resp.ParseLongDouble(c.Args[2])
	if !ok {
		return command.ErrNotFloat
	}
	sum, ok := old.Add(&delta)
	if !ok {
		return command.ErrNaNOrInf
	}
	c.Scratch = resp.AppendLongDouble(c.Scratch[:0], &sum)
	c.DB.SetTextKeepTTL(c.Args[1], c.Scratch)
	c.W.Bulk(c.Scratch)
	c.Effects.Replace(c.Selected(), []byte("SET"), c.Args[1], c.Scratch, []byte("KEEPTTL"))
	return nil
}

func appendStr(c *command.Ctx) error {
	n, err := c.DB.AppendStr(c.Args[1], c.Args[2])
	if err != nil {
		return clientError(err)
	}
	c.W.Int(int64(n))
	return nil
}

func strlen(c *command.Ctx) error {
	v, exists, err := c.DB.Str(c.Args[1])
	if err != nil {
		return command.ErrWrongType
	}
	n := 0
	if exists {
		n = v.Len()
	}
	c.W.Int(int64(n))
	return nil
}

func substr(c *command.Ctx) error { return getrange(c) }

func getrange(c *command.Ctx) error {
	start, err := c.Int(2)
	if err != nil {
		return err
	}
	end, err := c.Int(3)
	if err != nil {
		return err
	}
	v, exists, err := c.DB.Str(c.Args[1])
	if err != nil {
		return command.ErrWrongType
	}
	if !exists || start < 0 && end < 0 && start > end {
		c.W.Bulk(nil)
		return nil
	}
	text := textOf(c, v)
	if end < 0 {
		end = max(end+int64(len(text)), 0) // an end before the string is its first byte here, unlike in lists
	}
	from, to := span(start, end, len(text))
	c.W.Bulk(text[from:to])
	return nil
}

func setrange(c *command.Ctx) error {
	offset, err := c.Int(2)
	if err != nil {
		return err
	}
	if offset < 0 {
		return errOffset
	}
	n, err := c.DB.SetRange(c.Args[1], int(offset), c.Args[3])
	if err != nil {
		return clientError(err)
	}
	c.W.Int(int64(n))
	return nil
}

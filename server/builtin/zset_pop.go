package builtin

import (
	"datastore/keyspace"
	"datastore/server/command"
)

func zpopmin(c *command.Ctx) error { return zpop(c, keyspace.Head) }
func zpopmax(c *command.Ctx) error { return zpop(c, keyspace.Tail) }

// zpop replies with members and their scores before it removes them, so that none needs to be copied. Its effects name the
// members, or the key when a count takes them all, as those of SPOP do.
func zpop(c *command.Ctx, end keyspace.End) error {
	if len(c.Args) > 3 {
		return command.ErrSyntax
	}
	counted, count := len(c.Args) == 3, 1
	if counted {
		var err error
		if count, err = positive(c, 2); err != nil {
			return err
		}
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	count = min(count, z.Len())
	pairs := counted && c.W.Proto >= 3
	if pairs {
		c.W.Array(count)
	} else {
		c.W.Array(2 * count)
	}
	if count == 0 {
		return nil
	}
	all := counted && count == z.Len()
	for it := z.RankRange(0, count-1, end == keyspace.Tail); it.Next(); {
		if pairs {
			c.W.Array(2)
		}
		writeValue(&c.W, it.Member())
		c.W.Double(it.Score())
		if !all {
			c.Effects.Replace(c.Selected(), []byte("ZREM"), c.Args[1], textOf(c, it.Member()))
		}
	}
	if all {
		effectDel(c)
	}
	z.RemoveEnd(end, count)
	return nil
}

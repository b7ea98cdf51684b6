package builtin

import (
	"datastore/keyspace"
	"datastore/server/command"
)

func sadd(c *command.Ctx) error {
	var s keyspace.Set
	if err := s.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	n := 0
	for _, m := range c.Args[2:] {
		if s.Add(m) {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

func srem(c *command.Ctx) error {
	var s keyspace.Set
	if err := s.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	n := 0
	for _, m := range c.Args[2:] {
		if s.Remove(m) {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

func sismember(c *command.Ctx) error {
	var s keyspace.Set
	if err := s.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	writeBool(&c.W, s.Has(c.Args[2]))
	return nil
}

func smismember(c *command.Ctx) error {
	var s keyspace.Set
	if err := s.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Array(len(c.Args) - 2)
	for _, m := range c.Args[2:] {
		writeBool(&c.W, s.Has(m))
	}
	return nil
}

func smembers(c *command.Ctx) error {
	var s keyspace.Set
	if err := s.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Set(s.Len())
	writeMembers(c, &s)
	return nil
}

func writeMembers(c *command.Ctx, s *keyspace.Set) {
	for it := s.Iter(); it.Next(); {
		writeValue(&c.W, it.Value())
	}
}

func scard(c *command.Ctx) error {
	var s keyspace.Set
	if err := s.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Int(int64(s.Len()))
	return nil
}

func spop(c *command.Ctx) error {
	counted, count := len(c.Args) > 2, 1
	if len(c.Args) > 3 {
		return command.ErrSyntax
	}
	if counted {
		var err error
		if count, err = positive(c, 2); err != nil {
			return err
		}
	}
	var s keyspace.Set
	err := s.Find(c.DB, c.Args[1])
	switch {
	case err != nil:
		return command.ErrWrongType
	case counted && count >= s.Len():
		c.W.Set(s.Len())
		writeMembers(c, &s)
		if c.DB.Delete(c.Args[1]) {
			effectDel(c)
		}
		return nil
	case counted:
		c.W.Set(count)
	case !s.Exists():
		c.W.Null()
		return nil
	}
	for range count {
		c.Scratch = s.Random(c.Rand.Uint64N).AppendTo(c.Scratch[:0])
		s.Remove(c.Scratch)
		c.W.Bulk(c.Scratch)
		c.Effects.Replace(c.Selected(), []byte("SREM"), c.Args[1], c.Scratch)
	}
	return nil
}

const (
	// maxRandomReplyBytes bounds the reply to a negative count, which asks for that many members however few there are.
	maxRandomReplyBytes = 512 << 20
	minBulkBytes        = len("$0\r\n\r\n")

	// denseShare: when a sample is more than 1/denseShare of a set, one walk over the set is cheaper than drawing
	// members until enough different ones have come.
	denseShare = 3
)

func srandmember(c *command.Ctx) error {
	if len(c.Args) > 3 {
		return command.ErrSyntax
	}
	counted, count := len(c.Args) == 3, 1
	if counted {
		var err error
		if count, err = signed(c, 2); err != nil {
			return err
		}
	}
	var s keyspace.Set
	err := s.Find(c.DB, c.Args[1])
	switch {
	case err != nil:
		return command.ErrWrongType
	case !counted && !s.Exists():
		c.W.Null()
	case !counted:
		writeValue(&c.W, s.Random(c.Rand.Uint64N))
	case !s.Exists() || count == 0:
		c.W.Array(0)
	case count < 0:
		return drawRepeated(c, &s, -count)
	case count >= s.Len():
		c.W.Array(s.Len())
		writeMembers(c, &s)
	case count > s.Len()/denseShare:
		sample(c, &s, count)
	default:
		drawDistinct(c, &s, count)
	}
	return nil
}

// drawRepeated replies with n random members, among them the same ones again.
func drawRepeated(c *command.Ctx, s *keyspace.Set, n int) error {
	if n > maxRandomReplyBytes/minBulkBytes {
		return errReplyTooLong
	}
	mark := c.W.Deferred()
	c.W.Array(n)
	for range n {
		writeValue(&c.W, s.Random(c.Rand.Uint64N))
		if len(c.W.Buf)-int(mark) > maxRandomReplyBytes {
			c.W.Rollback(mark)
			return errReplyTooLong
		}
	}
	return nil
}

// sample replies with n different members, each subset with the same probability: a member is taken with the
// probability still wanted/still to come.
func sample(c *command.Ctx, s *keyspace.Set, n int) {
	c.W.Array(n)
	left := s.Len()
	for it := s.Iter(); n > 0 && it.Next(); left-- {
		if c.Rand.IntN(left) < n {
			writeValue(&c.W, it.Value())
			n--
		}
	}
}

// drawDistinct replies with n different members, far fewer than there are.
func drawDistinct(c *command.Ctx, s *keyspace.Set, n int) {
	c.W.Array(n)
	seen := make(map[string]struct{}, n)
	for len(seen) < n {
		v := s.Random(c.Rand.Uint64N)
		text := textOf(c, v)
		if _, again := seen[string(text)]; !again {
			seen[string(text)] = struct{}{}
			c.W.Bulk(text)
		}
	}
}

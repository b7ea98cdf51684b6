package builtin

import (
	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/resp"
)

// zaddOptions are the options of ZADD.
type zaddOptions struct {
	flags keyspace.ZFlags
	ch    bool
	first int // position of the first score
}

func parseZAddOptions(c *command.Ctx) (o zaddOptions, err error) {
	i := 2
options:
	for ; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "NX"):
			o.flags |= keyspace.ZNX
		case c.Is(i, "XX"):
			o.flags |= keyspace.ZXX
		case c.Is(i, "GT"):
			o.flags |= keyspace.ZGT
		case c.Is(i, "LT"):
			o.flags |= keyspace.ZLT
		case c.Is(i, "CH"):
			o.ch = true
		case c.Is(i, "INCR"):
			o.flags |= keyspace.ZIncr
		default:
			break options
		}
	}
	o.first = i
	rest := len(c.Args) - i
	has := func(f keyspace.ZFlags) bool { return o.flags&f == f }
	switch {
	case rest == 0 || rest%2 == 1:
		return o, command.ErrSyntax
	case has(keyspace.ZNX | keyspace.ZXX):
		return o, errZAddXXNX
	case has(keyspace.ZGT | keyspace.ZNX), has(keyspace.ZLT | keyspace.ZNX), has(keyspace.ZGT | keyspace.ZLT):
		return o, errZAddGTLTNX
	case has(keyspace.ZIncr) && rest > 2:
		return o, errZAddIncr
	}
	return o, nil
}

func zadd(c *command.Ctx) error {
	o, err := parseZAddOptions(c)
	if err != nil {
		return err
	}
	// All scores are checked before the first is used: the command changes everything or nothing.
	var buf [64]float64
	scores := buf[:0]
	if n := (len(c.Args) - o.first) / 2; n > len(buf) {
		scores = make([]float64, 0, n)
	}
	for i := o.first; i < len(c.Args); i += 2 {
		score, err := c.Float(i)
		if err != nil {
			return err
		}
		scores = append(scores, score)
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if o.flags&keyspace.ZIncr != 0 {
		return incrScore(c, &z, scores[0], c.Args[o.first+1], o.flags)
	}
	added, changed := 0, 0
	for i, score := range scores {
		out, _, err := z.Add(score, c.Args[o.first+2*i+1], o.flags)
		if err != nil {
			return clientError(err)
		}
		if out&keyspace.ZAdded != 0 {
			added++
		}
		if out&(keyspace.ZAdded|keyspace.ZUpdated) != 0 {
			changed++
		}
	}
	if o.ch {
		added = changed
	}
	c.W.Int(int64(added))
	return nil
}

// incrScore adds to a member's score and replies with the sum, or with a null where a condition of flags forbids it.
func incrScore(c *command.Ctx, z *keyspace.ZSet, delta float64, m []byte, flags keyspace.ZFlags) error {
	out, score, err := z.Add(delta, m, flags)
	switch {
	case err != nil:
		return clientError(err)
	case out&keyspace.ZNop != 0:
		c.W.Null()
	default:
		c.W.Double(score)
	}
	return nil
}

func zincrby(c *command.Ctx) error {
	delta, err := c.Float(2)
	if err != nil {
		return err
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	return incrScore(c, &z, delta, c.Args[3], keyspace.ZIncr)
}

func zrem(c *command.Ctx) error {
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	n := 0
	for _, m := range c.Args[2:] {
		if z.Remove(m) {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

func zcard(c *command.Ctx) error {
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Int(int64(z.Len()))
	return nil
}

// writeScore replies with the score of a member or a null.
func writeScore(w *resp.Writer, z *keyspace.ZSet, m []byte) {
	score, ok := z.Score(m)
	if !ok {
		w.Null()
		return
	}
	w.Double(score)
}

func zscore(c *command.Ctx) error {
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	writeScore(&c.W, &z, c.Args[2])
	return nil
}

func zmscore(c *command.Ctx) error {
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Array(len(c.Args) - 2)
	for _, m := range c.Args[2:] {
		writeScore(&c.W, &z, m)
	}
	return nil
}

func zrank(c *command.Ctx) error    { return rankOf(c, false) }
func zrevrank(c *command.Ctx) error { return rankOf(c, true) }

func rankOf(c *command.Ctx, reverse bool) error {
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	rank, _, ok := z.Rank(c.Args[2])
	switch {
	case !ok:
		c.W.Null()
	case reverse:
		c.W.Int(int64(z.Len() - 1 - rank))
	default:
		c.W.Int(int64(rank))
	}
	return nil
}

func zcount(c *command.Ctx) error {
	r, err := parseScoreRange(c.Args[2], c.Args[3])
	if err != nil {
		return err
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Int(int64(z.CountScore(r)))
	return nil
}

func zlexcount(c *command.Ctx) error {
	r, err := parseLexRange(c.Args[2], c.Args[3])
	if err != nil {
		return err
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	c.W.Int(int64(z.CountLex(r)))
	return nil
}

package builtin

import (
	"bytes"
	"math"
	"strconv"

	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/resp"
)

// order is what a range of a sorted set is measured in.
type order uint8

const (
	byRank order = iota
	byScore
	byLex
)

// zrangeOptions are the options of ZRANGE; the older commands have some of them set from the start.
type zrangeOptions struct {
	by         order
	reverse    bool
	withScores bool
	offset     int
	limit      int // -1: all
}

func zrange(c *command.Ctx) error {
	o := zrangeOptions{limit: -1}
	if err := o.parse(c, true); err != nil {
		return err
	}
	return o.run(c)
}

func zrevrange(c *command.Ctx) error        { return zrangeFixed(c, byRank, true) }
func zrangebyscore(c *command.Ctx) error    { return zrangeFixed(c, byScore, false) }
func zrevrangebyscore(c *command.Ctx) error { return zrangeFixed(c, byScore, true) }
func zrangebylex(c *command.Ctx) error      { return zrangeFixed(c, byLex, false) }
func zrevrangebylex(c *command.Ctx) error   { return zrangeFixed(c, byLex, true) }

func zrangeFixed(c *command.Ctx, by order, reverse bool) error {
	o := zrangeOptions{by: by, reverse: reverse, limit: -1}
	if err := o.parse(c, false); err != nil {
		return err
	}
	return o.run(c)
}

// parse reads the options behind the ends of the range; order and direction can be chosen only by ZRANGE itself.
func (o *zrangeOptions) parse(c *command.Ctx, choose bool) error {
	ordered := !choose
	for i := 4; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "WITHSCORES"):
			o.withScores = true
		case c.Is(i, "LIMIT") && i+2 < len(c.Args):
			offset, err := c.Int(i + 1)
			if err != nil {
				return err
			}
			limit, err := c.Int(i + 2)
			if err != nil {
				return err
			}
			o.offset, o.limit = int(offset), int(limit)
			i += 2
		case choose && !o.reverse && c.Is(i, "REV"):
			o.reverse = true
		case !ordered && c.Is(i, "BYLEX"):
			ordered, o.by = true, byLex
		case !ordered && c.Is(i, "BYSCORE"):
			ordered, o.by = true, byScore
		default:
			return command.ErrSyntax
		}
	}
	switch {
	case o.limit != -1 && o.by == byRank:
		return errRankLimit
	case o.withScores && o.by == byLex:
		return errLexWithScores
	}
	return nil
}

func (o *zrangeOptions) run(c *command.Ctx) error {
	switch o.by {
	case byScore:
		return o.runScore(c)
	case byLex:
		return o.runLex(c)
	}
	start, err := c.Int(2)
	if err != nil {
		return err
	}
	stop, err := c.Int(3)
	if err != nil {
		return err
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	from, to := span(start, stop, z.Len())
	o.header(c, to-from)
	if from < to {
		it := z.RankRange(from, to-1, o.reverse)
		for range to - from {
			it.Next()
			o.element(c, &it)
		}
	}
	return nil
}

// ends returns the arguments of the lower and the upper end; a descending range names the upper one first.
func (o *zrangeOptions) ends(c *command.Ctx) (lo, hi []byte) {
	if o.reverse {
		return c.Args[3], c.Args[2]
	}
	return c.Args[2], c.Args[3]
}

func (o *zrangeOptions) runScore(c *command.Ctx) error {
	r, err := parseScoreRange(o.ends(c))
	if err != nil {
		return err
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if !z.Exists() {
		c.W.Array(0)
		return nil
	}
	it := z.ScoreRange(r, o.reverse)
	o.write(c, &it)
	return nil
}

func (o *zrangeOptions) runLex(c *command.Ctx) error {
	r, err := parseLexRange(o.ends(c))
	if err != nil {
		return err
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if !z.Exists() {
		c.W.Array(0)
		return nil
	}
	it := z.LexRange(r, o.reverse)
	o.write(c, &it)
	return nil
}

// write replies with the elements of it within LIMIT. A negative offset lies behind every element.
func (o *zrangeOptions) write(c *command.Ctx, it *keyspace.ZIter) {
	mark, n := c.W.Deferred(), 0
	more := o.offset >= 0
	for skip := o.offset; more && skip > 0; skip-- {
		more = it.Next()
	}
	for more && n != o.limit && it.Next() {
		o.element(c, it)
		n++
	}
	if o.withScores && c.W.Proto < 3 {
		n *= 2
	}
	c.W.SetDeferredArray(mark, n)
}

func (o *zrangeOptions) header(c *command.Ctx, n int) {
	if o.withScores && c.W.Proto < 3 {
		n *= 2
	}
	c.W.Array(n)
}

// element replies with one member, in RESP3 as a pair with its score where scores are asked for.
func (o *zrangeOptions) element(c *command.Ctx, it *keyspace.ZIter) {
	if o.withScores && c.W.Proto >= 3 {
		c.W.Array(2)
	}
	writeValue(&c.W, it.Member())
	if o.withScores {
		c.W.Double(it.Score())
	}
}

func parseScoreRange(lo, hi []byte) (r keyspace.ScoreRange, err error) {
	var loOK, hiOK bool
	r.Min, r.MinEx, loOK = parseScoreBound(lo)
	r.Max, r.MaxEx, hiOK = parseScoreBound(hi)
	if !loOK || !hiOK {
		return r, errScoreRange
	}
	return r, nil
}

// parseScoreBound reads an end of a score range: an optional "(", which excludes it, and a number. Numbers are more
// lenient here than as scores, as they are for C's strtod: blanks may come first, a number may be out of range, and a
// zero byte ends the text; the empty text is 0.
func parseScoreBound(b []byte) (f float64, exclusive, ok bool) {
	if len(b) > 0 && b[0] == '(' {
		b, exclusive = b[1:], true
	}
	if f, ok = resp.ParseFloat(b); ok {
		return f, exclusive, true
	}
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	if len(b) == 0 {
		return 0, exclusive, true
	}
	b = bytes.TrimLeft(b, " \t\n\v\f\r")
	if f, ok = resp.ParseFloat(b); ok {
		return f, exclusive, true
	}
	if bytes.IndexByte(b, '_') >= 0 {
		return 0, exclusive, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if ne, isNum := err.(*strconv.NumError); isNum && ne.Err == strconv.ErrRange {
		err = nil
	}
	return f, exclusive, err == nil && !math.IsNaN(f)
}

func parseLexRange(lo, hi []byte) (r keyspace.LexRange, err error) {
	var loOK, hiOK bool
	r.Min, loOK = command.ParseLexBound(lo)
	r.Max, hiOK = command.ParseLexBound(hi)
	if !loOK || !hiOK {
		return r, errLexRange
	}
	return r, nil
}

package builtin

import (
	"math"

	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/resp"
)

// positive reads argument i as a count of at least 0.
func positive(c *command.Ctx, i int) (int, error) {
	n, err := c.Int(i)
	if err != nil || n < 0 {
		return 0, command.ErrMustBePositive
	}
	return int(n), nil
}

// signed reads argument i as a 64-bit integer whose negative exists, too.
func signed(c *command.Ctx, i int) (int, error) {
	n, err := c.Int(i)
	if err == nil && n == math.MinInt64 {
		err = errLongRange
	}
	return int(n), err
}

// small reads argument i as a 32-bit integer.
func small(c *command.Ctx, i int) (int, error) {
	n, err := c.Int(i)
	if err == nil && n != int64(int32(n)) {
		err = errIntRange
	}
	return int(n), err
}

// scratchInt formats a number for an effect in the context's scratch space.
func scratchInt(c *command.Ctx, n int64) []byte {
	c.Scratch = resp.AppendInt(c.Scratch[:0], n)
	return c.Scratch
}

// database returns database n or an error.
func database(c *command.Ctx, n int) (*keyspace.DB, error) {
	if n < 0 || n >= c.Store.Databases() {
		return nil, command.ErrDBRange
	}
	return c.Store.DB(n), nil
}

// writeValue replies with an element as a bulk string.
func writeValue(w *resp.Writer, v keyspace.Value) {
	if v.IsInt() {
		w.BulkInt(v.Int)
		return
	}
	w.Bulk(v.Bytes)
}

// textOf returns the bytes of an element; those of an integer are formatted in the context's scratch space.
func textOf(c *command.Ctx, v keyspace.Value) []byte {
	if !v.IsInt() {
		return v.Bytes
	}
	return scratchInt(c, v.Int)
}

// intOf returns an element as an integer, if it is the canonical text of one.
func intOf(v keyspace.Value) (int64, bool) {
	if v.IsInt() {
		return v.Int, true
	}
	return resp.ParseInt(v.Bytes)
}

// writeBool replies 1 or 0.
func writeBool(w *resp.Writer, b bool) {
	if b {
		w.Int(1)
		return
	}
	w.Int(0)
}

// span turns indexes of a sequence of n elements, negative ones counted from the end, into the half-open range that
// they mean; from == to if it is empty.
func span(start, stop int64, n int) (from, to int) {
	length := int64(n)
	if start < 0 {
		start = max(start+length, 0)
	}
	if stop < 0 {
		stop += length
	}
	stop = min(stop, length-1)
	if start > stop || start >= length {
		return 0, 0
	}
	return int(start), int(stop) + 1
}

package builtin

import (
	"math"
	"strconv"

	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/glob"
	"datastore/server/resp"
)

// scanOptions are the options of the SCAN family.
type scanOptions struct {
	count    int
	match    bool
	pattern  []byte
	typeName []byte // SCAN only; nil accepts every type
}

const (
	defaultScanCount = 10
	// scanStepsPerElement bounds how many empty buckets one call visits for an element that it was asked for.
	scanStepsPerElement = 10
)

// parseCursor reads a cursor as C's strtoul does: leading zeros, a sign (negative numbers wrap) and the empty string
// are accepted.
func parseCursor(b []byte) (uint64, error) {
	if len(b) == 0 {
		return 0, nil
	}
	negative := b[0] == '-'
	if b[0] == '-' || b[0] == '+' {
		b = b[1:]
	}
	for len(b) > 1 && b[0] == '0' {
		b = b[1:]
	}
	n, ok := resp.ParseUint(b)
	if !ok {
		return 0, command.ErrInvalidCursor
	}
	if negative {
		n = -n
	}
	return n, nil
}

func parseScanOptions(c *command.Ctx, i int, keys bool) (o scanOptions, err error) {
	o.count = defaultScanCount
	for ; i < len(c.Args); i += 2 {
		last := i+1 == len(c.Args)
		switch {
		case last:
			return o, command.ErrSyntax
		case c.Is(i, "COUNT"):
			n, err := c.Int(i + 1)
			if err != nil {
				return o, err
			}
			if n < 1 {
				return o, command.ErrSyntax
			}
			o.count = int(min(n, math.MaxInt64/(2*scanStepsPerElement)))
		case c.Is(i, "MATCH"):
			o.pattern = c.Args[i+1]
			o.match = len(o.pattern) != 1 || o.pattern[0] != '*'
		case keys && c.Is(i, "TYPE"):
			o.typeName = c.Args[i+1]
		default:
			return o, command.ErrSyntax
		}
	}
	return o, nil
}

func (o *scanOptions) accepts(text []byte) bool {
	return !o.match || glob.Match(o.pattern, text)
}

// steps calls step until it has emitted about the wanted number of elements, and replies with the cursor and what
// was written. step goes on from a cursor, counts what it visits in visited and what it writes in written.
func (o *scanOptions) steps(c *command.Ctx, cursor uint64, step func(cursor uint64, visited, written *int) uint64) {
	c.W.Array(2)
	elements := c.W.Deferred()
	visited, written := 0, 0
	for n := o.count * scanStepsPerElement; n > 0; n-- {
		cursor = step(cursor, &visited, &written)
		if cursor == 0 || visited >= o.count {
			break
		}
	}
	c.W.SetDeferredArray(elements, written)
	insertCursor(c, int(elements), cursor)
}

// insertCursor puts the cursor, which is known last, in front of the elements.
func insertCursor(c *command.Ctx, at int, cursor uint64) {
	var digits, bulk [32]byte
	text := strconv.AppendUint(digits[:0], cursor, 10)
	head := resp.Writer{Buf: bulk[:0], Proto: c.W.Proto}
	head.Bulk(text)
	end := len(c.W.Buf)
	c.W.Buf = append(c.W.Buf, head.Buf...)
	copy(c.W.Buf[at+len(head.Buf):], c.W.Buf[at:end])
	copy(c.W.Buf[at:], head.Buf)
}

func scan(c *command.Ctx) error {
	cursor, err := parseCursor(c.Args[1])
	if err != nil {
		return err
	}
	o, err := parseScanOptions(c, 2, true)
	if err != nil {
		return err
	}
	o.steps(c, cursor, func(cursor uint64, visited, written *int) uint64 {
		return c.DB.Scan(cursor, func(e keyspace.Entry) {
			*visited++
			if !o.accepts(e.Key()) || o.typeName != nil && !command.IsKeyword(o.typeName, e.TypeName()) {
				return
			}
			c.W.Bulk(e.Key())
			*written++
		})
	})
	return nil
}

// emptyScan replies like a finished scan that has found nothing.
func emptyScan(c *command.Ctx) {
	c.W.Array(2)
	c.W.BulkString("0")
	c.W.Array(0)
}

func sscan(c *command.Ctx) error {
	cursor, err := parseCursor(c.Args[2])
	if err != nil {
		return err
	}
	var s keyspace.Set
	if err := s.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if !s.Exists() {
		emptyScan(c)
		return nil
	}
	o, err := parseScanOptions(c, 3, false)
	if err != nil {
		return err
	}
	o.steps(c, cursor, func(cursor uint64, visited, written *int) uint64 {
		return s.Scan(cursor, func(m keyspace.Value) {
			*visited++
			if o.match && !o.accepts(textOf(c, m)) {
				return
			}
			writeValue(&c.W, m)
			*written++
		})
	})
	return nil
}

func hscan(c *command.Ctx) error {
	cursor, err := parseCursor(c.Args[2])
	if err != nil {
		return err
	}
	var h keyspace.Hash
	if err := h.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if !h.Exists() {
		emptyScan(c)
		return nil
	}
	o, err := parseScanOptions(c, 3, false)
	if err != nil {
		return err
	}
	o.steps(c, cursor, func(cursor uint64, visited, written *int) uint64 {
		return h.Scan(cursor, func(field, value keyspace.Value) {
			*visited++
			if o.match && !o.accepts(textOf(c, field)) {
				return
			}
			writeValue(&c.W, field)
			writeValue(&c.W, value)
			*written += 2
		})
	})
	return nil
}

func zscan(c *command.Ctx) error {
	cursor, err := parseCursor(c.Args[2])
	if err != nil {
		return err
	}
	var z keyspace.ZSet
	if err := z.Find(c.DB, c.Args[1]); err != nil {
		return command.ErrWrongType
	}
	if !z.Exists() {
		emptyScan(c)
		return nil
	}
	o, err := parseScanOptions(c, 3, false)
	if err != nil {
		return err
	}
	o.steps(c, cursor, func(cursor uint64, visited, written *int) uint64 {
		return z.Scan(cursor, func(m keyspace.Value, score float64) {
			*visited++
			if o.match && !o.accepts(textOf(c, m)) {
				return
			}
			writeValue(&c.W, m)
			c.Scratch = resp.AppendDouble(c.Scratch[:0], score)
			c.W.Bulk(c.Scratch)
			*written += 2
		})
	})
	return nil
}

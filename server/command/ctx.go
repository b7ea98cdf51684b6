package command

import (
	"math/rand/v2"

	"datastore/keyspace"
	"datastore/server/resp"
)

// Ctx is what a handler works with. It belongs to the executor, is reused for every command and must not be kept.
type Ctx struct {
	Args   [][]byte // the command's arguments, name first; they alias the input buffer and die with the call
	Cmd    *Command
	Store  *keyspace.Store
	DB     *keyspace.DB // the client's selected database
	W      resp.Writer  // the reply
	NowMs  int64        // Unix time in ms, constant within a unit
	Client *Client
	Rand   *rand.Rand

	Effects Effects
	Scratch []byte // reusable buffer, for example for formatting a number; its content dies with the next use

	MaxBulkBytes int // proto-max-bulk-len

	MayPin bool // long strings in the reply may be pinned instead of copied
	Pinned []Pinned
}

// Pinned is a string that belongs into the reply without having been copied there.
type Pinned struct {
	At    int // byte of W.Buf before which it belongs
	Bytes []byte
	Pin   keyspace.Pin
}

// Str replies with a string value, a long one without a copy where that is possible.
func (c *Ctx) Str(v keyspace.Value) {
	switch {
	case v.IsInt():
		c.W.BulkInt(v.Int)
		return
	case c.MayPin && len(v.Bytes) >= keyspace.MinPinBytes:
		if pin, ok := c.Store.Pin(v.Bytes); ok {
			c.W.BulkHeader(len(v.Bytes))
			c.Pinned = append(c.Pinned, Pinned{len(c.W.Buf), v.Bytes, pin})
			c.W.RawString("\r\n")
			return
		}
	}
	c.W.Bulk(v.Bytes)
}

// Client is the part of a connection's state that handlers see. The server owns it; it is only touched under the
// execution lock.
type Client struct {
	ID     uint64
	Name   string
	DB     int
	Proto  int // 2 or 3
	User   string
	Authed bool
	Owner  any // the server's own object behind it

	InMulti    bool // a transaction is being queued
	InExec     bool // running inside EXEC
	FromStream bool // the replication link or the AOF loader
	DenyBlock  bool // blocking commands must not block (MULTI, modules, replay)
	NoTouch    bool // CLIENT NO-TOUCH: reads leave the access clock alone
}

// Selected returns the index of the database the command works on.
func (c *Ctx) Selected() int { return c.DB.Index() }

// Arg returns the i-th argument as a string; it allocates and is meant for errors and administration.
func (c *Ctx) Arg(i int) string { return string(c.Args[i]) }

// Is reports whether argument i is the keyword (upper case given) in any case.
func (c *Ctx) Is(i int, keyword string) bool { return IsKeyword(c.Args[i], keyword) }

// IsKeyword compares an argument with an ASCII keyword without regard to case.
func IsKeyword(arg []byte, keyword string) bool {
	if len(arg) != len(keyword) {
		return false
	}
	for i := range arg {
		a, k := arg[i], keyword[i]
		if a == k {
			continue
		}
		if a|0x20 != k|0x20 || a|0x20 < 'a' || a|0x20 > 'z' {
			return false
		}
	}
	return true
}

// Int returns argument i as a strict 64-bit integer or ErrNotInteger.
func (c *Ctx) Int(i int) (int64, error) {
	n, ok := resp.ParseInt(c.Args[i])
	if !ok {
		return 0, ErrNotInteger
	}
	return n, nil
}

// Float returns argument i as a float or ErrNotFloat.
func (c *Ctx) Float(i int) (float64, error) {
	f, ok := resp.ParseFloat(c.Args[i])
	if !ok {
		return 0, ErrNotFloat
	}
	return f, nil
}

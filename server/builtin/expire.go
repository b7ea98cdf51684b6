package builtin

import (
	"math"

	"datastore/server/command"
)

// expireOptions are the conditions of the EXPIRE family.
type expireOptions struct{ nx, xx, gt, lt bool }

func parseExpireOptions(c *command.Ctx) (o expireOptions, err error) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "NX"):
			o.nx = true
		case c.Is(i, "XX"):
			o.xx = true
		case c.Is(i, "GT"):
			o.gt = true
		case c.Is(i, "LT"):
			o.lt = true
		default:
			return o, errUnsupportedOption(c.Args[i])
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		return o, errExpireNX
	case o.gt && o.lt:
		return o, errExpireGTLT
	}
	return o, nil
}

// allow reports whether a key that expires at current (-1: never) may get the expiry when.
func (o *expireOptions) allow(current, when int64) bool {
	switch {
	case o.nx && current != -1, o.xx && current == -1:
		return false
	case o.gt && (current == -1 || when <= current):
		return false
	case o.lt && current != -1 && when >= current:
		return false
	}
	return true
}

func expire(c *command.Ctx) error    { return expireKey(c, true, c.NowMs) }
func pexpire(c *command.Ctx) error   { return expireKey(c, false, c.NowMs) }
func expireat(c *command.Ctx) error  { return expireKey(c, true, 0) }
func pexpireat(c *command.Ctx) error { return expireKey(c, false, 0) }

// expireKey gives the command's key an expiry relative to base (Unix ms).
func expireKey(c *command.Ctx, seconds bool, base int64) error {
	o, err := parseExpireOptions(c)
	if err != nil {
		return err
	}
	when, err := c.Int(2)
	if err != nil {
		return err
	}
	if seconds {
		if when > math.MaxInt64/1000 || when < math.MinInt64/1000 {
			return errExpireTime(c)
		}
		when *= 1000
	}
	if when > math.MaxInt64-base {
		return errExpireTime(c)
	}
	when += base
	key := c.Args[1]
	current := c.DB.ExpireAt(key)
	if current == -2 || !o.allow(current, when) {
		c.W.Int(0)
		return nil
	}
	c.W.Int(1)
	if isPast(c, when) {
		c.DB.Delete(key)
		effectDel(c)
		return nil
	}
	when = max(when, 0) // a log may say anything; below 0 lie the marks for "never" and "no such key"
	c.DB.SetExpire(key, when)
	effectExpire(c, when)
	return nil
}

// effectExpire declares the expiry as an absolute time and leaves the conditions in place, as Redis does.
func effectExpire(c *command.Ctx, when int64) {
	text := scratchInt(c, when)
	if len(c.Args) == 3 {
		c.Effects.Replace(c.Selected(), []byte("PEXPIREAT"), c.Args[1], text)
		return
	}
	args := append([][]byte{[]byte("PEXPIREAT"), c.Args[1], text}, c.Args[3:]...)
	c.Effects.Replace(c.Selected(), args...)
}

// isPast reports whether a key with this expiry is to be deleted at once. Commands of a log or of a primary set it
// nevertheless: the deletion follows there as a command of its own.
func isPast(c *command.Ctx, whenMs int64) bool {
	return whenMs <= c.NowMs && (c.Client == nil || !c.Client.FromStream)
}

func ttl(c *command.Ctx) error         { return writeExpiry(c, c.NowMs, true) }
func pttl(c *command.Ctx) error        { return writeExpiry(c, c.NowMs, false) }
func expiretime(c *command.Ctx) error  { return writeExpiry(c, 0, true) }
func pexpiretime(c *command.Ctx) error { return writeExpiry(c, 0, false) }

// writeExpiry replies with the expiry of the command's key relative to base (Unix ms), in milliseconds or in seconds
// rounded to the nearest; -1 without an expiry, -2 without a key.
func writeExpiry(c *command.Ctx, base int64, seconds bool) error {
	at := c.DB.ExpireAt(c.Args[1])
	if at < 0 {
		c.W.Int(at)
		return nil
	}
	left := max(at-base, 0)
	if seconds {
		left = left/1000 + (left%1000+500)/1000
	}
	c.W.Int(left)
	return nil
}

func persist(c *command.Ctx) error {
	writeBool(&c.W, c.DB.Persist(c.Args[1]))
	return nil
}

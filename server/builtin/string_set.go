package builtin

import (
	"math"

	"datastore/server/command"
)

// setOptions are the options of SET and GETEX.
type setOptions struct {
	nx, xx, get, keepTTL, persist bool

	expires  bool // one of EX, PX, EXAT, PXAT
	seconds  bool
	absolute bool
	timeArg  int   // position of its time
	expireMs int64 // its meaning in Unix ms, once resolved
}

// parseSetOptions reads the options from argument i on. SET and GETEX share the expiry options; the others belong to
// one of them.
func parseSetOptions(c *command.Ctx, i int, isGetex bool) (o setOptions, err error) {
	for ; i < len(c.Args); i++ {
		last := i+1 == len(c.Args)
		timeOK := !o.keepTTL && !o.persist && !last
		seconds, absolute, isTime := timeOption(c, i)
		switch {
		case isTime && timeOK && (!o.expires || o.seconds == seconds && o.absolute == absolute):
			o.expires, o.seconds, o.absolute = true, seconds, absolute
			i++
			o.timeArg = i
		case isTime:
			return o, command.ErrSyntax
		case isGetex && c.Is(i, "PERSIST") && !o.expires:
			o.persist = true
		case isGetex:
			return o, command.ErrSyntax
		case c.Is(i, "NX") && !o.xx:
			o.nx = true
		case c.Is(i, "XX") && !o.nx:
			o.xx = true
		case c.Is(i, "GET"):
			o.get = true
		case c.Is(i, "KEEPTTL") && !o.expires:
			o.keepTTL = true
		default:
			return o, command.ErrSyntax
		}
	}
	return o, nil
}

// timeOption recognises EX, PX, EXAT and PXAT.
func timeOption(c *command.Ctx, i int) (seconds, absolute, ok bool) {
	switch {
	case c.Is(i, "EX"):
		return true, false, true
	case c.Is(i, "PX"):
		return false, false, true
	case c.Is(i, "EXAT"):
		return true, true, true
	case c.Is(i, "PXAT"):
		return false, true, true
	}
	return false, false, false
}

// resolve reads the time of the expiry option, if there is one.
func (o *setOptions) resolve(c *command.Ctx) (err error) {
	if !o.expires {
		return nil
	}
	o.expireMs, err = expiryOf(c, o.timeArg, o.seconds, o.absolute)
	return err
}

// expiryOf reads argument i as the time of a string that is to expire, which must lie behind the epoch.
func expiryOf(c *command.Ctx, i int, seconds, absolute bool) (int64, error) {
	n, err := c.Int(i)
	if err != nil {
		return 0, err
	}
	if n <= 0 || seconds && n > math.MaxInt64/1000 {
		return 0, errExpireTime(c)
	}
	if seconds {
		n *= 1000
	}
	if absolute {
		return n, nil
	}
	if n > math.MaxInt64-c.NowMs {
		return 0, errExpireTime(c)
	}
	return n + c.NowMs, nil
}

func set(c *command.Ctx) error {
	if len(c.Args) == 3 {
		c.DB.SetStr(c.Args[1], c.Args[2])
		c.W.OK()
		return nil
	}
	o, err := parseSetOptions(c, 3, false)
	if err != nil {
		return err
	}
	if err := o.resolve(c); err != nil {
		return err
	}
	if o.get {
		if err := get(c); err != nil {
			return err
		}
	}
	if (o.nx || o.xx) && c.DB.Exists(c.Args[1]) != o.xx {
		if !o.get {
			c.W.Null()
		}
		return nil
	}
	store(c, &o)
	if !o.get {
		c.W.OK()
	}
	return nil
}

// store carries out a SET whose conditions hold and declares its effect where that differs from the command.
func store(c *command.Ctx, o *setOptions) {
	key, val := c.Args[1], c.Args[2]
	switch {
	case o.expires:
		storeExpiring(c, val, o.expireMs)
		return
	case o.keepTTL:
		c.DB.SetStrKeepTTL(key, val)
	default:
		c.DB.SetStr(key, val)
	}
	if !o.get {
		return
	}
	args := make([][]byte, 0, len(c.Args))
	for i, arg := range c.Args {
		if i < 3 || !command.IsKeyword(arg, "GET") {
			args = append(args, arg)
		}
	}
	c.Effects.Replace(c.Selected(), args...)
}

// storeExpiring stores a string with an expiry; the effect names the absolute time.
func storeExpiring(c *command.Ctx, val []byte, expireMs int64) {
	c.DB.SetStrExpire(c.Args[1], val, expireMs)
	c.Effects.Replace(c.Selected(), []byte("SET"), c.Args[1], val, []byte("PXAT"), scratchInt(c, expireMs))
}

func setnx(c *command.Ctx) error {
	if c.DB.Exists(c.Args[1]) {
		c.W.Int(0)
		return nil
	}
	c.DB.SetStr(c.Args[1], c.Args[2])
	c.W.Int(1)
	return nil
}

func setex(c *command.Ctx) error  { return setExpiring(c, true) }
func psetex(c *command.Ctx) error { return setExpiring(c, false) }

func setExpiring(c *command.Ctx, seconds bool) error {
	expireMs, err := expiryOf(c, 2, seconds, false)
	if err != nil {
		return err
	}
	storeExpiring(c, c.Args[3], expireMs)
	c.W.OK()
	return nil
}

// setKeyFlags tells whether a SET reads the key as well.
func setKeyFlags(args [][]byte) command.KeyFlags {
	for _, a := range args[3:] {
		if command.IsKeyword(a, "GET") {
			return command.RW | command.Access | command.Update
		}
	}
	return command.OW | command.Update
}

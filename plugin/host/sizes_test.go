package host

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/server/resp"
)

// TestSizesThatMakeNoSense: lengths and times that are negative, too large, or overflow are errors, and change nothing.
func TestSizesThatMakeNoSense(t *testing.T) {
	extremes := []int{math.MinInt, -1 << 40, -2, -1, 0, 1, 1 << 31, 1 << 40, 1 << 47, math.MaxInt - 7, math.MaxInt - 1, math.MaxInt}
	guard := func(what string, n int, f func()) {
		defer func() {
			v := recover()
			err, ok := v.(error)
			if v != nil && (!ok || !errors.Is(err, plugin.ErrInvalid) && !errors.Is(err, plugin.ErrOOM) && !errors.Is(err, plugin.ErrTooLarge)) {
				t.Errorf("%s(%d) panicked with %v", what, n, v)
			}
		}()
		f()
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"mem": func(ctx plugin.Ctx, _ []plugin.String) error {
			for _, n := range extremes {
				guard("PoolAlloc", n, func() { ctx.PoolAlloc(n) })
				if n == 1<<40 || n == 1<<31 {
					continue // the system may give that
				}
				guard("Alloc", n, func() { ctx.Free(ctx.Alloc(n)) })
				guard("TryAlloc", n, func() {
					if p, err := ctx.TryAlloc(n); err == nil {
						ctx.Free(p)
					}
				})
				guard("Calloc", n, func() { ctx.Free(ctx.Calloc(n, 2)) })
				guard("Calloc", n, func() { ctx.Free(ctx.Calloc(3, n)) })
				p := ctx.Alloc(10)
				guard("TryRealloc", n, func() {
					if q, err := ctx.TryRealloc(p, n); err == nil {
						p = q
					}
				})
				ctx.Free(p)
				guard("Heap", n, func() {
					if p, err := ctx.Heap().Alloc(n); err == nil {
						_ = ctx.Heap().Free(p)
					}
				})
			}
			return ctx.ReplyInt(1)
		},
		"walk": func(ctx plugin.Ctx, args []plugin.String) error {
			for _, n := range extremes {
				for _, name := range []string{"string", "list", "hash", "set", "zset", "none"} {
					k, err := ctx.OpenKey(str(name), plugin.Read|plugin.Write)
					if err != nil {
						return err
					}
					_, _ = k.LGet(n)
					_ = k.LSet(n, str("x"))
					if n != 0 && n != -1 {
						_ = k.LInsert(n, str("x"))
						_ = k.LDelete(n)
					}
					if n != 0 && n != 1 {
						_ = k.Truncate(n)
					}
					_ = k.Close()
				}
				_ = ctx.SelectDB(n)
				_ = ctx.SelectDB(0)
			}
			return ctx.ReplyInt(1)
		},
		"t.ttl": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[2].Int64()
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			if err := k.SetTTL(time.Duration(n)); err != nil {
				return err
			}
			return ctx.ReplyInt(int64(k.TTL()))
		},
		"t.ttlat": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[2].Int64()
			k, err := ctx.OpenKey(args[1], plugin.Write)
			if err != nil {
				return err
			}
			if err := k.SetExpireAt(time.UnixMilli(n)); err != nil {
				return err
			}
			at, _ := k.ExpireAt()
			return ctx.ReplyInt(at.UnixMilli())
		},
		"replies": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			return errors.Join(ctx.ReplyArray(int(n)), ctx.ReplyMap(int(n)), ctx.ReplySet(int(n)))
		},
		"setlen": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			return errors.Join(ctx.ReplyArray(plugin.Postponed), ctx.SetArrayLen(int(n)))
		},
		"block": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			b, err := ctx.Block(plugin.BlockOptions{Timeout: time.Duration(n), OnTimeout: func(ctx plugin.Ctx, _ []plugin.String) error {
				return ctx.ReplyStatus("late")
			}})
			if err != nil {
				return err
			}
			return b.Abort()
		},
	})
	r.do("SET", "string", "text")
	r.do("RPUSH", "list", "a", "b", "c")
	r.do("HSET", "hash", "a", "b")
	r.do("SADD", "set", "a", "b")
	r.do("ZADD", "zset", "1", "a", "2", "b")
	r.want(":1\r\n", "mem")
	r.want(":1\r\n", "walk")
	for _, n := range extremes {
		text := string(appendInt64(nil, int64(n)))
		for _, name := range []string{"replies", "setlen", "block"} {
			if got := r.do(name, text); len(got) > 1<<21 {
				t.Errorf("%s %d replied %d bytes", name, n, len(got))
			}
			for cl := range r.suspended {
				delete(r.suspended, cl)
			}
		}
		for _, name := range []string{"t.ttl", "t.ttlat"} {
			if name == "t.ttl" && (n == 0 || n == int(plugin.NoExpire)) {
				continue // these make sense
			}
			r.do("SET", "k", "x")
			got := r.do(name, "k", text)
			there := r.do("EXISTS", "k") == ":1\r\n"
			if there != (n > 1<<41 || n > 0 && name == "t.ttl") && !strings.HasPrefix(got, "-") {
				t.Errorf("%s %d replied %q, key exists: %v", name, n, got, there)
			}
			r.equal([]string{name, text})
		}
	}
}

// TestElementsThatAreTooLong: what is longer than any client could send is refused before it gets into the keyspace, whose
// records have lengths of 32 bits.
func TestElementsThatAreTooLong(t *testing.T) {
	if testing.Short() {
		t.Skip("its arguments are larger than 512 MB")
	}
	huge := make([]byte, 5<<30) // nobody touches it, so that it takes no memory
	h := plugin.StringOf(huge)
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t.all": func(ctx plugin.Ctx, _ []plugin.String) error {
		var errs []error
		open := func(name string) *plugin.Key {
			k, err := ctx.OpenKey(str(name), plugin.Read|plugin.Write)
			must(t, err)
			return k
		}
		_, err := ctx.OpenKey(h, plugin.Write)
		errs = append(errs, err, open("string").SetString(h), open("string2").Truncate(5<<30))
		l := open("list")
		must(t, l.Push(plugin.Head, str("x")))
		errs = append(errs, l.Push(plugin.Tail, h), l.LSet(0, h), l.LInsert(0, h))
		_, err = open("set").SAdd(huge)
		errs = append(errs, err)
		hash := open("hash")
		_, err = hash.HSet(0, plugin.Field{Name: h, Value: str("x")})
		errs = append(errs, err)
		_, err = hash.HSet(0, plugin.Field{Name: str("x"), Value: h})
		errs = append(errs, err)
		zset := open("zset")
		_, err = zset.ZAdd(1, huge, 0)
		errs = append(errs, err)
		_, _, err = zset.ZIncrBy(1, huge, 0)
		errs = append(errs, err)
		_, err = ctx.Call("SET", "cs", "k", h)
		errs = append(errs, err, ctx.Replicate("SET", "cs", "k", h))
		_, err = ctx.CallArgs("RPUSH", plugin.Repl, plugin.S(str("k")), plugin.B(huge))
		errs = append(errs, err)
		for i, err := range errs {
			if !errors.Is(err, plugin.ErrTooLarge) {
				t.Errorf("write %d: %v, want %v", i, err, plugin.ErrTooLarge)
			}
		}
		return ctx.ReplyInt(1)
	}})
	r.want(":1\r\n", "t.all")
	r.sent("SELECT 0", "LPUSH list x")
}

// TestRepliesThatNestTooDeep: modules that pass each other's replies on cannot make one that no client decodes.
func TestRepliesThatNestTooDeep(t *testing.T) {
	open := func(ctx plugin.Ctx, n int) (err error) {
		for range n {
			if err = ctx.ReplyArray(1); err != nil {
				return err
			}
		}
		return nil
	}
	var passed error
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"d.deep": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			return errors.Join(open(ctx, int(n)), ctx.ReplyInt(7))
		},
		"d.wrap": func(ctx plugin.Ctx, args []plugin.String) error {
			n, _ := args[1].Int64()
			reply, err := ctx.Call("d.deep", "s", args[2])
			if err != nil {
				return err
			}
			if err := open(ctx, int(n)); err != nil {
				return err
			}
			passed = ctx.ReplyReply(reply)
			return nil
		},
	})
	const most = resp.MaxDepth - 1
	for _, c := range []struct {
		outer, inner int
		want         error
	}{
		{0, most, nil}, {most, 0, nil}, {27, most - 27, nil}, {28, most - 27, plugin.ErrTooLarge}, {most, most, plugin.ErrTooLarge},
	} {
		reply := r.do("d.wrap", strconv.Itoa(c.outer), strconv.Itoa(c.inner))
		if _, n, err := resp.Decode([]byte(reply)); err != nil || n != len(reply) || !errors.Is(passed, c.want) || (c.want == nil) != (passed == nil) {
			t.Errorf("%d around %d: %v, the client reads %d of %d bytes, %v", c.outer, c.inner, passed, n, len(reply), err)
		}
	}
}

// TestLargeReplies: a reply of a million elements is passed on whole, and one that announces as many and gives none is an
// error of the right shape.
func TestLargeReplies(t *testing.T) {
	const n = 1_000_000
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"l.many": func(ctx plugin.Ctx, _ []plugin.String) error {
			if err := ctx.ReplyArray(plugin.Postponed); err != nil {
				return err
			}
			for i := range int64(n) {
				if err := ctx.ReplyInt(i); err != nil {
					return err
				}
			}
			return ctx.SetArrayLen(n)
		},
		"l.pass": func(ctx plugin.Ctx, _ []plugin.String) error {
			reply, err := ctx.Call("l.many", "")
			if err != nil {
				return err
			}
			if reply.Len() != n || reply.Elem(n-1).Int() != n-1 {
				return ctx.ReplyErrorf("ERR %d elements", reply.Len())
			}
			return ctx.ReplyReply(reply)
		},
		"l.none": func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyArray(math.MaxInt32) },
	})
	many := r.do("l.many")
	if got := r.do("l.pass"); got != many || !strings.HasPrefix(got, "*1000000\r\n") {
		t.Errorf("%d bytes were passed on of %d", len(got), len(many))
	}
	if got := r.do("l.none"); !strings.HasPrefix(got, "-ERR") {
		t.Errorf("an array that was not filled is %d bytes", len(got))
	}
	if kept := cap(r.h.frames[0].calls.replies.wire) + cap(r.h.frames[0].calls.replies.elems); kept > 2*keptBytes {
		t.Errorf("%d bytes of replies are kept", kept)
	}
}

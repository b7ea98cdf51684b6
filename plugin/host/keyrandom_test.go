package host

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"datastore/keyspace"
	"datastore/plugin"
	"datastore/server/resp"
)

// player does the same through open keys and, on another server, with built-in commands, whose replies are right.
type player struct {
	t      *testing.T
	rnd    *rand.Rand
	k      *plugin.Key
	name   string
	oracle *rig
}

// element draws an element: a number, a text, a long one, or one that a loop over the key has given out.
func (p *player) element() []byte {
	n := p.rnd.IntN(30)
	switch p.rnd.IntN(5) {
	case 0:
		return fmt.Append(nil, n*n*n-100)
	case 1:
		return []byte(strings.Repeat("x", n*3))
	case 2:
		for e := range p.k.All() {
			return e.Bytes()
		}
	}
	return fmt.Append(nil, "element", n)
}

// same compares a result with the reply of a command, whose first argument after the name is the key.
func (p *player) same(got string, err error, command string, args ...string) {
	p.t.Helper()
	want := p.oracle.do(append([]string{command, p.name}, args...)...)
	if errors.Is(err, plugin.ErrType) {
		got, err = "-"+string(plugin.ErrWrongType)+"\r\n", nil
	}
	if must(p.t, err); got != want {
		p.t.Fatalf("%s %s %q: %q, want %q", command, p.name, args, got, want)
	}
}

func number(n int) string { return fmt.Sprintf(":%d\r\n", n) }

func truth(b bool) string {
	if b {
		return number(1)
	}
	return number(0)
}

func bulk(s string, ok bool) string {
	if !ok {
		return "$-1\r\n"
	}
	return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s)
}

func double(f float64, ok bool) string { return bulk(string(resp.AppendDouble(nil, f)), ok) }

func (p *player) set() {
	e := p.element()
	text := string(e)
	switch p.rnd.IntN(5) {
	case 0, 1:
		added, err := p.k.SAdd(e)
		p.same(truth(added), err, "SADD", text)
	case 2:
		was, err := p.k.SRem(e)
		p.same(truth(was), err, "SREM", text)
	case 3:
		has, err := p.k.SHas(e)
		p.same(truth(has), err, "SISMEMBER", text)
	default:
		if m, err := p.k.SPop(); !errors.Is(err, plugin.ErrEmptyKey) {
			p.same(number(1), err, "SREM", m.String())
		}
	}
}

func (p *player) hash() {
	e, v := p.element(), p.element()
	field, value := string(e), string(v)
	switch p.rnd.IntN(5) {
	case 0, 1:
		overwritten, err := p.k.HSet(0, plugin.Field{Name: plugin.StringOf(e), Value: plugin.StringOf(v)})
		p.same(number(1-overwritten), err, "HSET", field, value)
	case 2:
		stored, err := p.k.HSet(plugin.HNX|plugin.HCountAll, plugin.Field{Name: plugin.StringOf(e), Value: plugin.StringOf(v)})
		p.same(number(stored), err, "HSETNX", field, value)
	case 3:
		was, err := p.k.HDel(e)
		p.same(truth(was), err, "HDEL", field)
	default:
		got, ok, err := p.k.HGet(e)
		p.same(bulk(got.String(), ok), err, "HGET", field)
	}
}

func (p *player) zset() {
	e, score := p.element(), float64(p.rnd.IntN(20))/4
	m, text := string(e), string(resp.AppendDouble(nil, score))
	switch p.rnd.IntN(7) {
	case 0, 1:
		conditions := []string{"NX", "XX", "GT", "LT", "CH"}
		i := p.rnd.IntN(len(conditions))
		result, err := p.k.ZAdd(score, e, []plugin.ZFlags{plugin.ZNX, plugin.ZXX, plugin.ZGT, plugin.ZLT, 0}[i])
		p.same(truth(result&(plugin.ZAdded|plugin.ZUpdated) != 0), err, "ZADD", conditions[i], "CH", text, m)
	case 2:
		sum, _, err := p.k.ZIncrBy(score, e, 0)
		p.same(double(sum, true), err, "ZINCRBY", text, m)
	case 3:
		was, err := p.k.ZRem(e)
		p.same(truth(was), err, "ZREM", m)
	case 4:
		got, err := p.k.ZScore(e)
		p.same(double(got, err == nil), noElement(err), "ZSCORE", m)
	case 5:
		rank, err := p.k.ZRank(e)
		want := number(rank)
		if err != nil {
			want = "$-1\r\n"
		}
		p.same(want, noElement(err), "ZRANK", m)
	default:
		n := 0
		for range p.k.ZRange(plugin.ScoreRange{Min: score, Max: score + 2, MinEx: true}) {
			n++
		}
		p.same(number(n), p.k.IterErr(), "ZCOUNT", "("+text, string(resp.AppendDouble(nil, score+2)))
	}
}

// noElement takes away the errors that are a null in a reply.
func noElement(err error) error {
	if errors.Is(err, plugin.ErrNoElement) || errors.Is(err, plugin.ErrEmptyKey) {
		return nil
	}
	return err
}

func (p *player) list() {
	e := p.element()
	text := string(e)
	switch p.rnd.IntN(4) {
	case 0, 1:
		err := p.k.Push(plugin.Tail, plugin.StringOf(e))
		p.same(number(p.k.Len()), err, "RPUSH", text)
	case 2:
		if got, err := p.k.Pop(plugin.Head); !errors.Is(err, plugin.ErrEmptyKey) {
			p.same(bulk(got.String(), true), err, "LPOP")
		}
	default:
		if err := p.k.LSet(-1, plugin.StringOf(e)); !errors.Is(err, plugin.ErrEmptyKey) {
			p.same("+OK\r\n", err, "LSET", "-1", text)
		}
	}
}

// general does what any type of key allows.
func (p *player) general() {
	switch p.rnd.IntN(6) {
	case 0:
		existed := p.k.Type() != plugin.KeyEmpty
		p.same(truth(existed), p.k.Delete(), "DEL")
	case 1:
		e := p.element()
		text := string(e)
		p.same("+OK\r\n", p.k.SetString(plugin.StringOf(e)), "SET", text)
	case 2:
		existed := p.k.Type() != plugin.KeyEmpty
		if err := p.k.SetTTL(time.Hour); !errors.Is(err, plugin.ErrEmptyKey) {
			p.same(truth(existed), err, "PEXPIRE", "3600000")
		}
	case 3:
		had := p.k.TTL() != plugin.NoExpire
		p.same(truth(had), noElement(p.k.SetTTL(plugin.NoExpire)), "PERSIST")
	case 4:
		b, err := p.k.DMA(plugin.Write)
		if err == nil && len(b) == 0 {
			return
		}
		n := len(b)
		if err == nil {
			b[n-1] = '!'
		}
		p.same(number(n), err, "SETRANGE", fmt.Sprint(max(0, n-1)), "!")
	default:
		b, err := p.k.DMA(plugin.Read)
		p.same(bulk(string(b), p.k.Type() != plugin.KeyEmpty), err, "GET")
	}
}

// anything takes a key through all types.
func (p *player) anything() {
	[]func(){p.set, p.hash, p.zset, p.list, p.general, p.general}[p.rnd.IntN(6)]()
	types := map[plugin.KeyType]string{
		plugin.KeyEmpty: "none", plugin.KeyString: "string", plugin.KeyList: "list", plugin.KeyHash: "hash", plugin.KeySet: "set", plugin.KeyZSet: "zset",
	}
	p.same("+"+types[p.k.Type()]+"\r\n", nil, "TYPE")
}

// What is written at random through keys gives the same results and the same values as the built-in commands, here and,
// by what is replicated, on a replica. The limits are small, so that values change their encoding and become empty.
func TestRandomWrites(t *testing.T) {
	for seed := range uint64(30) {
		oracle := bareRig(t)
		r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, args []plugin.String) error {
			round, err := args[1].Uint64()
			must(t, err)
			rnd := rand.New(rand.NewPCG(seed, round))
			for _, name := range []string{"set", "hash", "zset", "list", "any"} {
				p := &player{t: t, rnd: rnd, k: open(t, ctx, name, plugin.Write), name: name, oracle: oracle}
				act := map[string]func(){"set": p.set, "hash": p.hash, "zset": p.zset, "list": p.list, "any": p.anything}[name]
				for range 60 {
					act()
				}
				if size := map[string]string{"set": "SCARD", "hash": "HLEN", "zset": "ZCARD", "list": "LLEN"}[name]; size != "" {
					p.same(number(p.k.Len()), nil, size)
				}
				if rnd.IntN(8) == 0 {
					must(t, p.k.Delete())
					oracle.do("DEL", name)
				}
			}
			return ctx.ReplyInt(1)
		}})
		n := int(seed) % 12
		r.ctx.Store.SetLimits(keyspace.Limits{HashEntries: n, HashValueBytes: 20, ZSetEntries: n, ZSetValueBytes: 20, IntsetEntries: n, ListNode: -2, StringBytes: 1 << 20})
		for round := range 8 {
			r.want(":1\r\n", "t", fmt.Sprint(round))
			if r.ctx.Store.Digest() != oracle.ctx.Store.Digest() {
				t.Fatalf("seed %d, round %d: the values differ from those of the commands", seed, round)
			}
		}
	}
}

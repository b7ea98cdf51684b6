package builtin_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"datastore/server/servertest"
)

// templates are the commands of TestRandomCommands. A word in lower case is replaced: key, el (element), int, num (score),
// bound, lex; els, pairs and scored stand for several. lexkey holds members of equal score, without which Redis leaves
// lexicographic ranges undefined. [a|b] is a choice, an empty one leaves the word out.
const templates = `
SET key el [NX|XX|] [GET|] [EXAT 4000000000|PXAT 4000000000001|KEEPTTL||]
GET key
GETSET key el
GETDEL key
GETEX key [PERSIST|PXAT 4000000000001|]
MGET key key key
MSET key el key el
MSETNX key el key el
SETNX key el
INCR key
DECRBY key int
INCRBYFLOAT key num
APPEND key el
STRLEN key
GETRANGE key int int
SETRANGE key [0|3|70|-1] el
[LPUSH|RPUSH|LPUSHX|RPUSHX] key els
[LPUSH|RPUSH] key els
[LPOP|RPOP] key [int|]
LRANGE key int int
LRANGE key 0 -1
LINDEX key int
LSET key int el
LINSERT key [BEFORE|AFTER] el el
LREM key int el
LTRIM key [0|1|int] [-1|-2|int]
HSET key pairs
HSETNX key el el
HGET key el
HMGET key els
HGETALL key
HDEL key els
[HKEYS|HVALS|HLEN] key
HINCRBY key el int
HINCRBYFLOAT key el num
[HEXISTS|HSTRLEN] key el
[SADD|SREM|SMISMEMBER] key els
SADD key int int
[SMEMBERS|SCARD] key
ZADD key [NX|XX|] [GT|LT|] [CH|] scored
ZADD key scored
ZADD key [NX|XX|GT|LT|] INCR num el
[ZREM|ZMSCORE] key els
[ZPOPMIN|ZPOPMAX] key [int|]
ZINCRBY key num el
[ZRANGE|ZREVRANGE] key int int [WITHSCORES|]
ZRANGE key int int REV [WITHSCORES|]
[ZRANGE|ZCOUNT] key bound bound
ZRANGE key bound bound BYSCORE [REV|] [WITHSCORES|] [LIMIT int int|]
[ZRANGEBYSCORE|ZREVRANGEBYSCORE] key bound bound [WITHSCORES|] [LIMIT int int|]
ZADD lexkey 0 el 0 el 0 el
ZREM lexkey els
[ZRANGEBYLEX|ZREVRANGEBYLEX|ZLEXCOUNT] lexkey lex lex
ZRANGE lexkey lex lex BYLEX [REV|] [LIMIT int int|]
[ZRANK|ZREVRANK|ZSCORE] key el
[DEL|UNLINK|EXISTS|TOUCH|TYPE|PERSIST|EXPIRETIME] key
[RENAME|RENAMENX] key key
COPY key key [REPLACE|]
[PEXPIREAT|PEXPIREAT] key [4000000000000|4000000001000|1] [NX|XX|GT|LT|]
KEYS *
DBSIZE
SCAN 0 COUNT 1000
[HSCAN|SSCAN|ZSCAN] key 0 COUNT 100000
OBJECT ENCODING key
`

// unorderedCommands reply with elements in an order that the hash seed decides.
var unorderedCommands = []string{"HGETALL", "HKEYS", "HVALS", "SMEMBERS", "KEYS", "SCAN", "HSCAN", "SSCAN", "ZSCAN"}

// TestRandomCommands runs random commands on few keys here and on redis-server and wants equal replies.
func TestRandomCommands(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(templates), "\n")
	conn := servertest.DialAddr(t, servertest.StartRedis(t).Addr)
	for _, seed := range []uint64{1, 2, 3, rand.Uint64()} {
		conn.Must("FLUSHALL")
		g := generator{rand.New(rand.NewPCG(seed, 0)), 10 + 300*int(seed%2)}
		r := newRunner(t)
		limits := r.c.Store.Limits()
		limits.HashEntries, limits.ZSetEntries, limits.IntsetEntries = 512, 128, 512
		r.c.Store.SetLimits(limits)
		var history []string
		for range 4000 {
			args := g.fill(lines[g.IntN(len(lines))])
			history = append(history, fmt.Sprintf("%q", args))
			ours, theirs := r.do(args...), string(conn.Do(args...).Raw)
			if slices.Contains(unorderedCommands, args[0]) {
				ours, theirs = sorted(ours), sorted(theirs)
			}
			if args[0] == "OBJECT" && strings.Contains("$3\r\nint\r\n$6\r\nembstr\r\n$3\r\nraw\r\n", theirs) {
				continue // how a string that was edited is kept differs, see the encodings in testdata/diff
			}
			if ours != theirs {
				t.Fatalf("seed %d: %q\nours %.500q\nwant %.500q\nafter %s", seed, args, ours, theirs,
					strings.Join(history[max(0, len(history)-12):], "\n      "))
			}
		}
	}
}

// sorted brings the lines of a reply into an order that does not depend on hashing.
func sorted(reply string) string {
	lines := strings.Split(reply, "\r\n")
	slices.Sort(lines)
	return strings.Join(lines, "\r\n")
}

type generator struct {
	*rand.Rand
	elements int
}

func (g *generator) pick(words ...string) string { return words[g.IntN(len(words))] }

// fill makes a command of a template.
func (g *generator) fill(template string) (args []string) {
	for template != "" {
		var word string
		if strings.HasPrefix(template, "[") {
			word, template, _ = strings.Cut(template[1:], "]")
			word = g.pick(strings.Split(word, "|")...)
			template = strings.TrimPrefix(template, " ")
		} else {
			word, template, _ = strings.Cut(template, " ")
		}
		for _, w := range strings.Fields(word) {
			args = append(args, g.words(w)...)
		}
	}
	return args
}

// words returns what stands for a word of a template.
func (g *generator) words(w string) []string {
	several := 1 + g.IntN(4)
	var first, second func() string
	switch w {
	case "key":
		return []string{g.pick("k0", "k1", "k2", "k3", "k4")}
	case "el":
		return []string{g.element()}
	case "int":
		return []string{g.integer()}
	case "num":
		return []string{g.number()}
	case "bound":
		return []string{g.pick("", "", "", "(") + g.number()}
	case "lex":
		return []string{g.pick("-", "+", "["+g.element(), "("+g.element())}
	case "els":
		first = g.element
	case "pairs":
		first, second = g.element, g.element
	case "scored":
		first, second = g.number, g.element
	default:
		return []string{w}
	}
	var out []string
	for range several {
		out = append(out, first())
		if second != nil {
			out = append(out, second())
		}
	}
	return out
}

func (g *generator) element() string {
	switch n := g.IntN(10); {
	case n < 3:
		return strconv.Itoa(g.IntN(2*g.elements) - 5)
	case n < 6:
		return "e" + strconv.Itoa(g.IntN(g.elements))
	case n == 6:
		return g.pick("", "\x00", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("y", 45), strings.Repeat("z", 300),
			"9223372036854775807", "-9223372036854775808", "1.5", "007", "-0")
	}
	return string(rune('a' + g.IntN(9)))
}

func (g *generator) integer() string {
	if g.IntN(2) == 0 {
		return strconv.Itoa(g.IntN(61) - 30)
	}
	return g.pick("0", "-1", "1", "2", "100", "9223372036854775807", "-9223372036854775808", "x")
}

func (g *generator) number() string {
	if g.IntN(2) == 0 {
		return strconv.Itoa(g.IntN(41) - 20)
	}
	return g.pick("0.1", "-2.25", "3.14", "1e10", "inf", "-inf", "0", "17", "1e-7")
}

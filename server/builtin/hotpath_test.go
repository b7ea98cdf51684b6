package builtin_test

import (
	"strings"
	"testing"
)

// TestHotPathsAllocateNothing runs each command often enough that an allocation per call would show.
func TestHotPathsAllocateNothing(t *testing.T) {
	r := newRunner(t)
	setup := []string{
		"SET str some-value", "SET n 1", "RPUSH l a b c d e f", "HSET h f v g w", "SADD s a b c", "SADD ints 1 2 3",
		"ZADD z 1 a 2 b 3 c", "SET e v EX 100",
	}
	for _, line := range setup {
		r.do(strings.Fields(line)...)
	}
	lines := []string{
		"GET str", "GET n", "GET missing", "SET str other-value", "SET n 12", "SET str v EX 100", "SETEX str 100 v",
		"SETNX str v", "INCR n", "DECRBY n 3", "APPEND str x", "STRLEN str", "GETRANGE str 0 2", "MGET str n missing",
		"MSET a 1 b 2", "EXISTS str n", "TTL e", "EXPIRE e 100", "TYPE str", "DEL missing",
		"LPUSH l x", "RPUSH l y", "LPOP l", "RPOP l", "LRANGE l 0 -1", "LINDEX l 1", "LLEN l",
		"HSET h f v2", "HGET h f", "HMGET h f g", "HGETALL h", "HEXISTS h f", "HINCRBY h cnt 1", "HDEL h nope",
		"SADD s a", "SISMEMBER s a", "SMEMBERS s", "SADD ints 2", "SCARD s", "SRANDMEMBER s",
		"ZADD z 5 a", "ZSCORE z b", "ZINCRBY z 1 b", "ZRANGE z 0 -1 WITHSCORES", "ZRANK z b",
		"ZRANGEBYSCORE z (1 +inf LIMIT 0 2", "ZCOUNT z 1 5", "ZCARD z",
	}
	for _, listening := range []bool{false, true} {
		r.c.Effects.Listen(listening)
		for _, line := range lines {
			args := argv(strings.Fields(line)...)
			if n := testing.AllocsPerRun(200, func() { r.run(args); r.c.Effects.Finish() }); n >= 1 {
				t.Errorf("%s allocates %v times (effects wanted: %v)", line, n, listening)
			}
		}
	}
}

// BenchmarkHandlers measures commands from resolved arguments to the reply, without parser, socket and log.
func BenchmarkHandlers(b *testing.B) {
	for _, line := range []string{
		"SET str value", "GET str", "INCR n", "LPUSH l x", "LPOP l", "HSET h f v", "HGET h f", "SADD s a", "ZADD z 1 a",
		"ZRANGE z 0 9", "LRANGE l 0 99", "MSET a 1 b 2 c 3",
	} {
		b.Run(strings.ReplaceAll(line, " ", "_"), func(b *testing.B) {
			r := newRunner(b)
			r.c.Effects.Listen(false)
			args := argv(strings.Fields(line)...)
			b.ReportAllocs()
			for b.Loop() {
				r.run(args)
				r.c.Effects.Finish()
			}
		})
	}
}

package builtin_test

import (
	"strconv"
	"strings"
	"testing"

	"datastore/server/builtin"
)

// TestHostileArguments wants announced numbers to cost nothing: an error or a short reply, no panic, no large memory.
// Where redis-server would try to write an endless reply, ours is an error.
func TestHostileArguments(t *testing.T) {
	r := newRunner(t)
	r.do("SADD", "s", "a", "b", "c")
	r.do("RPUSH", "l", "a", "b", "c")
	r.do("ZADD", "z", "1", "a", "2", "b")
	r.do("SET", "str", "v")
	const tooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"
	for _, test := range []struct{ line, want string }{
		{"SRANDMEMBER s -9223372036854775807", "-ERR value is out of range, the reply would be too long\r\n"},
		{"SRANDMEMBER s -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n"},
		{"SETRANGE str 9223372036854775807 x", tooLong},
		{"SETRANGE str 536870912 x", tooLong},
		{"LPOP l 9223372036854775807", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"},
		{"ZRANGE z -inf +inf BYSCORE LIMIT 0 9223372036854775807", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
		{"ZRANGE z -inf +inf BYSCORE LIMIT 9223372036854775807 1", "*0\r\n"},
		{"SSCAN s 0 COUNT 9223372036854775807 MATCH x", "*2\r\n$1\r\n0\r\n*0\r\n"},
		{"SCAN 18446744073709551615 COUNT 1 MATCH nothing", ""},
	} {
		if got := r.do(strings.Fields(test.line)...); test.want != "" && got != test.want {
			t.Errorf("%s: %.200q, want %q", test.line, got, test.want)
		}
	}
}

// TestOddArguments throws numbers at the edges of every type at every command, on keys of every type, in every place.
// Nothing may panic, and every command writes exactly one reply or returns an error for clients; the runner checks that.
func TestOddArguments(t *testing.T) {
	odd := []string{
		"", "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "nan", "inf", "-inf",
		"1e999", "(", "[", "-", "+", "(1", "[a", "\x00", "*", "LIMIT", "COUNT", "EX", "PXAT", "INCR", "WITHSCORES", "BEFORE", "BYLEX",
	}
	keys := []string{"str", "int", "list", "set", "intset", "zset", "hash", "missing"}
	for _, c := range builtin.Commands() {
		if c.Handler == nil {
			continue
		}
		r := newRunner(t)
		for i := range 400 {
			fill(r)
			args := []string{c.Name}
			for n := 1 + i%6; len(args) <= n; {
				if len(args) == 1 && i%8 != 0 {
					args = append(args, keys[r.c.Rand.IntN(len(keys))])
					continue
				}
				args = append(args, odd[r.c.Rand.IntN(len(odd))])
			}
			if c.Name == "setrange" && len(args) > 2 {
				args[2] = strconv.Itoa(i) // large offsets are legal and slow
			}
			checkOneReply(t, args, r.do(args...))
		}
	}
}

func fill(r *runner) {
	if r.c.DB.Len() < 7 {
		for _, line := range []string{
			"SET str text", "SET int 7", "DEL list", "RPUSH list a 1 b", "SADD set a b", "SADD intset 1 2", "ZADD zset 1 a 2 b", "HSET hash f v",
		} {
			r.do(strings.Fields(line)...)
		}
	}
}

// checkOneReply parses one RESP2 reply and wants nothing behind it.
func checkOneReply(t *testing.T, args []string, reply string) {
	t.Helper()
	rest, ok := skipReply(reply)
	if !ok || rest != "" {
		t.Fatalf("%q: %.200q is not one reply", args, reply)
	}
}

func skipReply(s string) (rest string, ok bool) {
	line, rest, ok := strings.Cut(s, "\r\n")
	if !ok || line == "" {
		return s, false
	}
	switch line[0] {
	case '+', '-', ':':
		return rest, true
	}
	n, err := strconv.Atoi(line[1:])
	switch {
	case err != nil:
		return s, false
	case n < 0:
		return rest, true
	case line[0] == '$':
		return strings.CutPrefix(rest[min(n, len(rest)):], "\r\n")
	}
	for range n {
		if rest, ok = skipReply(rest); !ok {
			return s, false
		}
	}
	return rest, true
}

// TestScanVisitsEverything walks large collections step by step while they stay the same.
func TestScanVisitsEverything(t *testing.T) {
	const n = 3000
	r := newRunner(t)
	for i := range n {
		id := strconv.Itoa(i)
		r.do("SET", "key:"+id, id)
	}
	seen := map[string]bool{}
	cursor := "0"
	for steps := 0; ; steps++ {
		reply := strings.Split(r.do("SCAN", cursor, "MATCH", "key:*"), "\r\n")
		for _, field := range reply {
			if strings.HasPrefix(field, "key:") {
				seen[field] = true
			}
		}
		if cursor = reply[2]; cursor == "0" {
			break
		}
		if steps > n {
			t.Fatal("the scan does not end")
		}
	}
	if len(seen) != n {
		t.Errorf("saw %d keys of %d", len(seen), n)
	}
}

// TestSampling wants distinct members from positive counts by either way of drawing.
func TestSampling(t *testing.T) {
	r := newRunner(t)
	for i := range 1000 {
		r.do("SADD", "s", "m"+strconv.Itoa(i))
	}
	for _, count := range []int{1, 10, 333, 334, 999, 1000} {
		reply := r.do("SRANDMEMBER", "s", strconv.Itoa(count))
		distinct := map[string]bool{}
		for _, f := range strings.Split(reply, "\r\n") {
			if strings.HasPrefix(f, "m") {
				distinct[f] = true
			}
		}
		if len(distinct) != count {
			t.Errorf("SRANDMEMBER s %d gave %d distinct members", count, len(distinct))
		}
	}
	if reply := r.do("SRANDMEMBER", "s", "-50"); !strings.HasPrefix(reply, "*50\r\n") {
		t.Errorf("SRANDMEMBER s -50 began with %.10q", reply)
	}
}

// TestObjectHelp wants a line for every subcommand.
func TestObjectHelp(t *testing.T) {
	help := newRunner(t).do("OBJECT", "HELP")
	for _, c := range builtin.Commands() {
		for _, s := range c.Subs {
			if c.Name == "object" && !strings.Contains(help, "+"+strings.ToUpper(s.Name)) {
				t.Errorf("OBJECT HELP says nothing of %s", s.Name)
			}
		}
	}
}

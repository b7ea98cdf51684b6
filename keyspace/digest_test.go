package keyspace

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest/freeport"
)

// oracle is a real redis-server.
type oracle struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
}

func startOracle(t *testing.T) *oracle {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	port := strconv.Itoa(freeport.Get())
	c := exec.Command(bin, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir(),
		"--enable-debug-command", "yes")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	o := &oracle{t: t}
	for range 200 {
		if o.conn, err = net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.conn.Close() })
	o.r, o.w = bufio.NewReader(o.conn), bufio.NewWriter(o.conn)
	return o
}

// do runs a command and returns its reply, of an array the first element.
func (o *oracle) do(args ...string) string {
	o.t.Helper()
	fmt.Fprintf(o.w, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(o.w, "$%d\r\n%s\r\n", len(a), a)
	}
	if err := o.w.Flush(); err != nil {
		o.t.Fatal(err)
	}
	return o.reply()
}

func (o *oracle) reply() string {
	line, err := o.r.ReadString('\n')
	if err != nil {
		o.t.Fatal(err)
	}
	line = strings.TrimSpace(line)
	switch n, _ := strconv.Atoi(line[1:]); line[0] {
	case '-':
		o.t.Fatal(line)
	case '$':
		b := make([]byte, n+2)
		if _, err := io.ReadFull(o.r, b); err != nil {
			o.t.Fatal(err)
		}
		return string(b[:n])
	case '*':
		first := ""
		for i := range n {
			if r := o.reply(); i == 0 {
				first = r
			}
		}
		return first
	}
	return line[1:]
}

// twin applies the same writes to a store and to Redis.
type twin struct {
	o   *oracle
	d   *DB
	rnd *rand.Rand
}

func (w *twin) elem() string {
	if w.rnd.IntN(3) > 0 {
		return texts[w.rnd.IntN(len(texts))]
	}
	return strings.Repeat("e", []int{3, 60, 65, 300, 9000, 20_000}[w.rnd.IntN(6)])
}

func (w *twin) write(key string) {
	k, n := []byte(key), w.rnd.IntN(12)
	switch w.rnd.IntN(6) {
	case 0:
		val := w.elem()
		w.d.SetStr(k, []byte(val))
		w.o.do("SET", key, val)
	case 1:
		val := w.elem()
		if w.d.Type(k) <= TypeString {
			_, _ = w.d.AppendStr(k, []byte(val))
			w.o.do("APPEND", key, val)
		}
	case 2:
		if l, err := w.d.List(k); err == nil {
			for range n {
				val := w.elem()
				l.Push(Tail, []byte(val))
				w.o.do("RPUSH", key, val)
			}
		}
	case 3:
		if s, err := w.d.Set(k); err == nil {
			for range n {
				val := w.elem()
				s.Add([]byte(val))
				w.o.do("SADD", key, val)
			}
		}
	case 4:
		if h, err := w.d.Hash(k); err == nil {
			for range n {
				f, val := w.elem(), w.elem()
				h.Set([]byte(f), []byte(val))
				w.o.do("HSET", key, f, val)
			}
		}
	case 5:
		if z, err := w.d.ZSet(k); err == nil {
			for range n {
				m, score := w.elem(), scores[w.rnd.IntN(len(scores))]
				if w.rnd.IntN(2) == 0 {
					score = math.Float64frombits(w.rnd.Uint64()&^(1<<62) | 1<<61)
				}
				_, _, _ = z.Add(score, []byte(m), 0)
				w.o.do("ZADD", key, strconv.FormatFloat(score, 'g', -1, 64), m)
			}
		}
	}
	if w.rnd.IntN(5) == 0 && w.d.Exists(k) {
		w.d.SetExpire(k, 4_000_000_000_000)
		w.o.do("PEXPIREAT", key, "4000000000000")
	}
	if w.rnd.IntN(20) == 0 {
		w.d.Delete(k)
		w.o.do("DEL", key)
	}
}

// Digests of the whole and of each value, and the encodings, are those of a real Redis with the same data and limits.
func TestDigestEqualsRedis(t *testing.T) {
	o := startOracle(t)
	for seed := range uint64(12) {
		s := New(Options{})
		s.BeginUnit(1_700_000_000_000, ExpireDelete)
		w := &twin{o: o, rnd: rand.New(rand.NewPCG(seed, 1))}
		l := DefaultLimits()
		if seed%3 > 0 {
			l.HashEntries, l.ZSetEntries, l.IntsetEntries, l.ListNode = w.rnd.IntN(6), w.rnd.IntN(6), w.rnd.IntN(6), []int{3, -1}[seed%2]
		}
		s.SetLimits(l)
		for name, n := range map[string]int{
			"hash-max-listpack-entries": l.HashEntries, "zset-max-listpack-entries": l.ZSetEntries,
			"set-max-intset-entries": l.IntsetEntries, "list-max-listpack-size": l.ListNode,
		} {
			o.do("CONFIG", "SET", name, strconv.Itoa(n))
		}
		o.do("FLUSHALL")
		for range 150 {
			db := []int{0, 0, 0, 2, 9}[w.rnd.IntN(5)]
			w.d = s.DB(db)
			o.do("SELECT", strconv.Itoa(db))
			w.write(fmt.Sprint("key", w.rnd.IntN(15)))
		}
		compareDigests(t, s, o)
		s.Close()
	}
}

func compareDigests(t *testing.T, s *Store, o *oracle) {
	t.Helper()
	sum := s.Digest()
	if got, want := hex.EncodeToString(sum[:]), o.do("DEBUG", "DIGEST"); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	for i := range s.Databases() {
		o.do("SELECT", strconv.Itoa(i))
		if n := o.do("DBSIZE"); n != strconv.Itoa(s.DB(i).Len()) {
			t.Errorf("database %d has %d keys, want %s", i, s.DB(i).Len(), n)
		}
		for e := range s.DB(i).All() {
			sum := e.Digest()
			key := string(e.Key())
			if got, want := hex.EncodeToString(sum[:]), o.do("DEBUG", "DIGEST-VALUE", key); got != want {
				t.Errorf("%s (%s, %s): digest %s, want %s", key, e.Type(), e.Encoding(), got, want)
			}
			if got, want := e.Encoding(), o.do("OBJECT", "ENCODING", key); got != want {
				t.Errorf("%s (%s of %d): encoding %s, want %s", key, e.Type(), e.Len(), got, want)
			}
			if got, want := e.Type().String(), o.do("TYPE", key); got != want {
				t.Errorf("%s: type %s, want %s", key, got, want)
			}
		}
	}
}

// The digest of no data is zero, as in Redis, and keys whose time has come do not count.
func TestDigestOfNothing(t *testing.T) {
	s, d := newTestDB(t)
	if s.Digest() != (Digest{}) {
		t.Error("digest of nothing")
	}
	d.SetStr([]byte("a"), []byte("1"))
	want := s.Digest()
	d.SetStrExpire([]byte("b"), []byte("2"), 1_000_001)
	if s.Digest() == want {
		t.Error("a live key does not count")
	}
	s.BeginUnit(1_000_002, ExpireDelete)
	if s.Digest() != want {
		t.Error("a dead key counts")
	}
}

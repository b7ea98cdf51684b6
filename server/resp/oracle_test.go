package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest/freeport"
)

// startRedis runs the reference server on a free port and returns its address.
func startRedis(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server (Debian package redis-server)")
	}
	port := strconv.Itoa(freeport.Get())
	addr := "127.0.0.1:" + port
	cmd := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", t.TempDir()}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("redis-server does not listen")
	return ""
}

// converse sends in and returns all replies; it half-closes so that the server
// ends the connection.
func converse(t *testing.T, addr string, in []byte) []byte {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		c.Write(in)
		c.(*net.TCPConn).CloseWrite()
	}()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	out, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("no end of replies to %.100q", in)
	}
	return out
}

// TestProtocolErrorsLikeRedis sends every stream to redis-server and expects a
// reply to each command that the parser found and the parser's error at the end.
func TestProtocolErrorsLikeRedis(t *testing.T) {
	addr := startRedis(t)
	lim := DefaultLimits()
	for _, s := range streams {
		checkAgainst(t, addr, &lim, s.in)
	}
	long := strings.Repeat("1", 90_000)
	for _, in := range []string{"*" + long, "*1\r\n$" + long, "*1\r\nx" + long, long, "*1\r\n\r\n", "*1\r\n\n\r\n", "*1\r\n'\r\n", "*1\r\n\\\r\n"} {
		checkAgainst(t, addr, &lim, in)
	}
	lim.Unauthenticated = true
	addr = startRedis(t, "--requirepass", "secret")
	for _, in := range []string{"*10\r\n", "*11\r\n", "*1\r\n$16384\r\n", "*1\r\n$16385\r\n"} {
		checkAgainst(t, addr, &lim, in)
	}
}

func checkAgainst(t *testing.T, addr string, lim *Limits, in string) {
	t.Helper()
	want := feed(lim, []byte(in))
	replies := converse(t, addr, []byte(in))
	for range want.commands {
		_, n, err := Decode(replies)
		if err != nil {
			t.Errorf("%.100q: parser found %v, but the server's replies end: %v", in, want, err)
			return
		}
		replies = replies[n:]
	}
	w := Writer{Proto: 2}
	if want.err != nil {
		w.Error("ERR " + want.err.Error())
	}
	if !bytes.Equal(replies, w.Buf) {
		t.Errorf("%.100q: server ends with %q, parser with %q", in, replies, w.Buf)
	}
}

// TestRandomInlineLikeRedis compares the words of random inline requests with
// what redis-server saw in them, by way of ECHO.
func TestRandomInlineLikeRedis(t *testing.T) {
	addr := startRedis(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	lim := DefaultLimits()
	alphabet := []string{"ECHO", " ", " ", "\"", "'", "\\", "x41", "a", "\\n", "\\x0", "\t", "\v", "\r", "\xfe"}
	for range 300 {
		in := "ECHO "
		for range rnd.IntN(12) {
			in += alphabet[rnd.IntN(len(alphabet))]
		}
		in += "\n"
		got := feed(&lim, []byte(in))
		var p Parser
		args, _, err := p.Next([]byte(in), nil, &lim)
		w := Writer{Proto: 2}
		switch {
		case err != nil:
			w.Error("ERR " + err.Error())
		case len(args) != 2:
			w.Error("ERR wrong number of arguments for 'echo' command")
		default:
			w.Bulk(args[1])
		}
		if reply := converse(t, addr, []byte(in)); !bytes.Equal(reply, w.Buf) && string(args[0]) == "ECHO" {
			t.Errorf("%q: server says %q, parser %v", in, reply, got)
		}
	}
}

// TestDoublesLikeRedis sends doubles as scores and expects them back printed
// the same.
func TestDoublesLikeRedis(t *testing.T) {
	addr := startRedis(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	numbers := []float64{0, 1, -1, 0.1, 3.3, 1e15, 1e16, 1e17, 1e20, 1<<53 - 1, 1 << 53, 1<<53 + 2, -(1 << 60),
		123456789012345678, 1e-4, 1e-5, 5e-324, math.MaxFloat64, math.Inf(1), math.Inf(-1), 1e22, 1e23, 0.5, 1.0 / 3}
	for range 500 {
		numbers = append(numbers, math.Float64frombits(rnd.Uint64()), rnd.NormFloat64(), math.Trunc(rnd.Float64()*1e18))
	}
	for proto := 2; proto <= 3; proto++ {
		in := AppendCommandStrings(nil, "HELLO", fmt.Sprint(proto))
		want := Writer{Proto: proto}
		for _, f := range numbers {
			if f != f {
				continue
			}
			in = AppendCommandStrings(in, "DEL", "z")
			in = AppendCommand(in, []byte("ZADD"), []byte("z"), AppendDouble(nil, f), []byte("m"))
			in = AppendCommandStrings(in, "ZSCORE", "z", "m")
			want.Double(f)
		}
		out := converse(t, addr, in)
		for i, next := 0, want.Buf; len(out) > 0; i++ {
			v, n, err := Decode(out)
			if err != nil {
				t.Fatal(err)
			}
			if v.IsError() {
				t.Fatalf("error %s", v.Str)
			}
			if i > 0 && i%3 == 0 {
				if !bytes.HasPrefix(next, out[:n]) {
					t.Fatalf("server prints %q, we %q", out[:n], next[:min(40, len(next))])
				}
				next = next[n:]
			}
			out = out[n:]
		}
	}
}

var floatTexts = []string{"5.", ".5", ".", "+1", "-1", "1_0", "inf", "+inf", "-Infinity", "INF", "infin", "nan", "-nan", "nan(1)",
	"0x", "0x10", "0X1P3", "0x.8", "0x1p", "0x1p-2", "0x_1p1", "0b1", "0o7", "010", "1e400", "-1e400", "1e-400", "4e-324", "2e-324", "0e999999", "0x0p0",
	" 1", "1 ", "1e", "1e+", "1E5", "", "e5", "-", "+", "--1", "1e5.", "0.0e-500", "1e999999999999", "1e-999999999999", "0x1p99999", "0x1p-99999",
	"0e10000000000000000000", "0e-10000000000000000000", "1e0000000000000000000000000000000000000001", "0x0p999999999999"}

// TestParseFloatLikeRedis: what ZADD takes, ParseFloat takes, with the same value.
func TestParseFloatLikeRedis(t *testing.T) {
	addr := startRedis(t)
	for _, text := range floatTexts {
		in := AppendCommandStrings(nil, "ZADD", "z", text, "m")
		in = AppendCommandStrings(in, "ZSCORE", "z", "m")
		in = AppendCommandStrings(in, "DEL", "z")
		out := converse(t, addr, in)
		added, n, err := Decode(out)
		if err != nil {
			t.Fatal(err)
		}
		f, ok := ParseFloat([]byte(text))
		if ok == added.IsError() {
			t.Errorf("%q: accepted %v, server says %q", text, ok, out)
			continue
		}
		score, _, _ := Decode(out[n:])
		if ok && string(AppendDouble(nil, f)) != string(score.Str) {
			t.Errorf("%q: value %v, server says %q", text, f, score.Str)
		}
	}
}

// TestLongDoubleLikeRedis compares sums with INCRBYFLOAT.
func TestLongDoubleLikeRedis(t *testing.T) {
	addr := startRedis(t)
	rnd := rand.New(rand.NewPCG(5, 6))
	pairs := [][2]string{{"10.5", "0.1"}, {"3", "1.1"}, {"1e300", "1"}, {"1e4930", "1e4930"}, {"1e4932", "1e4932"}, {"1e17", "0.1"},
		{"0", "-1e-20"}, {"0", "-0.0"}, {"0", "4.9e-18"}, {"0", "5.1e-18"}, {"0", "-3.5e-18"}, {"0", "1e-4950"}, {"1", "inf"}, {"inf", "-inf"}, {"0x10", "1"}, {"12345678901234567890123", "0"}, {"100.1", "0.2"},
		{"1e-4940", "0"}, {"1e-4960", "1"}, {"1e5000", "1"}}
	for _, text := range floatTexts {
		pairs = append(pairs, [2]string{"1", text}, [2]string{text, "0.1"})
	}
	for range 500 {
		pairs = append(pairs, [2]string{
			fmt.Sprintf("%.*f", rnd.IntN(8), rnd.NormFloat64()*1000),
			fmt.Sprintf("%.*g", 1+rnd.IntN(19), rnd.NormFloat64()*math.Pow(10, float64(rnd.IntN(30)-15)))})
	}
	for _, pair := range pairs {
		in := AppendCommandStrings(nil, "SET", "k", pair[0])
		in = AppendCommandStrings(in, "INCRBYFLOAT", "k", pair[1])
		out := converse(t, addr, in)
		_, n, _ := Decode(out)
		w := Writer{Proto: 2}
		a, okA := ParseLongDouble([]byte(pair[0]))
		b, okB := ParseLongDouble([]byte(pair[1]))
		if !okA || !okB {
			w.Error("ERR value is not a valid float")
		} else if sum, ok := a.Add(&b); !ok {
			w.Error("ERR increment would produce NaN or Infinity")
		} else {
			w.Bulk(AppendLongDouble(nil, &sum))
		}
		if !bytes.Equal(out[n:], w.Buf) {
			t.Errorf("%s + %s: server says %q, we %q", pair[0], pair[1], out[n:], w.Buf)
		}
	}
}

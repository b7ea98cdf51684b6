package resp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestWriter(t *testing.T) {
	for _, c := range []struct {
		name         string
		write        func(w *Writer)
		resp2, resp3 string
	}{
		{"Int", func(w *Writer) { w.Int(-7); w.Int(9); w.Int(10); w.Int(100) }, ":-7\r\n:9\r\n:10\r\n:100\r\n", ""},
		{"Bulk", func(w *Writer) { w.Bulk(nil); w.Bulk([]byte("a\r\n")) }, "$0\r\n\r\n$3\r\na\r\n\r\n", ""},
		{"BulkInt", func(w *Writer) { w.BulkInt(math.MinInt64); w.BulkInt(0); w.BulkInt(-10) },
			"$20\r\n-9223372036854775808\r\n$1\r\n0\r\n$3\r\n-10\r\n", ""},
		{"Status", func(w *Writer) { w.Status("a\r\n:1"); w.OK() }, "+a  :1\r\n+OK\r\n", ""},
		{"Error", func(w *Writer) { w.Error("ERR a\r\n+OK\nb") }, "-ERR a  +OK b\r\n", ""},
		{"Null", func(w *Writer) { w.Null(); w.NullArray() }, "$-1\r\n*-1\r\n", "_\r\n_\r\n"},
		{"aggregates", func(w *Writer) { w.Array(2); w.Map(2); w.Set(2); w.Push(2) },
			"*2\r\n*4\r\n*2\r\n*2\r\n", "*2\r\n%2\r\n~2\r\n>2\r\n"},
		{"Bool", func(w *Writer) { w.Bool(true); w.Bool(false) }, ":1\r\n:0\r\n", "#t\r\n#f\r\n"},
		{"Double", func(w *Writer) { w.Double(3.3); w.Double(math.Inf(-1)); w.Double(-5) },
			"$18\r\n3.2999999999999998\r\n$4\r\n-inf\r\n$2\r\n-5\r\n", ",3.2999999999999998\r\n,-inf\r\n,-5\r\n"},
		{"longest double", func(w *Writer) { w.Double(-2.2250738585072014e-308) },
			"$24\r\n-2.2250738585072014e-308\r\n", ",-2.2250738585072014e-308\r\n"},
		{"HumanDouble", func(w *Writer) { w.HumanDouble(13.361389338970184) },
			"$20\r\n13.36138933897018433\r\n", ",13.36138933897018433\r\n"},
		{"BigNumber", func(w *Writer) { w.BigNumber([]byte("-12345678901234567890")) },
			"$21\r\n-12345678901234567890\r\n", "(-12345678901234567890\r\n"},
		{"Verbatim", func(w *Writer) { w.Verbatim("txt", []byte("a\nb")) }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"},
		{"Raw", func(w *Writer) { w.Raw([]byte(":1\r\n")); w.RawString(":2\r\n") }, ":1\r\n:2\r\n", ""},
		{"deferred", deferredReply, "*2\r\n*2\r\n$1\r\na\r\n:1\r\n*12\r\n" + strings.Repeat(":1\r\n", 12),
			"%1\r\n~2\r\n$1\r\na\r\n:1\r\n*12\r\n" + strings.Repeat(":1\r\n", 12)},
		{"deferred and empty", func(w *Writer) { w.OK(); w.SetDeferredPush(w.Deferred(), 0) }, "+OK\r\n*0\r\n", "+OK\r\n>0\r\n"},
		{"rollback", func(w *Writer) { w.OK(); m := w.Deferred(); w.Int(1); w.Rollback(m); w.Int(2) }, "+OK\r\n:2\r\n", ""},
	} {
		if c.resp3 == "" {
			c.resp3 = c.resp2
		}
		for proto, want := range map[int]string{2: c.resp2, 3: c.resp3} {
			w := Writer{Proto: proto}
			c.write(&w)
			if string(w.Buf) != want {
				t.Errorf("%s in RESP%d: got %q, want %q", c.name, proto, w.Buf, want)
			}
		}
	}
}

func deferredReply(w *Writer) {
	outer := w.Deferred()
	inner := w.Deferred()
	w.BulkString("a")
	w.Int(1)
	w.SetDeferredSet(inner, 2)
	inner = w.Deferred()
	for range 12 {
		w.Int(1)
	}
	w.SetDeferredArray(inner, 12)
	w.SetDeferredMap(outer, 1)
}

func TestHeadersOfEveryLength(t *testing.T) {
	for n := range 2000 {
		w := Writer{Proto: 2}
		w.Array(n)
		w.BulkString(strings.Repeat("x", n))
		if want := fmt.Sprintf("*%d\r\n$%d\r\n%s\r\n", n, n, strings.Repeat("x", n)); string(w.Buf) != want {
			t.Fatalf("%d: got %q", n, w.Buf)
		}
	}
}

// TestProtocolLikeRedis compares with DEBUG PROTOCOL, which shows each type.
func TestProtocolLikeRedis(t *testing.T) {
	addr := startRedis(t, "--enable-debug-command", "yes")
	elements := func(w *Writer) { w.Int(0); w.Int(1); w.Int(2) }
	pairs := func(w *Writer) {
		w.Int(0)
		w.Bool(false)
		w.Int(1)
		w.Bool(true)
		w.Int(2)
		w.Bool(false)
	}
	for _, proto := range []int{2, 3} {
		for kind, write := range map[string]func(w *Writer){
			"string":   func(w *Writer) { w.BulkString("Hello World") },
			"integer":  func(w *Writer) { w.Int(12345) },
			"double":   func(w *Writer) { w.Double(3.141) },
			"null":     func(w *Writer) { w.Null() },
			"array":    func(w *Writer) { w.Array(3); elements(w) },
			"set":      func(w *Writer) { w.Set(3); elements(w) },
			"map":      func(w *Writer) { w.Map(3); pairs(w) },
			"bignum":   func(w *Writer) { w.BigNumber([]byte("1234567999999999999999999999999999999")) },
			"true":     func(w *Writer) { w.Bool(true) },
			"false":    func(w *Writer) { w.Bool(false) },
			"verbatim": func(w *Writer) { w.Verbatim("txt", []byte("This is a verbatim\nstring")) },
		} {
			in := AppendCommandStrings(nil, "HELLO", strconv.Itoa(proto))
			in = AppendCommandStrings(in, "DEBUG", "PROTOCOL", kind)
			out := converse(t, addr, in)
			_, n, err := Decode(out)
			if err != nil {
				t.Fatal(err)
			}
			w := Writer{Proto: proto}
			write(&w)
			if string(w.Buf) != string(out[n:]) {
				t.Errorf("%s in RESP%d: we write %q, server %q", kind, proto, w.Buf, out[n:])
			}
		}
	}
}

func TestWriterAllocatesNothing(t *testing.T) {
	text := []byte("some text")
	for proto := 2; proto <= 3; proto++ {
		w := Writer{Buf: make([]byte, 0, 4096), Proto: proto}
		allocs := testing.AllocsPerRun(100, func() {
			w.Buf = w.Buf[:0]
			deferredReply(&w)
			w.Int(123456)
			w.Bulk(text)
			w.BulkInt(-123456)
			w.Status("OK")
			w.Error("ERR no")
			w.Map(1000)
			w.Double(0.1)
			w.Double(12)
			w.HumanDouble(0.1)
			w.Verbatim("txt", text)
			w.BigNumber(text)
			w.Buf = AppendCommand(w.Buf, text, text)
			w.Buf = AppendCommandStrings(w.Buf, "SET", "key")
		})
		if allocs != 0 {
			t.Errorf("RESP%d: %v allocations", proto, allocs)
		}
	}
}

func BenchmarkBulk32(b *testing.B) {
	w := Writer{Buf: make([]byte, 0, 4096), Proto: 2}
	value := []byte("the value of 32 bytes, or nearly")
	for b.Loop() {
		w.Buf = w.Buf[:0]
		w.Bulk(value)
	}
}

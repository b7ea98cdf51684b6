package resp

import (
	"fmt"
	"strings"
	"testing"
)

// benchRequests are what clients send, as one read of the socket returns it.
func benchRequests() []struct {
	name     string
	in       []byte
	commands int
} {
	repeat := func(n int, args ...string) (in []byte) {
		for range n {
			in = AppendCommandStrings(in, args...)
		}
		return in
	}
	wide := []string{"HSET", "myhash"}
	for i := range 100 {
		wide = append(wide, fmt.Sprintf("field:%012d", i), "the value of 32 bytes, or nearly")
	}
	return []struct {
		name     string
		in       []byte
		commands int
	}{
		{"ping", repeat(1, "PING"), 1},
		{"get", repeat(1, "GET", "key:000000000001"), 1},
		{"get64", repeat(64, "GET", "key:000000000001"), 64},
		{"set64", repeat(64, "SET", "key:000000000001", "xxx"), 64},
		{"set4K", repeat(4, "SET", "key:000000000001", strings.Repeat("x", 4096)), 4},
		{"hset100fields", repeat(1, wide...), 1},
		{"inline16", []byte(strings.Repeat("GET key:000000000001\r\n", 16)), 16},
	}
}

func BenchmarkParse(b *testing.B) {
	lim := DefaultLimits()
	for _, request := range benchRequests() {
		b.Run(request.name, func(b *testing.B) {
			dst := make([][]byte, 0, 256)
			var p Parser
			b.SetBytes(int64(len(request.in)))
			for b.Loop() {
				commands := 0
				for rest := request.in; len(rest) > 0; commands++ {
					_, n, err := p.Next(rest, dst[:0], &lim)
					if err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
				}
				if commands != request.commands {
					b.Fatalf("%d commands", commands)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(request.commands), "ns/command")
		})
	}
}

// BenchmarkParsePieces: a value of 64 KB that arrives in reads of 16 KB is looked at once, not with each of them.
func BenchmarkParsePieces(b *testing.B) {
	lim := DefaultLimits()
	in := AppendCommandStrings(nil, "SET", "key:000000000001", strings.Repeat("x", 64<<10))
	dst := make([][]byte, 0, 16)
	var p Parser
	for b.Loop() {
		args := dst
		for end := 0; len(args) == 0; {
			end = min(end+16<<10, len(in))
			var err error
			if args, _, err = p.Next(in[:end], dst[:0], &lim); err != nil {
				b.Fatal(err)
			}
		}
		if len(args) != 3 {
			b.Fatalf("%d arguments", len(args))
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	small, large := []byte("xxx"), []byte(strings.Repeat("x", 4096))
	for _, reply := range []struct {
		name  string
		proto int
		write func(w *Writer)
	}{
		{"ok", 2, func(w *Writer) { w.OK() }},
		{"int", 2, func(w *Writer) { w.Int(1_234_567) }},
		{"null", 2, func(w *Writer) { w.Null() }},
		{"bulk3", 2, func(w *Writer) { w.Bulk(small) }},
		{"bulk4K", 2, func(w *Writer) { w.Bulk(large) }},
		{"double", 2, func(w *Writer) { w.Double(12345.678) }},
		{"double3", 3, func(w *Writer) { w.Double(12345.678) }},
		{"array100", 2, func(w *Writer) {
			w.Array(100)
			for range 100 {
				w.Bulk(small)
			}
		}},
		{"map50", 3, func(w *Writer) {
			w.Map(50)
			for i := range int64(50) {
				w.Bulk(small)
				w.BulkInt(i)
			}
		}},
	} {
		b.Run(reply.name, func(b *testing.B) {
			w := Writer{Buf: make([]byte, 0, 8192), Proto: reply.proto}
			for b.Loop() {
				w.Buf = w.Buf[:0]
				reply.write(&w)
			}
			if len(w.Buf) == 0 || cap(w.Buf) != 8192 {
				b.Fatalf("%d bytes in a buffer of %d", len(w.Buf), cap(w.Buf))
			}
		})
	}
}

// BenchmarkNumbers has the scores and increments of commands.
func BenchmarkNumbers(b *testing.B) {
	number, score, out := []byte("1234567"), []byte("12345.678"), make([]byte, 0, 64)
	b.Run("ParseInt", func(b *testing.B) {
		for b.Loop() {
			if n, ok := ParseInt(number); !ok || n != 1234567 {
				b.Fatal(n)
			}
		}
	})
	b.Run("ParseFloat", func(b *testing.B) {
		for b.Loop() {
			if f, ok := ParseFloat(score); !ok || f != 12345.678 {
				b.Fatal(f)
			}
		}
	})
	b.Run("AppendDouble", func(b *testing.B) {
		for b.Loop() {
			if out = AppendDouble(out[:0], 12345.678); len(out) != 9 {
				b.Fatalf("%s", out)
			}
		}
	})
}

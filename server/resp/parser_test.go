package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// outcome is what a stream of requests amounts to.
type outcome struct {
	commands []string
	err      error
	consumed int
}

func (o outcome) String() string {
	return fmt.Sprintf("%d bytes, err %v, commands %q", o.consumed, o.err, o.commands)
}

// feed gives the pieces of a stream to a parser one after the other, in a
// buffer that moves every time, as a connection does.
func feed(lim *Limits, pieces ...[]byte) outcome {
	var p Parser
	var o outcome
	var unread []byte
	for _, piece := range pieces {
		unread = append(bytes.Clone(unread), piece...)
		for {
			args, n, err := p.Next(unread, nil, lim)
			unread = unread[n:]
			o.consumed += n
			if err != nil {
				o.err = err
				return o
			}
			if len(args) == 0 {
				break
			}
			o.commands = append(o.commands, fmt.Sprintf("%q", args))
		}
	}
	return o
}

var streams = []struct {
	name, in string
	commands []string
	err      error
}{
	{"ping", "*1\r\n$4\r\nPING\r\n", []string{`["PING"]`}, nil},
	{"empty argument", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", []string{`["ECHO" ""]`}, nil},
	{"pipeline", "*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\nPING\r\n", []string{`["a"]`, `["b"]`, `["PING"]`}, nil},
	{"empty requests", "*0\r\n*-1\r\n\r\n\n*-5\r\n  \r\nPING\r\n", []string{`["PING"]`}, nil},
	{"empty then kind changes", "*0\r\nPING\r\n\r\n*1\r\n$4\r\nPING\r\n", []string{`["PING"]`, `["PING"]`}, nil},
	{"most negative count", "*-9223372036854775808\r\nPING\r\n", []string{`["PING"]`}, nil},
	{"any byte for LF", "*1\rX$4\rXPINGXXPING\r\n", []string{`["PING"]`, `["PING"]`}, nil},
	{"line feed only inline", "PING\nECHO x\n", []string{`["PING"]`, `["ECHO" "x"]`}, nil},
	{"carriage returns inline", "PING\r\r\nECHO a\rb\r\n", []string{`["PING"]`, `["ECHO" "a" "b"]`}, nil},
	{"inline quotes", `ECHO "\x41\n\q\"" 'a\'b\n' "" '' foo"bar" "\xg1"` + "\r\n",
		[]string{`["ECHO" "A\nq\"" "a'b\\n" "" "" "foobar" "xg1"]`}, nil},
	{"inline white space", "\v\fECHO\ta\vb \x00", nil, nil},
	{"space before array", " *1\r\n", []string{`["*1"]`}, nil},
	{"binary", "*1\r\n$5\r\n\r\n\x00\xff*\r\n", []string{`["\r\n\x00\xff*"]`}, nil},
	{"ten arguments", "*10\r\n" + strings.Repeat("$1\r\nx\r\n", 10), []string{"[" + strings.Repeat(`"x" `, 9) + `"x"]`}, nil},
	{"long argument", "*1\r\n$12345\r\n" + strings.Repeat("z", 12345) + "\r\n", []string{`["` + strings.Repeat("z", 12345) + `"]`}, nil},

	{"count not a number", "PING\r\n*abc\r\n", []string{`["PING"]`}, ErrMultibulkLength},
	{"count too large", "*2147483648\r\n", nil, ErrMultibulkLength},
	{"count empty", "*\r\n", nil, ErrMultibulkLength},
	{"count padded", "*01\r\n", nil, ErrMultibulkLength},
	{"count with plus", "*+1\r\n", nil, ErrMultibulkLength},
	{"count minus zero", "*-0\r\n", nil, ErrMultibulkLength},
	{"count over lines", "*1\n$4\r\n", nil, ErrMultibulkLength},
	{"bulk negative", "*1\r\n$-1\r\n", nil, ErrBulkLength},
	{"bulk too long", "*1\r\n$536870913\r\n", nil, ErrBulkLength},
	{"bulk length of 20 digits", "*1\r\n$12345678901234567890\r\n", nil, ErrBulkLength},
	{"bulk length padded", "*1\r\n$04\r\n", nil, ErrBulkLength},
	{"bulk length spaced", "*1\r\n$ 4\r\n", nil, ErrBulkLength},
	{"nested", "*1\r\n*1\r\n", nil, ProtocolError("Protocol error: expected '$', got '*'")},
	{"not a bulk", "*2\r\n$1\r\na\r\n\xff\r\n", nil, ProtocolError("Protocol error: expected '$', got '\xff'")},
	{"quote left open", "ECHO \"foo\r\n", nil, ErrUnbalancedQuotes},
	{"single quote left open", "ECHO 'foo\r\n", nil, ErrUnbalancedQuotes},
	{"text after quote", "ECHO \"foo\"bar\r\n", nil, ErrUnbalancedQuotes},
	{"backslash at the end", "ECHO \"y\\\r\n", nil, ErrUnbalancedQuotes},

	{"announced arguments only", "*1048577\r\n", nil, nil},
	{"announced bulk only", "*1\r\n$536870912\r\n", nil, nil},
	{"nul hides the line end", "*1\x00\r\nPING\r\n", nil, nil},
	{"nul hides the header end", "*1\r\n$4\x00\r\nPING\r\n", nil, nil},
	{"nul hides the inline end", "ECHO a\x00b\r\nPING\r\n", nil, nil},
}

func TestStreams(t *testing.T) {
	lim := DefaultLimits()
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			got := feed(&lim, []byte(s.in))
			if fmt.Sprint(got.commands) != fmt.Sprint(s.commands) || got.err != s.err {
				t.Errorf("got %v; want %q, %v", got, s.commands, s.err)
			}
		})
	}
}

// TestEverySplit cuts each stream in two at every offset, and into single bytes.
func TestEverySplit(t *testing.T) {
	lim := DefaultLimits()
	for _, s := range streams {
		if len(s.in) > 1000 {
			continue
		}
		want := feed(&lim, []byte(s.in)).String()
		for i := range len(s.in) {
			if got := feed(&lim, []byte(s.in[:i]), []byte(s.in[i:])).String(); got != want {
				t.Fatalf("%s cut at %d: got %s; want %s", s.name, i, got, want)
			}
		}
		if got := feed(&lim, bytes.SplitAfter([]byte(s.in), nil)...).String(); got != want {
			t.Fatalf("%s byte by byte: got %s; want %s", s.name, got, want)
		}
	}
}

func TestLineLimits(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxInlineBytes = 8
	for _, c := range []struct {
		in  string
		err error
	}{
		{"ECHO abc\n", nil},
		{"ECHO abcd\n", ErrInlineTooBig},
		{"ECHO abcd", ErrInlineTooBig},
		{"ECHO\x00abc", nil},
		{"ECHO\x00abcd", ErrInlineTooBig},
		{"*1234567", nil},
		{"*12345678", ErrMultibulkCountTooBig},
		{"*00000000\r\n", ErrMultibulkCountTooBig},
		{"*1\r\n$1234567", nil},
		{"*1\r\n$12345678", ErrBulkCountTooBig},
		{"*1\r\nx12345678", ErrBulkCountTooBig},
	} {
		whole := feed(&lim, []byte(c.in))
		if whole.err != c.err {
			t.Errorf("%q: got %v, want %v", c.in, whole.err, c.err)
		}
		pieces := feed(&lim, bytes.SplitAfter([]byte(c.in), nil)...)
		if pieces.String() != whole.String() {
			t.Errorf("%q byte by byte: got %v, want %v", c.in, pieces, whole)
		}
	}
}

func TestUnauthenticatedLimits(t *testing.T) {
	lim := DefaultLimits()
	lim.Unauthenticated = true
	for in, want := range map[string]error{
		"*10\r\n":            nil,
		"*11\r\n":            ErrUnauthMultibulkLength,
		"*1\r\n$16384\r\n":   nil,
		"*1\r\n$16385\r\n":   ErrUnauthBulkLength,
		"*2147483648\r\n":    ErrMultibulkLength,
		"*1\r\n$536870913\r": nil,
	} {
		if got := feed(&lim, []byte(in)).err; got != want {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
}

func TestTrustedLinkTakesAnyLength(t *testing.T) {
	lim := Limits{MaxBulkBytes: math.MaxInt, MaxArgs: math.MaxInt32, MaxInlineBytes: 1 << 16}
	in := []byte("*1\r\n$9223372036854775807\r\nabc")
	var p Parser
	if args, n, err := p.Next(in, nil, &lim); len(args) != 0 || n != 0 || err != nil {
		t.Errorf("got %q, %d, %v", args, n, err)
	}
}

func TestWant(t *testing.T) {
	lim := DefaultLimits()
	var p Parser
	in := []byte("*2\r\n$3\r\nGET\r\n$10\r\nabcdefghij\r\n")
	for cut, want := range map[int]int{0: 1, 3: 1, 5: 1, 8: 5, 12: 1, 13: 1, 18: 12, 28: 2, 29: 1} {
		p.Reset()
		if args, n, err := p.Next(in[:cut], nil, &lim); len(args) != 0 || n != 0 || err != nil {
			t.Fatalf("cut %d: %q, %d, %v", cut, args, n, err)
		}
		if p.Want() != want {
			t.Errorf("cut %d: Want is %d, should be %d", cut, p.Want(), want)
		}
		if args, n, err := p.Next(in, nil, &lim); len(args) != 2 || n != len(in) || err != nil || p.Want() != 0 {
			t.Fatalf("cut %d, rest: %q, %d, %v, Want %d", cut, args, n, err, p.Want())
		}
	}
}

// TestArgumentsAreFenced: a handler that appends to an argument must not write
// into the next one.
func TestArgumentsAreFenced(t *testing.T) {
	lim := DefaultLimits()
	for _, in := range []string{"*2\r\n$1\r\na\r\n$1\r\nb\r\n", "a b\r\n", "'a' b\r\n"} {
		var p Parser
		for range 2 {
			args, _, _ := p.Next([]byte(in), nil, &lim)
			for _, arg := range args {
				if cap(arg) != len(arg) {
					t.Errorf("%q: argument %q has capacity %d", in, arg, cap(arg))
				}
			}
			p.Next([]byte(in)[:len(in)-1], nil, &lim) // so that the second round resumes
		}
	}
}

// TestBytesAreNotScannedAgain feeds a long command byte by byte: with a rescan
// per byte this would take minutes.
func TestBytesAreNotScannedAgain(t *testing.T) {
	lim := DefaultLimits()
	const argc = 100_000
	in := AppendArrayHeader(nil, argc)
	for range argc {
		in = AppendBulk(in, []byte("x"))
	}
	var p Parser
	for i := range in {
		args, _, err := p.Next(in[:i+1], nil, &lim)
		if err != nil {
			t.Fatal(err)
		}
		if done := len(args) == argc; done != (i == len(in)-1) {
			t.Fatalf("after %d of %d bytes: %d arguments", i+1, len(in), len(args))
		}
	}
}

func TestParserAllocatesNothing(t *testing.T) {
	lim := DefaultLimits()
	dst := make([][]byte, 0, 16)
	var p Parser
	pipeline := pipelineOfSets(16)
	inline := []byte("SET key value\r\n")
	partial := pipeline[:len(pipeline)-5]
	announced := []byte("*1048577\r\n$536870912\r\n")
	allocs := testing.AllocsPerRun(100, func() {
		for _, in := range [][]byte{pipeline, inline, partial, announced} {
			p.Reset()
			for len(in) > 0 {
				args, n, err := p.Next(in, dst[:0], &lim)
				if err != nil {
					t.Fatal(err)
				}
				if len(args) == 0 {
					break
				}
				in = in[n:]
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func pipelineOfSets(n int) []byte {
	var in []byte
	for i := range n {
		in = AppendCommandStrings(in, "SET", fmt.Sprintf("key:%012d", i), "the value of 32 bytes, or nearly")
	}
	return in
}

func BenchmarkParsePipeline16(b *testing.B) {
	lim := DefaultLimits()
	in := pipelineOfSets(16)
	dst := make([][]byte, 0, 16)
	var p Parser
	b.ReportAllocs()
	for b.Loop() {
		for rest := in; len(rest) > 0; {
			_, n, err := p.Next(rest, dst[:0], &lim)
			if err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/16, "ns/command")
}

// FuzzParser checks that pieces make no difference and that the commands, sent
// again, are the same.
func FuzzParser(f *testing.F) {
	for _, s := range streams {
		if len(s.in) < 200 {
			f.Add([]byte(s.in), uint8(3), uint8(7))
		}
	}
	lim := DefaultLimits()
	lim.MaxInlineBytes = 40
	f.Fuzz(func(t *testing.T, in []byte, first, second uint8) {
		want := feed(&lim, in)
		a := min(int(first), len(in))
		b := min(a+int(second), len(in))
		if got := feed(&lim, in[:a], in[a:b], in[b:]); got.String() != want.String() {
			t.Fatalf("cut at %d and %d: got %v; want %v", a, b, got, want)
		}
		if got := feed(&lim, bytes.SplitAfter(in, nil)...); got.String() != want.String() {
			t.Fatalf("byte by byte: got %v; want %v", got, want)
		}
		if _, ok := want.err.(ProtocolError); want.err != nil && !ok {
			t.Fatalf("error %v is of type %T", want.err, want.err)
		}
	})
}

func TestSplitArgsRoundTrip(t *testing.T) {
	words := []string{"", "a", "a b", "\x00\xff", "\"", "'", "\\", "\n\r\t\b\a"}
	var line []byte
	for _, w := range words {
		line = append(line, '"')
		for _, c := range []byte(w) {
			line = fmt.Appendf(line, "\\x%02x", c)
		}
		line = append(line, '"', ' ')
	}
	got, ok := SplitArgs(line, nil)
	if !ok || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", words) {
		t.Errorf("got %q, %v", got, ok)
	}
}

func TestProtocolErrorIsAnError(t *testing.T) {
	var e ProtocolError
	if !errors.As(fmt.Errorf("read: %w", ErrBulkLength), &e) || e != ErrBulkLength {
		t.Errorf("got %q", e)
	}
}

func TestLineSearchGoesOn(t *testing.T) {
	lim := DefaultLimits()
	for _, in := range []string{"ECHO a", "*10", "*2\r\n$1\r\na\r\n$10"} {
		var p Parser
		if _, n, err := p.Next([]byte(in), nil, &lim); n != 0 || err != nil || p.scan != len(in) {
			t.Errorf("%q: search goes on at %d, should at %d", in, p.scan, len(in))
		}
	}
}

// A request that was parsed and not executed is parsed again, so parsing must leave the bytes as they are.
func TestParsingLeavesTheInput(t *testing.T) {
	for _, in := range []string{"ECHO \"a\\x41 b\"\r\n", "SET k 'it\\'s'\n", "*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n", "PING\r\n"} {
		buf := []byte(in)
		lim := DefaultLimits()
		var first [][]byte
		for round := range 2 {
			var p Parser
			args, n, err := p.Next(buf, nil, &lim)
			if err != nil || n != len(in) || string(buf) != in {
				t.Fatalf("%q, round %d: %d bytes, %v, and the input is %q", in, round, n, err, buf)
			}
			if round == 0 {
				first = args
			} else if string(bytes.Join(args, []byte("|"))) != string(bytes.Join(first, []byte("|"))) {
				t.Errorf("%q: %q, then %q", in, first, args)
			}
		}
	}
}

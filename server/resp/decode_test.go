package resp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// show renders a value so that every field counts.
func show(v Value) string {
	s := string(rune(v.Kind))
	switch v.Kind {
	case KindNull:
		return fmt.Sprintf("%s%v", s, v.NullArray)
	case KindInt, KindBool:
		return fmt.Sprintf("%s%d", s, v.Int)
	case KindArray, KindMap, KindSet, KindPush:
		elems := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			elems[i] = show(e)
		}
		return s + "[" + strings.Join(elems, " ") + "]"
	}
	return fmt.Sprintf("%s%q", s, v.Str)
}

var replies = []struct {
	in, want string
	err      error
}{
	{"+OK\r\n", `+"OK"`, nil},
	{"+\r\n", `+""`, nil},
	{"-ERR no\r\n", `-"ERR no"`, nil},
	{":-12\r\n", ":-12", nil},
	{":+12\r\n", ":12", nil},
	{"$3\r\na\r\n\r\n", `$"a\r\n"`, nil},
	{"$0\r\n\r\n", `$""`, nil},
	{"$-1\r\n", "_false", nil},
	{"*-1\r\n", "_true", nil},
	{"_\r\n", "_false", nil},
	{"*0\r\n", "*[]", nil},
	{"*2\r\n*1\r\n:1\r\n$1\r\na\r\n", `*[*[:1] $"a"]`, nil},
	{"%1\r\n+k\r\n~2\r\n#t\r\n#f\r\n", `%[+"k" ~[#1 #0]]`, nil},
	{",-1.5\r\n", `,"-1.5"`, nil},
	{",inf\r\n", `,"inf"`, nil},
	{"(-123456789012345678901\r\n", `("-123456789012345678901"`, nil},
	{"=7\r\ntxt:a\nb\r\n", `="a\nb"`, nil},
	{"!5\r\nERR x\r\n", `!"ERR x"`, nil},
	{">2\r\n+message\r\n+x\r\n", `>[+"message" +"x"]`, nil},
	{"|1\r\n+ttl\r\n:1\r\n*1\r\n|1\r\n+a\r\n+b\r\n:2\r\n", "*[:2]", nil},

	{"*1048577\r\n", "", ErrIncomplete},
	{"$1099511627776\r\n", "", ErrIncomplete},
	{"$1099511627777\r\n", "", ErrTooLong},
	{"*1099511627777\r\n", "", ErrTooLong},
	{"?\r\n", "", ErrMalformed},
	{"OK\r\n", "", ErrMalformed},
	{":\r\n", "", ErrMalformed},
	{":1\n", "", ErrMalformed},
	{":0x1\r\n", "", ErrMalformed},
	{":" + strings.Repeat("1", 70), "", ErrMalformed},
	{"$-2\r\n", "", ErrMalformed},
	{"$1\r\nabc\r\n", "", ErrMalformed},
	{"!-1\r\n", "", ErrMalformed},
	{"%-1\r\n", "", ErrMalformed},
	{"=2\r\nab\r\n", "", ErrMalformed},
	{"#x\r\n", "", ErrMalformed},
	{",one\r\n", "", ErrMalformed},
	{"(1.5\r\n", "", ErrMalformed},
	{"_x\r\n", "", ErrMalformed},
	{"*3\r\n?\r\n", "", ErrMalformed},
	{strings.Repeat("*1\r\n", MaxDepth) + ":1\r\n", strings.Repeat("*[", MaxDepth) + ":1" + strings.Repeat("]", MaxDepth), nil},
	{strings.Repeat("*1\r\n", MaxDepth+1) + ":1\r\n", "", ErrTooDeep},
}

func TestDecode(t *testing.T) {
	for _, r := range replies {
		v, n, err := Decode([]byte(r.in + "rest")[:len(r.in):len(r.in)])
		if !errors.Is(err, r.err) {
			t.Errorf("%q: error %v, want %v", r.in, err, r.err)
			continue
		}
		if err != nil {
			continue
		}
		if n != len(r.in) || show(v) != r.want {
			t.Errorf("%q: got %s of %d bytes, want %s", r.in, show(v), n, r.want)
		}
		for cut := range len(r.in) {
			if _, _, err := Decode([]byte(r.in[:cut])); err != ErrIncomplete {
				t.Errorf("%q cut at %d: error %v", r.in, cut, err)
			}
		}
	}
}

// TestDecodeTrustsNoLength: announcements nested to the limit must not allocate
// what they announce.
func TestDecodeTrustsNoLength(t *testing.T) {
	in := []byte(strings.Repeat("*1000000000\r\n", MaxDepth))
	allocs := testing.AllocsPerRun(10, func() {
		if _, _, err := Decode(in); err != ErrIncomplete {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestValueFloat(t *testing.T) {
	v, _, err := Decode([]byte(",-1.5\r\n"))
	if f, ok := v.Float(); err != nil || !ok || f != -1.5 {
		t.Errorf("got %v, %v, %v", f, ok, err)
	}
}

// encode writes a value back, to compare it with what it was decoded from.
func encode(w *Writer, v Value) {
	switch v.Kind {
	case KindNull:
		w.Null()
	case KindInt:
		w.Int(v.Int)
	case KindBool:
		w.Bool(v.Int == 1)
	case KindArray:
		w.Array(len(v.Elems))
	case KindMap:
		w.Map(len(v.Elems) / 2)
	case KindSet:
		w.Set(len(v.Elems))
	case KindPush:
		w.Push(len(v.Elems))
	case KindStatus:
		w.Status(string(v.Str))
	case KindError:
		w.Error(string(v.Str))
	case KindBigNumber:
		w.BigNumber(v.Str)
	case KindDouble:
		f, _ := v.Float()
		w.Double(f)
	case KindVerbatim:
		w.Verbatim("txt", v.Str)
	default:
		w.Bulk(v.Str)
	}
	for _, elem := range v.Elems {
		encode(w, elem)
	}
}

// FuzzDecode checks that decoding is stable under encoding, that no prefix of a
// reply is another reply, and that nothing panics.
func FuzzDecode(f *testing.F) {
	for _, r := range replies {
		if len(r.in) < 100 {
			f.Add([]byte(r.in))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, n, err := Decode(in)
		if err != nil {
			return
		}
		for cut := range n {
			if _, _, err := Decode(in[:cut]); err == nil {
				t.Fatalf("%q: the first %d of %d bytes are a reply", in[:n], cut, n)
			}
		}
		w := Writer{Proto: 3}
		encode(&w, v)
		again, m, err := Decode(w.Buf)
		if err != nil || m != len(w.Buf) {
			t.Fatalf("%q written again is %q: %v after %d", in[:n], w.Buf, err, m)
		}
		second := Writer{Proto: 3}
		encode(&second, again)
		if !bytes.Equal(second.Buf, w.Buf) {
			t.Fatalf("%q, then %q", w.Buf, second.Buf)
		}
	})
}

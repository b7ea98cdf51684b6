package rdb_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"datastore/keyspace/rdb"
)

func TestChecksum(t *testing.T) {
	const check = 0xe9c6d914c4b8d9ca
	if got := rdb.Checksum(0, []byte("123456789")); got != check {
		t.Errorf("checksum is %#x, want %#x", got, uint64(check))
	}
	// The definition, one bit at a time.
	slow := func(crc uint64, p []byte) uint64 {
		for _, c := range p {
			crc ^= uint64(c)
			for range 8 {
				if crc&1 != 0 {
					crc = crc>>1 ^ 0x95ac9329ac4bc9b5
				} else {
					crc >>= 1
				}
			}
		}
		return crc
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "p")
		cut := rapid.IntRange(0, len(p)).Draw(t, "cut")
		if got, want := rdb.Checksum(rdb.Checksum(0, p[:cut]), p[cut:]), slow(0, p); got != want {
			t.Fatalf("checksum is %#x, want %#x", got, want)
		}
	})
}

func TestLengths(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		want string
	}{
		{0, "\x00"}, {63, "\x3f"}, {64, "\x40\x40"}, {16383, "\x7f\xff"}, {16384, "\x80\x00\x00\x40\x00"},
		{math.MaxUint32, "\x80\xff\xff\xff\xff"}, {math.MaxUint32 + 1, "\x81\x00\x00\x00\x01\x00\x00\x00\x00"},
		{math.MaxUint64, "\x81\xff\xff\xff\xff\xff\xff\xff\xff"},
	} {
		if got := string(rdb.AppendLen(nil, c.n)); got != c.want {
			t.Errorf("length %d is %x, want %x", c.n, got, c.want)
		}
		r := rdb.NewBytesReader([]byte(c.want), rdb.ReaderOptions{})
		if got := r.ReadLen(); got != c.n || r.Err() != nil || r.Offset() != int64(len(c.want)) {
			t.Errorf("%x is length %d, %v", c.want, got, r.Err())
		}
	}
}

func TestStrings(t *testing.T) {
	run := strings.Repeat("a", 100)
	for _, c := range []struct {
		s        string
		compress bool
		want     string
	}{
		{"", true, "\x00"},
		{"abc", true, "\x03abc"},
		{"0", true, "\xc0\x00"},
		{"-128", true, "\xc0\x80"},
		{"128", true, "\xc1\x80\x00"},
		{"-32768", true, "\xc1\x00\x80"},
		{"32768", true, "\xc2\x00\x80\x00\x00"},
		{"-2147483648", true, "\xc2\x00\x00\x00\x80"},
		{"2147483648", true, "\x0a2147483648"},
		{"-0", true, "\x02-0"},
		{"007", true, "\x03007"},
		{run[:20], true, "\x14" + run[:20]},
		{run[:21], true, "\xc3\x05\x15\x00a\xe0\x0b\x00"},
		{run[:21], false, "\x15" + run[:21]},
		{run, true, "\xc3\x05\x40\x64\x00a\xe0\x5a\x00"},
	} {
		if got := string(rdb.AppendString(nil, []byte(c.s), c.compress)); got != c.want {
			t.Errorf("string %q is %x, want %x", c.s, got, c.want)
		}
		r := rdb.NewBytesReader([]byte(c.want), rdb.ReaderOptions{})
		if got := string(r.ReadString([]byte("+"))); got != "+"+c.s || r.Err() != nil || len(r.Buffered()) != 0 {
			t.Errorf("%x is string %q, %v", c.want, got, r.Err())
		}
	}
}

func TestTextDoubles(t *testing.T) {
	for f, want := range map[float64]string{
		0: "\x010", 1.5: "\x031.5", 0.1: "\x130.10000000000000001", math.Inf(1): "\xfe", math.Inf(-1): "\xff",
	} {
		if got := string(rdb.AppendTextDouble(nil, f)); got != want {
			t.Errorf("%v is %q, want %q", f, got, want)
		}
	}
	r := rdb.NewBytesReader(rdb.AppendTextDouble(nil, math.NaN()), rdb.ReaderOptions{})
	if got := r.ReadTextDouble(); !math.IsNaN(got) {
		t.Errorf("NaN came back as %v", got)
	}
}

// item is one primitive to be written and read back.
type item struct {
	kind int
	n    int64
	s    []byte
}

func items() *rapid.Generator[[]item] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) item {
		s := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 100),
			rapid.Map(rapid.SampledFrom([]int{21, 1000, 64<<10 - 10, 64 << 10, 64<<10 + 1, 300_000}), noise),
			rapid.Map(rapid.SampledFrom([]int{21, 1000, 64 << 10, 10_000_000}), func(n int) []byte {
				return bytes.Repeat([]byte("squeeze"), n/7)
			}),
		).Draw(t, "s")
		return item{kind: rapid.IntRange(0, 7).Draw(t, "kind"), n: rapid.Int64().Draw(t, "n"), s: s}
	}), 0, 12)
}

func (i item) write(w *rdb.Writer) {
	switch i.kind {
	case 0:
		w.WriteOpcode(byte(i.n))
	case 1:
		w.WriteLen(uint64(i.n))
	case 2:
		w.WriteString(i.s)
	case 3:
		w.WriteInt(i.n >> (uint(i.n) % 64))
	case 4:
		w.WriteMillis(i.n)
	case 5:
		w.WriteDouble(float64(i.n) / 3)
	case 6:
		w.WriteFloat(float32(i.n) / 3)
	case 7:
		w.WriteTextDouble(float64(i.n) / 3)
	}
}

func (i item) read(r *rdb.Reader) bool {
	switch i.kind {
	case 0:
		return r.ReadOpcode() == byte(i.n)
	case 1:
		return r.ReadLen() == uint64(i.n)
	case 2:
		switch i.n % 3 {
		case 0:
			return bytes.Equal(r.ReadString(nil), i.s)
		case 1:
			r.SkipString()
			return true
		}
		return bytes.Equal(r.NextString(), i.s)
	case 3:
		w := rdb.AppendInt(nil, i.n>>(uint(i.n)%64))
		want := rdb.NewBytesReader(w, rdb.ReaderOptions{}).ReadString(nil)
		return bytes.Equal(r.NextString(), want)
	case 4:
		return r.ReadMillis() == i.n
	case 5:
		return r.ReadDouble() == float64(i.n)/3
	case 6:
		return r.ReadFloat() == float32(i.n)/3
	}
	return r.ReadTextDouble() == float64(i.n)/3
}

func TestWriterReaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := items().Draw(t, "items")
		opts := rdb.WriterOptions{Compress: rapid.Bool().Draw(t, "compress"), Checksum: true}
		var file bytes.Buffer
		w, mem := rdb.NewWriter(&file, opts), rdb.NewWriter(nil, opts)
		for _, i := range all {
			i.write(w)
			i.write(mem)
		}
		sum, end := w.Sum(), w.Offset()
		w.WriteSum()
		mem.WriteSum()
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file.Bytes(), mem.Bytes()) || w.Offset() != int64(file.Len()) || mem.Offset() != w.Offset() {
			t.Fatal("writers to a stream and to memory differ")
		}
		if want := rdb.Checksum(0, file.Bytes()[:end]); sum != want {
			t.Fatalf("sum is %#x, want %#x", sum, want)
		}
		tail := append(file.Bytes(), "tail"...)
		sources := map[string]*rdb.Reader{
			"memory":   rdb.NewBytesReader(tail, rdb.ReaderOptions{Checksum: true}),
			"stream":   rdb.NewReader(bytes.NewReader(tail), rdb.ReaderOptions{Checksum: true}),
			"byte":     rdb.NewReader(iotest.OneByteReader(bytes.NewReader(tail)), rdb.ReaderOptions{Checksum: true}),
			"data+EOF": rdb.NewReader(iotest.DataErrReader(bytes.NewReader(tail)), rdb.ReaderOptions{Checksum: true}),
		}
		for name, r := range sources {
			for k, i := range all {
				if !i.read(r) || r.Err() != nil {
					t.Fatalf("%s: item %d of kind %d came back different, %v", name, k, i.kind, r.Err())
				}
			}
			if r.Sum() != sum || r.Offset() != end || uint64(r.ReadMillis()) != sum {
				t.Fatalf("%s: sum %#x at %d, want %#x at %d", name, r.Sum(), r.Offset(), sum, end)
			}
			if got := r.ReadRaw(nil, 4); string(got) != "tail" || r.Err() != nil {
				t.Fatalf("%s: tail is %q, %v", name, got, r.Err())
			}
			if r.ReadOpcode(); !errors.Is(r.Err(), rdb.ErrTruncated) {
				t.Fatalf("%s: at the end: %v", name, r.Err())
			}
		}
	})
}

func TestEveryTruncationIsAnError(t *testing.T) {
	w := rdb.NewWriter(nil, rdb.WriterOptions{Compress: true})
	w.WriteString([]byte("plain"))
	w.WriteString([]byte("12345"))
	w.WriteString(bytes.Repeat([]byte("squeeze"), 20))
	w.WriteDouble(1)
	w.WriteTextDouble(1.25)
	w.WriteLen(1 << 40)
	for cut := range w.Bytes() {
		p := w.Bytes()[:cut]
		for _, r := range []*rdb.Reader{rdb.NewBytesReader(p, rdb.ReaderOptions{}),
			rdb.NewReader(bytes.NewReader(p), rdb.ReaderOptions{})} {
			r.ReadString(nil)
			r.NextString()
			r.ReadString(nil)
			r.ReadDouble()
			r.ReadTextDouble()
			if got := r.ReadLen(); got != 0 || !errors.Is(r.Err(), rdb.ErrTruncated) {
				t.Errorf("cut at %d: length %d, %v", cut, got, r.Err())
			}
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"string encoding":     "\xc4",
		"length encoding":     "\x82",
		"too long":            "\x40\xc8" + strings.Repeat("x", 200),
		"too long compressed": "\xc3\x05\x40\xc8\x00a\xe0\xbe\x00",
		"lzf result short":    "\xc3\x05\x40\x63\x00a\xe0\x5a\x00",
		"lzf result long":     "\xc3\x05\x40\x64\x00a\xe0\x5b\x00",
		"lzf before start":    "\xc3\x02\x03\x20\x00",
		"lzf nested length":   "\xc3\xc0\x03\x20\x00",
	} {
		for kind, read := range map[string]func(*rdb.Reader){
			"ReadString": func(r *rdb.Reader) {
				if got := r.ReadString([]byte("+")); string(got) != "+" {
					t.Errorf("%s: ReadString gave %q", name, got)
				}
			},
			"NextString": func(r *rdb.Reader) {
				if got := r.NextString(); got != nil {
					t.Errorf("%s: NextString gave %q", name, got)
				}
			},
		} {
			r := rdb.NewBytesReader([]byte(s), rdb.ReaderOptions{MaxStringBytes: 150})
			if read(r); !errors.Is(r.Err(), rdb.ErrCorrupt) {
				t.Errorf("%s, %s: %v", name, kind, r.Err())
			}
		}
	}
	r := rdb.NewBytesReader([]byte("\xc0\x01"), rdb.ReaderOptions{})
	if r.ReadLen(); !errors.Is(r.Err(), rdb.ErrCorrupt) {
		t.Errorf("encoded string as a length: %v", r.Err())
	}
	r = rdb.NewBytesReader([]byte("\x031x5"), rdb.ReaderOptions{})
	if r.ReadTextDouble(); !errors.Is(r.Err(), rdb.ErrCorrupt) {
		t.Errorf("bad double: %v", r.Err())
	}
}

func TestMemoryFollowsArrivedBytes(t *testing.T) {
	announced := rdb.AppendLen(nil, 1<<40)
	arrived := append(announced, make([]byte, 300<<10)...)
	compressed := append([]byte("\xc3\x81\x00\x00\x01\x00\x00\x00\x00\x00"), arrived...)
	for name, s := range map[string][]byte{"plain": arrived, "lzf": compressed} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := rdb.NewReader(bytes.NewReader(s), rdb.ReaderOptions{})
		if got := r.ReadString(nil); len(got) != 0 || !errors.Is(r.Err(), rdb.ErrTruncated) {
			t.Fatalf("%s: %d bytes, %v", name, len(got), r.Err())
		}
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > 3<<20 {
			t.Errorf("%s: %d bytes allocated for %d that arrived", name, allocated, len(s))
		}
	}
}

func TestSourceAndDestinationErrorsStay(t *testing.T) {
	broken := errors.New("broken")
	r := rdb.NewReader(io.MultiReader(strings.NewReader("\x03ab"), iotest.ErrReader(broken)), rdb.ReaderOptions{})
	if r.NextString(); !errors.Is(r.Err(), broken) {
		t.Errorf("reader's error is %v", r.Err())
	}
	r = rdb.NewReader(silent{}, rdb.ReaderOptions{})
	if r.ReadOpcode(); !errors.Is(r.Err(), io.ErrNoProgress) {
		t.Errorf("error of a source without bytes is %v", r.Err())
	}
	dst := &failing{err: broken}
	w := rdb.NewWriter(dst, rdb.WriterOptions{})
	for range 5 {
		w.WriteString(make([]byte, 100<<10))
		w.WriteLen(5)
	}
	if err := w.Flush(); !errors.Is(err, broken) || w.Err() != err || dst.calls != 1 {
		t.Errorf("writer's error is %v after %d calls", err, dst.calls)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

type failing struct {
	err   error
	calls int
}

func (f *failing) Write([]byte) (int, error) {
	f.calls++
	return 0, f.err
}

func TestResetWriter(t *testing.T) {
	w := rdb.NewWriter(nil, rdb.WriterOptions{Checksum: true})
	w.WriteString([]byte("first"))
	w.Sum()
	w.Reset(nil)
	if w.WriteString([]byte("abc")); string(w.Bytes()) != "\x03abc" || w.Sum() != rdb.Checksum(0, []byte("\x03abc")) {
		t.Errorf("after Reset: %q, %#x", w.Bytes(), w.Sum())
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("\x03abc\xc0\x05\xc3\x05\x40\x64\x00a\xe0\x5a\x00\x031.5"))
	f.Add([]byte("\x81\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, p []byte) {
		mem := rdb.NewBytesReader(p, rdb.ReaderOptions{Checksum: true, MaxStringBytes: 1 << 20})
		stream := rdb.NewReader(iotest.HalfReader(bytes.NewReader(p)), rdb.ReaderOptions{Checksum: true, MaxStringBytes: 1 << 20})
		for k := 0; mem.Err() == nil; k++ {
			var a, b []byte
			switch k % 4 {
			case 0:
				a, b = mem.ReadString(nil), stream.NextString()
			case 1:
				a, b = mem.NextString(), stream.ReadString(nil)
			case 2:
				a, b = rdb.AppendLen(nil, mem.ReadLen()), rdb.AppendLen(nil, stream.ReadLen())
			case 3:
				a, b = rdb.AppendDouble(nil, mem.ReadTextDouble()), rdb.AppendDouble(nil, stream.ReadTextDouble())
			}
			if !bytes.Equal(a, b) || (mem.Err() == nil) != (stream.Err() == nil) {
				t.Fatalf("from memory %x, %v; from a stream %x, %v", a, mem.Err(), b, stream.Err())
			}
		}
		if mem.Offset() > int64(len(p)) || mem.Sum() != rdb.Checksum(0, p[:mem.Offset()]) {
			t.Fatalf("sum %#x at %d", mem.Sum(), mem.Offset())
		}
	})
}

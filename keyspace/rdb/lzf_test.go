package rdb_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"datastore/keyspace/rdb"
)

// inputs are texts that compress in different ways.
func inputs() *rapid.Generator[[]byte] {
	return rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, 300),
		rapid.SliceOfN(rapid.ByteRange('a', 'c'), 0, 5000),
		rapid.Custom(func(t *rapid.T) []byte {
			unit := rapid.SliceOfN(rapid.Byte(), 1, 9000).Draw(t, "unit")
			return bytes.Repeat(unit, rapid.IntRange(1, 5).Draw(t, "times"))
		}),
		rapid.Map(rapid.IntRange(0, 3000), func(n int) []byte { return bytes.Repeat([]byte("x"), n) }),
	)
}

func TestLZFRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := inputs().Draw(t, "src")
		prefix := []byte("prefix")
		packed, ok := rdb.Compress(prefix, src)
		if !ok {
			if !bytes.Equal(packed, prefix) {
				t.Fatalf("refused, and gave %q", packed)
			}
			return
		}
		data := packed[len(prefix):]
		if len(data)+4 > len(src) {
			t.Fatalf("%d bytes became %d", len(src), len(data))
		}
		got, err := rdb.Decompress(prefix, data, len(src))
		if err != nil || !bytes.Equal(got[len(prefix):], src) {
			t.Fatalf("came back different: %v", err)
		}
		for _, size := range []int{len(src) - 1, len(src) + 1, 0, -1} {
			if got, err := rdb.Decompress(prefix, data, size); !errors.Is(err, rdb.ErrCorrupt) || !bytes.Equal(got, prefix) {
				t.Fatalf("as %d bytes rather than %d: %q, %v", size, len(src), got, err)
			}
		}
	})
}

func TestLZFCompressesWhatRepeats(t *testing.T) {
	for _, c := range []struct {
		name string
		src  string
		most int
	}{
		{"one byte", strings.Repeat("a", 1000), 20},
		{"words", strings.Repeat("the quick brown fox ", 50), 60},
		{"at 8 KB", strings.Repeat(string(noise(8192)), 2), 8192 + 8192/32 + 150},
		{"short", strings.Repeat("ab", 11), 8},
	} {
		if got, ok := rdb.Compress(nil, []byte(c.src)); !ok || len(got) > c.most {
			t.Errorf("%s: %d bytes became %d, %v; want at most %d", c.name, len(c.src), len(got), ok, c.most)
		}
	}
	for _, src := range [][]byte{nil, []byte("abc"), noise(100), noise(100_000)} {
		if got, ok := rdb.Compress(nil, src); ok {
			t.Errorf("%d bytes of noise became %d", len(src), len(got))
		}
	}
}

func TestLZFReachesBack8KBAndNoFurther(t *testing.T) {
	marker := noise(64)
	for distance := 8180; distance < 8200; distance++ {
		src := append(bytes.Clone(marker), bytes.Repeat([]byte("z"), distance-len(marker))...)
		src = append(src, marker...)
		data, ok := rdb.Compress(nil, src)
		if !ok {
			t.Fatalf("distance %d is not compressed", distance)
		}
		if got, err := rdb.Decompress(nil, data, len(src)); err != nil || !bytes.Equal(got, src) {
			t.Errorf("distance %d came back different: %v", distance, err)
		}
		if again := bytes.Contains(data[70:], marker[8:40-8]); again != (distance > 8192) {
			t.Errorf("distance %d: marker written twice is %v", distance, again)
		}
	}
}

// noise is n bytes without repetition to find.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

func TestLZFRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		size int
	}{
		"literals cut":       {"\x05abc", 6},
		"reference cut":      {"\x00a\x20", 4},
		"long reference cut": {"\x00a\xe0", 100},
		"long without low":   {"\x00a\xe0\x10", 26},
		"before the start":   {"\x00a\x20\x01", 4},
		"result too long":    {"\x00a\x40\x00", 4},
		"result too short":   {"\x00a\x20\x00", 5},
		"absurd size":        {"\x00a", 1 << 50},
		"nothing":            {"", 1},
	} {
		if got, err := rdb.Decompress(nil, []byte(c.data), c.size); !errors.Is(err, rdb.ErrCorrupt) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestCompressDoesNotAllocate(t *testing.T) {
	src := bytes.Repeat([]byte("hello, world "), 1000)
	dst := make([]byte, 0, len(src))
	if n := testing.AllocsPerRun(20, func() { rdb.Compress(dst, src) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(20, func() { rdb.AppendString(dst, src[:1000], true) }); n != 0 {
		t.Errorf("%v allocations for a string", n)
	}
}

func FuzzLZF(f *testing.F) {
	f.Add([]byte("\x00a\xe0\x5a\x00"), 100)
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 37)
	f.Fuzz(func(t *testing.T, p []byte, size int) {
		if got, err := rdb.Decompress(nil, p, size); err == nil && len(got) != size {
			t.Fatalf("%d bytes, announced %d", len(got), size)
		}
		if data, ok := rdb.Compress(nil, p); ok {
			if got, err := rdb.Decompress(nil, data, len(p)); err != nil || !bytes.Equal(got, p) {
				t.Fatalf("came back different: %v", err)
			}
		}
	})
}

func BenchmarkChecksum64K(b *testing.B) {
	p := noise(64 << 10)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		rdb.Checksum(0, p)
	}
}

func BenchmarkCompress(b *testing.B) {
	text := bytes.Repeat([]byte(`{"id":12345,"name":"somebody","tags":["a","b"],"score":0.5} `), 500)
	for name, src := range map[string][]byte{"json 100B": text[:100], "json 30KB": text, "noise 64KB": noise(64 << 10)} {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, len(src))
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				rdb.Compress(dst, src)
			}
		})
	}
}

func BenchmarkNextString(b *testing.B) {
	p := rdb.AppendString(nil, []byte("a value of 26 bytes length"), false)
	p = bytes.Repeat(p, 1000)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		r := rdb.NewBytesReader(p, rdb.ReaderOptions{Checksum: true})
		for range 1000 {
			r.NextString()
		}
		if r.Err() != nil {
			b.Fatal(r.Err())
		}
	}
}

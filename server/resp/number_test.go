package resp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestParseInt(t *testing.T) {
	for _, text := range []string{"0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808", "99"} {
		n, ok := ParseInt([]byte(text))
		if want, _ := strconv.ParseInt(text, 10, 64); !ok || n != want {
			t.Errorf("%q: got %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-", "+1", " 1", "1 ", "01", "-0", "-01", "00", "1a", "0x1", "1.0", "--1",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999", "100000000000000000000", "1\x00"} {
		if n, ok := ParseInt([]byte(text)); ok {
			t.Errorf("%q: accepted as %d", text, n)
		}
	}
}

func TestParseUint(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "7": 7, "18446744073709551615": math.MaxUint64, "10000000000000000000": 1e19} {
		if n, ok := ParseUint([]byte(text)); !ok || n != want {
			t.Errorf("%q: got %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-1", "+1", "01", "18446744073709551616", "99999999999999999999", "1 "} {
		if n, ok := ParseUint([]byte(text)); ok {
			t.Errorf("%q: accepted as %d", text, n)
		}
	}
}

func TestIntRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 100_000 {
		n := int64(i)
		if i >= 1000 {
			n = int64(rnd.Uint64()) >> rnd.IntN(64)
		}
		text := AppendInt(nil, n)
		if back, ok := ParseInt(text); !ok || back != n || string(text) != strconv.FormatInt(n, 10) || IntLen(n) != len(text) {
			t.Fatalf("%d: text %q, back %d, IntLen %d", n, text, back, IntLen(n))
		}
	}
}

func TestDoubleRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		f := math.Float64frombits(rnd.Uint64())
		if f != f {
			continue
		}
		text := AppendDouble(nil, f)
		if back, ok := ParseFloat(text); !ok || back != f || len(text) > maxDoubleBytes {
			t.Fatalf("%v: text %q, back %v, %v", f, text, back, ok)
		}
	}
}

func TestHumanDouble(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "0", 5: "5", -1.5: "-1.5", 0.1: "0.10000000000000001", 1e-20: "0", -1e-20: "0",
		1e20: "100000000000000000000", 123456789.25: "123456789.25", math.Inf(1): "inf", math.Inf(-1): "-inf", 100: "100",
	} {
		if got := AppendHumanDouble([]byte("0."), f); string(got) != "0."+want {
			t.Errorf("%v: got %q, want %q", f, got[2:], want)
		}
	}
	if got := AppendHumanDouble(nil, math.NaN()); string(got) != "nan" {
		t.Errorf("NaN: got %q", got)
	}
}

func TestNumbersAllocateNothing(t *testing.T) {
	texts := [][]byte{[]byte("12"), []byte("-12.5"), []byte("1e300"), []byte("inf"), []byte("no number"), []byte("0x1p-3")}
	var sum float64
	allocs := testing.AllocsPerRun(100, func() {
		for _, text := range texts {
			f, _ := ParseFloat(text)
			sum += f
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func FuzzParseFloat(f *testing.F) {
	for _, text := range floatTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, ok := ParseFloat(text)
		if ok && v != v {
			t.Fatalf("%q: NaN", text)
		}
		if ok && string(AppendDouble(nil, v)) != fmt.Sprintf("%.17g", v) && !math.IsInf(v, 0) {
			t.Fatalf("%q: %q", text, AppendDouble(nil, v))
		}
		if x, long := ParseLongDouble(text); ok && !long {
			t.Fatalf("%q is a double but no long double", text)
		} else if long && len(text) < 100 && !ok {
			if f, _ := x.f.Float64(); f != 0 && !math.IsInf(f, 0) {
				t.Fatalf("%q is a long double of %v but no double", text, f)
			}
		}
	})
}

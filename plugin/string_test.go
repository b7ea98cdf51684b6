package plugin

import (
	"errors"
	"math"
	"testing"
)

// Rules: STR-2.
func TestInt64(t *testing.T) {
	good := map[string]int64{
		"0": 0, "1": 1, "-1": -1, "10": 10, "-9": -9,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	}
	for text, want := range good {
		if n, err := StringOf([]byte(text)).Int64(); n != want || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	bad := []string{
		"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "0x10", "1.0", "1e3", "1_0", "\x001",
		"9223372036854775808", "-9223372036854775809", "18446744073709551615", "99999999999999999999",
	}
	for _, text := range bad {
		if n, err := StringOf([]byte(text)).Int64(); n != 0 || !errors.Is(err, ErrNotNumber) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

// Rules: STR-2.
func TestUint64(t *testing.T) {
	good := map[string]uint64{"0": 0, "7": 7, "9223372036854775808": 1 << 63, "18446744073709551615": math.MaxUint64}
	for text, want := range good {
		if n, err := StringOf([]byte(text)).Uint64(); n != want || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "-1", "-0", "00", "+1", " 1", "1 ", "18446744073709551616", "28446744073709551615", "100000000000000000000"} {
		if n, err := StringOf([]byte(text)).Uint64(); n != 0 || !errors.Is(err, ErrNotNumber) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

func TestFloat64(t *testing.T) {
	good := map[string]float64{
		"0": 0, "-0": 0, "0e5": 0, "3.25": 3.25, "+1": 1, ".5": .5, "1e3": 1000, "0x10": 16, "0x1p-2": .25, "0x0": 0,
		"inf": math.Inf(1), "-Infinity": math.Inf(-1), "1e-320": 1e-320,
	}
	for text, want := range good {
		if f, err := StringOf([]byte(text)).Float64(); f != want || err != nil {
			t.Errorf("%q: %v, %v", text, f, err)
		}
	}
	for _, text := range []string{"", " 1", "1 ", "nan", "-NaN", "1e400", "1e-400", "0x1p-2000", "1_0", "0x_1", "1,5", "1\x00", "abc"} {
		if f, err := StringOf([]byte(text)).Float64(); f != 0 || !errors.Is(err, ErrNotNumber) {
			t.Errorf("%q: %v, %v", text, f, err)
		}
	}
}

// Rules: STR-1, STR-7.
func TestStringViews(t *testing.T) {
	var missing String
	empty := StringOf([]byte{})
	if !missing.IsZero() || empty.IsZero() || missing.Len() != 0 || missing.Compare(empty) != 0 || missing.String() != "" {
		t.Error("a missing String and an empty one differ by IsZero alone")
	}
	a, ab := StringOf([]byte("a\x00")), StringOf([]byte("a\x00b"))
	if a.Compare(ab) != -1 || ab.Compare(a) != 1 || a.Compare(a) != 0 || ab.Len() != 3 {
		t.Error("strings compare bytewise, the shorter one first")
	}
}

// TestAppend: the result is a String of its own; nobody who refers to the old one, or to what lies behind it, sees a change.
//
// Rules: STR-6.
func TestAppend(t *testing.T) {
	buffer := []byte("args\r\nnext")
	s := StringOf(buffer[:4])
	joined := s.Append([]byte("XYZ"))
	again := s.Append([]byte("xyz"))
	if string(buffer) != "args\r\nnext" || s.String() != "args" || joined.String() != "argsXYZ" || again.String() != "argsxyz" {
		t.Errorf("%q, %q, %q, %q", buffer, s, joined, again)
	}
	longer := joined.Append([]byte("1"))
	if other := joined.Append([]byte("2")); longer.String() != "argsXYZ1" || other.String() != "argsXYZ2" {
		t.Errorf("%q, %q", longer, other)
	}
	var missing String
	if empty := missing.Append(nil); empty.IsZero() || empty.Len() != 0 || missing.Append([]byte("a")).String() != "a" {
		t.Error("appending to a missing String")
	}
}

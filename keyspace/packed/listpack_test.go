package packed_test

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"datastore/keyspace/packed"
)

func TestEntryEncodings(t *testing.T) {
	long := strings.Repeat("z", 4096)
	for _, c := range []struct{ elem, entry string }{
		{"0", "\x00\x01"},
		{"127", "\x7f\x01"},
		{"128", "\xc0\x80\x02"},
		{"-1", "\xdf\xff\x02"},
		{"-4096", "\xd0\x00\x02"},
		{"4096", "\xf1\x00\x10\x03"},
		{"-32768", "\xf1\x00\x80\x03"},
		{"32768", "\xf2\x00\x80\x00\x04"},
		{"-8388608", "\xf2\x00\x00\x80\x04"},
		{"8388608", "\xf3\x00\x00\x80\x00\x05"},
		{"-2147483648", "\xf3\x00\x00\x00\x80\x05"},
		{"2147483648", "\xf4\x00\x00\x00\x80\x00\x00\x00\x00\x09"},
		{"-9223372036854775808", "\xf4\x00\x00\x00\x00\x00\x00\x00\x80\x09"},
		{"", "\x80\x01"},
		{"abc", "\x83abc\x04"},
		{long[:63], "\xbf" + long[:63] + "\x40"},
		{long[:64], "\xe0\x40" + long[:64] + "\x42"},
		{long[:126], "\xe0\x7e" + long[:126] + "\x01\x80"},
		{long[:4095], "\xef\xff" + long[:4095] + "\x20\x81"},
		{long, "\xf0\x00\x10\x00\x00" + long + "\x20\x85"},
	} {
		b := packed.Append(packed.New(nil), []byte(c.elem))
		if got := string(b[6 : len(b)-1]); got != c.entry {
			t.Errorf("entry of %.30q is %.60x, want %.60x", c.elem, got, c.entry)
		}
		if got := packed.EntrySize([]byte(c.elem)); got != len(c.entry) {
			t.Errorf("EntrySize(%.30q) is %d, want %d", c.elem, got, len(c.entry))
		}
	}
}

func TestBacklenSizes(t *testing.T) {
	for _, c := range []struct{ text, entry int }{
		{125, 125 + 2 + 1},     // body 127
		{126, 126 + 2 + 2},     // body 128
		{16377, 16377 + 5 + 2}, // body 16382
		{16378, 16378 + 5 + 3}, // body 16383, where Redis already takes a third byte
		{2097145, 2097145 + 8}, // body 2097150
		{2097146, 2097146 + 5 + 4},
	} {
		b := packed.New(nil)
		b = packed.Append(b, []byte("head"))
		b = packed.Append(b, bytes.Repeat([]byte("x"), c.text))
		if got := len(b) - 7 - 6; got != c.entry {
			t.Errorf("entry of %d bytes of text takes %d, want %d", c.text, got, c.entry)
		}
		if got := packed.Prev(b, packed.Last(b)); got != packed.First(b) {
			t.Errorf("walking back over %d bytes of text leads to %d", c.text, got)
		}
		if err := packed.Validate(b); err != nil {
			t.Error(err)
		}
	}
}

func TestCountBeyondHeader(t *testing.T) {
	const n = 65537
	b := packed.New(nil)
	for i := range n {
		if b = packed.AppendInt(b, int64(i%100)); i >= 65533 && packed.Len(b) != i+1 {
			t.Fatalf("Len is %d, want %d", packed.Len(b), i+1)
		}
	}
	if err := packed.Validate(b); err != nil {
		t.Fatal(err)
	}
	if packed.Index(b, n-1) != packed.Last(b) || packed.Index(b, -n) != packed.First(b) {
		t.Error("ends are not where Index says")
	}
	if packed.Index(b, n) != -1 || packed.Index(b, -n-1) != -1 {
		t.Error("Index out of range is not -1")
	}
	if b = packed.Delete(b, packed.Index(b, 10), 60000); packed.Len(b) != n-60000 || packed.Validate(b) != nil {
		t.Errorf("after Delete: %d elements, %v", packed.Len(b), packed.Validate(b))
	}
}

func TestNewAppends(t *testing.T) {
	if got := packed.New([]byte("ab")); string(got) != "ab\x07\x00\x00\x00\x00\x00\xff" {
		t.Errorf("New gave %q", got)
	}
	if got := packed.NewIntset([]byte("ab")); string(got) != "ab\x02\x00\x00\x00\x00\x00\x00\x00" {
		t.Errorf("NewIntset gave %q", got)
	}
}

func TestParseInt(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 9, 10, -10, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1} {
		text := strconv.FormatInt(n, 10)
		if got, ok := packed.ParseInt([]byte(text)); !ok || got != n {
			t.Errorf("ParseInt(%q) is %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "--1", "1-",
		"9223372036854775808", "-9223372036854775809", "9999999999999999999", "99999999999999999999", "18446744073709551616",
		"-99999999999999999999", "1\x00", "/", ":"} {
		if got, ok := packed.ParseInt([]byte(text)); ok {
			t.Errorf("ParseInt(%q) is %d", text, got)
		}
	}
}

func TestFloat(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "-5": -5, "1.5": 1.5, "1e+300": 1e300, "inf": math.Inf(1),
		"-inf": math.Inf(-1), "0.10000000000000001": 0.1} {
		b := packed.Append(packed.New(nil), []byte(text))
		if got, ok := packed.Get(b, packed.First(b)).Float(); !ok || got != want {
			t.Errorf("Float of %q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "x", "nan", "1e999", "1.5x"} {
		b := packed.Append(packed.New(nil), []byte(text))
		if got, ok := packed.Get(b, packed.First(b)).Float(); ok {
			t.Errorf("Float of %q is %v", text, got)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	whole := packed.Append(packed.Append(packed.New(nil), []byte("abc")), []byte("70000"))
	if err := packed.Validate(whole); err != nil {
		t.Fatal(err)
	}
	change := func(at int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":           {},
		"short header":      whole[:6],
		"cut":               whole[:len(whole)-1],
		"longer":            append(bytes.Clone(whole), 0xff),
		"size":              change(0, 9),
		"count":             change(4, 3),
		"no end marker":     change(len(whole)-1, 0xfe),
		"string past end":   change(6, 0xbf),
		"length past end":   change(6, 0xf0),
		"unknown entry":     change(6, 0xf5),
		"early end marker":  change(11, 0xff),
		"backlen too long":  change(10, 0x05),
		"backlen continues": change(10, 0x84),
		"non-minimal tag":   change(11, 0xf3),
	} {
		if err := packed.Validate(b); !errors.Is(err, packed.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateIntsetRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":    "",
		"header":     "\x02\x00\x00\x00\x00\x00\x00",
		"width":      "\x03\x00\x00\x00\x00\x00\x00\x00",
		"cut":        "\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00",
		"longer":     "\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00",
		"huge count": "\x08\x00\x00\x00\xff\xff\xff\xff",
		"equal":      "\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x01\x00",
		"descending": "\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\xff\xff",
	} {
		if err := packed.ValidateIntset([]byte(s)); !errors.Is(err, packed.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEditsDoNotAllocate(t *testing.T) {
	room := make([]byte, 0, 4096)
	set := make([]byte, 0, 4096)
	elem, number := []byte("some field"), []byte("123456")
	allocs := testing.AllocsPerRun(100, func() {
		b := packed.New(room)
		b = packed.Append(b, elem)
		b = packed.Prepend(b, number)
		b = packed.AppendFloat(b, 0.1)
		b = packed.Replace(b, packed.Index(b, 1), number)
		if _, ok := packed.Get(b, packed.Last(b)).Float(); !ok || packed.Find(b, packed.First(b), elem, 0) >= 0 {
			t.Error("wrong contents")
		}
		packed.Delete(b, packed.First(b), 1)
		s := packed.NewIntset(set)
		s, _ = packed.IntsetAdd(s, 5)
		s, _ = packed.IntsetAdd(s, 1<<40)
		packed.IntsetRemove(s, 5)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func FuzzValidate(f *testing.F) {
	for _, g := range readGolden(f) {
		f.Add(g.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if packed.ValidateIntset(b) == nil {
			for i := range packed.IntsetLen(b) {
				if pos, ok := packed.IntsetFind(b, packed.IntsetAt(b, i)); !ok || pos != i {
					t.Fatalf("integer %d is found at %d, %v", i, pos, ok)
				}
			}
		}
		if packed.Validate(b) != nil {
			return
		}
		elems := texts(b)
		if packed.Len(b) != len(elems) {
			t.Fatalf("Len is %d, want %d", packed.Len(b), len(elems))
		}
		off := packed.Last(b)
		for i := len(elems) - 1; i >= 0; i-- {
			v := packed.Get(b, off)
			if string(v.AppendTo(nil)) != elems[i] || packed.Index(b, i) != off || packed.Index(b, i-len(elems)) != off {
				t.Fatalf("element %d differs backwards", i)
			}
			v.Float()
			if found := packed.Find(b, packed.First(b), []byte(elems[i]), 0); found < 0 || found > off {
				t.Fatalf("element %d is found at %d, after %d", i, found, off)
			}
			off = packed.Prev(b, off)
		}
		b = packed.Append(b, []byte("new"))
		b = packed.Replace(b, packed.First(b), []byte("123456789"))
		b = packed.Delete(b, packed.First(b), 1)
		if err := packed.Validate(b); err != nil {
			t.Fatalf("after edits: %v", err)
		}
	})
}

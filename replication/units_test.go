package replication

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"datastore/server/resp"
)

// sampleStream has commands, transactions, pings, blank lines and requests for acknowledgements; units are separated.
func sampleStream() (whole []byte, units []string) {
	cmd := func(words ...string) string { return string(resp.AppendCommandStrings(nil, words...)) }
	units = []string{
		cmd("SELECT", "0"), cmd("set", "a", "1"), cmd("PING"),
		cmd("MULTI") + cmd("set", "b", strings.Repeat("x", 300)) + cmd("incr", "c") + cmd("EXEC"),
		"\r\n", cmd("REPLCONF", "GETACK", "*"),
		cmd("multi") + cmd("exec"), cmd("del", "multi", "exec"),
		cmd("MULTI") + cmd("SELECT", "3") + cmd("rpush", "exec", "\r\nEXEC\r\n") + cmd("EXEC"),
	}
	return []byte(strings.Join(units, "")), units
}

// describe renders a unit for comparison.
func describe(u Unit) string {
	var b strings.Builder
	for _, args := range u.Commands {
		fmt.Fprintf(&b, "%q", args)
	}
	fmt.Fprintf(&b, " ack=%v raw=%q", u.Ack, u.Raw)
	return b.String()
}

// pieces gives its bytes in pieces of n, then the error.
type pieces struct {
	data []byte
	n    int
	err  error
}

func (p *pieces) Read(dst []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, p.err
	}
	n := copy(dst, p.data[:min(p.n, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

func readAll(src io.Reader) (units []string, raw []byte, err error) {
	u := unitReader{src: src}
	for {
		list, err := u.next()
		if err != nil {
			return units, raw, err
		}
		for _, x := range list {
			units = append(units, describe(x))
			raw = append(raw, x.Raw...)
		}
	}
}

// TestUnitsAnyPieces checks that the units do not depend on how the bytes arrive.
func TestUnitsAnyPieces(t *testing.T) {
	whole, parts := sampleStream()
	want, raw, err := readAll(&pieces{data: whole, n: 1 << 20, err: io.EOF})
	if !errors.Is(err, io.EOF) || !bytes.Equal(raw, whole) {
		t.Fatalf("err %v, %d of %d bytes", err, len(raw), len(whole))
	}
	if len(want) != len(parts)-1 { // the blank line goes with the unit behind it
		t.Fatalf("%d units, want %d: %q", len(want), len(parts)-1, want)
	}
	if want[3] != describe(Unit{Commands: [][][]byte{
		{[]byte("set"), []byte("b"), bytes.Repeat([]byte("x"), 300)}, {[]byte("incr"), []byte("c")},
	}, Raw: []byte(parts[3])}) {
		t.Errorf("transaction: %s", want[3])
	}
	for n := 1; n < 64; n++ {
		_, raw, err := readAll(&pieces{data: whole, n: n, err: io.EOF})
		if !errors.Is(err, io.EOF) || !bytes.Equal(raw, whole) {
			t.Fatalf("pieces of %d: err %v, %d of %d bytes", n, err, len(raw), len(whole))
		}
	}
}

// TestUnitsCut checks that a link that breaks after any byte yields whole units only.
func TestUnitsCut(t *testing.T) {
	whole, parts := sampleStream()
	ends := map[int]bool{0: true}
	at := 0
	for _, p := range parts {
		at += len(p)
		ends[at] = true
	}
	for cut := range whole {
		_, raw, err := readAll(&pieces{data: whole[:cut], n: 7, err: io.ErrUnexpectedEOF})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(whole, raw) || !ends[len(raw)] {
			t.Fatalf("cut at %d: err %v, units end at %d", cut, err, len(raw))
		}
		for end := cut; end > len(raw); end-- {
			if ends[end] && end != len(raw) {
				t.Fatalf("cut at %d: a complete unit up to %d was not handed on, only up to %d", cut, end, len(raw))
			}
		}
	}
}

// TestUnitsRefused checks streams that have no meaning.
func TestUnitsRefused(t *testing.T) {
	cmd := func(words ...string) string { return string(resp.AppendCommandStrings(nil, words...)) }
	for _, bad := range []string{
		cmd("EXEC"), cmd("MULTI") + cmd("MULTI"), "*1\r\n:1\r\n", "*9999999999999\r\n", "*1\r\n$-4\r\n",
		"\x7fELF" + strings.Repeat("a", 70_000),
	} {
		good := cmd("set", "a", "b")
		units, _, err := readAll(&pieces{data: []byte(good + bad + good), n: 1 << 20, err: io.EOF})
		if !errors.Is(err, ErrProtocol) || len(units) != 1 {
			t.Errorf("%.40q: %d units, err %v", bad, len(units), err)
		}
	}
}

// FuzzUnits checks that raw bytes are neither lost nor handed on twice, whatever arrives.
func FuzzUnits(f *testing.F) {
	whole, _ := sampleStream()
	f.Add(whole, 5)
	f.Add([]byte("*1\r\n$4\r\nEXEC\r\n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n = 1 + max(0, n)%4096
		_, raw, err := readAll(&pieces{data: bytes.Clone(data), n: n, err: io.EOF})
		if err == nil || len(raw) > len(data) {
			t.Fatalf("err %v, %d of %d bytes", err, len(raw), len(data))
		}
	})
}

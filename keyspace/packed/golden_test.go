package packed_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"datastore/keyspace/packed"
)

// golden is a value as redis-server gave it to DUMP.
type golden struct {
	kind, name string
	elems      []string
	bytes      []byte
}

// readGolden reads testdata/redis-7.0.txt.
func readGolden(t testing.TB) []golden {
	t.Helper()
	f, err := os.Open("testdata/redis-7.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []golden
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "  "):
			var elem string
			if err := json.Unmarshal([]byte(line), &elem); err != nil {
				t.Fatal(err)
			}
			last := &all[len(all)-1]
			last.elems = append(last.elems, elem)
		case strings.HasPrefix(line, "= "):
			p, err := hex.DecodeString(line[2:])
			if err != nil {
				t.Fatal(err)
			}
			last := &all[len(all)-1]
			last.bytes = append(last.bytes, p...)
		default:
			kind, name, _ := strings.Cut(line, " ")
			all = append(all, golden{kind: kind, name: name})
		}
	}
	if len(all) < 15 {
		t.Fatalf("only %d golden values", len(all))
	}
	return all
}

func TestGoldenBytesOfRedis(t *testing.T) {
	for _, g := range readGolden(t) {
		t.Run(g.kind+"/"+g.name, func(t *testing.T) {
			if g.kind == "intset" {
				checkGoldenIntset(t, g)
				return
			}
			if err := packed.Validate(g.bytes); err != nil {
				t.Fatal(err)
			}
			if got := texts(g.bytes); !slices.Equal(got, g.elems) {
				t.Errorf("elements %q, want %q", got, g.elems)
			}
			forward, backward := packed.New(nil), packed.New(nil)
			for i := range g.elems {
				forward = packed.Append(forward, []byte(g.elems[i]))
				backward = packed.Prepend(backward, []byte(g.elems[len(g.elems)-1-i]))
			}
			if !bytes.Equal(forward, g.bytes) || !bytes.Equal(backward, g.bytes) {
				t.Errorf("built\n%x and\n%x, want\n%x", forward, backward, g.bytes)
			}
			if g.kind == "zset" {
				checkGoldenScores(t, g)
			}
		})
	}
}

// checkGoldenScores rebuilds a sorted set through the float functions.
func checkGoldenScores(t *testing.T, g golden) {
	b, replaced := packed.New(nil), packed.New(nil)
	for i, elem := range g.elems {
		if i%2 == 0 {
			b = packed.Append(b, []byte(elem))
			replaced = packed.Append(replaced, []byte(elem))
			continue
		}
		f, ok := packed.Get(g.bytes, packed.Index(g.bytes, i)).Float()
		if !ok {
			t.Fatalf("%q is no score", elem)
		}
		size := len(b) + packed.EntrySizeFloat(f)
		if b = packed.AppendFloat(b, f); len(b) != size {
			t.Errorf("EntrySizeFloat(%v) is off by %d", f, len(b)-size)
		}
		replaced = packed.AppendFloat(replaced, 0.25)
		last := packed.Last(replaced)
		size = packed.ReplacedSizeFloat(replaced, last, f)
		if replaced = packed.ReplaceFloat(replaced, last, f); len(replaced) != size {
			t.Errorf("ReplacedSizeFloat(%v) is off by %d", f, len(replaced)-size)
		}
	}
	if !bytes.Equal(b, g.bytes) || !bytes.Equal(replaced, g.bytes) {
		t.Errorf("built\n%x and\n%x, want\n%x", b, replaced, g.bytes)
	}
}

// checkGoldenIntset rebuilds an intset in the order of its elements.
func checkGoldenIntset(t *testing.T, g golden) {
	if err := packed.ValidateIntset(g.bytes); err != nil {
		t.Fatal(err)
	}
	b := packed.NewIntset(nil)
	for _, elem := range g.elems {
		n, ok := packed.ParseInt([]byte(elem))
		if !ok {
			t.Fatalf("%q is no integer", elem)
		}
		size := packed.IntsetGrown(b, n)
		if b, ok = packed.IntsetAdd(b, n); !ok || len(b) != size {
			t.Errorf("adding %d: new %v, %d bytes, announced %d", n, ok, len(b), size)
		}
	}
	if !bytes.Equal(b, g.bytes) {
		t.Errorf("built %x, want %x", b, g.bytes)
	}
}

// texts lists the elements of b from head to tail.
func texts(b []byte) []string {
	var all []string
	for off := packed.First(b); off >= 0; off = packed.Next(b, off) {
		all = append(all, string(packed.Get(b, off).AppendTo(nil)))
	}
	return all
}

package rdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"datastore/keyspace"
	"datastore/keyspace/packed"
	"datastore/keyspace/rdb"
)

// smallFile has a value of each type and encoding.
func smallFile(t testing.TB, o rdb.SaveOptions) []byte {
	s := newStore(t, keyspace.Limits{ListNode: 2, HashEntries: 2, HashValueBytes: 30, ZSetEntries: 2, ZSetValueBytes: 8,
		IntsetEntries: 2, StringBytes: 1 << 20})
	d := s.DB(1)
	d.SetStr([]byte("int"), []byte("300"))
	d.SetStrExpire([]byte("text"), []byte("some text"), nowMs+5)
	d.SetStr([]byte("long"), bytes.Repeat([]byte("ab"), 50))
	for _, key := range []string{"small", "large"} {
		l, _ := d.List([]byte(key + " list"))
		set, _ := d.Set([]byte(key + " set"))
		z, _ := d.ZSet([]byte(key + " zset"))
		h, _ := d.Hash([]byte(key + " hash"))
		for i := range 2 + 2*len(key[:1])*(len(key)-4)*(int(key[0]^'s')&1) {
			elem := fmt.Appendf(nil, "%d", i)
			l.Push(keyspace.Tail, elem)
			set.Add(elem)
			z.Add(float64(i)/2, elem, 0)
			h.Set(elem, elem)
		}
	}
	if n := len(encodings(s)); n != 10 {
		t.Fatalf("only %d encodings: %v", n, encodings(s))
	}
	o.Aux = [][2]string{{"redis-ver", "7.0.15"}}
	return save(t, s, o)
}

func TestTruncationAtEveryByte(t *testing.T) {
	file := smallFile(t, rdb.SaveOptions{Compress: true, Checksum: true})
	s := newStore(t, keyspace.Limits{})
	used := s.UsedBytes()
	for n := range file {
		info, err := rdb.Load(bytes.NewReader(file[:n]), s, rdb.LoadOptions{})
		if !errors.Is(err, rdb.ErrTruncated) {
			t.Fatalf("%d of %d bytes: %+v, %v", n, len(file), info, err)
		}
		if s.FlushAll(); s.UsedBytes() != used {
			t.Fatalf("%d of %d bytes: %d bytes are left behind", n, len(file), s.UsedBytes()-used)
		}
	}
	load(t, file, s, rdb.LoadOptions{})
}

func TestEveryBitFlipIsFound(t *testing.T) {
	file := smallFile(t, rdb.SaveOptions{Checksum: true})
	s := newStore(t, keyspace.Limits{})
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			_, err := rdb.Load(bytes.NewReader(file), s, rdb.LoadOptions{})
			if err == nil {
				t.Fatalf("bit %d of byte %d of %d may change", bit, i, len(file))
			}
			if !isTyped(err) {
				t.Fatalf("bit %d of byte %d: untyped error %v", bit, i, err)
			}
			file[i] ^= 1 << bit
			s.FlushAll()
		}
	}
}

func isTyped(err error) bool {
	return errors.Is(err, rdb.ErrCorrupt) || errors.Is(err, rdb.ErrTruncated) || errors.Is(err, rdb.ErrUnsupported)
}

// TestFlipsBehindTheChecksum loads damaged files whose checksum does not count: they may load, but what has been loaded
// must be sound.
func TestFlipsBehindTheChecksum(t *testing.T) {
	file := smallFile(t, rdb.SaveOptions{})
	rnd := rand.New(rand.NewPCG(7, 1))
	for range 3000 {
		damaged := bytes.Clone(file)
		for range 1 + rnd.IntN(3) {
			damaged[rnd.IntN(len(damaged))] ^= byte(1 << rnd.IntN(8))
		}
		loadAnything(t, damaged)
	}
}

func lp(elems ...string) []byte {
	b := packed.New(nil)
	for _, s := range elems {
		b = packed.Append(b, []byte(s))
	}
	return str(string(b))
}

func double(f float64) string { return string(rdb.AppendDouble(nil, f)) }

func rawValue(parts ...string) []byte { return []byte(strings.Join(parts, "")) }

var manyFields = func() (fields []string) {
	for i := range 40 {
		fields = append(fields, fmt.Sprint(i), "v")
	}
	return fields
}

var badValues = []struct {
	name  string
	t     byte
	value []byte
	err   error
	text  string
}{
	{"empty list", 1, []byte{0}, rdb.ErrCorrupt, "without elements"},
	{"empty set", 2, []byte{0}, rdb.ErrCorrupt, "without elements"},
	{"empty zset", 5, []byte{0}, rdb.ErrCorrupt, "without elements"},
	{"empty hash", 4, []byte{0}, rdb.ErrCorrupt, "without elements"},
	{"empty quicklist", 18, []byte{0}, rdb.ErrCorrupt, "without elements"},
	{"quicklist of an empty node", 18, append([]byte{1, 2}, lp()...), rdb.ErrCorrupt, "without elements"},
	{"empty intset", 11, str(string(packed.NewIntset(nil))), rdb.ErrCorrupt, "without elements"},
	{"empty packed hash", 16, lp(), rdb.ErrCorrupt, "without elements"},
	{"empty packed zset", 17, lp(), rdb.ErrCorrupt, "without elements"},
	{"empty zipmap", 9, str("\x00\xff"), rdb.ErrCorrupt, "without elements"},
	{"repeated member", 2, strs("a", "b", "a"), rdb.ErrCorrupt, "repeated"},
	{"repeated field", 4, append([]byte{2}, strs("a", "1", "a", "2")[1:]...), rdb.ErrCorrupt, "repeated"},
	{"repeated scored member", 5, rawValue("\x02\x01a", double(1), "\x01a", double(2)), rdb.ErrCorrupt, "repeated"},
	{"repeated packed field", 16, lp("a", "1", "a", "2"), rdb.ErrCorrupt, "repeated"},
	{"repeated number as text", 16, str("\x11\x00\x00\x00\x04\x00\x07\x01\x01\x01\x81\x37\x02\x01\x01\x00\xff"), rdb.ErrCorrupt, ""},
	{"repeated field of many", 16, lp(append(manyFields(), "17", "x")...), rdb.ErrCorrupt, "repeated"},
	{"repeated packed member", 17, lp("a", "1", "a", "2"), rdb.ErrCorrupt, "repeated"},
	{"field without value", 16, lp("a", "1", "b"), rdb.ErrCorrupt, "second half"},
	{"member without score", 17, lp("a"), rdb.ErrCorrupt, "second half"},
	{"score without number", 17, lp("a", "one"), rdb.ErrCorrupt, "not a number"},
	{"packed nan", 17, lp("a", "nan"), rdb.ErrCorrupt, "not a number"},
	{"nan", 5, rawValue("\x01\x01a", double(math.NaN())), rdb.ErrCorrupt, "not a number"},
	{"text nan", 3, []byte{1, 1, 'a', 253}, rdb.ErrCorrupt, "not a number"},
	{"scores out of order", 17, lp("a", "2", "b", "1"), rdb.ErrCorrupt, "out of order"},
	{"members out of order", 17, lp("b", "1", "a", "1"), rdb.ErrCorrupt, "out of order"},
	{"intset out of order", 11, str("\x02\x00\x00\x00\x02\x00\x00\x00\x07\x00\x05\x00"), rdb.ErrCorrupt, "out of order"},
	{"unknown container", 18, append([]byte{1, 3}, lp("a")...), rdb.ErrCorrupt, "container 3"},
	{"ziplist with a wrong tail", 10, str("\x0d\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\xf2\xff"), rdb.ErrCorrupt, "header"},
	{"ziplist with a wrong link", 10, str("\x0d\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x01\xf2\xff"), rdb.ErrCorrupt, "entry"},
	{"ziplist past its end", 10, str("\x0d\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x05\xff"), rdb.ErrCorrupt, "entry"},
	{"zipmap past its end", 9, str("\x01\x05a\xff"), rdb.ErrCorrupt, "entry"},
	{"zipmap with a wrong count", 9, str("\x02\x01a\x01\x00b\xff"), rdb.ErrCorrupt, "header"},
	{"unknown type", 99, []byte{0}, rdb.ErrCorrupt, "unknown value type 99"},
	{"type of a later version", 20, lp("a"), rdb.ErrCorrupt, "unknown value type 20"},
	{"stream", 15, []byte{0}, rdb.ErrUnsupported, "stream"},
	{"stream of 7.0", 19, []byte{0}, rdb.ErrUnsupported, "stream"},
	{"module value of Redis 4", 6, binary.BigEndian.AppendUint64([]byte{0x81}, 0x2512c8e9ae7ef400), rdb.ErrUnsupported, `module type "JRLI6a5-9`},
}

func TestBadValues(t *testing.T) {
	s := newStore(t, keyspace.Limits{})
	used := s.UsedBytes()
	for _, c := range badValues {
		_, err := rdb.Load(bytes.NewReader(fileOf(10, c.t, c.value)), s, rdb.LoadOptions{})
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), `key "k" in database 0`) {
			t.Errorf("%s: error %v, want %v with %q", c.name, err, c.err, c.text)
		}
		payload := append(append([]byte{c.t}, c.value...), 10, 0)
		payload = binary.LittleEndian.AppendUint64(payload, rdb.Checksum(0, payload))
		err = rdb.Restore(s.DB(0), []byte("k"), payload, keyspace.Meta{ExpireMs: keyspace.NoExpiry})
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: RESTORE error %v, want %v with %q", c.name, err, c.err, c.text)
		}
		if s.DB(0).Len() != 0 || s.Changes() != 0 {
			t.Fatalf("%s: a refused value left %d keys and %d changes", c.name, s.DB(0).Len(), s.Changes())
		}
	}
	if got := s.UsedBytes(); got != used {
		t.Errorf("refused values left %d bytes behind", got-used)
	}
}

func TestRestoreRefusesBadPayloads(t *testing.T) {
	s := newStore(t, keyspace.Limits{})
	d := s.DB(0)
	d.SetStr([]byte("k"), []byte("value"))
	good := dumped(t, d.Peek([]byte("k")))
	meta := keyspace.Meta{ExpireMs: nowMs + 1, IdleSeconds: 77}
	sealed := func(p []byte, version byte) []byte {
		p = append(bytes.Clone(p), version, 0)
		return binary.LittleEndian.AppendUint64(p, rdb.Checksum(0, p))
	}
	value := good[:len(good)-10]
	for _, c := range []struct {
		key     string
		payload []byte
		err     error
	}{
		{"k", good, rdb.ErrExists},
		{"n", nil, rdb.ErrChecksum},
		{"n", good[:9], rdb.ErrChecksum},
		{"n", append([]byte{1}, good[1:]...), rdb.ErrChecksum},
		{"n", sealed(value, 11), rdb.ErrVersion},
		{"n", sealed(append(bytes.Clone(value), 0), 10), rdb.ErrCorrupt},
		{"n", sealed(value[:3], 10), rdb.ErrTruncated},
		{"n", sealed(nil, 10), rdb.ErrTruncated},
		{"n", sealed(value, 6), nil},
	} {
		if err := rdb.Restore(d, []byte(c.key), c.payload, meta); !errors.Is(err, c.err) {
			t.Errorf("%x as %q: %v, want %v", c.payload, c.key, err, c.err)
		}
		if want := 1; c.err != nil && d.Len() != want {
			t.Fatalf("%x: refused, but there are %d keys", c.payload, d.Len())
		}
	}
	e := d.Peek([]byte("n"))
	if e.ExpireAt() != nowMs+1 || e.IdleSeconds() != 77 || string(e.Str().Bytes) != "value" {
		t.Errorf("restored %q, expiry %d, idle %d", e.Str().Bytes, e.ExpireAt(), e.IdleSeconds())
	}
}

func TestBadFiles(t *testing.T) {
	sum := func(file string) string {
		return string(binary.LittleEndian.AppendUint64([]byte(file), rdb.Checksum(0, []byte(file))))
	}
	const head, end = "REDIS0010", "\xff\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, c := range []struct {
		name, file string
		err        error
		text       string
	}{
		{"nothing", "", rdb.ErrTruncated, "byte 0"},
		{"another file", "\x7fELF\x02\x01\x01\x00\x00\x00\x00", rdb.ErrCorrupt, "no rdb file"},
		{"version 11", "REDIS0011" + end, rdb.ErrVersion, "0011"},
		{"version 0", "REDIS0000" + end, rdb.ErrVersion, "0000"},
		{"version without number", "REDIS00x0" + end, rdb.ErrVersion, "00x0"},
		{"key twice", head + "\x00\x01k\x01a\x00\x01k\x01b" + end, rdb.ErrCorrupt, "twice"},
		{"database 16", head + "\xfe\x10\x00\x01k\x01a" + end, rdb.ErrUnsupported, "database 16 where 16"},
		{"functions", head + "\xf5\x05#!lua" + end, rdb.ErrUnsupported, "functions"},
		{"functions of a release candidate", head + "\xf6\x05#!lua" + end, rdb.ErrUnsupported, "functions"},
		{"wrong checksum", sum(head + "\x00\x01k\x01a\xff")[:20] + "\x01\x02\x03", rdb.ErrChecksum, "at byte"},
		{"endless string", head + "\x00\x01k\x81\x00\x00\x00\x01\x00\x00\x00\x00", rdb.ErrCorrupt, "allowed"},
		{"announced string", head + "\x00\x01k\x80\xf0\x00\x00\x00abc", rdb.ErrTruncated, "byte"},
		{"announced set", head + "\x02\x01k\x81\xff\x00\x00\x00\x00\x00\x00\x00\x01a", rdb.ErrTruncated, "byte"},
		{"announced database", head + "\xfb\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00", rdb.ErrTruncated, "byte"},
		{"bad module opcode", head + "\xf7\x01\x02\x02\x09" + end, rdb.ErrCorrupt, "module opcode 9"},
	} {
		s := newStore(t, keyspace.Limits{})
		_, err := rdb.Load(strings.NewReader(c.file), s, rdb.LoadOptions{})
		if !errors.Is(err, c.err) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: error %v, want %v with %q", c.name, err, c.err, c.text)
		}
		if s.MappedBytes() > 64<<20 {
			t.Errorf("%s: took %d bytes", c.name, s.MappedBytes())
		}
	}
}

func TestGoodFilesWithRareOpcodes(t *testing.T) {
	const head, end = "REDIS0010", "\xff\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, c := range []struct {
		name, file string
		expireMs   int64
		idle       int64
	}{
		{"no checksum kept", head + "\x00\x01k\x01a" + end, -1, 0},
		{"version without checksum", "REDIS0004\x00\x01k\x01a\xff", -1, 0},
		{"seconds", head + "\xfd\x00\x00\x00\x7f\x00\x01k\x01a" + end, 0x7f000000 * 1000, 0},
		{"idle", head + "\xf8\x41\x00\x00\x01k\x01a" + end, -1, 256},
		{"frequency", head + "\xf9\x41\x00\x01k\x01a" + end, -1, 0},
		{"empty library", head + "\xf5\x00\x00\x01k\x01a" + end, -1, 0},
		{"module aux", head + "\xf7\x81\x00\x00\x00\x00\x00\x00\x00\x01\x02\x01\x02\x07\x03abcd\x04abcdefgh\x05\x03xyz\x05\xc3\x05\x08" +
			"\x00a\xe0\x00\x00\x01\x09\x00\x00\x01k\x01a" + end, -1, 0},
		{"something behind", head + "\x00\x01k\x01a" + end + "*1\r\n", -1, 0},
	} {
		s := newStore(t, keyspace.Limits{})
		s.BeginUnit(nowMs, keyspace.ExpireIgnore)
		info := load(t, []byte(c.file), s, rdb.LoadOptions{})
		e := s.DB(0).Peek([]byte("k"))
		if !e.Exists() || string(e.Str().Bytes) != "a" || e.ExpireAt() != c.expireMs || e.IdleSeconds() != c.idle {
			t.Errorf("%s: value %v, expiry %d, idle %d", c.name, e.Exists(), e.ExpireAt(), e.IdleSeconds())
		}
		if want := len(strings.TrimSuffix(c.file, "*1\r\n")); info.Bytes != int64(want) {
			t.Errorf("%s: %d bytes read, want %d", c.name, info.Bytes, want)
		}
	}
}

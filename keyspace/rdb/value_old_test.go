package rdb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

// fileOf makes an uncompressed file of an old version with one value of type t in it, key "k", as Redis of that time wrote
// it.
func fileOf(version int, t byte, value []byte) []byte {
	file := fmt.Appendf(nil, "REDIS%04d", version)
	file = append(file, 254, 0, t, 1, 'k')
	file = append(append(file, value...), 255)
	if version < 5 {
		return file
	}
	return binary.LittleEndian.AppendUint64(file, rdb.Checksum(0, file))
}

func str(s string) []byte { return append(rdb.AppendLen(nil, uint64(len(s))), s...) }

func strs(elems ...string) []byte {
	b := rdb.AppendLen(nil, uint64(len(elems)))
	for _, s := range elems {
		b = append(b, str(s)...)
	}
	return b
}

// ziplistInt is the encoding and the data of an integer.
func ziplistInt(n int64) []byte {
	u := uint64(n)
	switch {
	case n >= 0 && n <= 12:
		return []byte{0xF1 + byte(n)}
	case n == int64(int8(n)):
		return []byte{0xFE, byte(n)}
	case n == int64(int16(n)):
		return []byte{0xC0, byte(n), byte(n >> 8)}
	case n >= -1<<23 && n < 1<<23:
		return []byte{0xF0, byte(n), byte(n >> 8), byte(n >> 16)}
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32([]byte{0xD0}, uint32(u))
	}
	return binary.LittleEndian.AppendUint64([]byte{0xE0}, u)
}

// ziplist builds a ziplist as Redis before 7.0 kept lists, hashes and sorted sets.
func ziplist(elems ...string) string {
	z := make([]byte, 10)
	last, before := 10, 0
	for _, s := range elems {
		last = len(z)
		if before < 254 {
			z = append(z, byte(before))
		} else {
			z = binary.LittleEndian.AppendUint32(append(z, 254), uint32(before))
		}
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case err == nil && strconv.FormatInt(n, 10) == s:
			z = append(z, ziplistInt(n)...)
		case len(s) < 1<<6:
			z = append(append(z, byte(len(s))), s...)
		case len(s) < 1<<14:
			z = append(append(z, 0x40|byte(len(s)>>8), byte(len(s))), s...)
		default:
			z = append(binary.BigEndian.AppendUint32(append(z, 0x80), uint32(len(s))), s...)
		}
		before = len(z) - last
	}
	z = append(z, 0xFF)
	binary.LittleEndian.PutUint32(z, uint32(len(z)))
	binary.LittleEndian.PutUint32(z[4:], uint32(last))
	binary.LittleEndian.PutUint16(z[8:], uint16(len(elems)))
	return string(z)
}

// zipmap builds a zipmap as Redis before 2.6 kept hashes; each value has some unused bytes behind it.
func zipmap(elems ...string) string {
	z := []byte{byte(len(elems) / 2)}
	for i, s := range elems {
		if len(s) < 254 {
			z = append(z, byte(len(s)))
		} else {
			z = binary.LittleEndian.AppendUint32(append(z, 254), uint32(len(s)))
		}
		free := 0
		if i%2 == 1 {
			free = i % 4
			z = append(z, byte(free))
		}
		z = append(append(z, s...), make([]byte, free)...)
	}
	return string(append(z, 0xFF))
}

var mixedElems = []string{
	"", "a", "0", "12", "13", "-1", "127", "-128", "128", "32767", "-32768", "32768", "8388607", "-8388608", "8388608",
	"2147483647", "-2147483648", "2147483648", "9223372036854775807", "-9223372036854775808", "007", "-0", "+1",
	strings.Repeat("x", 63), strings.Repeat("y", 64), strings.Repeat("z", 250), strings.Repeat("w", 260),
	strings.Repeat("v", 16383), strings.Repeat("u", 16384), "end",
}

// pairs gives the elements as fields with values.
func pairs(elems []string) []string {
	var all []string
	for i, s := range elems {
		all = append(all, s, "value "+strconv.Itoa(i))
	}
	return all
}

func pushed(elems ...string) func(d *keyspace.DB) {
	return func(d *keyspace.DB) {
		l, _ := d.List([]byte("k"))
		for _, s := range elems {
			l.Push(keyspace.Tail, []byte(s))
		}
	}
}

func added(elems ...string) func(d *keyspace.DB) {
	return func(d *keyspace.DB) {
		set, _ := d.Set([]byte("k"))
		for _, s := range elems {
			set.Add([]byte(s))
		}
	}
}

func hashed(elems ...string) func(d *keyspace.DB) {
	return func(d *keyspace.DB) {
		h, _ := d.Hash([]byte("k"))
		for i := 0; i < len(elems); i += 2 {
			h.Set([]byte(elems[i]), []byte(elems[i+1]))
		}
	}
}

func scored(elems ...string) func(d *keyspace.DB) {
	return func(d *keyspace.DB) {
		z, _ := d.ZSet([]byte("k"))
		for i := 0; i < len(elems); i += 2 {
			score, err := strconv.ParseFloat(elems[i+1], 64)
			if err != nil {
				panic(err)
			}
			z.Add(score, []byte(elems[i]), 0)
		}
	}
}

var members = []string{"low", "-inf", "b", "-1.5", "7", "3", "a", "3", "big", "1e+300", "high", "inf"}

func textScores(elems ...string) []byte {
	b := rdb.AppendLen(nil, uint64(len(elems)/2))
	for i := 0; i < len(elems); i += 2 {
		b = append(b, str(elems[i])...)
		switch s := elems[i+1]; s {
		case "inf":
			b = append(b, 254)
		case "-inf":
			b = append(b, 255)
		default:
			b = append(append(b, byte(len(s))), s...)
		}
	}
	return b
}

var oldValues = []struct {
	name    string
	version int
	t       byte
	value   []byte
	want    func(d *keyspace.DB)
}{
	{"string", 1, 0, str("text"), func(d *keyspace.DB) { d.SetStr([]byte("k"), []byte("text")) }},
	{"integer of 8 bits", 1, 0, []byte{0xC0, 0x85}, func(d *keyspace.DB) { d.SetStr([]byte("k"), []byte("-123")) }},
	{"integer of 16 bits", 1, 0, []byte{0xC1, 0x39, 0x30}, func(d *keyspace.DB) { d.SetStr([]byte("k"), []byte("12345")) }},
	{"integer of 32 bits", 1, 0, []byte{0xC2, 0x15, 0xCD, 0x5B, 7}, func(d *keyspace.DB) {
		d.SetStr([]byte("k"), []byte("123456789"))
	}},
	{"compressed string", 1, 0, []byte{0xC3, 5, 40, 0, 'a', 0xE0, 30, 0}, nil},
	{"list", 1, 1, strs(mixedElems...), pushed(mixedElems...)},
	{"set", 1, 2, strs(mixedElems...), added(mixedElems...)},
	{"set of integers", 1, 2, strs("5", "-7", "5000000000"), added("5", "-7", "5000000000")},
	{"sorted set with text scores", 1, 3, textScores(members...), scored(members...)},
	{"hash", 1, 4, append(rdb.AppendLen(nil, 30), strs(pairs(mixedElems)...)[1:]...), hashed(pairs(mixedElems)...)},
	{"hash zipmap", 2, 9, str(zipmap("f", "v", "12", "-5", "", "", "long", strings.Repeat("x", 300))),
		hashed("f", "v", "12", "-5", "", "", "long", strings.Repeat("x", 300))},
	{"list ziplist", 4, 10, str(ziplist(mixedElems...)), pushed(mixedElems...)},
	{"intset", 4, 11, str("\x02\x00\x00\x00\x03\x00\x00\x00\xfb\xff\x00\x00\x07\x00"), added("-5", "0", "7")},
	{"sorted set ziplist", 4, 12, str(ziplist(members...)), scored(members...)},
	{"hash ziplist", 4, 13, str(ziplist(pairs(mixedElems)...)), hashed(pairs(mixedElems)...)},
	{"quicklist of ziplists", 9, 14, strs(ziplist(mixedElems...), ziplist(), ziplist("a", "1"), ziplist(mixedElems...)),
		pushed(append(append(append([]string{}, mixedElems...), "a", "1"), mixedElems...)...)},
	{"quicklist of one ziplist", 7, 14, strs(ziplist("a", "1")), pushed("a", "1")},
	{"quicklist of plain nodes", 10, 18, []byte{3, 1, 2, 'a', 'b', 1, 1, 'c', 2, 9, 9, 0, 0, 0, 1, 0, 5, 1, 0xFF},
		pushed("ab", "c", "5")},
	{"quicklist of one plain node", 10, 18, []byte{1, 1, 2, 'a', 'b'}, pushed("ab")},
}

func TestOldFormats(t *testing.T) {
	for _, c := range oldValues {
		t.Run(c.name, func(t *testing.T) {
			want := newStore(t, keyspace.Limits{})
			if c.want == nil {
				want.DB(0).SetStr([]byte("k"), bytes.Repeat([]byte("a"), 40))
			} else {
				c.want(want.DB(0))
			}
			for _, limits := range []keyspace.Limits{{}, {ListNode: 1, StringBytes: 1 << 20}} {
				got := newStore(t, limits)
				file := fileOf(c.version, c.t, c.value)
				if info := load(t, file, got, rdb.LoadOptions{}); info.Keys != 1 || info.Bytes != int64(len(file)) {
					t.Fatalf("%+v of a file of %d bytes", info, len(file))
				}
				sameDigest(t, fmt.Sprint(limits), got.Digest(), want.Digest())
			}
		})
	}
}

// TestRedisReadsOldFormatsAlike makes sure that the files above are what they are meant to be.
func TestRedisReadsOldFormatsAlike(t *testing.T) {
	for _, c := range oldValues {
		s := newStore(t, keyspace.Limits{})
		file := fileOf(c.version, c.t, c.value)
		load(t, file, s, rdb.LoadOptions{})
		client := redisIn(t, writeDump(t, file), "--sanitize-dump-payload", "yes")
		if got := redisDigest(t, client); got != fmt.Sprintf("%x", s.Digest()) {
			t.Errorf("%s: redis has digest %s, we %x", c.name, got, s.Digest())
		}
	}
}

package rdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

func TestSaveThenLoadIsTheSameDataset(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	seen := map[string]int{}
	for round := range 8 {
		limits := keyspace.DefaultLimits()
		if round%2 == 1 {
			limits.ListNode, limits.HashEntries, limits.ZSetValueBytes, limits.IntsetEntries = 3, 5, 8, 16
		}
		s := newStore(t, limits)
		fill(s, rnd, 400)
		o := rdb.SaveOptions{Compress: round&2 == 0, Checksum: round&4 == 0}
		file := save(t, s, o)
		c := newStore(t, limits)
		info := load(t, file, c, rdb.LoadOptions{NowMs: nowMs})
		sameDigest(t, fmt.Sprintf("%+v", o), c.Digest(), s.Digest())
		if info.Bytes != int64(len(file)) || info.Keys != 400 || info.Expired != 0 {
			t.Fatalf("%+v of a file of %d bytes with 400 keys", info, len(file))
		}
		if got, want := encodings(c), encodings(s); !maps.Equal(got, want) {
			t.Fatalf("encodings %v, want %v", got, want)
		}
		maps.Copy(seen, encodings(s))
		again := newStore(t, limits)
		if _, err := rdb.Load(iotest.OneByteReader(bytes.NewReader(save(t, c, o))), again, rdb.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		sameDigest(t, "saved again and read by the byte", again.Digest(), s.Digest())
	}
	if len(seen) != 10 {
		t.Fatalf("only the encodings %v were tried", seen)
	}
}

// TestLowerLimitsUnpack loads packed values where the limits are lower, and back where they are the old ones.
func TestLowerLimitsUnpack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 1))
	s := newStore(t, keyspace.DefaultLimits())
	fill(s, rnd, 300)
	low := keyspace.Limits{ListNode: -2, StringBytes: 1 << 20}
	c := newStore(t, low)
	load(t, save(t, s, rdb.SaveOptions{}), c, rdb.LoadOptions{})
	sameDigest(t, "lower limits", c.Digest(), s.Digest())
	for name := range encodings(c) {
		switch name {
		case "hash listpack", "zset listpack", "set intset":
			t.Errorf("a %s has stayed above limits of 0", name)
		}
	}
	back := newStore(t, keyspace.DefaultLimits())
	load(t, save(t, c, rdb.SaveOptions{}), back, rdb.LoadOptions{})
	sameDigest(t, "back again", back.Digest(), s.Digest())
	if got, want := encodings(back), encodings(s); !maps.Equal(got, want) {
		t.Fatalf("encodings %v, want %v: small values were not packed", got, want)
	}
}

func TestAuxFieldsAndMetaArrive(t *testing.T) {
	s := newStore(t, keyspace.Limits{})
	s.DB(0).SetStr([]byte("a"), []byte("1"))
	aux := [][2]string{{"redis-ver", "7.0.15"}, {"redis-bits", "64"}, {"repl-id", "x"}}
	var got [][2]string
	c := newStore(t, keyspace.Limits{})
	load(t, save(t, s, rdb.SaveOptions{Aux: aux}), c, rdb.LoadOptions{
		Aux: func(name, value string) { got = append(got, [2]string{name, value}) },
	})
	if fmt.Sprint(got) != fmt.Sprint(aux) {
		t.Fatalf("aux fields %v, want %v", got, aux)
	}
}

func TestExpiredKeys(t *testing.T) {
	s := newStore(t, keyspace.Limits{})
	for i := range 10 {
		set, _ := s.DB(3).Set(fmt.Appendf(nil, "k%d", i))
		set.Add([]byte("member"))
		set.Add([]byte("1"))
		s.DB(3).SetExpire(fmt.Appendf(nil, "k%d", i), nowMs+int64(i))
	}
	s.BeginUnit(nowMs+100, keyspace.ExpireHide)
	file := save(t, s, rdb.SaveOptions{}) // has them all
	for _, c := range []struct {
		o             rdb.LoadOptions
		keys, expired int64
	}{
		{rdb.LoadOptions{NowMs: nowMs + 4}, 6, 4}, // a key lives up to and including its last millisecond, as everywhere
		{rdb.LoadOptions{NowMs: nowMs + 4, KeepExpired: true}, 10, 0},
	} {
		to := newStore(t, keyspace.Limits{})
		info := load(t, file, to, c.o)
		if info.Keys != c.keys || info.Expired != c.expired || to.DB(3).Len() != int(c.keys) || to.DB(3).Expires() != int(c.keys) {
			t.Errorf("%+v: %+v, %d keys", c.o, info, to.DB(3).Len())
		}
	}
}

// failingWriter takes so many bytes.
type failingWriter int

var errFull = errors.New("full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if *w -= failingWriter(len(p)); *w < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestSaveReportsTheWritersError(t *testing.T) {
	s := newStore(t, keyspace.Limits{})
	fill(s, rand.New(rand.NewPCG(3, 1)), 300)
	size := len(save(t, s, rdb.SaveOptions{Compress: true}))
	for _, room := range []int{0, 1, size / 2, size - 1} {
		w := failingWriter(room)
		if err := rdb.Save(&w, s, rdb.SaveOptions{Compress: true}); !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: %v", room, size, err)
		}
	}
}

package plugin

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// Rules: KEY-8. The numbers are those of the specification.
func TestKeyTypes(t *testing.T) {
	for want, got := range []KeyType{KeyEmpty, KeyString, KeyList, KeyHash, KeySet, KeyZSet, KeyModule, KeyStream} {
		if int(got) != want {
			t.Errorf("type %d has number %d", want, got)
		}
	}
}

// Rules: KEY-1.
func TestAggregatesOfANilKey(t *testing.T) {
	var k *Key
	m, all, lex := []byte("m"), ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}, LexRange{StringOf([]byte("-")), StringOf([]byte("+"))}
	_, sadd := k.SAdd(m)
	_, srem := k.SRem(m)
	_, spop := k.SPop()
	_, hset := k.HSet(0, Field{StringOf(m), StringOf(m)})
	_, hdel := k.HDel(m)
	_, zadd := k.ZAdd(1, m, 0)
	_, _, zincr := k.ZIncrBy(1, m, 0)
	_, zrem := k.ZRem(m)
	for i, err := range []error{sadd, srem, spop, hset, hdel, zadd, zincr, zrem} {
		if !errors.Is(err, ErrNotWritable) {
			t.Errorf("write %d to a nil key: %v", i, err)
		}
	}
	_, srandom := k.SRandom()
	_, zscore := k.ZScore(m)
	_, zrank := k.ZRank(m)
	for i, err := range []error{srandom, zscore, zrank, k.ZFirst(all), k.ZLast(all), k.ZFirstLex(lex), k.ZLastLex(lex)} {
		if !errors.Is(err, ErrEmptyKey) {
			t.Errorf("read %d of a nil key: %v", i, err)
		}
	}
	has, err1 := k.SHas(m)
	exists, err2 := k.HExists(m)
	value, found, err3 := k.HGet(m)
	if has || exists || found || !value.IsZero() || errors.Join(err1, err2, err3, k.IterErr()) != nil {
		t.Error("a nil key has elements")
	}
	if _, _, ok := k.ZCurrent(); ok || k.ZNext() || k.ZPrev() || !k.ZEndReached() || k.DB() != -1 {
		t.Error("a nil key has a current member")
	}
	k.ZStop()
	for range k.SAll() {
		t.Error("SAll of a nil key")
	}
	for range k.HAll() {
		t.Error("HAll of a nil key")
	}
	for range k.All() {
		t.Error("All of a nil key")
	}
	for _, seq := range []func(func(String, float64) bool){k.ZRange(all), k.ZRevRange(all), k.ZRangeLex(lex), k.ZRevRangeLex(lex)} {
		for range seq {
			t.Error("ZRange of a nil key")
		}
	}
}

// fields is a hash that keeps what it is given.
type fields struct {
	KeyImpl
	got []Field
}

func (f *fields) HSet(_ HFlags, given []Field) (int, error) {
	f.got = slices.Clone(given)
	return len(given), nil
}

func TestHSetKeepsNothing(t *testing.T) {
	impl := &fields{}
	k := &Key{Impl: impl}
	given := []Field{{StringOf([]byte("a")), StringOf([]byte("1"))}, {Name: StringOf([]byte("b"))}}
	n, err := k.HSet(HNX, given...)
	if n != 2 || err != nil || impl.got[0].Name.String() != "a" || !impl.got[1].Value.IsZero() {
		t.Errorf("given %v: %d, %v", impl.got, n, err)
	}
	for _, f := range k.fields[:cap(k.fields)] {
		if !f.Name.IsZero() || !f.Value.IsZero() {
			t.Errorf("field %s is kept", f.Name)
		}
	}
	if _, err := k.HSet(0, make([]Field, maxKeptFields+1)...); err != nil || k.fields != nil || len(impl.got) != maxKeptFields+1 {
		t.Errorf("memory for %d fields is kept", cap(k.fields))
	}
}

package keyspace

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// limitsDrawn are small, so that every few operations a value changes its encoding.
func limitsDrawn(t *rapid.T) Limits {
	return Limits{
		HashEntries: rapid.SampledFrom([]int{0, 1, 3, 5, 128}).Draw(t, "hash-entries"), HashValueBytes: rapid.SampledFrom([]int{1, 64}).Draw(t, "hash-value"),
		ZSetEntries: rapid.SampledFrom([]int{0, 1, 3, 5, 128}).Draw(t, "zset-entries"), ZSetValueBytes: rapid.SampledFrom([]int{1, 64}).Draw(t, "zset-value"),
		IntsetEntries: rapid.SampledFrom([]int{0, 1, 3, 5, 512}).Draw(t, "intset"),
		ListNode:      rapid.SampledFrom([]int{3, 1, 0, -1, -2}).Draw(t, "list-node"),
		StringBytes:   400_000,
	}
}

// actions are the operations that all tests of the model draw from, by name.
func (w *world) actions() map[string]func(*rapid.T) {
	list := []struct {
		name string
		run  func()
	}{
		{"time", w.opTime}, {"limits", func() { w.s.SetLimits(limitsDrawn(w.t)) }},
		{"set", w.opSet}, {"edit", w.opEdit}, {"delete", w.opDelete}, {"rename", w.opRename}, {"copy", w.opCopy},
		{"move", w.opMove}, {"swap", w.opSwap}, {"expire", w.opExpire}, {"expire some", w.opExpireSome}, {"look", w.opLook},
		{"push", w.opPush}, {"pop", w.opPop}, {"list set", w.opListSet}, {"insert", w.opInsert}, {"list delete", w.opListDelete},
		{"hash set", w.opHashSet}, {"hash delete", w.opHashDelete}, {"add", w.opAdd}, {"remove", w.opRemove},
		{"zadd", w.opZAdd}, {"zrem", w.opZRem}, {"zpop", w.opZPop}, {"ranges", w.opRanges}, {"native", w.opNative},
		{"compact", w.opCompact}, {"free", w.opFree}, {"flush", w.opFlush},
	}
	m := map[string]func(*rapid.T){}
	for _, a := range list {
		m[a.name] = func(t *rapid.T) {
			w.t = t
			for range rapid.IntRange(1, 8).Draw(t, "times") {
				a.run()
			}
		}
	}
	return m
}

// opCompact moves some blocks, of all that there are; it changes nothing that anybody can see.
func (w *world) opCompact() {
	w.step("compact", func() any {
		if !w.s.Compacting() {
			w.s.arena.Plan(-1)
			w.s.compaction = compaction{running: true}
		}
		w.s.Compact(rapid.SampledFrom([]int{1, 7, 1000}).Draw(w.t, "compacted"))
		return nil
	}, func() (any, []id) { return nil, nil })
}

// opFree frees some of what has been deleted.
func (w *world) opFree() {
	w.step("free", func() any {
		w.s.FreeSome(rapid.SampledFrom([]int{1, 100}).Draw(w.t, "freed"))
		return nil
	}, func() (any, []id) { return nil, nil })
}

// opFlush empties a database now and then.
func (w *world) opFlush() {
	if rapid.IntRange(0, 9).Draw(w.t, "flush") > 0 {
		return
	}
	db := w.db()
	w.step("flush", func() any { return w.s.DB(db).Flush() }, func() (any, []id) {
		var keys []id
		for k := range w.dbs[db] {
			keys = append(keys, id{db, k})
		}
		w.dbs[db] = map[string]*mval{}
		return len(keys), keys
	})
}

func runModel(t *rapid.T) {
	w := newWorld(t)
	w.s.SetLimits(limitsDrawn(t))
	t.Repeat(w.actions())
	w.t = t
	w.close()
}

// Every operation on every type under each encoding, in all three expiry modes, does what it does to plain maps and slices,
// tells exactly the keys it changes before it does, and loses no memory.
func TestAgainstModel(t *testing.T) { rapid.Check(t, runModel) }

func FuzzAgainstModel(f *testing.F) { f.Fuzz(rapid.MakeFuzz(runModel)) }

func (w *world) opTime() {
	w.now += rapid.Int64Range(0, 40).Draw(w.t, "ms")
	w.mode = rapid.SampledFrom([]ExpiryMode{ExpireDelete, ExpireDelete, ExpireHide, ExpireIgnore}).Draw(w.t, "mode")
	w.s.BeginUnit(w.now, w.mode)
	w.s.DB(0).Step(rapid.IntRange(0, 3).Draw(w.t, "step"))
}

func (w *world) opSet() {
	k := id{w.db(), w.key("key")}
	d, key, val := w.s.DB(k.db), []byte(k.key), w.elem("val")
	how := rapid.IntRange(0, 3).Draw(w.t, "how")
	expire := w.now + rapid.Int64Range(-20, 60).Draw(w.t, "ttl")
	n := rapid.Int64().Draw(w.t, "n")
	w.step("set", func() any {
		switch how {
		case 0:
			d.SetStr(key, []byte(val))
		case 1:
			d.SetStrExpire(key, []byte(val), expire)
		case 2:
			d.SetStrKeepTTL(key, []byte(val))
		default:
			storeInt(d, key, n)
		}
		return nil
	}, func() (any, []id) {
		was := w.get(k.db, k.key)
		v := &mval{typ: TypeString, str: val, expire: -1}
		if how == 1 {
			v.expire = expire
		} else if how >= 2 && was != nil {
			v.expire = was.expire
		}
		if how == 3 {
			v.str = strconv.FormatInt(n, 10)
		}
		w.dbs[k.db][k.key] = v
		return nil, []id{k}
	})
}

// opEdit runs the operations that change a part of a string.
func (w *world) opEdit() {
	k := w.keyOf(TypeString)
	d, key, val := w.s.DB(k.db), []byte(k.key), w.elem("val")
	how, off := rapid.IntRange(0, 3).Draw(w.t, "how"), w.size()
	run := func() any {
		switch how {
		case 0:
			return results(d.AppendStr(key, []byte(val)))
		case 1:
			return results(d.SetRange(key, off, []byte(val)))
		case 2:
			return d.Truncate(key, off)
		}
		b, err := d.Modify(key)
		for i := range b {
			b[i] ^= 1
		}
		return err
	}
	w.step("edit", run, func() (any, []id) {
		v := w.get(k.db, k.key)
		if v != nil && v.typ != TypeString {
			if how < 2 {
				return results(0, ErrWrongType), nil
			}
			return ErrWrongType, nil
		}
		return w.editModel(k, how, off, val)
	})
}

type result struct {
	n   int
	err error
}

func results(n int, err error) any { return result{n, err} }

func (w *world) editModel(k id, how, off int, val string) (any, []id) {
	was := ""
	v := w.get(k.db, k.key)
	if v != nil {
		was = v.str
	}
	limit := w.s.Limits().StringBytes
	var now string
	switch how {
	case 0:
		if now = was + val; len(now) > limit && v != nil {
			return results(0, ErrTooLong), nil
		}
		w.write(k, TypeString).str = now
		return results(len(now), nil), []id{k}
	case 1:
		if val == "" {
			return results(len(was), nil), nil
		}
		if off+len(val) > limit {
			return results(0, ErrTooLong), nil
		}
		b := append([]byte(was), make([]byte, max(0, off+len(val)-len(was)))...)
		copy(b[off:], val)
		w.write(k, TypeString).str = string(b)
		return results(len(b), nil), []id{k}
	case 2:
		if off == len(was) {
			return nil, nil
		}
		w.write(k, TypeString).str = string(append([]byte(was), make([]byte, max(0, off-len(was)))...)[:off])
		return nil, []id{k}
	}
	if v == nil {
		return nil, nil
	}
	b := []byte(was)
	for i := range b {
		b[i] ^= 1
	}
	v.str = string(b)
	return nil, []id{k}
}

func (w *world) opDelete() {
	k := id{w.db(), w.key("key")}
	flush := rapid.IntRange(0, 30).Draw(w.t, "flush") == 0
	w.step("delete", func() any {
		if flush {
			return w.s.DB(k.db).Flush()
		}
		return w.s.DB(k.db).Delete([]byte(k.key))
	}, func() (any, []id) {
		var changed []id
		if flush {
			for key := range w.dbs[k.db] {
				changed = append(changed, id{k.db, key})
			}
			clear(w.dbs[k.db])
			return len(changed), changed
		}
		if w.get(k.db, k.key) == nil {
			return false, nil
		}
		delete(w.dbs[k.db], k.key)
		return true, []id{k}
	})
}

func (w *world) opRename() {
	db, src, dst := w.db(), w.key("src"), w.key("dst")
	w.step("rename", func() any { return w.s.DB(db).Rename([]byte(src), []byte(dst)) }, func() (any, []id) {
		v := w.get(db, src)
		if v == nil || src == dst {
			return v != nil, nil
		}
		delete(w.dbs[db], src)
		w.dbs[db][dst] = v
		return true, []id{{db, src}, {db, dst}}
	})
}

func (w *world) opCopy() {
	from, to := id{w.db(), w.key("src")}, id{w.db(), w.key("dst")}
	replace := rapid.Bool().Draw(w.t, "replace")
	w.step("copy", func() any {
		ok, err := w.s.DB(from.db).CopyTo(w.s.DB(to.db), []byte(from.key), []byte(to.key), replace)
		if err != nil {
			return err
		}
		return ok
	}, func() (any, []id) {
		v := w.get(from.db, from.key)
		if v == nil || !replace && w.get(to.db, to.key) != nil {
			return false, nil
		}
		if from == to {
			return true, nil
		}
		w.dbs[to.db][to.key] = v.clone()
		return true, []id{to}
	})
}

func (w *world) opMove() {
	k, to := id{w.db(), w.key("key")}, w.db()
	w.step("move", func() any { return w.s.DB(k.db).MoveTo(w.s.DB(to), []byte(k.key)) }, func() (any, []id) {
		v := w.get(k.db, k.key)
		if v == nil || w.get(to, k.key) != nil {
			return false, nil
		}
		delete(w.dbs[k.db], k.key)
		w.dbs[to][k.key] = v
		return true, []id{k, {to, k.key}}
	})
}

func (w *world) opSwap() {
	i, j := w.db(), w.db()
	if i != j && len(w.dbs[0])+len(w.dbs[1]) == 0 {
		return // counts as a change though no key is told
	}
	w.step("swap", func() any { w.s.SwapDB(i, j); return nil }, func() (any, []id) {
		if i == j {
			return nil, nil
		}
		var changed []id
		for _, m := range w.dbs {
			for k := range m {
				changed = append(changed, id{0, k}, id{1, k})
			}
		}
		w.dbs[i], w.dbs[j] = w.dbs[j], w.dbs[i]
		return nil, changed
	})
}

func (w *world) opExpire() {
	k := id{w.db(), w.key("key")}
	ms := w.now + rapid.Int64Range(-20, 60).Draw(w.t, "ttl")
	if rapid.IntRange(0, 5).Draw(w.t, "negative") == 0 {
		ms = -1
	}
	persist := rapid.Bool().Draw(w.t, "persist")
	w.step("expire", func() any {
		if persist {
			return w.s.DB(k.db).Persist([]byte(k.key))
		}
		return w.s.DB(k.db).SetExpire([]byte(k.key), ms)
	}, func() (any, []id) {
		v := w.get(k.db, k.key)
		if v == nil || persist && v.expire < 0 {
			return false, nil
		}
		v.expire = max(ms, 0)
		if persist {
			v.expire = -1
		}
		return true, []id{k}
	})
}

func (w *world) rand(n uint64) uint64 { return rapid.Uint64Range(0, n-1).Draw(w.t, "rand") }

func (w *world) opExpireSome() {
	if w.mode != ExpireDelete {
		return
	}
	db := w.db()
	w.step("expire some", func() any {
		had := w.s.DB(db).Expires()
		looked, deleted := w.s.DB(db).ExpireSome(3)
		return deleted == len(w.expired) && looked <= had
	}, func() (any, []id) { return true, nil })
}

// opLook reads keys in all ways that do not depend on the type.
func (w *world) opLook() {
	k := id{w.db(), w.key("key")}
	d, key := w.s.DB(k.db), []byte(k.key)
	type look struct {
		exists bool
		typ    Type
		at     int64
		dump   string
	}
	w.step("look", func() any {
		return look{d.Exists(key), d.Type(key), d.ExpireAt(key), read(w.t, d.Lookup(key)).dump()}
	}, func() (any, []id) {
		v := w.get(k.db, k.key)
		if v == nil {
			return look{false, TypeNone, -2, "none"}, nil
		}
		return look{true, v.typ, v.expire, v.dump()}, nil
	})
	w.step("random key", func() any {
		e := d.RandomKey(w.rand)
		return !e.Exists() || w.mode == ExpireHide || w.get(k.db, string(e.Key())) != nil
	}, func() (any, []id) { return true, nil })
	w.step("scan", func() any {
		var found []string
		for cursor := uint64(0); ; {
			cursor = d.Scan(cursor, func(e Entry) { found = append(found, string(e.Key())) })
			if cursor == 0 {
				break
			}
		}
		slices.Sort(found)
		return slices.Compact(found)
	}, func() (any, []id) {
		var want []string
		for _, key := range sortedKeys(w.dbs[k.db]) {
			if w.get(k.db, key) != nil {
				want = append(want, key)
			}
		}
		return want, nil
	})
	w.step("str", func() any {
		v, exists, err := d.Str(key)
		if !exists {
			return []any{"", exists, err}
		}
		return []any{text(v), exists, err}
	}, func() (any, []id) {
		switch v := w.get(k.db, k.key); {
		case v == nil:
			return []any{"", false, nil}, nil
		case v.typ != TypeString:
			return []any{"", false, ErrWrongType}, nil
		default:
			return []any{v.str, true, nil}, nil
		}
	})
}

// A string that is set again and again, each time a little longer, has what was written last, whether or not its block is
// reused.
func TestSetAgain(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	d := s.DB(0)
	for _, n := range []int{10, 100, 5000, 20_000} {
		val := bytes.Repeat([]byte("v"), n)
		d.SetStr([]byte("k"), val)
		d.SetStr([]byte("k"), append(val, 'w'))
		if got, _, _ := d.Str([]byte("k")); text(got) != strings.Repeat("v", n)+"w" {
			t.Fatalf("%d bytes: %.30q", n, got.Bytes)
		}
	}
}

// storeInt stores an integer in a key that may hold anything.
func storeInt(d *DB, key []byte, n int64) {
	was, err := d.AddInt(key, 0)
	if err == nil {
		_, err = d.AddInt(key, n-was)
	}
	if err != nil {
		d.SetStrKeepTTL(key, strconv.AppendInt(nil, n, 10))
	}
}

func TestAddInt(t *testing.T) {
	_, d := newTestDB(t)
	for _, c := range []struct {
		value string // "" for a missing key
		delta int64
		sum   int64
		err   error
	}{
		{"", 5, 5, nil}, {"", 0, 0, nil}, {"7", -8, -1, nil}, {"9223372036854775806", 1, math.MaxInt64, nil},
		{"9223372036854775807", 1, 0, ErrOverflow}, {"-9223372036854775808", -1, 0, ErrOverflow}, {"1", math.MaxInt64, 0, ErrOverflow},
		{"-1", math.MinInt64, 0, ErrOverflow}, {"9223372036854775807", math.MinInt64, -1, nil}, {"x", 1, 0, ErrNotInteger},
		{"01", 1, 0, ErrNotInteger}, {" 1", 1, 0, ErrNotInteger}, {"9223372036854775808", 0, 0, ErrNotInteger}, {"1.5", 1, 0, ErrNotInteger},
	} {
		for _, raw := range []bool{false, true} {
			key := []byte("k")
			d.Delete(key)
			switch {
			case c.value == "":
			case raw:
				d.SetTextKeepTTL(key, []byte(c.value))
			default:
				d.SetStrExpire(key, []byte(c.value), 1<<50)
			}
			before := d.Store().Changes()
			sum, err := d.AddInt(key, c.delta)
			if sum != c.sum || !errors.Is(err, c.err) || (d.Store().Changes() != before) != (err == nil) {
				t.Errorf("%q + %d = %d, %v", c.value, c.delta, sum, err)
			}
			if c.err == nil && (text(d.Peek(key).Str()) != strconv.FormatInt(sum, 10) || !raw && c.value != "" && d.Peek(key).ExpireAt() != 1<<50) {
				t.Errorf("%q + %d: value or expiry is wrong", c.value, c.delta)
			}
		}
	}
	hash, err := d.Hash([]byte("h"))
	if err != nil {
		t.Fatal(err)
	}
	hash.Set([]byte("f"), []byte("1"))
	if _, err := d.AddInt([]byte("h"), 1); !errors.Is(err, ErrWrongType) {
		t.Errorf("a hash: %v", err)
	}
}

package host

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// Rules: KEY-1.
func TestMissingKeys(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		k, err := ctx.OpenKey(str("missing"), plugin.Read)
		if k != nil || err != nil {
			t.Errorf("OpenKey: %v, %v", k, err)
		}
		must(t, k.Close())
		must(t, k.Close())
		if k.Type() != plugin.KeyEmpty || k.Len() != 0 {
			t.Error("a missing key has a value")
		}
		w := open(t, ctx, "missing", plugin.Write)
		if w == nil || w.Type() != plugin.KeyEmpty || w.Len() != 0 || ctx.KeyExists(str("missing")) {
			t.Error("opening for writing has made a key, or no handle")
		}
		if must(t, w.SetString(str("v"))); !ctx.KeyExists(str("missing")) || w.Type() != plugin.KeyString || w.Len() != 1 {
			t.Error("the first write has not made a key")
		}
		open(t, ctx, "never written", plugin.Read|plugin.Write)
	})
	r.sent("SET missing v")
}

// Rules: KEY-4.
func TestDelete(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		for i, name := range []string{"s", "n", "l", "set", "h", "z", "missing"} {
			for _, del := range []func(*plugin.Key) error{(*plugin.Key).Delete, (*plugin.Key).Unlink} {
				if ro := open(t, ctx, name, plugin.Read); ro != nil {
					wantErr(t, "deleting a key open for reading", del(ro), plugin.ErrNotWritable)
					must(t, ro.Close())
				}
			}
			k := open(t, ctx, name, plugin.Write)
			must(t, []func() error{k.Delete, k.Unlink}[i%2]())
			if k.Type() != plugin.KeyEmpty || k.Len() != 0 || ctx.KeyExists(str(name)) {
				t.Errorf("%s is still there", name)
			}
			must(t, k.Delete())
			must(t, k.Unlink())
			becomeEveryType(t, k)
			must(t, k.Close())
		}
	})
	if got := strings.Join(r.stream[:7], " "); got != "MULTI DEL s SET s v DEL s RPUSH s e DEL s SADD s e" {
		t.Errorf("propagated %s", got)
	}
	r.stream = nil
}

// becomeEveryType makes an empty key each type in turn, and empty again.
func becomeEveryType(t *testing.T, k *plugin.Key) {
	t.Helper()
	e := []byte("e")
	for i, write := range []func() error{
		func() error { return k.SetString(str("v")) },
		func() error { return k.Push(plugin.Tail, str("e")) },
		func() error { _, err := k.SAdd(e); return err },
		func() error { _, err := k.HSet(0, field("e", "v")); return err },
		func() error { _, err := k.ZAdd(1, e, 0); return err },
	} {
		must(t, write())
		want := []plugin.KeyType{plugin.KeyString, plugin.KeyList, plugin.KeySet, plugin.KeyHash, plugin.KeyZSet}[i]
		if k.Type() != want || k.Len() != 1 {
			t.Errorf("type %d, length %d, want type %d", k.Type(), k.Len(), want)
		}
		must(t, k.Delete())
	}
}

// Rules: KEY-5.
func TestEmptiedKeysAreDeleted(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		for name, empty := range map[string]func(k *plugin.Key) error{
			"l": func(k *plugin.Key) (err error) {
				for range 3 {
					_, err = k.Pop(plugin.Tail)
				}
				return err
			},
			"set": func(k *plugin.Key) error { _, err := k.SRem([]byte("x")); return err },
			"h":   func(k *plugin.Key) error { _, err := k.HSet(0, noField("f")); return err },
			"z":   func(k *plugin.Key) error { _, err := k.ZRem([]byte("m")); return err },
		} {
			k := open(t, ctx, name, plugin.Write)
			must(t, k.SetTTL(time.Hour))
			must(t, empty(k))
			if k.Type() != plugin.KeyEmpty || k.Len() != 0 || k.TTL() != plugin.NoExpire || ctx.KeyExists(str(name)) {
				t.Errorf("%s is still there", name)
			}
			becomeEveryType(t, k)
			if _, err := k.ZAdd(1, []byte("m"), 0); err != nil || k.TTL() != plugin.NoExpire {
				t.Errorf("the new value of %s has a time to live: %v, %v", name, k.TTL(), err)
			}
		}
	})
	r.want(":1\r\n", "ZCARD", "l")
}

// Rules: KEY-9. The key positions that a command declares bind nobody: t declares none.
func TestUndeclaredKeysCanBeOpened(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) { must(t, open(t, ctx, "undeclared", plugin.Write).SetString(str("v"))) })
	if first, _, _ := r.table.Find([]byte("t")).KeyRange(); first != 0 {
		t.Errorf("the first key is at %d", first)
	}
	r.want("$1\r\nv\r\n", "GET", "undeclared")
}

// Rules: EXP-1, EXP-2.
func TestTimesToLiveOfKeys(t *testing.T) {
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		s, ttl, missing := open(t, ctx, "s", plugin.Write), open(t, ctx, "ttl", plugin.Read), open(t, ctx, "missing", plugin.Write)
		if s.TTL() != plugin.NoExpire || missing.TTL() != plugin.NoExpire || ttl.TTL() != 5*time.Second {
			t.Errorf("times to live %v, %v, %v", s.TTL(), missing.TTL(), ttl.TTL())
		}
		for _, d := range []time.Duration{time.Second, 0, plugin.NoExpire} {
			wantErr(t, "open for reading", ttl.SetTTL(d), plugin.ErrNotWritable)
			wantErr(t, "an empty key", missing.SetTTL(d), plugin.ErrEmptyKey)
		}
		wantErr(t, "open for reading", ttl.SetExpireAt(time.Time{}), plugin.ErrNotWritable)
		wantErr(t, "an empty key", missing.SetExpireAt(ctx.Now().Add(time.Hour)), plugin.ErrEmptyKey)
		for _, d := range []time.Duration{-2, -time.Millisecond, -time.Hour} {
			wantErr(t, "negative", s.SetTTL(d), plugin.ErrInvalid)
		}
		must(t, s.SetTTL(plugin.NoExpire)) // there is none
		must(t, s.SetExpireAt(time.Time{}))
		must(t, s.SetTTL(time.Minute))
		time.Sleep(2 * time.Millisecond) // the clock of the command stands still
		if s.TTL() != time.Minute {
			t.Errorf("time to live %v", s.TTL())
		}
		if must(t, s.SetString(str("new"))); s.TTL() != plugin.NoExpire {
			t.Errorf("SetString left a time to live of %v", s.TTL())
		}
	})
	r.want(":1\r\n", "t")
	r.sent("MULTI", "PEXPIREAT s 1700000060000", "SET s new", "EXEC")
}

// Rules: EXP-3. A handler that says what to replicate is taken at its word.
func TestTimesToLiveAreNotReplicatedBesideWhatIsSaid(t *testing.T) {
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "s", plugin.Write)
		must(t, k.SetExpireAt(time.UnixMilli(rigNowMs+5000)))
		must(t, k.SetTTL(time.Second))
		must(t, k.SetTTL(plugin.NoExpire))
		must(t, ctx.Replicate("SET", "cc", "said", "this"))
	})
	r.do("t")
	r.sent("SET said this")
}

// Rules: DMA-1.
func TestSetStringReplacesEveryType(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		for _, name := range []string{"s", "n", "l", "set", "h", "z", "ttl", "missing"} {
			ro := open(t, ctx, name, plugin.Read)
			wantErr(t, "open for reading", ro.SetString(str("x")), plugin.ErrNotWritable)
			must(t, ro.Close())
			k := open(t, ctx, name, plugin.Write)
			for range k.All() {
				wantErr(t, "while an iteration is running", k.SetString(str("one")), plugin.ErrIterating)
			}
			must(t, k.SetString(str("new")))
			if b, err := k.DMA(plugin.Read); string(b) != "new" || err != nil || k.TTL() != plugin.NoExpire {
				t.Errorf("%s is %q, %v, time to live %v", name, b, err, k.TTL())
			}
		}
	})
	r.want("$3\r\nnew\r\n", "GET", "h")
}

// Rules: DMA-2, DMA-3, DMA-4.
func TestDMAOfEveryEncoding(t *testing.T) {
	large := strings.Repeat("large ", 100_000)
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		for name, want := range map[string]string{"n": "42", "s": "text", "large": large, "negative": "-9223372036854775808"} {
			k := open(t, ctx, name, plugin.Write)
			b, err := k.DMA(plugin.Read)
			if must(t, err); string(b) != want || k.Len() != len(want) {
				t.Errorf("%s: %d bytes, length %d", name, len(b), k.Len())
			}
			b, err = k.DMA(plugin.Write)
			must(t, err)
			if b[0] = '*'; cap(b) != len(want) {
				t.Errorf("%s: capacity %d of %d bytes", name, cap(b), len(want))
			}
			must(t, k.Truncate(len(want)+3))
			b, err = k.DMA(plugin.Read | plugin.Write)
			must(t, err)
			if string(b) != "*"+want[1:]+"\x00\x00\x00" {
				t.Errorf("%s: %d bytes after Truncate", name, len(b))
			}
			b[len(b)-1] = '!'
			must(t, k.Truncate(1))
			if b, err = k.DMA(plugin.Read); string(b) != "*" || err != nil || k.Len() != 1 {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
		for _, name := range []string{"l", "set", "h", "z"} {
			k := open(t, ctx, name, plugin.Write)
			for _, mode := range []plugin.OpenMode{plugin.Read, plugin.Write} {
				b, err := k.DMA(mode)
				if wantErr(t, "DMA of "+name, err, plugin.ErrType); b != nil {
					t.Errorf("DMA of %s: %q", name, b)
				}
			}
			wantErr(t, "Truncate of "+name, k.Truncate(1), plugin.ErrType)
		}
		ro := open(t, ctx, "ttl", plugin.Read)
		_, err := ro.DMA(plugin.Write)
		wantErr(t, "DMA", err, plugin.ErrNotWritable)
		wantErr(t, "Truncate", ro.Truncate(1), plugin.ErrNotWritable)
		wantErr(t, "Truncate", open(t, ctx, "new", plugin.Write).Truncate(-1), plugin.ErrInvalid)
	})
	r.do("SET", "large", large)
	r.do("SET", "negative", "-9223372036854775808")
	r.want(":1\r\n", "t")
}

// Rules: DMA-5.
func TestArgumentsKeepTheirBytes(t *testing.T) {
	for _, change := range []func(k *plugin.Key) error{
		func(k *plugin.Key) error {
			b, err := k.DMA(plugin.Write)
			for i := range b {
				b[i] = 'X'
			}
			return err
		},
		func(k *plugin.Key) error { return k.Truncate(2) },
		func(k *plugin.Key) error { return k.Truncate(40) },
	} {
		r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{
			"t": func(ctx plugin.Ctx, args []plugin.String) error {
				k := open(t, ctx, "k", plugin.Write)
				must(t, k.SetString(args[1]))
				must(t, change(k))
				return ctx.ReplyString(args[1])
			},
		})
		r.want("$8\r\nargument\r\n", "t", "argument")
		r.want("$9\r\nargument2\r\n", "t", "argument2")
	}
	r := inHandler(t, func(ctx plugin.Ctx) { // what DMA has given may be the new value
		k := open(t, ctx, "s", plugin.Write)
		b, err := k.DMA(plugin.Read)
		must(t, err)
		must(t, k.SetString(plugin.StringOf(b[1:])))
		if b, err = k.DMA(plugin.Read); string(b) != "ext" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
	r.want("$3\r\next\r\n", "GET", "s")
}

// Rules: LST-1.
func TestListPushAndPop(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		k, s, ro := open(t, ctx, "new", plugin.Write), open(t, ctx, "s", plugin.Write), open(t, ctx, "l", plugin.Read)
		for _, end := range []plugin.ListEnd{plugin.Head, plugin.Tail} {
			wantErr(t, "a missing String", k.Push(end, plugin.String{}), plugin.ErrInvalid)
			wantErr(t, "another type", s.Push(end, str("x")), plugin.ErrType)
			wantErr(t, "open for reading", ro.Push(end, str("x")), plugin.ErrNotWritable)
			_, err := k.Pop(end)
			wantErr(t, "an empty key", err, plugin.ErrEmptyKey)
			_, err = s.Pop(end)
			wantErr(t, "another type", err, plugin.ErrType)
			_, err = ro.Pop(end)
			wantErr(t, "open for reading", err, plugin.ErrNotWritable)
		}
		wantErr(t, "an unknown end", k.Push(plugin.Tail+1, str("x")), plugin.ErrInvalid)
		if k.Type() != plugin.KeyEmpty {
			t.Error("a push that failed has made a list")
		}
		must(t, k.Push(plugin.Head, str("b")))
		must(t, k.Push(plugin.Head, str("a")))
		must(t, k.Push(plugin.Tail, str("c")))
		for end, want := range map[plugin.ListEnd]string{plugin.Head: "a", plugin.Tail: "c"} {
			e, err := k.Pop(end)
			if must(t, err); e.String() != want {
				t.Errorf("popped %q, want %q", e, want)
			}
		}
		last, err := k.Pop(plugin.Tail)
		must(t, err)
		must(t, k.Push(plugin.Tail, str("something else")))
		must(t, k.Delete())
		if last.String() != "b" || ctx.KeyExists(str("new")) {
			t.Errorf("the element is %q now", last)
		}
	})
	r.want(":0\r\n", "EXISTS", "new")
}

// Rules: LST-2, LST-3.
func TestListIndexes(t *testing.T) {
	bothSizes(t, func(t *testing.T, n int) {
		inHandler(t, func(ctx plugin.Ctx) {
			k := open(t, ctx, "list", plugin.Write)
			for _, i := range []int{1, -2, 7} {
				wantErr(t, "LInsert into an empty key", k.LInsert(i, str("x")), plugin.ErrIndex)
			}
			must(t, k.LInsert(0, str("e0")))
			model := []string{"e0"}
			insert := func(i, at int) {
				t.Helper()
				e := fmt.Sprint("e", len(model))
				must(t, k.LInsert(i, str(e)))
				model = slices.Insert(model, at, e)
			}
			for len(model) < n {
				insert(len(model), len(model)) // appends
				insert(-1, len(model))
				insert(0, 0)
				insert(-len(model)-1, 0)
				insert(len(model)/2, len(model)/2)
				insert(-len(model)/2, len(model)+1-len(model)/2)
			}
			checkList(t, k, model)
			checkOutOfRange(t, ctx, k, len(model))
			checkSequential(t, k, model)
		})
	})
}

func checkOutOfRange(t *testing.T, ctx plugin.Ctx, k *plugin.Key, n int) {
	t.Helper()
	for _, i := range []int{n, -n - 1, n + 100, -n - 100} {
		_, err := k.LGet(i)
		wantErr(t, fmt.Sprint("LGet ", i), err, plugin.ErrIndex)
		wantErr(t, fmt.Sprint("LSet ", i), k.LSet(i, str("x")), plugin.ErrIndex)
		wantErr(t, fmt.Sprint("LDelete ", i), k.LDelete(i), plugin.ErrIndex)
	}
	for _, i := range []int{n + 1, -n - 2} {
		wantErr(t, fmt.Sprint("LInsert ", i), k.LInsert(i, str("x")), plugin.ErrIndex)
	}
	ro, s, empty := open(t, ctx, "l", plugin.Read), open(t, ctx, "s", plugin.Write), open(t, ctx, "empty", plugin.Write)
	for _, tt := range []struct {
		k    *plugin.Key
		want error
	}{{ro, plugin.ErrNotWritable}, {s, plugin.ErrType}} {
		for _, err := range []error{tt.k.LSet(0, str("x")), tt.k.LInsert(0, str("x")), tt.k.LDelete(0)} {
			wantErr(t, "a list that cannot be written", err, tt.want)
		}
	}
	_, err := s.LGet(0)
	wantErr(t, "LGet of a string", err, plugin.ErrType)
	for _, err := range []error{empty.LSet(0, str("x")), empty.LDelete(0)} {
		wantErr(t, "an empty key", err, plugin.ErrEmptyKey)
	}
}

// checkSequential walks by index, both ways and with writes on the way, and looks whether the hidden iterator goes along.
func checkSequential(t *testing.T, k *plugin.Key, model []string) {
	t.Helper()
	hidden := &k.Impl.(*key).cursor
	get := func(i int) {
		t.Helper()
		e, err := k.LGet(i)
		if must(t, err); e.String() != model[i] {
			t.Errorf("LGet(%d): %q, want %q", i, e, model[i])
		}
		if !hidden.active || hidden.at != i {
			t.Errorf("after LGet(%d) the iterator is at %d, %v", i, hidden.at, hidden.active)
		}
	}
	for i := range model {
		get(i)
	}
	for i := len(model) - 1; i >= 0; i-- {
		get(i)
	}
	for i := 0; i < len(model); i++ {
		get(i)
		switch i % 5 {
		case 1:
			must(t, k.LDelete(i))
			model = slices.Delete(model, i, i+1)
			i--
			if len(model) < 5 {
				return
			}
		case 2:
			must(t, k.LSet(i, str("set")))
			model[i] = "set"
		case 3:
			must(t, k.LInsert(i+1, str("inserted")))
			model = slices.Insert(model, i+1, "inserted")
			i++
		case 4:
			_, err := k.Pop(plugin.Tail)
			must(t, err)
			model = model[:len(model)-1]
		}
	}
}

// Rules: DB-1.
func TestSelectDBLasts(t *testing.T) {
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{
		"t": func(ctx plugin.Ctx, args []plugin.String) error {
			n, err := args[1].Int64()
			must(t, err)
			before := ctx.SelectedDB()
			if err := ctx.SelectDB(int(n)); err != nil {
				if wantErr(t, "SelectDB", err, plugin.ErrInvalid); ctx.SelectedDB() != before {
					t.Error("an error has changed the database")
				}
				return plugin.ReplyError("ERR no such database")
			}
			must(t, open(t, ctx, "k", plugin.Write).SetString(args[1]))
			return ctx.ReplyInt(int64(ctx.SelectedDB()))
		},
	})
	r.want(":7\r\n", "t", "7")
	r.want("$1\r\n7\r\n", "GET", "k") // the client has kept the database
	for _, n := range []string{"16", "-1", "99999999"} {
		r.want("-ERR no such database\r\n", "t", n)
	}
	r.want(":1\r\n", "DBSIZE")
	r.client.DB = 0
	r.want(":0\r\n", "DBSIZE")
}

// The bytes of a string that SetString took and those of a list are what the caller gave, whatever they are.
func TestBinaryValues(t *testing.T) {
	var every bytes.Buffer
	for i := range 256 {
		every.WriteByte(byte(i))
	}
	e := every.Bytes()
	inHandler(t, func(ctx plugin.Ctx) {
		s, l, h, z := open(t, ctx, "b1", plugin.Write), open(t, ctx, "b2", plugin.Write), open(t, ctx, "b3", plugin.Write), open(t, ctx, "b4", plugin.Write)
		must(t, s.SetString(plugin.StringOf(e)))
		must(t, l.Push(plugin.Head, plugin.StringOf(e)))
		_, err := h.HSet(0, plugin.Field{Name: plugin.StringOf(e), Value: plugin.StringOf(e)})
		must(t, err)
		_, err = z.ZAdd(1, e, 0)
		must(t, err)
		for _, k := range []*plugin.Key{l, h, z} {
			for m := range k.All() {
				if !bytes.Equal(m.Bytes(), e) {
					t.Errorf("%s: %q", k.Name(), m)
				}
			}
		}
	})
}

// Rules: KEY-7.
func TestClosedKeys(t *testing.T) {
	var kept *plugin.Key
	check := func(k *plugin.Key) {
		t.Helper()
		e, all, lex := []byte("e"), plugin.ScoreRange{}, plugin.LexRange{Min: str("-"), Max: str("+")}
		_, sadd := k.SAdd(e)
		_, srem := k.SRem(e)
		_, shas := k.SHas(e)
		_, srandom := k.SRandom()
		_, spop := k.SPop()
		_, hset := k.HSet(0, field("e", "v"))
		_, _, hget := k.HGet(e)
		_, hdel := k.HDel(e)
		_, hexists := k.HExists(e)
		_, zadd := k.ZAdd(1, e, 0)
		_, zrem := k.ZRem(e)
		_, zscore := k.ZScore(e)
		_, zrank := k.ZRank(e)
		_, pop := k.Pop(plugin.Head)
		_, lget := k.LGet(0)
		_, dma := k.DMA(plugin.Read)
		for i, err := range []error{
			sadd, srem, shas, srandom, spop, hset, hget, hdel, hexists, zadd, zrem, zscore, zrank, pop, lget, dma,
			k.ZFirst(all), k.ZLast(all), k.ZFirstLex(lex), k.ZLastLex(lex), k.Delete(), k.SetString(str("x")), k.SetTTL(1), k.Truncate(1),
			k.SetExpireAt(time.Time{}), k.Push(plugin.Tail, str("x")), k.LSet(0, str("x")), k.LInsert(0, str("x")), k.LDelete(0), k.Close(),
		} {
			wantErr(t, fmt.Sprint("method ", i, " of a closed key"), err, plugin.ErrStale)
		}
		for range k.All() {
			t.Error("a closed key has elements")
		}
		if _, _, ok := k.ZCurrent(); ok || k.ZNext() || k.ZPrev() || !k.ZEndReached() || k.Type() != plugin.KeyEmpty || k.Len() != 0 || k.TTL() != plugin.NoExpire {
			t.Error("a closed key is not empty")
		}
		k.ZStop()
	}
	r := inHandler(t, func(ctx plugin.Ctx) {
		kept = open(t, ctx, "z", plugin.Write)
		must(t, kept.ZFirst(plugin.ScoreRange{Max: 9}))
		must(t, kept.Close())
		check(kept)
		kept = open(t, ctx, "h", plugin.Write)
	})
	check(kept)
	r.sent()
}

package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// inHandlerOnly returns a rig with some keys whose command t runs f.
func inHandlerOnly(t *testing.T, f func(ctx plugin.Ctx)) *rig {
	t.Helper()
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{
		"t": func(ctx plugin.Ctx, _ []plugin.String) error { f(ctx); return ctx.ReplyInt(1) },
	})
	for _, c := range [][]string{
		{"SET", "s", "text"}, {"SET", "n", "42"}, {"SET", "ttl", "v", "PX", "5000"}, {"RPUSH", "l", "a", "1", "c"},
		{"SADD", "set", "x"}, {"HSET", "h", "f", "v"}, {"ZADD", "z", "1", "m"},
	} {
		r.do(c...)
	}
	r.stream = nil
	return r
}

// inHandler runs f in a handler and compares the replica with us.
func inHandler(t *testing.T, f func(ctx plugin.Ctx)) *rig {
	t.Helper()
	r := inHandlerOnly(t, f)
	r.want(":1\r\n", "t")
	return r
}

func open(t *testing.T, ctx plugin.Ctx, name string, mode plugin.OpenMode) *plugin.Key {
	t.Helper()
	k, err := ctx.OpenKey(str(name), mode)
	if err != nil {
		t.Errorf("OpenKey(%s): %v", name, err)
	}
	return k
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Rules: AM-1, CALL-6, KEY-1, KEY-3, KEY-4, KEY-7.
func TestOpenKey(t *testing.T) {
	const rw = plugin.Read | plugin.Write
	var kept *plugin.Key
	r := inHandler(t, func(ctx plugin.Ctx) {
		_, err := ctx.OpenKey(str("s"), 0)
		wantErr(t, "no mode", err, plugin.ErrInvalid)
		if k := open(t, ctx, "missing", plugin.Read); k != nil {
			t.Error("a missing key opened for reading is not nil")
		}
		for name, want := range map[string]plugin.KeyType{
			"s": plugin.KeyString, "l": plugin.KeyList, "set": plugin.KeySet, "h": plugin.KeyHash, "z": plugin.KeyZSet, "missing": plugin.KeyEmpty,
		} {
			if k := open(t, ctx, name, plugin.Read); k.Type() != want {
				t.Errorf("%s is %d", name, k.Type())
			}
		}
		kept = open(t, ctx, "s", plugin.Read) // reading twice is fine
		_, err = ctx.OpenKey(str("s"), rw)
		wantErr(t, "second open that writes", err, plugin.ErrKeyConflict)
		w := open(t, ctx, "new", rw)
		_, err = ctx.OpenKey(str("new"), plugin.Read)
		wantErr(t, "reading what is open for writing", err, plugin.ErrKeyConflict)
		_, err = ctx.Call("GET", "c", "new")
		wantErr(t, "calling a command on it", err, plugin.ErrOpenKeyBusy)
		_, err = ctx.Call("SET", "cc", "s", "x")
		wantErr(t, "writing what is open for reading", err, plugin.ErrOpenKeyBusy)
		_, err = ctx.Call("FLUSHALL", "")
		wantErr(t, "writing everything", err, plugin.ErrOpenKeyBusy)
		if _, err = ctx.Call("GET", "c", "s"); err != nil {
			t.Errorf("reading what is open for reading: %v", err)
		}
		must(t, w.Close())
		wantErr(t, "second Close", w.Close(), plugin.ErrStale)
		wantErr(t, "use after Close", w.SetString(str("x")), plugin.ErrStale)
		if w.Type() != plugin.KeyEmpty || w.Len() != 0 {
			t.Error("a closed key is not empty")
		}
		for _, err := range []error{kept.Delete(), kept.SetString(str("x")), kept.SetTTL(1), kept.Truncate(1), kept.Push(plugin.Head, str("x"))} {
			wantErr(t, "writing a key open for reading", err, plugin.ErrNotWritable)
		}
		open(t, ctx, "touched", plugin.Write)
	})
	wantErr(t, "use after the callback", kept.Close(), plugin.ErrStale)
	if !slices.Contains(r.touched, "new") || !slices.Contains(r.touched, "touched") || slices.Contains(r.touched, "s") {
		t.Errorf("touched %q", r.touched)
	}
	r.sent()
}

func TestManyKeysAreReused(t *testing.T) {
	r := newRig(t, plugin.APIVer1, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		for i := range 1000 {
			k := open(t, ctx, fmt.Sprint("k", i), plugin.Write)
			must(t, k.SetString(str("v")))
			if i%3 == 0 {
				must(t, k.Close())
			}
		}
		return ctx.ReplyInt(1)
	}})
	for range 5 {
		r.want(":1\r\n", "t")
	}
	if n := len(r.h.spare.ring); n > 4*minSpareKeys {
		t.Errorf("%d handles are kept", n)
	}
}

// Rules: DMA-2, DMA-3, DMA-4, DMA-5.
func TestStringValues(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		s := open(t, ctx, "s", plugin.Write)
		mine := []byte("own")
		must(t, s.SetString(plugin.StringOf(mine)))
		b, err := s.DMA(plugin.Write)
		must(t, err)
		b[0] = 'O'
		if string(mine) != "own" {
			t.Error("DMA wrote into the caller's String")
		}
		must(t, s.SetString(plugin.StringOf(b)))
		n := open(t, ctx, "n", plugin.Write)
		if b, err := n.DMA(plugin.Read); string(b) != "42" || err != nil {
			t.Errorf("reading a number: %q, %v", b, err)
		}
		b, err = n.DMA(plugin.Write)
		must(t, err)
		b[0] = '7'
		must(t, n.Truncate(4))
		if b, _ = n.DMA(plugin.Read); string(b) != "72\x00\x00" {
			t.Errorf("after Truncate: %q", b)
		}
		ttl := open(t, ctx, "ttl", plugin.Write)
		must(t, ttl.Truncate(3))
		if ttl.TTL() != 5*time.Second || ttl.Len() != 3 {
			t.Errorf("time to live %v, %d bytes", ttl.TTL(), ttl.Len())
		}
		e := open(t, ctx, "new", plugin.Write)
		if b, err := e.DMA(plugin.Write); b == nil || len(b) != 0 || err != nil {
			t.Errorf("DMA of an empty key: %v, %v", b, err)
		}
		must(t, e.Truncate(0))
		if ctx.KeyExists(str("new")) {
			t.Error("Truncate to 0 has made a key")
		}
		must(t, e.Truncate(2))
		wantErr(t, "too large", e.Truncate(512<<20+1), plugin.ErrTooLarge)
		l := open(t, ctx, "l", plugin.Write)
		_, err = l.DMA(plugin.Read)
		wantErr(t, "DMA of a list", err, plugin.ErrType)
		wantErr(t, "Truncate of a list", l.Truncate(1), plugin.ErrType)
		must(t, l.SetString(str("now a string")))
		gone := open(t, ctx, "gone", plugin.Write)
		must(t, gone.Truncate(9))
		must(t, gone.Delete())
	})
	r.want("$3\r\nOwn\r\n", "GET", "s")
	r.want("$4\r\n72\x00\x00\r\n", "GET", "n")
	r.want("$2\r\n\x00\x00\r\n", "GET", "new")
}

// Rules: EXP-1, EXP-2, EXP-3.
func TestTimesToLive(t *testing.T) {
	r := inHandlerOnly(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "ttl", plugin.Write)
		if k.TTL() != 5*time.Second || !ctx.Now().Equal(time.UnixMilli(rigNowMs)) {
			t.Errorf("%v at %v", k.TTL(), ctx.Now())
		}
		must(t, k.SetTTL(1500*time.Microsecond))
		if k.TTL() != 2*time.Millisecond {
			t.Errorf("rounded to %v", k.TTL())
		}
		must(t, k.SetTTL(plugin.NoExpire))
		must(t, k.SetTTL(plugin.NoExpire))
		if k.TTL() != plugin.NoExpire {
			t.Errorf("not taken away: %v", k.TTL())
		}
		wantErr(t, "negative", k.SetTTL(-2), plugin.ErrInvalid)
		must(t, k.SetExpireAt(time.UnixMilli(rigNowMs+70)))
		if at, ok := k.ExpireAt(); !ok || at.UnixMilli() != rigNowMs+70 {
			t.Errorf("expires at %v", at)
		}
		e := open(t, ctx, "missing", plugin.Write)
		wantErr(t, "empty key", e.SetTTL(time.Second), plugin.ErrEmptyKey)
		wantErr(t, "empty key", e.SetTTL(plugin.NoExpire), plugin.ErrEmptyKey)
		s := open(t, ctx, "s", plugin.Write)
		must(t, s.SetTTL(0))
		if s.TTL() != 0 {
			t.Errorf("time to live %v", s.TTL())
		}
		l := open(t, ctx, "l", plugin.Write)
		must(t, l.Push(plugin.Tail, str("x")))
		must(t, l.SetExpireAt(time.UnixMilli(rigNowMs-1)))
		must(t, l.Push(plugin.Tail, str("again")))
	})
	r.want(":1\r\n", "t")
	r.sent("MULTI", "PEXPIREAT ttl 1700000000002", "PERSIST ttl", "PEXPIREAT ttl 1700000000070", "RPUSH l x", "DEL l", "RPUSH l again", "DEL s", "EXEC")
	if got := r.replica.do("LRANGE", "l", "0", "-1"); got != "*1\r\n$5\r\nagain\r\n" {
		t.Errorf("the replica has %q", got)
	}
}

// TestTimeToLiveOfAMadeValue: what Truncate and DMA have done is recorded before the time to live that is set then.
//
// Rules: RPL-6, EXP-1.
func TestTimeToLiveOfAMadeValue(t *testing.T) {
	r := inHandler(t, func(ctx plugin.Ctx) {
		made := open(t, ctx, "made", plugin.Write)
		must(t, made.Truncate(2))
		must(t, made.SetTTL(time.Second))
		ttl := open(t, ctx, "ttl", plugin.Write)
		b, err := ttl.DMA(plugin.Write)
		must(t, err)
		b[0] = 'V'
		must(t, ttl.SetTTL(plugin.NoExpire))
	})
	r.sent("MULTI", "SET made \x00\x00 KEEPTTL", "PEXPIREAT made 1700000001000", "SET ttl V KEEPTTL", "PERSIST ttl", "EXEC")
}

// Rules: KEY-5, LST-1, LST-2.
func TestLists(t *testing.T) {
	for _, n := range []int{3, 2000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { testLists(t, n) })
	}
}

func testLists(t *testing.T, n int) {
	var model []string
	r := inHandler(t, func(ctx plugin.Ctx) {
		k := open(t, ctx, "list", plugin.Write)
		_, err := k.LGet(0)
		wantErr(t, "LGet of an empty key", err, plugin.ErrEmptyKey)
		_, err = k.Pop(plugin.Head)
		wantErr(t, "Pop of an empty key", err, plugin.ErrEmptyKey)
		wantErr(t, "LInsert beyond an empty key", k.LInsert(1, str("x")), plugin.ErrIndex)
		wantErr(t, "missing String", k.Push(plugin.Head, plugin.String{}), plugin.ErrInvalid)
		must(t, k.LInsert(-1, str("first")))
		model = append(model, "first")
		for i := range n {
			v := fmt.Sprint(i)
			if i%2 == 0 {
				v += strings.Repeat("x", i%50)
			}
			must(t, k.Push(plugin.Tail, str(v)))
			model = append(model, v)
		}
		must(t, k.Push(plugin.Head, str("")))
		model = slices.Insert(model, 0, "")
		must(t, k.LInsert(2, str("in")))
		model = slices.Insert(model, 2, "in")
		must(t, k.LInsert(-2, str("before last")))
		model = slices.Insert(model, len(model)-1, "before last")
		must(t, k.LSet(-1, str("last")))
		model[len(model)-1] = "last"
		must(t, k.LDelete(1))
		model = slices.Delete(model, 1, 2)
		must(t, k.LDelete(-2))
		model = slices.Delete(model, len(model)-2, len(model)-1)
		wantErr(t, "index", k.LDelete(len(model)), plugin.ErrIndex)
		checkList(t, k, model)
		got, err := k.Pop(plugin.Tail)
		if must(t, err); got.String() != "last" {
			t.Errorf("popped %q", got)
		}
		model = model[:len(model)-1]
		s := open(t, ctx, "s", plugin.Write)
		wantErr(t, "Push to a string", s.Push(plugin.Tail, str("x")), plugin.ErrType)
		l := open(t, ctx, "l", plugin.Write)
		for range 3 {
			_, err := l.Pop(plugin.Head)
			must(t, err)
		}
		if l.Type() != plugin.KeyEmpty || ctx.KeyExists(str("l")) {
			t.Error("an empty list is left")
		}
		must(t, l.SetString(str("other type")))
	})
	if got, want := r.do("LLEN", "list"), fmt.Sprintf(":%d\r\n", len(model)); got != want {
		t.Errorf("length %q, want %q", got, want)
	}
}

// checkList reads a list in every way there is.
func checkList(t *testing.T, k *plugin.Key, model []string) {
	t.Helper()
	if k.Len() != len(model) || k.Type() != plugin.KeyList {
		t.Fatalf("%d elements of type %d, want %d", k.Len(), k.Type(), len(model))
	}
	seen := 0
	for i, e := range k.LAll() {
		if e.String() != model[i] || i != seen {
			t.Errorf("element %d is %q, want %q", i, e, model[i])
		}
		seen++
	}
	for i, e := range k.LBackward() {
		if seen--; e.String() != model[i] || i != seen {
			t.Errorf("backward: element %d is %q, want %q", i, e, model[i])
		}
	}
	if seen != 0 {
		t.Errorf("the walks differ by %d elements", seen)
	}
	get := func(i, want int) {
		if e, err := k.LGet(i); err != nil || e.String() != model[want] {
			t.Errorf("LGet(%d): %q, %v, want %q", i, e, err, model[want])
		}
	}
	for i := range model {
		get(i, i)
	}
	for i := range model {
		get(-1-i, len(model)-1-i)
	}
	get(1, 1)
	get(0, 0)
	for range k.LAll() {
		must(t, k.LSet(0, str(model[0]))) // a write ends the walk
		seen++
	}
	if seen != 1 {
		t.Errorf("a walk went on for %d elements after a write", seen)
	}
}

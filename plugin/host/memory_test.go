package host

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"datastore/plugin"
)

// TestAlloc: memory counts as used at once, keeps its bytes, and is freed exactly.
//
// Rules: MEM-1.
func TestAlloc(t *testing.T) {
	var r *rig
	used := func() int64 { return r.ctx.Store.UsedBytes() }
	r = inHandlerOnly(t, func(ctx plugin.Ctx) {
		before := used()
		var blocks [][]byte
		total := int64(0)
		for _, n := range []int{0, 1, 100, 5000, 1 << 20, 9 << 20} {
			b := ctx.Alloc(n)
			if len(b) != n || cap(b) < n || b == nil {
				t.Fatalf("Alloc(%d): %d bytes, capacity %d", n, len(b), cap(b))
			}
			for i := range b {
				b[i] = byte(n)
			}
			total += int64(cap(b))
			blocks = append(blocks, b)
			if used()-before != total {
				t.Fatalf("Alloc(%d): %d bytes used, want %d", n, used()-before, total)
			}
		}
		for _, b := range blocks {
			if bytes.Count(b, []byte{byte(len(b))}) != len(b) {
				t.Errorf("the %d bytes have changed", len(b))
			}
			ctx.Free(b[:min(1, len(b))])
		}
		ctx.Free(nil)
		if used() != before {
			t.Errorf("%d bytes are left", used()-before)
		}
		zero := ctx.Calloc(3, 1000)
		if len(zero) != 3000 || bytes.Count(zero[:cap(zero)], []byte{0}) != cap(zero) {
			t.Error("Calloc")
		}
		s := ctx.Strdup("text")
		grown := ctx.Realloc(s, 100_000)
		if string(grown[:4]) != "text" || len(grown) != 100_000 {
			t.Errorf("Realloc: %q", grown[:4])
		}
		same := ctx.Realloc(grown, 99_999)
		if addressOf(same) != addressOf(grown) || len(same) != 99_999 {
			t.Error("a block that fits was moved")
		}
		small, err := ctx.TryRealloc(same, 2)
		if must(t, err); string(small) != "te" {
			t.Errorf("shrunk: %q", small)
		}
		fresh := ctx.Realloc(nil, 7)
		for _, b := range [][]byte{zero, small, fresh} {
			ctx.Free(b)
		}
		if used() != before {
			t.Errorf("%d bytes are left", used()-before)
		}
	})
	r.want(":1\r\n", "t")
}

// TestAllocMisuse: what cannot be allocated or freed is an error of one command.
func TestAllocMisuse(t *testing.T) {
	const noMemory = math.MaxInt / 2
	var kept []byte
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, args []plugin.String) error {
		b := ctx.Alloc(64)
		defer func() { kept = b }()
		switch how := args[1].String(); how {
		case "try":
			_, err := ctx.TryAlloc(-1)
			wantErr(t, "negative", err, plugin.ErrInvalid)
			_, err = ctx.TryAlloc(noMemory)
			wantErr(t, "too much", err, plugin.ErrOOM)
			again, err := ctx.TryRealloc(b, noMemory)
			wantErr(t, "too much", err, plugin.ErrOOM)
			if again != nil {
				t.Error("memory beside an error")
			}
			ctx.Free(b)
			return ctx.ReplyInt(1)
		case "twice":
			ctx.Free(b)
			ctx.Free(b)
		case "inside":
			ctx.Free(b[1:])
		case "other":
			ctx.Free(make([]byte, 10))
		case "empty":
			ctx.Free([]byte{})
		case "realloc":
			ctx.Realloc(b[8:], 10)
		case "negative":
			ctx.Alloc(-1)
		case "huge":
			ctx.Alloc(noMemory)
		case "product":
			ctx.Calloc(math.MaxInt, 2)
		case "pool":
			ctx.PoolAlloc(-1)
		case "hugepool":
			ctx.PoolAlloc(maxPoolBytes + 1)
		}
		return nil
	}})
	r.want(":1\r\n", "t", "try")
	for how, want := range map[string]error{
		"twice": plugin.ErrBadFree, "inside": plugin.ErrBadFree, "other": plugin.ErrBadFree, "empty": plugin.ErrBadFree,
		"realloc": plugin.ErrBadFree, "negative": plugin.ErrInvalid, "product": plugin.ErrInvalid, "pool": plugin.ErrInvalid,
		"hugepool": plugin.ErrTooLarge,
	} {
		r.want("-MODULEPANIC test: "+want.Error()+"\r\n", "t", how)
	}
	if got := r.do("t", "huge"); !bytes.HasPrefix([]byte(got), []byte("-MODULEPANIC test: "+plugin.ErrOOM.Error()+": ")) {
		t.Errorf("huge: %q", got)
	}
	if i := r.h.Infos()[0]; i.Blocks != 9 || i.Bytes != 9*int64(cap(kept)) {
		t.Errorf("%d blocks with %d bytes are left", i.Blocks, i.Bytes)
	}
}

// TestMemoryOutlivesModules: what a module has not freed is told when it goes and stays as it is, also while the keyspace is
// flushed, until a later life of the module frees it.
func TestMemoryOutlivesModules(t *testing.T) {
	r := bareRig(t)
	var kept []byte
	load := func(f func(ctx plugin.Ctx) error) error {
		return r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error {
			_, err := ctx.TryAlloc(1)
			wantErr(t, "Alloc before Init", err, plugin.ErrNotInitialized)
			must(t, ctx.Init("m", 1, plugin.APIVer2))
			return f(ctx)
		}}, nil)
	}
	refuse := errors.New("no")
	err := load(func(ctx plugin.Ctx) error {
		kept = ctx.Strdup("kept")
		ctx.AccountMemory(1000)
		return refuse
	})
	if wantErr(t, "OnLoad", err, refuse); !r.logged(fmt.Sprintf("Module m has not freed %d bytes in 1 blocks", cap(kept))) {
		t.Errorf("log: %q", r.log)
	}
	r.do("SET", "k", "v")
	r.ctx.Store.FlushAll()
	must(t, load(func(ctx plugin.Ctx) error {
		if string(kept) != "kept" {
			t.Errorf("the memory holds %q", kept)
		}
		ctx.AccountMemory(300)
		ctx.AccountMemory(-100)
		more := ctx.Calloc(2, 2)
		more = ctx.Realloc(more, 5000)
		ctx.Free(more)
		return nil
	}))
	if i := r.h.Infos()[0]; i.Bytes != int64(cap(kept)) || i.Blocks != 1 || i.Accounted != 200 {
		t.Errorf("%+v", i)
	}
	r.log = nil
	must(t, r.h.Unload("m"))
	if !r.logged("has not freed") {
		t.Error("the unload tells nothing")
	}
	must(t, load(func(ctx plugin.Ctx) error { ctx.Free(kept); return nil }))
	r.log = nil
	if must(t, r.h.Unload("m")); r.logged("has not freed") || r.ctx.Store.OwnedBytes() != 0 {
		t.Errorf("%d bytes are left", r.ctx.Store.OwnedBytes())
	}
}

// TestPoolAlloc: small requests lie at a multiple of the next power of two, larger ones at one of 8; a second command gets the
// same memory again, as zeros.
//
// Rules: MEM-2.
func TestPoolAlloc(t *testing.T) {
	var runs [2][]uintptr
	run := 0
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		if ctx.PoolAlloc(0) != nil {
			t.Error("PoolAlloc(0) is not nil")
		}
		align := map[int]uintptr{1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 8: 8, 9: 8}
		var all [][]byte
		for range 100 {
			for _, n := range []int{1, 2, 3, 5, 8, 9, 1, 4} {
				b := ctx.PoolAlloc(n)
				if len(b) != n || cap(b) != n || addressOf(b)%align[n] != 0 {
					t.Fatalf("PoolAlloc(%d): %d bytes, capacity %d at %p", n, len(b), cap(b), b)
				}
				if bytes.Count(b, []byte{0}) != n {
					t.Fatalf("PoolAlloc(%d) is not zero: %q", n, b)
				}
				for i := range b {
					b[i] = byte(len(all))
				}
				all = append(all, b)
				runs[run] = append(runs[run], addressOf(b))
			}
		}
		large := ctx.PoolAlloc(100_000)
		if len(large) != 100_000 || bytes.Count(large, []byte{0}) != len(large) {
			t.Error("a large request")
		}
		for i, b := range all {
			if bytes.Count(b, []byte{byte(i)}) != len(b) {
				t.Fatalf("request %d shares memory with another one", i)
			}
		}
		run++
		return ctx.ReplyInt(1)
	}})
	r.want(":1\r\n", "t")
	r.want(":1\r\n", "t")
	for i := range runs[0] {
		if runs[0][i] != runs[1][i] {
			t.Fatalf("request %d got other memory in the second command", i)
		}
	}
}

// TestPoolAllocations: memory of the pool costs nothing in the long run.
func TestPoolAllocations(t *testing.T) {
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		for range 50 {
			ctx.PoolAlloc(1000)
		}
		return ctx.ReplyInt(1)
	}})
	cmd, args := r.table.Find([]byte("t")), [][]byte{[]byte("t")}
	if n := testing.AllocsPerRun(100, func() {
		r.ctx.W.Buf = r.ctx.W.Buf[:0]
		r.Call(&r.client, cmd, args)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAutoMemory: keys and replies are released at the return of the handler, with AutoMemory or without, also after a panic.
// What is released early is not released again. Without AutoMemory the rest is counted.
//
// Rules: AM-1, AM-2, AM-3.
func TestAutoMemory(t *testing.T) {
	var key *plugin.Key
	var reply *plugin.Reply
	var text plugin.String
	work := func(ctx plugin.Ctx, early bool) {
		key, reply = open(t, ctx, "k", plugin.Write), nil
		read := open(t, ctx, "s", plugin.Write)
		var err error
		reply, err = ctx.Call("GET", "c", "text")
		must(t, err)
		text = ctx.RetainString(plugin.StringOf(reply.Bytes()))
		if early {
			must(t, key.Close())
			must(t, read.Close())
			reply.Free()
			ctx.FreeString(ctx.CreateString([]byte("x")))
		}
	}
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"auto": func(ctx plugin.Ctx, _ []plugin.String) error {
			ctx.AutoMemory()
			work(ctx, false)
			return ctx.ReplyInt(1)
		},
		"manual": func(ctx plugin.Ctx, _ []plugin.String) error { work(ctx, true); return ctx.ReplyInt(1) },
		"both": func(ctx plugin.Ctx, _ []plugin.String) error {
			work(ctx, true)
			ctx.AutoMemory()
			return ctx.ReplyInt(1)
		},
		"leaky":      func(ctx plugin.Ctx, _ []plugin.String) error { work(ctx, false); return ctx.ReplyInt(1) },
		"panics":     func(ctx plugin.Ctx, _ []plugin.String) error { work(ctx, false); panic("after work") },
		"autopanics": func(ctx plugin.Ctx, _ []plugin.String) error { ctx.AutoMemory(); work(ctx, false); panic("after work") },
	})
	r.do("SET", "text", "text")
	leaked := int64(0)
	for _, step := range []struct {
		name  string
		leaks int64
	}{{"auto", 0}, {"manual", 0}, {"both", 0}, {"leaky", 3}, {"leaky", 3}, {"panics", 3}, {"autopanics", 0}, {"auto", 0}} {
		r.touched = nil
		r.do(step.name)
		if leaked += step.leaks; r.h.Infos()[0].Leaked != leaked {
			t.Errorf("%s: %d leaked handles, want %d", step.name, r.h.Infos()[0].Leaked, leaked)
		}
		if len(r.touched) != 2 {
			t.Errorf("%s: signalled %q", step.name, r.touched)
		}
		if key.Type() != plugin.KeyEmpty || !errors.Is(key.Close(), plugin.ErrStale) || reply.Type() != plugin.UnknownReply {
			t.Errorf("%s: a handle outlives the handler", step.name)
		}
		if text.String() != "text" {
			t.Errorf("%s: the retained string is %q", step.name, text)
		}
	}
	if n := countOf(r.log, "without AutoMemory"); n != 2 { // once for each command
		t.Errorf("%d lines about it in %q", n, r.log)
	}
}

func addressOf(b []byte) uintptr { return reflect.ValueOf(b).Pointer() }

func countOf(lines []string, text string) (n int) {
	for _, line := range lines {
		if bytes.Contains([]byte(line), []byte(text)) {
			n++
		}
	}
	return n
}

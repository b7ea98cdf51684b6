package host

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"datastore/plugin"
)

// blob is a native value outside the heap of Go.
type blob struct{ b []byte }

// blobs is a module with the type blob and the commands bset key text, bget key, and what is in special.
type blobs struct {
	t       plugin.TypeOf[blob]
	heap    *plugin.Heap
	special map[string]plugin.Handler
}

func (m *blobs) make(text []byte) (*blob, error) {
	b, err := m.heap.Alloc(len(text))
	copy(b, text)
	return &blob{b}, err
}

func (m *blobs) onLoad(t *testing.T) plugin.OnLoadFunc {
	return func(ctx plugin.Ctx, _ []plugin.String) (err error) {
		must(t, ctx.Init("blobs", 1, plugin.APIVer2))
		m.heap = ctx.Heap()
		_, err = m.heap.Alloc(1)
		wantErr(t, "Alloc in OnLoad", err, plugin.ErrNotInitialized)
		m.t, err = plugin.CreateTypeOf(ctx, "blobblobb", 0, plugin.MethodsOf[blob]{
			Load:       func(io *plugin.IO, _ int) (*blob, error) { return m.make(io.LoadBytes()) },
			Save:       func(io *plugin.IO, v *blob) { io.SaveBytes(v.b) },
			Copy:       func(_ plugin.OptCtx, v *blob) (*blob, error) { return m.make(v.b) },
			Free:       func(v *blob) { must(t, m.heap.Free(v.b)) },
			FreeEffort: func(_ plugin.OptCtx, v *blob) int { return len(v.b) },
		})
		must(t, err)
		commands := map[string]plugin.Handler{"bset": m.set, "bget": m.get}
		for name, h := range m.special {
			commands[name] = h
		}
		for name, h := range commands {
			must(t, ctx.CreateCommand(name, h, plugin.Flags("write", 1, 1, 1)))
		}
		return nil
	}
}

func (m *blobs) set(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Write)
	if err != nil {
		return err
	}
	v, err := m.make(args[2].Bytes())
	if err != nil {
		return err
	}
	if err := m.t.Set(k, v); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

func (m *blobs) get(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read)
	if err != nil {
		return err
	}
	v, err := m.t.Get(k)
	if v == nil {
		return err
	}
	return ctx.ReplyBulk(v.b)
}

// TestOffHeapValues: values outside the heap of Go come and go with all that is done to keys, at once and beside the server,
// and leave no block behind.
//
// Rules: TYP-5, TYP-7.
func TestOffHeapValues(t *testing.T) {
	m := &blobs{}
	r := bareRig(t)
	r.mustLoad(m.onLoad(t))
	blocks := func(want int64) {
		t.Helper()
		r.h.Close()
		r.Locked(func() {
			if got := r.h.Infos()[0].Blocks; got != want {
				t.Errorf("%d blocks, want %d", got, want)
			}
		})
	}
	short, long := "short", strings.Repeat("long ", 1000)
	for _, text := range []string{short, long} {
		r.want("+OK\r\n", "bset", "k", text)
		r.want("+OK\r\n", "bset", "k", text)
		r.want(":1\r\n", "COPY", "k", "c")
		dump := r.do("DUMP", "k")
		r.want("+OK\r\n", "RESTORE", "r", "0", dump[strings.Index(dump, "\r\n")+2:len(dump)-2])
		blocks(3)
		for _, key := range []string{"k", "c", "r"} {
			if got := r.do("bget", key); !strings.Contains(got, "\r\n"+text+"\r\n") {
				t.Errorf("%s: %.40q", key, got)
			}
		}
		r.want(":2\r\n", "DEL", "k", "c")
		r.want("+OK\r\n", "SET", "r", "v")
		blocks(0)
		for i := range 100 {
			r.want("+OK\r\n", "bset", "k"+string(rune('a'+i%26)), text)
		}
		blocks(26)
		r.do("FLUSHALL")
		r.Locked(func() {
			for r.ctx.Store.FreeSome(100) {
			}
		})
		blocks(0)
	}
	if got := r.h.Infos()[0].Misuses; got != 0 {
		t.Errorf("%d misuses", got)
	}
}

// TestHeapMisuse is errors and lines in the log.
func TestHeapMisuse(t *testing.T) {
	m := &blobs{special: map[string]plugin.Handler{}}
	var other []byte
	m.special["misuse"] = func(ctx plugin.Ctx, _ []plugin.String) error {
		_, err := m.heap.Alloc(-1)
		wantErr(t, "negative", err, plugin.ErrInvalid)
		_, err = m.heap.Realloc(make([]byte, 100), 10)
		wantErr(t, "Realloc of Go's memory", err, plugin.ErrBadFree)
		_, err = m.heap.Realloc([]byte{}, 10)
		wantErr(t, "Realloc of nothing", err, plugin.ErrInvalid)
		must(t, m.heap.Free(nil))
		wantErr(t, "Free of nothing", m.heap.Free([]byte{}), plugin.ErrInvalid)
		p, err := m.heap.Alloc(10)
		must(t, err)
		copy(p, "0123456789")
		p, err = m.heap.Realloc(p, 10_000)
		if must(t, err); !bytes.HasPrefix(p, []byte("0123456789")) || len(p) != 10_000 {
			t.Errorf("%.20q, %d bytes", p, len(p))
		}
		must(t, m.heap.Free(p))
		must(t, m.heap.Free(p))
		must(t, m.heap.Free(make([]byte, 10)))
		p, err = ctx.TryAlloc(100) // either gives back what the other has made
		must(t, err)
		must(t, m.heap.Free(p))
		other, err = m.heap.Alloc(10)
		must(t, err)
		ctx.Free(other)
		return ctx.ReplyInt(1)
	}
	r := bareRig(t)
	r.mustLoad(m.onLoad(t))
	r.want(":1\r\n", "misuse")
	r.h.Close()
	i := r.h.Infos()[0]
	if i.Misuses != 2 || i.Blocks != 0 || !r.logged("API misuse: Heap.Free") {
		t.Errorf("%d misuses, %d blocks", i.Misuses, i.Blocks)
	}
	var failed *plugin.Heap
	err := r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error {
		failed = ctx.Heap()
		return errors.New("given up")
	}}, nil)
	if _, e := failed.Alloc(1); err == nil || !errors.Is(e, plugin.ErrNotInitialized) {
		t.Errorf("a module that was not loaded gets memory: %v", e)
	}
	must(t, failed.Free(make([]byte, 1)))
	r.h.Close()
}

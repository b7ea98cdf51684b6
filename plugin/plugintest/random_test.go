package plugintest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"datastore/plugin"
)

// chaos is a module whose handlers write at random and end at random, wherever the host runs module code.
type chaos struct {
	t    plugin.TypeOf[[]byte]
	rand *rand.Rand
}

var errChaos = errors.New("told to fail")

func (c *chaos) onLoad(ctx plugin.Ctx, _ []plugin.String) (err error) {
	if err := ctx.Init("chaos", 1, plugin.APIVer2); err != nil {
		return err
	}
	c.t, err = plugin.CreateTypeOf(ctx, "chaos-001", 0, plugin.MethodsOf[[]byte]{
		Load: func(io *plugin.IO, _ int) (*[]byte, error) {
			b := io.LoadBytes()
			return &b, io.Err()
		},
		Save:       func(io *plugin.IO, v *[]byte) { io.SaveBytes(*v) },
		AllocSize:  func(v *[]byte) int64 { return int64(len(*v)) },
		FreeEffort: func(_ plugin.OptCtx, v *[]byte) int { return 20 * len(*v) },
		Free:       func(*[]byte) {},
		Copy: func(_ plugin.OptCtx, v *[]byte) (*[]byte, error) {
			b := append([]byte(nil), *v...)
			return &b, nil
		},
	})
	if err != nil {
		return err
	}
	for name, h := range map[string]plugin.Handler{
		"c.write": c.write, "c.background": c.background, "c.block": c.block, "c.blockkeys": c.blockOnKeys, "c.nested": c.nested,
	} {
		if err := ctx.CreateCommand(name, h, plugin.Flags("write", 0, 0, 0)); err != nil {
			return err
		}
	}
	return nil
}

func (c *chaos) text() plugin.String {
	return plugin.StringOf([]byte(strconv.Itoa(c.rand.IntN(30))))
}

func (c *chaos) key() plugin.String {
	return plugin.StringOf([]byte("k" + strconv.Itoa(c.rand.IntN(12))))
}

// end returns, fails, panics, or ends the goroutine.
func (c *chaos) end() error {
	switch c.rand.IntN(6) {
	case 0:
		panic("told to panic")
	case 1:
		runtime.Goexit()
	case 2:
		return errChaos
	}
	return nil
}

// mess writes at random and ends at random.
func (c *chaos) mess(ctx plugin.Ctx) error {
	for range 1 + c.rand.IntN(6) {
		switch c.rand.IntN(12) {
		case 0:
			_ = ctx.SelectDB(c.rand.IntN(3))
		case 1:
			_, _ = ctx.Call("SET", "ss", c.key(), c.text())
		case 2:
			_, _ = ctx.Call("RPUSH", "ss", c.key(), c.text())
		case 3:
			_, _ = ctx.Call("COPY", "sscls", c.key(), c.key(), "DB", c.rand.IntN(3), plugin.StringOf([]byte("REPLACE")))
		case 4:
			_, _ = ctx.Call("RENAME", "ss", c.key(), c.key())
		case 5:
			_, _ = ctx.Call("PEXPIRE", "sl", c.key(), 1+c.rand.IntN(5))
		case 6:
			if c.rand.IntN(10) == 0 {
				_, _ = ctx.Call("SWAPDB", "ll", c.rand.IntN(3), c.rand.IntN(3))
			}
		case 7:
			if c.rand.IntN(6) == 0 {
				_, _ = ctx.Call("C.WRITE", "")
			}
		default:
			if k, err := ctx.OpenKey(c.key(), plugin.Read|plugin.Write); err == nil {
				c.change(k)
				if c.rand.IntN(2) == 0 {
					_ = k.Close()
				}
			}
		}
		if c.rand.IntN(8) == 0 {
			if err := c.end(); err != nil {
				return err
			}
		}
	}
	return nil
}

// change writes to a key at random; native values are changed in place, and it is not always said.
func (c *chaos) change(k *plugin.Key) {
	switch c.rand.IntN(12) {
	case 0:
		_ = k.SetString(c.text())
	case 1:
		if b, err := k.DMA(plugin.Write); err == nil && len(b) > 0 {
			b[0] = byte('0' + c.rand.IntN(10))
		}
	case 2:
		_ = k.Push(plugin.Head, c.text())
	case 3:
		_, _ = k.HSet(0, plugin.Field{Name: c.text(), Value: c.text()})
	case 4:
		_, _ = k.ZAdd(float64(c.rand.IntN(9)), c.text().Bytes(), 0)
	case 5:
		_, _ = k.SAdd(c.text().Bytes())
	case 6:
		_ = k.Delete()
	case 7:
		_ = k.Unlink()
	case 8:
		for range k.All() {
			if c.rand.IntN(3) == 0 {
				c.change(k)
				break
			}
		}
	case 9:
		b := append([]byte(nil), c.text().Bytes()...)
		_ = c.t.Set(k, &b)
	default:
		v, err := c.t.GetOrCreate(k, func() *[]byte { return new([]byte) })
		if err != nil {
			_ = k.Truncate(c.rand.IntN(9))
			return
		}
		*v = append(*v, 'x')
		if c.rand.IntN(2) == 0 {
			_ = k.Changed()
		}
	}
}

func (c *chaos) write(ctx plugin.Ctx, _ []plugin.String) error {
	if err := c.mess(ctx); err != nil {
		return err
	}
	return ctx.ReplyInt(1)
}

func (c *chaos) nested(ctx plugin.Ctx, args []plugin.String) error {
	k, _ := ctx.OpenKey(c.key(), plugin.Read|plugin.Write)
	c.change(k)
	_, _ = ctx.Call("C.WRITE", "")
	return c.write(ctx, args)
}

func (c *chaos) background(ctx plugin.Ctx, _ []plugin.String) error {
	b, err := ctx.Block(plugin.BlockOptions{Reply: c.write, Free: func(ctx plugin.Ctx, _ any) { _ = c.mess(ctx) }})
	if err != nil {
		return err
	}
	return ctx.Go(func(bg *plugin.Background) {
		defer b.Unblock(nil)
		_ = bg.Do(func(ctx plugin.Ctx) error { return c.mess(ctx) })
	})
}

func (c *chaos) block(ctx plugin.Ctx, _ []plugin.String) error {
	b, err := ctx.Block(plugin.BlockOptions{Reply: c.write, Free: func(ctx plugin.Ctx, _ any) { _ = c.mess(ctx) }})
	if err != nil {
		return err
	}
	return ctx.Go(func(*plugin.Background) {
		defer b.Unblock(nil)
		_ = b.Do(func(ctx plugin.Ctx) error { return c.mess(ctx) })
	})
}

func (c *chaos) blockOnKeys(ctx plugin.Ctx, args []plugin.String) error {
	_, err := ctx.BlockOnKeys(plugin.BlockOptions{Reply: c.write}, 0, args[1])
	return err
}

// TestChaos: whatever handlers write and however they end, the replica and a replay of the append-only file, both without the
// module, have the same data.
func TestChaos(t *testing.T) {
	t.Parallel()
	rounds := 400
	if testing.Short() {
		rounds = 50
	}
	for _, seed := range []uint64{0, 1, 41, 47} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c := &chaos{rand: rand.New(rand.NewPCG(seed, 1))}
			s := New(t, c.onLoad, Options{Replica: true, AOF: true, AllowMisuse: true})
			waiting := s.Client()
			for i := range rounds {
				switch c.rand.IntN(8) {
				case 0:
					s.Do("MULTI").Want("OK")
					s.Do("C.WRITE")
					s.Do("SELECT", c.rand.IntN(3))
					s.Do("C.NESTED")
					s.Do("EXEC")
				case 1:
					s.Client().Do("C.BACKGROUND")
				case 2:
					s.Client().Do("C.BLOCK")
				case 3:
					s.Do("SELECT", 0).Want("OK")
					waiting.Do("SELECT", 0).Want("OK") // callbacks select databases
					wake := fmt.Sprint("wake", i)      // others may end up in another database
					waiting.Send("C.BLOCKKEYS", wake)
					s.eventually("the client is blocked", waiting.Blocked)
					s.Do("SET", wake, i).Want("OK")
					s.Do("DEL", wake)
					waiting.Recv()
				case 4:
					s.Do("C.NESTED")
				case 5:
					s.Advance(time.Millisecond)
				default:
					s.Do("C.WRITE")
				}
				if i%20 == 0 {
					s.eventually("the goroutines end", func() bool { return s.number("clients", "blocked_clients") == 0 })
					s.ReplicaEquals()
				}
				if t.Failed() {
					t.Fatalf("at round %d", i)
				}
			}
			s.ReplicaEquals()
			s.ReplayAOF(nil)
			s.Reload()
		})
	}
}

// TestDeathsInTheMiddleOfACommand: the deletion of a key whose time has come reaches the replica before what the command that
// finds it has done; it means the same key there, also when the command has exchanged databases before.
func TestDeathsInTheMiddleOfACommand(t *testing.T) {
	t.Parallel()
	s := New(t, module(map[string]plugin.Handler{"t.swap": func(ctx plugin.Ctx, _ []plugin.String) error {
		_, err1 := ctx.Call("SWAPDB", "ll", 0, 1)
		_, err2 := ctx.Call("SWAPDB", "ll", 1, 2)
		err3 := ctx.SelectDB(2)
		_, err4 := ctx.Call("GET", "c", "k") // was in database 0
		return errors.Join(err1, err2, err3, err4, ctx.ReplyInt(1))
	}}), Options{Replica: true, AOF: true})
	s.Do("DEBUG", "SET-ACTIVE-EXPIRE", "0").Want("OK")
	for db := range 3 {
		s.Do("SELECT", db).Want("OK")
		s.Do("SET", "k", db).Want("OK")
	}
	s.Do("SELECT", 0).Want("OK")
	s.Do("PEXPIRE", "k", 1).Want(1)
	s.Advance(2 * time.Millisecond)
	s.Stream()
	s.Do("T.SWAP").Want(1)
	s.WantStream("MULTI", "DEL k", "SWAPDB 0 1", "SWAPDB 1 2", "EXEC")
	s.ReplicaEquals()
	s.ReplayAOF(nil)
}

// TestLastMomentOfAValue: a native value that is changed in the millisecond in which its time comes is still there, on the
// replica too.
func TestLastMomentOfAValue(t *testing.T) {
	t.Parallel()
	h := &hostile{}
	s := New(t, h.onLoad, Options{Replica: true, AOF: true})
	s.Do("H.SET", "k", "a").Want("OK")
	s.Do("PEXPIRE", "k", 5).Want(1)
	s.Advance(5 * time.Millisecond)
	s.Do("H.APPEND", "k", "b").Want(2)
	s.ReplicaEquals()
	s.ReplayAOF(nil)
	s.Advance(time.Millisecond)
	s.Do("EXISTS", "k").Want(0)
	s.ReplicaEquals()
}

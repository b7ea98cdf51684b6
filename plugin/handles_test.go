package plugin

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// TestStaleBlockedClient: a nil handle is one that has ended.
func TestStaleBlockedClient(t *testing.T) {
	var bc *BlockedClient
	nothing := func(Ctx) error { return nil }
	for i, err := range []error{
		bc.Unblock(nil), bc.Abort(), bc.Do(nothing), bc.MeasureStart(), bc.MeasureEnd(), bc.Reply(func(Replies) error { return nil }),
	} {
		if !errors.Is(err, ErrStale) {
			t.Errorf("method %d: %v", i, err)
		}
	}
	if bc.Context().Err() == nil {
		t.Error("the context of a wait that is over goes on")
	}
}

// capture is a host that takes commands and replies back.
type capture struct {
	commands []string
	freed    int
}

func (c *capture) RunCmd(cmd *Cmd) (*Reply, error) {
	c.commands = append(c.commands, fmt.Sprint(cmd.Name, " ", cmd.Args, " ", cmd.Opt))
	return nil, nil
}

func (c *capture) ReplicateCmd(cmd *Cmd) error {
	_, err := c.RunCmd(cmd)
	return err
}

func (c *capture) FreeReply(r *Reply) {
	c.freed++
	*r = Reply{}
}

func TestCmd(t *testing.T) {
	host, cmd := &capture{}, &Cmd{}
	a, b := StringOf([]byte("a")), StringOf([]byte("b"))
	if _, err := cmd.Reset(host, "SET").With(Repl).Str(a).Int(-7).Bytes([]byte("x y")).Strs(a, b).Int(math.MaxInt64).Do(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Reset(host, "PING").Replicate(); err != nil {
		t.Fatal(err)
	}
	want := []string{"SET [a -7 x y a b 9223372036854775807] 1", "PING [] 0"}
	if !slices.Equal(host.commands, want) {
		t.Errorf("got %q, want %q", host.commands, want)
	}

	// Numbers written before the digits had to grow are still right.
	cmd.Reset(host, "X")
	for n := range int64(1000) {
		cmd.Int(n)
	}
	for n, arg := range cmd.Args {
		if got, err := arg.Int64(); got != int64(n) || err != nil {
			t.Fatalf("argument %d is %q", n, arg)
		}
	}
	quiet := testing.AllocsPerRun(100, func() { cmd.Reset(cmd.Impl, "SET").Str(a).Int(123456).Strs(a, b) })
	if quiet != 0 {
		t.Errorf("building a command allocates %v times", quiet)
	}
}

// Rules: CALL-7.
func TestReplyAccessors(t *testing.T) {
	host := &capture{}
	text, number := Reply{Kind: StringReply, Text: []byte("hello")}, Reply{Kind: IntegerReply, Integer: 42}
	failure := Reply{Kind: ErrorReply, Text: []byte("ERR no")}
	array := &Reply{Impl: host, Kind: ArrayReply, Elems: []Reply{text, number, failure, {Kind: NullReply}, text}}

	if array.Elem(0).Len() != 5 || string(array.Elem(0).Bytes()) != "hello" || array.Elem(0).Int() != math.MinInt64 {
		t.Error("string accessors")
	}
	if n, err := array.Elem(1).Int64(); n != 42 || err != nil || array.Elem(1).Int() != 42 || array.Elem(1).Len() != 0 || array.Elem(1).Bytes() != nil {
		t.Error("integer accessors")
	}
	if err := array.Elem(2).Err(); err != ReplyError("ERR no") || string(array.Elem(2).Bytes()) != "ERR no" || array.Elem(0).Err() != nil {
		t.Error("error accessors")
	}
	if _, err := array.Elem(3).Int64(); !errors.Is(err, ErrType) || array.Elem(3).Bytes() != nil || array.Elem(3).Len() != 0 {
		t.Error("null accessors")
	}
	if array.Len() != 5 || array.Elem(-1) != nil || array.Elem(5) != nil || array.Elem(0).Elem(0) != nil || array.Elem(1) != &array.Elems[1] {
		t.Error("array accessors")
	}
	var missing *Reply
	if missing.Type() != UnknownReply || missing.Len() != 0 || missing.Elem(0) != nil || missing.Err() != nil {
		t.Error("accessors of nil")
	}

	var seen []int
	for i, e := range array.All() {
		if e != array.Elem(i) {
			t.Errorf("element %d is another one", i)
		}
		if seen = append(seen, i); i == 3 {
			break
		}
	}
	pairs := 0
	for k, v := range array.Pairs() {
		if k != array.Elem(2*pairs) || v != array.Elem(2*pairs+1) {
			t.Errorf("pair %d is another one", pairs)
		}
		pairs++
	}
	if len(seen) != 4 || pairs != 2 {
		t.Errorf("All gave %v, Pairs gave %d", seen, pairs)
	}

	array.Elem(0).Free()
	missing.Free()
	array.Free()
	array.Free()
	if host.freed != 1 || array.Type() != UnknownReply {
		t.Errorf("freed %d times, type %d", host.freed, array.Type())
	}
}

// Rules: KEY-1.
func TestNilKey(t *testing.T) {
	var k *Key
	if k.Type() != KeyEmpty || k.Len() != 0 || k.TTL() != NoExpire || k.Check(KeyList) != nil || k.Close() != nil || !k.Name().IsZero() {
		t.Error("a nil key is an empty one")
	}
	if _, ok := k.ExpireAt(); ok {
		t.Error("a nil key does not expire")
	}
	if b, err := k.DMA(Read); b != nil || err != nil {
		t.Errorf("reading a nil key: %v, %v", b, err)
	}
	if _, err := k.DMA(0); !errors.Is(err, ErrInvalid) {
		t.Errorf("DMA without a mode: %v", err)
	}
	if _, err := k.LGet(0); !errors.Is(err, ErrEmptyKey) {
		t.Errorf("LGet: %v", err)
	}
	for range k.LAll() {
		t.Error("a nil key has elements")
	}
	s := StringOf([]byte("x"))
	_, popped := k.Pop(Head)
	_, dma := k.DMA(Write)
	writes := []error{
		k.Delete(), k.Unlink(), k.SetTTL(time.Second), k.SetExpireAt(time.Now()), k.SetString(s), dma, k.Truncate(1),
		k.Push(Head, s), popped, k.LSet(0, s), k.LInsert(0, s), k.LDelete(0),
	}
	for i, err := range writes {
		if !errors.Is(err, ErrNotWritable) {
			t.Errorf("write %d to a nil key: %v", i, err)
		}
	}
}

// expiring is a key that takes a time to live; everything else is missing.
type expiring struct {
	KeyImpl
	ms int64
}

func (e *expiring) TTL() (int64, bool)         { return e.ms, e.ms >= 0 }
func (e *expiring) SetTTL(ms int64) error      { e.ms = ms; return nil }
func (e *expiring) ExpireAt() (int64, bool)    { return e.ms, e.ms >= 0 }
func (e *expiring) SetExpireAt(ms int64) error { e.ms = ms; return nil }
func (e *expiring) Persist() error             { e.ms = -1; return nil }

// Rules: EXP-1, EXP-3.
func TestExpire(t *testing.T) {
	e := &expiring{ms: -1}
	k := &Key{Impl: e}
	for _, tt := range []struct {
		set  time.Duration
		want int64
		err  error
	}{
		{time.Second, 1000, nil}, {0, 0, nil}, {time.Microsecond, 1, nil}, {1500 * time.Microsecond, 2, nil},
		{-2, 2, ErrInvalid}, {-time.Second, 2, ErrInvalid}, {NoExpire, -1, nil},
	} {
		if err := k.SetTTL(tt.set); !errors.Is(err, tt.err) || e.ms != tt.want {
			t.Errorf("SetTTL(%d): %v, %d ms", tt.set, err, e.ms)
		}
	}
	if k.TTL() != NoExpire {
		t.Errorf("TTL is %v", k.TTL())
	}
	if e.ms = math.MaxInt64 / 2; k.TTL() != math.MaxInt64 {
		t.Errorf("the time to live of millions of years is %v", k.TTL())
	}
	at := time.UnixMilli(1_700_000_000_123)
	if err := k.SetExpireAt(at); err != nil {
		t.Fatal(err)
	}
	if got, ok := k.ExpireAt(); !ok || !got.Equal(at) || k.TTL() != time.Duration(at.UnixMilli())*time.Millisecond {
		t.Errorf("expires at %v, %v", got, ok)
	}
	if err := k.SetExpireAt(time.UnixMilli(-5)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a time before 1970: %v", err)
	}
	if err := k.SetExpireAt(time.Time{}); err != nil || e.ms != -1 {
		t.Errorf("the zero time: %v, %d ms", err, e.ms)
	}
}

// numbers is a list of numbers to walk.
type numbers struct {
	KeyImpl
	key        *Key
	n, at, inc int
	stopped    int
}

func (l *numbers) Seek(_ KeyType, back bool) error {
	l.key.Cursor.Run++
	l.at, l.inc = -1, 1
	if back {
		l.at, l.inc = l.n, -1
	}
	return nil
}

func (l *numbers) Next() bool {
	l.at += l.inc
	l.key.Cursor.Elem, l.key.Cursor.Index = StringOf([]byte{'a' + byte(l.at)}), l.at
	return l.at >= 0 && l.at < l.n
}

func (l *numbers) Stop() { l.stopped++ }

func TestListWalk(t *testing.T) {
	l := &numbers{n: 4}
	k := &Key{Impl: l}
	l.key = k
	text := ""
	for i, s := range k.LAll() {
		text += fmt.Sprintf("%d%s ", i, s)
	}
	for i, s := range k.LBackward() {
		if text += fmt.Sprintf("%d%s ", i, s); i == 2 {
			break
		}
	}
	if text != "0a 1b 2c 3d 3d 2c " || l.stopped != 2 {
		t.Errorf("walked %q, stopped %d times", text, l.stopped)
	}
}

func TestErrorClasses(t *testing.T) {
	for _, err := range []error{ErrCommandNotFound, ErrBadFormat, ErrArity, ErrNotNumber, ErrTooLarge} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%v is not ErrInvalid", err)
		}
	}
	if errors.Is(ErrType, ErrInvalid) || errors.Is(ErrArity, ErrBadFormat) {
		t.Error("classes are mixed up")
	}
}

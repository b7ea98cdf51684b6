package plugin

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	host, cmd := &capture{}, &Cmd{}
	list := []String{StringOf([]byte("x")), StringOf([]byte("y"))}
	if _, err := cmd.Reset(host, "X").Str(list[0]).Add(S(list[1]), B([]byte("b c")), I(-7), V(list), V(nil), Arg{}, I(math.MaxInt64)).Do(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"X [x y b c -7 x y  9223372036854775807] 0"}; !slices.Equal(host.commands, want) {
		t.Errorf("got %q, want %q", host.commands, want)
	}
	text, number := list[0], int64(123456)
	if n := testing.AllocsPerRun(100, func() { cmd.Reset(cmd.Impl, "SET").Add(S(text), I(number), V(list)) }); n != 0 {
		t.Errorf("adding arguments allocates %v times", n)
	}
}

// TestFormat: a format and its arguments become what the other methods make of them, and cost no allocation.
func TestFormat(t *testing.T) {
	type word uint64
	host, cmd := &capture{}, &Cmd{}
	list, long := []String{StringOf([]byte("x")), StringOf([]byte("y"))}, strings.Repeat("l", maxCopied+1)
	b := []byte("b")
	build := func(number int64) *Cmd {
		return cmd.Reset(cmd.Impl, "X").Format("!scA", list[0], "of the program").
			Format("blllvv", b, number, int8(-8), word(math.MaxUint64), list, []String(nil)).Text("")
	}
	cmd.Reset(host, "X")
	for _, number := range []int64{0, math.MinInt64} { // the second time in memory that is there
		if _, err := build(number).Do(); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("X [x of the program b %d -8 18446744073709551615 x y ] %d", number, Repl|NoAOF)
		if got := host.commands[len(host.commands)-1]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	n := int64(0)
	if allocs := testing.AllocsPerRun(100, func() { n += 1000; build(n) }); allocs != 0 {
		t.Errorf("a format allocates %v times", allocs)
	}
	if got := cmd.Reset(host, "X").Text(long); got.Args[0].String() != long || len(got.text) != 0 {
		t.Errorf("a long text became %q, with %d bytes kept for the next command", got.Args[0].String(), len(got.text))
	}
	for _, tt := range []struct {
		format string
		args   []any
	}{
		{"c", nil}, {"", []any{"c"}}, {"c", []any{list[0]}}, {"c", []any{nil}}, {"s", []any{"s"}}, {"b", []any{"b"}}, {"l", []any{"1"}},
		{"l", []any{1.0}}, {"l", []any{nil}}, {"v", []any{list[0]}}, {"z", []any{1}}, {"?", nil}, {"\xff", []any{1}}, {"cc", []any{"c"}},
	} {
		if err := cmd.Reset(host, "X").Format(tt.format, tt.args...).Format("").Err(); err != ErrBadFormat {
			t.Errorf("format %q of %v: %v", tt.format, tt.args, err)
		}
	}
	if err := cmd.Reset(host, "X").Err(); err != nil {
		t.Errorf("an empty command: %v", err)
	}
}

// TestOptions: the modifiers are bits of their own.
func TestOptions(t *testing.T) {
	sum := CallOpt(0)
	for _, o := range []CallOpt{Repl, NoAOF, NoReplicas, RESP3, RESPAuto, AsUser, ScriptMode, NoWrites, RespectOOM, ErrorsAsReply, DryRun, AllowBlock} {
		if o == 0 || o&(o-1) != 0 || sum&o != 0 {
			t.Errorf("modifier %b among %b", o, sum)
		}
		sum |= o
	}
	flags := CtxFlags(0)
	for _, f := range []CtxFlags{
		FlagScript, FlagMulti, FlagMaster, FlagReplica, FlagReadOnly, FlagCluster, FlagAOF, FlagRDB, FlagMaxmemory, FlagEvict, FlagOOM,
		FlagOOMWarning, FlagReplicated, FlagLoading, FlagReplicaStale, FlagReplicaConnecting, FlagReplicaTransferring,
		FlagReplicaOnline, FlagActiveChild, FlagMultiDirty, FlagIsChild, FlagDenyBlocking, FlagRESP3, FlagAsyncLoading, FlagServerStartup,
	} {
		if f == 0 || f&(f-1) != 0 || flags&f != 0 {
			t.Errorf("flag %b among %b", f, flags)
		}
		flags |= f
	}
	keys := KeyFlags(0)
	for _, f := range []KeyFlags{KeyRO, KeyRW, KeyOW, KeyRM, KeyAccess, KeyUpdate, KeyInsert, KeyDelete, KeyNotKey, KeyIncomplete, KeyVariableFlags} {
		if f == 0 || f&(f-1) != 0 || keys&f != 0 {
			t.Errorf("flag %b among %b", f, keys)
		}
		keys |= f
	}
	if flags != 1<<25-1 || keys != 1<<11-1 {
		t.Errorf("flags %b, %b: they are those of the C API, without gaps", flags, keys)
	}
}

// TestReplyDefaults: what the accessors give for all types but their own.
func TestReplyDefaults(t *testing.T) {
	var missing *Reply
	if missing.Float() != math.MinInt64 || missing.BigNumber() != nil || missing.SetElem(0) != nil || missing.Attribute() != nil || missing.Proto() != nil {
		t.Error("accessors of nil")
	}
	if text, format := missing.Verbatim(); text != nil || format != "" {
		t.Error("verbatim of nil")
	}
	if _, _, ok := missing.MapElem(0); ok {
		t.Error("an element of nil")
	}
	if v, ok := missing.Bool(); v || ok {
		t.Error("bool of nil")
	}
	pairs := func(r *Reply) (text string) {
		for k, v := range r.Pairs() {
			text += fmt.Sprint(k.Int(), "=", v.Int(), " ")
		}
		return text
	}
	elems := []Reply{{Kind: IntegerReply, Integer: 1}, {Kind: IntegerReply, Integer: 2}, {Kind: IntegerReply, Integer: 3}, {Kind: IntegerReply, Integer: 4}}
	for kind, want := range map[ReplyType][3]any{
		ArrayReply: {4, "1=2 3=4 ", 4}, SetReply: {4, "", 4}, MapReply: {2, "1=2 3=4 ", 0}, AttributeReply: {2, "1=2 3=4 ", 0},
		StringReply: {0, "", 0},
	} {
		r, n := &Reply{Kind: kind, Elems: elems}, 0
		for i, e := range r.All() {
			if e != &r.Elems[i] {
				t.Errorf("type %d: element %d is another one", kind, i)
			}
			n++
		}
		if got := [3]any{r.Len(), pairs(r), n}; got != want {
			t.Errorf("type %d: %v, want %v", kind, got, want)
		}
	}
	if _, err := missing.Float64(); !errors.Is(err, ErrType) {
		t.Errorf("a double of nil: %v", err)
	}
}

package host

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/plugin"
)

// numbers is a native value of the tests: integers in order.
type numbers struct{ n []int64 }

const numbersName = "numbers-1"

// numbersType is a module with the type numbers and commands around it. What the methods do is noted in log.
type numbersType struct {
	t       plugin.TypeOf[numbers]
	m       plugin.MethodsOf[numbers]
	log     []string
	special map[string]plugin.Handler
}

func (nt *numbersType) note(format string, args ...any) {
	nt.log = append(nt.log, fmt.Sprintf(format, args...))
}

// took returns what was noted since the last call.
func (nt *numbersType) took() string {
	s := strings.Join(nt.log, " | ")
	nt.log = nil
	return s
}

func newNumbers() *numbersType {
	nt := &numbersType{special: map[string]plugin.Handler{}}
	nt.m = plugin.MethodsOf[numbers]{
		Load: func(io *plugin.IO, encver int) (*numbers, error) {
			v := &numbers{}
			for n := io.LoadUint(); n > 0 && io.Err() == nil; n-- {
				v.n = append(v.n, io.LoadInt())
			}
			if encver != 3 {
				return nil, fmt.Errorf("version %d", encver)
			}
			return v, io.Err()
		},
		Save: func(io *plugin.IO, v *numbers) {
			io.SaveUint(uint64(len(v.n)))
			for _, n := range v.n {
				io.SaveInt(n)
			}
		},
	}
	return nt
}

// onLoad registers the type and the commands: nadd key n replicates by effect, naddv key n verbatim.
func (nt *numbersType) onLoad(api int) plugin.OnLoadFunc {
	return func(ctx plugin.Ctx, _ []plugin.String) (err error) {
		if err = ctx.Init("numbers", 1, api); err != nil {
			return err
		}
		if nt.t, err = plugin.CreateTypeOf(ctx, numbersName, 3, nt.m); err != nil {
			return err
		}
		commands := map[string]plugin.Handler{"nadd": nt.add, "naddv": nt.addVerbatim, "nget": nt.get}
		for name, h := range nt.special {
			commands[name] = h
		}
		for name, h := range commands {
			if err := ctx.CreateCommand(name, h, plugin.CommandSpec{Flags: "write", FirstKey: 1, LastKey: 1, KeyStep: 1}); err != nil {
				return err
			}
		}
		return nil
	}
}

func (nt *numbersType) append(ctx plugin.Ctx, args []plugin.String) error {
	n, err := args[2].Int64()
	if err != nil {
		return err
	}
	k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
	if err != nil {
		return err
	}
	v, err := nt.t.GetOrCreate(k, func() *numbers { return &numbers{} })
	if err != nil {
		return err
	}
	v.n = append(v.n, n)
	return k.Changed()
}

func (nt *numbersType) add(ctx plugin.Ctx, args []plugin.String) error {
	if err := nt.append(ctx, args); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

func (nt *numbersType) addVerbatim(ctx plugin.Ctx, args []plugin.String) error {
	if err := nt.append(ctx, args); err != nil {
		return err
	}
	if err := ctx.ReplicateVerbatim(); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

func (nt *numbersType) get(ctx plugin.Ctx, args []plugin.String) error {
	k, err := ctx.OpenKey(args[1], plugin.Read)
	if err != nil {
		return err
	}
	v, err := nt.t.Get(k)
	switch {
	case err != nil:
		return err
	case v == nil:
		return ctx.ReplyStatus("none")
	}
	return ctx.ReplyStatus(fmt.Sprint(v.n))
}

// newTypeRig returns a rig with the module loaded, and a replica without it.
func newTypeRig(t *testing.T, nt *numbersType) *rig {
	t.Helper()
	r := bareRig(t)
	r.replica = bareRig(t)
	r.ctx.Effects.Listen(true)
	r.mustLoad(nt.onLoad(plugin.APIVer2))
	return r
}

// names cuts the payloads of RESTORE out of what was propagated, and returns the lines.
func (r *rig) names() string {
	var lines []string
	for _, l := range r.stream {
		if words := strings.SplitN(l, " ", 4); words[0] == "RESTORE" {
			l = strings.Join(words[:3], " ") + " * " + l[strings.LastIndex(l, "REPLACE"):]
		}
		lines = append(lines, l)
	}
	r.stream = nil
	return strings.Join(lines, " | ")
}

// wantSent compares what has been propagated since the last look, without payloads.
func (r *rig) wantSent(want string) {
	r.t.Helper()
	if got := r.names(); got != want {
		r.t.Errorf("propagated %q, want %q", got, want)
	}
}

// TestCreateType refuses what cannot be a type.
//
// Rules: TYP-1, TYP-2.
func TestCreateType(t *testing.T) {
	load := func(*plugin.IO, int) (any, error) { return 1, nil }
	save := func(*plugin.IO, any) {}
	m := plugin.TypeMethods{Load: load, Save: save}
	r := bareRig(t)
	var made *plugin.Type
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		_, err := ctx.CreateType("type-name", 0, m)
		wantErr(t, "before Init", err, plugin.ErrNotInitialized)
		must(t, ctx.Init("m", 1, 1))
		for _, c := range []struct {
			name   string
			encver int
			m      plugin.TypeMethods
			err    error
		}{
			{"", 0, m, plugin.ErrInvalid}, {"shorter-", 0, m, plugin.ErrInvalid}, {"longer-one", 0, m, plugin.ErrInvalid},
			{"with.dots", 0, m, plugin.ErrInvalid}, {"with blan", 0, m, plugin.ErrInvalid}, {"type-name", -1, m, plugin.ErrInvalid},
			{"type-name", 1024, m, plugin.ErrInvalid}, {"AAAAAAAAA", 0, m, plugin.ErrInvalid},
			{"type-name", 0, plugin.TypeMethods{Load: load}, plugin.ErrInvalid}, {"type-name", 0, plugin.TypeMethods{Save: save}, plugin.ErrInvalid},
			{"AAAAAAAAA", 1, m, nil}, {"AZaz09-_b", 1023, m, nil}, {"AZaz09-_b", 0, m, plugin.ErrBusyName},
		} {
			tt, err := ctx.CreateType(c.name, c.encver, c.m)
			wantErr(t, fmt.Sprint(c.name, " ", c.encver), err, c.err)
			if c.err == nil {
				made = tt
			}
		}
		return nil
	})
	// A 0, Z 25, a 26, z 51, 0 52, 9 61, - 62, _ 63, b 27.
	id := uint64(0<<58 | 25<<52 | 26<<46 | 51<<40 | 52<<34 | 61<<28 | 62<<22 | 63<<16 | 27<<10 | 1023)
	if *made != (plugin.Type{Name: "AZaz09-_b", EncVer: 1023, Module: "m", ID: id}) || keyspace.NativeName(id) != made.Name {
		t.Errorf("%+v, want the id %d", made, id)
	}
	err := r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("other", 1, 1))
		_, err := ctx.CreateType("AZaz09-_b", 5, m)
		wantErr(t, "name of another module", err, plugin.ErrBusyName)
		_, err = ctx.CreateType("failed-1-", 5, m)
		must(t, err)
		return errors.New("given up")
	}}, nil)
	if err == nil || r.ctx.Store.Natives().Type(keyspace.NativeID("failed-1-", 5)) != nil {
		t.Error("a type of a module that was not loaded is registered")
	}
	late := newRig(t, 2, map[string]plugin.Handler{"late": func(ctx plugin.Ctx, _ []plugin.String) error {
		_, err := ctx.CreateType("type-late", 0, m)
		wantErr(t, "in a command", err, plugin.ErrNotInOnLoad)
		return ctx.ReplyInt(1)
	}})
	late.want(":1\r\n", "late")
}

// TestModuleWithTypesStays loaded.
//
// Rules: TYP-6.
func TestModuleWithTypesStays(t *testing.T) {
	r := newTypeRig(t, newNumbers())
	r.want("+OK\r\n", "nadd", "k", "1")
	wantErr(t, "unload", r.h.Unload("numbers"), ErrHasTypes)
	if ErrHasTypes.Error() != "the module exports one or more module-side data types, can't unload" {
		t.Error(ErrHasTypes)
	}
	r.want("+[1]\r\n", "nget", "k")
}

// TestKeyValue stores, exchanges and reads values.
//
// Rules: TYP-4.
func TestKeyValue(t *testing.T) {
	nt := newNumbers()
	nt.m.Free = func(v *numbers) { nt.note("free %v", v.n) }
	nt.special["try"] = func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(str("k"), plugin.Write)
		must(t, err)
		_, err = nt.t.Replace(k, &numbers{})
		wantErr(t, "replace in an empty key", err, plugin.ErrEmptyKey)
		wantErr(t, "changed, empty", k.Changed(), plugin.ErrEmptyKey)
		wantErr(t, "nil value", k.SetValue(nt.t.Type(), nil), plugin.ErrInvalid)
		wantErr(t, "nil pointer", nt.t.Set(k, nil), plugin.ErrInvalid)
		wantErr(t, "no type", k.SetValue(nil, &numbers{}), plugin.ErrInvalid)
		forged := *nt.t.Type()
		wantErr(t, "a type that was not registered", k.SetValue(&forged, &numbers{}), plugin.ErrInvalid)
		must(t, k.SetString(str("v")))
		wantErr(t, "changed, string", k.Changed(), plugin.ErrType)
		_, err = nt.t.Replace(k, &numbers{})
		wantErr(t, "replace a string", err, plugin.ErrType)
		if kt, v := k.Value(); kt != nil || v != nil {
			t.Errorf("the value of a string is %v of type %v", v, kt)
		}
		_, err = nt.t.Get(k)
		wantErr(t, "get a string", err, plugin.ErrWrongType)
		must(t, k.SetTTL(1e12))
		one, two := &numbers{[]int64{1}}, &numbers{[]int64{2}}
		must(t, nt.t.Set(k, one))
		if kt, v := k.Value(); kt != nt.t.Type() || v != one || k.Type() != plugin.KeyModule || k.Len() != 0 || k.TTL() != plugin.NoExpire {
			t.Errorf("the value is %v of type %v, key type %d, length %d, time to live %v", v, kt, k.Type(), k.Len(), k.TTL())
		}
		must(t, k.SetTTL(1e12))
		old, err := nt.t.Replace(k, two)
		if must(t, err); old != one || k.TTL() != 1e12 {
			t.Errorf("replaced %v, time to live %v", old, k.TTL())
		}
		if got := nt.took(); got != "" {
			t.Errorf("replacing frees: %s", got)
		}
		must(t, k.Changed())
		must(t, nt.t.Set(k, &numbers{[]int64{3}}))
		if got := nt.took(); got != "free [2]" {
			t.Errorf("setting frees %q", got)
		}
		must(t, k.Close())
		wantErr(t, "closed", k.SetValue(nt.t.Type(), two), plugin.ErrStale)
		wantErr(t, "closed", k.Changed(), plugin.ErrStale)
		if kt, v := k.Value(); kt != nil || v != nil {
			t.Error("a closed key has a value")
		}
		k, err = ctx.OpenKey(str("k"), plugin.Read)
		must(t, err)
		wantErr(t, "reading", k.SetValue(nt.t.Type(), two), plugin.ErrNotWritable)
		_, err = nt.t.Replace(k, two)
		wantErr(t, "reading", err, plugin.ErrNotWritable)
		wantErr(t, "reading", k.Changed(), plugin.ErrNotWritable)
		l, err := ctx.OpenKey(str("list"), plugin.Write)
		must(t, err)
		must(t, l.Push(plugin.Tail, str("a")))
		for range l.LAll() {
			wantErr(t, "iterating", l.SetValue(nt.t.Type(), two), plugin.ErrIterating)
		}
		must(t, l.SetValue(nt.t.Type(), two))
		var missing *plugin.Key
		wantErr(t, "nil key", missing.SetValue(nt.t.Type(), two), plugin.ErrNotWritable)
		wantErr(t, "nil key", missing.Changed(), plugin.ErrNotWritable)
		if v, err := nt.t.Get(missing); v != nil || err != nil {
			t.Errorf("the value of a missing key is %v, %v", v, err)
		}
		return ctx.ReplyInt(1)
	}
	r := newTypeRig(t, nt)
	r.want(":1\r\n", "try")
	r.want("+[3]\r\n", "nget", "k")
	r.want("+[2]\r\n", "nget", "list")
	r.want("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", "GET", "k")
	r.want("+OK\r\n", "SET", "k", "v")
	r.want("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", "nget", "k")
}

// TestNativeEffects: a command that changed values and said nothing is replicated by RESTORE, and the replica, which has no
// module, is equal after each.
func TestNativeEffects(t *testing.T) {
	nt := newNumbers()
	change := func(ctx plugin.Ctx, name string, n int64) *plugin.Key {
		k, err := ctx.OpenKey(str(name), plugin.Read|plugin.Write)
		must(t, err)
		v, err := nt.t.GetOrCreate(k, func() *numbers { return &numbers{} })
		must(t, err)
		v.n = append(v.n, n)
		must(t, k.Changed())
		return k
	}
	steps := []struct {
		name string
		do   func(ctx plugin.Ctx)
		sent string
	}{
		{"twice", func(ctx plugin.Ctx) { change(ctx, "k", 1).Close(); change(ctx, "k", 2) }, "SELECT 0 | RESTORE k 0 * REPLACE ABSTTL"},
		{"two keys", func(ctx plugin.Ctx) { change(ctx, "k", 1); change(ctx, "l", 2) },
			"MULTI | RESTORE k 0 * REPLACE ABSTTL | RESTORE l 0 * REPLACE ABSTTL | EXEC"},
		{"time to live", func(ctx plugin.Ctx) { must(t, change(ctx, "k", 3).SetTTL(1e12)) },
			"MULTI | PEXPIREAT k 1700001000000 | RESTORE k 1700001000000 * REPLACE ABSTTL | EXEC"},
		{"change again", func(ctx plugin.Ctx) { change(ctx, "k", 4) }, "RESTORE k 1700001000000 * REPLACE ABSTTL"},
		{"then deleted", func(ctx plugin.Ctx) { must(t, change(ctx, "k", 1).Delete()) }, "DEL k"},
		{"then a string", func(ctx plugin.Ctx) { must(t, change(ctx, "k", 1).SetString(str("v"))) }, "SET k v"},
		{"then a value again", func(ctx plugin.Ctx) {
			k := change(ctx, "l", 1)
			must(t, k.Delete())
			must(t, nt.t.Set(k, &numbers{[]int64{9}}))
		}, "MULTI | DEL l | RESTORE l 0 * REPLACE ABSTTL | EXEC"},
		{"then renamed by a call", func(ctx plugin.Ctx) {
			must(t, change(ctx, "l", 5).Close())
			_, err := ctx.Call("RENAME", "cc", "l", "m")
			must(t, err)
		}, "MULTI | RESTORE l 0 * REPLACE ABSTTL | RENAME l m | EXEC"},
		{"renamed, then changed", func(ctx plugin.Ctx) {
			_, err := ctx.Call("RENAME", "cc", "m", "l")
			must(t, err)
			change(ctx, "l", 6)
		}, "MULTI | RENAME m l | RESTORE l 0 * REPLACE ABSTTL | EXEC"},
		{"another database", func(ctx plugin.Ctx) { must(t, ctx.SelectDB(3)); change(ctx, "l", 1); must(t, ctx.SelectDB(0)) },
			"SELECT 3 | RESTORE l 0 * REPLACE ABSTTL"},
		{"verbatim", func(ctx plugin.Ctx) {
			k, err := ctx.OpenKey(str("n"), plugin.Write)
			must(t, err)
			must(t, nt.t.Set(k, &numbers{[]int64{1}}))
			must(t, k.Delete())
			must(t, ctx.Replicate("DEL", "c", "n"))
		}, "SELECT 0 | DEL n"},
		{"panic", func(ctx plugin.Ctx) {
			must(t, ctx.Replicate("DEL", "c", "never sent"))
			change(ctx, "l", 7)
			panic("half-way")
		}, "RESTORE l 0 * REPLACE ABSTTL"},
		{"a value of none", func(ctx plugin.Ctx) {
			k, err := ctx.OpenKey(str("l"), plugin.Read|plugin.Write)
			must(t, err)
			_, err = nt.t.Replace(k, &numbers{})
			must(t, err)
		}, "RESTORE l 0 * REPLACE ABSTTL"},
		{"nothing", func(ctx plugin.Ctx) {
			_, err := ctx.OpenKey(str("l"), plugin.Read|plugin.Write)
			must(t, err)
		}, ""},
	}
	step := 0
	nt.special["step"] = func(ctx plugin.Ctx, _ []plugin.String) error {
		steps[step].do(ctx)
		return ctx.ReplyInt(1)
	}
	r := newTypeRig(t, nt)
	for step = range steps {
		got := r.do("step")
		if ok := got == ":1\r\n"; ok == (steps[step].name == "panic") {
			t.Errorf("%s: replied %q", steps[step].name, got)
		}
		r.wantSent(steps[step].sent)
		r.equal([]string{steps[step].name})
	}
}

// TestChangeWithoutAWord: a value whose size has changed is replicated though the handler has not called Changed.
func TestChangeWithoutAWord(t *testing.T) {
	nt := newNumbers()
	nt.m.AllocSize = func(v *numbers) int64 { return int64(len(v.n)) }
	extend := func(say bool) plugin.Handler {
		return func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Write)
			must(t, err)
			v, err := nt.t.Get(k)
			must(t, err)
			if v.n = append(v.n, 7); say {
				must(t, k.Changed())
			}
			return ctx.ReplyInt(1)
		}
	}
	nt.special["silent"], nt.special["correct"] = extend(false), extend(true)
	r := newTypeRig(t, nt)
	r.want("+OK\r\n", "nadd", "k", "1")
	for _, c := range []struct {
		name    string
		misuses int64
	}{{"correct", 0}, {"silent", 1}} {
		r.stream = nil
		r.want(":1\r\n", c.name, "k")
		r.wantSent("RESTORE k 0 * REPLACE ABSTTL")
		if got := r.h.Infos()[0].Misuses; got != c.misuses || r.logged("changed without Key.Changed") != (got > 0) {
			t.Errorf("%s: %d misuses", c.name, got)
		}
	}
	if n := r.ctx.Store.DB(0).NativeBytes([]byte("k")); n < 3 {
		t.Error("the size was not asked again")
	}
}

// TestTypeCommands are the built-in commands on native values.
//
// Rules: TYP-3.
func TestTypeCommands(t *testing.T) {
	nt := newNumbers()
	r := newTypeRig(t, nt)
	r.want("+OK\r\n", "nadd", "k", "1")
	r.want("+"+numbersName+"\r\n", "TYPE", "k")
	r.want("$3\r\nraw\r\n", "OBJECT", "ENCODING", "k")
	r.want("*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n", "SCAN", "0", "TYPE", "NumBERS-1")
	r.want("*2\r\n$1\r\n0\r\n*0\r\n", "SCAN", "0", "TYPE", "numbers-2")
	r.want("-ERR not supported for this module key\r\n", "COPY", "k", "c")
	r.want(":0\r\n", "EXISTS", "c")
	nt2 := newNumbers()
	var fail error
	nt2.m.Copy = func(o plugin.OptCtx, v *numbers) (*numbers, error) {
		nt2.note("copy %d %s to %d %s", o.DB, o.Key, o.ToDB, o.To)
		if len(v.n) == 0 || fail != nil {
			return nil, fail
		}
		return &numbers{slices.Clone(v.n)}, nil
	}
	r = newTypeRig(t, nt2)
	r.want("+OK\r\n", "nadd", "k", "1")
	r.want(":1\r\n", "COPY", "k", "c")
	r.want("+OK\r\n", "nadd", "c", "2")
	r.want("+[1]\r\n", "nget", "k")
	r.want("+[1 2]\r\n", "nget", "c")
	r.want(":1\r\n", "COPY", "k", "c", "DB", "7")
	if got := nt2.took(); got != "copy 0 k to 0 c | copy 0 k to 7 c" {
		t.Error(got)
	}
	fail = errors.New("no")
	r.want("-ERR module key failed to copy\r\n", "COPY", "k", "c", "REPLACE")
	r.want("+[1 2]\r\n", "nget", "c")
	r.want("+OK\r\n", "RENAME", "k", "r")
	r.want(":1\r\n", "MOVE", "r", "1")
	r.want("+OK\r\n", "SWAPDB", "0", "1")
	r.want("+[1]\r\n", "nget", "r")
	// The replica has no module: it copies the bytes, and TYPE gives the name in them.
	if got := r.replica.do("TYPE", "r"); got != "+"+numbersName+"\r\n" {
		t.Errorf("TYPE of the replica: %q", got)
	}
	if got := r.replica.do("COPY", "r", "x"); got != ":1\r\n" {
		t.Errorf("COPY of the replica: %q", got)
	}
}

// TestDumpAndRestore carries a value through DUMP and RESTORE, to this server and to one that gets the module later.
//
// Rules: TYP-7.
func TestDumpAndRestore(t *testing.T) {
	nt := newNumbers()
	r := newTypeRig(t, nt)
	r.want("+OK\r\n", "nadd", "k", "-5")
	r.want("+OK\r\n", "nadd", "k", "7000000000")
	dump := r.do("DUMP", "k")
	payload := dump[strings.Index(dump, "\r\n")+2 : len(dump)-2]
	r.want("-BUSYKEY Target key name already exists.\r\n", "RESTORE", "k", "0", payload)
	r.want("+OK\r\n", "RESTORE", "c", "0", payload)
	r.want("+[-5 7000000000]\r\n", "nget", "c")
	r.want("+OK\r\n", "RESTORE", "c", "5000", payload, "REPLACE")
	r.want(":5000\r\n", "PTTL", "c")

	late := bareRig(t)
	if got := late.do("RESTORE", "k", "0", payload); got != "+OK\r\n" {
		t.Fatal(got)
	}
	if got := late.do("DUMP", "k"); got != dump {
		t.Errorf("dumped %q, want %q", got, dump)
	}
	if late.ctx.Store.OpaqueValues() != 1 {
		t.Error("the value is not opaque")
	}
	nt2 := newNumbers()
	late.mustLoad(nt2.onLoad(plugin.APIVer2))
	if got := late.do("nget", "k"); got != "+[-5 7000000000]\r\n" || late.ctx.Store.OpaqueValues() != 0 {
		t.Errorf("%q, %d opaque values", got, late.ctx.Store.OpaqueValues())
	}
	old := bareRig(t)
	old.do("RESTORE", "k", "0", payload)
	nt3 := newNumbers()
	nt3.m.Load = func(*plugin.IO, int) (*numbers, error) { return nil, errors.New("too old") }
	old.mustLoad(nt3.onLoad(plugin.APIVer2))
	if got := old.do("nget", "k"); got != "-ERR value cannot be loaded by the module of its type\r\n" || !old.logged("too old") {
		t.Errorf("%q", got)
	}
	if got := old.do("DUMP", "k"); got != dump {
		t.Error("a value that could not be loaded has changed")
	}
	if got := old.do("RESTORE", "l", "0", payload); got != "-ERR Bad data format\r\n" {
		t.Errorf("restored: %q", got)
	}
	if got := old.do("DEL", "k"); got != ":1\r\n" {
		t.Error(got)
	}
}

// TestOpaqueValueWhoseTimeHasCome becomes live for a handle that reads dead keys, and stays for one that hides them.
func TestOpaqueValueWhoseTimeHasCome(t *testing.T) {
	nt := newNumbers()
	open := func(mode plugin.OpenMode) plugin.Handler {
		return func(ctx plugin.Ctx, args []plugin.String) error {
			k, err := ctx.OpenKey(args[1], plugin.Read|mode)
			must(t, err)
			v, err := nt.t.Get(k)
			must(t, err)
			if v == nil {
				return ctx.ReplyStatus("none")
			}
			return ctx.ReplyStatus(fmt.Sprint(v.n))
		}
	}
	nt.special["dead"], nt.special["hidden"] = open(plugin.AccessExpired), open(plugin.NoExpireDel)
	r := bareRig(t)
	r.mustLoad(nt.onLoad(plugin.APIVer2))
	r.do("nadd", "k", "5")
	value := rdbValue(t, r, "k")
	r.do("DEL", "k")
	d := r.ctx.Store.DB(0)
	if !d.LoadOpaque([]byte("k"), keyspace.NativeID(numbersName, 3), value, keyspace.Meta{ExpireMs: rigNowMs - 1}) {
		t.Fatal("not loaded")
	}
	r.want("+none\r\n", "hidden", "k")
	if r.ctx.Store.OpaqueValues() != 1 || d.Len() != 1 {
		t.Error("a handle that hides dead keys has touched one")
	}
	r.want("+[5]\r\n", "dead", "k")
	if r.ctx.Store.OpaqueValues() != 0 || d.Len() != 1 {
		t.Errorf("%d opaque values, %d keys", r.ctx.Store.OpaqueValues(), d.Len())
	}
	r.want("+none\r\n", "nget", "k")
	if d.Len() != 0 {
		t.Error("a dead key is still there")
	}
}

// rdbValue returns what a key's value is saved as, without its id.
func rdbValue(t *testing.T, r *rig, key string) []byte {
	t.Helper()
	b, err := rdb.AppendValue(nil, r.ctx.Store.DB(0).Peek([]byte(key)), false)
	must(t, err)
	return b[1+9:]
}

// TestFreeing: Unlink comes before Free; values of much work are freed beside the server, and so is everything after a flush,
// of which Unlink is not told.
//
// Rules: TYP-5.
func TestFreeing(t *testing.T) {
	nt := newNumbers()
	nt.m.Unlink = func(o plugin.OptCtx, v *numbers) { nt.note("unlink %d %s %v", o.DB, o.Key, v.n) }
	nt.m.FreeEffort = func(_ plugin.OptCtx, v *numbers) int { return int(v.n[0]) }
	nt.m.Free = func(v *numbers) { nt.note("free %v", v.n) }
	r := newTypeRig(t, nt)
	lazy := int64(0)
	for _, c := range []struct {
		effort, lazy int64
		do           []string
	}{
		{1, 0, []string{"DEL", "k"}}, {64, 0, []string{"UNLINK", "k"}}, {65, 1, []string{"DEL", "k"}}, {0, 1, []string{"SET", "k", "v"}},
		{1, 0, []string{"RENAME", "o", "k"}}, {65, 1, []string{"PEXPIREAT", "k", "1"}},
	} {
		r.do("DEL", "k")
		r.do("SET", "o", "v")
		r.want("+OK\r\n", "nadd", "k", fmt.Sprint(c.effort))
		r.do(c.do...)
		r.do("EXISTS", "k")
		r.h.Close()
		want := fmt.Sprintf("unlink 0 k [%d] | free [%d]", c.effort, c.effort)
		if got := nt.took(); got != want {
			t.Errorf("%v: %s, want %s", c.do, got, want)
		}
		lazy += c.lazy
		if waiting, freed := r.h.LazyFree(); waiting != 0 || freed != lazy {
			t.Errorf("%v: %d wait, %d freed beside the server, want %d", c.do, waiting, freed, lazy)
		}
	}
	r.want("+OK\r\n", "nadd", "k", "1")
	r.want("+OK\r\n", "FLUSHALL")
	for r.ctx.Store.FreeSome(100) {
	}
	r.h.Close()
	if got := nt.took(); got != "free [1]" {
		t.Errorf("FLUSHALL: %s", got)
	}
	if _, freed := r.h.LazyFree(); freed != lazy+1 {
		t.Errorf("%d freed beside the server", freed)
	}
}

// TestFreeThatDoesNotReturn: a Free that ends its goroutine, panics or hangs keeps nobody from going on.
func TestFreeThatDoesNotReturn(t *testing.T) {
	nt := newNumbers()
	hang, freed := make(chan struct{}), make(chan int64, 10)
	nt.m.FreeEffort = func(plugin.OptCtx, *numbers) int { return 0 }
	nt.m.Free = func(v *numbers) {
		switch freed <- v.n[0]; v.n[0] {
		case 1:
			runtime.Goexit()
		case 2:
			panic("in Free")
		case 3:
			<-hang
		}
	}
	r := newTypeRig(t, nt)
	r.h.o.UnloadTimeout = 20 * time.Millisecond
	for i := range 5 {
		r.want("+OK\r\n", "nadd", "k", fmt.Sprint(i))
		r.want(":1\r\n", "DEL", "k")
	}
	r.h.Close()
	if !r.logged("Values of modules are still being freed, 1 more wait") {
		t.Error("Close did not tell what it left behind")
	}
	close(hang)
	r.h.o.UnloadTimeout = time.Minute
	r.h.Close()
	for i := range int64(5) {
		if got := <-freed; got != i {
			t.Errorf("freed %d, want %d", got, i)
		}
	}
	if _, n := r.h.LazyFree(); n != 5 {
		t.Errorf("%d freed", n)
	}
}

// TestMethodsThatPanic: whatever method of a type panics, the server goes on, and what was being done fails.
func TestMethodsThatPanic(t *testing.T) {
	nt := newNumbers()
	bad := ""
	check := func(method string) {
		if bad == method {
			panic("in " + method)
		}
	}
	load, save := nt.m.Load, nt.m.Save
	nt.m.Load = func(io *plugin.IO, encver int) (*numbers, error) { check("Load"); return load(io, encver) }
	nt.m.Save = func(io *plugin.IO, v *numbers) { check("Save"); save(io, v) }
	nt.m.Copy = func(_ plugin.OptCtx, v *numbers) (*numbers, error) { check("Copy"); return &numbers{v.n}, nil }
	nt.m.Free = func(*numbers) { check("Free") }
	nt.m.FreeEffort = func(plugin.OptCtx, *numbers) int { check("FreeEffort"); return 1 }
	nt.m.Unlink = func(plugin.OptCtx, *numbers) { check("Unlink") }
	nt.m.AllocSize = func(*numbers) int64 { check("AllocSize"); return 8 }
	nt.m.MemUsage = func(plugin.OptCtx, *numbers) int64 { check("MemUsage"); return 9 }
	nt.m.Digest = func(d *plugin.Digest, v *numbers) { check("Digest"); d.AddInt(v.n[0]); d.EndSequence() }
	r := bareRig(t)
	r.mustLoad(nt.onLoad(plugin.APIVer2))
	r.want("+OK\r\n", "nadd", "k", "1")
	payload := r.do("DUMP", "k")
	payload = payload[strings.Index(payload, "\r\n")+2 : len(payload)-2]
	panics := int64(0)
	for _, c := range []struct {
		method, reply string
		do            []string
	}{
		{"Load", "-ERR Bad data format\r\n", []string{"RESTORE", "l", "0", payload}},
		{"Save", "-ERR module failed to save a value of type numbers-1: module panicked: in Save\r\n", []string{"DUMP", "k"}},
		{"Copy", "-ERR module key failed to copy\r\n", []string{"COPY", "k", "c"}},
		{"AllocSize", "+OK\r\n", []string{"nadd", "k", "2"}},
		{"Free", ":1\r\n", []string{"DEL", "k"}},
		{"FreeEffort", ":1\r\n", []string{"DEL", "k"}},
		{"Unlink", ":1\r\n", []string{"DEL", "k"}},
	} {
		bad = ""
		r.do("nadd", "k", "1")
		bad = c.method
		if got := r.do(c.do...); got != c.reply {
			t.Errorf("%s: %q, want %q", c.method, got, c.reply)
		}
		if now := r.h.Infos()[0].Panics; now <= panics || !r.logged("in "+c.method) {
			t.Errorf("%s: %d panics", c.method, now)
		} else {
			panics = now
		}
	}
	bad = ""
	r.do("nadd", "k", "1")
	bad = "MemUsage"
	if n, ok := r.ctx.Store.DB(0).UsageOf([]byte("k"), 1); !ok || n == 0 {
		t.Errorf("usage %d, %v", n, ok)
	}
	bad = "Digest"
	r.ctx.Store.Digest()
	if now := r.h.Infos()[0].Panics; now != panics+2 {
		t.Errorf("%d panics", now)
	}
}

// TestIO reads what was written, and makes errors of everything else.
//
// Rules: RDB-1, RDB-2, RDB-3, RDB-5.
func TestIO(t *testing.T) {
	nt := newNumbers()
	var kept *plugin.IO
	damaged := false
	nt.m.Save = func(io *plugin.IO, v *numbers) {
		key, db := io.Key()
		nt.note("save %q in %d", key, db)
		io.SaveUint(1<<64 - 1)
		io.SaveInt(-2)
		io.SaveFloat(-0.5)
		io.SaveFloat32(2.5)
		io.SaveBytes([]byte("a\x00b"))
		io.SaveString(str(""))
		io.SaveInt(v.n[0])
		kept = io
	}
	nt.m.Load = func(io *plugin.IO, encver int) (*numbers, error) {
		if u, i, f, f32, b, s := io.LoadUint(), io.LoadInt(), io.LoadFloat(), io.LoadFloat32(), io.LoadBytes(), io.LoadString(); io.Err() == nil {
			if !damaged && (u != 1<<64-1 || i != -2 || f != -0.5 || f32 != 2.5 || string(b) != "a\x00b" || s.Len() != 0 || s.IsZero()) {
				t.Errorf("loaded %d %d %v %v %q %q", u, i, f, f32, b, s)
			}
		} else if s.Len() != 0 || io.LoadInt() != 0 || io.LoadFloat() != 0 || io.LoadBytes() != nil {
			t.Error("after an error something was read")
		}
		if encver == 77 {
			return nil, nil
		}
		return &numbers{[]int64{io.LoadInt()}}, nil // it does not look at the error
	}
	nt.special["io"] = func(ctx plugin.Ctx, _ []plugin.String) error {
		b, err := ctx.EncodeValue(nt.t.Type(), &numbers{[]int64{42}})
		must(t, err)
		if got := nt.took(); got != `save "" in -1` {
			t.Error(got)
		}
		kept.SaveInt(1)
		wantErr(t, "an IO that was kept", kept.Err(), plugin.ErrStale)
		v, err := ctx.DecodeValue(nt.t.Type(), b, 3)
		if must(t, err); v.(*numbers).n[0] != 42 {
			t.Errorf("decoded %v", v)
		}
		for n := range len(b) {
			if v, err := ctx.DecodeValue(nt.t.Type(), b[:n], 3); err == nil || v != nil {
				t.Fatalf("%d bytes of %d: %v, %v", n, len(b), v, err)
			}
		}
		damaged = true
		for i := range b {
			_, _ = ctx.DecodeValue(nt.t.Type(), append(append(bytes.Clone(b[:i]), b[i]^0x41), b[i+1:]...), 3) // no panic
		}
		if v, err := ctx.DecodeValue(nt.t.Type(), b, 77); err == nil || v != nil {
			t.Errorf("no value: %v, %v", v, err)
		}
		_, err = ctx.EncodeValue(nt.t.Type(), nil)
		wantErr(t, "nil", err, plugin.ErrInvalid)
		_, err = ctx.EncodeValue(nil, 1)
		wantErr(t, "no type", err, plugin.ErrInvalid)
		_, err = ctx.DecodeValue(&plugin.Type{}, b, 1)
		wantErr(t, "unknown type", err, plugin.ErrInvalid)
		return ctx.ReplyInt(1)
	}
	r := newTypeRig(t, nt)
	r.want(":1\r\n", "io")
	if text := "Error loading data from RDB (short read or EOF). Read performed by module 'numbers' about type 'numbers-1' after " +
		"reading '0' bytes of a value for key named: ''."; !r.logged(text) {
		t.Errorf("the log does not have %q", text)
	}
}

// TestIOMisuse: a method that uses its IO for something else fails.
func TestIOMisuse(t *testing.T) {
	for name, spoil := range map[string]func(m *plugin.MethodsOf[numbers]){
		"load in Save": func(m *plugin.MethodsOf[numbers]) { m.Save = func(io *plugin.IO, _ *numbers) { io.LoadUint() } },
		"emit in Save": func(m *plugin.MethodsOf[numbers]) {
			m.Save = func(io *plugin.IO, _ *numbers) { io.EmitAOF("PING", "") }
		},
		"float in Load": func(m *plugin.MethodsOf[numbers]) {
			m.Load = func(io *plugin.IO, _ int) (*numbers, error) { io.LoadFloat(); return &numbers{}, nil }
		},
		"save in Load": func(m *plugin.MethodsOf[numbers]) {
			m.Load = func(io *plugin.IO, _ int) (*numbers, error) { io.SaveUint(1); return &numbers{}, nil }
		},
		"too little": func(m *plugin.MethodsOf[numbers]) {
			m.Load = func(io *plugin.IO, _ int) (*numbers, error) { return &numbers{}, nil }
		},
	} {
		nt := newNumbers()
		freed := 0
		nt.m.Free = func(*numbers) { freed++ }
		spoil(&nt.m)
		r := bareRig(t)
		r.mustLoad(nt.onLoad(plugin.APIVer2))
		r.do("nadd", "k", "1")
		dump := r.do("DUMP", "k")
		if strings.Contains(name, "Save") {
			if dump[0] != '-' {
				t.Errorf("%s: %q", name, dump)
			}
			continue
		}
		if got := r.do("RESTORE", "l", "0", dump[strings.Index(dump, "\r\n")+2:len(dump)-2]); got != "-ERR Bad data format\r\n" || freed != 1 {
			t.Errorf("%s: %q, %d values freed", name, got, freed)
		}
	}
}

// TestRewrite gives the commands of the type, or RESTORE, and fails for what an append-only file could not load.
//
// Rules: RDB-4.
func TestRewrite(t *testing.T) {
	nt := newNumbers()
	command, format, args := "nadd", "sl", []any(nil)
	rewrite := func(io *plugin.IO, key plugin.String, v *numbers) {
		a := args
		if a == nil {
			a = []any{key, v.n[0]}
		}
		io.EmitAOF(command, format, a...)
	}
	r := bareRig(t)
	plain := newNumbers()
	r.mustLoad(plain.onLoad(2))
	r.do("nadd", "k", "5")
	emitted := func(r *rig) (lines []string, err error) {
		err = r.h.Rewrite(r.ctx.Store.DB(0).Peek([]byte("k")), func(args [][]byte) {
			lines = append(lines, string(bytes.Join(args[:3], []byte(" "))))
		})
		return lines, err
	}
	if lines, err := emitted(r); err != nil || !slices.Equal(lines, []string{"RESTORE k 0"}) {
		t.Errorf("without Rewrite: %q, %v", lines, err)
	}
	nt.m.Rewrite = rewrite
	r = bareRig(t)
	r.mustLoad(nt.onLoad(2))
	r.do("nadd", "k", "5")
	if lines, err := emitted(r); err != nil || !slices.Equal(lines, []string{"nadd k 5"}) {
		t.Errorf("with Rewrite: %q, %v", lines, err)
	}
	for _, c := range []struct {
		command, format string
		args            []any
		log             string
	}{
		{"nope", "sl", nil, "Fatal: AOF method for module data type 'numbers-1' tried to emit unknown command 'nope'"},
		{"GET", "sl", nil, "tried to emit unknown command 'GET'"},
		{"nadd", "sx", nil, "Fatal: AOF method for module data type 'numbers-1' tried to call RedisModule_EmitAOF() with wrong format specifiers 'sx'"},
		{"nadd", "sl!", nil, "wrong format specifiers 'sl!'"},
		{"nadd", "sl", []any{1, 2}, "wrong format specifiers 'sl'"},
	} {
		command, format, args = c.command, c.format, c.args
		if lines, err := emitted(r); !errors.Is(err, rdb.ErrModule) || len(lines) != 0 || !r.logged(c.log) {
			t.Errorf("%s %s: %q, %v; the log has to have %q", c.command, c.format, lines, err, c.log)
		}
	}
}

// TestTypeDigest is that of Redis for the same calls, and without a Digest method that of the bytes of Save.
//
// Rules: DIG-1.
func TestTypeDigest(t *testing.T) {
	nt := newNumbers()
	nt.m.Digest = func(d *plugin.Digest, v *numbers) {
		nt.note("%s in %d", d.Key, d.DB)
		for _, n := range v.n {
			d.AddInt(n)
			d.EndSequence()
		}
	}
	r := bareRig(t)
	r.mustLoad(nt.onLoad(2))
	for _, c := range [][]string{{"nadd", "a", "1"}, {"nadd", "a", "2"}, {"nadd", "b", "2"}, {"nadd", "b", "1"}} {
		r.do(c...)
	}
	d := r.ctx.Store.DB(0)
	if d.Peek([]byte("a")).Digest() != d.Peek([]byte("b")).Digest() {
		t.Error("the order of sequences counts")
	}
	if got := nt.took(); got != "a in 0 | b in 0" {
		t.Error(got)
	}
	again := bareRig(t)
	same := newNumbers()
	same.m.Digest = nt.m.Digest
	again.mustLoad(same.onLoad(2))
	must(t, again.loadFile(r.file()))
	if again.ctx.Store.Digest() != r.ctx.Store.Digest() {
		t.Error("the digest has changed with save and load")
	}
}

// TestNativeWritesAllocateNothing: the hot path of a command that changes a value in place and replicates verbatim.
func TestNativeWritesAllocateNothing(t *testing.T) {
	nt := newNumbers()
	nt.m.AllocSize = func(v *numbers) int64 { return int64(8 * cap(v.n)) }
	nt.special["bump"] = func(ctx plugin.Ctx, args []plugin.String) error {
		k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
		if err != nil {
			return err
		}
		v, err := nt.t.Get(k)
		if err != nil {
			return err
		}
		v.n[0]++
		if err := k.Changed(); err != nil {
			return err
		}
		if err := ctx.ReplicateVerbatim(); err != nil {
			return err
		}
		return ctx.ReplyInt(v.n[0])
	}
	r := newTypeRig(t, nt)
	r.replica = nil
	r.do("nadd", "k", "1")
	argv := [][]byte{[]byte("bump"), []byte("k")}
	cmd := r.table.Resolve(argv)
	if n := testing.AllocsPerRun(100, func() {
		r.begin()
		r.Call(&r.client, cmd, argv)
		r.ctx.W.Buf = r.ctx.W.Buf[:0]
		r.finish()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

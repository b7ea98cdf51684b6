package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"datastore/plugin"
	"datastore/server/command"
)

func nothing(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyInt(1) }

// TestCommandNames: what makes CreateCommand fail, and the case of names.
//
// Rules: CMD-1, INIT-7.
func TestCommandNames(t *testing.T) {
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("m", 1, plugin.APIVer2))
		for _, c := range " \r\n|@=," {
			wantErr(t, fmt.Sprintf("name with %q", c), ctx.CreateCommand("a"+string(c)+"b", nothing), plugin.ErrInvalid)
		}
		wantErr(t, "flags", ctx.CreateCommand("m.x", nothing, plugin.Flags("write nonsense", 0, 0, 0)), plugin.ErrInvalid)
		wantErr(t, "the name of a built-in command", ctx.CreateCommand("gEt", nothing), plugin.ErrBusyName)
		must(t, ctx.CreateCommand("M.Mixed", func(ctx plugin.Ctx, _ []plugin.String) error {
			wantErr(t, "outside OnLoad", ctx.CreateCommand("m.late", nothing), plugin.ErrNotInOnLoad)
			return ctx.ReplyText(ctx.Command())
		}))
		wantErr(t, "a name of its own", ctx.CreateCommand("m.miXed", nothing), plugin.ErrBusyName)
		return nil
	})
	r.want("$7\r\nm.mixed\r\n", "m.MIXED")
	err := r.h.LoadLinked(&Image{OnLoad: func(ctx plugin.Ctx, _ []plugin.String) error {
		return errors.Join(ctx.Init("other", 1, plugin.APIVer2), ctx.CreateCommand("m.MIXED", nothing))
	}}, nil)
	wantErr(t, "a command of another module", err, plugin.ErrBusyName)
	r.want("$7\r\nm.mixed\r\n", "m.mixed")
}

// TestCommandFlags: each word becomes what the server's checks read.
//
// Rules: CMD-2.
func TestCommandFlags(t *testing.T) {
	r := bareRig(t)
	words := map[string]command.Flags{
		"write": command.Write, "readonly": command.ReadOnly, "admin": command.Admin, "deny-oom": command.DenyOOM,
		"deny-script": command.NoScript, "allow-loading": command.Loading, "pubsub": command.PubSub, "random": 0,
		"blocking": command.Blocking, "allow-stale": command.Stale, "no-monitor": command.SkipMonitor,
		"no-slowlog": command.SkipSlowlog, "fast": command.Fast, "no-auth": command.NoAuth, "may-replicate": command.MayReplicate,
		"getkeys-api": command.MovableKeys, "no-cluster": 0, "no-mandatory-keys": command.NoMandatoryKeys,
		"allow-busy": command.AllowBusy,
	}
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("m", 1, plugin.APIVer2))
		all := ""
		for word := range words {
			must(t, ctx.CreateCommand("m."+word, nothing, plugin.CommandSpec{Flags: strings.ToUpper(word)}))
			all += " " + word + " "
		}
		return ctx.CreateCommand("m.all", nothing, plugin.CommandSpec{Flags: all})
	})
	sum := command.Module
	for word, flag := range words {
		if c := r.table.Find([]byte("m." + word)); c.Flags != command.Module|flag {
			t.Errorf("%s: flags %b", word, c.Flags)
		}
		sum |= flag
	}
	if c := r.table.Find([]byte("m.all")); c.Flags != sum {
		t.Errorf("all: flags %b, want %b", c.Flags, sum)
	}
}

// TestArity: the default is any number of arguments, and for a container a subcommand; another one is checked before the handler
// is entered.
//
// Rules: CMD-3.
func TestArity(t *testing.T) {
	entered := 0
	count := func(ctx plugin.Ctx, args []plugin.String) error { entered++; return ctx.ReplyInt(int64(len(args))) }
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		return errors.Join(ctx.Init("m", 1, plugin.APIVer2), ctx.CreateCommand("m.any", count),
			ctx.CreateCommand("m.two", count, plugin.CommandSpec{Arity: 2}),
			ctx.CreateCommand("m.box", nil, plugin.CommandSpec{Container: true}),
			ctx.CreateCommand("sub", count, plugin.CommandSpec{Parent: "m.box", Arity: -3}),
			ctx.CreateCommand("m.call", func(ctx plugin.Ctx, args []plugin.String) error {
				reply, err := ctx.Call(args[1].String(), "Ev", args[2:])
				must(t, err)
				return ctx.ReplyReply(reply)
			}))
	})
	for name, want := range map[string]int{"m.any": -1, "m.two": 2, "m.box": -2} {
		if got := r.table.Find([]byte(name)).Arity; got != want {
			t.Errorf("%s: arity %d", name, got)
		}
	}
	r.want(":1\r\n", "m.any")
	r.want(":3\r\n", "m.call", "m.box", "sub", "x")
	r.want("-ERR wrong number of arguments for 'm.two' command\r\n", "m.call", "m.two")
	r.want("-ERR wrong number of arguments for 'm.box' command\r\n", "m.call", "m.box")
	r.want("-ERR wrong number of arguments for 'm.box|sub' command\r\n", "m.call", "m.box", "SUB")
	r.want("-ERR unknown subcommand 'nope'. Try M.BOX HELP.\r\n", "m.call", "m.box", "nope")
	if entered != 2 {
		t.Errorf("handlers were entered %d times", entered)
	}
}

// TestSubcommands: what makes their registration fail, and their full names.
//
// Rules: CMD-4.
func TestSubcommands(t *testing.T) {
	sub := func(parent string) plugin.CommandSpec { return plugin.CommandSpec{Parent: parent} }
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("m", 1, plugin.APIVer2))
		must(t, ctx.CreateCommand("m.box", nil, plugin.CommandSpec{Container: true, Summary: "A box."}))
		must(t, ctx.CreateCommand("m.plain", nothing))
		must(t, ctx.CreateCommand("get", func(ctx plugin.Ctx, _ []plugin.String) error {
			wantErr(t, "outside OnLoad", ctx.CreateCommand("late", nothing, sub("m.box")), plugin.ErrNotInOnLoad)
			return ctx.ReplyText(ctx.Command())
		}, sub("M.BOX")))
		wantErr(t, "a parent with a handler", ctx.CreateCommand("x", nothing, sub("m.plain")), plugin.ErrInvalid)
		wantErr(t, "a subcommand as parent", ctx.CreateCommand("x", nothing, sub("m.box|get")), plugin.ErrInvalid)
		wantErr(t, "no such parent", ctx.CreateCommand("x", nothing, sub("config")), plugin.ErrCommandNotFound)
		wantErr(t, "a name taken", ctx.CreateCommand("GET", nothing, sub("m.box")), plugin.ErrBusyName)
		wantErr(t, "flags", ctx.CreateCommand("x", nothing, plugin.CommandSpec{Parent: "m.box", Flags: "x"}), plugin.ErrInvalid)
		wantErr(t, "a container without", ctx.CreateCommand("m.c", nothing, plugin.CommandSpec{Container: true}), plugin.ErrInvalid)
		wantErr(t, "a command without", ctx.CreateCommand("m.c", nil), plugin.ErrInvalid)
		return nil
	})
	r.want("$9\r\nm.box|get\r\n", "m.box", "Get")
	c := r.table.Find([]byte("m.box"))
	if len(c.Subs) != 1 || c.Handler != nil || c.Subs[0].ModuleName != "m" || c.Sub([]byte("GET")).FullName() != "m.box|get" {
		t.Errorf("%+v", c)
	}
	if i := r.h.Infos()[0]; i.Calls != 1 {
		t.Errorf("%d calls", i.Calls)
	}
	must(t, r.h.Unload("m"))
	if r.table.Find([]byte("m.box")) != nil {
		t.Error("the container outlives its module")
	}
}

// TestHandlerErrors: what a handler returns reaches the client unless something was written before.
//
// Rules: CMD-6.
func TestHandlerErrors(t *testing.T) {
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"error": func(plugin.Ctx, []plugin.String) error { return errors.New("no such thing") },
		"code": func(plugin.Ctx, []plugin.String) error {
			return fmt.Errorf("wrapped: %w", plugin.ReplyError("CODE text"))
		},
		"late": func(ctx plugin.Ctx, _ []plugin.String) error { must(t, ctx.ReplyInt(1)); return errors.New("too late") },
		"map":  func(ctx plugin.Ctx, _ []plugin.String) error { must(t, ctx.ReplyMap(1)); return errors.New("too late") },
	})
	r.want("-ERR no such thing\r\n", "error")
	r.want("-CODE text\r\n", "code")
	if i := r.h.Infos()[0]; i.Misuses != 0 {
		t.Errorf("%d misuses", i.Misuses)
	}
	r.want(":1\r\n", "late")
	r.want("*2\r\n$-1\r\n$-1\r\n", "map")
	if i := r.h.Infos()[0]; i.Misuses < 2 || countOf(r.log, "returned an error after its reply: too late") != 2 {
		t.Errorf("%d misuses, log %q", i.Misuses, r.log)
	}
}

// TestKeySpecs: the first and last key and the step that old clients read are computed from the specifications, and movablekeys
// tells that there is more.
//
// Rules: CMD-5.
func TestKeySpecs(t *testing.T) {
	ro, rw := plugin.KeyRO|plugin.KeyAccess, plugin.KeyRW|plugin.KeyUpdate
	at := func(index, last int) plugin.KeySpec { return plugin.KeySpec{Flags: ro, Index: index, LastKey: last} }
	behind := func(word string, from int) plugin.KeySpec {
		return plugin.KeySpec{Flags: rw, Keyword: word, StartFrom: from}
	}
	for name, tt := range map[string]struct {
		keys              []plugin.KeySpec
		first, last, step int
		movable           bool
		args, found       string
	}{
		"none":       {},
		"one":        {keys: []plugin.KeySpec{{Flags: ro, Index: 1, LastKey: -1, Step: 3}}, first: 1, last: -1, step: 3, args: "a b c d", found: "a d"},
		"two":        {keys: []plugin.KeySpec{at(1, 0), at(2, 0)}, first: 1, last: 2, step: 1, args: "a b c", found: "a b"},
		"ranges":     {keys: []plugin.KeySpec{at(1, 1), at(3, -2)}, first: 1, last: -2, step: 1, args: "a b c d e", found: "a b c d"},
		"gap":        {keys: []plugin.KeySpec{at(1, 0), at(3, 0)}, first: 1, last: 1, step: 1, movable: true, args: "a b c", found: "a c"},
		"keyword":    {keys: []plugin.KeySpec{{Flags: ro, Keyword: "KEYS", StartFrom: 1, LastKey: -1}}, movable: true, args: "x keys a b", found: "a b"},
		"backwards":  {keys: []plugin.KeySpec{behind("STORE", -2)}, movable: true, args: "store x store a", found: "a"},
		"counted":    {keys: []plugin.KeySpec{{Flags: ro, Index: 1, KeyNum: true, FirstKey: 1, Step: 2}}, movable: true, args: "2 a x b y", found: "a b"},
		"half":       {keys: []plugin.KeySpec{{Flags: ro, Index: 2, LastKey: -1, Limit: 2}}, first: 2, last: -1, step: 1, args: "x a b 0 0", found: "a b"},
		"incomplete": {keys: []plugin.KeySpec{{Flags: ro | plugin.KeyIncomplete, Index: 1}}, first: 1, last: 1, step: 1, movable: true, args: "a", found: "a"},
		"all":        {keys: []plugin.KeySpec{behind("STORE", 4), at(1, 0), at(2, 0), {Flags: ro, Index: 3, KeyNum: true, FirstKey: 1}}, first: 1, last: 2, step: 1, movable: true, args: "a b 1 c store d", found: "d a b c"},
	} {
		r := bareRig(t)
		r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
			return errors.Join(ctx.Init("m", 1, plugin.APIVer2), ctx.CreateCommand("m.k", nothing, plugin.CommandSpec{Keys: tt.keys}))
		})
		c := r.table.Find([]byte("m.k"))
		if first, last, step := c.KeyRange(); first != tt.first || last != tt.last || step != tt.step || c.Is(command.MovableKeys) != tt.movable {
			t.Errorf("%s: %d, %d, %d, movable %v", name, first, last, step, c.Is(command.MovableKeys))
		}
		argv := [][]byte{[]byte("m.k")}
		for _, word := range strings.Fields(tt.args) {
			argv = append(argv, []byte(word))
		}
		keys, ok := c.KeysAt(argv, nil)
		var found []string
		for _, k := range keys {
			found = append(found, string(argv[k.Pos]))
		}
		if strings.Join(found, " ") != tt.found || !ok {
			t.Errorf("%s: keys %q, %v", name, found, ok)
		}
	}
}

// TestSpecs: the parts of a specification that make no sense, and what becomes of the rest.
//
// Rules: CMD-5.
func TestSpecs(t *testing.T) {
	one := []plugin.KeySpec{{Flags: plugin.KeyRO | plugin.KeyAccess, Index: 1}}
	bad := map[string]plugin.CommandSpec{
		"both ways":       {Keys: one, FirstKey: 1, LastKey: 1, KeyStep: 1},
		"category":        {ACL: "read nonsense"},
		"no use":          {Keys: []plugin.KeySpec{{Index: 1}}},
		"two uses":        {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO | plugin.KeyRM, Index: 1}}},
		"unknown flag":    {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO | 1<<20, Index: 1}}},
		"nowhere":         {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO}}},
		"at two places":   {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO, Index: 1, Keyword: "KEYS", StartFrom: 1}}},
		"no start":        {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO, Keyword: "KEYS"}}},
		"range and count": {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO, Index: 1, LastKey: -1, KeyNum: true, FirstKey: 1}}},
		"count is a key":  {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO, Index: 1, KeyNum: true}}},
		"limit":           {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO, Index: 1, LastKey: 2, Limit: 2}}},
		"step":            {Keys: []plugin.KeySpec{{Flags: plugin.KeyRO, Index: 1, Step: -1}}},
		"argument type":   {Args: []plugin.ArgSpec{{Name: "a", Type: "nonsense"}}},
		"no name":         {Args: []plugin.ArgSpec{{Type: "string"}}},
		"no such key":     {Args: []plugin.ArgSpec{{Name: "a", Type: "key"}}},
		"empty block":     {Args: []plugin.ArgSpec{{Name: "a", Type: "block"}}},
		"parts of a word": {Args: []plugin.ArgSpec{{Name: "a", Sub: []plugin.ArgSpec{{Name: "b"}}}}},
		"bad part":        {Args: []plugin.ArgSpec{{Name: "a", Type: "oneof", Sub: []plugin.ArgSpec{{}}}}},
		"token":           {Args: []plugin.ArgSpec{{Name: "a", Type: "pure-token"}}},
	}
	r := bareRig(t)
	r.mustLoad(func(ctx plugin.Ctx, _ []plugin.String) error {
		must(t, ctx.Init("m", 1, plugin.APIVer2))
		for what, spec := range bad {
			wantErr(t, what, ctx.CreateCommand("m.bad", nothing, spec), plugin.ErrInvalid)
		}
		wantErr(t, "a container with keys", ctx.CreateCommand("m.bad", nil, plugin.CommandSpec{Container: true, Keys: one}), plugin.ErrInvalid)
		return ctx.CreateCommand("m.good", nothing, plugin.CommandSpec{
			Flags: "readonly", ACL: "String DANGEROUS", Tips: "nondeterministic_output request_policy:all_shards",
			History: []plugin.HistoryEntry{{Since: "1.1", Changes: "Better."}}, Keys: one,
			Args: []plugin.ArgSpec{{Name: "key", Type: "key", Summary: "The key."}, {
				Name: "how", Type: "oneof", Optional: true, Multiple: true,
				Sub: []plugin.ArgSpec{{Name: "fast", Type: "pure-token", Token: "FAST"}, {Name: "n", Type: "integer", Token: "SLOW", MultipleToken: true}},
			}},
		})
	})
	c := r.table.Find([]byte("m.good"))
	if strings.Join(c.Categories(), " ") != "read string slow dangerous" || len(c.Tips) != 2 || len(c.History) != 1 ||
		c.History[0] != (command.Change{Since: "1.1", What: "Better."}) || len(c.Args) != 2 || c.Args[0].Summary != "The key." ||
		c.Args[1].Kind != command.ArgOneOf || !c.Args[1].Optional || len(c.Args[1].Args) != 2 || c.Args[1].Args[1].Token != "SLOW" {
		t.Errorf("%+v", c)
	}
}

package server

import (
	"datastore/server/command"
	"datastore/server/glob"
	"datastore/server/resp"
)

var (
	errInvalidCommand = command.Errorf("ERR Invalid command specified")
	errInvalidArity   = command.Errorf("ERR Invalid number of arguments specified for command")
	errInvalidArgs    = command.Errorf("ERR Invalid arguments specified for command")
	errNoKeys         = command.Errorf("ERR The command has no key arguments")
)

func (s *Server) commandAll(c *command.Ctx) error {
	all := s.table.Load().All()
	c.W.Array(len(all))
	for _, cmd := range all {
		writeCommandInfo(&c.W, cmd)
	}
	return nil
}

func (s *Server) commandCount(c *command.Ctx) error {
	c.W.Int(int64(len(s.table.Load().All())))
	return nil
}

// named returns the command of a name, also "container|sub"; nil for none.
func (s *Server) named(name []byte) *command.Command {
	table := s.table.Load()
	for i, b := range name {
		if b == '|' {
			container := table.Find(name[:i])
			if container == nil {
				return nil
			}
			return container.Sub(name[i+1:])
		}
	}
	return table.Find(name)
}

func (s *Server) commandInfo(c *command.Ctx) error {
	if len(c.Args) == 2 {
		return s.commandAll(c)
	}
	c.W.Array(len(c.Args) - 2)
	for _, name := range c.Args[2:] {
		if cmd := s.named(name); cmd != nil {
			writeCommandInfo(&c.W, cmd)
		} else {
			c.W.Null()
		}
	}
	return nil
}

// writeCommandInfo describes a command as COMMAND INFO does, its subcommands nested.
func writeCommandInfo(w *resp.Writer, cmd *command.Command) {
	first, last, step := cmd.KeyRange()
	w.Array(10)
	w.BulkString(cmd.FullName())
	w.Int(int64(cmd.Arity))
	mark, n := w.Deferred(), 0
	for _, f := range command.FlagNames() {
		if cmd.Is(f.Flag) {
			w.Status(f.Name)
			n++
		}
	}
	w.SetDeferredSet(mark, n)
	w.Int(int64(first))
	w.Int(int64(last))
	w.Int(int64(step))
	w.Set(len(cmd.Categories()))
	for _, name := range cmd.Categories() {
		w.Status("@" + name)
	}
	w.Set(len(cmd.Tips))
	for _, tip := range cmd.Tips {
		w.BulkString(tip)
	}
	w.Set(len(cmd.Keys))
	for i := range cmd.Keys {
		writeKeySpec(w, &cmd.Keys[i])
	}
	w.Set(len(cmd.Subs))
	for i := range cmd.Subs {
		writeCommandInfo(w, &cmd.Subs[i])
	}
}

func writeKeySpec(w *resp.Writer, k *command.KeySpec) {
	if k.Notes == "" {
		w.Map(3)
	} else {
		w.Map(4)
		w.BulkString("notes")
		w.BulkString(k.Notes)
	}
	w.BulkString("flags")
	writeKeyFlags(w, k.Flags)
	w.BulkString("begin_search")
	switch {
	case k.UnknownBegin:
		writeSpec(w, "unknown")
	case k.Keyword != "":
		writeSpec(w, "keyword", specPart{"keyword", 0, k.Keyword}, specPart{"startfrom", k.StartFrom, ""})
	default:
		writeSpec(w, "index", specPart{"index", k.Index, ""})
	}
	w.BulkString("find_keys")
	step := max(k.Step, 1)
	switch {
	case k.UnknownFind:
		writeSpec(w, "unknown")
	case k.KeyNum:
		writeSpec(w, "keynum", specPart{"keynumidx", k.KeyNumIndex, ""}, specPart{"firstkey", k.FirstKey, ""},
			specPart{"keystep", step, ""})
	default:
		writeSpec(w, "range", specPart{"lastkey", k.LastKey, ""}, specPart{"keystep", step, ""},
			specPart{"limit", k.Limit, ""})
	}
}

// specPart is one field of a key specification: a text, or else a number.
type specPart struct {
	name string
	n    int
	text string
}

func writeSpec(w *resp.Writer, kind string, parts ...specPart) {
	w.Map(2)
	w.BulkString("type")
	w.BulkString(kind)
	w.BulkString("spec")
	w.Map(len(parts))
	for _, p := range parts {
		w.BulkString(p.name)
		if p.text != "" {
			w.BulkString(p.text)
		} else {
			w.Int(int64(p.n))
		}
	}
}

func writeKeyFlags(w *resp.Writer, f command.KeyFlags) {
	mark, n := w.Deferred(), 0
	for i, name := range [...]string{"RW", "RO", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete",
		"variable_flags"} {
		if f&(1<<i) != 0 {
			w.Status(name)
			n++
		}
	}
	w.SetDeferredSet(mark, n)
}

// commandList answers COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]. Without a filter
// subcommands are not named.
func (s *Server) commandList(c *command.Ctx) error {
	var want func(cmd *command.Command) bool
	switch {
	case len(c.Args) == 2:
		want = func(*command.Command) bool { return true }
	case len(c.Args) != 5 || !c.Is(2, "FILTERBY"):
		return command.ErrSyntax
	case c.Is(3, "MODULE"):
		want = func(cmd *command.Command) bool {
			root := cmd
			if p := cmd.Parent(); p != nil {
				root = p
			}
			return root.ModuleName != "" && root.ModuleName == c.Arg(4)
		}
	case c.Is(3, "ACLCAT"):
		want = func(cmd *command.Command) bool { return inCategory(cmd, c.Args[4]) }
	case c.Is(3, "PATTERN"):
		want = func(cmd *command.Command) bool { return glob.MatchFold(c.Args[4], []byte(cmd.FullName())) }
	default:
		return command.ErrSyntax
	}
	mark, n := c.W.Deferred(), 0
	s.eachCommand(func(cmd *command.Command) {
		if want(cmd) {
			c.W.BulkString(cmd.FullName())
			n++
		}
	})
	c.W.SetDeferredArray(mark, n)
	return nil
}

// eachCommand visits the commands by name, each followed by its subcommands.
func (s *Server) eachCommand(visit func(cmd *command.Command)) {
	for _, cmd := range s.table.Load().All() {
		visit(cmd)
		for i := range cmd.Subs {
			visit(&cmd.Subs[i])
		}
	}
}

func inCategory(cmd *command.Command, name []byte) bool {
	for _, have := range cmd.Categories() {
		if command.IsKeyword(name, have) {
			return true
		}
	}
	return false
}

func (s *Server) commandGetKeys(c *command.Ctx) error {
	keys, err := s.keysOf(c.Args[2:])
	if err != nil {
		return err
	}
	c.W.Array(len(keys))
	for _, k := range keys {
		c.W.Bulk(c.Args[2+k.Pos])
	}
	return nil
}

func (s *Server) commandGetKeysAndFlags(c *command.Ctx) error {
	keys, err := s.keysOf(c.Args[2:])
	if err != nil {
		return err
	}
	c.W.Array(len(keys))
	for _, k := range keys {
		c.W.Array(2)
		c.W.Bulk(c.Args[2+k.Pos])
		writeKeyFlags(&c.W, k.Flags)
	}
	return nil
}

// keysOf finds the keys of a command that a client asks about.
func (s *Server) keysOf(args [][]byte) ([]command.KeyAt, error) {
	cmd := s.table.Load().Resolve(args)
	switch {
	case cmd == nil:
		return nil, errInvalidCommand
	case len(cmd.Keys) == 0 && cmd.GetKeys == nil:
		return nil, errNoKeys
	case !cmd.ArityOK(len(args)):
		return nil, errInvalidArity
	}
	keys, ok := cmd.KeysAt(args, nil)
	switch {
	case !ok && cmd.Is(command.NoMandatoryKeys):
		return nil, nil
	case !ok:
		return nil, errInvalidArgs
	}
	return keys, nil
}

package server

import (
	"datastore/server/command"
	"datastore/server/resp"
)

// commandDocs answers COMMAND DOCS. The types of the reply are a contract: redis-cli asserts that names are bulk strings
// and flags are status replies, and ends itself otherwise. Unknown names are left out.
func (s *Server) commandDocs(c *command.Ctx) error {
	if len(c.Args) == 2 {
		all := s.table.Load().All()
		c.W.Map(len(all))
		for _, cmd := range all {
			writeDocs(&c.W, cmd)
		}
		return nil
	}
	mark, n := c.W.Deferred(), 0
	for _, name := range c.Args[2:] {
		if cmd := s.named(name); cmd != nil {
			writeDocs(&c.W, cmd)
			n++
		}
	}
	c.W.SetDeferredMap(mark, n)
	return nil
}

// docs writes the entries of a map whose size is known at the end.
type docs struct {
	w *resp.Writer
	n int
}

func (d *docs) key(name string) {
	d.w.BulkString(name)
	d.n++
}

// text writes an entry unless it is empty.
func (d *docs) text(name, value string) {
	if value != "" {
		d.key(name)
		d.w.BulkString(value)
	}
}

// writeDocs writes a name and the map that documents it.
func writeDocs(w *resp.Writer, cmd *command.Command) {
	w.BulkString(cmd.FullName())
	mark, d := w.Deferred(), docs{w: w}
	d.text("summary", cmd.Summary)
	d.text("since", cmd.Since)
	d.text("group", cmd.Group)
	d.text("complexity", cmd.Complexity)
	d.text("module", cmd.ModuleName)
	if cmd.Deprecated != "" || cmd.Is(command.SysCmd) {
		d.key("doc_flags")
		writeDocFlags(w, cmd)
	}
	d.text("deprecated_since", cmd.Deprecated)
	d.text("replaced_by", cmd.ReplacedBy)
	if len(cmd.History) > 0 {
		d.key("history")
		w.Set(len(cmd.History))
		for _, h := range cmd.History {
			w.Array(2)
			w.BulkString(h.Since)
			w.BulkString(h.What)
		}
	}
	if len(cmd.Args) > 0 {
		d.key("arguments")
		writeArgs(w, cmd.Args)
	}
	if len(cmd.Subs) > 0 {
		d.key("subcommands")
		w.Map(len(cmd.Subs))
		for i := range cmd.Subs {
			writeDocs(w, &cmd.Subs[i])
		}
	}
	w.SetDeferredMap(mark, d.n)
}

func writeDocFlags(w *resp.Writer, cmd *command.Command) {
	mark, n := w.Deferred(), 0
	if cmd.Deprecated != "" {
		w.Status("deprecated")
		n++
	}
	if cmd.Is(command.SysCmd) {
		w.Status("syscmd")
		n++
	}
	w.SetDeferredSet(mark, n)
}

func writeArgs(w *resp.Writer, args []command.Arg) {
	w.Array(len(args))
	for i := range args {
		a := &args[i]
		mark, d := w.Deferred(), docs{w: w}
		d.text("name", a.Name)
		d.text("type", a.Kind.String())
		if a.Kind == command.ArgKey {
			d.key("key_spec_index")
			w.Int(int64(a.KeySpec))
		}
		d.text("token", a.Token)
		d.text("summary", a.Summary)
		d.text("since", a.Since)
		d.text("deprecated_since", a.Deprecated)
		if a.Optional || a.Multiple || a.MultipleToken {
			d.key("flags")
			writeArgFlags(w, a)
		}
		if len(a.Args) > 0 {
			d.key("arguments")
			writeArgs(w, a.Args)
		}
		w.SetDeferredMap(mark, d.n)
	}
}

func writeArgFlags(w *resp.Writer, a *command.Arg) {
	mark, n := w.Deferred(), 0
	for _, f := range [...]struct {
		on   bool
		name string
	}{{a.Optional, "optional"}, {a.Multiple, "multiple"}, {a.MultipleToken, "multiple_token"}} {
		if f.on {
			w.Status(f.name)
			n++
		}
	}
	w.SetDeferredSet(mark, n)
}

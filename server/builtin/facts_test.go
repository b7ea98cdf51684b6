package builtin_test

import (
	"fmt"
	"strings"
	"testing"

	"datastore/server/builtin"
	"datastore/server/command"
	"datastore/server/servertest"
)

// TestFacts compares what COMMAND INFO and COMMAND DOCS show of every literal with redis-server: everything except the
// sentences, which are our own.
func TestFacts(t *testing.T) {
	table, err := command.NewTable(nil, builtin.Commands())
	if err != nil {
		t.Fatal(err)
	}
	conn := servertest.DialAddr(t, servertest.StartRedis(t).Addr)
	conn.Resp3()
	for _, c := range table.All() {
		info := conn.Must("COMMAND", "INFO", c.Name).Elems[0]
		docs := conn.Must("COMMAND", "DOCS", c.Name).Map()[c.Name]
		theirs := theirInfo(info) + theirDocs(docs.Map())
		ours := ourInfo(c) + ourDocs(c)
		if ours != theirs {
			t.Errorf("%s\nours:\n%s\nwant:\n%s", c.Name, ours, theirs)
		}
		compareSubs(t, c, info, docs)
	}
}

func compareSubs(t *testing.T, c *command.Command, info, docs servertest.Reply) {
	t.Helper()
	subs := info.Elems[9].Elems
	if len(subs) != len(c.Subs) {
		t.Errorf("%s has %d subcommands, want %d", c.Name, len(c.Subs), len(subs))
	}
	for _, sub := range subs {
		full := sub.Elems[0].Str
		ours := c.Sub([]byte(full[strings.Index(full, "|")+1:]))
		if ours == nil {
			t.Errorf("%s is missing", full)
			continue
		}
		want := theirInfo(sub) + theirDocs(docs.Map()["subcommands"].Map()[full].Map())
		if got := ourInfo(ours) + ourDocs(ours); got != want {
			t.Errorf("%s\nours:\n%s\nwant:\n%s", full, got, want)
		}
	}
}

func theirInfo(r servertest.Reply) string {
	e := r.Elems
	var b strings.Builder
	fmt.Fprintf(&b, "%s arity %d flags %v keys %d %d %d\n", e[0].Str, e[1].Int, e[2].Strings(), e[3].Int, e[4].Int, e[5].Int)
	fmt.Fprintf(&b, "categories %v tips %v\n", e[6].Strings(), e[7].Strings())
	for _, spec := range e[8].Elems {
		m := spec.Map()
		begin, find := m["begin_search"].Map(), m["find_keys"].Map()
		_, noted := m["notes"]
		fmt.Fprintf(&b, "spec %v begin %s %d find %s %d %d %d noted %v\n", m["flags"].Strings(),
			begin["type"].Str, begin["spec"].Map()["index"].Int, find["type"].Str, find["spec"].Map()["lastkey"].Int,
			find["spec"].Map()["keystep"].Int, find["spec"].Map()["limit"].Int, noted)
	}
	return b.String()
}

func ourInfo(c *command.Command) string {
	flags := []string{}
	for _, f := range command.FlagNames() {
		if c.Is(f.Flag) {
			flags = append(flags, f.Name)
		}
	}
	categories := []string{}
	for _, name := range c.Categories() {
		categories = append(categories, "@"+name)
	}
	var b strings.Builder
	first, last, step := c.KeyRange()
	fmt.Fprintf(&b, "%s arity %d flags %v keys %d %d %d\n", c.FullName(), c.Arity, flags, first, last, step)
	fmt.Fprintf(&b, "categories %v tips %v\n", categories, c.Tips)
	for _, k := range c.Keys {
		fmt.Fprintf(&b, "spec %v begin index %d find range %d %d %d noted %v\n",
			keyFlagNames(k.Flags), k.Index, k.LastKey, max(k.Step, 1), k.Limit, k.Notes != "")
	}
	return b.String()
}

func keyFlagNames(f command.KeyFlags) []string {
	all := []string{"RW", "RO", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags"}
	names := []string{}
	for i, name := range all {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

func theirDocs(m map[string]servertest.Reply) string {
	var b strings.Builder
	_, replaced := m["replaced_by"]
	fmt.Fprintf(&b, "group %s since %s deprecated %q %v replaced %v\nhistory", m["group"].Str, m["since"].Str,
		m["deprecated_since"].Str, strings.Join(m["doc_flags"].Strings(), " "), replaced)
	for _, h := range m["history"].Elems {
		b.WriteString(" " + h.Elems[0].Str)
	}
	b.WriteString("\n")
	theirArgs(&b, m["arguments"], 1)
	return b.String()
}

func theirArgs(b *strings.Builder, list servertest.Reply, depth int) {
	for _, a := range list.Elems {
		m := a.Map()
		fmt.Fprintf(b, "%*s%s %s token %q since %q spec %d %v\n", depth*2, "", m["name"].Str, m["type"].Str,
			m["token"].Str, m["since"].Str, m["key_spec_index"].Int, m["flags"].Strings())
		theirArgs(b, m["arguments"], depth+1)
	}
}

func ourDocs(c *command.Command) string {
	var b strings.Builder
	flag := ""
	if c.Deprecated != "" {
		flag = "deprecated"
	}
	fmt.Fprintf(&b, "group %s since %s deprecated %q %v replaced %v\nhistory", c.Group, c.Since, c.Deprecated, flag, c.ReplacedBy != "")
	for _, h := range c.History {
		b.WriteString(" " + h.Since)
	}
	b.WriteString("\n")
	ourArgs(&b, c.Args, 1)
	return b.String()
}

func ourArgs(b *strings.Builder, list []command.Arg, depth int) {
	for _, a := range list {
		flags := []string{}
		for _, f := range []struct {
			on   bool
			name string
		}{{a.Optional, "optional"}, {a.Multiple, "multiple"}, {a.MultipleToken, "multiple_token"}} {
			if f.on {
				flags = append(flags, f.name)
			}
		}
		fmt.Fprintf(b, "%*s%s %s token %q since %q spec %d %v\n", depth*2, "", a.Name, a.Kind, a.Token, a.Since, a.KeySpec, flags)
		ourArgs(b, a.Args, depth+1)
	}
}

// TestSentences wants every literal to be documented.
func TestSentences(t *testing.T) {
	for _, c := range builtin.Commands() {
		for _, s := range append([]command.Command{c}, c.Subs...) {
			if s.Summary == "" || s.Complexity == "" || s.Handler == nil && len(s.Subs) == 0 {
				t.Errorf("%s lacks a summary, a complexity or a handler", s.Name)
			}
		}
	}
}

package command_test

import (
	"slices"
	"strings"
	"testing"

	"datastore/server/command"
	"datastore/server/servertest"
)

// TestDerivedFacts rebuilds a literal from every command of redis-server and wants the facts that NewTable derives, the
// legacy key triple, movablekeys and the ACL categories, to be the ones that redis-server shows.
func TestDerivedFacts(t *testing.T) {
	conn := servertest.DialAddr(t, servertest.StartRedis(t).Addr)
	conn.Resp3()
	docs := conn.Must("COMMAND", "DOCS").Map()
	for _, info := range conn.Must("COMMAND").Elems {
		name := info.Elems[0].Str
		group := docs[name].Map()["group"].Str
		checkDerived(t, info, group)
		for _, sub := range info.Elems[9].Elems {
			checkDerived(t, sub, group)
		}
	}
}

func checkDerived(t *testing.T, info servertest.Reply, group string) {
	t.Helper()
	e := info.Elems
	literal := command.Command{Name: e[0].Str, Group: group}
	for _, name := range e[2].Strings() {
		for _, f := range command.FlagNames() {
			if f.Name == name && f.Flag != command.MovableKeys {
				literal.Flags |= f.Flag
			}
		}
	}
	implied := []string{"@write", "@read", "@pubsub", "@fast", "@blocking", "@slow"}
	for _, category := range e[6].Strings() { // admin and dangerous are implied by the flag, but also given without it
		if !slices.Contains(implied, category) {
			literal.ACL = append(literal.ACL, category[1:])
		}
	}
	for _, spec := range e[8].Elems {
		literal.Keys = append(literal.Keys, keySpec(spec))
	}
	table, err := command.NewTable(nil, []command.Command{literal})
	if err != nil {
		t.Fatal(err)
	}
	c := table.All()[0]
	first, last, step := c.KeyRange()
	if int64(first) != e[3].Int || int64(last) != e[4].Int || int64(step) != e[5].Int {
		t.Errorf("%s: key range %d %d %d, want %d %d %d", c.Name, first, last, step, e[3].Int, e[4].Int, e[5].Int)
	}
	if want := slices.Contains(e[2].Strings(), "movablekeys"); c.Is(command.MovableKeys) != want {
		t.Errorf("%s: movablekeys %v, want %v", c.Name, !want, want)
	}
	if got, want := "@"+strings.Join(c.Categories(), " @"), strings.Join(e[6].Strings(), " "); got != want {
		t.Errorf("%s: categories %s, want %s", c.Name, got, want)
	}
}

func keySpec(r servertest.Reply) (k command.KeySpec) {
	m := r.Map()
	if slices.Contains(m["flags"].Strings(), "incomplete") {
		k.Flags |= command.Incomplete
	}
	begin, find := m["begin_search"].Map(), m["find_keys"].Map()
	at, how := begin["spec"].Map(), find["spec"].Map()
	switch begin["type"].Str {
	case "index":
		k.Index = int(at["index"].Int)
	case "keyword":
		k.Keyword, k.StartFrom = at["keyword"].Str, int(at["startfrom"].Int)
	default:
		k.UnknownBegin = true
	}
	switch find["type"].Str {
	case "range":
		k.LastKey, k.Step, k.Limit = int(how["lastkey"].Int), int(how["keystep"].Int), int(how["limit"].Int)
	case "keynum":
		k.KeyNum, k.KeyNumIndex, k.FirstKey = true, int(how["keynumidx"].Int), int(how["firstkey"].Int)
	default:
		k.UnknownFind = true
	}
	return k
}

package servertest

import (
	"fmt"
	"strings"
	"testing"
)

// newerCommands are those of ours that Redis 7.0 does not have.
var newerCommands = map[string]bool{
	"client|no-touch": true, "client|setinfo": true, // Redis 7.2
}

// TestCommandFacts compares COMMAND INFO and COMMAND DOCS of every command of the daemon with the oracle's: all except the
// sentences, which are our own, and the subcommands that are not there yet.
func TestCommandFacts(t *testing.T) {
	p := NewPair(t)
	ours, theirs := p.Ours.Dial(), p.Theirs.Dial()
	ours.Resp3()
	theirs.Resp3()
	names := ours.Must("COMMAND", "LIST").Strings()
	if len(names) < 100 {
		t.Errorf("only %d commands", len(names))
	}
	for _, name := range names {
		want := theirs.Must("COMMAND", "INFO", name).Elems[0]
		if want.Null {
			if !newerCommands[name] && !strings.HasPrefix(name, "module") {
				t.Errorf("%s is no command of the oracle", name)
			}
			continue
		}
		got := ours.Must("COMMAND", "INFO", name).Elems[0]
		compareInfo(t, got, want)
		compareDocs(t, name, ours.Must("COMMAND", "DOCS", name).Map(), theirs.Must("COMMAND", "DOCS", name).Map())
	}
}

// compareInfo compares two entries of COMMAND INFO and descends into the subcommands of ours.
func compareInfo(t *testing.T, ours, theirs Reply) {
	t.Helper()
	name := theirs.Elems[0].Str
	if got, want := facts(ours.Elems[:9]), facts(theirs.Elems[:9]); got != want {
		t.Errorf("COMMAND INFO %s\nours %s\nwant %s", name, got, want)
	}
	want := map[string]Reply{}
	for _, sub := range theirs.Elems[9].Elems {
		want[sub.Elems[0].Str] = sub
	}
	for _, sub := range ours.Elems[9].Elems {
		full := sub.Elems[0].Str
		if their, ok := want[full]; ok {
			compareInfo(t, sub, their)
		} else if !newerCommands[full] {
			t.Errorf("%s is no command of the oracle", full)
		}
	}
}

// compareDocs compares maps of COMMAND DOCS.
func compareDocs(t *testing.T, name string, ours, theirs map[string]Reply) {
	t.Helper()
	got, want := ours[name].Map(), theirs[name].Map()
	if a, b := documented(got), documented(want); a != b {
		t.Errorf("COMMAND DOCS %s\nours %s\nwant %s", name, a, b)
	}
	wantSubs := want["subcommands"].Map()
	for full := range got["subcommands"].Map() {
		if _, ok := wantSubs[full]; ok {
			compareDocs(t, full, got["subcommands"].Map(), wantSubs)
		}
	}
}

// facts renders the values of replies; sentences are left out by their keys.
func facts(elems []Reply) string {
	var b strings.Builder
	for _, e := range elems {
		b.WriteString(fact(e) + " ")
	}
	return b.String()
}

func fact(r Reply) string {
	if r.Elems == nil {
		return fmt.Sprintf("%c%s%d", r.Type, r.Str, r.Int)
	}
	if r.Type != '%' {
		return fmt.Sprintf("%c[%s]", r.Type, facts(r.Elems))
	}
	var b strings.Builder
	for i := 0; i < len(r.Elems); i += 2 {
		key := r.Elems[i].Str
		b.WriteString(key + "=")
		if key != "notes" {
			b.WriteString(fact(r.Elems[i+1]) + " ")
		}
	}
	return "%{" + b.String() + "}"
}

// documented renders the facts of a command's documentation. Which fields there are is one of them.
func documented(m map[string]Reply) string {
	var b strings.Builder
	for _, key := range []string{"summary", "since", "group", "complexity", "doc_flags", "deprecated_since", "replaced_by"} {
		if r, ok := m[key]; ok {
			text := string(r.Type)
			if key == "since" || key == "group" || key == "deprecated_since" {
				text = r.Str
			}
			b.WriteString(key + "=" + text + " ")
		}
	}
	if h, ok := m["history"]; ok {
		b.WriteString("history" + string(h.Type))
		for _, e := range h.Elems {
			b.WriteString(" " + e.Elems[0].Str + string(e.Elems[1].Type))
		}
	}
	if a, ok := m["arguments"]; ok {
		b.WriteString(" arguments=" + fact(a))
	}
	_, container := m["subcommands"]
	fmt.Fprintf(&b, " container=%v", container)
	return b.String()
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryRuleHasATest is the gate: see the package comment.
func TestEveryRuleHasATest(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	table, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range table.problems() {
		t.Error(p)
	}
}

const someRules = `
# a comment
A-1 | 1 | first
A-2 | 1 | second
A-3 | 2 | third
A-4 | 1 | fourth | n/a: there is no such thing
`

// newTable makes a table of someRules and a source tree with tests that name rules.
func newTable(t *testing.T, missing string, rulesLines ...string) *table {
	t.Helper()
	root := t.TempDir()
	source := "package p\n\nimport \"testing\"\n"
	for i, line := range rulesLines {
		source += "\n// Test" + string(rune('A'+i)) + " tests.\n// " + line + "\nfunc Test" + string(rune('A'+i)) + "(t *testing.T) {}\n"
	}
	dir := filepath.Join(root, "dir", "p")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "p_test.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	rules, err := parseRules(someRules)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := findTests(root)
	if err != nil {
		t.Fatal(err)
	}
	return &table{rules: rules, missing: parseMissing(missing), tests: tests}
}

func TestGate(t *testing.T) {
	for name, tt := range map[string]struct {
		missing string
		lines   []string
		want    []string // parts of the problems
	}{
		"complete":              {"A-2 is hard\n", []string{"Rules: A-1."}, nil},
		"all covered":           {"", []string{"Rules: A-1,", "and no more", "Rules: A-1, A-2."}, nil},
		"no test":               {"", []string{"Rules: A-1."}, []string{"A-2 has no test: second"}},
		"covered and missing":   {"A-1\nA-2\n", []string{"Rules: A-1."}, []string{"lists A-1, which dir/p.TestA checks"}},
		"unknown":               {"A-2\n", []string{"Rules: A-1, B-9."}, []string{"names B-9, which is no rule"}},
		"not applicable":        {"A-2\n", []string{"Rules: A-1, A-4."}, []string{"names A-4, which does not apply"}},
		"missing what may":      {"A-2\nA-3\nA-4\nX\n", []string{"Rules: A-1."}, []string{"lists A-3", "lists A-4", "lists X"}},
		"missing twice":         {"A-2\nA-2\n", []string{"Rules: A-1."}, []string{"lists A-2 twice"}},
		"not at a line's start": {"A-2\n", []string{"These are Rules: A-1."}, []string{"A-1 has no test"}},
	} {
		got := newTable(t, tt.missing, tt.lines...).problems()
		if len(got) != len(tt.want) {
			t.Errorf("%s: %q", name, got)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: %q, want %q", name, got[i], want)
			}
		}
	}
}

func TestPrune(t *testing.T) {
	text := "# why\nA-1 remark\n\nA-2\n"
	if got := newTable(t, text, "Rules: A-1.").pruned(text); got != "# why\n\nA-2\n" {
		t.Errorf("pruned: %q", got)
	}
}

func TestTable(t *testing.T) {
	table := newTable(t, "", "Rules: A-1.", "Rules: A-1, A-2.", "Rules: A-3.")
	const events = `{"Action":"pass","Package":"datastore/dir/p","Test":"TestA"}
not JSON
{"Action":"fail","Package":"datastore/dir/p","Test":"TestB/sub"}
{"Action":"pass","Package":"datastore/dir/other","Test":"TestC"}
{"Action":"ACTION","Package":"datastore/dir/p","Test":"TestB"}
`
	for action, want := range map[string]string{"pass": "pass", "fail": "fail", "skip": "skipped"} {
		if err := table.take(strings.NewReader(strings.Replace(events, "ACTION", action, 1))); err != nil {
			t.Fatal(err)
		}
		text, note := table.markdown(), ""
		if want != "pass" {
			note = " (" + want + ")"
		}
		for _, line := range []string{
			"| A-2 | second | `dir/p.TestB`" + note + " | " + want + " |", "| A-3 | third | `dir/p.TestC` (not run) | not run |",
			"| A-4 | fourth | there is no such thing | not applicable |", "wave 1: 3 rules: 2 " + want + ", 1 not applicable",
		} {
			if !strings.Contains(text, line) {
				t.Errorf("%s: no %q in\n%s", action, line, text)
			}
		}
		if err := table.failures(); !errors.Is(err, errFailing) || strings.Contains(err.Error(), "A-1") == (action == "pass") {
			t.Errorf("%s: %v", action, err)
		}
	}
}

func TestBadLists(t *testing.T) {
	for _, text := range []string{"A-1", "A-1 | x | t", "A-1 | 1 | ", "A-1 | 1 | t | because", "A-1 | 1 | t\nA-1 | 1 | t", "A|1|t|n/a: x|y"} {
		if _, err := parseRules(text); !errors.Is(err, errSyntax) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

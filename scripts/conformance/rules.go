package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rule is one rule of the module API.
type rule struct {
	id     string
	wave   int
	title  string
	reason string // why it does not apply here; "" if it does
}

// gateWave is the wave whose rules must have tests.
const gateWave = 1

var errSyntax = errors.New("cannot be read")

// parseRules reads the lines "ID | WAVE | TITLE" and "ID | WAVE | TITLE | n/a: REASON".
func parseRules(text string) ([]rule, error) {
	var rules []rule
	for n, line := range contentLines(text) {
		fields := strings.Split(line, "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if len(fields) < 3 {
			return nil, fmt.Errorf("rules.txt:%d %w", n, errSyntax)
		}
		wave, err := strconv.Atoi(fields[1])
		r := rule{id: fields[0], wave: wave, title: fields[2]}
		if len(fields) == 4 {
			reason, found := strings.CutPrefix(fields[3], "n/a: ")
			if !found {
				return nil, fmt.Errorf("rules.txt:%d %w", n, errSyntax)
			}
			r.reason = reason
		}
		known := slices.ContainsFunc(rules, func(o rule) bool { return o.id == r.id })
		if err != nil || known || r.id == "" || r.title == "" || len(fields) > 4 {
			return nil, fmt.Errorf("rules.txt:%d %w", n, errSyntax)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// parseMissing reads lines that begin with a rule, behind which there may be a remark.
func parseMissing(text string) []string {
	var ids []string
	for _, line := range contentLines(text) {
		ids = append(ids, strings.Fields(line)[0])
	}
	return ids
}

// contentLines are the lines by number without empty ones and those that begin with "#".
func contentLines(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		for i, line := range strings.Split(text, "\n") {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && !yield(i+1, line) {
				return
			}
		}
	}
}

// table is everything that is known.
type table struct {
	rules   []rule
	missing []string
	tests   []*test
}

// load reads the lists and finds the tests of a source tree.
func load(root string) (*table, error) {
	rules, err := parseRules(rulesText)
	if err != nil {
		return nil, err
	}
	tests, err := findTests(root)
	return &table{rules: rules, missing: parseMissing(missingText), tests: tests}, err
}

// of returns the tests that check a rule.
func (t *table) of(id string) (list []*test) {
	for _, x := range t.tests {
		if slices.Contains(x.rules, id) {
			list = append(list, x)
		}
	}
	return list
}

func (t *table) find(id string) *rule {
	for i := range t.rules {
		if t.rules[i].id == id {
			return &t.rules[i]
		}
	}
	return nil
}

// problems are what is wrong with the lists and the tests' lines.
func (t *table) problems() (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, x := range t.tests {
		for _, id := range x.rules {
			switch r := t.find(id); {
			case r == nil:
				say("%s names %s, which is no rule", x, id)
			case r.reason != "":
				say("%s names %s, which does not apply: %s", x, id, r.reason)
			}
		}
	}
	for i, id := range t.missing {
		switch r := t.find(id); {
		case r == nil || r.wave != gateWave || r.reason != "":
			say("%s lists %s, which no test has to check", missingFile, id)
		case slices.Contains(t.missing[:i], id):
			say("%s lists %s twice", missingFile, id)
		case len(t.of(id)) > 0:
			say("%s lists %s, which %s checks: take it out (-prune does)", missingFile, id, t.of(id)[0])
		}
	}
	for _, r := range t.rules {
		if r.wave == gateWave && r.reason == "" && len(t.of(r.id)) == 0 && !slices.Contains(t.missing, r.id) {
			say("%s has no test: %s", r.id, r.title)
		}
	}
	return list
}

// pruned is the text of missing.txt without the rules that tests check.
func (t *table) pruned(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if ids := parseMissing(line); len(ids) == 0 || len(t.of(ids[0])) == 0 {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// status is what the table says of a rule.
type status string

const (
	notCovered    status = "not covered"
	notApplicable status = "not applicable"
)

var errFailing = errors.New("rules with tests that do not pass")

// statusOf sums the results of a rule's tests up: the worst one counts.
func (t *table) statusOf(r *rule) status {
	tests := t.of(r.id)
	switch {
	case r.reason != "":
		return notApplicable
	case len(tests) == 0:
		return notCovered
	}
	for _, bad := range []result{failed, notRun, skipped} {
		if slices.ContainsFunc(tests, func(x *test) bool { return x.result == bad }) {
			return status(bad)
		}
	}
	return status(passed)
}

// markdown is the table, in one part for each wave.
func (t *table) markdown() string {
	var b strings.Builder
	b.WriteString("# Conformance of the module API\n\nMade by `go run ./scripts/conformance -o FILE`.\n\n")
	b.WriteString("```\n" + t.summary() + "```\n")
	for wave, title := range []string{"the specification", "notifications, timers, scans and more", "the rest"} {
		fmt.Fprintf(&b, "\n## Wave %d: %s\n\n| rule | what it says | tests | result |\n|---|---|---|---|\n", wave+1, title)
		for i := range t.rules {
			if r := &t.rules[i]; r.wave == wave+1 {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.id, r.title, t.notes(r), t.statusOf(r))
			}
		}
	}
	return b.String()
}

// notes names the tests of a rule, or says why it does not apply.
func (t *table) notes(r *rule) string {
	if r.reason != "" {
		return r.reason
	}
	var notes []string
	for _, x := range t.of(r.id) {
		note := "`" + x.String() + "`"
		if x.result != passed {
			note += " (" + string(x.result) + ")"
		}
		notes = append(notes, note)
	}
	return strings.Join(notes, "<br>")
}

// summary counts the rules by wave and state.
func (t *table) summary() string {
	states := []status{status(passed), status(failed), status(skipped), status(notRun), notCovered, notApplicable}
	var b strings.Builder
	for wave := 1; wave <= 3; wave++ {
		total, parts := 0, []string(nil)
		for _, s := range states {
			n := 0
			for i := range t.rules {
				if r := &t.rules[i]; r.wave == wave && t.statusOf(r) == s {
					n++
				}
			}
			if total += n; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, s))
			}
		}
		fmt.Fprintf(&b, "wave %d: %d rules: %s\n", wave, total, strings.Join(parts, ", "))
	}
	return b.String()
}

// failures is an error that names the rules with tests that did not pass.
func (t *table) failures() error {
	var ids []string
	for i := range t.rules {
		switch r := &t.rules[i]; t.statusOf(r) {
		case status(failed), status(notRun), status(skipped):
			ids = append(ids, r.id+" ("+string(t.statusOf(r))+")")
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errFailing, strings.Join(ids, ", "))
}

package builtin_test

import (
	"strconv"
	"strings"
	"testing"
)

// TestRestoreEffects: an expiry is propagated as a moment, and a key whose time has come as the deletion of what it would
// have replaced.
func TestRestoreEffects(t *testing.T) {
	const payload = "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce"
	r := newRunner(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"k", "0", "*"}, "RESTORE k 0 *"},
		{[]string{"k", "1000", "*", "REPLACE"}, "RESTORE k " + strconv.Itoa(startMs+1000) + " * REPLACE ABSTTL"},
		{[]string{"k", strconv.Itoa(startMs + 1), "*", "ABSTTL", "REPLACE"}, "RESTORE k " + strconv.Itoa(startMs+1) + " * ABSTTL REPLACE"},
		{[]string{"k", strconv.Itoa(startMs), "*", "ABSTTL", "REPLACE"}, "DEL k"},
		{[]string{"k", strconv.Itoa(startMs), "*", "ABSTTL", "REPLACE"}, ""},
		{[]string{"k", "1", "nonsense"}, ""},
	} {
		args := append([]string{"RESTORE"}, c.args...)
		if args[3] == "*" {
			args[3] = payload
		}
		r.run(argv(args...))
		var lines []string
		for _, words := range r.effects() {
			lines = append(lines, strings.ReplaceAll(strings.Join(words, " "), payload, "*"))
		}
		if got := strings.Join(lines, " ; "); got != c.want {
			t.Errorf("%q => %q, want %q", c.args, got, c.want)
		}
	}
}

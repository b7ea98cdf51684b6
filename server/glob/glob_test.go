package glob

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestMatch lists what redis-server 7.0.15 answers (KEYS for Match, CONFIG GET for MatchFold).
func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", false},
		{"**", "", false},
		{"**", "a", true},
		{"a*", "a", true},
		{"a*c", "abc", true},
		{"a*c", "abcd", false},
		{"*a*b*c", "xxaxxbxbxc", true},
		{"a?c", "abc", true},
		{"a?", "a", false},
		{"[ab]", "b", true},
		{"[^ab]", "b", false},
		{"[^ab]", "c", true},
		{"[a-c]x", "bx", true},
		{"[c-a]x", "bx", true},
		{"[]", "a", false},
		{"[^]", "a", true},
		{"[", "[", false},
		{"[^", "a", true},
		{"[a", "a", true},
		{"[a-", "-", true},
		{"[a-", "a", true},
		{"[a-]", "]", true},
		{"[a-]", "^", true},
		{"[]a]", "a]", false},
		{"[\\]]", "]", true},
		{"[\\-a]", "-", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"a\\", "a\\", true},
		{"[a-\xff]", "\xff", true},
		{"[a-\xff]", "b", false},
		{"[\x80-\xff]", "\x90", true},
		{"*[bc]*", "xxcxx", true},
		{"*\\", "ab\\", true},
	} {
		if got := Match([]byte(test.pattern), []byte(test.s)); got != test.want {
			t.Errorf("Match(%q, %q) = %v", test.pattern, test.s, got)
		}
	}
}

func TestMatchFold(t *testing.T) {
	for _, test := range []struct {
		pattern, s string
		want       bool
	}{
		{"MaxMemory*", "maxmemory-policy", true},
		{"[A-C]bc", "BBC", true},
		{"[P]ort", "port", true},
		{"[\\P]ort", "port", false},
		{"\\PORT", "port", true},
		{"p?rt", "PORT", true},
		{"é", "É", false},
	} {
		if got := MatchFold([]byte(test.pattern), []byte(test.s)); got != test.want {
			t.Errorf("MatchFold(%q, %q) = %v", test.pattern, test.s, got)
		}
	}
}

// TestManyStars wants patterns that make a recursive matcher explode to end quickly (CVE-2022-36021, CVE-2024-31228).
func TestManyStars(t *testing.T) {
	start := time.Now()
	text := bytes.Repeat([]byte("a"), 10_000)
	for _, pattern := range []string{
		strings.Repeat("a*", 10_000) + "b",
		strings.Repeat("*a", 5_000) + "b",
		strings.Repeat("*?", 9_000) + "b",
		strings.Repeat("*[a-c]", 4_000) + "b",
		"*" + strings.Repeat("a", 5_000) + "b",
	} {
		if Match([]byte(pattern), text) {
			t.Errorf("%.20q… matches", pattern)
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}

// FuzzMatch compares with the definition, written as a recursion over one element at a time.
func FuzzMatch(f *testing.F) {
	f.Add("a*[b-d]?\\*", "axxcz*")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 12 || len(s) > 12 {
			return
		}
		want := define([]byte(pattern), []byte(s))
		if got := Match([]byte(pattern), []byte(s)); got != want && s != "" {
			t.Errorf("Match(%q, %q) = %v", pattern, s, got)
		}
	})
}

func define(p, s []byte) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return define(p[1:], s) || len(s) > 0 && define(p, s[1:])
	case len(s) == 0:
		return false
	}
	next, ok := one(p, 0, s[0], false)
	return ok && define(p[next:], s[1:])
}

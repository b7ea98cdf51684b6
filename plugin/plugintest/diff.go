package plugintest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

const (
	maxDifferences = 5   // keys that a message shows
	maxShown       = 200 // bytes of a value that it shows
)

// differences names keys that two servers do not hold alike, with what each of them has.
func differences(ours, theirs *Server) []string {
	ours.t.Helper()
	a, b := ours.entries(), theirs.entries()
	names := map[string]bool{}
	for _, m := range []map[string]string{a, b} {
		for name := range m {
			names[name] = true
		}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if a[name] == b[name] {
			continue
		}
		if len(lines) == maxDifferences {
			return append(lines, "and more")
		}
		lines = append(lines, fmt.Sprintf("%s: %s, there %s", name, shown(a[name]), shown(b[name])))
	}
	if len(lines) == 0 {
		return []string{"no key does, but the digests do"}
	}
	return lines
}

func shown(value string) string {
	switch {
	case value == "":
		return "missing"
	case len(value) > maxShown:
		return value[:maxShown] + "…"
	}
	return value
}

// entries describes all keys: database and name, and type, value and time to live.
func (s *Server) entries() map[string]string {
	s.t.Helper()
	entries := map[string]string{}
	defer func() { s.admin.Do("SELECT", 0) }()
	databases, err := strconv.Atoi(s.admin.Do("CONFIG", "GET", "databases").Elems()[1].Text())
	if err != nil {
		s.t.Fatalf("plugintest: %v", err)
	}
	for db := range databases {
		s.admin.Do("SELECT", db).Must()
		for _, key := range s.admin.Do("KEYS", "*").Elems() {
			name := key.Text()
			entry := fmt.Sprintf("%s %s", s.admin.Do("TYPE", name).Text(), s.value(name))
			if at := s.admin.Do("PEXPIRETIME", name).Int(); at >= 0 {
				entry += fmt.Sprintf(" expires at %d", at)
			}
			entries[fmt.Sprintf("db %d, key %q", db, name)] = entry
		}
	}
	return entries
}

// value shows the value of a key.
func (s *Server) value(name string) string {
	s.t.Helper()
	readers := map[string][]any{
		"string": {"GET", name}, "list": {"LRANGE", name, 0, -1}, "hash": {"HGETALL", name}, "set": {"SMEMBERS", name},
		"zset": {"ZRANGE", name, 0, -1, "WITHSCORES"},
	}
	if read := readers[s.admin.Do("TYPE", name).Text()]; read != nil {
		return s.admin.Do(read...).String()
	}
	return s.admin.Do("DUMP", name).String()
}

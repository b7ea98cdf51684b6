package plugintest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	maxDifferences = 5   // keys that a message shows
	maxShown       = 200 // bytes of a value that it shows
)

// entry is a key with what it holds.
type entry struct {
	sum  string // type, value and time of expiry, to be compared
	text string // the same to be shown
}

// equal compares the data of two servers; name is what the other one is called. A server without the module of a native
// value sums it up by its bytes, another one perhaps by its elements: when the digests differ, the keys decide.
func (s *Server) equal(name string, other *Server) {
	s.t.Helper()
	if s.digest() == other.digest() {
		return
	}
	if lines := differences(s.entries(), other.entries()); len(lines) > 0 {
		s.t.Errorf("%s differs:\n%s", name, indent(strings.Join(lines, "\n")))
	}
}

// digest sums the data up; what is over counts as gone.
func (s *Server) digest() string {
	s.t.Helper()
	return s.admin.Do("DEBUG", "DIGEST").Must().Text()
}

// differences names keys that are not alike, with what they hold here and there.
func differences(here, there map[string]entry) []string {
	names := maps.Clone(here)
	maps.Copy(names, there)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if here[name].sum == there[name].sum {
			continue
		}
		if len(lines) == maxDifferences {
			return append(lines, "and more")
		}
		lines = append(lines, fmt.Sprintf("%s: %s, there %s", name, here[name], there[name]))
	}
	return lines
}

func (e entry) String() string {
	switch {
	case e.text == "":
		return "missing"
	case len(e.text) > maxShown:
		return e.text[:maxShown] + "…"
	}
	return e.text
}

// entries describes all keys by database and name.
func (s *Server) entries() map[string]entry {
	s.t.Helper()
	entries := map[string]entry{}
	defer func() { s.admin.Do("SELECT", 0) }()
	databases, err := strconv.Atoi(s.admin.Do("CONFIG", "GET", "databases").Elems()[1].Text())
	if err != nil {
		s.t.Fatalf("plugintest: %v", err)
	}
	for db := range databases {
		s.admin.Do("SELECT", db).Must()
		for _, key := range s.admin.Do("KEYS", "*").Elems() {
			entries[fmt.Sprintf("db %d, key %q", db, key.Text())] = s.entry(key.Text())
		}
	}
	return entries
}

// entry describes a key of the selected database.
func (s *Server) entry(name string) entry {
	s.t.Helper()
	kind, expiry := s.admin.Do("TYPE", name).Text(), ""
	if at := s.admin.Do("PEXPIRETIME", name).Int(); at >= 0 {
		expiry = fmt.Sprintf(" expires at %d", at)
	}
	readers := map[string][]any{
		"string": {"GET", name}, "list": {"LRANGE", name, 0, -1}, "hash": {"HGETALL", name}, "set": {"SMEMBERS", name},
		"zset": {"ZRANGE", name, 0, -1, "WITHSCORES"},
	}
	read := readers[kind]
	if read == nil { // a native type
		value := s.admin.Do("DUMP", name).String()
		return entry{kind + value + expiry, kind + " " + value + expiry}
	}
	sum := s.admin.Do("DEBUG", "DIGEST-VALUE", name).Elems()[0].Text()
	return entry{kind + sum + expiry, kind + " " + s.admin.Do(read...).String() + expiry}
}

package command

import "datastore/keyspace"

// ParseLexBound reads an end of a lexicographic range: "-", "+", "[text" or "(text", the last one excluded. The bound
// refers to b.
func ParseLexBound(b []byte) (keyspace.LexBound, bool) {
	if len(b) == 0 {
		return keyspace.LexBound{}, false
	}
	switch b[0] {
	case '-':
		return keyspace.LexBound{Inf: -1}, len(b) == 1
	case '+':
		return keyspace.LexBound{Inf: 1}, len(b) == 1
	case '[':
		return keyspace.LexBound{Key: b[1:]}, true
	case '(':
		return keyspace.LexBound{Key: b[1:], Exclusive: true}, true
	}
	return keyspace.LexBound{}, false
}

// Package glob matches byte strings against the glob patterns of KEYS, SCAN, PSUBSCRIBE, CONFIG GET and access control.
//
// It owns one grammar: * (any bytes), ? (one byte), [abc], [a-z], [^a-z] (one byte of a class) and \x (that byte). It
// compiles nothing and allocates nothing, and it refuses to recurse: one remembered star is enough to backtrack to, so a
// match costs at most len(pattern)·len(s) steps whatever the pattern is.
//
// Where patterns are malformed or odd, redis-server 7.0.15 decides: see [Match].
package glob

// Match reports whether s as a whole matches pattern.
//
// Oddities, equal to Redis: only the empty pattern matches the empty string, not even * does; a class without ] ends
// with the pattern; ] directly after [ closes an empty class, which matches nothing; a range with reversed ends counts as
// if they were in order, and its bytes are compared as signed; a \ at the end stands for itself.
func Match(pattern, s []byte) bool { return match(pattern, s, false) }

// MatchFold is Match without regard to the case of ASCII letters, except for bytes that a class escapes with \.
func MatchFold(pattern, s []byte) bool { return match(pattern, s, true) }

func match(pattern, s []byte, fold bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	p, i := 0, 0
	star, from := -1, 0 // the pattern behind the last star, and where in s it was tried last
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, from = p, i
			if p == len(pattern) {
				return true
			}
			continue
		}
		if p < len(pattern) {
			if next, ok := one(pattern, p, s[i], fold); ok {
				p = next
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// one matches c against the element of the pattern at p, which is no star, and returns the position behind the element.
func one(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return class(pattern, p+1, c, fold)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, same(pattern[p], c, fold)
}

// class matches c against the class whose text begins at p, behind the bracket.
func class(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	found := false
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		switch left := len(pattern) - p; {
		case left >= 2 && pattern[p] == '\\':
			p++
			found = found || pattern[p] == c
		case left >= 3 && pattern[p+1] == '-':
			found = found || within(pattern[p], pattern[p+2], c, fold)
			p += 2
		default:
			found = found || same(pattern[p], c, fold)
		}
	}
	return min(p+1, len(pattern)), found != not
}

func within(lo, hi, c byte, fold bool) bool {
	if int8(lo) > int8(hi) {
		lo, hi = hi, lo
	}
	if fold {
		lo, hi, c = lower(lo), lower(hi), lower(c)
	}
	return int8(c) >= int8(lo) && int8(c) <= int8(hi)
}

func same(a, b byte, fold bool) bool {
	return a == b || fold && lower(a) == lower(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

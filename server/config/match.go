package config

// match reports whether name matches a glob of CONFIG GET: * ? [a-z] [^a] and
// \ before a character, without regard to case. It remembers only the last
// star, so it takes at most len(pattern)*len(name) steps.
func match(pattern, name string) bool {
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, n
			p++
			continue
		}
		if next, ok := matchOne(pattern, p, name[n]); ok {
			p, n = next, n+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, n = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne compares one character with the element of the pattern at p and
// returns the position after that element.
func matchOne(pattern string, p int, c byte) (int, bool) {
	if p >= len(pattern) {
		return p, false
	}
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, lower(c))
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, lower(pattern[p]) == lower(c)
}

// matchClass compares c with the class whose first character is at p. A class
// that is not closed ends with the pattern.
func matchClass(pattern string, p int, c byte) (int, bool) {
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	found := false
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			found = found || lower(pattern[p]) == c
		case p+2 < len(pattern) && pattern[p+1] == '-':
			lo, hi := lower(pattern[p]), lower(pattern[p+2])
			if lo > hi {
				lo, hi = hi, lo
			}
			found = found || lo <= c && c <= hi
			p += 2
		default:
			found = found || lower(pattern[p]) == c
		}
	}
	if p < len(pattern) {
		p++
	}
	return p, found != negated
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

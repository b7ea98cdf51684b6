package config

import (
	"fmt"
	"strings"
)

// splitWords splits a line into words the way redis.conf does: blanks
// separate; double quotes take \n \r \t \b \a \xHH and escaped quotes; single
// quotes take \'; a closing quote must be followed by a blank or the end. The
// second result is false when quotes do not balance.
func splitWords(line string) ([]string, bool) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\r\n\v\f")
		if line == "" {
			return words, true
		}
		word, rest, ok := nextWord(line)
		if !ok {
			return nil, false
		}
		words = append(words, word)
		line = rest
	}
}

// nextWord takes one word off a line that does not begin with a blank. A quote
// may open in the middle of a word.
func nextWord(line string) (word, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(line); {
		switch line[i] {
		case ' ', '\t', '\r', '\n', '\v', '\f', 0:
			return b.String(), line[i+1:], true
		case '"', '\'':
			n := quoted(&b, line[i:])
			if n < 0 {
				return "", "", false
			}
			return b.String(), line[i+n:], true
		default:
			b.WriteByte(line[i])
			i++
		}
	}
	return b.String(), "", true
}

// quoted unquotes the string that opens at s[0] into b and returns how many
// bytes it took, or -1.
func quoted(b *strings.Builder, s string) int {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			if i+1 < len(s) && !isBlank(s[i+1]) {
				return -1
			}
			return i + 1
		case s[i] == '\\' && quote == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
			b.WriteByte('\'')
		case s[i] == '\\' && quote == '"' && i+1 < len(s):
			i += unescape(b, s[i:]) - 1
		default:
			b.WriteByte(s[i])
		}
	}
	return -1
}

// unescape writes the byte that the escape at s[0] stands for and returns the
// length of the escape.
func unescape(b *strings.Builder, s string) int {
	if s[1] == 'x' && len(s) >= 4 {
		hi, lo := hexDigit(s[2]), hexDigit(s[3])
		if hi >= 0 && lo >= 0 {
			b.WriteByte(byte(hi<<4 | lo))
			return 4
		}
	}
	c := s[1]
	switch c {
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'b':
		c = '\b'
	case 'a':
		c = '\a'
	}
	b.WriteByte(c)
	return 2
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func isBlank(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r'
}

// quote is the inverse of splitWords for one word, always in double quotes.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' || c == '"':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\a':
			b.WriteString(`\a`)
		case c == '\b':
			b.WriteString(`\b`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

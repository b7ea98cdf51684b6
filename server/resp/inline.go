package resp

import "bytes"

// inline reads a request that is a line of words, ended by '\n' with or without
// a '\r' before it. It returns 0 bytes used if the line is incomplete.
func (p *Parser) inline(buf []byte, dst [][]byte, lim *Limits) ([][]byte, int, error) {
	end, err := p.line(buf, 0, '\n', lim.MaxInlineBytes, ErrInlineTooBig)
	if err != nil || end < 0 {
		return dst, 0, err
	}
	line := buf[:end]
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	if bytes.IndexByte(line, '"') >= 0 || bytes.IndexByte(line, '\'') >= 0 {
		line = bytes.Clone(line) // it is unquoted in place, and the caller may have to read the request again
	}
	args, ok := SplitArgs(line, dst)
	if !ok {
		return dst, 0, ErrUnbalancedQuotes
	}
	return args, end + 1, nil
}

// SplitArgs splits a line into words as inline requests, redis-cli and the
// configuration file do, and appends them to dst. Words are separated by white
// space. Between double quotes the escapes \n \r \t \b \a \xHH and \ before any
// other byte count, between single quotes only \'. A closing quote must end the
// word. A NUL byte ends the line.
//
// The words alias line, in which they are unquoted in place. It returns false
// if a quote is not closed or something follows the closing one.
func SplitArgs(line []byte, dst [][]byte) ([][]byte, bool) {
	r := 0
	for {
		for r < len(line) && isSpace(line[r]) {
			r++
		}
		if r == len(line) || line[r] == 0 {
			return dst, true
		}
		start, w := r, r
		for word := true; word && r < len(line); {
			switch c := line[r]; c {
			case ' ', '\n', '\r', '\t', 0:
				word = false
			case '"', '\'':
				var ok bool
				r, w, ok = unquote(line, r, w)
				if !ok || r < len(line) && line[r] != 0 && !isSpace(line[r]) {
					return dst, false
				}
				word = false
			default:
				line[w] = c
				w++
				r++
			}
		}
		dst = append(dst, line[start:w:w])
	}
}

// unquote copies the quoted part that starts with the quote at line[r] to
// line[w:], w <= r, and returns the offset after the closing quote, the end of
// what it wrote, and whether there was a closing quote.
func unquote(line []byte, r, w int) (next, end int, ok bool) {
	quote := line[r]
	for r++; r < len(line); r++ {
		c := line[r]
		switch {
		case c == 0:
			return r, w, false
		case c == quote:
			return r + 1, w, true
		case c != '\\' || r+1 == len(line):
		case quote == '\'':
			if line[r+1] == '\'' {
				r++
				c = '\''
			}
		case line[r+1] == 'x' && r+3 < len(line) && hexDigit(line[r+2]) >= 0 && hexDigit(line[r+3]) >= 0:
			c = byte(hexDigit(line[r+2])<<4 | hexDigit(line[r+3]))
			r += 3
		default:
			r++
			c = unescape(line[r])
		}
		line[w] = c
		w++
	}
	return r, w, false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
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

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

package client

import (
	"fmt"
	"strconv"
	"strings"

	tidwall "github.com/tidwall/resp"
)

func isError(v tidwall.Value) bool { return v.Type() == tidwall.Error && !v.IsNull() }

func (c *Client) print(reply tidwall.Value) {
	if c.opts.Formatted {
		c.opts.Out.Write(appendFormatted(nil, reply, ""))
		return
	}
	c.opts.Out.Write(append(appendRaw(nil, reply), '\n'))
}

// appendFormatted appends a reply the way a person reads it: with its type, and
// elements of arrays numbered and indented. Every line ends with '\n'; all but
// the first of an array begin with prefix.
func appendFormatted(dst []byte, v tidwall.Value, prefix string) []byte {
	if v.IsNull() {
		return append(dst, "(nil)\n"...)
	}
	switch v.Type() {
	case tidwall.Error:
		return fmt.Appendf(dst, "(error) %s\n", v.Bytes())
	case tidwall.SimpleString:
		return append(append(dst, v.Bytes()...), '\n')
	case tidwall.Integer:
		return fmt.Appendf(dst, "(integer) %d\n", v.Integer())
	case tidwall.BulkString:
		return append(appendQuoted(dst, v.Bytes()), '\n')
	}
	elems := v.Array()
	if len(elems) == 0 {
		return append(dst, "(empty array)\n"...)
	}
	width := len(strconv.Itoa(len(elems)))
	inner := prefix + strings.Repeat(" ", width+2)
	for i, elem := range elems {
		if i > 0 {
			dst = append(dst, prefix...)
		}
		dst = fmt.Appendf(dst, "%*d) ", width, i+1)
		dst = appendFormatted(dst, elem, inner)
	}
	return dst
}

// appendRaw appends a reply for another program: elements of arrays on lines of
// their own, a null as nothing, an error with an empty line after it.
func appendRaw(dst []byte, v tidwall.Value) []byte {
	if v.IsNull() {
		return dst
	}
	switch v.Type() {
	case tidwall.Error:
		return append(append(dst, v.Bytes()...), '\n')
	case tidwall.Integer:
		return strconv.AppendInt(dst, int64(v.Integer()), 10)
	case tidwall.Array:
		for i, elem := range v.Array() {
			if i > 0 {
				dst = append(dst, '\n')
			}
			dst = appendRaw(dst, elem)
		}
		return dst
	}
	return append(dst, v.Bytes()...)
}

// appendQuoted appends b in double quotes, in the syntax that resp.SplitArgs
// reads.
func appendQuoted(dst, b []byte) []byte {
	dst = append(dst, '"')
	for _, c := range b {
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\a':
			dst = append(dst, `\a`...)
		case '\b':
			dst = append(dst, `\b`...)
		default:
			if c >= ' ' && c <= '~' {
				dst = append(dst, c)
			} else {
				dst = fmt.Appendf(dst, `\x%02x`, c)
			}
		}
	}
	return append(dst, '"')
}

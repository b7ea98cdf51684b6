package servertest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Reply is one decoded RESP2 or RESP3 reply together with its bytes.
type Reply struct {
	// Type is the first byte on the wire: one of + - : $ * _ % ~ , # ( = > !.
	Type byte
	// Null is set for $-1, *-1 and _.
	Null bool
	// Str is the text of a scalar as sent, without type byte and CRLF; for verbatim strings without the format.
	Str string
	// Int is the value of an integer, and 1 for a boolean #t.
	Int int64
	// Elems are the elements of an aggregate; a map has key, value, key, value.
	Elems []Reply
	// Attrs are the key, value pairs of an attribute that preceded the reply.
	Attrs []Reply
	// Raw is the reply as it came, attributes included.
	Raw []byte
}

// IsError reports whether the reply is an error.
func (r Reply) IsError() bool { return r.Type == '-' || r.Type == '!' }

// Strings returns the texts of the elements of an aggregate, "" for nulls; for integers their decimal text.
func (r Reply) Strings() []string {
	out := make([]string, len(r.Elems))
	for i, e := range r.Elems {
		out[i] = e.Str
	}
	return out
}

// Map returns an aggregate of key, value pairs by key, be it a RESP3 map or a flat RESP2 array.
func (r Reply) Map() map[string]Reply {
	out := make(map[string]Reply, len(r.Elems)/2)
	for i := 0; i+1 < len(r.Elems); i += 2 {
		out[r.Elems[i].Str] = r.Elems[i+1]
	}
	return out
}

// String shows the reply on one line: (nil), (error) text, (integer) 1, "text", [..], {..}.
func (r Reply) String() string {
	switch {
	case r.Null:
		return "(nil)"
	case r.IsError():
		return "(error) " + r.Str
	}
	switch r.Type {
	case '+':
		return r.Str
	case ':':
		return "(integer) " + r.Str
	case ',':
		return "(double) " + r.Str
	case '#':
		return "(boolean) " + r.Str
	case '(':
		return "(big number) " + r.Str
	case '*', '~', '>', '%':
		return r.aggregateString()
	}
	return strconv.Quote(r.Str)
}

func (r Reply) aggregateString() string {
	parts := make([]string, len(r.Elems))
	for i, e := range r.Elems {
		parts[i] = e.String()
	}
	prefix := ""
	if r.Type != '*' {
		prefix = string(r.Type)
	}
	return prefix + "[" + strings.Join(parts, " ") + "]"
}

// maxReplyBytes bounds one announced length, so that garbage cannot ask for all memory.
const maxReplyBytes = 1 << 30

// tee keeps the bytes that the decoder consumed.
type tee struct {
	r   *bufio.Reader
	raw bytes.Buffer
}

func (t *tee) line() (string, error) {
	b, err := t.r.ReadBytes('\n')
	t.raw.Write(b)
	if err != nil {
		return "", err
	}
	if len(b) < 2 || b[len(b)-2] != '\r' {
		return "", fmt.Errorf("%w: line %q without CRLF", ErrProtocol, b)
	}
	return string(b[:len(b)-2]), nil
}

func (t *tee) body(n int) (string, error) {
	b := make([]byte, n+2)
	got, err := io.ReadFull(t.r, b)
	t.raw.Write(b[:got])
	if err != nil {
		return "", err
	}
	if b[n] != '\r' || b[n+1] != '\n' {
		return "", fmt.Errorf("%w: body of %d bytes without CRLF", ErrProtocol, n)
	}
	return string(b[:n]), nil
}

// readReply decodes one reply, including attributes before it.
func readReply(r *bufio.Reader) (Reply, error) {
	t := &tee{r: r}
	reply, err := t.reply()
	reply.Raw = t.raw.Bytes()
	return reply, err
}

func (t *tee) reply() (Reply, error) {
	start := t.raw.Len()
	line, err := t.line()
	if err != nil {
		return Reply{}, err
	}
	if line == "" {
		return Reply{}, fmt.Errorf("%w: empty line", ErrProtocol)
	}
	reply, err := t.value(line[0], line[1:])
	if err == nil && reply.Type == '|' {
		attrs := reply.Elems
		reply, err = t.reply()
		reply.Attrs = attrs
	}
	reply.Raw = bytes.Clone(t.raw.Bytes()[start:])
	return reply, err
}

func (t *tee) value(kind byte, rest string) (Reply, error) {
	reply := Reply{Type: kind, Str: rest}
	var err error
	switch kind {
	case '+', '-', ',', '(':
	case ':':
		reply.Int, err = strconv.ParseInt(rest, 10, 64)
	case '#':
		if rest != "t" && rest != "f" {
			return reply, fmt.Errorf("%w: boolean %q", ErrProtocol, rest)
		}
		if rest == "t" {
			reply.Int = 1
		}
	case '_':
		reply.Null = true
	case '$', '=', '!':
		err = t.blob(&reply)
	case '*', '~', '>':
		err = t.elems(&reply, 1)
	case '%', '|':
		err = t.elems(&reply, 2)
	default:
		return reply, fmt.Errorf("%w: type byte %q", ErrProtocol, kind)
	}
	return reply, err
}

func (t *tee) blob(reply *Reply) error {
	n, err := length(reply.Str)
	if err != nil {
		return err
	}
	if n < 0 {
		reply.Null, reply.Str = true, ""
		return nil
	}
	reply.Str, err = t.body(n)
	if err == nil && reply.Type == '=' && len(reply.Str) >= 4 {
		reply.Str = reply.Str[4:]
	}
	return err
}

func (t *tee) elems(reply *Reply, perEntry int) error {
	n, err := length(reply.Str)
	if err != nil {
		return err
	}
	reply.Str = ""
	if n < 0 {
		reply.Null = true
		return nil
	}
	for range n * perEntry {
		e, err := t.reply()
		if err != nil {
			return err
		}
		reply.Elems = append(reply.Elems, e)
	}
	return nil
}

func length(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < -1 || n > maxReplyBytes {
		return 0, fmt.Errorf("%w: length %q", ErrProtocol, s)
	}
	return n, nil
}

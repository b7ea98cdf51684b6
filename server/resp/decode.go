package resp

import (
	"bytes"
	"strconv"
)

// MaxDepth is how deep a reply may nest.
const MaxDepth = 128

// MaxReplyBytes bounds an announced length. Lengths are never a reason to
// allocate; the bound keeps arithmetic on them exact.
const MaxReplyBytes = 1 << 40

// Kind is the type of a reply: the byte that begins it on the wire.
type Kind byte

// The kinds of RESP2 and RESP3.
const (
	KindStatus    Kind = '+'
	KindError     Kind = '-'
	KindInt       Kind = ':'
	KindBulk      Kind = '$'
	KindArray     Kind = '*'
	KindNull      Kind = '_' // also the RESP2 nulls $-1 and *-1; see Value.NullArray
	KindBool      Kind = '#'
	KindDouble    Kind = ','
	KindBigNumber Kind = '('
	KindBulkError Kind = '!'
	KindVerbatim  Kind = '='
	KindMap       Kind = '%'
	KindSet       Kind = '~'
	KindPush      Kind = '>'
	KindAttribute Kind = '|'
)

// Value is a decoded reply. Byte slices alias the buffer it was decoded from.
type Value struct {
	// Kind tells which of the other fields count.
	Kind Kind
	// NullArray is set for a null that was written *-1.
	NullArray bool
	// Int is the integer of KindInt, and 1 or 0 for KindBool.
	Int int64
	// Str is the text of a status, error, bulk string, bulk error, verbatim
	// string without its format, big number or double.
	Str []byte
	// Elems are the elements of an array, set or push, and the keys and values
	// of a map or attribute in turn.
	Elems []Value
}

// IsNull reports whether the reply is a null of either protocol.
func (v *Value) IsNull() bool { return v.Kind == KindNull }

// IsError reports whether the reply is an error.
func (v *Value) IsError() bool { return v.Kind == KindError || v.Kind == KindBulkError }

// Float returns the number of a KindDouble; strconv's syntax includes inf and nan.
func (v *Value) Float() (float64, bool) {
	f, err := strconv.ParseFloat(string(v.Str), 64)
	return f, err == nil
}

// Decode reads one RESP2 or RESP3 reply from the front of buf and returns it
// with the number of bytes it took. Attributes, which annotate the value after
// them, are skipped.
//
// It returns ErrIncomplete if buf ends inside the reply: the caller reads more
// and decodes from the start again, so for replies that arrive in very many
// pieces it should let the buffer double before it tries again. What it allocates
// is proportional to len(buf), never to a length that the reply announces.
// Other errors wrap ErrMalformed, ErrTooDeep or ErrTooLong and leave the stream
// without meaning.
func Decode(buf []byte) (Value, int, error) {
	d := decoder{buf: buf}
	v, err := d.value(0)
	return v, d.pos, err
}

type decoder struct {
	buf []byte
	pos int
}

func (d *decoder) value(depth int) (Value, error) {
	for {
		if depth > MaxDepth {
			return Value{}, ErrTooDeep
		}
		if d.pos >= len(d.buf) {
			return Value{}, ErrIncomplete
		}
		kind := Kind(d.buf[d.pos])
		line, err := d.line(kind)
		if err != nil {
			return Value{}, err
		}
		switch kind {
		case KindAttribute:
			if _, err = d.aggregate(kind, line, depth); err != nil {
				return Value{}, err
			}
			continue
		case KindArray, KindMap, KindSet, KindPush:
			return d.aggregate(kind, line, depth)
		case KindBulk, KindBulkError, KindVerbatim:
			return d.blob(kind, line)
		default:
			return scalar(kind, line)
		}
	}
}

// line returns the rest of the line after the type byte.
func (d *decoder) line(kind Kind) ([]byte, error) {
	if !kind.known() {
		return nil, ErrMalformed
	}
	rest := d.buf[d.pos+1:]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		if kind.isNumber() && len(rest) > maxNumberBytes {
			return nil, ErrMalformed
		}
		return nil, ErrIncomplete
	}
	if end == 0 || rest[end-1] != '\r' {
		return nil, ErrMalformed
	}
	d.pos += 1 + end + 1
	return rest[: end-1 : end-1], nil
}

// maxNumberBytes bounds the line of a number or length; longer ones are not
// waited for.
const maxNumberBytes = 64

func (k Kind) known() bool {
	switch k {
	case KindStatus, KindError, KindBigNumber:
		return true
	}
	return k.isNumber()
}

// isNumber reports whether the first line of the kind is short.
func (k Kind) isNumber() bool {
	switch k {
	case KindInt, KindBulk, KindArray, KindNull, KindBool, KindDouble, KindBulkError,
		KindVerbatim, KindMap, KindSet, KindPush, KindAttribute:
		return true
	}
	return false
}

func scalar(kind Kind, line []byte) (Value, error) {
	v := Value{Kind: kind, Str: line}
	ok := true
	switch kind {
	case KindInt:
		if len(line) > 0 && line[0] == '+' {
			line = line[1:]
		}
		v.Int, ok = ParseInt(line)
		v.Str = nil
	case KindNull:
		ok = len(line) == 0
		v.Str = nil
	case KindBool:
		ok = len(line) == 1 && (line[0] == 't' || line[0] == 'f')
		if ok && line[0] == 't' {
			v.Int = 1
		}
		v.Str = nil
	case KindDouble:
		_, ok = v.Float()
	case KindBigNumber:
		ok = isExponent(line)
	}
	if !ok {
		return Value{}, ErrMalformed
	}
	return v, nil
}

// length reads the number after a type byte; -1 is a null.
func length(line []byte) (int, error) {
	n, ok := ParseInt(line)
	switch {
	case !ok || n < -1:
		return 0, ErrMalformed
	case n > MaxReplyBytes:
		return 0, ErrTooLong
	}
	return int(n), nil
}

func (d *decoder) blob(kind Kind, line []byte) (Value, error) {
	n, err := length(line)
	if err != nil {
		return Value{}, err
	}
	if n < 0 {
		if kind != KindBulk {
			return Value{}, ErrMalformed
		}
		return Value{Kind: KindNull}, nil
	}
	if n+2 > len(d.buf)-d.pos {
		return Value{}, ErrIncomplete
	}
	end := d.pos + n
	if d.buf[end] != '\r' || d.buf[end+1] != '\n' {
		return Value{}, ErrMalformed
	}
	text := d.buf[d.pos:end:end]
	d.pos = end + 2
	if kind == KindVerbatim {
		if len(text) < 4 || text[3] != ':' {
			return Value{}, ErrMalformed
		}
		text = text[4:]
	}
	return Value{Kind: kind, Str: text}, nil
}

func (d *decoder) aggregate(kind Kind, line []byte, depth int) (Value, error) {
	n, err := length(line)
	if err != nil {
		return Value{}, err
	}
	if n < 0 {
		if kind != KindArray {
			return Value{}, ErrMalformed
		}
		return Value{Kind: KindNull, NullArray: true}, nil
	}
	if kind == KindMap || kind == KindAttribute {
		n *= 2
	}
	// The shortest reply, a null, has three bytes.
	if n > (len(d.buf)-d.pos)/3 {
		return d.short(n, depth)
	}
	v := Value{Kind: kind, Elems: make([]Value, 0, min(n, firstElems))}
	for range n {
		elem, err := d.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Elems = append(v.Elems, elem)
	}
	return v, nil
}

// firstElems bounds what is allocated for an aggregate before its elements are
// seen; nested announcements would otherwise multiply.
const firstElems = 64

// short answers for an aggregate of n elements that buf cannot hold: incomplete,
// unless what is there is malformed already. It keeps nothing.
func (d *decoder) short(n, depth int) (Value, error) {
	for range n {
		if _, err := d.value(depth + 1); err != nil {
			return Value{}, err
		}
	}
	return Value{}, ErrIncomplete
}

package plugin

import (
	"iter"
	"math"
)

// ReplyType is the type of a Reply.
type ReplyType uint8

// Reply types.
const (
	UnknownReply ReplyType = iota // no reply: a nil or freed Reply
	StringReply                   // bulk and simple strings
	ErrorReply
	IntegerReply
	ArrayReply
	NullReply // null and the null array

	// The following types need a call with RESP3 or RESPAuto.

	MapReply
	SetReply
	BoolReply
	DoubleReply
	BigNumberReply
	VerbatimReply
	AttributeReply // what Reply.Attribute returns; never the type of a reply
)

// ReplyImpl is the host's side of Reply.
type ReplyImpl interface {
	// FreeReply takes back a top-level reply and leaves *r zero.
	FreeReply(r *Reply)
}

// Reply is what a called command replied. It is valid until Free, at the latest until the callback returns; so is what
// its accessors hand out. The fields are the host's: modules use the methods, all of which accept a nil Reply.
//
// Rules CALL-7, CALL-8.
type Reply struct {
	Impl    ReplyImpl // nil in elements
	Kind    ReplyType
	Only3   bool    // the reply, or one within it, has a type that RESP2 does not know
	Format  [3]byte // of verbatim strings
	Depth   uint8   // collections within each other, 0 for none
	Integer int64   // 1 and 0 for booleans
	Double  float64
	Text    []byte  // of strings, big numbers and errors, the last without "-"
	Elems   []Reply // of arrays and sets; keys and values of maps and attributes in turn
	Attr    *Reply  // attribute of the reply, or nil
	Wire    []byte  // the reply as the command sent it
}

// Type returns the type; UnknownReply for nil and after Free.
func (r *Reply) Type() ReplyType {
	if r == nil {
		return UnknownReply
	}
	return r.Kind
}

// Len returns the bytes of a string or error, the elements of an array or set, the pairs of a map or attribute, and 0 for
// everything else.
func (r *Reply) Len() int {
	switch r.Type() {
	case StringReply, ErrorReply:
		return len(r.Text)
	case ArrayReply, SetReply:
		return len(r.Elems)
	case MapReply, AttributeReply:
		return len(r.Elems) / 2
	}
	return 0
}

// Int returns the value of an integer, and math.MinInt64 for every other type.
func (r *Reply) Int() int64 {
	if r.Type() != IntegerReply {
		return math.MinInt64
	}
	return r.Integer
}

// Int64 returns the value of an integer; ErrType for every other type.
func (r *Reply) Int64() (int64, error) {
	if r.Type() != IntegerReply {
		return 0, ErrType
	}
	return r.Integer, nil
}

// Float returns the value of a double, and math.MinInt64 for every other type.
func (r *Reply) Float() float64 {
	if r.Type() != DoubleReply {
		return math.MinInt64
	}
	return r.Double
}

// Float64 returns the value of a double; ErrType for every other type.
func (r *Reply) Float64() (float64, error) {
	if r.Type() != DoubleReply {
		return 0, ErrType
	}
	return r.Double, nil
}

// Bool returns the value of a boolean; ok is false for every other type.
func (r *Reply) Bool() (value, ok bool) {
	if r.Type() != BoolReply {
		return false, false
	}
	return r.Integer != 0, true
}

// BigNumber returns the digits of a big number, with its sign; nil for every other type. They are read-only.
func (r *Reply) BigNumber() []byte {
	if r.Type() != BigNumberReply {
		return nil
	}
	return r.Text
}

// Verbatim returns the text of a verbatim string and its format, which has three bytes; nil and "" for every other type. The
// text is read-only.
func (r *Reply) Verbatim() (text []byte, format string) {
	if r.Type() != VerbatimReply {
		return nil, ""
	}
	return r.Text, string(r.Format[:])
}

// Attribute returns what the command told about the reply beside it; nil without. Pairs and MapElem read it.
func (r *Reply) Attribute() *Reply {
	if r == nil {
		return nil
	}
	return r.Attr
}

// Proto returns the reply as the command sent it, with the attributes before it; nil for nil and after Free. The bytes are
// read-only.
func (r *Reply) Proto() []byte {
	if r == nil {
		return nil
	}
	return r.Wire
}

// Bytes returns the bytes of a string, or the text of an error without "-"; nil for every other type. They are
// read-only.
func (r *Reply) Bytes() []byte {
	if t := r.Type(); t != StringReply && t != ErrorReply {
		return nil
	}
	return r.Text
}

// Err returns an error reply as a ReplyError, ready to be returned by the handler; nil for every other type.
func (r *Reply) Err() error {
	if r.Type() != ErrorReply {
		return nil
	}
	return ReplyError(r.Text)
}

// Elem returns an element of an array, the same pointer each time; nil for other types and indexes out of range.
func (r *Reply) Elem(i int) *Reply {
	if r.Type() != ArrayReply || i < 0 || i >= len(r.Elems) {
		return nil
	}
	return &r.Elems[i]
}

// SetElem is Elem for sets.
func (r *Reply) SetElem(i int) *Reply {
	if r.Type() != SetReply || i < 0 || i >= len(r.Elems) {
		return nil
	}
	return &r.Elems[i]
}

// MapElem returns a pair of a map or attribute, the same pointers each time; ok is false for other types and indexes out of
// range.
func (r *Reply) MapElem(i int) (key, value *Reply, ok bool) {
	if t := r.Type(); t != MapReply && t != AttributeReply || i < 0 || i >= len(r.Elems)/2 {
		return nil, nil, false
	}
	return &r.Elems[2*i], &r.Elems[2*i+1], true
}

// All iterates over the elements of an array or set with their indexes; over nothing for every other type.
func (r *Reply) All() iter.Seq2[int, *Reply] {
	return func(yield func(int, *Reply) bool) {
		if t := r.Type(); t != ArrayReply && t != SetReply {
			return
		}
		for i := range r.Elems {
			if !yield(i, &r.Elems[i]) {
				return
			}
		}
	}
}

// Pairs iterates over the pairs of a map or attribute, and over an array two elements at a time, as commands reply maps in
// RESP2. A last element without a partner is left out.
func (r *Reply) Pairs() iter.Seq2[*Reply, *Reply] {
	return func(yield func(k, v *Reply) bool) {
		if t := r.Type(); t != ArrayReply && t != MapReply && t != AttributeReply {
			return
		}
		for i := 0; i+1 < len(r.Elems); i += 2 {
			if !yield(&r.Elems[i], &r.Elems[i+1]) {
				return
			}
		}
	}
}

// ToString copies a string, an error or an integer in decimal into a String that may be kept; false for every other
// type.
func (r *Reply) ToString(ctx Strings) (String, bool) {
	switch r.Type() {
	case StringReply, ErrorReply:
		return ctx.CreateString(r.Text), true
	case IntegerReply:
		return ctx.CreateStringFromInt(r.Integer), true
	}
	return String{}, false
}

// Free gives the reply back early; it is never required. On elements, and a second time, it does nothing.
func (r *Reply) Free() {
	if r != nil && r.Impl != nil {
		r.Impl.FreeReply(r)
	}
}

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
)

// ReplyImpl is the host's side of Reply.
type ReplyImpl interface {
	// FreeReply takes back a top-level reply and leaves *r zero.
	FreeReply(r *Reply)
}

// Reply is what a called command replied. It is valid until Free, at the latest until the callback returns; so is what
// its accessors hand out. The fields are the host's: modules use the methods, all of which accept a nil Reply.
type Reply struct {
	Impl    ReplyImpl // nil in elements
	Kind    ReplyType
	Integer int64
	Text    []byte  // of strings and errors, the latter without "-"
	Elems   []Reply // of arrays
	Wire    []byte  // the reply as the command sent it, in RESP2
}

// Type returns the type; UnknownReply for nil and after Free.
func (r *Reply) Type() ReplyType {
	if r == nil {
		return UnknownReply
	}
	return r.Kind
}

// Len returns the bytes of a string or error, the elements of an array, and 0 for everything else.
func (r *Reply) Len() int {
	switch r.Type() {
	case StringReply, ErrorReply:
		return len(r.Text)
	case ArrayReply:
		return len(r.Elems)
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

// All iterates over the elements of an array with their indexes; over nothing for every other type.
func (r *Reply) All() iter.Seq2[int, *Reply] {
	return func(yield func(int, *Reply) bool) {
		if r.Type() != ArrayReply {
			return
		}
		for i := range r.Elems {
			if !yield(i, &r.Elems[i]) {
				return
			}
		}
	}
}

// Pairs iterates over an array two elements at a time, as HGETALL and CONFIG GET reply maps. A last element without a
// partner is left out.
func (r *Reply) Pairs() iter.Seq2[*Reply, *Reply] {
	return func(yield func(k, v *Reply) bool) {
		if r.Type() != ArrayReply {
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

package plugintest

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"datastore/plugin"
	"datastore/server/resp"
)

// Reply is what a command replied.
type Reply struct {
	// Raw are the bytes on the wire.
	Raw string

	t       testing.TB
	command string // for messages
	value   resp.Value
}

// Set is a set of RESP3, for Want: its elements are compared without regard to order.
type Set []any

// Want compares the reply with a value, and fails the test when they differ:
//
//	nil                        null, and the null array
//	integers of any type       an integer
//	string, []byte, String     a string: bulk, simple or verbatim
//	float64, bool              a double, a boolean; RESP2 has neither: see plugin.Replies
//	*big.Int                   a big number
//	slices, arrays             an array
//	maps                       a map, without regard to order; in RESP2 a map is an array of keys and values
//	Set                        a set
//	error                      an error reply with the error's text, as in Want(plugin.ErrWrongType)
//
// It returns the reply.
func (r Reply) Want(v any) Reply {
	r.t.Helper()
	want, err := show(v)
	if err != nil {
		r.t.Fatalf("%s: Want(%v): %v", r.command, v, err)
	}
	if got := showValue(&r.value); got != want {
		r.t.Errorf("%s: got %s, want %s", r.command, got, want)
	}
	return r
}

// WantRaw compares the bytes of the reply, and fails the test when they differ. It returns the reply.
func (r Reply) WantRaw(bytes string) Reply {
	r.t.Helper()
	if r.Raw != bytes {
		r.t.Errorf("%s: got %q, want %q", r.command, r.Raw, bytes)
	}
	return r
}

// WantErr fails the test unless the reply is an error that contains text. It returns the reply.
func (r Reply) WantErr(text string) Reply {
	r.t.Helper()
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), text) {
		r.t.Errorf("%s: got %s, want an error with %q", r.command, r, text)
	}
	return r
}

// Must ends the test if the reply is an error. It returns the reply.
func (r Reply) Must() Reply {
	r.t.Helper()
	if err := r.Err(); err != nil {
		r.t.Fatalf("%s: got %s", r.command, r)
	}
	return r
}

// Err returns an error reply as a plugin.ReplyError, nil for every other reply.
func (r Reply) Err() error {
	if r.value.IsError() {
		return plugin.ReplyError(r.value.Str)
	}
	return nil
}

// Value returns the reply as a Go value: nil, int64, string, float64, bool, *big.Int, []any, Set, an error, or
// map[string]any, whose keys that are no strings appear as String shows them.
func (r Reply) Value() any { return goValue(&r.value) }

// Int returns an integer; it ends the test for every other reply.
func (r Reply) Int() int64 {
	r.t.Helper()
	if r.value.Kind != resp.KindInt {
		r.t.Fatalf("%s: got %s, want an integer", r.command, r)
	}
	return r.value.Int
}

// Text returns a string; it ends the test for every other reply.
func (r Reply) Text() string {
	r.t.Helper()
	if !isText(r.value.Kind) {
		r.t.Fatalf("%s: got %s, want a string", r.command, r)
	}
	return string(r.value.Str)
}

// Elems returns the elements of an array, set or push message, the keys and values of a map in turn, and nothing for every
// other reply.
func (r Reply) Elems() []Reply {
	list := make([]Reply, len(r.value.Elems))
	for i, v := range r.value.Elems {
		list[i] = Reply{t: r.t, command: fmt.Sprintf("%s: element %d", r.command, i), value: v}
	}
	return list
}

// String shows the reply on one line, as Want's messages do.
func (r Reply) String() string { return showValue(&r.value) }

func isText(k resp.Kind) bool {
	return k == resp.KindBulk || k == resp.KindStatus || k == resp.KindVerbatim
}

func goValue(v *resp.Value) any {
	switch v.Kind {
	case resp.KindInt:
		return v.Int
	case resp.KindBool:
		return v.Int == 1
	case resp.KindDouble:
		f, _ := v.Float()
		return f
	case resp.KindBigNumber:
		n, _ := new(big.Int).SetString(string(v.Str), 10)
		return n
	case resp.KindError, resp.KindBulkError:
		return plugin.ReplyError(v.Str)
	case resp.KindNull:
		return nil
	case resp.KindArray, resp.KindPush:
		return goValues(v.Elems)
	case resp.KindSet:
		return Set(goValues(v.Elems))
	case resp.KindMap:
		return goMap(v)
	}
	return string(v.Str)
}

func goValues(list []resp.Value) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = goValue(&list[i])
	}
	return out
}

func goMap(v *resp.Value) map[string]any {
	m := make(map[string]any, len(v.Elems)/2)
	for i := 0; i+1 < len(v.Elems); i += 2 {
		key := string(v.Elems[i].Str)
		if !isText(v.Elems[i].Kind) {
			key = showValue(&v.Elems[i])
		}
		m[key] = goValue(&v.Elems[i+1])
	}
	return m
}

// text is an argument of a command as bytes.
func text(arg any) (string, error) {
	switch v := arg.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case plugin.String:
		return v.String(), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("an argument of type %T is neither text nor a number", arg)
}

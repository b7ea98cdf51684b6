package host

import (
	"datastore/keyspace"
	"datastore/plugin"
)

// minTexts is the size of the first chunk in bytes; the last one has at most keptBytes.
const minTexts = 4 << 10

// texts is memory for Strings that live until the callback returns, reused by the next one. A chunk that is full is left to
// those who refer to it.
type texts struct{ chunk []byte }

// add copies b. The copy is not nil.
func (t *texts) add(b []byte) []byte { return append(t.room(len(b)), b...) }

// value copies the text of an element.
func (t *texts) value(v keyspace.Value) plugin.String {
	return plugin.StringOf(v.AppendTo(t.room(v.Len())))
}

// room returns n bytes of capacity.
func (t *texts) room(n int) []byte {
	if n > keptBytes {
		return make([]byte, 0, n)
	}
	if t.chunk == nil || n > cap(t.chunk)-len(t.chunk) {
		t.chunk = make([]byte, 0, min(max(minTexts, n, 2*cap(t.chunk)), keptBytes))
	}
	from := len(t.chunk)
	t.chunk = t.chunk[:from+n]
	return t.chunk[from : from : from+n]
}

func (t *texts) reset() { t.chunk = t.chunk[:0] }

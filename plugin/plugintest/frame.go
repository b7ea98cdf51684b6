package plugintest

import (
	"bytes"

	"datastore/server/resp"
)

// frame finds the end of a reply that arrives in pieces: it looks at every byte once, where decoding each time from the
// beginning would take a long time for a long reply. The zero frame is at the beginning of a reply.
type frame struct {
	at   int // bytes that were looked at
	seen int // elements that began, the reply itself included
	due  int // elements beyond it that have been announced
}

// whole reports whether b, which begins with what it was before, has a whole reply; its length is at then. What is malformed
// counts as whole: decoding it says what is wrong.
func (f *frame) whole(b []byte) bool {
	for f.seen <= f.due {
		end := bytes.IndexByte(b[f.at:], '\n')
		if end < 0 {
			return false
		}
		line, next := b[f.at:f.at+end], f.at+end+1
		if len(line) < 2 {
			return true
		}
		n, _ := resp.ParseInt(line[1 : len(line)-1])
		switch resp.Kind(line[0]) {
		case resp.KindBulk, resp.KindBulkError, resp.KindVerbatim:
			if n >= 0 {
				next += int(n) + len("\r\n")
			}
		case resp.KindArray, resp.KindSet, resp.KindPush:
			f.due += max(0, int(n))
		case resp.KindMap:
			f.due += 2 * int(n)
		case resp.KindAttribute:
			f.due += 2*int(n) + 1 // the value that it belongs to
		}
		if next > len(b) {
			return false
		}
		f.at = next
		f.seen++
	}
	return true
}

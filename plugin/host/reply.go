package host

import (
	"bytes"

	"datastore/plugin"
	"datastore/server/resp"
)

const (
	elemsPerChunk = 256
	keptReplies   = 64
)

// replies is the memory of the replies that a handler's calls got. Reply values never move: arrays take their elements
// from chunks, and a chunk that is full is followed by another one.
type replies struct {
	wire  []byte
	tops  []*plugin.Reply
	used  int // of tops
	elems []plugin.Reply
}

// FreeReply implements plugin.ReplyImpl.
func (*replies) FreeReply(r *plugin.Reply) { *r = plugin.Reply{} }

// parse makes a Reply of the bytes that a command wrote, which are copied.
func (p *replies) parse(wire []byte) *plugin.Reply {
	from := len(p.wire)
	p.wire = append(p.wire, wire...)
	if p.used == len(p.tops) {
		p.tops = append(p.tops, &plugin.Reply{})
	}
	r := p.tops[p.used]
	p.used++
	p.value(p.wire[from:len(p.wire):len(p.wire)], r)
	r.Impl = p
	return r
}

// value reads one RESP2 reply, which one of our own commands wrote, and returns what is behind it.
func (p *replies) value(b []byte, r *plugin.Reply) (rest []byte) {
	end := bytes.IndexByte(b, '\n')
	if end < 2 {
		*r = plugin.Reply{}
		return nil
	}
	text := b[1 : end-1]
	rest = b[end+1:]
	switch b[0] {
	case '+':
		*r = plugin.Reply{Kind: plugin.StringReply, Text: text}
	case '-':
		*r = plugin.Reply{Kind: plugin.ErrorReply, Text: text}
	case ':':
		n, _ := resp.ParseInt(text)
		*r = plugin.Reply{Kind: plugin.IntegerReply, Integer: n}
	case '$':
		n, _ := resp.ParseInt(text)
		if n < 0 {
			*r = plugin.Reply{Kind: plugin.NullReply}
			break
		}
		*r = plugin.Reply{Kind: plugin.StringReply, Text: rest[:n:n]}
		rest = rest[n+2:]
	case '*':
		n, _ := resp.ParseInt(text)
		if n < 0 {
			*r = plugin.Reply{Kind: plugin.NullReply}
			break
		}
		elems := p.array(int(n))
		for i := range elems {
			rest = p.value(rest, &elems[i])
		}
		*r = plugin.Reply{Kind: plugin.ArrayReply, Elems: elems}
	}
	r.Wire = b[: len(b)-len(rest) : len(b)-len(rest)]
	return rest
}

// array returns n elements.
func (p *replies) array(n int) []plugin.Reply {
	from := len(p.elems)
	if cap(p.elems)-from < n {
		p.elems, from = make([]plugin.Reply, 0, max(n, elemsPerChunk)), 0
	}
	p.elems = p.elems[:from+n]
	return p.elems[from : from+n : from+n]
}

// release makes everything stale and keeps a bounded part of the memory.
func (p *replies) release() {
	if p.used == 0 {
		return
	}
	for _, r := range p.tops[:p.used] {
		*r = plugin.Reply{}
	}
	clear(p.elems)
	if len(p.tops) > keptReplies {
		p.tops = p.tops[:keptReplies]
	}
	if cap(p.elems) > 4*elemsPerChunk {
		p.elems = nil
	}
	if cap(p.wire) > keptBytes {
		p.wire = nil
	}
	p.used, p.elems, p.wire = 0, p.elems[:0], p.wire[:0]
}

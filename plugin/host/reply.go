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

	freed  int // of those used
	errors int // among all that were read in this callback
}

// FreeReply implements plugin.ReplyImpl.
func (p *replies) FreeReply(r *plugin.Reply) {
	*r = plugin.Reply{}
	p.freed++
}

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

// value reads one reply, which one of our own commands wrote, into r, which is zero, and returns what is behind it.
func (p *replies) value(b []byte, r *plugin.Reply) (rest []byte) {
	end := bytes.IndexByte(b, '\n')
	if end < 2 {
		return nil
	}
	text := b[1 : end-1]
	rest = b[end+1:]
	switch kind := resp.Kind(b[0]); kind {
	case resp.KindStatus:
		r.Kind, r.Text = plugin.StringReply, text
	case resp.KindError:
		r.Kind, r.Text = plugin.ErrorReply, text
		p.errors++
	case resp.KindInt:
		r.Kind = plugin.IntegerReply
		r.Integer, _ = resp.ParseInt(text)
	case resp.KindAttribute:
		return p.attributed(b, rest, text, r)
	case resp.KindBulk, resp.KindBulkError, resp.KindVerbatim:
		rest = p.blob(kind, text, rest, r)
	case resp.KindArray, resp.KindSet, resp.KindPush, resp.KindMap:
		rest = p.aggregate(kind, text, rest, r)
	default:
		scalar3(kind, text, r)
	}
	r.Wire = b[: len(b)-len(rest) : len(b)-len(rest)]
	return rest
}

// blob reads a reply whose length was announced; of no length is null.
func (p *replies) blob(kind resp.Kind, length, rest []byte, r *plugin.Reply) []byte {
	n, _ := resp.ParseInt(length)
	if n < 0 {
		r.Kind = plugin.NullReply
		return rest
	}
	r.Text = rest[:n:n]
	switch kind {
	case resp.KindVerbatim:
		r.Kind, r.Only3 = plugin.VerbatimReply, true
		if copy(r.Format[:], r.Text) == len(r.Format) && n > int64(len(r.Format)) {
			r.Text = r.Text[len(r.Format)+1:]
		}
	case resp.KindBulkError:
		r.Kind, r.Only3 = plugin.ErrorReply, true
		p.errors++
	default:
		r.Kind = plugin.StringReply
	}
	return rest[n+2:]
}

// aggregate reads the elements of a collection.
func (p *replies) aggregate(kind resp.Kind, length, rest []byte, r *plugin.Reply) []byte {
	n, _ := resp.ParseInt(length)
	if n < 0 {
		r.Kind = plugin.NullReply
		return rest
	}
	switch r.Only3 = kind != resp.KindArray; kind {
	case resp.KindMap, resp.KindAttribute:
		r.Kind = plugin.MapReply
		n *= 2
	case resp.KindSet:
		r.Kind = plugin.SetReply
	default:
		r.Kind = plugin.ArrayReply
	}
	r.Elems = p.array(int(n))
	for i := range r.Elems {
		rest = p.value(rest, &r.Elems[i])
		r.Only3 = r.Only3 || r.Elems[i].Only3
		r.Depth = max(r.Depth, r.Elems[i].Depth)
	}
	r.Depth++
	return rest
}

// attributed reads an attribute, which begins b, and the reply behind it.
func (p *replies) attributed(b, rest, length []byte, r *plugin.Reply) []byte {
	attr := &p.array(1)[0]
	rest = p.aggregate(resp.KindAttribute, length, rest, attr)
	attr.Kind = plugin.AttributeReply
	attr.Wire = b[: len(b)-len(rest) : len(b)-len(rest)]
	rest = p.value(rest, r)
	if r.Attr != nil { // another attribute of the same reply: it has the pairs of the last one
		attr = r.Attr
	}
	r.Attr, r.Only3, r.Depth = attr, true, max(r.Depth, attr.Depth)
	r.Wire = b[: len(b)-len(rest) : len(b)-len(rest)]
	return rest
}

// scalar3 reads what only RESP3 has, on one line.
func scalar3(kind resp.Kind, text []byte, r *plugin.Reply) {
	r.Only3 = true
	switch kind {
	case resp.KindNull:
		r.Kind = plugin.NullReply
	case resp.KindBool:
		r.Kind = plugin.BoolReply
		if string(text) == "t" {
			r.Integer = 1
		}
	case resp.KindDouble:
		r.Kind = plugin.DoubleReply
		v := resp.Value{Str: text}
		r.Double, _ = v.Float()
	case resp.KindBigNumber:
		r.Kind, r.Text = plugin.BigNumberReply, text
	}
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
	p.freed, p.errors = 0, 0
}

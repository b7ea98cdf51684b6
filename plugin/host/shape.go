package host

import (
	"math"

	"datastore/plugin"
	"datastore/server/command"
	"datastore/server/resp"
)

// shape follows what a handler replies: how many replies it has written at the top, where there must be one, and which
// collections are open. An attribute is a collection that counts for nothing where it stands, and that a reply must follow.
type shape struct {
	top       int  // replies begun at the top
	end       int  // of the first one, in the writer's buffer
	annotated bool // the last thing written at the top is an attribute, whose reply is to come
	open      []collection
}

// collection is a reply whose elements are being written.
type collection struct {
	kind      resp.Kind
	want      int // elements, of which a pair has two; plugin.Postponed until its length is set
	got       int
	annotated bool // the last thing written in it is an attribute, whose reply is to come
	mark      resp.Mark
}

func (s *shape) reset() { s.top, s.end, s.annotated, s.open = 0, 0, false, s.open[:0] }

// wrote counts a reply that has just been written up to end, and completes the collections whose last element it is.
func (s *shape) wrote(end int) {
	for n := len(s.open) - 1; n >= 0; n-- {
		c := &s.open[n]
		c.annotated = false
		if c.got++; c.got != c.want {
			return
		}
		s.open = s.open[:n]
		if c.kind == resp.KindAttribute {
			s.annotate()
			return
		}
	}
	s.annotated = false
	if s.top++; s.top == 1 {
		s.end = end
	}
}

// annotate notes that an attribute is complete.
func (s *shape) annotate() {
	if n := len(s.open); n > 0 {
		s.open[n-1].annotated = true
		return
	}
	s.annotated = true
}

// awaits reports whether an attribute is complete whose reply is to come.
func (s *shape) awaits() bool {
	if n := len(s.open); n > 0 {
		return s.open[n-1].annotated
	}
	return s.annotated
}

// complete reports whether one reply has been written, and all of it.
func (s *shape) complete() bool { return s.top == 1 && len(s.open) == 0 && !s.annotated }

// width is the number of replies that a collection's length of 1 stands for.
func width(kind resp.Kind) int {
	if kind == resp.KindMap || kind == resp.KindAttribute {
		return 2
	}
	return 1
}

// ReplyArray implements plugin.Replies.
func (f *frame) ReplyArray(n int) error { return f.openCollection(resp.KindArray, n) }

// ReplyMap implements plugin.Replies.
func (f *frame) ReplyMap(n int) error { return f.openCollection(resp.KindMap, n) }

// ReplySet implements plugin.Replies.
func (f *frame) ReplySet(n int) error { return f.openCollection(resp.KindSet, n) }

// ReplyAttribute implements plugin.Replies.
func (f *frame) ReplyAttribute(n int) error {
	switch w := f.writer(); {
	case w == nil:
		return plugin.ErrNoClient
	case w.Proto < 3:
		return plugin.ErrRESP2
	case f.reply.awaits():
		f.misuse("command '%s' replies an attribute of an attribute", f.cmd.FullName())
		return plugin.ErrReplyShape
	}
	return f.openCollection(resp.KindAttribute, n)
}

// openCollection begins a collection. It fails with ErrTooLarge where they are nested deeper than clients decode, and for
// lengths that no client accepts.
func (f *frame) openCollection(kind resp.Kind, n int) error {
	w := f.writer()
	switch {
	case w == nil:
		return plugin.ErrNoClient
	case n < plugin.Postponed:
		return plugin.ErrInvalid
	case len(f.reply.open) >= resp.MaxDepth-1 || n > math.MaxInt32:
		return plugin.ErrTooLarge
	}
	c := collection{kind: kind, want: n, mark: w.Deferred()}
	if n >= 0 {
		c.want *= width(kind)
		switch kind {
		case resp.KindMap:
			w.Map(n)
		case resp.KindSet:
			w.Set(n)
		case resp.KindAttribute:
			w.Attribute(n)
		default:
			w.Array(n)
		}
	}
	switch {
	case n != 0:
		f.reply.open = append(f.reply.open, c)
	case kind == resp.KindAttribute:
		f.reply.annotate()
	default:
		f.reply.wrote(len(w.Buf))
	}
	return nil
}

// SetArrayLen implements plugin.Replies.
func (f *frame) SetArrayLen(n int) error { return f.setLen(resp.KindArray, n) }

// SetMapLen implements plugin.Replies.
func (f *frame) SetMapLen(n int) error { return f.setLen(resp.KindMap, n) }

// SetSetLen implements plugin.Replies.
func (f *frame) SetSetLen(n int) error { return f.setLen(resp.KindSet, n) }

// SetAttributeLen implements plugin.Replies.
func (f *frame) SetAttributeLen(n int) error { return f.setLen(resp.KindAttribute, n) }

// setLen closes the innermost collection if its kind and length are these.
func (f *frame) setLen(kind resp.Kind, n int) error {
	if f.writer() == nil {
		return plugin.ErrNoClient
	}
	last := len(f.reply.open) - 1
	if last < 0 || !f.reply.open[last].closable(kind, n) {
		f.misuse("command '%s' sets the length of a collection (%c) to %d, but the innermost open one is no such collection with "+
			"so many elements", f.cmd.FullName(), kind, n)
		return plugin.ErrReplyShape
	}
	f.closeCollection()
	return nil
}

// closable reports whether n can become the length of a postponed collection.
func (c *collection) closable(kind resp.Kind, n int) bool {
	return c.kind == kind && c.want == plugin.Postponed && !c.annotated && n >= 0 && n <= math.MaxInt32 && c.got == n*width(kind)
}

// closeCollection gives the innermost collection, a postponed one, the length that it has.
func (f *frame) closeCollection() {
	w, last := &f.cc.W, len(f.reply.open)-1
	c := f.reply.open[last]
	f.reply.open = f.reply.open[:last]
	n := c.got / width(c.kind)
	switch c.kind {
	case resp.KindMap:
		w.SetDeferredMap(c.mark, n)
	case resp.KindSet:
		w.SetDeferredSet(c.mark, n)
	case resp.KindAttribute:
		w.SetDeferredAttribute(c.mark, n)
		f.reply.annotate()
		return
	default:
		w.SetDeferredArray(c.mark, n)
	}
	f.reply.wrote(len(w.Buf))
}

// repair makes one complete reply of what a handler wrote: the connection's stream must never be broken.
func (f *frame) repair() error {
	w, name := &f.cc.W, f.cmd.FullName()
	if !f.Replied() {
		f.misuse("command '%s' returned no reply", name)
		return command.Errorf("ERR module command '" + name + "' returned no reply")
	}
	if n := len(f.reply.open); n > 0 {
		f.misuse("command '%s' left %d collections of its reply incomplete", name, n)
	}
	for nulls := 0; ; {
		last := len(f.reply.open) - 1
		if last >= 0 && f.reply.open[last].filled() {
			f.closeCollection()
			continue
		}
		if last < 0 && !f.reply.annotated {
			break
		}
		if nulls++; nulls > maxNullsFill {
			return command.Errorf("ERR module command '" + name + "' returned an incomplete reply")
		}
		if last < 0 {
			f.misuse("command '%s' replied an attribute of nothing", name)
		}
		w.Null()
		f.reply.wrote(len(w.Buf))
	}
	if f.reply.top > 1 {
		f.misuse("command '%s' wrote %d replies instead of one; the client gets the first", name, f.reply.top)
		w.Buf = w.Buf[:f.reply.end]
	}
	return nil
}

// filled reports whether a collection can be closed as it is.
func (c *collection) filled() bool {
	return c.want == plugin.Postponed && !c.annotated && c.got%width(c.kind) == 0
}

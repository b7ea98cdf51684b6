package host

import (
	"fmt"
	"strings"

	"datastore/plugin"
	"datastore/server/command"
	"datastore/server/resp"
)

// shape follows what a handler replies: how many replies it has written at the top, where there must be one, and which
// collections are open.
type shape struct {
	top  int // replies begun at the top
	end  int // of the first one, in the writer's buffer
	open []collection
}

// collection is an array whose elements are being written.
type collection struct {
	want int // elements; plugin.Postponed until SetArrayLen
	got  int
	mark resp.Mark
}

func (s *shape) reset() { s.top, s.end, s.open = 0, 0, s.open[:0] }

// wrote counts a reply that has just been written up to end, and completes the arrays whose last element it is.
func (s *shape) wrote(end int) {
	for n := len(s.open) - 1; n >= 0; n-- {
		c := &s.open[n]
		if c.got++; c.got != c.want {
			return
		}
		s.open = s.open[:n]
	}
	if s.top++; s.top == 1 {
		s.end = end
	}
}

// writer returns where replies go, nil without a client.
func (f *frame) writer() *resp.Writer {
	if f.noClient {
		return nil
	}
	return &f.cc.W
}

// WrongArity implements plugin.Replies.
func (f *frame) WrongArity() error {
	if f.noClient {
		return plugin.ErrNoClient
	}
	return f.ReplyError(command.ErrArity(f.cmd.FullName()).Text)
}

// ReplyInt implements plugin.Replies.
func (f *frame) ReplyInt(n int64) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.Int(n)
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyError implements plugin.Replies.
func (f *frame) ReplyError(msg string) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.Error(msg)
	f.reply.wrote(len(w.Buf))
	f.countError(msg)
	return nil
}

// ReplyErrorf implements plugin.Replies.
func (f *frame) ReplyErrorf(format string, args ...any) error {
	return f.ReplyError(fmt.Sprintf(format, args...))
}

// ReplyStatus implements plugin.Replies.
func (f *frame) ReplyStatus(msg string) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.Status(msg)
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyBulk implements plugin.Replies.
func (f *frame) ReplyBulk(b []byte) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.Bulk(b)
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyText implements plugin.Replies.
func (f *frame) ReplyText(s string) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.BulkString(s)
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyString implements plugin.Replies.
func (f *frame) ReplyString(s plugin.String) error { return f.ReplyBulk(s.Bytes()) }

// ReplyArray implements plugin.Replies. It fails with ErrTooLarge where arrays are nested deeper than clients decode.
func (f *frame) ReplyArray(n int) error {
	w := f.writer()
	switch {
	case w == nil:
		return plugin.ErrNoClient
	case n < plugin.Postponed:
		return plugin.ErrInvalid
	case len(f.reply.open) >= resp.MaxDepth-1:
		return plugin.ErrTooLarge
	}
	c := collection{want: n, mark: w.Deferred()}
	if n >= 0 {
		w.Array(n)
	}
	if n == 0 {
		f.reply.wrote(len(w.Buf))
		return nil
	}
	f.reply.open = append(f.reply.open, c)
	return nil
}

// SetArrayLen implements plugin.Replies.
func (f *frame) SetArrayLen(n int) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	last := len(f.reply.open) - 1
	if last < 0 || f.reply.open[last].want != plugin.Postponed || f.reply.open[last].got != n {
		f.misuse("command '%s' sets the length of an array to %d that has not got so many elements, or of none",
			f.cmd.FullName(), n)
		return plugin.ErrReplyShape
	}
	f.closeArray()
	return nil
}

// closeArray gives the innermost array, a postponed one, the length that it has.
func (f *frame) closeArray() {
	w, last := &f.cc.W, len(f.reply.open)-1
	c := f.reply.open[last]
	w.SetDeferredArray(c.mark, c.got)
	f.reply.open = f.reply.open[:last]
	f.reply.wrote(len(w.Buf))
}

// ReplyEmptyArray implements plugin.Replies.
func (f *frame) ReplyEmptyArray() error { return f.ReplyArray(0) }

// ReplyNullArray implements plugin.Replies.
func (f *frame) ReplyNullArray() error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.NullArray()
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyNull implements plugin.Replies.
func (f *frame) ReplyNull() error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.Null()
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyEmptyString implements plugin.Replies.
func (f *frame) ReplyEmptyString() error { return f.ReplyBulk(nil) }

// ReplyFloat implements plugin.Replies.
func (f *frame) ReplyFloat(v float64) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.Double(v)
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyReply implements plugin.Replies.
func (f *frame) ReplyReply(r *plugin.Reply) error {
	w := f.writer()
	switch {
	case w == nil:
		return plugin.ErrNoClient
	case r.Type() == plugin.UnknownReply:
		return plugin.ErrStale
	case r.Kind == plugin.ErrorReply:
		f.cmd.Stats.Failed++ // its code was counted when the called command failed
	}
	w.Raw(r.Wire)
	f.reply.wrote(len(w.Buf))
	return nil
}

// Replied implements plugin.Replies.
func (f *frame) Replied() bool { return f.reply.top > 0 || len(f.reply.open) > 0 }

// repair makes one complete reply of what a handler wrote: the connection's stream must never be broken.
func (f *frame) repair() error {
	w, name := &f.cc.W, f.cmd.FullName()
	if !f.Replied() {
		f.misuse("command '%s' returned no reply", name)
		return command.Errorf("ERR module command '" + name + "' returned no reply")
	}
	if n := len(f.reply.open); n > 0 {
		f.misuse("command '%s' left %d arrays of its reply incomplete", name, n)
	}
	nulls := 0
	for n := len(f.reply.open) - 1; n >= 0; n = len(f.reply.open) - 1 {
		c := &f.reply.open[n]
		if c.want == plugin.Postponed {
			f.closeArray()
			continue
		}
		if nulls++; nulls > maxNullsFill {
			return command.Errorf("ERR module command '" + name + "' returned an incomplete reply")
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

// line makes text fit into one line of a log or reply.
func line(text string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
}

package host

import (
	"fmt"
	"strings"

	"datastore/plugin"
	"datastore/server/command"
	"datastore/server/resp"
)

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

// countError counts an error reply that the client gets: by its code, and once as a failure of the command. The errors of
// called commands are counted here, too, when they are passed on; what a module does not pass on is no reply. Errors that are
// written beside the server are counted when the reply is sent.
func (f *frame) countError(text string) {
	if f.blocking.counted != nil {
		*f.blocking.counted = append(*f.blocking.counted, text)
		return
	}
	cmd := f.cmd
	if f.failed {
		cmd = nil
	}
	f.failed = true
	f.host.server.CountError(cmd, text)
}

// countErrors counts the errors in a reply.
func (f *frame) countErrors(r *plugin.Reply) {
	if r.Kind == plugin.ErrorReply {
		f.countError(string(r.Text))
	}
	for i := range r.Elems {
		f.countErrors(&r.Elems[i])
	}
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

// ReplyBool implements plugin.Replies.
func (f *frame) ReplyBool(v bool) error {
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	w.Bool(v)
	f.reply.wrote(len(w.Buf))
	return nil
}

// ReplyBigNumber implements plugin.Replies.
func (f *frame) ReplyBigNumber(decimal string) error {
	w := f.writer()
	switch {
	case w == nil:
		return plugin.ErrNoClient
	case !isDecimal(decimal):
		return plugin.ErrInvalid
	}
	f.digits = append(f.digits[:0], decimal...)
	w.BigNumber(f.digits)
	f.reply.wrote(len(w.Buf))
	return nil
}

// isDecimal reports whether text is digits with an optional sign: a big number is a line of the protocol.
func isDecimal(text string) bool {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// ReplyVerbatim implements plugin.Replies.
func (f *frame) ReplyVerbatim(text []byte, format string) error {
	const formatBytes = 3
	w := f.writer()
	if w == nil {
		return plugin.ErrNoClient
	}
	if len(format) < formatBytes {
		format += "   "
	}
	w.Verbatim(format[:formatBytes], text)
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
	case r.Kind == plugin.AttributeReply:
		return plugin.ErrInvalid
	case r.Only3 && w.Proto < 3:
		return plugin.ErrRESP2
	case len(f.reply.open)+int(r.Depth) >= resp.MaxDepth:
		return plugin.ErrTooLarge
	}
	if f.calls.replies.errors > 0 {
		f.countErrors(r)
	}
	w.Raw(r.Wire)
	f.reply.wrote(len(w.Buf))
	return nil
}

// Replied implements plugin.Replies.
func (f *frame) Replied() bool { return f.reply.top > 0 || f.reply.annotated || len(f.reply.open) > 0 }

// line makes text fit into one line of a log or reply.
func line(text string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
}

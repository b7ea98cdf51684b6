package host

import (
	"fmt"
	"strconv"
	"time"

	"datastore/plugin"
)

// CreateString implements plugin.Strings.
func (f *frame) CreateString(b []byte) plugin.String { return copied(b) }

// copied returns a String of its own bytes, never a missing one.
func copied(b []byte) plugin.String {
	own := make([]byte, len(b))
	copy(own, b)
	return plugin.StringOf(own)
}

// CreateStringFromInt implements plugin.Strings.
func (f *frame) CreateStringFromInt(n int64) plugin.String {
	return plugin.StringOf(strconv.AppendInt(nil, n, 10))
}

// CreateStringf implements plugin.Strings.
func (f *frame) CreateStringf(format string, args ...any) plugin.String {
	return plugin.StringOf(fmt.Appendf(make([]byte, 0, len(format)), format, args...))
}

// FreeString implements plugin.Strings: the garbage collector needs no hint.
func (f *frame) FreeString(plugin.String) {}

// RetainString implements plugin.Strings.
func (f *frame) RetainString(s plugin.String) plugin.String {
	if s.IsZero() {
		return s
	}
	return copied(s.Bytes())
}

// Module implements plugin.Invocation.
func (f *frame) Module() string { return f.module.name }

// Command implements plugin.Invocation.
func (f *frame) Command() string {
	if f.self == nil {
		return ""
	}
	return f.self.literal.Name
}

// ClientID implements plugin.Invocation.
func (f *frame) ClientID() uint64 {
	if f.noClient {
		return 0
	}
	return f.client.ID
}

// Now implements plugin.Invocation.
func (f *frame) Now() time.Time { return time.UnixMilli(f.cc.NowMs) }

// Log implements plugin.Invocation.
func (f *frame) Log(level plugin.LogLevel, format string, args ...any) {
	f.host.server.Log(level, "<"+f.module.name+"> "+line(fmt.Sprintf(format, args...)))
}

// Init implements plugin.Registration.
func (f *frame) Init(string, int, int) error { return plugin.ErrNotInOnLoad }

// CreateCommand implements plugin.Registration.
func (f *frame) CreateCommand(string, plugin.Handler, ...plugin.CommandSpec) error {
	return plugin.ErrNotInOnLoad
}

package host

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"datastore/plugin"
	"datastore/server/resp"
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

// CreateStringFromUint implements plugin.Strings.
func (f *frame) CreateStringFromUint(n uint64) plugin.String {
	return plugin.StringOf(strconv.AppendUint(nil, n, 10))
}

// CreateStringFromFloat implements plugin.Strings.
func (f *frame) CreateStringFromFloat(v float64) plugin.String {
	const leastPlain, mostPlain = 1e-5, 1e21 // between them a number has no exponent
	switch size := math.Abs(v); {
	case math.IsInf(v, 0) || math.IsNaN(v):
		return plugin.StringOf(resp.AppendDouble(nil, v))
	case size == 0 || size >= leastPlain && size < mostPlain:
		return plugin.StringOf(strconv.AppendFloat(nil, v, 'f', -1, 64))
	}
	return plugin.StringOf(strconv.AppendFloat(nil, v, 'e', -1, 64))
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
	return f.self.full
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
	f.host.server.Log(level, f.module.tag()+line(fmt.Sprintf(format, args...)))
}

// tag begins the lines of a module in the log.
func (m *module) tag() string { return "<" + cmp.Or(m.name, "module") + "> " }

// Flags implements plugin.Invocation.
func (f *frame) Flags() plugin.CtxFlags {
	if f.noClient {
		return f.host.server.State(nil) | plugin.FlagDenyBlocking
	}
	flags := f.host.server.State(f.client)
	if f.blocking.phase != phaseNone || f.blocking.own != nil {
		flags |= plugin.FlagDenyBlocking
	}
	return flags
}

// RandomBytes implements plugin.Invocation.
func (f *frame) RandomBytes(dst []byte) {
	_, _ = rand.Read(dst) // never fails
}

// maxEvents is how many events of the latency monitor a module may name.
const maxEvents = 64

// Latency implements plugin.Invocation.
func (f *frame) Latency(event string, d time.Duration) {
	m := f.module
	if _, known := m.events[event]; !known {
		if len(m.events) == maxEvents || event == "" || strings.ContainsFunc(event, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			f.misuse("latency event %q is no name, or one too many", event)
			return
		}
		if m.events == nil {
			m.events = make(map[string]struct{})
		}
		m.events[event] = struct{}{}
	}
	f.host.server.NoteLatency(event, d)
}

// Init implements plugin.Registration.
func (f *frame) Init(string, int, int) error { return plugin.ErrNotInOnLoad }

// CreateCommand implements plugin.Registration.
func (f *frame) CreateCommand(string, plugin.Handler, ...plugin.CommandSpec) error {
	return plugin.ErrNotInOnLoad
}

package host

import (
	"time"

	"datastore/plugin"
)

// What OnLoad and OnUnload may do under the execution lock; see outside.

// CallArgs implements plugin.Calls.
func (o *outside) CallArgs(cmd string, opt plugin.CallOpt, args ...plugin.Arg) (*plugin.Reply, error) {
	return o.RunCmd(o.Cmd(cmd).With(opt).Add(args...))
}

// ReplicateArgs implements plugin.Replication.
func (o *outside) ReplicateArgs(cmd string, opt plugin.CallOpt, args ...plugin.Arg) error {
	return o.ReplicateCmd(o.Cmd(cmd).With(opt).Add(args...))
}

// Flags implements plugin.Invocation.
func (o *outside) Flags() (flags plugin.CtxFlags) {
	o.do(func() { flags = o.frame.Flags() })
	return flags
}

// DBSize implements plugin.Keyspace.
func (o *outside) DBSize() (n int) {
	o.do(func() { n = o.frame.DBSize() })
	return n
}

// Latency implements plugin.Invocation.
func (o *outside) Latency(event string, d time.Duration) {
	o.do(func() { o.frame.Latency(event, d) })
}

// Alloc implements plugin.Memory.
func (o *outside) Alloc(n int) []byte { return mustAlloc(o.TryAlloc(n)) }

// TryAlloc implements plugin.Memory.
func (o *outside) TryAlloc(n int) (b []byte, err error) {
	o.do(func() { b, err = o.frame.TryAlloc(n) })
	return b, err
}

// Calloc implements plugin.Memory.
func (o *outside) Calloc(n, size int) (b []byte) {
	o.do(func() { b = o.frame.Calloc(n, size) })
	return b
}

// Realloc implements plugin.Memory.
func (o *outside) Realloc(p []byte, n int) []byte { return mustAlloc(o.TryRealloc(p, n)) }

// TryRealloc implements plugin.Memory.
func (o *outside) TryRealloc(p []byte, n int) (b []byte, err error) {
	o.do(func() { b, err = o.frame.TryRealloc(p, n) })
	return b, err
}

// Free implements plugin.Memory.
func (o *outside) Free(p []byte) {
	o.do(func() { o.frame.Free(p) })
}

// Strdup implements plugin.Memory.
func (o *outside) Strdup(s string) []byte {
	b := o.Alloc(len(s))
	copy(b, s)
	return b
}

// AccountMemory implements plugin.Memory.
func (o *outside) AccountMemory(delta int64) {
	o.do(func() { o.frame.AccountMemory(delta) })
}

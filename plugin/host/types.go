package host

import (
	"errors"
	"fmt"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/plugin"
)

// nativeType is a native type of a module: what the keyspace and package rdb call, around the methods that the module has
// registered. It keeps their panics away from the callers, who are in the middle of something.
type nativeType struct {
	public plugin.Type
	m      plugin.TypeMethods
	host   *Modules
	module *module
	silent bool // AllocSize has ended a goroutine, and is not asked again
}

var _ rdb.NativeType = (*nativeType)(nil)

// lazyEffort is the effort up to which a value is freed at once, as in Redis.
const lazyEffort = 64

// newType stages a type with a module; it is registered when the module becomes active.
func (h *Modules) newType(m *module, name string, encver int, methods plugin.TypeMethods) (*nativeType, error) {
	id := keyspace.NativeID(name, encver)
	switch {
	case id == 0:
		return nil, fmt.Errorf("%w: type name %q, version %d", plugin.ErrInvalid, name, encver)
	case methods.Load == nil || methods.Save == nil:
		return nil, fmt.Errorf("%w: type %s needs Load and Save", plugin.ErrInvalid, name)
	case h.natives().Type(id) != nil:
		return nil, fmt.Errorf("type %s: %w", name, plugin.ErrBusyName)
	}
	for _, t := range m.types {
		if t.public.Name == name {
			return nil, fmt.Errorf("type %s: %w", name, plugin.ErrBusyName)
		}
	}
	t := &nativeType{
		public: plugin.Type{Name: name, EncVer: encver, Module: m.name, ID: id}, m: methods, host: h, module: m,
	}
	m.types = append(m.types, t)
	return t, nil
}

// natives returns the types that the keyspace knows.
func (h *Modules) natives() *keyspace.Natives { return h.server.Context().Store.Natives() }

// registered returns the type behind what a module was given for it, nil when it is not registered.
func (h *Modules) registered(t *plugin.Type) *nativeType {
	if t == nil {
		return nil
	}
	if nt, ok := h.natives().Type(t.ID).(*nativeType); ok && &nt.public == t {
		return nt
	}
	return nil
}

// CreateType implements plugin.Types.
func (f *frame) CreateType(string, int, plugin.TypeMethods) (*plugin.Type, error) {
	return nil, plugin.ErrNotInOnLoad
}

// CreateType implements plugin.Types.
func (o *outside) CreateType(name string, encver int, m plugin.TypeMethods) (t *plugin.Type, err error) {
	switch {
	case !o.loading:
		return nil, plugin.ErrNotInOnLoad
	case o.module.name == "":
		return nil, plugin.ErrNotInitialized
	}
	o.do(func() {
		var nt *nativeType
		if nt, err = o.host.newType(o.module, name, encver, m); err == nil {
			t = &nt.public
		}
	})
	return t, err
}

// EncodeValue implements plugin.Types.
func (f *frame) EncodeValue(t *plugin.Type, v any) ([]byte, error) {
	nt := f.host.registered(t)
	if nt == nil || v == nil {
		return nil, plugin.ErrInvalid
	}
	w := rdb.NewWriter(nil, rdb.WriterOptions{})
	nt.Save(w, nowhere(), v)
	return w.Bytes(), w.Err()
}

// EncodeValue implements plugin.Types.
func (o *outside) EncodeValue(t *plugin.Type, v any) (b []byte, err error) {
	o.do(func() { b, err = o.frame.EncodeValue(t, v) })
	return b, err
}

// DecodeValue implements plugin.Types.
func (f *frame) DecodeValue(t *plugin.Type, b []byte, encver int) (any, error) {
	nt := f.host.registered(t)
	if nt == nil {
		return nil, plugin.ErrInvalid
	}
	return nt.decode(nowhere(), encver, rdb.NewBytesReader(b, rdb.ReaderOptions{}), false)
}

// DecodeValue implements plugin.Types.
func (o *outside) DecodeValue(t *plugin.Type, b []byte, encver int) (v any, err error) {
	o.do(func() { v, err = o.frame.DecodeValue(t, b, encver) })
	return v, err
}

// nowhere is the key of a value that has none.
func nowhere() keyspace.KeyAt { return keyspace.KeyAt{DB: -1} }

// guard runs a method of the type beside the caller, who waits; the error is a *PanicError or ErrGoexit.
func (t *nativeType) guard(method string, f func()) error {
	w := t.host.workers.take()
	defer t.host.workers.give(w)
	w.method = f
	return t.returned(method, w.do())
}

// returned logs and counts a method that did not return.
func (t *nativeType) returned(method string, err error) error {
	if err != nil {
		t.module.panics.Add(1)
		t.host.logStack(t.module, err)
		t.logf(plugin.Warning, "method %s did not return: %v", method, err)
	}
	return err
}

func (t *nativeType) logf(level plugin.LogLevel, format string, args ...any) {
	t.host.server.Log(level, "<"+t.module.name+"> type "+t.public.Name+": "+fmt.Sprintf(format, args...))
}

// optCtx describes a key to a method.
func optCtx(at keyspace.KeyAt) plugin.OptCtx {
	return plugin.OptCtx{Key: plugin.StringOf(at.Key), DB: at.DB, ToDB: -1}
}

// ID implements keyspace.NativeType.
func (t *nativeType) ID() uint64 { return t.public.ID }

// Name implements keyspace.NativeType.
func (t *nativeType) Name() string { return t.public.Name }

// Load implements keyspace.NativeType.
func (t *nativeType) Load(at keyspace.KeyAt, version int, payload []byte) (any, error) {
	return t.decode(at, version, rdb.NewBytesReader(payload, rdb.ReaderOptions{}), true)
}

var (
	errNoValue  = errors.New("Load returned no value")
	errNotAll   = errors.New("more was saved than Load has read")
	errTooEarly = errors.New("reading failed")
)

// decode makes a value of what r gives. With ended that must end where the value does.
func (t *nativeType) decode(at keyspace.KeyAt, version int, r *rdb.Reader, ended bool) (v any, err error) {
	s := t.newStream(at)
	s.r = r
	if err := t.guard("Load", func() { v, err = t.m.Load(&s.IO, version) }); err != nil {
		return nil, err
	}
	readErr := s.end()
	switch {
	case readErr != nil:
		t.logf(plugin.Warning, "Error loading data from RDB (short read or EOF). Read performed by module '%s' about type '%s' "+
			"after reading '%d' bytes of a value for key named: '%s'.", t.module.name, t.public.Name, r.Offset(), at.Key)
		err = fmt.Errorf("%w: %w", errTooEarly, readErr)
	case err != nil:
	case v == nil:
		err = errNoValue
	case ended:
		if r.ReadModuleEnd(); r.Err() != nil {
			err = errNotAll
		}
	}
	if err == nil {
		return v, nil
	}
	if v != nil {
		t.Free(v, false)
	}
	return nil, err
}

// Save implements rdb.NativeType.
func (t *nativeType) Save(w *rdb.Writer, at keyspace.KeyAt, v any) {
	s := t.newStream(at)
	s.w = w
	err := t.guard("Save", func() { t.m.Save(&s.IO, v) })
	if e := s.end(); err == nil {
		err = e
	}
	if err != nil {
		w.Fail(fmt.Errorf("%w to save a value of type %s: %w", rdb.ErrModule, t.public.Name, err))
	}
}

// Bytes implements keyspace.NativeType.
func (t *nativeType) Bytes(v any) int64 {
	if t.m.AllocSize == nil || t.silent {
		return 0
	}
	w := t.host.workers.take()
	defer t.host.workers.give(w)
	w.sized, w.value = t, v
	if t.returned("AllocSize", w.do()) != nil {
		return 0
	}
	return max(w.size, 0)
}

// size is Bytes on the goroutine of a handler that had the value to write: handing over to a worker would cost as much as the
// whole command. Nothing is half done then, and a handler survives runtime.Goexit; but what closes its keys afterwards would
// not, so the method is not asked again.
func (t *nativeType) size(v any) (n int64) {
	if t.m.AllocSize == nil || t.silent {
		return 0
	}
	returned := false
	defer func() {
		if cause := recover(); cause != nil {
			_ = t.returned("AllocSize", newPanicError(cause))
			n = 0
		} else if !returned {
			t.silent = true
			_ = t.returned("AllocSize", ErrGoexit)
		}
	}()
	n = max(t.m.AllocSize(v), 0)
	returned = true
	return n
}

// Usage implements keyspace.NativeType.
func (t *nativeType) Usage(at keyspace.KeyAt, v any, samples int) (n int64) {
	o := optCtx(at)
	o.SampleSize = samples
	if t.m.MemUsage == nil || t.guard("MemUsage", func() { n = t.m.MemUsage(o, v) }) != nil {
		return t.Bytes(v)
	}
	return max(n, 0)
}

// Copy implements keyspace.NativeType.
func (t *nativeType) Copy(from, to keyspace.KeyAt, v any) (c any, err error) {
	if t.m.Copy == nil {
		return nil, keyspace.ErrNoCopy
	}
	o := optCtx(from)
	o.To, o.ToDB = plugin.StringOf(to.Key), to.DB
	if e := t.guard("Copy", func() { c, err = t.m.Copy(o, v) }); e != nil {
		err = e
	}
	if err != nil {
		t.logf(plugin.Verbose, "a value was not copied: %v", err)
	}
	if err != nil || c == nil {
		return nil, keyspace.ErrCopyFailed
	}
	return c, nil
}

// Leaving implements keyspace.NativeType.
func (t *nativeType) Leaving(at keyspace.KeyAt, v any) (slow bool) {
	o := optCtx(at)
	if t.m.Unlink != nil {
		_ = t.guard("Unlink", func() { t.m.Unlink(o, v) }) // logged; the value goes anyway
	}
	effort := 1
	if t.m.Free != nil && t.m.FreeEffort != nil {
		_ = t.guard("FreeEffort", func() { effort = t.m.FreeEffort(o, v) })
	}
	return effort == 0 || effort > lazyEffort
}

// Free implements keyspace.NativeType.
func (t *nativeType) Free(v any, slow bool) {
	if t.m.Free == nil || slow && t.host.reaper.add(t, v) {
		return
	}
	t.free(v)
}

func (t *nativeType) free(v any) {
	_ = t.guard("Free", func() { t.m.Free(v) }) // logged; nobody waits for it
}

// Digest implements keyspace.NativeType.
func (t *nativeType) Digest(at keyspace.KeyAt, v any, d *keyspace.NativeDigest) {
	if t.m.Digest != nil {
		pd := plugin.Digest{Impl: d, Key: plugin.StringOf(at.Key), DB: at.DB}
		_ = t.guard("Digest", func() { t.m.Digest(&pd, v) })
		return
	}
	w := rdb.NewWriter(nil, rdb.WriterOptions{})
	t.Save(w, at, v)
	w.WriteModuleEnd()
	rdb.DigestModule(d, w.Bytes())
}

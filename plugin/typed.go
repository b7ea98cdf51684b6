package plugin

// MethodsOf are the TypeMethods of a type whose values are pointers to T; see there. Load and Save are required.
type MethodsOf[T any] struct {
	Load       func(io *IO, encver int) (*T, error)
	Save       func(io *IO, v *T)
	Rewrite    func(io *IO, key String, v *T)
	Free       func(v *T)
	FreeEffort func(o OptCtx, v *T) int
	Unlink     func(o OptCtx, v *T)
	AllocSize  func(v *T) int64
	MemUsage   func(o OptCtx, v *T) int64
	Copy       func(o OptCtx, v *T) (*T, error)
	Digest     func(d *Digest, v *T)
	AuxSave    func(io *IO, when AuxWhen)
	AuxLoad    func(io *IO, encver int, when AuxWhen) error
	AuxWhen    AuxWhen
}

// TypeOf is a native type whose values are pointers to T.
//
//	counters, err := plugin.CreateTypeOf(ctx, "counter-1", 0, plugin.MethodsOf[counter]{Load: load, Save: save})
//	...
//	c, err := counters.GetOrCreate(k, newCounter)
//	if err != nil {
//		return err
//	}
//	c.n++
//	return k.Changed()
type TypeOf[T any] struct{ t *Type }

// CreateTypeOf is Types.CreateType for values that are pointers to T.
func CreateTypeOf[T any](ctx Types, name string, encver int, m MethodsOf[T]) (TypeOf[T], error) {
	t, err := ctx.CreateType(name, encver, m.untyped())
	return TypeOf[T]{t}, err
}

// Type returns the type for the functions that are not generic.
func (t TypeOf[T]) Type() *Type { return t.t }

// Get returns the value of a key: nil for an empty key, ErrWrongType for one that holds anything else than this type. The
// key may be nil.
func (t TypeOf[T]) Get(k *Key) (*T, error) {
	switch k.Type() {
	case KeyEmpty:
		return nil, nil
	case KeyModule:
		if kt, v := k.Value(); kt != nil && kt == t.t {
			return v.(*T), nil
		}
	}
	return nil, ErrWrongType
}

// GetOrCreate is Get that stores what create returns in an empty key. Errors as of Get and Key.SetValue.
func (t TypeOf[T]) GetOrCreate(k *Key, create func() *T) (*T, error) {
	v, err := t.Get(k)
	if v == nil && err == nil {
		v = create()
		err = t.Set(k, v)
	}
	return v, err
}

// Set is Key.SetValue.
func (t TypeOf[T]) Set(k *Key, v *T) error {
	if v == nil {
		return ErrInvalid
	}
	return k.SetValue(t.t, v)
}

// Replace is Key.ReplaceValue.
func (t TypeOf[T]) Replace(k *Key, v *T) (old *T, err error) {
	if v == nil {
		return nil, ErrInvalid
	}
	was, err := k.ReplaceValue(t.t, v)
	if err != nil {
		return nil, err
	}
	return was.(*T), nil
}

// untyped wraps those methods that there are.
func (m MethodsOf[T]) untyped() TypeMethods {
	u := TypeMethods{AuxSave: m.AuxSave, AuxLoad: m.AuxLoad, AuxWhen: m.AuxWhen}
	if m.Load != nil {
		u.Load = func(io *IO, encver int) (any, error) { return untypedNil(m.Load(io, encver)) }
	}
	if m.Save != nil {
		u.Save = func(io *IO, v any) { m.Save(io, v.(*T)) }
	}
	if m.Rewrite != nil {
		u.Rewrite = func(io *IO, key String, v any) { m.Rewrite(io, key, v.(*T)) }
	}
	if m.Free != nil {
		u.Free = func(v any) { m.Free(v.(*T)) }
	}
	if m.Unlink != nil {
		u.Unlink = func(o OptCtx, v any) { m.Unlink(o, v.(*T)) }
	}
	if m.Copy != nil {
		u.Copy = func(o OptCtx, v any) (any, error) { return untypedNil(m.Copy(o, v.(*T))) }
	}
	if m.Digest != nil {
		u.Digest = func(d *Digest, v any) { m.Digest(d, v.(*T)) }
	}
	m.sizes(&u)
	return u
}

// sizes wraps the methods that measure a value.
func (m MethodsOf[T]) sizes(u *TypeMethods) {
	if m.FreeEffort != nil {
		u.FreeEffort = func(o OptCtx, v any) int { return m.FreeEffort(o, v.(*T)) }
	}
	if m.AllocSize != nil {
		u.AllocSize = func(v any) int64 { return m.AllocSize(v.(*T)) }
	}
	if m.MemUsage != nil {
		u.MemUsage = func(o OptCtx, v any) int64 { return m.MemUsage(o, v.(*T)) }
	}
}

// untypedNil makes a nil pointer a nil interface, which is what the host looks for.
func untypedNil[T any](v *T, err error) (any, error) {
	if v == nil {
		return nil, err
	}
	return v, err
}

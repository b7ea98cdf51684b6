package plugin

import (
	"errors"
	"testing"
)

// holder is a key that holds a native value; everything else is missing.
type holder struct {
	KeyImpl
	t *Type
	v any
}

func (h *holder) Type() KeyType {
	if h.v == nil {
		return KeyEmpty
	}
	return KeyModule
}
func (h *holder) Value() (*Type, any)           { return h.t, h.v }
func (h *holder) SetValue(t *Type, v any) error { h.t, h.v = t, v; return nil }
func (h *holder) ReplaceValue(t *Type, v any) (old any, err error) {
	if h.t != t {
		return nil, ErrType
	}
	old, h.v = h.v, v
	return old, nil
}

// registry takes the methods of a type.
type registry struct {
	Types
	m TypeMethods
}

func (r *registry) CreateType(name string, encver int, m TypeMethods) (*Type, error) {
	r.m = m
	return &Type{Name: name, EncVer: encver}, nil
}

func TestNilKeyHasNoValue(t *testing.T) {
	var k *Key
	if kt, v := k.Value(); kt != nil || v != nil {
		t.Errorf("the value of a nil key is %v, %v", kt, v)
	}
	_, err := k.ReplaceValue(&Type{}, 1)
	for _, err := range []error{err, k.SetValue(&Type{}, 1), k.Changed()} {
		if !errors.Is(err, ErrNotWritable) {
			t.Errorf("writing to a nil key: %v", err)
		}
	}
}

func TestTypeOf(t *testing.T) {
	var r registry
	asked := ""
	numbers, err := CreateTypeOf(&r, "numbers-1", 3, MethodsOf[int]{
		Load:       func(*IO, int) (*int, error) { return nil, nil },
		Save:       func(_ *IO, v *int) { *v++ },
		Rewrite:    func(_ *IO, _ String, v *int) { *v++ },
		Free:       func(v *int) { *v++ },
		FreeEffort: func(_ OptCtx, v *int) int { *v++; return 7 },
		Unlink:     func(_ OptCtx, v *int) { *v++ },
		AllocSize:  func(v *int) int64 { *v++; return 8 },
		MemUsage:   func(_ OptCtx, v *int) int64 { *v++; return 9 },
		Copy:       func(_ OptCtx, v *int) (*int, error) { c := *v; return &c, nil },
		Digest:     func(_ *Digest, v *int) { *v++ },
		AuxSave:    func(*IO, AuxWhen) { asked += "s" },
		AuxLoad:    func(*IO, int, AuxWhen) error { asked += "l"; return nil },
		AuxWhen:    AuxAfter,
	})
	if err != nil || numbers.Type().Name != "numbers-1" {
		t.Fatal(numbers, err)
	}
	if v, err := r.m.Load(nil, 0); v != nil || err != nil {
		t.Errorf("a nil pointer was loaded as %v, %v", v, err)
	}
	n, o := 0, OptCtx{}
	r.m.Save(nil, &n)
	r.m.Rewrite(nil, String{}, &n)
	r.m.Free(&n)
	r.m.Unlink(o, &n)
	r.m.Digest(nil, &n)
	r.m.AuxSave(nil, AuxBefore)
	if e, a, u := r.m.FreeEffort(o, &n), r.m.AllocSize(&n), r.m.MemUsage(o, &n); e != 7 || a != 8 || u != 9 || n != 8 ||
		r.m.AuxLoad(nil, 1, AuxAfter) != nil || asked != "sl" || r.m.AuxWhen != AuxAfter {
		t.Errorf("effort %d, size %d, usage %d, asked %d times, aux %q", e, a, u, n, asked)
	}
	if c, err := r.m.Copy(o, &n); err != nil || *c.(*int) != n || c == any(&n) {
		t.Errorf("copied %v, %v", c, err)
	}
	bare, _ := CreateTypeOf(&r, "numbers-2", 3, MethodsOf[int]{})
	if m := r.m; m.Load != nil || m.Save != nil || m.Rewrite != nil || m.Free != nil || m.FreeEffort != nil || m.Unlink != nil ||
		m.AllocSize != nil || m.MemUsage != nil || m.Copy != nil || m.Digest != nil || m.AuxSave != nil || m.AuxLoad != nil {
		t.Error("a method that was left out is there")
	}
	checkTyped(t, numbers, bare)
}

// checkTyped uses two types on keys.
func checkTyped(t *testing.T, numbers, other TypeOf[int]) {
	t.Helper()
	h := &holder{}
	k := &Key{Impl: h}
	if v, err := numbers.Get(k); v != nil || err != nil {
		t.Errorf("an empty key has %v, %v", v, err)
	}
	v, err := numbers.GetOrCreate(k, func() *int { return new(int) })
	if err != nil || h.v != any(v) {
		t.Errorf("created %v, %v", v, err)
	}
	again, err := numbers.GetOrCreate(k, func() *int { t.Error("created twice"); return nil })
	if err != nil || again != v {
		t.Errorf("got %v, %v", again, err)
	}
	if old, err := numbers.Replace(k, new(int)); err != nil || old != v {
		t.Errorf("replaced %v, %v", old, err)
	}
	if _, err := other.Get(k); !errors.Is(err, ErrWrongType) {
		t.Errorf("another type: %v", err)
	}
	if _, err := other.Replace(k, new(int)); !errors.Is(err, ErrType) {
		t.Errorf("another type: %v", err)
	}
	h.t = nil // of a module that is not loaded
	if _, err := (TypeOf[int]{}).Get(k); !errors.Is(err, ErrWrongType) {
		t.Errorf("no type: %v", err)
	}
	_, err = numbers.Replace(k, nil)
	for _, err := range []error{err, numbers.Set(k, nil)} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("nil: %v", err)
		}
	}
}

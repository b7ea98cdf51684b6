package rdb

import (
	"errors"
	"fmt"

	"datastore/keyspace"
)

// ErrModule marks a value that the code of its module could not load or save. It is wrapped with the module's reason.
var ErrModule = errors.New("module failed")

// ModuleVersionMask covers the bits of a type's id that say how its values are saved.
const ModuleVersionMask = 1<<10 - 1

// NativeType is a native type whose values can be saved. What a store that is saved holds must be one.
type NativeType interface {
	keyspace.NativeType
	// Save writes v with the WriteModule methods of w, without its id and its end; Writer.Fail says that it could not.
	Save(w *Writer, at keyspace.KeyAt, v any)
}

// ModuleAux is what a type of a module has stored beside the keys.
type ModuleAux struct {
	ID      uint64 // of the type
	When    uint64 // ModuleAuxBefore or ModuleAuxAfter the keys
	Payload []byte // as of a value, its end included
}

// Where in a file ModuleAux stands.
const (
	ModuleAuxBefore = 1
	ModuleAuxAfter  = 2
)

// WriteModuleUint writes an integer of a module's value.
func (w *Writer) WriteModuleUint(n uint64) {
	w.WriteLen(moduleUint)
	w.WriteLen(n)
}

// WriteModuleDouble writes a float of a module's value in 8 bytes.
func (w *Writer) WriteModuleDouble(f float64) {
	w.WriteLen(moduleDouble)
	w.WriteDouble(f)
}

// WriteModuleFloat writes a float of a module's value in 4 bytes.
func (w *Writer) WriteModuleFloat(f float32) {
	w.WriteLen(moduleFloat)
	w.WriteFloat(f)
}

// WriteModuleString writes a string of a module's value.
func (w *Writer) WriteModuleString(s []byte) {
	w.WriteLen(moduleString)
	w.WriteString(s)
}

// WriteModuleEnd ends a module's value.
func (w *Writer) WriteModuleEnd() { w.WriteLen(moduleEnd) }

// BeginModuleAux begins what a type has stored beside the keys; WriteModuleEnd ends it.
func (w *Writer) BeginModuleAux(id, when uint64) {
	w.WriteOpcode(opModuleAux)
	w.WriteLen(id)
	w.WriteModuleUint(when)
}

// WriteModuleAux writes what was read as a ModuleAux, byte for byte.
func (w *Writer) WriteModuleAux(a ModuleAux) {
	w.BeginModuleAux(a.ID, a.When)
	w.WriteRaw(a.Payload)
}

// writeNative writes the value of a native type with its id and its end.
func (w *Writer) writeNative(e keyspace.Entry) {
	if id, payload, ok := e.Opaque(); ok {
		w.WriteLen(id)
		w.WriteRaw(payload)
		return
	}
	t, v, _ := e.Native()
	w.WriteLen(t.ID())
	if s, ok := t.(NativeType); ok {
		s.Save(w, keyspace.KeyAt{DB: e.DB().Index(), Key: e.Key()}, v)
	} else {
		w.Fail(fmt.Errorf("%w: type %s cannot be saved", ErrModule, t.Name()))
	}
	w.WriteModuleEnd()
}

// ReadModuleUint reads an integer of a module's value; anything else in its place is ErrCorrupt, as with the others.
func (r *Reader) ReadModuleUint() uint64 {
	r.expect(moduleUint)
	return r.ReadLen()
}

// ReadModuleDouble reads a float of 8 bytes of a module's value.
func (r *Reader) ReadModuleDouble() float64 {
	r.expect(moduleDouble)
	return r.ReadDouble()
}

// ReadModuleFloat reads a float of 4 bytes of a module's value.
func (r *Reader) ReadModuleFloat() float32 {
	r.expect(moduleFloat)
	return r.ReadFloat()
}

// ReadModuleString reads a string of a module's value and appends it to dst.
func (r *Reader) ReadModuleString(dst []byte) []byte {
	r.expect(moduleString)
	return r.ReadString(dst)
}

// ReadModuleEnd reads the end of a module's value.
func (r *Reader) ReadModuleEnd() { r.expect(moduleEnd) }

func (r *Reader) expect(opcode uint64) {
	if c := r.ReadLen(); c != opcode && r.err == nil {
		r.Corrupt("module opcode %d in the place of %d", c, opcode)
	}
}

// moduleElement passes over one element of a module's value and reports whether there are more.
func (r *Reader) moduleElement() (more bool) {
	switch c := r.ReadLen(); {
	case r.err != nil:
	case c == moduleEnd:
		return false
	case c == moduleSint, c == moduleUint:
		r.ReadLen()
	case c == moduleFloat:
		r.Skip(4)
	case c == moduleDouble:
		r.Skip(8)
	case c == moduleString:
		r.SkipString()
	default:
		r.Corrupt("unknown module opcode %d", c)
	}
	return r.err == nil
}

// modulePayload reads a module's value up to and with its end, checks its structure, and appends its bytes to dst as they are.
func (r *Reader) modulePayload(dst []byte) []byte {
	r.capture, r.capturing = dst, true
	for r.moduleElement() {
	}
	dst, r.capture, r.capturing = r.capture, nil, false
	return dst
}

// DigestModule adds the elements of a module's value, as modulePayload gives it, to d: the same for a value that was saved
// with compression and without.
func DigestModule(d *keyspace.NativeDigest, payload []byte) {
	r := NewBytesReader(payload, ReaderOptions{})
	var buf []byte
	for r.err == nil {
		c := r.ReadLen()
		if c == moduleEnd || r.err != nil {
			break
		}
		buf = append(buf[:0], byte(c))
		switch c {
		case moduleSint, moduleUint:
			buf = AppendLen(buf, r.ReadLen())
		case moduleFloat:
			buf = r.ReadRaw(buf, 4)
		case moduleDouble:
			buf = r.ReadRaw(buf, 8)
		default:
			buf = r.ReadString(buf)
		}
		d.Add(buf)
	}
	d.EndSequence()
}

// native reads a value of a module's type and enters it: live when its type is known and may be asked, else as it is.
func (v *decoder) native(to *target) error {
	id := v.r.ReadLen()
	v.elem = v.r.modulePayload(v.elem[:0])
	payload := v.elem
	if cap(v.elem) > maxIdleBytes {
		v.elem = nil
	}
	if v.frozen || to.drop || v.r.err != nil || v.s.Natives().Type(id) == nil {
		return v.opaqueValue(to, id, payload)
	}
	t := v.s.Natives().Type(id)
	val, err := t.Load(keyspace.KeyAt{DB: to.d.Index(), Key: to.key}, int(id&ModuleVersionMask), payload)
	if err != nil {
		return v.r.fail(fmt.Errorf("%w to load a value of type %s: %w", ErrModule, t.Name(), err))
	}
	wanted := v.wanted(to)
	if wanted && to.d.LoadNative(to.key, t, val, to.meta) {
		return nil
	}
	t.Free(val, false)
	if wanted {
		return ErrExists
	}
	return v.r.err
}

// opaqueValue enters a value of a module's type as it is.
func (v *decoder) opaqueValue(to *target, id uint64, payload []byte) error {
	if !v.wanted(to) {
		return v.r.err
	}
	if !to.d.LoadOpaque(to.key, id, payload, to.meta) {
		return ErrExists
	}
	if v.opaque == nil {
		v.opaque = map[uint64]int64{}
	}
	v.opaque[id]++
	return nil
}

package plugin

import "strconv"

// Types registers native data types: keys whose values are Go values of the module's own.
//
// A value lives in memory as what the module made of it. The host calls the methods of its type to write it to RDB files,
// to DUMP payloads and to the append-only file, to read it back, to copy, to sum up and to free it. A value whose module is
// not loaded is kept as the bytes that Save wrote: it can be renamed, copied, dumped, replicated, deleted and written to
// files, and it becomes a Go value again when its module is loaded and opens the key.
//
// Rules TYP-1, TYP-2, TYP-6, RDB-5.
type Types interface {
	// CreateType registers a type. name is its name everywhere, in files too: nine characters of A-Z a-z 0-9 - _. encver
	// says how Save writes values, 0 to 1023; Load is given the number with which a value was written. The type can be
	// used once OnLoad has returned nil. A module with types cannot be unloaded.
	//
	// Errors: ErrNotInOnLoad; ErrNotInitialized; ErrInvalid for a bad name or version, without Load or Save, and for
	// "AAAAAAAAA" with version 0, whose id would be 0; ErrBusyName when a type of any module has the name, whatever its
	// version.
	CreateType(name string, encver int, m TypeMethods) (*Type, error)

	// EncodeValue returns the bytes that Save writes for a value of t. The error is that of Save's IO; ErrInvalid
	// when t is not registered or v is nil.
	EncodeValue(t *Type, v any) ([]byte, error)

	// DecodeValue makes a value of what EncodeValue returned, by Load with encver. The value belongs to the module. The
	// error is that of Load or of its IO, so that truncated bytes give an error even if Load does not look; ErrInvalid
	// when t is not registered.
	DecodeValue(t *Type, b []byte, encver int) (any, error)

	// Heap returns the module's memory outside the heap of Go for the methods of its types, which have no Ctx.
	Heap() *Heap
}

// Type is a registered native type. Types are compared by their pointers. The fields must not be changed.
type Type struct {
	Name   string
	EncVer int
	Module string // the module that registered it
	ID     uint64 // nine characters of six bits, then ten bits of EncVer
}

// AuxWhen says when auxiliary data is saved and loaded.
type AuxWhen uint8

// Moments for auxiliary data.
const (
	AuxBefore AuxWhen = 1 << 0 // before the keys
	AuxAfter  AuxWhen = 1 << 1 // after the keys
)

// OptCtx tells a method of a type which keys it is about, valid until the method returns. A name that is not known is the
// zero String, a database -1.
type OptCtx struct {
	Key, To    String // To is the new key of a copy
	DB, ToDB   int
	SampleSize int // of MEMORY USAGE: how many elements may be looked at, 0 for all of them
}

// TypeMethods are the methods of a native type. Load and Save are required, the others may be nil.
//
// They run one at a time, under the same lock as commands, and get no Ctx: they must not touch the keyspace. The exception is
// Free, which may run on another goroutine beside commands. A panic in one of them is logged and counted, and is an error
// of what was being done.
//
// Rules TYP-3, TYP-5, TYP-7, TYP-8, RDB-2, RDB-3.
type TypeMethods struct {
	// Load makes a value of what Save wrote in version encver. It returns an error when that makes no sense, or io.Err,
	// which it should look at in loops over an announced number of elements. An error, or a nil value, ends the load of a
	// file, makes RESTORE fail, and leaves a value that was not live as it is.
	Load func(io *IO, encver int) (any, error)

	// Save writes a value. The same value should give the same bytes each time: see Digest.
	Save func(io *IO, v any)

	// Rewrite writes the commands that make a value in an empty key, with IO.EmitAOF, for an append-only file that is
	// written without RDB. Such a file needs the module when it is loaded. Without Rewrite a RESTORE command is written,
	// which does not.
	Rewrite func(io *IO, key String, v any)

	// Free releases what the garbage collector does not, such as memory of Heap, after the value has left the keyspace.
	// When FreeEffort was above 64 or 0, and after a flush, it runs beside the server.
	Free func(v any)

	// FreeEffort returns how much work Free is, in elements; 0 for too much to be done at once. Without it the effort
	// is 1.
	FreeEffort func(o OptCtx, v any) int

	// Unlink is told that a value has left its key, by deletion, expiry, overwriting or eviction, before Free. A flush
	// does not call it.
	Unlink func(o OptCtx, v any)

	// AllocSize returns the bytes that a value occupies on the heap of Go, in constant time. It is asked when the value is
	// stored and at Key.Changed, and the answer counts as a part of the dataset in INFO memory and in MEMORY USAGE. Memory
	// of Heap is counted by itself; MemUsage may add it.
	AllocSize func(v any) int64

	// MemUsage returns the bytes of a value for MEMORY USAGE, in place of AllocSize.
	MemUsage func(o OptCtx, v any) int64

	// Copy makes an independent copy for COPY. Without it COPY fails with "not supported for this module key", and with
	// "module key failed to copy" when it returns an error or nil.
	Copy func(o OptCtx, v any) (any, error)

	// Digest adds what a value consists of, for DEBUG DIGEST. Without it the bytes of Save are the digest; then a value
	// that was loaded must be saved as the same bytes. A server that does not have the module always takes those, so
	// that its digest differs from that of one that calls Digest.
	Digest func(d *Digest, v any)

	// AuxSave writes what the module wants to keep in RDB files beside the keys, at the moments in AuxWhen. When it
	// writes nothing the file has no trace of it. AuxLoad reads it; what was saved by a module that is not loaded is kept
	// and saved again, and given to AuxLoad when the module is loaded. An error of AuxLoad ends the load.
	AuxSave func(io *IO, when AuxWhen)
	AuxLoad func(io *IO, encver int, when AuxWhen) error
	AuxWhen AuxWhen
}

// NativeValue is the part of KeyImpl for native types.
type NativeValue interface {
	SetValue(t *Type, v any) error
	ReplaceValue(t *Type, v any) (old any, err error)
	Value() (*Type, any)
	Changed() error
}

// SetValue makes v the value of the key, whatever it held: the old value is freed and the time to live goes. v belongs to
// the keyspace from now on, and must not be stored in another key. Where it is the value of the key already it is not freed:
// that says Changed.
//
// Errors: ErrNotWritable; ErrInvalid when t is not registered or v is nil; ErrIterating while an iteration of the key is
// under way.
func (k *Key) SetValue(t *Type, v any) error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.SetValue(t, v)
}

// ReplaceValue exchanges the value for another one of the same type. The old one is not freed: it belongs to the module.
// The time to live stays.
//
// Errors: those of SetValue; ErrInvalid when v is the value already; ErrEmptyKey; ErrType when the key holds anything but a
// value of t.
func (k *Key) ReplaceValue(t *Type, v any) (old any, err error) {
	if k == nil {
		return nil, ErrNotWritable
	}
	return k.Impl.ReplaceValue(t, v)
}

// Value returns the value of a native type with its type; nil, nil for every other key, and for a value whose module is not
// loaded. The value may be changed in place when the key is open for writing; Changed has to be called then. A value whose
// AllocSize is another one when the key is closed, without Changed, is logged as misuse and taken as changed.
func (k *Key) Value() (*Type, any) {
	if k == nil {
		return nil, nil
	}
	return k.Impl.Value()
}

// Changed says that the value has been changed in place: AllocSize is asked again, WATCH and INFO learn of it, and
// a command that says nothing else about replication is replicated by its effect, RESTORE with the whole value. That costs
// a Save for each such command; a command that calls ReplicateVerbatim costs nothing, but needs the module wherever it is
// replayed.
//
// Errors: ErrNotWritable; ErrEmptyKey; ErrType when the key holds no native value.
func (k *Key) Changed() error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.Changed()
}

// IOImpl is the host's side of IO.
type IOImpl interface {
	SaveUint(n uint64)
	SaveFloat(f float64)
	SaveFloat32(f float32)
	SaveBytes(b []byte)
	LoadUint() uint64
	LoadFloat() float64
	LoadFloat32() float32
	LoadBytes() []byte
	Err() error
	EmitAOF(cmd, format string, args []any)
	Key() (key String, db int)
	Log(level LogLevel, format string, args []any)
}

// IO is the stream that a method of a type writes to or reads from. Its first error stays: what is written afterwards is
// dropped, what is read is zero or nil, and Err tells. Use in a method of the wrong kind is such an error, and so is
// reading a value of another kind than was written. It is valid until the method returns.
//
// Rules RDB-1, RDB-2, RDB-4, MEM-3.
type IO struct{ Impl IOImpl }

// SaveUint writes an unsigned integer.
func (io *IO) SaveUint(n uint64) { io.Impl.SaveUint(n) }

// SaveInt writes a signed integer. In the file it cannot be told from an unsigned one with the same 64 bits.
func (io *IO) SaveInt(n int64) { io.Impl.SaveUint(uint64(n)) }

// SaveFloat writes a float in 8 bytes.
func (io *IO) SaveFloat(f float64) { io.Impl.SaveFloat(f) }

// SaveFloat32 writes a float in 4 bytes.
func (io *IO) SaveFloat32(f float32) { io.Impl.SaveFloat32(f) }

// SaveBytes writes a string, which is copied.
func (io *IO) SaveBytes(b []byte) { io.Impl.SaveBytes(b) }

// SaveString writes a string, which is copied.
func (io *IO) SaveString(s String) { io.Impl.SaveBytes(s.b) }

// LoadUint reads what SaveUint wrote.
func (io *IO) LoadUint() uint64 { return io.Impl.LoadUint() }

// LoadInt reads what SaveInt wrote.
func (io *IO) LoadInt() int64 { return int64(io.Impl.LoadUint()) }

// LoadFloat reads what SaveFloat wrote.
func (io *IO) LoadFloat() float64 { return io.Impl.LoadFloat() }

// LoadFloat32 reads what SaveFloat32 wrote.
func (io *IO) LoadFloat32() float32 { return io.Impl.LoadFloat32() }

// LoadBytes reads what SaveBytes or SaveString wrote, into memory that belongs to the caller; nil after an error.
func (io *IO) LoadBytes() []byte { return io.Impl.LoadBytes() }

// LoadString reads what SaveBytes or SaveString wrote; the String is valid as long as the module refers to it.
func (io *IO) LoadString() String { return String{io.Impl.LoadBytes()} }

// Err returns the first error, nil while all is well.
func (io *IO) Err() error { return io.Impl.Err() }

// EmitAOF writes a command in TypeMethods.Rewrite. The letters of format are those of Calls.Call without "!". A command
// that does not exist, a wrong number of arguments for it, or a bad format is an error that makes the rewrite fail.
func (io *IO) EmitAOF(cmd, format string, args ...any) { io.Impl.EmitAOF(cmd, format, args) }

// Key returns the name of the key that the value belongs to, valid until the method returns, and its database; the zero
// String and -1 where there is none, as in AuxSave and EncodeValue.
func (io *IO) Key() (key String, db int) { return io.Impl.Key() }

// Logf writes a line to the daemon's log under the names of the module and the type.
func (io *IO) Logf(level LogLevel, format string, args ...any) { io.Impl.Log(level, format, args) }

// DigestImpl is the host's side of Digest.
type DigestImpl interface {
	Add(b []byte)
	EndSequence()
}

// Digest sums up one value. Elements without an order are added and ended one by one. A list is added element by element
// and ended once. Of pairs without an order, as in a hash, both halves are added before each end.
//
// Rule DIG-1.
type Digest struct {
	Impl DigestImpl
	Key  String // valid until the method returns
	DB   int
}

// Add adds an element to the sequence.
func (d *Digest) Add(b []byte) { d.Impl.Add(b) }

// AddInt adds the decimal text of n.
func (d *Digest) AddInt(n int64) {
	var text [20]byte
	d.Impl.Add(strconv.AppendInt(text[:0], n, 10))
}

// EndSequence ends the sequence. The order of sequences does not count.
func (d *Digest) EndSequence() { d.Impl.EndSequence() }

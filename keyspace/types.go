package keyspace

import (
	"errors"

	"datastore/keyspace/packed"
)

// Errors of the keyspace.
var (
	ErrWrongType = errors.New("key holds another type")
	ErrTooLong   = errors.New("string would exceed the maximum length")
	ErrNaN       = errors.New("resulting score is not a number")

	ErrNotInteger = errors.New("value is not an integer")
	ErrOverflow   = errors.New("sum is out of range")
)

// MaxStringBytes bounds every string of the keyspace, keys and elements included, whatever Limits say: with what is put around
// it, it stays within the 4 GiB that listpacks and records can address.
const MaxStringBytes = 1<<32 - 1<<16

// Type is the type of a value.
type Type uint8

// Types; TypeNone is that of a missing key. The numbers are those of RDB and DEBUG DIGEST minus one.
const (
	TypeNone Type = iota
	TypeString
	TypeList
	TypeSet
	TypeZSet
	TypeHash
	TypeNative // of a type that a module has brought along
)

// String returns the name that the TYPE command answers; Entry.TypeName knows those of native types.
func (t Type) String() string {
	return [...]string{"none", "string", "list", "set", "zset", "hash", "module"}[t]
}

// Value is an element: bytes, or an integer where the encoding keeps one. It is a view.
type Value = packed.Value

// End is an end of a list.
type End uint8

// Ends of a list.
const (
	Head End = iota
	Tail
)

// Rand returns a uniform random number below n.
type Rand func(n uint64) uint64

// encoding is how a value is stored; it shares a byte with the type.
type encoding uint8

const (
	encInt    encoding = iota // string: 8 bytes
	encEmbstr                 // string set at once, short
	encRaw                    // string, long or edited
	encPacked                 // listpack
	encIntset                 // intset
	encObject                 // index into Store.objects
	encNative                 // index into Store.natives
	encOpaque                 // a native value as it was saved, behind the id of its type
)

// embstrBytes is the length up to which Redis calls a string embstr.
const embstrBytes = 44

func (e encoding) name(t Type) string {
	switch {
	case t == TypeList:
		return "quicklist"
	case e == encInt:
		return "int"
	case e == encEmbstr:
		return "embstr"
	case e == encRaw, e >= encNative:
		return "raw"
	case e == encPacked:
		return "listpack"
	case e == encIntset:
		return "intset"
	case t == TypeZSet:
		return "skiplist"
	}
	return "hashtable"
}

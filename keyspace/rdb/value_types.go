package rdb

import (
	"fmt"

	"datastore/keyspace"
)

const (
	magic           = "REDIS"
	version         = 10 // of the format, that of Redis 7.0
	versionDigits   = 4
	checksumVersion = 5 // since which files end with a checksum
	checksumBytes   = 8
)

// Opcodes stand where a value type could.
const (
	opFunction2 = 245 // source of a function library
	opFunction  = 246 // the same in release candidates of Redis 7
	opModuleAux = 247
	opIdle      = 248 // of the next key: seconds since the last access
	opFreq      = 249 // of the next key: access frequency
	opAux       = 250
	opResizeDB  = 251
	opExpireMs  = 252 // of the next key
	opExpire    = 253 // of the next key, in seconds
	opSelectDB  = 254
	opEOF       = 255
	firstOpcode = opFunction2
)

// What a module writes is a sequence of these, each followed by its value.
const (
	moduleEnd    = 0
	moduleSint   = 1
	moduleUint   = 2
	moduleFloat  = 3
	moduleDouble = 4
	moduleString = 5
)

// Value types. The packed ones are one string, whose bytes are the packed form.
const (
	typeString       = 0
	typeList         = 1
	typeSet          = 2
	typeZSet         = 3 // scores as text
	typeHash         = 4
	typeZSet2        = 5 // binary scores
	typeModule       = 6
	typeModule2      = 7
	typeHashZipmap   = 9
	typeListZiplist  = 10
	typeSetIntset    = 11
	typeZSetZiplist  = 12
	typeHashZiplist  = 13
	typeQuicklist    = 14 // nodes are ziplists
	typeStream       = 15
	typeHashListpack = 16
	typeZSetListpack = 17
	typeQuicklist2   = 18 // nodes are listpacks or plain elements
	typeStream2      = 19
)

// Containers of a node of typeQuicklist2.
const (
	nodePlain  = 1
	nodePacked = 2
)

// unsupported names a type whose values cannot be kept. It reads a module's id, which is part of the name.
func (r *Reader) unsupported(t byte) error {
	switch t {
	case typeStream, typeStream2:
		return r.fail(fmt.Errorf("%w: stream (type %d) at byte %d", ErrUnsupported, t, r.Offset()))
	case typeModule: // without opcodes: only the module knows where such a value ends
		name := keyspace.NativeName(r.ReadLen())
		return r.fail(fmt.Errorf("%w: module type %q at byte %d", ErrUnsupported, name, r.Offset()))
	}
	return r.Corrupt("unknown value type %d", t)
}

package rdb

import (
	"fmt"
	"io"
	"strconv"

	"datastore/keyspace"
)

// LoadOptions are the choices of Load.
type LoadOptions struct {
	NowMs        int64                    // Unix ms that decide what has expired
	KeepExpired  bool                     // load keys whose time has come as well, as a replica must
	Aux          func(name, value string) // called for each AUX field, if set
	SkipChecksum bool                     // do not verify the checksum

	// Frozen leaves native values as they were saved, for a load without the lock that their types need.
	Frozen bool
	// ModuleAux takes what modules have stored beside the keys; the payload is valid during the call, and an error ends
	// the load. Without it that is passed over.
	ModuleAux func(a ModuleAux) error
}

// Info is what a load came to.
type Info struct {
	Bytes   int64 // length up to and with the checksum; after an error, how far the load came
	Keys    int64 // keys loaded
	Expired int64 // keys checked and left out because their time had come
	// Opaque counts the native values that have stayed as they were saved by the ids of their types.
	Opaque map[uint64]int64
}

// maxReserve limits the room made in advance for all keys that a file announces.
const maxReserve = 1 << 20

// maxErrorKey is the length to which keys in errors are cut.
const maxErrorKey = 128

// Load reads a dataset written by Redis up to 7.0 or by Save and adds it to s, whose current unit gives the access clock;
// its keys must be absent from s. It reads r in blocks, thus perhaps further than Info.Bytes.
//
// The error is ErrCorrupt, ErrTruncated, ErrChecksum, ErrVersion, ErrUnsupported or ErrModule, with the offset and the key,
// or that of r. Then s has the keys loaded so far, and the caller should flush it: part of a dataset is no dataset.
func Load(r io.Reader, s *keyspace.Store, o LoadOptions) (Info, error) {
	in := NewReader(r, ReaderOptions{Checksum: !o.SkipChecksum, MaxStringBytes: keyspace.MaxStringBytes})
	l := loader{r: in, values: newDecoder(in, s), s: s, o: o, reserve: maxReserve}
	l.values.frozen = o.Frozen
	l.to.d = s.DB(0)
	err := l.run()
	l.info.Bytes, l.info.Opaque = in.Offset(), l.values.opaque
	return l.info, err
}

type loader struct {
	r       *Reader
	values  decoder
	s       *keyspace.Store
	o       LoadOptions
	version int
	to      target
	reserve uint64 // keys for which room may still be made in advance
	info    Info
}

func (l *loader) run() error {
	l.header()
	l.next()
	for l.r.err == nil {
		c := l.r.ReadOpcode()
		switch {
		case l.r.err != nil:
		case c == opEOF:
			return l.checksum()
		case c >= firstOpcode:
			l.opcode(c)
		default:
			if err := l.key(c); err != nil {
				return err
			}
			l.next()
		}
	}
	return l.r.err
}

// header reads the magic and the version.
func (l *loader) header() {
	p := l.r.next(len(magic) + versionDigits)
	if p == nil {
		return
	}
	if string(p[:len(magic)]) != magic {
		l.r.Corrupt("no rdb file: begins with %q", p)
		return
	}
	n, err := strconv.Atoi(string(p[len(magic):]))
	if err != nil || n < 1 || n > version {
		l.r.fail(fmt.Errorf("%w %q", ErrVersion, p[len(magic):]))
	}
	l.version = n
}

// next forgets what applied to the key before.
func (l *loader) next() {
	l.to.meta = keyspace.Meta{ExpireMs: keyspace.NoExpiry}
}

// key reads a key and its value of type t.
func (l *loader) key(t byte) error {
	to := &l.to
	if to.key = l.r.ReadString(to.key[:0]); l.r.err != nil {
		return l.r.err
	}
	ms := to.meta.ExpireMs
	to.drop = ms != keyspace.NoExpiry && ms < l.o.NowMs && !l.o.KeepExpired
	err := l.values.decode(t, to)
	switch {
	case err == ErrExists:
		err = l.r.Corrupt("key appears twice")
		fallthrough
	case err != nil:
		return fmt.Errorf("key %q in database %d: %w", to.key[:min(len(to.key), maxErrorKey)], to.d.Index(), err)
	case to.drop:
		l.info.Expired++
	default:
		l.info.Keys++
	}
	return nil
}

// opcode reads what follows an opcode.
func (l *loader) opcode(c byte) {
	r := l.r
	switch c {
	case opAux:
		name := string(r.NextString())
		value := r.NextString()
		if r.err == nil && l.o.Aux != nil {
			l.o.Aux(name, string(value))
		}
	case opSelectDB:
		l.selectDB(r.ReadLen())
	case opResizeDB:
		keys, expiring := r.ReadLen(), r.ReadLen()
		if r.err == nil {
			l.makeRoom(keys, expiring)
		}
	case opExpireMs:
		l.to.meta.ExpireMs = r.ReadMillis()
	case opExpire:
		l.to.meta.ExpireMs = r.ReadSeconds() * 1000
	case opIdle:
		l.to.meta.IdleSeconds = int64(r.ReadLen())
	case opFreq:
		r.ReadOpcode()
	case opFunction, opFunction2:
		if c == opFunction || len(r.NextString()) > 0 {
			r.fail(fmt.Errorf("%w: functions at byte %d", ErrUnsupported, r.Offset()))
		}
	case opModuleAux:
		l.moduleAux()
	}
}

// makeRoom prepares the database for the keys that are announced, as far as the announcement is believed.
func (l *loader) makeRoom(keys, expiring uint64) {
	keys = min(keys, l.reserve)
	l.reserve -= keys
	l.to.d.Reserve(int(keys))
	l.to.d.ReserveExpiring(int(min(expiring, keys)))
}

func (l *loader) selectDB(i uint64) {
	switch {
	case l.r.err != nil:
	case i >= uint64(l.s.Databases()):
		l.r.fail(fmt.Errorf("%w: database %d where %d are configured", ErrUnsupported, i, l.s.Databases()))
	default:
		l.to.d = l.s.DB(int(i))
	}
}

// moduleAux reads what a module has stored beside the keys: the id of its type, where that stands, and its values.
func (l *loader) moduleAux() {
	r := l.r
	a := ModuleAux{ID: r.ReadLen(), When: r.ReadModuleUint()}
	a.Payload = r.modulePayload(nil)
	if r.err != nil || l.o.ModuleAux == nil {
		return
	}
	if err := l.o.ModuleAux(a); err != nil {
		r.fail(fmt.Errorf("%w to load what type %s stores beside the keys: %w", ErrModule, keyspace.NativeName(a.ID), err))
	}
}

// checksum reads the end of the file.
func (l *loader) checksum() error {
	if l.version < checksumVersion {
		return nil
	}
	sum := l.r.Sum()
	stored := uint64(l.r.ReadMillis())
	if l.r.err == nil && stored != 0 && !l.o.SkipChecksum && stored != sum {
		return l.r.fail(fmt.Errorf("%w: %016x instead of %016x at byte %d", ErrChecksum, sum, stored, l.r.Offset()))
	}
	return l.r.err
}

package rdb

import (
	"fmt"
	"io"

	"datastore/keyspace"
)

// SaveOptions are the choices of Save.
type SaveOptions struct {
	Compress bool        // LZF for strings and nodes that gain by it ("rdbcompression")
	Checksum bool        // end the file with its CRC64 rather than with 0 ("rdbchecksum")
	Aux      [][2]string // names and values of the AUX fields, in order

	// ModuleAux writes what modules store beside the keys, before and after them; nil writes nothing.
	ModuleAux func(w *Writer, when uint64)
}

// Save writes the whole dataset to w, also keys whose time has come: a replica's file must have what its primary still
// refers to. Nothing may be written to s meanwhile. The error is the first of w or of a module.
func Save(w io.Writer, s *keyspace.Store, o SaveOptions) error {
	out := NewWriter(w, WriterOptions{Compress: o.Compress, Checksum: o.Checksum})
	out.WriteRaw(fmt.Appendf(nil, "%s%0*d", magic, versionDigits, version))
	for _, field := range o.Aux {
		out.WriteOpcode(opAux)
		out.WriteString([]byte(field[0]))
		out.WriteString([]byte(field[1]))
	}
	if o.ModuleAux != nil {
		o.ModuleAux(out, ModuleAuxBefore)
	}
	for i := range s.Databases() {
		out.writeDB(s.DB(i))
	}
	if o.ModuleAux != nil {
		o.ModuleAux(out, ModuleAuxAfter)
	}
	out.WriteOpcode(opEOF)
	out.WriteSum()
	return out.Flush()
}

// writeDB writes the keys of a database that has any.
func (w *Writer) writeDB(d *keyspace.DB) {
	if d.Len() == 0 {
		return
	}
	w.WriteOpcode(opSelectDB)
	w.WriteLen(uint64(d.Index()))
	w.WriteOpcode(opResizeDB)
	w.WriteLen(uint64(d.Len()))
	w.WriteLen(uint64(d.Expires()))
	for e := range d.Records() {
		if ms := e.ExpireAt(); ms != keyspace.NoExpiry {
			w.WriteOpcode(opExpireMs)
			w.WriteMillis(ms)
		}
		w.WriteOpcode(typeOf(e))
		w.WriteString(e.Key())
		w.writeValue(e)
		if w.err != nil {
			return
		}
	}
}

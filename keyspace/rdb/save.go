package rdb

import (
	"io"

	"datastore/keyspace"
)

// SaveOptions are the choices of Save.
type SaveOptions struct {
	Compress bool        // LZF for strings and nodes that gain by it ("rdbcompression")
	Checksum bool        // end the file with its CRC64 rather than with 0 ("rdbchecksum")
	Aux      [][2]string // names and values of the AUX fields, in order
}

// Save writes the whole dataset.
func Save(w io.Writer, s *keyspace.Store, o SaveOptions) error { return nil }

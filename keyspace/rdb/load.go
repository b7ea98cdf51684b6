package rdb

import (
	"io"

	"datastore/keyspace"
)

// LoadOptions are the choices of Load.
type LoadOptions struct {
	NowMs        int64                    // Unix ms that decide what has expired
	KeepExpired  bool                     // load keys whose time has come as well
	Aux          func(name, value string) // called for each AUX field, if set
	SkipChecksum bool                     // do not verify the checksum
}

// Info is what a load came to.
type Info struct {
	Bytes   int64 // length up to and with the checksum
	Keys    int64 // keys loaded
	Expired int64 // keys left out because their time had come
}

// Load adds the dataset in r to s.
func Load(r io.Reader, s *keyspace.Store, o LoadOptions) (Info, error) { return Info{}, nil }

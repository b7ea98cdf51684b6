package rdb

import "datastore/keyspace"

// Dump appends the value of e as a DUMP payload to dst.
func Dump(dst []byte, e keyspace.Entry) []byte { return dst }

// Restore creates key from a DUMP payload; it must be absent.
func Restore(d *keyspace.DB, key, payload []byte, expireMs int64) error { return nil }

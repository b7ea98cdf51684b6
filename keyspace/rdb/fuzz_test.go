package rdb_test

import (
	"bytes"
	"testing"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

// loadAnything loads bytes that may be anything and makes sure that whatever was accepted is sound: it can be walked, and
// comes back the same from another file.
func loadAnything(t testing.TB, file []byte) {
	t.Helper()
	s := keyspace.New(keyspace.Options{})
	defer s.Close()
	s.BeginUnit(1, keyspace.ExpireIgnore)
	_, err := rdb.Load(bytes.NewReader(file), s, rdb.LoadOptions{KeepExpired: true, SkipChecksum: true})
	if err != nil && !isTyped(err) {
		t.Fatalf("untyped error %v", err)
	}
	want := s.Digest()
	if err != nil {
		s.FlushAll()
		return
	}
	c := keyspace.New(keyspace.Options{})
	defer c.Close()
	c.BeginUnit(1, keyspace.ExpireIgnore)
	if _, err := rdb.Load(bytes.NewReader(save(t, s, rdb.SaveOptions{})), c, rdb.LoadOptions{KeepExpired: true}); err != nil {
		t.Fatalf("what was loaded, saved: %v", err)
	}
	sameDigest(t, "loaded, saved and loaded", c.Digest(), want)
}

func FuzzLoad(f *testing.F) {
	f.Add(smallFile(f, rdb.SaveOptions{}))
	f.Add(smallFile(f, rdb.SaveOptions{Compress: true}))
	for _, c := range oldValues {
		f.Add(fileOf(c.version, c.t, c.value))
	}
	f.Add(fileOf(10, 7, pairValue("text")))
	for _, c := range badValues {
		f.Add(fileOf(10, c.t, c.value))
	}
	f.Fuzz(func(t *testing.T, file []byte) { loadAnything(t, file) })
}

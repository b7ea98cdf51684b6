package rdb

import (
	"bytes"
	"strings"
	"testing"

	"datastore/keyspace"
)

// TestLargeElementsAreWrittenPlain lowers the size from which an element is a node of its own, which is 1 GiB otherwise.
func TestLargeElementsAreWrittenPlain(t *testing.T) {
	s := keyspace.New(keyspace.Options{})
	defer s.Close()
	l, _ := s.DB(0).List([]byte("k"))
	elems := []string{"a", strings.Repeat("x", 9000), "b", strings.Repeat("y", 9000), "77", "c"}
	for _, elem := range elems {
		l.Push(keyspace.Tail, []byte(elem))
	}
	w := NewWriter(nil, WriterOptions{})
	w.writeList(&l, 9000)
	for _, elem := range elems {
		if len(elem) > 100 && !bytes.Contains(w.Bytes(), append([]byte{nodePlain, 0x40 | 9000>>8, 9000 & 0xFF}, elem...)) {
			t.Error("a large element is not a plain node")
		}
	}
	to := keyspace.New(keyspace.Options{})
	defer to.Close()
	v := newDecoder(NewBytesReader(w.Bytes(), ReaderOptions{}), to)
	meta := keyspace.Meta{ExpireMs: keyspace.NoExpiry}
	if err := v.decode(typeQuicklist2, &target{d: to.DB(0), key: []byte("k"), meta: meta, only: true}); err != nil {
		t.Fatal(err)
	}
	if to.Digest() != s.Digest() {
		t.Error("the list came back with another digest")
	}
}

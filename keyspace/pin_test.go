package keyspace

import (
	"bytes"
	"testing"
)

// pattern returns n bytes that differ everywhere.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// What is pinned stays as it is, whatever becomes of the string, and its memory is freed once, after the last pin.
func TestPin(t *testing.T) {
	key, n := []byte("k"), 4<<20 // whole pages, so that a byte too many does not go unnoticed
	for name, change := range map[string]func(s *Store, d *DB){
		"nothing":   func(*Store, *DB) {},
		"append":    func(_ *Store, d *DB) { _, _ = d.AppendStr(key, []byte("more")) },
		"set range": func(_ *Store, d *DB) { _, _ = d.SetRange(key, n-2, []byte("more")) },
		"truncate":  func(_ *Store, d *DB) { _ = d.Truncate(key, n/2) },
		"shrink":    func(_ *Store, d *DB) { _ = d.Truncate(key, 10) },
		"lengthen":  func(_ *Store, d *DB) { _ = d.Truncate(key, n+1) },
		"modify":    func(_ *Store, d *DB) { b, _ := d.Modify(key); clear(b) },
		"overwrite": func(_ *Store, d *DB) { d.SetStr(key, []byte("x")) },
		"delete":    func(_ *Store, d *DB) { d.Delete(key) },
		"flush":     func(s *Store, _ *DB) { s.FlushAll() },
		"close":     func(s *Store, _ *DB) { s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s, d := newTestDB(t)
			want := pattern(n)
			d.SetStr(key, want)
			v, _, _ := d.Str(key)
			first, ok1 := s.Pin(v.Bytes)
			second, ok2 := s.Pin(v.Bytes)
			if !ok1 || !ok2 {
				t.Fatal("a string of 4 MB cannot be pinned")
			}
			change(s, d)
			if !s.closed {
				settle(s)
			}
			first.Release()
			if !bytes.Equal(v.Bytes, want) {
				t.Fatal("the pinned bytes have changed")
			}
			second.Release()
			if s.closed {
				return
			}
			s.FlushAll()
			settle(s)
			if s.UsedBytes() != 0 || len(s.pins) != 0 || s.MappedBytes() > 8<<20 {
				t.Errorf("%d bytes used, %d mapped, %d pins", s.UsedBytes(), s.MappedBytes(), len(s.pins))
			}
		})
	}
}

// A buffer that is offered becomes the value of the string that is set to it, and is freed when nothing is.
func TestOffer(t *testing.T) {
	s, d := newTestDB(t)
	want := pattern(MinPinBytes + 5)
	receive := func() []byte {
		b, err := NewBuffer(len(want) + 2)
		if err != nil {
			t.Fatal(err)
		}
		copy(b.Bytes(len(want)), want)
		s.Offer(b, len(want))
		return b.Bytes(len(want))
	}
	for round, store := range []func(v []byte){
		func(v []byte) { d.SetStr([]byte("a"), v) },
		func(v []byte) { d.SetStrExpire([]byte("b"), v, 1<<50); d.SetStr([]byte("c"), v) }, // the second one is a copy
		func(v []byte) { d.SetStrKeepTTL([]byte("b"), v) },
		func(v []byte) { d.SetStr([]byte("d"), v[1:]) },
		func([]byte) {},
	} {
		v := receive()
		store(v)
		s.Retract()
		settle(s)
		for _, key := range []string{"a", "b", "c"} {
			if got, exists, _ := d.Str([]byte(key)); exists && !bytes.Equal(got.Bytes, want) {
				t.Fatalf("round %d: %s is not what was set", round, key)
			}
		}
	}
	if s.arena.Blocks() == 0 || d.Len() != 4 || d.ExpireAt([]byte("b")) != 1<<50 {
		t.Errorf("%d keys, expiry %d", d.Len(), d.ExpireAt([]byte("b")))
	}
	for _, key := range []string{"a", "b", "c", "d"} {
		d.Delete([]byte(key))
	}
	settle(s)
	if got := s.UsedBytes() - d.keys.Bytes() - d.expires.Bytes(); got != 0 {
		t.Errorf("%d bytes left", got)
	}
}

package keyspace

import (
	"encoding/binary"
	"testing"
)

const benchKeys = 1 << 20

// benchKey writes the 16-byte key of a number and scatters the numbers.
func benchKey(buf []byte, i int) []byte {
	binary.LittleEndian.PutUint64(buf, uint64(i)*0x9e3779b97f4a7c15%benchKeys)
	return buf
}

func benchDB(b *testing.B) (*DB, []byte) {
	s := New(Options{})
	b.Cleanup(s.Close)
	s.BeginUnit(1_000_000, ExpireDelete)
	return s.DB(0), make([]byte, 16)
}

func full(b *testing.B) (*DB, []byte) {
	d, key := benchDB(b)
	for i := range benchKeys {
		binary.LittleEndian.PutUint64(key, uint64(i))
		d.SetStr(key, make([]byte, 32))
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.ReportMetric(float64(d.store.UsedBytes())/benchKeys, "B/key")
	return d, key
}

func BenchmarkSetStr1M(b *testing.B) {
	d, key := full(b)
	val := make([]byte, 32)
	for i := range b.N {
		d.SetStr(benchKey(key, i), val)
	}
}

func BenchmarkStr1M(b *testing.B) {
	d, key := full(b)
	for i := range b.N {
		if _, exists, _ := d.Str(benchKey(key, i)); !exists {
			b.Fatal("missing")
		}
	}
}

func BenchmarkListPush(b *testing.B) {
	d, _ := benchDB(b)
	b.ReportAllocs()
	key, val := []byte("list"), []byte("value of 16 byte")
	for range b.N {
		l, _ := d.List(key)
		l.Push(Head, val)
		if l.Len() > 1<<20 {
			d.Delete(key)
		}
	}
}

func BenchmarkHashSet(b *testing.B) {
	d, f := benchDB(b)
	b.ReportAllocs()
	key, val := []byte("hash"), make([]byte, 32)
	for i := range b.N {
		h, _ := d.Hash(key)
		h.Set(benchKey(f, i), val)
	}
}

func BenchmarkHashSetPacked(b *testing.B) {
	d, f := benchDB(b)
	b.ReportAllocs()
	key, val := []byte("hash"), make([]byte, 32)
	for i := range b.N {
		h, _ := d.Hash(key)
		f[0] = byte(i % 20)
		h.Set(f, val)
	}
}

func BenchmarkSetAdd(b *testing.B) {
	d, m := benchDB(b)
	b.ReportAllocs()
	key := []byte("set")
	for i := range b.N {
		s, _ := d.Set(key)
		s.Add(benchKey(m, i))
	}
}

func BenchmarkZSetAdd(b *testing.B) {
	d, m := benchDB(b)
	b.ReportAllocs()
	key := []byte("zset")
	for i := range b.N {
		z, _ := d.ZSet(key)
		_, _, _ = z.Add(float64(i*7919%benchKeys), benchKey(m, i), 0)
	}
}

func BenchmarkZSetAddPacked(b *testing.B) {
	d, m := benchDB(b)
	b.ReportAllocs()
	key := []byte("zset")
	for i := range b.N {
		z, _ := d.ZSet(key)
		m[0] = byte(i % 50)
		_, _, _ = z.Add(float64(i%977), m, 0)
	}
}

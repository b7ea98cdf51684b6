package aof

import (
	"testing"

	"datastore/server/vfs"
)

// BenchmarkAppend is one SET of 3+9+32 bytes, flushed in batches of 64 to a real file.
func BenchmarkAppend(b *testing.B) {
	dir := b.TempDir()
	l := open(b, vfs.OS{}, func(o *Options) { o.Dir = dir }).start()
	unit := cmd("SET", "key:00001", "0123456789abcdef0123456789abcdef")
	b.ReportAllocs()
	b.SetBytes(int64(len(unit)))
	for i := 0; b.Loop(); i++ {
		l.log.Append(unit)
		if i%64 == 63 {
			if err := l.log.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
	l.close()
}

// BenchmarkLoad reads a file of 100,000 such units.
func BenchmarkLoad(b *testing.B) {
	m := newMem(b)
	l := open(b, m).start()
	for range 100_000 {
		l.log.Append(cmd("SET", "key:00001", "0123456789abcdef0123456789abcdef"))
	}
	l.append()
	b.SetBytes(l.log.Written())
	l.close()
	b.ReportAllocs()
	for b.Loop() {
		r := open(b, m)
		if _, err := r.log.Load(Applier{Command: func([][]byte) error { return nil }}); err != nil {
			b.Fatal(err)
		}
		r.close()
	}
}

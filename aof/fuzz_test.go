package aof

import (
	"errors"
	"testing"

	"datastore/server/vfs/vfstest"
)

// Whatever the bytes are: no panic, a clear error or a load, and a file that was loaded once loads again the same.
func FuzzLoad(f *testing.F) {
	m := vfstest.NewMem()
	_ = m.MkdirAll(testDir)
	if l, err := Open(testOptions(m)); err == nil && l.Start(nil) == nil {
		l.Append(set(0))
		l.Append(txn(set(1), set(2)))
		_ = l.Close()
	}
	data, err := vfstest.ReadFile(m, inAOF(firstIncr))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[len(headerLine):])
	f.Add(append(set(0), "#TS:123\r\n*1\r\n$5\r\nMULTI\r\n"...))
	f.Add([]byte("REDIS\x03abc*1\r\n$4\r\nPING\r\n"))
	f.Add([]byte("#DATASTORE-AOF:9\r\n*999999999\r\n$999999999999\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := withFile(t, data)
		b := open(t, m)
		got, err := b.load()
		b.close()
		var where *LoadError
		if err != nil {
			if !errors.As(err, &where) {
				t.Fatal(err)
			}
			return
		}
		again := open(t, m, func(o *Options) { o.RefuseTruncated = true })
		second, err := again.load()
		if err != nil {
			t.Fatal("repaired file:", err)
		}
		same(t, second, got)
		again.close()
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte("file \"a b\" seq 1 type b\nfile c seq 2 type i x y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil || len(m.encode()) == 0 {
			return
		}
		again, err := parseManifest(m.encode())
		if err != nil || string(again.encode()) != string(m.encode()) {
			t.Fatalf("%q: %v", m.encode(), err)
		}
	})
}

package aof

import (
	"errors"
	"testing"

	"datastore/server/vfs/vfstest"
)

func TestCheckResynchronisesBehindDamage(t *testing.T) {
	_, data := written(t, set(0), set(1), set(2), set(3), set(4))
	e := unitEnds(data)
	data[e[1]+15] ^= 1
	data[e[3]+len("*3\r\n$")] = '9'
	m := withFile(t, data)
	b := open(t, m)
	files, err := b.log.Check(nil)
	if err != nil || len(files) != 1 || files[0].Units != 3 || len(files[0].Findings) != 2 {
		t.Fatalf("%+v, %v", files, err)
	}
	first := files[0].Findings[0]
	if first.Offset != int64(e[1]) || first.Record != 2 || first.ResumesAt != int64(e[2]) || first.Torn || !errors.Is(&first, ErrCorrupt) {
		t.Fatalf("%+v", first)
	}
	copyName, n, err := b.log.Fix(files)
	if err != nil || n != int64(len(data)-e[1]) {
		t.Fatal(n, err)
	}
	if got, err := vfstest.ReadFile(m, inAOF(copyName)); err != nil || string(got) != string(data[e[1]:]) {
		t.Fatal("the copy differs", err)
	}
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, sets(1))
}

func TestCheckOfAGoodFile(t *testing.T) {
	m, _ := written(t, set(0), set(1))
	b := open(t, m)
	files, err := b.log.Check(nil)
	if err != nil || files[0].Units != 2 || len(files[0].Findings) != 0 {
		t.Fatalf("%+v, %v", files, err)
	}
	if _, n, err := b.log.Fix(files); n != 0 || err != nil {
		t.Fatal(n, err)
	}
}

package vfstest

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"
)

func TestCrashCloneKeepsWhatWasSynced(t *testing.T) {
	fates := map[string]bool{}
	for seed := range int64(200) {
		m := NewMem()
		if err := m.MkdirAll("/d"); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(m, "/d/f", []byte("durable")); err != nil {
			t.Fatal(err)
		}
		f, err := m.OpenAppend("/d/f")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "-lost"); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Create("/d/new"); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(m.CrashClone(seed), "/d/f")
		if err != nil {
			t.Fatal(err)
		}
		rest := bytes.TrimRight(got, "\x00")
		if !bytes.HasPrefix(got, []byte("durable")) || !bytes.HasPrefix([]byte("durable-lost"), rest) || len(got) > 12 {
			t.Fatalf("%q", got)
		}
		fates[string(got)] = true
		_, err = m.CrashClone(seed).Stat("/d/new")
		fates["new file: "+map[bool]string{true: "kept", false: "lost"}[err == nil]] = true
		if _, err := m.Clone().Stat("/d/new"); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"durable", "durable-lost", "durable-\x00", "new file: kept", "new file: lost"} {
		if !fates[want] {
			t.Errorf("never saw %q", want)
		}
	}
}

func TestFaults(t *testing.T) {
	f := NewFaults(NewMem())
	file, err := f.Create("/x")
	if err != nil {
		t.Fatal(err)
	}
	f.Add(Rule{Op: OpWrite, Nth: 2, Err: syscall.EIO, ShortBytes: 1})
	for i, want := range []struct {
		n   int
		err error
	}{{3, nil}, {1, syscall.EIO}, {3, nil}} {
		if n, err := io.WriteString(file, "abc"); n != want.n || !errors.Is(err, want.err) {
			t.Errorf("write %d: %d, %v", i, n, err)
		}
	}
	f.Clear()
	f.SetSpace(2)
	if n, err := io.WriteString(file, "abc"); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	f.Clear()
	f.Add(Rule{Op: OpSync, Nth: 1, Count: -1, Err: syscall.EIO})
	if first, second := file.Sync(), file.Sync(); first == nil || second == nil {
		t.Error("sync succeeds")
	}
	if got, err := ReadFile(f, "/x"); err != nil || string(got) != "abcaabcab" {
		t.Errorf("%q %v", got, err)
	}
}

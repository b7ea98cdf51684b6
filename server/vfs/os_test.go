package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestF17LockNamesTheHolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	first, err := OS{}.Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = OS{}.Lock(name)
	var held *LockedError
	if !errors.As(err, &held) || !errors.Is(err, ErrLocked) || held.PID != os.Getpid() {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OS{}.Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestF11CutWrites: what a short write left is cut off, and the next write must leave no hole.
func TestF11CutWrites(t *testing.T) {
	for opened, open := range map[string]func(string) (File, error){"create": OS{}.Create, "append": OS{}.OpenAppend} {
		f, err := open(filepath.Join(t.TempDir(), "f"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "whole+part"); err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(5); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "next"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(f.(osFile).Name()); err != nil || string(got) != "wholenext" {
			t.Errorf("%s: %q %v", opened, got, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOSFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	var o OS
	if err := errors.Join(o.MkdirAll(dir), o.MkdirAll(dir), o.SyncDir(dir)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "f")
	if _, err := o.Open(name); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		f, err := o.OpenAppend(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	f, err := o.OpenAppend(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(4); err != nil {
		t.Fatal(err)
	}
	if size, err := f.SizeBytes(); err != nil || size != 4 {
		t.Fatal(size, err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "onet" {
		t.Fatalf("%q %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.Rename(name, name+"2"); err != nil {
		t.Fatal(err)
	}
	if names, err := o.List(dir); err != nil || len(names) != 1 || names[0] != "f2" {
		t.Fatal(names, err)
	}
	if info, err := o.Stat(name + "2"); err != nil || info.SizeBytes != 4 || info.Dir {
		t.Fatal(info, err)
	}
	if err := o.Remove(name + "2"); err != nil {
		t.Fatal(err)
	}
}

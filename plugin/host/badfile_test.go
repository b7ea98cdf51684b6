package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"datastore/plugin/image"
)

const withoutOnLoad = `package main

import "datastore/plugin"

func onLoad(ctx plugin.Ctx, args []plugin.String) error { return nil }

func main() { _ = onLoad }
`

const withWrongOnLoad = `package main

import "datastore/plugin"

func OnLoad(ctx plugin.Ctx, args ...plugin.String) error { return nil }

func main() {}
`

// refused asserts that a file is refused with an error that names what is wrong, and that this process lives on.
func refused(t *testing.T, l *Loader, path string, kind error, want string) {
	t.Helper()
	_, err := l.Open(context.Background(), path)
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q of kind %q", err, want, kind)
	}
	if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("error has line breaks: %q", err)
	}
}

// Rules: INIT-5.
func TestRefusedPlugins(t *testing.T) {
	l := newLoader(t, LoaderOptions{})
	self, err := image.Self()
	if err != nil {
		t.Fatal(err)
	}
	otherTrim := "-trimpath=true"
	if self.Setting("-trimpath") == "true" {
		otherTrim = "-trimpath=false"
	}
	t.Run("without OnLoad", func(t *testing.T) {
		path := compile(t, withoutOnLoad)
		refused(t, l, path, image.ErrIncompatible, "no exported function OnLoad")
		refused(t, l, path, image.ErrIncompatible, "declare in package main: func OnLoad(ctx plugin.Ctx")
	})
	t.Run("OnLoad of another type", func(t *testing.T) {
		refused(t, l, compile(t, withWrongOnLoad), ErrProbe,
			"OnLoad is a func(plugin.Ctx, ...plugin.String) error, it must be a func(plugin.Ctx, []plugin.String) error")
	})
	t.Run("other -trimpath", func(t *testing.T) {
		refused(t, l, compile(t, moody, otherTrim), image.ErrIncompatible, "-trimpath: module has")
	})
	if len(l.mapped) != 0 || len(l.failed) != 0 {
		t.Error("refused files were opened in this process")
	}
}

func TestDamagedFiles(t *testing.T) {
	good, err := os.ReadFile(compile(t, moody))
	if err != nil {
		t.Fatal(err)
	}
	l := newLoader(t, LoaderOptions{})
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	refused(t, l, write("empty", nil), image.ErrTruncated, "incomplete")
	refused(t, l, write("text", []byte("#!/bin/sh\necho hello\n")), image.ErrNotELF, "not an ELF")
	for _, n := range []int{10, 64, 4096, len(good) / 2, len(good) - 1} {
		refused(t, l, write("cut", good[:n]), image.ErrTruncated, "incomplete")
	}

	// Bytes changed all over the file: in code that init does not run they go unnoticed, as they would in any program,
	// but whatever they do to the open happens in the child.
	flipped := append([]byte(nil), good...)
	for i := 4096; i < len(flipped); i += 512 {
		flipped[i] ^= 0xff
	}
	if _, err := l.Open(context.Background(), write("flipped", flipped)); err == nil {
		t.Error("a file with every 512th byte changed was opened")
	}
	if len(l.mapped) != 0 {
		t.Error("damaged files were opened in this process")
	}
}

func TestForeignFiles(t *testing.T) {
	l := newLoader(t, LoaderOptions{})
	dir := t.TempDir()
	source, library := filepath.Join(dir, "c.c"), filepath.Join(dir, "c.so")
	text := "#include <stdlib.h>\n__attribute__((constructor)) void f(void) { abort(); }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	refused(t, l, library, image.ErrNotGo, "not built by Go")
	refused(t, l, image.SelfPath, image.ErrIncompatible, "build mode: module has exe, daemon needs plugin")
	refused(t, l, dir, ErrNotRegular, "not a regular file")
	refused(t, l, filepath.Join(dir, "absent"), os.ErrNotExist, "no such file")

	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o755); err != nil {
		t.Fatal(err)
	}
	refused(t, l, fifo, ErrNotRegular, "not a regular file")
}

func TestCacheDirectory(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := NewLoader(LoaderOptions{CacheDir: open}); !errors.Is(err, ErrCacheDir) {
		t.Errorf("a directory that others can enter: got %v, want ErrCacheDir", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := NewLoader(LoaderOptions{CacheDir: link}); !errors.Is(err, ErrCacheDir) {
		t.Errorf("a symbolic link: got %v, want ErrCacheDir", err)
	}
	private := filepath.Join(t.TempDir(), "a", "b")
	if _, err := NewLoader(LoaderOptions{CacheDir: private}); err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(private)
	if err != nil || stat.Mode().Perm() != 0o700 {
		t.Errorf("cache directory: %v, %v", stat.Mode(), err)
	}
}

// TestCopiesAreOnesOwn: who loads the same file at the same time, in another process, does not take the copy away.
func TestCopiesAreOnesOwn(t *testing.T) {
	c, err := openCache(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	ours, sum, err := c.add(source)
	if err != nil {
		t.Fatal(err)
	}
	theirs, again, err := c.add(source)
	if err != nil || again != sum || !strings.HasPrefix(filepath.Base(theirs), sum.String()) {
		t.Errorf("the second copy is %s of %s, %v", theirs, again, err)
	}
	if err := os.Remove(theirs); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(ours); err != nil || string(content) != "content" {
		t.Errorf("the first copy: %q, %v", content, err)
	}
}

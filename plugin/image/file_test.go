package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// compile builds a small plugin without dependencies.
func compile(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	source, output := filepath.Join(dir, "main.go"), filepath.Join(dir, "dotted.so")
	const text = "package main\n\nfunc OnLoad() {}\n\nfunc OnUnload() {}\n\nfunc main() {}\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/dot.ted\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-buildmode=plugin", "-ldflags=-s -w", "-o", output, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return output
}

func TestRead(t *testing.T) {
	path := compile(t)
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if f.PluginPath != "example.com/dot.ted" || !f.HasOnLoad || !f.HasOnUnload {
		t.Errorf("plugin path %q, OnLoad %v, OnUnload %v", f.PluginPath, f.HasOnLoad, f.HasOnUnload)
	}
	if len(f.Packages["runtime"]) != 8 || f.Setting("-buildmode") != "plugin" || f.GoVersion() == "" {
		t.Errorf("fingerprint %x, build mode %q, Go %q", f.Packages["runtime"], f.Setting("-buildmode"), f.GoVersion())
	}

	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"cut in the middle": func(b []byte) []byte { return b[:len(b)/2] },
		"last byte missing": func(b []byte) []byte { return b[:len(b)-1] },
		"other machine":     func(b []byte) []byte { b[18] = byte(elf.EM_386); return b },
		"32 bit":            func(b []byte) []byte { b[elf.EI_CLASS] = byte(elf.ELFCLASS32); return b },
		"no ELF":            func(b []byte) []byte { b[0] = 'X'; return b },
	} {
		if err := os.WriteFile(path, change(bytes.Clone(content)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrNotELF) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSelfIsNoDaemon(t *testing.T) {
	if _, err := Self(); !errors.Is(err, ErrNoPlugins) {
		t.Errorf("this test binary does not import package plugin: got %v, want ErrNoPlugins", err)
	}
}

// FuzzRead damages a plugin: reading it must end in a result or an error.
func FuzzRead(f *testing.F) {
	content, err := os.ReadFile(compile(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(18), byte(3), uint32(0))
	f.Add(uint32(40), byte(0xff), uint32(0)) // offset of the section headers
	f.Add(uint32(56), byte(0xff), uint32(7)) // number of segments
	f.Add(uint32(len(content)/2), byte(1), uint32(len(content)/2))
	f.Fuzz(func(t *testing.T, at uint32, flip byte, cut uint32) {
		b := bytes.Clone(content)
		b[int(at)%len(b)] ^= flip
		b = b[:len(b)-int(cut)%len(b)]
		path := filepath.Join(t.TempDir(), "x.so")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if file, err := Read(path); (file == nil) == (err == nil) {
			t.Errorf("file %v with error %v", file, err)
		}
	})
}

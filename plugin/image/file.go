package image

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// SelfPath is the running executable, also after its file was replaced.
const SelfPath = "/proc/self/exe"

const (
	// hashPrefix starts the dynamic symbols that hold the fingerprint of each package's export data: what the runtime
	// compares when it opens a plugin (cmd/link/internal/ld, (*Link).addexport and runtime.plugin_lastmoduleinit).
	hashPrefix = "go:link.pkghashbytes."

	// maxFingerprintBytes bounds one fingerprint; cmd/link writes 8 bytes.
	maxFingerprintBytes = 64
)

// File is what a plugin or an executable says about itself.
type File struct {
	Path string
	Info *buildinfo.BuildInfo

	// Packages has the fingerprint of the export data of every package that is linked in, by import path.
	Packages map[string]string

	// PluginPath is the import path under which the runtime knows the plugin's main package; "" when it has none.
	PluginPath string

	// HasOnLoad and HasOnUnload tell which of a module's symbols the main package exports.
	HasOnLoad, HasOnUnload bool
}

// Self reads the running executable. It fails with ErrNoPlugins when that cannot open plugins.
func Self() (*File, error) {
	f, err := Read(SelfPath)
	if err != nil {
		return nil, fmt.Errorf("reading this executable: %w", err)
	}
	if len(f.Packages) == 0 || f.Setting("CGO_ENABLED") != "1" {
		return nil, ErrNoPlugins
	}
	return f, nil
}

// Read reads an ELF file of this machine that Go has built. Errors other than those of the file system wrap ErrNotELF,
// ErrTruncated, ErrDamaged or ErrNotGo.
func Read(path string) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	stat, err := r.Stat()
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, Packages: map[string]string{}}
	if err := f.readELF(r, stat.Size()); err != nil {
		return nil, err
	}
	f.Info, err = buildinfo.Read(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotGo, err)
	}
	return f, nil
}

// Setting returns a build setting, as "go version -m" prints it, or "".
func (f *File) Setting(key string) string {
	for _, s := range f.Info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// GoVersion returns the release that built the file, as in "go1.26.8", without experiments.
func (f *File) GoVersion() string {
	release, _, _ := strings.Cut(f.Info.GoVersion, " ")
	return release
}

func (f *File) readELF(r io.ReaderAt, sizeBytes int64) error {
	var magic [4]byte
	if n, err := r.ReadAt(magic[:], 0); string(magic[:n]) != elf.ELFMAG[:n] {
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return fmt.Errorf("%w: it begins with %q", ErrNotELF, magic[:n])
	}
	bin, err := elf.NewFile(r)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: %v", ErrTruncated, err)
		}
		return fmt.Errorf("%w: %v", ErrNotELF, err)
	}
	if bin.Class != elf.ELFCLASS64 || bin.Data != elf.ELFDATA2LSB || bin.Machine != machine() {
		return fmt.Errorf("%w: it is for %v", ErrNotELF, bin.Machine)
	}
	if err := complete(bin, sizeBytes); err != nil {
		return err
	}
	symbols, err := bin.DynamicSymbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil // an executable that does not open plugins, or no plugin: the build information tells
	}
	if err != nil {
		return fmt.Errorf("%w: dynamic symbols: %v", ErrDamaged, err)
	}
	return f.readSymbols(bin, symbols)
}

// machine is the ELF name of the architecture this program was built for.
func machine() elf.Machine {
	switch runtime.GOARCH {
	case "amd64":
		return elf.EM_X86_64
	case "arm64":
		return elf.EM_AARCH64
	case "riscv64":
		return elf.EM_RISCV
	}
	return elf.EM_NONE
}

// complete checks that the file has all bytes that its headers promise; mapping one that does not ends in SIGBUS.
func complete(bin *elf.File, sizeBytes int64) error {
	within := func(offset, length uint64) bool {
		return offset <= uint64(sizeBytes) && length <= uint64(sizeBytes)-offset
	}
	for _, p := range bin.Progs {
		if !within(p.Off, p.Filesz) {
			return fmt.Errorf("%w: a segment ends beyond %d bytes", ErrTruncated, sizeBytes)
		}
	}
	for _, s := range bin.Sections {
		if s.Type != elf.SHT_NOBITS && !within(s.Offset, s.FileSize) {
			return fmt.Errorf("%w: section %s ends beyond %d bytes", ErrTruncated, s.Name, sizeBytes)
		}
	}
	return nil
}

func (f *File) readSymbols(bin *elf.File, symbols []elf.Symbol) error {
	defined := make(map[string]bool, len(symbols))
	for _, s := range symbols {
		if s.Section == elf.SHN_UNDEF {
			continue
		}
		defined[s.Name] = true
		path, ok := strings.CutPrefix(s.Name, hashPrefix)
		if !ok {
			continue
		}
		hash, err := symbolBytes(bin, s)
		if err != nil {
			return fmt.Errorf("%w: %s: %v", ErrDamaged, s.Name, err)
		}
		f.Packages[path] = hash
	}
	for path := range f.Packages {
		if exports(defined, path, "main") {
			f.PluginPath = path
			f.HasOnLoad = exports(defined, path, "OnLoad")
			f.HasOnUnload = exports(defined, path, "OnUnload")
			if f.HasOnLoad {
				break
			}
		}
	}
	return nil
}

// exports looks a package's symbol up. The linker escapes dots in the last element of an import path.
func exports(defined map[string]bool, path, name string) bool {
	if defined[path+"."+name] {
		return true
	}
	slash := strings.LastIndexByte(path, '/') + 1
	return defined[path[:slash]+strings.ReplaceAll(path[slash:], ".", "%2e")+"."+name]
}

func symbolBytes(bin *elf.File, s elf.Symbol) (string, error) {
	if int(s.Section) >= len(bin.Sections) || s.Size == 0 || s.Size > maxFingerprintBytes {
		return "", errors.New("fingerprint of an impossible size or place")
	}
	section := bin.Sections[s.Section]
	if s.Value < section.Addr {
		return "", errors.New("fingerprint outside its section")
	}
	b := make([]byte, s.Size)
	if _, err := section.ReadAt(b, int64(s.Value-section.Addr)); err != nil {
		return "", err
	}
	return string(b), nil
}

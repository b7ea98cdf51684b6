package build

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SourceEnv is the environment variable that names the daemon's source tree.
const SourceEnv = "DATASTORE_SRC"

// findSource finds the source tree that has the SDK. A tree that was named must be one; places that are only likely
// are passed over when they are not.
func (b *builder) findSource(named, moduleDir string, mod modFile) (string, error) {
	if named == "" {
		named = os.Getenv(SourceEnv)
	}
	if named != "" {
		dir, err := filepath.Abs(named)
		if err != nil {
			return "", err
		}
		if !b.isSource(dir) {
			return "", fmt.Errorf("%w: %s is not the tree of module %s", ErrNoSource, dir, b.self.Info.Main.Path)
		}
		return filepath.EvalSymlinks(dir)
	}
	for _, dir := range b.likelySources(moduleDir, mod) {
		if b.isSource(dir) {
			return filepath.EvalSymlinks(dir)
		}
	}
	return "", ErrNoSource
}

// likelySources are the target of the module's own replacement of the daemon, and the directories above this
// executable.
func (b *builder) likelySources(moduleDir string, mod modFile) []string {
	var dirs []string
	for _, r := range mod.Replace {
		if r.Old.Path == b.self.Info.Main.Path && r.New.Version == "" {
			if filepath.IsAbs(r.New.Path) {
				dirs = append(dirs, r.New.Path)
			} else {
				dirs = append(dirs, filepath.Join(moduleDir, r.New.Path))
			}
		}
	}
	if exe, err := os.Executable(); err == nil {
		for dir := filepath.Dir(exe); ; dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return dirs
}

// isSource tells whether a directory is the root of the daemon's module and has the SDK.
func (b *builder) isSource(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	if stat, err := os.Stat(filepath.Join(dir, "plugin")); err != nil || !stat.IsDir() {
		return false
	}
	for lines := bufio.NewScanner(bytes.NewReader(mod)); lines.Scan(); {
		if name, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "module "); ok {
			return strings.Trim(name, ` "`) == b.self.Info.Main.Path
		}
	}
	return false
}

package build

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// outOfTree builds a module with a go.mod of its own, in a workspace of that module and the daemon's source tree. The
// module is built under the name MOD-HASH, so that none of its packages is shared with another build of it.
//
// Two passes of the go command: the first finds the hash and the module's packages, the second builds them renamed.
func (b *builder) outOfTree(ctx context.Context, m listed, sdk, output string) error {
	mod, err := b.readMod(ctx, m.Module.GoMod)
	if err != nil {
		return err
	}
	source, err := b.findSource(sdk, m.Module.Dir, mod)
	if err != nil {
		return err
	}
	goWork := filepath.Join(b.work, "go.work")
	if err := b.writeWorkspace(goWork, source, m.Module.Dir); err != nil {
		return err
	}
	o := overlay{file: filepath.Join(b.work, "overlay.json"), Replace: map[string]string{}}
	if err := b.replaceMod(ctx, &o, m, mod, m.Module.Path); err != nil {
		return err
	}
	packages, err := b.list(ctx, m.Dir, goWork, "-overlay="+o.file, "-export", "-deps")
	if err != nil {
		return err
	}
	renamed := m.Module.Path + "-" + contentHash(packages[len(packages)-1])
	for _, p := range packages {
		if p.Module == nil || p.Module.Path != m.Module.Path {
			continue
		}
		if err := b.renameImports(&o, p, renamed); err != nil {
			return err
		}
	}
	if err := b.replaceMod(ctx, &o, m, mod, renamed); err != nil {
		return err
	}
	args := append([]string{"build", "-overlay=" + o.file}, b.tool.flags...)
	_, err = b.tool.run(ctx, m.Dir, goWork, append(args, "-o", output, ".")...)
	return err
}

// modFile is the part of "go mod edit -json" that a build needs.
type modFile struct {
	Require []struct{ Path, Version string }
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
}

func (b *builder) readMod(ctx context.Context, path string) (modFile, error) {
	out, err := b.tool.run(ctx, filepath.Dir(path), noWorkspace, "mod", "edit", "-json", path)
	if err != nil {
		return modFile{}, err
	}
	var mod modFile
	if err := json.Unmarshal(out, &mod); err != nil {
		return modFile{}, fmt.Errorf("%w: output of go mod edit: %w", ErrGo, err)
	}
	return mod, nil
}

func (b *builder) writeWorkspace(path string, trees ...string) error {
	version := "1.26"
	if release := toolchain(b.self); release != "local" {
		version = strings.TrimPrefix(release, "go")
	}
	text := "go " + version + "\n"
	for _, dir := range trees {
		text += "use " + strconv.Quote(dir) + "\n"
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// overlay is the file for -overlay: what the go command reads in place of what is on disk.
type overlay struct {
	file    string
	Replace map[string]string
}

func (o *overlay) write() error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return os.WriteFile(o.file, text, 0o600)
}

// replaceMod puts a go.mod with another module name into the overlay. It requires the daemon's versions of what the
// daemon links, and says nothing about the daemon's own module, which the workspace has.
func (b *builder) replaceMod(ctx context.Context, o *overlay, m listed, mod modFile, name string) error {
	content, err := os.ReadFile(m.Module.GoMod)
	if err != nil {
		return err
	}
	copied := filepath.Join(b.work, "go.mod")
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		return err
	}
	daemon := b.self.Info.Main.Path
	args := []string{"mod", "edit", "-module=" + name, "-droprequire=" + daemon}
	for _, r := range mod.Replace {
		if r.Old.Path == daemon {
			args = append(args, "-dropreplace="+strings.TrimSuffix(r.Old.Path+"@"+r.Old.Version, "@"))
		}
	}
	needs := make(map[string]string, len(b.self.Info.Deps))
	for _, d := range b.self.Info.Deps {
		needs[d.Path] = d.Version
	}
	for _, r := range mod.Require {
		if v := needs[r.Path]; v != "" && v != r.Version {
			args = append(args, "-require="+r.Path+"@"+v)
		}
	}
	if _, err := b.tool.run(ctx, b.work, noWorkspace, append(args, copied)...); err != nil {
		return err
	}
	o.Replace[m.Module.GoMod] = copied
	return o.write()
}

// renameImports puts a package's files into the overlay that import packages of their own module.
func (b *builder) renameImports(o *overlay, p listed, renamed string) error {
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		path := filepath.Join(p.Dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed, err := renameImport(content, p.Module.Path, renamed)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if bytes.Equal(changed, content) {
			continue
		}
		copied := filepath.Join(b.work, fmt.Sprintf("%d-%s", len(o.Replace), name))
		if err := os.WriteFile(copied, changed, 0o600); err != nil {
			return err
		}
		o.Replace[path] = copied
	}
	return nil
}

// renameImport replaces a module's name in the import paths of a file. Lines stay where they are.
func renameImport(content []byte, from, to string) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", content, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var out []byte
	done := 0
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if rest, ok := strings.CutPrefix(path, from); ok && (rest == "" || rest[0] == '/') {
			start := files.Position(spec.Path.Pos()).Offset
			out = append(append(out, content[done:start]...), strconv.Quote(to+rest)...)
			done = start + len(spec.Path.Value)
		}
	}
	return append(out, content[done:]...), nil
}

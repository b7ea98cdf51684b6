package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"crypto/sha256"
	"encoding/hex"

	"datastore/plugin/image"
)

const (
	// noWorkspace is the GOWORK of a build that must not see a workspace of the user's.
	noWorkspace = "off"

	// hashDigits is how much of a hash goes into a package path: 64 bits.
	hashDigits = 16

	listFields = "-json=ImportPath,Name,Dir,Module,GoFiles,CgoFiles,BuildID"
)

// listed is a package as "go list -json" describes it.
type listed struct {
	ImportPath, Name, Dir, BuildID string
	GoFiles, CgoFiles              []string
	Module                         *struct{ Path, Dir, GoMod string }
}

// builder builds one module in a temporary directory.
type builder struct {
	self *image.File
	work string
	tool goTool
}

// findModule looks a directory's package up without resolving its imports.
func (b *builder) findModule(ctx context.Context, dir string) (listed, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return listed{}, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return listed{}, err
	}
	mod, err := b.tool.run(ctx, dir, noWorkspace, "env", "GOMOD")
	if err != nil {
		return listed{}, err
	}
	if path := string(bytes.TrimSpace(mod)); path == "" || path == "/dev/null" {
		return listed{}, fmt.Errorf("%s: %w", dir, ErrNoModule)
	}
	packages, err := b.list(ctx, dir, noWorkspace, "-find")
	if err != nil {
		return listed{}, err
	}
	p := packages[len(packages)-1]
	switch {
	case p.Module == nil:
		return listed{}, fmt.Errorf("%s: %w", dir, ErrNoModule)
	case p.Name != "main":
		return listed{}, fmt.Errorf("%s: %w, this is package %s", dir, ErrNotMain, p.Name)
	}
	return p, nil
}

// list runs "go list" on the package in dir; with -deps that package comes last.
func (b *builder) list(ctx context.Context, dir, goWork string, flags ...string) ([]listed, error) {
	args := append([]string{"list", listFields}, b.tool.flags...)
	out, err := b.tool.run(ctx, dir, goWork, append(append(args, flags...), ".")...)
	if err != nil {
		return nil, err
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%w: output of go list: %w", ErrGo, err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("%w: go list found no package", ErrGo)
	}
	return packages, nil
}

// contentHash names the content of a package and of everything it imports.
func contentHash(p listed) string {
	sum := sha256.Sum256([]byte(p.BuildID))
	return hex.EncodeToString(sum[:])[:hashDigits]
}

// inTree builds a module of the daemon's own source tree. Only the main package gets a new path there, so it must not
// share packages with anything but the daemon.
func (b *builder) inTree(ctx context.Context, m listed, output string) error {
	packages, err := b.list(ctx, m.Dir, noWorkspace, "-export", "-deps")
	if err != nil {
		return err
	}
	main := packages[len(packages)-1]
	for _, p := range packages[:len(packages)-1] {
		ours := p.Module != nil && p.Module.Path == m.Module.Path
		if ours && b.self.Packages[p.ImportPath] == "" {
			return fmt.Errorf("%w: it imports %s, which the daemon does not link", ErrNotShared, p.ImportPath)
		}
	}
	path := main.ImportPath + "-" + contentHash(main)
	compile := strings.TrimSpace(strings.TrimPrefix(image.GlobalGCFlags(b.self), "all=") + " -p=" + path)
	args := append([]string{"build"}, b.tool.flags...)
	args = append(args, "-gcflags="+main.ImportPath+"="+compile, "-ldflags=-pluginpath="+path, "-o", output, ".")
	_, err = b.tool.run(ctx, m.Dir, noWorkspace, args...)
	return err
}

package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"datastore/plugin/host"
	"datastore/plugin/image"
)

// Options say what to build. Only Dir is required.
type Options struct {
	// Dir has the module's main package.
	Dir string

	// Output is the file to write. Default: the name of Dir with ".so", in the current directory. A file of that name
	// is replaced by a new one, never overwritten, so it may be loaded at the moment.
	Output string

	// SDK is the source tree this executable was built from, for modules outside of it. Default: the directory named by
	// SourceEnv, else the one that a "replace" in the module's go.mod points to, else the nearest one above this
	// executable.
	SDK string

	// GoCommand is the go command. Default: "go".
	GoCommand string

	// ProbeCommand opens the result in a child process; see host.LoaderOptions.
	ProbeCommand []string
}

// Result describes a module file that this executable can load.
type Result struct {
	Path       string // absolute
	SHA256     string // in hexadecimal
	PluginPath string // the import path of the main package in this build
	GoVersion  string
	InTree     bool // built inside the daemon's own source tree
}

// Build compiles the module in o.Dir for the running executable, checks the result as the loader does, and writes
// o.Output. Nothing is written when it fails. It takes a second or two with a warm build cache, and needs the go
// command; it gets the right Go release by itself if the network allows.
//
// Errors wrap ErrNoModule, ErrNotMain, ErrNotShared, ErrNoSource, ErrGo, or those of Check.
func Build(ctx context.Context, o Options) (Result, error) {
	self, err := image.Self()
	if err != nil {
		return Result{}, err
	}
	work, err := os.MkdirTemp("", "datastore-build-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(work)
	b := &builder{self: self, work: work, tool: newGoTool(o.GoCommand, self)}
	m, err := b.findModule(ctx, o.Dir)
	if err != nil {
		return Result{}, err
	}
	output, err := outputPath(o.Output, m.Dir)
	if err != nil {
		return Result{}, err
	}
	built := filepath.Join(work, "module.so")
	inTree := m.Module.Path == self.Info.Main.Path
	if inTree {
		err = b.inTree(ctx, m, built)
	} else {
		err = b.outOfTree(ctx, m, o.SDK, built)
	}
	if err != nil {
		return Result{}, err
	}
	report, err := Check(ctx, built, o.ProbeCommand)
	if err != nil {
		return Result{}, fmt.Errorf("checking the build of %s: %w", o.Dir, err)
	}
	sum, err := install(built, output)
	if err != nil {
		return Result{}, err
	}
	return Result{
		Path: output, SHA256: sum, InTree: inTree,
		PluginPath: report.File.PluginPath, GoVersion: report.File.GoVersion(),
	}, nil
}

// Check tells whether the running executable can load a module file: it compares build information and package
// fingerprints, and lets a child process open a copy. The report has every problem, also when the error tells the first
// few; it is nil when the file cannot be read as a plugin.
//
// Errors are those of host.Loader.Open before the file is opened.
func Check(ctx context.Context, path string, probeCommand []string) (*image.Report, error) {
	cache, err := os.MkdirTemp("", "datastore-check-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	loader, err := host.NewLoader(host.LoaderOptions{CacheDir: cache, ProbeCommand: probeCommand})
	if err != nil {
		return nil, err
	}
	return loader.Check(ctx, path)
}

func outputPath(output, dir string) (string, error) {
	if output == "" {
		output = filepath.Base(dir) + ".so"
	}
	return filepath.Abs(output)
}

// install copies a file beside its destination and renames it there: a mapped file must not change under the daemon.
func install(built, output string) (sum string, err error) {
	content, err := os.ReadFile(built)
	if err != nil {
		return "", err
	}
	out, err := os.CreateTemp(filepath.Dir(output), ".module-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	_, err = out.Write(content)
	if err = errors.Join(err, out.Chmod(0o755), out.Close()); err != nil {
		return "", err
	}
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:]), os.Rename(out.Name(), output)
}

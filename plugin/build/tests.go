package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"datastore/plugin/image"
)

// TestOptions say which tests to run. Only Dir is required.
type TestOptions struct {
	// Dir has the module's main package. Tests of the packages below it are run, too.
	Dir string

	// SDK and GoCommand are those of Options.
	SDK, GoCommand string

	// Args are flags of "go test", such as -run and -fuzz. A package among them replaces "./...".
	Args []string

	// Out and Err take what "go test" writes. Default: nothing is kept.
	Out, Err io.Writer
}

// Test runs "go test" on the module in o.Dir against the source tree of the running executable, so that the tests of a module
// with a go.mod of its own may import the SDK and plugin/plugintest without naming a place for them. Nothing is written
// into either tree besides what the tests and "go test" itself write.
//
// Errors wrap ErrNoModule, ErrNotMain, ErrNoSource, ErrGo, or ErrTestsFailed when go test has said why.
func Test(ctx context.Context, o TestOptions) error {
	self, err := image.Self()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "datastore-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := &builder{self: self, work: work, tool: newGoTool(o.GoCommand, self)}
	m, err := b.findModule(ctx, o.Dir)
	if err != nil {
		return err
	}
	args, goWork := []string{"test"}, noWorkspace
	if m.Module.Path != self.Info.Main.Path {
		overlay := ""
		if overlay, goWork, err = b.testWorkspace(ctx, m, o.SDK); err != nil {
			return err
		}
		args = append(args, "-overlay="+overlay)
	}
	if args = append(args, o.Args...); !namesPackage(o.Args) {
		args = append(args, "./...")
	}
	return b.tool.stream(ctx, m.Dir, goWork, o, args)
}

// testWorkspace makes a workspace of a module and the source tree, with an overlay that lets the module's go.mod require
// what the source tree has.
func (b *builder) testWorkspace(ctx context.Context, m listed, sdk string) (overlayFile, goWork string, err error) {
	mod, err := b.readMod(ctx, m.Module.GoMod)
	if err != nil {
		return "", "", err
	}
	source, err := b.findSource(sdk, m.Module.Dir, mod)
	if err != nil {
		return "", "", err
	}
	goWork = filepath.Join(b.work, "go.work")
	if err := b.writeWorkspace(goWork, source, m.Module.Dir); err != nil {
		return "", "", err
	}
	o := overlay{file: filepath.Join(b.work, "overlay.json"), Replace: map[string]string{}}
	return o.file, goWork, b.replaceMod(ctx, &o, m, mod, m.Module.Path)
}

// namesPackage reports whether arguments of go test have a package among them, as a relative path.
func namesPackage(args []string) bool {
	for _, a := range args {
		if a == "." || len(a) > 1 && a[:2] == "./" {
			return true
		}
	}
	return false
}

// stream runs the go command in a directory and passes on what it writes.
func (t goTool) stream(ctx context.Context, dir, goWork string, o TestOptions, args []string) error {
	cmd := exec.CommandContext(ctx, t.command, args...)
	cmd.Dir = dir
	cmd.Env = append(t.env[:len(t.env):len(t.env)], "GOWORK="+goWork, "PWD="+dir)
	cmd.Stdout, cmd.Stderr = o.Out, o.Err
	err := cmd.Run()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed) && failed.Exited():
		return ErrTestsFailed
	case err != nil:
		return fmt.Errorf("%w: %s test: %w", ErrGo, t.command, err)
	}
	return nil
}

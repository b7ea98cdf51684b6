package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"datastore/plugin/image"
)

// goTool runs the go command with the settings that an executable was built with.
type goTool struct {
	command string
	env     []string // without GOWORK, which depends on the build
	flags   []string // for build and list
}

func newGoTool(command string, self *image.File) goTool {
	if command == "" {
		command = "go"
	}
	t := goTool{command: command, flags: []string{"-buildmode=plugin", "-pgo=off"}}
	t.env = append(os.Environ(),
		"GO111MODULE=on", "GOTOOLCHAIN="+toolchain(self), "CGO_ENABLED=1",
		"GOFLAGS=-buildvcs=false", // whatever the user's own flags are, they are not those of the daemon
	)
	for _, key := range []string{"GOOS", "GOARCH", "GOAMD64", "GOARM64", "GORISCV64", "GOEXPERIMENT", "GOFIPS140"} {
		if v := self.Setting(key); v != "" {
			t.env = append(t.env, key+"="+v)
		}
	}
	for _, flag := range []string{"-trimpath", "-race", "-msan", "-asan"} {
		if self.Setting(flag) == "true" {
			t.flags = append(t.flags, flag)
		}
	}
	if tags := self.Setting("-tags"); tags != "" {
		t.flags = append(t.flags, "-tags="+tags)
	}
	if flags := image.GlobalGCFlags(self); flags != "" {
		t.flags = append(t.flags, "-gcflags="+flags)
	}
	return t
}

// toolchain names the release that built an executable; a development version has no name to ask for.
func toolchain(self *image.File) string {
	if v := self.GoVersion(); strings.HasPrefix(v, "go1.") {
		return v
	}
	return "local"
}

// run runs the go command in a directory and returns what it wrote to standard output.
func (t goTool) run(ctx context.Context, dir, goWork string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.command, args...)
	cmd.Dir = dir
	cmd.Env = append(t.env[:len(t.env):len(t.env)], "GOWORK="+goWork, "PWD="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("%w: %s is not on PATH; building modules needs Go", ErrGo, t.command)
		}
		return nil, fmt.Errorf("%w: %s %s: %w\n%s", ErrGo, t.command, args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"datastore/plugin/host"
	"datastore/plugin/image"
)

// sdk is the root of this source tree.
const sdk = "../.."

// TestMain lets this test binary be the daemon: it opens plugins, and is its own probe.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == host.ProbeArg {
		os.Exit(host.ProbeMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func newLoader(t *testing.T) *host.Loader {
	t.Helper()
	l, err := host.NewLoader(host.LoaderOptions{CacheDir: filepath.Join(t.TempDir(), "cache")})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustBuild(t *testing.T, o Options) Result {
	t.Helper()
	r, err := Build(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// says loads a file and asserts what its OnLoad answers.
func says(t *testing.T, l *host.Loader, path, want string) {
	t.Helper()
	img, err := l.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if got := img.OnLoad(nil, nil); got == nil || got.Error() != want {
		t.Errorf("OnLoad says %v, want %q", got, want)
	}
}

// copyTree copies a directory of testdata, so that a test may change it.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// describe lists a tree with sizes and times, to be compared with an earlier list.
func describe(t *testing.T, dir string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&list, path, info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}

func replaceIn(t *testing.T, path, from, to string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(content), from, to, 1)
	if changed == string(content) {
		t.Fatalf("%s does not contain %q", path, from)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestInTree(t *testing.T) {
	output := filepath.Join(t.TempDir(), "in.so")
	r := mustBuild(t, Options{Dir: "testdata/intree", Output: output})
	const prefix = "datastore/plugin/build/testdata/intree-"
	if !r.InTree || r.Path != output || !strings.HasPrefix(r.PluginPath, prefix) || len(r.SHA256) != 64 {
		t.Errorf("result is %+v", r)
	}
	says(t, newLoader(t), output, "IN tree")
}

func TestInTreeHelper(t *testing.T) {
	output := filepath.Join(t.TempDir(), "helped.so")
	_, err := Build(context.Background(), Options{Dir: "testdata/helped", Output: output})
	if !errors.Is(err, ErrNotShared) || !strings.Contains(err.Error(), "testdata/helped/inner") {
		t.Errorf("got %v, want ErrNotShared with the package", err)
	}
	if _, err := os.Stat(output); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed build left a file: %v", err)
	}
}

// daemon builds testdata/daemon as releases are built, and returns a function that runs it.
func daemon(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "daemon")
	cmd := exec.Command("go", "build", "-trimpath", "-pgo=off", "-o", exe, "./testdata/daemon")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(args ...string) (string, error) {
		var stdout, stderr strings.Builder
		cmd := exec.Command(exe, args...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("%w: %s", err, stderr.String())
		}
		return strings.TrimSpace(stdout.String()), nil
	}
}

func TestOutOfTree(t *testing.T) {
	run := daemon(t)
	mustRun := func(args ...string) string {
		t.Helper()
		out, err := run(args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	dir := copyTree(t, "testdata/outside")
	file1, file2 := filepath.Join(t.TempDir(), "1.so"), filepath.Join(t.TempDir(), "2.so")

	before := describe(t, dir)
	path1 := mustRun("build", dir, file1, sdk)
	if after := describe(t, dir); after != before {
		t.Errorf("the build changed the module's tree:\n%s\nwas\n%s", after, before)
	}
	if !strings.HasPrefix(path1, "example.com/outside/v2-") {
		t.Errorf("package path is %s", path1)
	}

	// A change of the helper package alone: the new build has its own state, beside the old one.
	replaceIn(t, filepath.Join(dir, "inner/inner.go"), "FIRST", "SECOND")
	if path2 := mustRun("build", dir, file2, sdk); path2 == path1 {
		t.Errorf("both builds are %s", path1)
	}
	want := "FIRST 1 0\nFIRST 2 0\nSECOND 1 0\nFIRST 3 0"
	if got := mustRun("load", file1, file1, file2, file1); got != want {
		t.Errorf("modules say %q, want %q", got, want)
	}

	// Plain go build in the daemon's own tree loads too, when it uses the same -trimpath; otherwise the error says so.
	plain := filepath.Join(t.TempDir(), "plain.so")
	for _, flag := range []string{"-trimpath=true", "-trimpath=false"} {
		cmd := exec.Command("go", "build", flag, "-buildmode=plugin", "-o", plain, "./testdata/intree")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		out, err := run("load", plain)
		if flag == "-trimpath=true" && (err != nil || out != "IN tree") {
			t.Errorf("plain build: %q, %v", out, err)
		}
		if flag == "-trimpath=false" && (err == nil || !strings.Contains(err.Error(), "rebuild with: datastore module build DIR")) {
			t.Errorf("plain build with %s: %q, %v", flag, out, err)
		}
	}
}

func TestBadDirectories(t *testing.T) {
	outside := copyTree(t, "testdata/outside")
	t.Setenv(SourceEnv, "")
	tests := []struct {
		name string
		o    Options
		want error
	}{
		{"absent", Options{Dir: "testdata/absent"}, fs.ErrNotExist},
		{"no main package", Options{Dir: "."}, ErrNotMain},
		{"no module", Options{Dir: t.TempDir()}, ErrNoModule},
		{"no source tree", Options{Dir: outside}, ErrNoSource},
		{"wrong source tree", Options{Dir: outside, SDK: outside}, ErrNoSource},
		{"no go command", Options{Dir: outside, GoCommand: "no-such-go"}, ErrGo},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Output = filepath.Join(t.TempDir(), "x.so")
			if _, err := Build(context.Background(), tt.o); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("does not compile", func(t *testing.T) {
		replaceIn(t, filepath.Join(outside, "go.mod"), "v0.99.0", "v0.1.0") // a test binary knows no dependencies to match
		replaceIn(t, filepath.Join(outside, "main.go"), "counter.Next()", "counter.Missing()")
		_, err := Build(context.Background(), Options{Dir: outside, SDK: sdk, Output: filepath.Join(t.TempDir(), "x.so")})
		if !errors.Is(err, ErrGo) || !strings.Contains(err.Error(), "counter.Missing") {
			t.Errorf("got %v, want the compiler's message", err)
		}
	})
}

func TestFindSource(t *testing.T) {
	self, err := image.Self()
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{self: self}
	root, err := filepath.Abs(sdk)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		t.Fatal(err)
	}
	var mod modFile
	mod.Replace = append(mod.Replace, struct {
		Old, New struct{ Path, Version string }
	}{})
	mod.Replace[0].Old.Path = "datastore"
	mod.Replace[0].New.Path = "../../../.."

	t.Setenv(SourceEnv, "")
	if dir, err := b.findSource("", filepath.Join(root, "plugin/build/testdata/outside"), mod); err != nil || dir != root {
		t.Errorf("by replacement: %s, %v", dir, err)
	}
	t.Setenv(SourceEnv, root)
	if dir, err := b.findSource("", t.TempDir(), modFile{}); err != nil || dir != root {
		t.Errorf("by environment: %s, %v", dir, err)
	}
	if _, err := b.findSource(t.TempDir(), "", modFile{}); !errors.Is(err, ErrNoSource) {
		t.Errorf("a named directory that is not the tree: %v", err)
	}
}

func TestRenameImport(t *testing.T) {
	const source = `package main // example.com/m

import "example.com/m"
import (
	x "example.com/m/inner"
	_ "example.com/more"
)

var text = "example.com/m"
`
	want := strings.NewReplacer(`import "example.com/m"`, `import "example.com/m-1"`, "m/inner", "m-1/inner").Replace(source)
	got, err := renameImport([]byte(source), "example.com/m", "example.com/m-1")
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s", err, got)
	}
	if _, err := renameImport([]byte("no Go"), "a", "b"); err == nil {
		t.Error("a file that is not Go was accepted")
	}
}

// TestOutOfTreeTests: a module with a go.mod of its own is tested with the harness, and its tree stays as it is.
func TestOutOfTreeTests(t *testing.T) {
	dir := copyTree(t, "testdata/tested")
	before := describe(t, dir)
	for _, tt := range []struct {
		run, says string
		want      error
	}{
		{"TestPush", "ok  \texample.com/tested", nil},
		{"TestThatFails", "tested.push l a: got 1, want 2", ErrTestsFailed},
	} {
		var out strings.Builder
		err := Test(context.Background(), TestOptions{
			Dir: dir, SDK: sdk, Args: []string{"-count=1", "-run=^" + tt.run + "$"}, Out: &out, Err: &out,
		})
		if !errors.Is(err, tt.want) || !strings.Contains(strings.ToLower(out.String()), tt.says) {
			t.Errorf("%s: %v, want %v\n%s", tt.run, err, tt.want, out.String())
		}
	}
	if after := describe(t, dir); after != before {
		t.Errorf("the tests changed the module's tree:\n%s\nwas\n%s", after, before)
	}
	if err := Test(context.Background(), TestOptions{Dir: t.TempDir()}); !errors.Is(err, ErrNoModule) {
		t.Errorf("no module: %v", err)
	}
}

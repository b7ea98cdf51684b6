package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"datastore/plugin/image"
)

// TestMain lets this test binary be the daemon: it opens plugins, and is its own probe.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ProbeArg {
		os.Exit(ProbeMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// compile builds a plugin from source text with the flags of this test binary and some more. Named files get a package
// path that depends on their content.
func compile(t *testing.T, source string, flags ...string) string {
	t.Helper()
	self, err := image.Self()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, "module.so")
	args := []string{"build", "-buildmode=plugin", "-pgo=off", "-o", output}
	for _, flag := range []string{"-race", "-trimpath"} {
		if self.Setting(flag) == "true" {
			args = append(args, flag)
		}
	}
	args = append(append(args, flags...), file)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return output
}

// newLoader returns a loader with a cache of its own. The images it opens stay in this process.
func newLoader(t *testing.T, o LoaderOptions) *Loader {
	t.Helper()
	o.CacheDir = filepath.Join(t.TempDir(), "cache")
	l, err := NewLoader(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, err := os.ReadDir(o.CacheDir)
		if err != nil || len(left) != 0 {
			t.Errorf("the cache directory is not empty after the test: %v, %v", left, err)
		}
	})
	return l
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

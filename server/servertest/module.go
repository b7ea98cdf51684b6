package servertest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// BuildModule compiles a module of this tree, named by its folder (plugins/helloworld), for the daemon under test and
// returns the path of the file, which goes with the test.
func BuildModule(t testing.TB, folder string) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return BuildModuleAt(t, filepath.Join(root, folder))
}

// BuildModuleAt is BuildModule for any folder with a main package, inside this tree or in a module of its own.
func BuildModuleAt(t testing.TB, dir string) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	daemon, err := DaemonPath()
	if err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(t.TempDir(), filepath.Base(dir)+".so")
	cmd := exec.Command(daemon, "module", "build", dir, "--sdk", root, "-o", output)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("module build %s: %v\n%s", dir, err, out)
	}
	return output
}

package servertest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// daemonVariable names a program to test in place of the daemon of this tree, for example an installed one.
const daemonVariable = "DATASTORE_TEST_DAEMON"

// staleBuildAge is the age past which binaries of former builds are removed.
const staleBuildAge = 2 * time.Hour

// DaemonPath builds the daemon from the tree under test, once per test binary, with the race detector if the test has
// it, and returns the path of an executable that later builds do not touch. DATASTORE_TEST_DAEMON replaces it.
//
// Test binaries of several packages run at once and share bin/servertest: a lock on a file admits one build at a time,
// go build does nothing when its output is current, and the result is kept under its hash, because go build may write
// into the file that a running server was started from.
var DaemonPath = sync.OnceValues(buildDaemon)

func buildDaemon() (string, error) {
	if path := os.Getenv(daemonVariable); path != "" {
		return path, nil
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "bin", "servertest")
	if RaceEnabled {
		dir += "-race"
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBuild, err)
	}
	unlock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBuild, err)
	}
	defer unlock()
	noteSources(root)
	if err := goBuild(root, filepath.Join(dir, "datastore")); err != nil {
		return "", err
	}
	removeStale(dir)
	return keepByHash(dir)
}

func goBuild(root, output string) error {
	args := []string{"build", "-trimpath", "-o", output}
	if RaceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/datastore")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %w\n%s", ErrBuild, err, out)
	}
	return nil
}

// keepByHash copies DIR/datastore to DIR/datastore-HASH unless that exists.
func keepByHash(dir string) (string, error) {
	image, err := os.ReadFile(filepath.Join(dir, "datastore"))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBuild, err)
	}
	sum := sha256.Sum256(image)
	path := filepath.Join(dir, fmt.Sprintf("datastore-%x", sum[:8]))
	if _, err := os.Stat(path); err == nil {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // in use: keep it out of removeStale's reach
		return path, nil
	}
	if err := os.WriteFile(path+".new", image, 0o755); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBuild, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBuild, err)
	}
	return path, nil
}

func removeStale(dir string) {
	old, _ := filepath.Glob(filepath.Join(dir, "datastore-*"))
	for _, path := range old {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > staleBuildAge {
			_ = os.Remove(path)
		}
	}
}

// lockFile takes an exclusive lock across processes; the kernel drops it if this process dies.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// noteSources looks at every source of the daemon and of modules. go test caches a package's result by the files that the
// test process itself has looked at; without this a change of the daemon would not run the tests again.
func noteSources(root string) {
	for _, name := range []string{"go.mod", "go.sum"} {
		_, _ = os.Stat(filepath.Join(root, name))
	}
	for _, top := range []string{"cmd", "server", "plugin", "plugins", "keyspace", "aof", "replication"} {
		_ = filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				_, _ = os.Stat(path)
			}
			return nil
		})
	}
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("%w: no go.mod above the test's directory", ErrBuild)
		}
		dir = parent
	}
}

package servertest_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"datastore/server/servertest"
)

const (
	noSpace  = "MISCONF Errors writing to the AOF file: No space left on device"
	ioFailed = "MISCONF Errors writing to the AOF file: Input/output error"
)

// smallDisk mounts a filesystem of one megabyte and puts a file of 400 kB on it, whose removal makes space again.
func smallDisk(t *testing.T) (dir, filler string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mounting a small filesystem is not permitted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	filler = filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 400<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, filler
}

// fill writes values until one is not acknowledged and returns how many were, with what came instead of OK.
func fill(t *testing.T, s *servertest.Server) (acked int, refusal string) {
	t.Helper()
	c := s.Dial()
	value := strings.Repeat("x", 10_000)
	for ; acked < 200; acked++ {
		r, err := c.TryDo("SET", "fill"+strconv.Itoa(acked), value)
		if err != nil {
			return acked, ""
		}
		if !r.IsError() {
			continue
		}
		if _, err := c.TryReceive(5 * time.Second); !errors.Is(err, io.EOF) {
			t.Errorf("the connection goes on after %s (%v)", r, err)
		}
		return acked, r.Str
	}
	t.Fatal("the disk does not fill up")
	return 0, ""
}

func verifyFilled(t *testing.T, s *servertest.Server, acked int) {
	t.Helper()
	for i := range acked {
		if n := s.Must("STRLEN", "fill"+strconv.Itoa(i)).Int; n != 10_000 {
			t.Errorf("acknowledged write %d of %d is lost: length %d", i, acked, n)
		}
	}
}

// TestF11DiskFullEverySec: the write that does not fit is not acknowledged, later ones are refused, reads go on, and all
// ends by itself once there is space.
func TestF11DiskFullEverySec(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			dir, filler := smallDisk(t)
			s := servertest.StartWith(t, servertest.Options{Dir: dir,
				Directives: []string{"--appendonly", "yes", "--appendfsync", "everysec", "--event-loop", driver}})
			acked, refusal := fill(t, s)
			if refusal != noSpace {
				t.Errorf("the write that did not fit got %q", refusal)
			}
			for _, args := range [][]string{{"SET", "k", "v"}, {"PING"}, {"DEL", "fill0"}} {
				if r := s.Do(args...); r.Str != noSpace {
					t.Errorf("%v on a full disk: %s", args, r)
				}
			}
			if got := s.Info("aof_last_write_status"); got != "err" {
				t.Errorf("aof_last_write_status:%s", got)
			}
			verifyFilled(t, s, acked)
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			s.Eventually("writes are accepted again", 5*time.Second, func() bool { return !s.Do("SET", "k", "v").IsError() })
			s.WaitLog("AOF write error looks solved", time.Second)
			s.Restart()
			verifyFilled(t, s, acked)
			if r := s.Must("GET", "k"); r.Str != "v" {
				t.Errorf("the write after the recovery is lost: %s", r)
			}
		})
	}
}

// TestF11DiskFullAlways: nothing that is not durable is acknowledged, the server ends, and starts again with space.
func TestF11DiskFullAlways(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			dir, filler := smallDisk(t)
			s := servertest.StartWith(t, servertest.Options{Dir: dir,
				Directives: []string{"--appendonly", "yes", "--appendfsync", "always", "--event-loop", driver}})
			acked, refusal := fill(t, s)
			if refusal != "" && refusal != noSpace {
				t.Errorf("the write that did not fit got %q", refusal)
			}
			if code := s.WaitExit(10 * time.Second); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if !strings.Contains(s.Log(), "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...") {
				t.Errorf("the log does not say why:\n%s", s.Log())
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			s.Restart()
			verifyFilled(t, s, acked)
			s.Must("SET", "k", "v")
		})
	}
}

// injector is strace attached to a server.
type injector struct {
	cmd    *exec.Cmd
	mu     sync.Mutex
	said   strings.Builder
	detach sync.Once
}

func (i *injector) Write(p []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.said.Write(p)
}

func (i *injector) output() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.said.String()
}

// stop lets the server's system calls work again.
func (i *injector) stop() {
	i.detach.Do(func() {
		_ = i.cmd.Process.Signal(os.Interrupt)
		_ = i.cmd.Wait()
	})
}

// inject changes what fsync does to a server from now on: "error=EIO", "delay_enter=MICROSECONDS".
func inject(t *testing.T, s *servertest.Server, fault string) *injector {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace, which injects faults into system calls, is not installed")
	}
	i := &injector{}
	i.cmd = exec.Command(strace, "-f", "-p", strconv.Itoa(s.PID()), "-o", filepath.Join(t.TempDir(), "trace"),
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:"+fault)
	i.cmd.Stderr = i
	if err := i.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.stop)
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(i.output(), "attached"); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(i.output(), "not permitted") {
			t.Skipf("tracing a process is not permitted here: %s", i.output())
		}
		if time.Now().After(deadline) {
			t.Fatalf("strace: %s", i.output())
		}
	}
	return i
}

// TestF13SyncFailsAlways: a write whose fsync fails is never acknowledged, and the server ends.
func TestF13SyncFailsAlways(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			s := servertest.Start(t, "--appendonly", "yes", "--appendfsync", "always", "--event-loop", driver)
			s.Must("SET", "before", "v")
			inject(t, s, "error=EIO")
			c := s.Dial()
			if r, err := c.TryDo("SET", "k", "v"); err == nil && !r.IsError() {
				t.Errorf("a write that is not durable was acknowledged: %s", r)
			}
			if code := s.WaitExit(10 * time.Second); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			s.Restart()
			if r := s.Must("GET", "before"); r.Str != "v" {
				t.Errorf("the durable write is lost: %s", r)
			}
		})
	}
}

// TestF13SyncFailsEverySec: after one failed fsync nothing is written until a new base has been made of what memory holds,
// also when the disk says that all is well again.
func TestF13SyncFailsEverySec(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "--appendonly", "yes", "--appendfsync", "everysec", "--enable-debug-command", "local")
	fault := inject(t, s, "error=EIO")
	s.Must("SET", "k", "v")
	s.Eventually("writes are refused", 5*time.Second, func() bool {
		r, err := s.Dial().TryDo("SET", "k2", "v") // the first one that is refused loses its connection
		return err == nil && r.Str == ioFailed
	})
	fault.stop()
	time.Sleep(1500 * time.Millisecond)
	for _, args := range [][]string{{"SET", "k", "w"}, {"PING"}} {
		if r := s.Do(args...); r.Str != ioFailed {
			t.Errorf("%v after a failed fsync: %s", args, r)
		}
	}
	if r := s.Must("GET", "k"); r.Str != "v" {
		t.Errorf("GET: %s", r)
	}
	s.Must("CONFIG", "SET", "appendonly", "no")
	s.Must("CONFIG", "SET", "appendonly", "yes")
	s.Must("SET", "after", "v")
	s.MustSurviveRestart()
}

// TestF15SlowSync: while an fsync takes long, everysec lets writers wait instead of losing more than it promises; readers
// go on.
func TestF15SlowSync(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for fsyncs of four seconds")
	}
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, "--appendonly", "yes", "--appendfsync", "everysec", "--event-loop", driver)
			fault := inject(t, s, "delay_enter=4000000")
			writer := s.Dial()
			slowest := time.Duration(0)
			for began, n := time.Now(), 0; time.Since(began) < 5*time.Second; n++ {
				sent := time.Now()
				writer.Must("SET", "k", fmt.Sprint(n))
				slowest = max(slowest, time.Since(sent))
				sent = time.Now()
				s.Must("GET", "k")
				if took := time.Since(sent); took > time.Second {
					t.Errorf("a reader waited %v", took)
				}
				time.Sleep(20 * time.Millisecond)
			}
			if slowest < time.Second {
				t.Errorf("no write waited for the overdue fsync: the slowest took %v", slowest)
			}
			if n, _ := strconv.Atoi(s.Info("aof_delayed_fsync")); n < 1 {
				t.Errorf("aof_delayed_fsync:%d", n)
			}
			fault.stop()
			s.Must("SET", "k", "last")
		})
	}
}

// TestF16BadDirectories: what the server cannot use stops the start with a reason.
func TestF16BadDirectories(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, dir string, directives ...string) string {
		t.Helper()
		s := servertest.StartWith(t, servertest.Options{Dir: dir, NoWait: true, Directives: directives})
		if code := s.WaitExit(10 * time.Second); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		return s.Log()
	}
	expect := func(t *testing.T, log string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(log, w) {
				t.Errorf("the log lacks %q:\n%s", w, log)
			}
		}
	}
	t.Run("missing", func(t *testing.T) {
		expect(t, start(t, t.TempDir(), "--dir", "/does/not/exist"), "FATAL CONFIG FILE ERROR", "No such file or directory")
	})
	t.Run("file", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "appendonlydir"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, start(t, dir, "--appendonly", "yes"), "append", "not a directory")
	})
	t.Run("read-only", func(t *testing.T) {
		dir, _ := smallDisk(t)
		if err := syscall.Mount("none", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Skipf("remounting is not permitted here: %v", err)
		}
		expect(t, start(t, dir, "--appendonly", "yes"), "read-only file system")
	})
}

package servertest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"datastore/server/servertest"
)

// populate makes keys of every type in two databases, some with an expiry.
func populate(s *servertest.Server, prefix string) {
	for i := range 50 {
		n := fmt.Sprint(prefix, i)
		s.Must("SET", "string"+n, n)
		s.Must("SET", "number"+n, fmt.Sprint(i))
		s.Must("SET", "expiring"+n, n, "EX", "10000")
		for j := range 1 + i*5 { // beyond the limits of the compact encodings
			v := fmt.Sprintf("element-%d-%s", j, n)
			s.Must("RPUSH", "list"+n, v)
			s.Must("SADD", "set"+n, v)
			s.Must("SADD", "ints"+n, fmt.Sprint(j))
			s.Must("HSET", "hash"+n, v, n)
			s.Must("ZADD", "zset"+n, fmt.Sprint(float64(j)/3), v)
		}
	}
	s.Must("SELECT", "9")
	s.Must("SET", "other"+prefix, strings.Repeat("x", 100_000))
	s.Must("SELECT", "0")
	s.Must("DEL", "string"+prefix+"0")
}

const debugOn = "--enable-debug-command"

// TestDropInDumpFile passes a dump file between both servers, in both directions, written at the end and read at the start.
func TestDropInDumpFile(t *testing.T) {
	t.Parallel()
	save := []string{debugOn, "local", "--save", "3600 1"}
	oracle := servertest.RedisPath(t)
	ours, err := servertest.DaemonPath()
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct{ name, from, to string }{
		{"to redis", ours, oracle}, {"from redis", oracle, ours}, {"to ourselves", ours, ours},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.StartWith(t, servertest.Options{Program: way.from, Directives: save})
			populate(s, "d")
			digest := s.Digest()
			if code := s.Terminate(); code != 0 {
				t.Fatalf("exit code %d\n%s", code, s.Log())
			}
			to := servertest.StartWith(t, servertest.Options{Program: way.to, Dir: s.Dir, Directives: save})
			if got := to.Digest(); got != digest {
				t.Errorf("digest %s after the load, %s before\n%s", got, digest, to.Log())
			}
			if !strings.Contains(to.Log(), "DB loaded from disk") {
				t.Errorf("the log does not tell of the load:\n%s", to.Log())
			}
		})
	}
}

// TestDropInAppendOnlyDirectory passes an AOF between both servers, with a base in RDB format and what came after it.
func TestDropInAppendOnlyDirectory(t *testing.T) {
	t.Parallel()
	flags := []string{debugOn, "local", "--appendonly", "yes"}
	t.Run("from redis", func(t *testing.T) {
		t.Parallel()
		s := servertest.StartRedis(t, flags...)
		populate(s, "base")
		s.Must("BGREWRITEAOF")
		s.WaitLog("Background AOF rewrite finished successfully", 10*time.Second)
		populate(s, "incr")
		digest := s.Digest()
		s.Terminate()
		loadsAlike(t, "", s.Dir, digest, flags)
	})
	t.Run("to redis", func(t *testing.T) {
		t.Parallel()
		s := servertest.Start(t, debugOn, "local")
		populate(s, "base")
		s.Must("CONFIG", "SET", "appendonly", "yes")
		populate(s, "incr")
		digest := s.Digest()
		s.Terminate()
		loadsAlike(t, servertest.RedisPath(t), s.Dir, digest, flags)
	})
}

// loadsAlike starts a program on a directory twice, with a write between, and compares digests.
func loadsAlike(t *testing.T, program, dir, digest string, flags []string) {
	t.Helper()
	s := servertest.StartWith(t, servertest.Options{Program: program, Dir: dir, Directives: flags})
	if got := s.Digest(); got != digest {
		t.Fatalf("digest %s after the load, %s before\n%s", got, digest, s.Log())
	}
	if !strings.Contains(s.Log(), "DB loaded from append only file") {
		t.Errorf("the log does not tell of the load:\n%s", s.Log())
	}
	s.Must("SET", "after", "v")
	s.MustSurviveRestart()
}

// TestDropInDumpThenAppendOnly: who switches the AOF on with a restart keeps what the dump file has.
func TestDropInDumpThenAppendOnly(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, debugOn, "local", "--save", "3600 1")
	populate(s, "d")
	digest := s.Digest()
	s.Terminate()
	s.Restart(debugOn, "local", "--appendonly", "yes")
	if got := s.Digest(); got != digest {
		t.Fatalf("digest %s, want %s", got, digest)
	}
	s.Must("SET", "after", "v")
	s.MustSurviveRestart()
}

// TestF10SwitchAppendOnly switches the AOF on and off at run time. On writes a base of what memory holds; off leaves the
// files behind, and the directory stays taken.
func TestF10SwitchAppendOnly(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, debugOn, "local", "--appendfsync", "always", "--event-loop", driver)
			populate(s, "d")
			parts := func() string {
				names, _ := filepath.Glob(filepath.Join(s.Dir, "appendonlydir", "*.rdb"))
				return strings.Join(names, " ")
			}
			s.Must("CONFIG", "SET", "appendonly", "yes")
			if got := parts(); !strings.Contains(got, "appendonly.aof.1.base.rdb") {
				t.Errorf("base files: %q", got)
			}
			s.Must("SET", "logged", "v")
			manifest := string(mustRead(t, filepath.Join(s.Dir, "appendonlydir", "appendonly.aof.manifest")))
			size := appendOnlyBytes(t, s.Dir)

			s.Must("CONFIG", "SET", "appendonly", "no")
			if got := s.Info("aof_enabled"); got != "0" {
				t.Errorf("aof_enabled:%s", got)
			}
			s.Must("SET", "not-logged", "v")
			if got := appendOnlyBytes(t, s.Dir); got != size {
				t.Errorf("the files went on growing: %d, then %d bytes", size, got)
			}
			if got := string(mustRead(t, filepath.Join(s.Dir, "appendonlydir", "appendonly.aof.manifest"))); got != manifest {
				t.Errorf("the manifest has changed: %q, then %q", manifest, got)
			}
			second := servertest.StartWith(t, servertest.Options{Dir: s.Dir, NoWait: true})
			if code := second.WaitExit(10 * time.Second); code != 1 {
				t.Errorf("a second server took the directory: exit code %d", code)
			}

			s.Must("CONFIG", "SET", "appendonly", "yes")
			s.Eventually("the former base is gone", 5*time.Second, func() bool { return !strings.Contains(parts(), "1.base") })
			s.Must("SET", "again", "v")
			digest := s.Digest()
			s.Restart(debugOn, "local", "--appendonly", "yes", "--event-loop", driver)
			if got := s.Digest(); got != digest {
				t.Errorf("digest %s after kill -9, %s before", got, digest)
			}
			if n := s.Must("EXISTS", "logged", "not-logged", "again").Int; n != 3 {
				t.Errorf("%d of 3 keys are there", n)
			}
		})
	}
}

func appendOnlyBytes(t *testing.T, dir string) (n int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

// TestF10SwitchUnderLoad switches the AOF on and off while clients write, and kills the server while it is on: nothing
// that was acknowledged since is missing.
func TestF10SwitchUnderLoad(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "--appendfsync", "always")
	stop, done := make(chan struct{}), make(chan int)
	c := s.Dial()
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				done <- n
				return
			default:
			}
			if r, err := c.TryDo("SET", fmt.Sprint("k", n), "v"); err != nil || r.IsError() {
				t.Errorf("write %d: %s %v", n, r, err)
				done <- n
				return
			}
		}
	}()
	for i := range 21 {
		s.Must("CONFIG", "SET", "appendonly", []string{"yes", "no"}[i%2])
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	n := <-done
	s.Restart("--appendonly", "yes")
	if got := s.Must("DBSIZE").Int; got != int64(n) {
		t.Errorf("%d keys after kill -9, %d were acknowledged", got, n)
	}
}

// TestF14SaveFails: a server that cannot save does not end, goes on serving, and ends once it can.
func TestF14SaveFails(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "--save", "3600 1")
	s.Must("SET", "k", "v")
	dump := filepath.Join(s.Dir, "dump.rdb")
	if err := os.MkdirAll(filepath.Join(dump, "in-the-way"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGTERM)
	s.WaitLog("Error trying to save the DB, can't exit", 5*time.Second)
	if r := s.Must("GET", "k"); r.Str != "v" {
		t.Errorf("GET: %s", r)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "temp-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := os.RemoveAll(dump); err != nil {
		t.Fatal(err)
	}
	if code := s.Terminate(); code != 0 {
		t.Errorf("exit code %d once it can save", code)
	}
	s.Restart()
	if r := s.Must("GET", "k"); r.Str != "v" {
		t.Errorf("GET after the restart: %s", r)
	}
}

// TestF14SwitchOnFails: an AOF that cannot be begun leaves the directive and the server as they were.
func TestF14SwitchOnFails(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	mustWrite(t, filepath.Join(s.Dir, "appendonlydir"), nil)
	want := "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check server logs."
	if r := s.Do("CONFIG", "SET", "appendonly", "yes"); r.Str != want {
		t.Errorf("%s, want %s", r, want)
	}
	if got := get(s, "appendonly"); got != "no" {
		t.Errorf("appendonly is %q", got)
	}
	s.Must("SET", "k", "v")
}

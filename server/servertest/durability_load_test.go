package servertest_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"datastore/server/servertest"
)

const incrFile = "appendonly.aof.1.incr.aof"

// runDaemon runs the daemon of this tree as a command and returns its exit code and output.
func runDaemon(t *testing.T, stdin string, args ...string) (code int, output string) {
	t.Helper()
	path, err := servertest.DaemonPath()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// aofDir has an AOF of ten keys and one transaction of two, written by a daemon that was killed, and returns the directory
// and the last incr file.
func aofDir(t *testing.T) (dir, incr string) {
	t.Helper()
	s := servertest.Start(t, "--appendonly", "yes")
	for i := range 10 {
		s.Must("SET", fmt.Sprint("k", i), fmt.Sprint("value", i))
	}
	s.Must("MULTI")
	s.Must("SET", "t1", "a")
	s.Must("SET", "t2", "b")
	s.Must("EXEC")
	s.Kill()
	return s.Dir, filepath.Join(s.Dir, "appendonlydir", incrFile)
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustWrite(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// on starts a daemon with the AOF in a directory.
func on(t *testing.T, dir string, directives ...string) *servertest.Server {
	t.Helper()
	return servertest.StartWith(t, servertest.Options{Dir: dir, Directives: append([]string{"--appendonly", "yes"}, directives...)})
}

// refuses starts a daemon that must end with code 1 and these words in its last line, and returns its log.
func refuses(t *testing.T, dir, lastWords string, directives ...string) string {
	t.Helper()
	s := servertest.StartWith(t, servertest.Options{Dir: dir, NoWait: true,
		Directives: append([]string{"--appendonly", "yes"}, directives...)})
	if code := s.WaitExit(10 * time.Second); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	lines := strings.Split(strings.TrimSpace(s.Log()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, lastWords) {
		t.Errorf("the last line is not %q:\n%s", lastWords, s.Log())
	}
	return s.Log()
}

// checkAndFix runs the tool on a damaged AOF, which must not change it without --fix.
func checkAndFix(t *testing.T, dir string) {
	t.Helper()
	manifest := filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest")
	incr := filepath.Join(dir, "appendonlydir", incrFile)
	before := mustRead(t, incr)
	if code, out := runDaemon(t, "", "aof", "check", manifest); code != 1 || !strings.Contains(out, "offset") {
		t.Errorf("aof check: code %d\n%s", code, out)
	}
	if !bytes.Equal(before, mustRead(t, incr)) {
		t.Fatal("aof check without --fix has changed the file")
	}
	code, out := runDaemon(t, "", "aof", "check", "--fix", manifest)
	if code != 0 || !strings.Contains(out, "kept in ") {
		t.Errorf("aof check --fix: code %d\n%s", code, out)
	}
	if code, out := runDaemon(t, "", "aof", "check", manifest); code != 0 || !strings.HasSuffix(out, "ok\n") {
		t.Errorf("aof check after --fix: code %d\n%s", code, out)
	}
}

// TestF04TruncatedTail cuts into the last record: it goes, the rest stays, and the log tells where and keeps a copy.
func TestF04TruncatedTail(t *testing.T) {
	t.Parallel()
	dir, incr := aofDir(t)
	whole := mustRead(t, incr)
	cut := whole[:bytes.LastIndex(whole, []byte("*1\r\n$5\r\nMULTI"))-7] // into the annotation of the record before
	cut = cut[:bytes.LastIndex(cut, []byte("value9"))+3]
	mustWrite(t, incr, cut)
	log := refuses(t, dir, "Unexpected end of file reading the append only file", "--aof-load-truncated", "no")
	if !strings.Contains(log, incrFile+": record 10 at offset ") {
		t.Errorf("the log does not tell where:\n%s", log)
	}
	if !bytes.Equal(cut, mustRead(t, incr)) {
		t.Error("a refused start has changed the file")
	}
	s := on(t, dir)
	if n := s.Must("DBSIZE").Int; n != 9 {
		t.Errorf("%d keys, want 9", n)
	}
	for _, words := range []string{"short read while loading the AOF file", "cut off and are kept in", "at offset"} {
		if !strings.Contains(s.Log(), words) {
			t.Errorf("the log lacks %q:\n%s", words, s.Log())
		}
	}
	s.Must("SET", "k9", "again")
	s.Restart()
	if n := s.Must("DBSIZE").Int; n != 10 {
		t.Errorf("%d keys after another write and kill -9, want 10", n)
	}
}

// TestF04Fix lets the tool repair what the server may not.
func TestF04Fix(t *testing.T) {
	t.Parallel()
	dir, incr := aofDir(t)
	whole := mustRead(t, incr)
	mustWrite(t, incr, whole[:len(whole)-3])
	checkAndFix(t, dir)
	if n := on(t, dir, "--aof-load-truncated", "no").Must("DBSIZE").Int; n != 10 {
		t.Errorf("%d keys, want 10", n)
	}
}

// TestF05TornTransaction cuts between the commands of a transaction: none of them may be there.
func TestF05TornTransaction(t *testing.T) {
	t.Parallel()
	dir, incr := aofDir(t)
	whole := mustRead(t, incr)
	mustWrite(t, incr, whole[:bytes.LastIndex(whole, []byte("$2\r\nt2"))])
	s := on(t, dir)
	if n := s.Must("DBSIZE").Int; n != 10 {
		t.Errorf("%d keys, want 10", n)
	}
	if n := s.Must("EXISTS", "t1", "t2").Int; n != 0 {
		t.Error("half of a transaction is served")
	}
	if !strings.Contains(s.Log(), "Revert incomplete MULTI/EXEC transaction") {
		t.Errorf("the log does not tell:\n%s", s.Log())
	}
}

// TestF06BitFlip: a value that is not what was written is never served, and the log tells where and what to do.
func TestF06BitFlip(t *testing.T) {
	t.Parallel()
	dir, incr := aofDir(t)
	content := mustRead(t, incr)
	content[bytes.Index(content, []byte("value5"))] ^= 1
	mustWrite(t, incr, content)
	log := refuses(t, dir, "Bad file format reading the append only file")
	manifest := filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest")
	for _, words := range []string{incrFile, "record 6 at offset ", "datastore aof check --fix " + manifest} {
		if !strings.Contains(log, words) {
			t.Errorf("the log lacks %q:\n%s", words, log)
		}
	}
	checkAndFix(t, dir)
	if n := on(t, dir).Must("DBSIZE").Int; n != 5 {
		t.Errorf("%d keys, want the 5 before the damage", n)
	}
}

// TestF07CorruptTail: a flip in the last record stops the start unless the directive allows to drop so much.
func TestF07CorruptTail(t *testing.T) {
	t.Parallel()
	dir, incr := aofDir(t)
	content := mustRead(t, incr)
	content[bytes.LastIndex(content, []byte("$2\r\nt2"))+4] ^= 1
	mustWrite(t, incr, content)
	refuses(t, dir, "Bad file format reading the append only file")
	s := on(t, dir, "--aof-load-corrupt-tail-max-size", "4kb")
	if n := s.Must("EXISTS", "t1", "t2").Int; n != 0 || s.Must("DBSIZE").Int != 10 {
		t.Errorf("%d keys of the damaged transaction, %d in all", n, s.Must("DBSIZE").Int)
	}
	if !strings.Contains(s.Log(), "are kept in") {
		t.Errorf("the log does not name the copy:\n%s", s.Log())
	}
}

// TestF08ZeroTail: what a filesystem leaves behind the last byte after a power failure is a torn tail.
func TestF08ZeroTail(t *testing.T) {
	t.Parallel()
	dir, incr := aofDir(t)
	mustWrite(t, incr, append(mustRead(t, incr), make([]byte, 4096)...))
	s := on(t, dir)
	if n := s.Must("DBSIZE").Int; n != 12 {
		t.Errorf("%d keys, want 12", n)
	}
	if !strings.Contains(s.Log(), "4096 bytes from offset") {
		t.Errorf("the log does not tell what was cut off:\n%s", s.Log())
	}
}

// TestF09MissingParts: an AOF that is not whole is never taken for an empty one.
func TestF09MissingParts(t *testing.T) {
	t.Parallel()
	dir, incr := aofDir(t)
	manifest := filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest")
	whole := mustRead(t, manifest)
	mustWrite(t, manifest, bytes.ReplaceAll(whole, []byte("type i"), []byte("type x")))
	refuses(t, dir, "Unknown AOF file type")
	mustWrite(t, manifest, append(whole, whole...))
	refuses(t, dir, "Found a ")
	mustWrite(t, manifest, nil)
	refuses(t, dir, "Found an empty AOF manifest")
	if err := os.Remove(manifest); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "append only file parts without a manifest")
	mustWrite(t, manifest, whole)
	if err := os.Rename(incr, incr+".away"); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, incrFile)
	if err := os.Rename(incr+".away", incr); err != nil {
		t.Fatal(err)
	}
	if n := on(t, dir).Must("DBSIZE").Int; n != 12 {
		t.Errorf("%d keys, want 12", n)
	}
}

// TestF02SecondSignal: who insists gets an end at once, whatever the server is busy with, and loses nothing acknowledged.
func TestF02SecondSignal(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, "--appendonly", "yes", "--enable-debug-command", "local", "--event-loop", driver)
			s.Must("SET", "k", "v")
			s.Dial().Send("DEBUG", "SLEEP", "8")
			time.Sleep(100 * time.Millisecond)
			s.Signal(syscall.SIGTERM)
			s.WaitLog("Received SIGTERM", 2*time.Second)
			s.Signal(syscall.SIGINT)
			if code := s.WaitExit(2 * time.Second); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			s.Restart()
			if r := s.Must("GET", "k"); r.Str != "v" {
				t.Errorf("GET: %s", r)
			}
		})
	}
}

// TestF02TerminateWhileLoading: clients hear that the server is loading, unless the command may run then, SIGTERM ends it, and the
// files stay as they are.
//
// Rules: CMD-2.
func TestF02TerminateWhileLoading(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a dataset that takes a second to load")
	}
	t.Parallel()
	s := servertest.Start(t, "--enable-debug-command", "local", "--save", "3600 1")
	s.Must("DEBUG", "POPULATE", "1500000")
	if code := s.Terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	dump := filepath.Join(s.Dir, "dump.rdb")
	size := len(mustRead(t, dump))
	module := servertest.BuildModule(t, "server/testdata/modules/calls")
	again := servertest.StartWith(t, servertest.Options{Dir: s.Dir, NoWait: true,
		Directives: []string{"--save", "3600 1", "--loadmodule", module}})
	again.WaitLog("Server initialized", 10*time.Second)
	c := again.Dial()
	if r := c.Do("CALLS.FAST"); r.String() != "(integer) 1" { // it has the flag allow-loading
		t.Errorf("CALLS.FAST while loading: %s", r)
	}
	for _, args := range [][]string{{"PING"}, {"GET", "key:1"}, {"CALLS.MEMORY"}, {"SHUTDOWN", "ABORT"}} {
		r := c.Do(args...)
		if want := "LOADING"; args[0] != "SHUTDOWN" && !strings.HasPrefix(r.Str, want) {
			t.Errorf("%v while loading: %s", args, r)
		}
	}
	if info := c.Do("INFO", "persistence").Str; !strings.Contains(info, "loading:1") {
		t.Error("INFO does not tell that the server is loading")
	}
	if code := again.Terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(again.Log(), "Received shutdown signal during loading, exiting now.") {
		t.Errorf("not ended while loading:\n%s", again.Log())
	}
	if got := len(mustRead(t, dump)); got != size {
		t.Errorf("the dump file has %d bytes, %d before", got, size)
	}
	s.Restart()
	if n := s.Must("DBSIZE").Int; n != 1_500_000 {
		t.Errorf("%d keys", n)
	}
}

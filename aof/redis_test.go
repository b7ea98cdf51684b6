package aof

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest/freeport"
	"datastore/server/vfs"
)

// realRedis starts the installed redis-server on dir and returns a function that sends a line and returns the first
// line of the reply, or the value of a bulk reply.
func realRedis(t *testing.T, dir string) (ask func(line string) string, stop func()) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	port := strconv.Itoa(freeport.Get())
	var out strings.Builder
	c := exec.Command(bin, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", dir)
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var conn net.Conn
	for range 100 {
		if conn, err = net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		_ = c.Process.Kill()
		_ = c.Wait()
		t.Fatalf("%v\n%s", err, out.String())
	}
	r := bufio.NewReader(conn)
	ask = func(line string) string {
		fmt.Fprintf(conn, "%s\r\n", line)
		reply, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if reply[0] == '$' && reply != "$-1\r\n" {
			if reply, err = r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		return strings.TrimSpace(reply)
	}
	for range 500 { // it listens before it has loaded
		if !strings.HasPrefix(ask("PING"), "-LOADING") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ask, func() {
		fmt.Fprintf(conn, "SHUTDOWN\r\n")
		_, _ = io.Copy(io.Discard, conn)
		_ = c.Wait()
	}
}

// A real Redis loads what we write, goes on in it, and we load that again.
func TestRealRedisReadsAndContinuesOurFiles(t *testing.T) {
	dir := t.TempDir()
	onDisk := func(o *Options) { o.Dir = dir }
	b := open(t, vfs.OS{}, onDisk).start()
	b.append(append(cmd("SELECT", "0"), set(0)...), txn(set(1), set(2)), append(cmd("SELECT", "3"), txn(cmd("SET", "z", "9"), cmd("INCR", "z"))...))
	b.close()
	if check, err := exec.LookPath("redis-check-aof"); err == nil {
		out, err := exec.Command(check, filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest")).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "All AOF files and manifest are valid") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	ask, stop := realRedis(t, dir)
	for _, step := range [][2]string{
		{"GET key:0", "value:0"}, {"GET key:2", "value:2"}, {"DBSIZE", ":3"}, {"SET own 1", "+OK"},
	} {
		if got := ask(step[0]); got != step[1] {
			t.Errorf("%s: %q, want %q", step[0], got, step[1])
		}
	}
	ask("INCR own")
	if ask("SELECT 3") != "+OK" || ask("GET z") != "10" {
		t.Error("database 3 was not loaded")
	}
	stop()
	b = open(t, vfs.OS{}, onDisk)
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, "; "); !strings.HasSuffix(text, "INCR z; SELECT 0; SET own 1; INCR own") &&
		!strings.HasSuffix(text, "INCR z; SELECT 0; SET own 1; INCR own; SELECT 3") {
		t.Fatal(text)
	}
	if err := b.log.Start(nil); err != nil {
		t.Fatal(err)
	}
	b.append(append(cmd("SELECT", "0"), cmd("SET", "last", "1")...))
	b.close()
	ask, stop = realRedis(t, dir)
	if ask("GET own") != "2" || ask("GET last") != "1" {
		t.Error("the second round lost something")
	}
	stop()
}

// We load what a real Redis has written from the start, after its rewrite too.
func TestWeReadRealRedisFiles(t *testing.T) {
	dir := t.TempDir()
	ask, stop := realRedis(t, dir)
	ask("SET a 1")
	ask("CONFIG SET aof-timestamp-enabled yes")
	ask("CONFIG SET aof-use-rdb-preamble no")
	ask("BGREWRITEAOF")
	for range 100 {
		if ask("OBJECT HELP") != "" && !rewriting(t, dir) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	b := open(t, vfs.OS{}, func(o *Options) { o.Dir = dir })
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, "; "); !strings.Contains(text, "SET a 1") {
		t.Fatal(text)
	}
	b.close()
}

func rewriting(t *testing.T, dir string) bool {
	t.Helper()
	bases, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.base.aof"))
	if err != nil {
		t.Fatal(err)
	}
	return len(bases) == 0
}

package aof

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"
	"time"

	"datastore/server/vfs"
	"datastore/server/vfs/vfstest"
)

const testDir = "/data"

// clock is a clock that only tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// bench is one log on one filesystem, with the lines it has logged.
type bench struct {
	t     testing.TB
	fs    vfs.FS
	log   *Log
	lines []string
	clock clock
}

func testOptions(fsys vfs.FS) Options { return Options{FS: fsys, Dir: testDir} }

func newMem(t testing.TB) *vfstest.Mem {
	t.Helper()
	m := vfstest.NewMem()
	if err := m.MkdirAll(testDir); err != nil {
		t.Fatal(err)
	}
	return m
}

// open opens a log and fails the test if that fails.
func open(t testing.TB, fsys vfs.FS, change ...func(*Options)) *bench {
	t.Helper()
	b, err := tryOpen(t, fsys, change...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tryOpen(t testing.TB, fsys vfs.FS, change ...func(*Options)) (*bench, error) {
	t.Helper()
	b := &bench{t: t, fs: fsys, clock: clock{time.Unix(1e9, 0)}}
	o := testOptions(fsys)
	o.Now = b.clock.now
	o.Log = func(_ Level, line string) { b.lines = append(b.lines, line) }
	for _, c := range change {
		c(&o)
	}
	var err error
	b.log, err = Open(o)
	return b, err
}

func (b *bench) start() *bench {
	b.t.Helper()
	if _, err := b.load(); err != nil {
		b.t.Fatal(err)
	}
	if err := b.log.Start(nil); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// load returns the commands joined, one string each; an RDB part counts as one.
func (b *bench) load() ([]string, error) {
	var got []string
	_, err := b.log.Load(collect(&got))
	return got, err
}

func collect(got *[]string) Applier {
	return Applier{
		RDB: func(r io.Reader, size int64) (int64, error) {
			// The tests' RDB is REDIS, one byte of length, as many bytes.
			data, err := io.ReadAll(r)
			if err != nil {
				return 0, err
			}
			if len(data) < 6 || len(data) < 6+int(data[5]) {
				return 0, errors.New("short rdb")
			}
			n := 6 + int(data[5])
			*got = append(*got, "RDB "+string(data[6:n]))
			return int64(n), nil
		},
		Command: func(args [][]byte) error {
			if string(args[0]) == "nosuch" {
				return fmt.Errorf("%w: %s", ErrUnknownCommand, args[0])
			}
			*got = append(*got, string(bytes.Join(args, []byte(" "))))
			return nil
		},
	}
}

func rdb(content string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "REDIS%c%s", len(content), content)
		return err
	}
}

func (b *bench) append(units ...[]byte) {
	b.t.Helper()
	for _, u := range units {
		b.log.Append(u)
	}
	if err := b.log.Flush(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) close() {
	b.t.Helper()
	if err := b.log.Close(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) logged(part string) bool {
	return strings.Contains(strings.Join(b.lines, "\n"), part)
}

func cmd(words ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.Bytes()
}

func set(i int) []byte { return cmd("SET", fmt.Sprintf("key:%d", i), fmt.Sprintf("value:%d", i)) }

func txn(cmds ...[]byte) []byte {
	b := cmd("MULTI")
	for _, c := range cmds {
		b = append(b, c...)
	}
	return append(b, cmd("EXEC")...)
}

func sets(n int) []string {
	want := make([]string, n)
	for i := range want {
		want[i] = fmt.Sprintf("SET key:%d value:%d", i, i)
	}
	return want
}

func inAOF(name string) string { return path.Join(testDir, "appendonlydir", name) }

const firstIncr = "appendonly.aof.1.incr.aof"

// written returns a filesystem with a closed log of the units, and the content of its incr file.
func written(t testing.TB, units ...[]byte) (*vfstest.Mem, []byte) {
	t.Helper()
	m := newMem(t)
	b := open(t, m).start()
	b.append(units...)
	b.close()
	return m, read(t, m, firstIncr)
}

func read(t testing.TB, fsys vfs.FS, name string) []byte {
	t.Helper()
	data, err := vfstest.ReadFile(fsys, inAOF(name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, fsys vfs.FS, name string, data []byte) {
	t.Helper()
	if err := fsys.MkdirAll(inAOF("")); err != nil {
		t.Fatal(err)
	}
	if err := vfstest.WriteFile(fsys, inAOF(name), data); err != nil {
		t.Fatal(err)
	}
}

// withFile is a filesystem whose only part is an incr file with the given content.
func withFile(t testing.TB, data []byte) *vfstest.Mem {
	t.Helper()
	m := newMem(t)
	write(t, m, firstIncr, data)
	write(t, m, "appendonly.aof.manifest", []byte("file "+firstIncr+" seq 1 type i\n"))
	return m
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("loaded\n%q\nwant\n%q", got, want)
	}
}

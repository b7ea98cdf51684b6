package server_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

func typed(t *testing.T) string     { return servertest.BuildModule(t, "server/testdata/modules/typed") }
func hellotype(t *testing.T) string { return servertest.BuildModule(t, "plugins/hellotype") }

// fillNatives writes values of both modules, with and without expiry, in two databases.
func fillNatives(c *servertest.Conn) {
	for i := range 20 {
		c.Must("HELLOTYPE.INSERT", fmt.Sprint("numbers", i%4), fmt.Sprint(1000-37*i))
		c.Must("TYPED.APPEND", fmt.Sprint("text", i%3), strings.Repeat("text ", i))
	}
	c.Must("PEXPIRE", "text1", "1000000")
	c.Must("SELECT", "5")
	c.Must("HELLOTYPE.INSERT", "numbers", "-9223372036854775808")
	c.Must("TYPED.APPEND", "text", "in another database")
	c.Must("EXPIRE", "text", "5000")
	c.Must("RENAME", "text", "renamed")
	c.Must("SELECT", "0")
	c.Must("MOVE", "text2", "5")
	c.Must("SET", "string", "beside them")
	c.Must("TYPED.AUX", "beside the keys")
}

// TestNativeTypesOnDisk takes values through DEBUG RELOAD, the append-only file in both forms, and a restart.
//
// Rules: TYP-7, DIG-1.
func TestNativeTypesOnDisk(t *testing.T) {
	modules := []string{"--loadmodule", typed(t), "--loadmodule", hellotype(t), "--enable-debug-command", "yes"}
	for _, preamble := range []string{"yes", "no"} {
		directives := append(slices.Clone(modules), "--aof-use-rdb-preamble", preamble)
		s := servertest.Start(t, directives...)
		c := s.Dial()
		fillNatives(c)
		s.MustSurviveReload()
		wantReply(t, c, "TYPED.AUX", `"beside the keys"`)
		c.Must("CONFIG", "SET", "appendonly", "yes") // writes a base
		c.Must("TYPED.APPEND", "text0", "behind the base")
		c.Must("HELLOTYPE.INSERT", "numbers0", "5")
		s.MustSurviveLoadAOF()
		digest := s.Digest()
		s.Kill()
		base, err := filepath.Glob(filepath.Join(s.Dir, "appendonlydir", "*.base."+map[string]string{"yes": "rdb", "no": "aof"}[preamble]))
		if err != nil || len(base) != 1 {
			t.Fatalf("bases: %v, %v", base, err)
		}
		text, err := os.ReadFile(base[0])
		if err != nil {
			t.Fatal(err)
		}
		if commands := bytes.Contains(text, []byte("HELLOTYPE.INSERT\r\n")) && bytes.Contains(text, []byte("RESTORE\r\n")); commands != (preamble == "no") {
			t.Errorf("preamble %s: the base has commands: %v", preamble, commands)
		}
		s.Restart(append(directives, "--appendonly", "yes")...)
		if got := s.Digest(); got != digest {
			t.Errorf("preamble %s: digest %s after the restart, %s before", preamble, got, digest)
		}
		c = s.Dial()
		wantReply(t, c, "HELLOTYPE.RANGE numbers0 0 2", "[(integer) 5 (integer) 408]")
		if r := c.Must("TYPED.GET", "text0"); !strings.HasSuffix(r.Str, "behind the base") {
			t.Errorf("preamble %s: %s", preamble, r)
		}
		if strings.Contains(s.Log(), "has no checksums") {
			t.Errorf("preamble %s: the base has no checksums", preamble)
		}
	}
}

// TestCommandBaseIsRedis loads a base of commands in a real redis-server, with a dataset of all its types.
func TestCommandBaseIsRedis(t *testing.T) {
	s := servertest.Start(t, "--enable-debug-command", "yes", "--aof-use-rdb-preamble", "no")
	c := s.Dial()
	for i := range 300 {
		n := fmt.Sprint(i)
		c.Must("RPUSH", "list", "element "+n, n)
		c.Must("SADD", "set", "member "+n, n)
		c.Must("SADD", "intset", n)
		c.Must("HSET", "hash", "field "+n, n)
		c.Must("ZADD", "zset", fmt.Sprint(float64(i)/7), "member "+n)
	}
	c.Must("ZADD", "few", "-inf", "a", "inf", "b", "0.1", "c", "-0", "d", "3", "4")
	c.Must("SET", "int", "12345")
	c.Must("SET", "text", "a\x00b\r\nc")
	c.Must("SELECT", "9")
	c.Must("SETEX", "expires", "100000", "soon")
	c.Must("CONFIG", "SET", "appendonly", "yes")
	digest := s.Digest()
	s.Kill()
	oracle := servertest.StartWith(t, servertest.Options{Program: servertest.RedisPath(t), Dir: copyDir(t, s.Dir),
		Directives: []string{"--appendonly", "yes", "--enable-debug-command", "yes"}})
	if got := oracle.Digest(); got != digest {
		t.Errorf("redis-server reads %s from our base, we had %s", got, digest)
	}
	s.Restart("--appendonly", "yes", "--enable-debug-command", "yes")
	if got := s.Digest(); got != digest {
		t.Errorf("we read %s, had %s", got, digest)
	}
}

func copyDir(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestNativeTypesOnReplicas synchronizes replicas with and without the modules, in full and by the stream.
//
// Rules: TYP-7, DIG-1.
func TestNativeTypesOnReplicas(t *testing.T) {
	path := typed(t)
	s := servertest.Start(t, "--loadmodule", path, "--enable-debug-command", "yes")
	c := s.Dial()
	c.Must("TYPED.APPEND", "before", "the synchronization")
	c.Must("TYPED.AUX", "beside the keys")
	replicas := map[string]*servertest.Server{}
	for name, directives := range map[string][]string{"with": {"--loadmodule", path}, "without": nil} {
		r := servertest.Start(t, append(directives, "--enable-debug-command", "yes", "--enable-module-command", "yes", "--appendonly", "yes",
			"--replicaof", fmt.Sprint("127.0.0.1 ", s.Port))...)
		r.Eventually("the link is up", 10*time.Second, func() bool { return r.Info("master_link_status") == "up" })
		replicas[name] = r
	}
	c.Must("TYPED.APPEND", "before", ", and behind it")
	c.Must("TYPED.APPEND", "k", strings.Repeat("new ", 100))
	c.Must("PEXPIRE", "k", "1000000")
	c.Must("TYPED.APPEND", "k", "expiring")
	c.Must("COPY", "string", "nothing")
	c.Must("MULTI")
	c.Must("TYPED.APPEND", "multi", "1")
	c.Must("TYPED.APPEND", "multi", "2")
	c.Must("RENAME", "multi", "one")
	c.Must("EXEC")
	if n := s.Must("WAIT", "2", "10000").Int; n != 2 {
		t.Fatalf("WAIT answers %d", n)
	}
	digest := s.Digest()
	for name, r := range replicas {
		if got := r.Digest(); got != digest {
			t.Errorf("the replica %s the module has %s, the primary %s", name, got, digest)
		}
		rc := r.Dial()
		if a, b := rc.Must("DEBUG", "DIGEST-VALUE", "k", "one"), c.Must("DEBUG", "DIGEST-VALUE", "k", "one"); a.String() != b.String() {
			t.Errorf("digests of values: %s, %s", a, b)
		}
		wantReply(t, rc, "TYPE before", "typedtext")
		if a, b := rc.Must("DUMP", "k"), c.Must("DUMP", "k"); a.Str != b.Str {
			t.Errorf("the replica %s the module dumps %q, the primary %q", name, a.Str, b.Str)
		}
	}
	with, without := replicas["with"].Dial(), replicas["without"].Dial()
	wantReply(t, with, "TYPED.GET before", `"the synchronization, and behind it"`)
	wantReply(t, with, "TYPED.AUX", `"beside the keys"`)
	if n := replicas["without"].Info("module_opaque_values"); n != "3" {
		t.Errorf("the replica without the module has %s opaque values", n)
	}
	without.Must("REPLICAOF", "NO", "ONE")
	wantReply(t, without, "MODULE LOAD "+path, "OK")
	wantReply(t, without, "TYPED.GET one", `"12"`)
	wantReply(t, without, "TYPED.AUX", `"beside the keys"`)
	replicas["without"].MustSurviveLoadAOF()
}

// TestModuleRemovedAndAddedAgain: the values of a module that is not loaded are kept in memory and on disk, are told of, and
// live when the module is back.
//
// Rules: TYP-3, TYP-8.
func TestModuleRemovedAndAddedAgain(t *testing.T) {
	path := typed(t)
	for _, aof := range []string{"no", "yes"} {
		debug := []string{"--enable-debug-command", "yes", "--enable-module-command", "yes", "--appendonly", aof}
		s := servertest.Start(t, append(debug, "--loadmodule", path)...)
		c := s.Dial()
		c.Must("TYPED.APPEND", "k", "value")
		c.Must("TYPED.APPEND", "large", strings.Repeat("value ", 5000))
		if aof == "no" {
			c.Must("TYPED.AUX", "beside the keys")
			c.Must("SAVE")
		}
		dumped, digest := c.Must("DUMP", "large").Str, s.Digest()
		s.Terminate()

		bare := servertest.StartWith(t, servertest.Options{Dir: s.Dir, Directives: debug})
		if aof == "no" {
			for _, line := range []string{
				"2 values of module type 'typedtext' (version 5) are kept as they were saved: no module has registered the type",
				"The RDB file contains AUX data of module type 'typedtext'",
			} {
				if !strings.Contains(bare.Log(), line) {
					t.Errorf("the log does not have %q", line)
				}
			}
		}
		c = bare.Dial()
		wantReply(t, c, "TYPE k", "typedtext")
		wantReply(t, c, "OBJECT ENCODING k", `"raw"`)
		wantReply(t, c, "SCAN 0 TYPE TYPEDtext COUNT 100", `["0" ["k" "large"]]`)
		wantReply(t, c, "STRLEN k", "(error) WRONGTYPE Operation against a key holding the wrong kind of value")
		if got := c.Must("DUMP", "large").Str; got != dumped {
			t.Error("the value has changed")
		}
		if n := bare.Info("module_opaque_values"); n != "2" || bare.Digest() != digest {
			t.Errorf("%s opaque values, digest %s, want %s", n, bare.Digest(), digest)
		}
		if n := c.Must("MEMORY", "USAGE", "large").Int; n < 100 {
			t.Errorf("the value occupies %d bytes", n)
		}
		wantReply(t, c, "RENAME large renamed", "OK")
		wantReply(t, c, "COPY k copy DB 3", "(integer) 1")
		wantReply(t, c, "PEXPIRE k 100000", "(integer) 1")
		bare.MustSurviveReload()
		digest = bare.Digest()
		c.Must("SAVE")
		bare.Terminate()

		s = servertest.StartWith(t, servertest.Options{Dir: s.Dir, Directives: debug})
		c = s.Dial()
		wantReply(t, c, "MODULE LOAD "+path, "OK")
		wantReply(t, c, "TYPED.COUNTS", "0 unlinked, 0 freed, 0 loaded")
		wantReply(t, c, "TYPED.GET k", `"value"`)
		wantReply(t, c, "TYPED.COUNTS", "0 unlinked, 0 freed, 1 loaded")
		if got := c.Must("TYPED.GET", "renamed").Str; got != strings.Repeat("value ", 5000) || c.Must("PTTL", "k").Int < 1 {
			t.Errorf("the large value has %d bytes", len(got))
		}
		if s.Digest() != digest || s.Info("module_opaque_values") != "1" {
			t.Errorf("digest %s, want %s; %s opaque values", s.Digest(), digest, s.Info("module_opaque_values"))
		}
		if aof == "no" {
			wantReply(t, c, "TYPED.AUX", `"beside the keys"`)
		}
		wantReply(t, c, "MODULE UNLOAD typed",
			"(error) ERR Error unloading module: the module exports one or more module-side data types, can't unload")
		s.Terminate()
	}
}

// TestNativeRDBIsRedis has Redis check a file with values of modules and what they store beside the keys.
//
// Rules: RDB-1, TYP-2, TYP-8.
func TestNativeRDBIsRedis(t *testing.T) {
	check, err := exec.LookPath("redis-check-rdb")
	if err != nil {
		t.Skip("no redis-check-rdb")
	}
	s := servertest.Start(t, "--loadmodule", typed(t), "--loadmodule", hellotype(t))
	c := s.Dial()
	fillNatives(c)
	c.Must("SAVE")
	file := filepath.Join(s.Dir, "dump.rdb")
	out, err := exec.Command(check, file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "RDB looks OK") || !strings.Contains(string(out), "10 keys read") ||
		strings.Count(string(out), "MODULE AUX for: typedtext") != 2 {
		t.Errorf("redis-check-rdb: %v\n%s", err, out)
	}
	bytes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.Must("TYPED.AUX", "")
	c.Must("SAVE")
	without, err := os.ReadFile(file)
	if err != nil || strings.Count(string(bytes), "beside the keys") != 2 || strings.Count(string(without), "beside the keys") != 0 {
		t.Error("what the module stores is not there twice, or has left a trace")
	}
}

// TestRewriteThatFails: an append-only file is not begun when a type cannot say how to make its values.
//
// Rules: RDB-4.
func TestRewriteThatFails(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", typed(t), "badrewrite", "--aof-use-rdb-preamble", "no")
	c := s.Dial()
	c.Must("TYPED.APPEND", "k", "value")
	if r := c.Do("CONFIG", "SET", "appendonly", "yes"); !r.IsError() {
		t.Errorf("CONFIG SET appendonly yes: %s", r)
	}
	if line := "Fatal: AOF method for module data type 'typedtext' tried to emit unknown command 'TYPED.NOPE'"; !strings.Contains(s.Log(), line) {
		t.Errorf("the log does not have %q", line)
	}
	if s.Info("aof_enabled") != "0" {
		t.Error("the append-only file is on")
	}
	c.Must("CONFIG", "SET", "aof-use-rdb-preamble", "yes")
	c.Must("CONFIG", "SET", "appendonly", "yes")
	wantReply(t, c, "TYPED.GET k", `"value"`)
}

// TestNativeFreeing: values are freed at once or beside the server, and INFO counts those.
//
// Rules: TYP-5.
func TestNativeFreeing(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", typed(t), "noaux")
	c := s.Dial()
	want := func(counts, lazy string) {
		t.Helper()
		s.Eventually(counts, 5*time.Second, func() bool { return c.Must("TYPED.COUNTS").Str == counts+", 0 loaded" })
		s.Eventually("lazyfreed_objects "+lazy, 5*time.Second, func() bool { return s.Info("lazyfreed_objects") == lazy })
		s.Eventually("nothing waits", 5*time.Second, func() bool { return s.Info("lazyfree_pending_objects") == "0" })
	}
	c.Must("TYPED.APPEND", "k", "short")
	c.Must("DEL", "k")
	want("1 unlinked, 1 freed", "0")
	c.Must("TYPED.APPEND", "k", strings.Repeat("x", 64))
	c.Must("SET", "k", "v")
	want("2 unlinked, 2 freed", "0")
	c.Must("DEL", "k")
	c.Must("TYPED.APPEND", "k", strings.Repeat("x", 65))
	c.Must("UNLINK", "k")
	want("3 unlinked, 3 freed", "1")
	c.Must("TYPED.APPEND", "k", "")
	c.Must("PEXPIRE", "k", "1")
	s.Eventually("the key expires", 5*time.Second, func() bool { return c.Must("EXISTS", "k").Int == 0 })
	want("4 unlinked, 4 freed", "2")
	c.Must("TYPED.APPEND", "k", "short")
	c.Must("FLUSHALL")
	want("4 unlinked, 5 freed", "3")
}

// TestNativeMemory: what a type says of its values is seen in MEMORY USAGE and INFO, and counts for maxmemory.
func TestNativeMemory(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", typed(t), "--loadmodule", hellotype(t))
	c := s.Dial()
	field := func(name string) (n int64) {
		fmt.Sscan(s.Info(name), &n)
		return n
	}
	used, dataset := field("used_memory"), field("used_memory_dataset")
	const size = 20 << 20
	c.Must("TYPED.APPEND", "large", strings.Repeat("x", size))
	s.Eventually("used_memory grows", 5*time.Second, func() bool { return field("used_memory")-used > size })
	s.Eventually("the dataset has grown, and what the argument arrived in is freed", 5*time.Second, func() bool {
		got := field("used_memory_dataset") - dataset
		return got >= size && got < 2*size
	})
	c.Must("HELLOTYPE.INSERT", "numbers", "1")
	before := c.Must("MEMORY", "USAGE", "numbers").Int
	for i := range 1000 {
		c.Must("HELLOTYPE.INSERT", "numbers", fmt.Sprint(i))
	}
	if got := c.Must("MEMORY", "USAGE", "numbers").Int - before; got < 7000 || got > 20_000 {
		t.Errorf("1000 integers occupy %d bytes", got)
	}
	five, seven := c.Must("MEMORY", "USAGE", "large").Int, c.Must("MEMORY", "USAGE", "large", "SAMPLES", "7").Int
	if seven-five != 2000 || five < size+5000 || five > size+6000 {
		t.Errorf("MEMORY USAGE answers %d, and %d with 7 samples", five, seven)
	}
	c.Must("CONFIG", "SET", "maxmemory", fmt.Sprint(size))
	wantReply(t, c, "HELLOTYPE.INSERT numbers 1", "(error) OOM command not allowed when used memory > 'maxmemory'.")
	c.Must("DEL", "large")
	c.Must("MEMORY", "PURGE")
	s.Eventually("there is room again", 10*time.Second, func() bool { return !c.Do("HELLOTYPE.INSERT", "numbers", "1").IsError() })
}

// TestNativeFailures: what a module refuses to load or cannot save fails one command, and the server goes on.
//
// Rules: RDB-3.
func TestNativeFailures(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", typed(t), "--enable-debug-command", "yes")
	c := s.Dial()
	c.Must("TYPED.APPEND", "k", "refused")
	dumped := c.Must("DUMP", "k").Str
	if r := c.Do("RESTORE", "l", "0", dumped); r.String() != "(error) ERR Bad data format" {
		t.Errorf("RESTORE: %s", r)
	}
	for cut := range len(dumped) {
		if r := c.Do("RESTORE", "l", "0", dumped[:cut]); !r.IsError() {
			t.Errorf("RESTORE of %d bytes: %s", cut, r)
		}
	}
	c.Must("DEL", "k")
	c.Must("TYPED.APPEND", "k", "panic")
	if r := c.Do("DUMP", "k"); !strings.Contains(r.String(), "ERR module failed to save a value of type typedtext: module panicked: told to panic") {
		t.Errorf("DUMP: %s", r)
	}
	if r := c.Do("SAVE"); !r.IsError() {
		t.Errorf("SAVE: %s", r)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "dump.rdb")); err == nil {
		t.Error("a file that was not complete is there")
	}
	c.Must("TYPED.APPEND", "k", ", but no more")
	c.Must("SAVE")
	c.Must("TYPED.APPEND", "refused", "refused")
	c.Must("SAVE")
	wantReply(t, c, "DEBUG RELOAD NOSAVE", "(error) ERR Error trying to load the RDB dump, check server logs")
	if !strings.Contains(s.Log(), "told to refuse") {
		t.Error("the log has no reason")
	}
	wantReply(t, c, "PING", "PONG")
}

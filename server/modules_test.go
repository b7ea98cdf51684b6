package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"datastore/server/servertest"
)

const loadFailed = "ERR Error loading the extension. Please check the server logs."

func faulty(t *testing.T) string { return servertest.BuildModule(t, "server/testdata/modules/faulty") }

// wantReply runs a command, given as words, and compares its reply as servertest shows it.
func wantReply(t *testing.T, c *servertest.Conn, command, reply string) {
	t.Helper()
	if got := c.Do(strings.Fields(command)...).String(); got != reply {
		t.Errorf("%s: %s, want %s", command, got, reply)
	}
}

// Rules: INIT-12.
func TestModuleRepliesAreRedis(t *testing.T) {
	ours := servertest.Start(t, "--enable-module-command", "local").Dial()
	redis := servertest.StartRedis(t, "--enable-module-command", "local").Dial()
	for _, command := range []string{
		"MODULE", "MODULE NOPE", "MODULE LIST", "MODULE LIST x", "MODULE HELP", "MODULE LOAD", "MODULE LOADEX", "MODULE LOADEX x",
		"MODULE UNLOAD", "MODULE UNLOAD nope", "COMMAND INFO module", "COMMAND DOCS module", "COMMAND INFO module|load",
		"COMMAND INFO module|loadex", "COMMAND INFO module|unload", "COMMAND INFO module|list", "COMMAND INFO module|help",
		"COMMAND DOCS module|load", "COMMAND DOCS module|loadex", "INFO modules",
	} {
		words := strings.Fields(command)
		a, b := ours.Do(words...), redis.Do(words...)
		if len(words) > 2 && words[1] == "LOADEX" {
			a.Str = a.Str[:min(len(a.Str), len(loadFailed))]
		}
		switch {
		case words[0] == "COMMAND" && words[2] == "module": // the order of subcommands is that of a hash table in Redis
			if len(a.String()) != len(b.String()) {
				t.Errorf("%s:\n ours  %s\n redis %s", command, a, b)
			}
		case a.String() != b.String():
			t.Errorf("%s:\n ours  %s\n redis %s", command, a, b)
		}
	}
	refused := servertest.Start(t).Dial()
	redisRefused := servertest.StartRedis(t).Dial()
	for _, command := range []string{"LOAD /x.so", "LOADEX /x.so", "UNLOAD x", "LIST", "HELP", "LOAD", "NOPE"} {
		words := append([]string{"MODULE"}, strings.Fields(command)...)
		if a, b := refused.Do(words...), redisRefused.Do(words...); a.String() != b.String() {
			t.Errorf("without permission: %s\n ours  %s\n redis %s", command, a, b)
		}
	}
}

// Rules: INIT-8, INIT-10, INIT-11, INIT-14.
func TestModuleLifecycle(t *testing.T) {
	path := faulty(t)
	s := servertest.Start(t, "--enable-module-command", "local")
	c := s.Dial()
	wantReply(t, c, "MODULE LOAD "+path+" one two", "OK")
	list := c.Must("MODULE", "LIST")
	if want := fmt.Sprintf(`[["name" "faulty" "ver" (integer) 3 "path" %q "args" ["one" "two"]]]`, path); list.String() != want {
		t.Errorf("MODULE LIST: %s, want %s", list, want)
	}
	if got, want := s.Info("module"), "name=faulty,ver=3,api=1,filters=0,usedby=[],using=[],options=[]"; got != want {
		t.Errorf("INFO modules: %s, want %s", got, want)
	}
	if got := c.Must("HELLO", "2").Map()["modules"].String(); got != list.String() {
		t.Errorf("HELLO: %s", got)
	}
	wantReply(t, c, "COMMAND LIST FILTERBY MODULE faulty", `["faulty.call" "faulty.goexit" "faulty.noreply" "faulty.panic" "faulty.wild"]`)
	again := c.Do("MODULE", "LOAD", path)
	if !strings.HasPrefix(again.Str, loadFailed) || !strings.Contains(again.Str, "name is already taken") {
		t.Errorf("loading twice: %s", again)
	}
	wantReply(t, c, "MODULE UNLOAD faulty", "OK")
	wantReply(t, c, "MODULE LIST", "[]")
	wantReply(t, c, "FAULTY.NOREPLY", "(error) ERR unknown command 'FAULTY.NOREPLY', with args beginning with: ")

	wantReply(t, c, "MODULE LOADEX "+path+" ARGS veto", "OK")
	wantReply(t, c, "MODULE UNLOAD faulty", "(error) ERR Error unloading module: operation not possible.")
	wantReply(t, c, "FAULTY.NOREPLY", "(error) ERR module command 'faulty.noreply' returned no reply")
	wantReply(t, c, "MODULE UNLOAD faulty", "OK")
	wantReply(t, c, "MODULE LOAD "+path+" call", "OK")
	wantReply(t, c, "GET loads", `"1"`)
	for _, tail := range []string{"CONFIG faulty.x 1", "CONFIG x", "NOPE"} {
		if r := c.Do(append([]string{"MODULE", "LOADEX", path}, strings.Fields(tail)...)...); !strings.HasPrefix(r.Str, loadFailed) {
			t.Errorf("LOADEX %s: %s", tail, r)
		}
	}
}

// TestConfigRewriteKeepsModules: CONFIG REWRITE writes the modules that are loaded then.
func TestConfigRewriteKeepsModules(t *testing.T) {
	kept, dropped := servertest.BuildModule(t, "plugins/helloworld"), faulty(t)
	file := filepath.Join(t.TempDir(), "datastore.conf")
	if err := os.WriteFile(file, []byte("enable-module-command local\nloadmodule "+dropped+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := servertest.StartWith(t, servertest.Options{ConfigFile: file}).Dial()
	c.Must("MODULE", "LOAD", kept, "two words")
	c.Must("MODULE", "UNLOAD", "faulty")
	c.Must("CONFIG", "REWRITE")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text); !strings.Contains(got, "loadmodule "+kept+" \"two words\"\n") || strings.Contains(got, dropped) {
		t.Errorf("rewritten:\n%s", got)
	}
}

// Rules: INIT-1, INIT-2, INIT-4.
func TestFailedLoadsLeaveNothing(t *testing.T) {
	path := faulty(t)
	s := servertest.Start(t, "--enable-module-command", "local")
	c := s.Dial()
	count := c.Must("COMMAND", "COUNT").Int
	for how, reason := range map[string]string{
		"error": "told to fail", "panic": "told to panic", "goexit": "Goexit", "no-init": "did not call Init",
		"early": "Init was not called", "api": "unsupported API version", "collide": "name is already taken", "twice": "name is already taken",
	} {
		r := c.Do("MODULE", "LOAD", path, how)
		if !strings.HasPrefix(r.Str, loadFailed) || !strings.Contains(r.Str, reason) {
			t.Errorf("%s: %s", how, r)
		}
		if n := c.Must("COMMAND", "COUNT").Int; n != count || len(c.Must("MODULE", "LIST").Elems) != 0 {
			t.Errorf("%s: %d commands, %d before", how, n, count)
		}
	}
	for _, file := range []string{"/nonexistent.so", os.Args[0], filepath.Dir(path)} {
		if r := c.Do("MODULE", "LOAD", file); !strings.HasPrefix(r.Str, loadFailed+" ") {
			t.Errorf("%s: %s", file, r)
		}
	}
	if !strings.Contains(s.Log(), "Module "+path+" failed to load: OnLoad: told to fail") {
		t.Error("the log has no reason")
	}
	wantReply(t, c, "MODULE LOAD "+path, "OK")
	wantReply(t, c, "GET x", "(nil)")
}

// Rules: INIT-6.
func TestModuleStartup(t *testing.T) {
	path := faulty(t)
	s := servertest.StartWith(t, servertest.Options{Directives: []string{"--loadmodule", path, "error"}, NoWait: true})
	if code := s.WaitExit(20 * time.Second); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(s.Log(), "Can't load module from "+path+": server aborting") {
		t.Errorf("log:\n%s", s.Log())
	}
}

// TestHandlersThatDoNotReturn: whatever a handler does, its client gets one error, the commands around it run, and
// memory and append-only file stay equal.
func TestHandlersThatDoNotReturn(t *testing.T) {
	path := faulty(t)
	s := servertest.Start(t, "--loadmodule", path, "--appendonly", "yes")
	c, other := s.Dial(), s.Dial()
	replies := map[string]string{
		"faulty.goexit": "(error) MODULEPANIC faulty: runtime.Goexit",
		"faulty.panic":  "(error) MODULEPANIC faulty: told to panic",
	}
	for name, want := range replies {
		got := c.Pipeline([]string{"INCR", "n"}, []string{name}, []string{"INCR", "n"}, []string{"FAULTY.CALL", name}, []string{"INCR", "n"})
		if got[1].String() != want || got[3].String() != want || got[4].Int-got[0].Int != 2 {
			t.Errorf("%s: %v", name, got)
		}
		wantReply(t, other, "PING", "PONG")
	}
	wild := c.Do("FAULTY.WILD").String()
	if !strings.HasPrefix(wild, "(error) MODULEPANIC faulty: runtime error: invalid memory address") {
		t.Errorf("a wild pointer: %s", wild)
	}
	c.Must("MULTI")
	for _, name := range []string{"faulty.panic", "faulty.noreply", "dbsize"} {
		wantReply(t, c, name, "QUEUED")
	}
	got := c.Must("EXEC")
	if len(got.Elems) != 3 || got.Elems[0].String() != replies["faulty.panic"] || got.Elems[2].Int != 2 {
		t.Errorf("EXEC: %s", got)
	}
	c.Must("MULTI")
	c.Must("faulty.goexit")
	wantReply(t, c, "EXEC", replies["faulty.goexit"])
	wantReply(t, c, "LLEN left", "(integer) 6")
	wantReply(t, c, "FAULTY.CALL MULTI", "(error) ERR command 'multi' cannot be called by a module")
	wantReply(t, c, "FAULTY.CALL MODULE UNLOAD faulty", "(error) ERR command 'module|unload' cannot be called by a module")
	if panics := s.Info("module_faulty"); !strings.Contains(panics, "panics=") || strings.Contains(panics, "panics=0") {
		t.Errorf("counters: %s", panics)
	}
	s.Restart("--appendonly", "yes")
	wantReply(t, s.Dial(), "LLEN left", "(integer) 6")
}

// Rules: INIT-13.
func TestModulesAndTransactions(t *testing.T) {
	path := faulty(t)
	s := servertest.Start(t, "--enable-module-command", "local", "--loadmodule", path)
	c, other := s.Dial(), s.Dial()
	c.Must("MULTI")
	c.Must("FAULTY.NOREPLY")
	c.Must("PING")
	wantReply(t, other, "MODULE UNLOAD faulty", "OK")
	wantReply(t, c, "EXEC", `[(error) ERR unknown command 'FAULTY.NOREPLY', with args beginning with:  PONG]`)
	c.Must("MULTI")
	c.Must("MODULE", "LOAD", path)
	c.Must("MODULE", "LIST")
	if r := c.Must("EXEC"); !strings.HasPrefix(r.Elems[0].Str, loadFailed) || r.Elems[1].String() != "[]" {
		t.Errorf("EXEC: %s", r)
	}
	// A client that goes away while its load runs does no harm.
	gone := s.Dial()
	gone.Send("MODULE", "LOAD", path)
	gone.Close()
	s.Eventually("the module is loaded", 20*time.Second, func() bool { return len(other.Must("MODULE", "LIST").Elems) == 1 })
}

// TestWatchAndModules: a key opened for writing counts as changed, even if nothing was written.
//
// Rules: KEY-3.
func TestWatchAndModules(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", servertest.BuildModule(t, "plugins/helloworld"))
	c, other := s.Dial(), s.Dial()
	for command, aborted := range map[string]bool{"HELLO.TOGGLE.CASE k": true, "HELLO.PUSH.NATIVE k x": true, "HELLO.LIST.SUM.LEN k": false} {
		other.Must("DEL", "k")
		c.Must("WATCH", "k")
		c.Must("MULTI")
		c.Must("PING")
		other.Must(strings.Fields(command)...)
		if r := c.Do("EXEC"); r.Null != aborted {
			t.Errorf("after %s: %s", command, r)
		}
	}
}

// TestLoadUnloadUnderLoad: clients work on while modules come and go a hundred times.
func TestLoadUnloadUnderLoad(t *testing.T) {
	path := servertest.BuildModule(t, "plugins/helloworld")
	s := servertest.Start(t, "--enable-module-command", "local")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 3 {
		c, key := s.Dial(), fmt.Sprint("k", i)
		wg.Go(func() {
			for n := int64(1); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if r, err := c.TryDo("INCR", key); err != nil || r.Int != n {
					t.Errorf("INCR %s: %s, %v", key, r, err)
					return
				}
				r, err := c.TryDo("HELLO.PUSH.NATIVE", "l"+key, "x")
				if err != nil || r.IsError() && !strings.HasPrefix(r.Str, "ERR unknown command") {
					t.Errorf("HELLO.PUSH.NATIVE: %s, %v", r, err)
					return
				}
			}
		})
	}
	c := s.Dial()
	for range 100 {
		c.Must("MODULE", "LOAD", path)
		c.Must("HELLO.SIMPLE")
		c.Must("MODULE", "UNLOAD", "helloworld")
	}
	close(stop)
	wg.Wait()
}

// TestNewBuildBesideTheOld: a changed build of the same package loads after the old one was unloaded, and the old one can
// come back, each with its own variables.
func TestNewBuildBesideTheOld(t *testing.T) {
	source := `package main

import "datastore/plugin"

var loads int64

func OnLoad(ctx plugin.Ctx, _ []plugin.String) error {
	loads++
	if err := ctx.Init("changing", VERSION, plugin.APIVer1); err != nil {
		return err
	}
	return ctx.CreateCommand("changing.version", func(ctx plugin.Ctx, _ []plugin.String) error {
		return ctx.ReplyInt(VERSION*100 + loads)
	})
}

func main() {}
`
	build := func(version string) string {
		dir := filepath.Join(t.TempDir(), "changing")
		for name, text := range map[string]string{
			"go.mod": "module example.org/changing\n\ngo 1.26\n", "main.go": strings.ReplaceAll(source, "VERSION", version),
		} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return servertest.BuildModuleAt(t, dir)
	}
	first, second := build("1"), build("2")
	c := servertest.Start(t, "--enable-module-command", "local").Dial()
	for _, step := range []struct{ path, want string }{{first, "101"}, {second, "201"}, {first, "102"}} {
		c.Must("MODULE", "LOAD", step.path)
		wantReply(t, c, "CHANGING.VERSION", "(integer) "+step.want)
		c.Must("MODULE", "UNLOAD", "changing")
	}
}

package servertest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"datastore/server/servertest/freeport"
)

// TestChangeListeners moves the port and the addresses of a running server, there and back, and into the way of another.
func TestChangeListeners(t *testing.T) {
	s := Start(t)
	c := s.Dial()
	moved := freeport.Get()
	c.Must("CONFIG", "SET", "port", fmt.Sprint(moved))
	if got := DialAddr(t, fmt.Sprintf("127.0.0.1:%d", moved)).Must("PING").Str; got != "PONG" {
		t.Errorf("on the new port: %q", got)
	}
	if _, err := dial(s.Addr); err == nil {
		t.Error("the old port still accepts")
	}
	c.Must("CONFIG", "SET", "port", fmt.Sprint(s.Port), "timeout", "0")
	c.Must("CONFIG", "SET", "bind", "* -::*")
	s.Dial().Must("PING")
	c.Must("CONFIG", "SET", "bind", "127.0.0.1")
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	taken := fmt.Sprint(other.Addr().(*net.TCPAddr).Port)
	for directive, value := range map[string]string{"port": taken, "bind": "192.0.2.1"} {
		if r := c.Do("CONFIG", "SET", directive, value); !strings.Contains(r.Str, "possibly related to argument '"+directive+"'") {
			t.Errorf("CONFIG SET %s %s: %s", directive, value, r)
		}
	}
	if got := c.Must("CONFIG", "GET", "port").Strings(); got[1] != fmt.Sprint(s.Port) {
		t.Errorf("port is %q after a failure", got)
	}
	s.Dial().Must("PING")
}

// TestStrangers wants a client that does not log in to be held short: few replies kept for it, and not for long.
func TestStrangers(t *testing.T) {
	s := Start(t, "--requirepass", "secret")
	greedy := s.Dial()
	request := []byte(strings.Repeat(string(Encode("NOSUCH", strings.Repeat("x", 100))), 1000))
	deadline := time.Now().Add(replyTimeout)
	_ = greedy.Net.SetWriteDeadline(deadline)
	for time.Now().Before(deadline) {
		if _, err := greedy.Net.Write(request); err != nil {
			break
		}
	}
	if time.Now().After(deadline) {
		t.Error("a client that reads nothing and does not log in may go on")
	}
	c := s.Dial()
	c.Must("AUTH", "secret")
	if got := c.Must("CLIENT", "LIST").Str; strings.Count(got, "\n") != 1 {
		t.Errorf("clients left:\n%s", got)
	}
}

// TestKillInBatch kills a connection whose commands are executed in the same turn.
func TestKillInBatch(t *testing.T) {
	s := Start(t)
	killer := s.Dial()
	for range 50 {
		victim := s.Dial()
		id := fmt.Sprint(victim.Must("CLIENT", "ID").Int)
		if _, err := victim.Net.Write([]byte(strings.Repeat("PING\r\n", 100))); err != nil {
			t.Fatal(err)
		}
		if n := killer.Must("CLIENT", "KILL", "ID", id).Int; n != 1 {
			t.Errorf("%d killed", n)
		}
		if _, err := victim.ReadAll(); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("the victim was not closed: %v", err)
		}
	}
	if got := s.Info("connected_clients"); got != "2" {
		t.Errorf("%s clients", got)
	}
}

// TestConfigRewrite keeps comments, loaded modules' lines included, and puts changes where they belong.
func TestConfigRewrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "test.conf")
	if err := os.WriteFile(file, []byte("# mine\nhz 20\n\n# end\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := StartWith(t, Options{Dir: dir, ConfigFile: file})
	s.Must("CONFIG", "SET", "hz", "30", "maxmemory", "1gb")
	s.Must("CONFIG", "REWRITE")
	got, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(got), "# mine\nhz 30\n\n# end\n") || !strings.Contains(string(got), "maxmemory 1gb") {
		t.Errorf("%v\n%s", err, got)
	}
	s.Restart()
	if hz := s.Must("CONFIG", "GET", "hz").Strings(); hz[1] != "30" {
		t.Errorf("hz is %q", hz)
	}
}

// TestShutdownCommand ends servers with and without saving.
func TestShutdownCommand(t *testing.T) {
	for words, saved := range map[string]bool{"SHUTDOWN": false, "SHUTDOWN SAVE": true, "SHUTDOWN NOSAVE NOW": false} {
		s := Start(t)
		s.Must("SET", "k", "v")
		c := s.Dial()
		if _, err := c.Net.Write(Encode(strings.Fields(words)...)); err != nil {
			t.Fatal(err)
		}
		if b, err := c.ReadAll(); len(b) > 0 {
			t.Errorf("%s answered %q, %v", words, b, err)
		}
		if code := s.WaitExit(stopTimeout); code != 0 {
			t.Errorf("%s: exit code %d", words, code)
		}
		s.Restart()
		if got := !s.Must("GET", "k").Null; got != saved {
			t.Errorf("after %s the key is there: %v", words, got)
		}
	}
}

// TestShutdownThatFails wants a server that cannot save to go on, and the client that asked to be told.
func TestShutdownThatFails(t *testing.T) {
	s := Start(t)
	s.Must("SET", "k", "v")
	if err := os.Mkdir(filepath.Join(s.Dir, "dump.rdb"), 0o700); err != nil {
		t.Fatal(err)
	}
	if r := s.Do("SHUTDOWN", "SAVE"); r.Str != "ERR Errors trying to SHUTDOWN. Check logs." {
		t.Errorf("reply %s", r)
	}
	s.Must("PING")
}

// TestCrashCommands wants a process that a supervisor sees die.
func TestCrashCommands(t *testing.T) {
	for _, name := range []string{"PANIC", "SEGFAULT"} {
		s := Start(t, "--enable-debug-command", "yes")
		_, _ = s.Dial().Net.Write(Encode("DEBUG", name))
		if code := s.WaitExit(stopTimeout); code == 0 {
			t.Errorf("DEBUG %s: exit code %d", name, code)
		}
	}
	s := Start(t)
	if r := s.Do("DEBUG", "PANIC"); !strings.HasPrefix(r.Str, "ERR DEBUG command not allowed.") {
		t.Errorf("DEBUG without permission: %s", r)
	}
}

// TestLoadAOF keeps the dataset over DEBUG LOADAOF, and the log goes on after it.
func TestLoadAOF(t *testing.T) {
	s := Start(t, "--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes")
	s.Must("RPUSH", "l", "a", "b")
	s.MustSurviveLoadAOF()
	s.Must("RPUSH", "l", "c")
	s.Signal(syscall.SIGKILL)
	s.Restart()
	if n := s.Must("LLEN", "l").Int; n != 3 {
		t.Errorf("%d elements", n)
	}
}

// TestNoTouch wants reads of a connection with NO-TOUCH to leave the age of keys alone.
func TestNoTouch(t *testing.T) {
	s := Start(t)
	s.Must("SET", "k", "v")
	s.Must("CLIENT", "NO-TOUCH", "ON")
	time.Sleep(2100 * time.Millisecond)
	s.Must("GET", "k")
	if idle := s.Must("OBJECT", "IDLETIME", "k").Int; idle < 1 {
		t.Errorf("idle for %d s after a read without touch", idle)
	}
	s.Must("TOUCH", "k")
	if idle := s.Must("OBJECT", "IDLETIME", "k").Int; idle > 0 {
		t.Errorf("idle for %d s after TOUCH", idle)
	}
}

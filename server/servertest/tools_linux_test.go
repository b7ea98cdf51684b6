package servertest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRedisCLI starts redis-cli as a user does, in a terminal. It then asks for COMMAND DOCS and asserts the types of the
// reply: one wrong type would end it for every user.
func TestRedisCLI(t *testing.T) {
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Fatal("this test needs redis-cli: install the package redis-tools")
	}
	s := Start(t)
	for _, protocol := range []string{"-2", "-3"} {
		out := inTerminal(t, exec.Command(cli, protocol, "-p", fmt.Sprint(s.Port)),
			"help get", "help config set", "ping", "info server", "exit")
		for _, want := range []string{
			fmt.Sprintf("127.0.0.1:%d> ", s.Port), "GET key", "Reads the string at a key", "CONFIG SET parameter value",
			"Changes directives", "PONG", "redis_version:7.0.15",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is missing in\n%s", protocol, want, out)
			}
		}
	}
}

// inTerminal runs a program with a pseudo terminal and types lines; it returns what the terminal
// showed, without colours and cursor movements.
func inTerminal(t *testing.T, cmd *exec.Cmd, lines ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = master.Close() }()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 160}); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Env = append(os.Environ(), "TERM=xterm", "HOME="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	killer := time.AfterFunc(replyTimeout, func() { _ = cmd.Process.Kill() })
	defer killer.Stop()
	out := &logBuffer{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(out, master) // ends with EIO when the program has ended
	}()
	for _, line := range lines {
		out.settle() // a line typed too early is lost when the program switches the terminal
		if _, err := master.WriteString(line + "\r"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", cmd, err)
	}
	select {
	case <-done:
	case <-time.After(time.Second):
		t.Fatal("the terminal did not close")
	}
	return regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]").ReplaceAllString(out.String(), "")
}

// settle waits until something was written and nothing has been added for a moment.
func (l *logBuffer) settle() {
	const quiet = 150 * time.Millisecond
	seen, since := "", time.Now()
	for limit := since.Add(replyTimeout); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if now := l.String(); now != seen {
			seen, since = now, time.Now()
		} else if seen != "" && time.Since(since) > quiet {
			return
		}
	}
}

// TestRedisBenchmark runs the benchmark of the field for a moment: it must meet no error.
func TestRedisBenchmark(t *testing.T) {
	tool, err := exec.LookPath("redis-benchmark")
	if err != nil {
		t.Fatal("this test needs redis-benchmark: install the package redis-tools")
	}
	s := Start(t)
	out, err := exec.Command(tool, "-p", fmt.Sprint(s.Port), "-q", "-n", "2000", "-c", "20", "-P", "16",
		"-t", "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,lrange_100,mset").CombinedOutput()
	if err != nil || strings.Contains(strings.ToUpper(string(out)), "ERR") {
		t.Errorf("%v\n%s", err, out)
	}
	if got := s.Info("total_error_replies"); got != "0" {
		t.Errorf("%s error replies", got)
	}
}

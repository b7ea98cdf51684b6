package servertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"datastore/server/servertest/freeport"
)

const (
	readyTimeout = 60 * time.Second // a -race daemon that loads a large AOF on a busy machine
	stopTimeout  = 20 * time.Second
	portTries    = 5
)

// Options say how to start a server.
type Options struct {
	// Program is the executable; "" is the daemon of this tree.
	Program string
	// Dir is the working directory; "" is a new temporary one, removed with the test.
	Dir string
	// ConfigFile is passed as the first argument if not "".
	ConfigFile string
	// Directives are command-line words, for example "--appendonly", "yes". Port, bind, dir and no persistence are
	// given before them and so can be overridden.
	Directives []string
	// Env are additional KEY=value settings of the process.
	Env []string
	// NoWait returns as soon as the process runs, for servers that are expected to fail or to load for long.
	NoWait bool
}

// Server is one running server process on loopback. It is killed when the test ends.
type Server struct {
	// Program, Dir, Port and Addr do not change over Restart.
	Program string
	Dir     string
	Port    int
	Addr    string

	t    testing.TB
	opts Options
	proc *process
	conn *Conn
}

// Start builds the daemon of this tree if needed and starts it with the given directives.
func Start(t testing.TB, directives ...string) *Server {
	t.Helper()
	return StartWith(t, Options{Directives: directives})
}

// StartRedis starts the oracle, redis-server 7.0.
func StartRedis(t testing.TB, directives ...string) *Server {
	t.Helper()
	return StartWith(t, Options{Program: RedisPath(t), Directives: directives})
}

// RedisPath finds redis-server and ends the test unless it is of release 7.0, whose replies are the specification.
func RedisPath(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server 7.0 is the oracle of this test: install the packages redis-server and redis-tools")
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil || !strings.Contains(string(version), "v=7.0.") {
		t.Fatalf("redis-server 7.0 is the oracle of this test, found %q (%v)", version, err)
	}
	return path
}

// StartWith starts a server and waits until it answers PING, unless told otherwise.
func StartWith(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Program == "" {
		path, err := DaemonPath()
		if err != nil {
			t.Fatal(err)
		}
		o.Program = path
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s := &Server{Program: o.Program, Dir: o.Dir, t: t, opts: o}
	t.Cleanup(s.Kill)
	t.Cleanup(func() { // before Kill
		if RaceEnabled && strings.Contains(s.Log(), "WARNING: DATA RACE") {
			t.Errorf("the race detector found something:\n%s", s.Log())
		}
	})
	for try := 1; ; try++ {
		s.Port = freeport.Get()
		s.Addr = fmt.Sprintf("127.0.0.1:%d", s.Port)
		err := s.launch(o.Directives)
		if err == nil {
			return s
		}
		if try == portTries || !strings.Contains(strings.ToLower(s.Log()), "address already in use") {
			t.Fatalf("start %s: %v\n%s", o.Program, err, tail(s.Log()))
		}
	}
}

// launch starts the process with the server's fixed words and the directives and waits for it.
func (s *Server) launch(directives []string) error {
	var args []string
	if s.opts.ConfigFile != "" {
		args = append(args, s.opts.ConfigFile)
	}
	args = append(args, "--port", fmt.Sprint(s.Port), "--bind", "127.0.0.1", "--dir", s.Dir,
		"--save", "", "--appendonly", "no")
	args = append(args, directives...)
	proc, err := startProcess(s.Program, s.Dir, args, s.opts.Env)
	if err != nil {
		return err
	}
	s.proc, s.conn = proc, nil
	if s.opts.NoWait {
		return nil
	}
	if err := s.WaitReady(readyTimeout); err != nil {
		s.Kill()
		return err
	}
	return nil
}

// WaitReady waits until the server answers PING with anything but LOADING.
func (s *Server) WaitReady(timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if s.answersPing() {
			return nil
		}
		if s.proc.ended() {
			return fmt.Errorf("%w: it ended with code %d", ErrNotReady, s.proc.exitCode())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: no PONG in %v", ErrNotReady, timeout)
		}
		time.Sleep(pause)
	}
}

func (s *Server) answersPing() bool {
	c, err := dial(s.Addr)
	if err != nil {
		return false
	}
	defer c.Close()
	reply, err := c.TryDo("PING")
	return err == nil && !strings.HasPrefix(reply.Str, "LOADING")
}

// Do sends a command on the server's own connection, which is opened at the first use and after every restart.
func (s *Server) Do(args ...string) Reply {
	s.t.Helper()
	if s.conn == nil {
		s.conn = s.Dial()
	}
	return s.conn.Do(args...)
}

// Must is Do for a command whose error reply ends the test.
func (s *Server) Must(args ...string) Reply {
	s.t.Helper()
	reply := s.Do(args...)
	if reply.IsError() {
		s.t.Fatalf("%q: %s", args, reply.Str)
	}
	return reply
}

// Dial opens a connection of the test's own; it is closed with the test.
func (s *Server) Dial() *Conn {
	s.t.Helper()
	return DialAddr(s.t, s.Addr)
}

// Info returns one field of INFO ALL, "" if it is missing.
func (s *Server) Info(field string) string {
	s.t.Helper()
	for _, line := range strings.Split(s.Must("INFO", "all").Str, "\r\n") {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return value
		}
	}
	return ""
}

// Eventually polls until the condition holds and ends the test if it does not within the time.
func (s *Server) Eventually(what string, timeout time.Duration, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(timeout); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %v: %s\n%s", timeout, what, tail(s.Log()))
		}
	}
}

// PID is the process id of the server.
func (s *Server) PID() int { return s.proc.cmd.Process.Pid }

// Log is what the present process has written to standard output and standard error so far. The lines come through a pipe
// and a goroutine: Log waits until no more arrive, so that a line written before a reply is there after it.
func (s *Server) Log() string {
	if s.proc == nil {
		return ""
	}
	const quiet = 30 * time.Millisecond
	text := s.proc.log.String()
	for !s.proc.ended() {
		time.Sleep(quiet)
		now := s.proc.log.String()
		if len(now) == len(text) {
			break
		}
		text = now
	}
	return s.proc.log.String()
}

// WaitLog waits until the log contains the text and ends the test if it does not.
func (s *Server) WaitLog(text string, timeout time.Duration) {
	s.t.Helper()
	s.Eventually(fmt.Sprintf("log contains %q", text), timeout, func() bool { return strings.Contains(s.Log(), text) })
}

// Signal sends a signal to the server's process.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.proc.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatalf("signal %v: %v", sig, err)
	}
}

// Kill ends the server with SIGKILL and waits for its end; more than once does no harm.
func (s *Server) Kill() {
	if s.proc == nil {
		return
	}
	_ = s.proc.cmd.Process.Kill()
	<-s.proc.done
}

// Terminate sends SIGTERM and returns the exit code of the orderly shutdown; -1 stands for death by a signal.
func (s *Server) Terminate() int {
	s.t.Helper()
	s.Signal(syscall.SIGTERM)
	return s.WaitExit(stopTimeout)
}

// Ended reports whether the process has ended, giving it the time to do so.
func (s *Server) Ended(wait time.Duration) bool {
	if wait > 0 {
		select {
		case <-s.proc.done:
		case <-time.After(wait):
		}
	}
	return s.proc.ended()
}

// WaitExit waits until the process has ended and returns its exit code; -1 stands for death by a signal.
func (s *Server) WaitExit(timeout time.Duration) int {
	s.t.Helper()
	select {
	case <-s.proc.done:
		return s.proc.exitCode()
	case <-time.After(timeout):
		s.t.Fatalf("server still runs after %v\n%s", timeout, tail(s.Log()))
		return -1
	}
}

// Restart starts the server again in the same directory on the same port, after killing it if it still runs.
// Without arguments it gets the directives of before.
func (s *Server) Restart(directives ...string) {
	s.t.Helper()
	s.Kill()
	if len(directives) == 0 {
		directives = s.opts.Directives
	}
	s.opts.Directives = directives
	if err := s.launch(directives); err != nil {
		s.t.Fatalf("restart: %v\n%s", err, tail(s.Log()))
	}
}

// tail cuts a log to what fits under a failure message.
func tail(log string) string {
	const limitBytes = 4000
	if len(log) > limitBytes {
		return "…" + log[len(log)-limitBytes:]
	}
	return log
}

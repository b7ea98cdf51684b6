package plugintest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/server"
	"datastore/server/config"
)

const (
	startTimeout = 30 * time.Second // for the server to load its data and modules
	stopTimeout  = 30 * time.Second
	maxLogBytes  = 4000 // of the log under a message
)

// Server is a running server with a module. It ends with the test. Its methods, and those of its clients, belong to the
// test's goroutine unless they say otherwise; they end the test when the server or the connection fails.
type Server struct {
	t      testing.TB
	o      Options
	clock  *clock
	dir    string
	daemon *server.Server
	ended  chan struct{} // the daemon's Run has returned

	admin   *Client // for the harness's own commands
	client2 *Client // of Do
	client3 *Client // of Do3, once it is used
	clients []*Client
	stream  *recorder
	replica *follower

	mu       sync.Mutex // guards what follows, which the daemon's goroutines fill
	log      []string
	problems []string // lines of the log that fail the test
	runErr   error
}

// New starts a server with a module. A module that fails to load ends the test.
func New(t testing.TB, onLoad plugin.OnLoadFunc, o Options) *Server {
	t.Helper()
	s, err := Open(t, onLoad, o)
	if err != nil {
		t.Fatalf("plugintest: %v", err)
	}
	return s
}

// Open is New for a module that may refuse to load: the error wraps what OnLoad returned.
func Open(t testing.TB, onLoad plugin.OnLoadFunc, o Options) (*Server, error) {
	t.Helper()
	s := newServer(t, o, &clock{start: o.now()})
	err := s.start(onLoad)
	if err == nil {
		s.stream, err = s.record()
	}
	if err == nil && o.Replica {
		s.replica, err = s.startFollower()
	}
	if err != nil {
		return nil, err
	}
	t.Cleanup(s.finish) // runs before the stops
	return s, nil
}

// newServer makes a server that is not started yet.
func newServer(t testing.TB, o Options, c *clock) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "plugintest-") // the name of a socket must be short, and that of t.TempDir may not be
	if err != nil {
		t.Fatalf("plugintest: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("plugintest: %v", err)
		}
	})
	return &Server{t: t, o: o, clock: c, dir: dir, ended: make(chan struct{})}
}

// start runs the daemon until it serves clients; onLoad is nil for one without a module under test.
func (s *Server) start(onLoad plugin.OnLoadFunc) error {
	cfg, err := config.Load([]string{"-"}, strings.NewReader(s.configuration()))
	if err != nil {
		return fmt.Errorf("Options.Config: %w", err)
	}
	ready := make(chan struct{})
	o := server.Options{
		Config: cfg, Log: s.logged, Clock: s.clock.Now, Elapsed: s.clock.Elapsed, OnReady: func() { close(ready) },
	}
	for _, f := range s.o.Before {
		o.Modules = append(o.Modules, server.LinkedModule{OnLoad: f})
	}
	if onLoad != nil {
		o.Modules = append(o.Modules, server.LinkedModule{OnLoad: onLoad, OnUnload: s.o.OnUnload, Args: s.o.Args})
	}
	if s.daemon, err = server.New(o); err != nil {
		return err
	}
	go func() {
		defer close(s.ended)
		err := s.daemon.Run(context.Background())
		s.mu.Lock()
		s.runErr = err
		s.mu.Unlock()
	}()
	s.t.Cleanup(s.stop)
	select {
	case <-ready:
	case <-s.ended:
		return fmt.Errorf("the server did not start: %w", s.runErr)
	case <-time.After(startTimeout):
		return fmt.Errorf("the server is not ready after %v\n%s", startTimeout, s.tail())
	}
	if s.admin, err = s.dial(2); err == nil {
		s.client2, err = s.dial(2)
	}
	if err == nil { // keys go when a command meets them, and at no other moment
		s.admin.Do("DEBUG", "SET-ACTIVE-EXPIRE", 0).Must()
	}
	return err
}

// configuration is the text of the configuration file. Nothing may depend on real time, so timeouts of replication are
// out of reach.
func (s *Server) configuration() string {
	lines := []string{
		"port 0", "unixsocket " + strconv.Quote(s.socket()), "dir " + strconv.Quote(s.dir), `save ""`,
		"enable-debug-command yes", "enable-module-command yes", "repl-timeout 2147483647",
	}
	if s.o.AOF {
		lines = append(lines, "appendonly yes")
	}
	return strings.Join(append(lines, s.o.Config...), "\n") + "\n"
}

func (s *Server) socket() string { return filepath.Join(s.dir, "s") }

// finish makes the checks at the end of the test.
func (s *Server) finish() {
	s.t.Helper()
	if s.replica != nil && !s.t.Failed() && s.running() {
		s.ReplicaEquals()
	}
	if s.o.NoLeaks && !s.t.Failed() && s.running() {
		if n := s.Leaks(); n > 0 {
			s.t.Errorf("plugintest: commands have left %d keys and replies open without AutoMemory; log:\n%s", n, s.tail())
		}
	}
	s.report("at the end")
}

// Leaks returns how many keys and replies the module's commands have left to be released by the host, without saying so
// with AutoMemory.
func (s *Server) Leaks() int {
	s.t.Helper()
	total := 0
	for line := range strings.Lines(s.admin.Do("INFO", "modules").Must().Text()) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); strings.HasSuffix(name, "_leaked_handles") {
			n, err := strconv.Atoi(value)
			if err != nil {
				s.t.Fatalf("plugintest: INFO has %s", line)
			}
			total += n
		}
	}
	return total
}

// stop ends the daemon and waits for it.
func (s *Server) stop() {
	for _, c := range s.clients {
		c.Close()
	}
	s.daemon.Stop()
	select {
	case <-s.ended:
	case <-time.After(stopTimeout):
		s.t.Errorf("plugintest: the server has not stopped after %v\n%s", stopTimeout, s.tail())
	}
}

func (s *Server) running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// logged takes a line of the daemon's log; it runs in the daemon's goroutines.
func (s *Server) logged(level server.Level, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, string(level)+" "+line)
	if isProblem(line) {
		s.problems = append(s.problems, line)
	}
}

// isProblem recognizes what the host says of a module that has done what modules must not do.
func isProblem(line string) bool {
	if strings.HasPrefix(line, "Module ") {
		return strings.Contains(line, " has not freed ") || strings.HasSuffix(line, " goroutines have not returned")
	}
	return strings.Contains(line, "> API misuse: ") || strings.HasPrefix(line, "Panic in ")
}

// report fails the test for what the module did wrong since the last report.
func (s *Server) report(during string) {
	s.t.Helper()
	s.mu.Lock()
	problems := s.problems
	s.problems = nil
	s.mu.Unlock()
	if s.o.AllowMisuse {
		return
	}
	for _, p := range problems {
		s.t.Errorf("%s: %s", during, p)
	}
}

// Log returns the lines of the server's log so far. Each begins with the character of its level (. - * # for debug,
// verbose, notice, warning) and a space. A line that a command caused is there when the command has replied. Log may be
// called by any goroutine.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// tail is the end of the log, for messages.
func (s *Server) tail() string {
	log := s.Log()
	if len(log) > maxLogBytes {
		log = "…" + log[len(log)-maxLogBytes:]
	}
	return "log:\n" + log
}

// Do runs a command on a connection in RESP2 and returns its reply. Arguments are text (string, []byte, String) or numbers.
func (s *Server) Do(args ...any) Reply {
	s.t.Helper()
	return s.client2.Do(args...)
}

// Do3 is Do in RESP3, on another connection.
func (s *Server) Do3(args ...any) Reply {
	s.t.Helper()
	if s.client3 == nil {
		s.client3 = s.Client3()
	}
	return s.client3.Do(args...)
}

// Load loads another module, or one that was unloaded before, as MODULE LOAD does; the error wraps what OnLoad returned.
func (s *Server) Load(onLoad plugin.OnLoadFunc, args ...string) error {
	s.t.Helper()
	err := s.daemon.LoadLinked(server.LinkedModule{OnLoad: onLoad, Args: args})
	s.report("loading a module")
	return err
}

// Unload unloads the module that was loaded last, as MODULE UNLOAD does, and returns why that was refused.
func (s *Server) Unload() error {
	s.t.Helper()
	modules := s.admin.Do("MODULE", "LIST").Elems()
	if len(modules) == 0 {
		return plugin.ReplyError("ERR no module is loaded")
	}
	name := modules[len(modules)-1].Elems()[1].Text()
	r := s.admin.Do("MODULE", "UNLOAD", name)
	s.report("MODULE UNLOAD " + name)
	return r.Err()
}

// Info returns a field of a section of INFO, as in Info("stats", "keyspace_hits"); "" if there is none.
func (s *Server) Info(section, field string) string {
	s.t.Helper()
	for line := range strings.Lines(s.admin.Do("INFO", section).Must().Text()) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimRight(value, "\r\n")
		}
	}
	return ""
}

// number is Info for a field that is a number.
func (s *Server) number(section, field string) int64 {
	s.t.Helper()
	text := s.Info(section, field)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatalf("plugintest: INFO has %s:%s", field, text)
	}
	return n
}

// eventually polls until the condition holds, and ends the test if that takes too long.
func (s *Server) eventually(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(replyTimeout); !holds(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("plugintest: not within %v: %s\n%s", replyTimeout, what, s.tail())
		}
	}
}

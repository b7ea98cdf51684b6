package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	oursName     = "datastore"
	redisName    = "redis"
	readyTimeout = 20 * time.Second
	endTimeout   = 500 * time.Millisecond
	maxLogBytes  = 4 << 10 // of the log, in an error
)

var errServer = errors.New("server")

// fleet starts the servers under comparison and ends them, whatever happens: cleanUp kills each by its own process, the
// end of ctx does, so that nothing goes on waiting for one, and the kernel does should this program die first.
type fleet struct {
	ctx      context.Context
	programs []program
	running  []*server
	tmp      string
	binary   string            // the daemon
	modules  map[string]string // images that buildModule has built, by their directory
	o        options
}

// program is a server that can be started.
type program struct {
	name    string
	command []string
	ours    bool // the daemon, or a peer that is the daemon with other settings: it can load modules
	foreign bool // knows none of Redis's directives; {port} and {dir} are in its command
}

// server is one running process.
type server struct {
	name string
	ours bool
	port int
	cmd  *exec.Cmd
	done chan struct{}
	log  *bytes.Buffer // complete once done is closed
}

func newFleet(ctx context.Context, o options) (*fleet, error) {
	tmp, err := os.MkdirTemp("", "bench-compare-")
	if err != nil {
		return nil, err
	}
	f := &fleet{ctx: ctx, tmp: tmp, binary: o.binary, modules: map[string]string{}, o: o}
	if f.binary == "" {
		if f.binary, err = buildDaemon(ctx, tmp); err != nil {
			f.cleanUp()
			return nil, err
		}
	}
	f.programs = []program{{name: oursName, command: []string{f.binary}, ours: true},
		{name: redisName, command: []string{o.redis}}}
	for _, peer := range o.peers {
		p, err := parsePeer(peer, f.binary)
		if err != nil {
			f.cleanUp()
			return nil, err
		}
		f.programs = append(f.programs, p)
	}
	return f, nil
}

// parsePeer reads NAME=COMMAND. {binary} in the command is the daemon, so that it can be compared with itself under
// other settings.
func parsePeer(peer, binary string) (program, error) {
	name, command, ok := strings.Cut(peer, "=")
	words := strings.Fields(command)
	if !ok || name == "" || len(words) == 0 {
		return program{}, fmt.Errorf("%w: --peer %q is not NAME=COMMAND", errUsage, peer)
	}
	p := program{name: name, foreign: strings.Contains(command, "{port}")}
	for _, word := range words {
		p.ours = p.ours || word == "{binary}"
		p.command = append(p.command, strings.ReplaceAll(word, "{binary}", binary))
	}
	return p, nil
}

// buildModule builds a module of this tree for the daemon, once.
func (f *fleet) buildModule(dir string) (string, error) {
	if path, ok := f.modules[dir]; ok {
		return path, nil
	}
	path := filepath.Join(f.tmp, filepath.Base(dir)+".so")
	cmd := exec.CommandContext(f.ctx, f.binary, "module", "build", dir, "-o", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("module build %s: %w\n%s", dir, err, out)
	}
	f.modules[dir] = path
	return path, nil
}

func buildDaemon(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "datastore")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "./cmd/datastore")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
}

// start starts one program and waits until it answers.
func (f *fleet) start(p program, extra ...string) (*server, error) {
	dir, err := os.MkdirTemp(f.tmp, p.name+"-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := f.arguments(p, port, dir, extra)
	s := &server{name: p.name, ours: p.ours, port: port, cmd: exec.CommandContext(f.ctx, args[0], args[1:]...), done: make(chan struct{}),
		log: &bytes.Buffer{}}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	f.running = append(f.running, s)
	go func() {
		_ = s.cmd.Wait() // how it ended is in the log
		close(s.done)
	}()
	return s, f.waitReady(s)
}

// arguments are equal for all that understand Redis's directives.
func (f *fleet) arguments(p program, port int, dir string, extra []string) []string {
	fill := strings.NewReplacer("{port}", fmt.Sprint(port), "{dir}", dir)
	var args []string
	for _, word := range p.command {
		args = append(args, fill.Replace(word))
	}
	if p.foreign {
		return args
	}
	args = append(args, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "")
	if f.o.aof {
		args = append(args, "--appendonly", "yes", "--appendfsync", f.o.aofFsync)
	} else {
		args = append(args, "--appendonly", "no")
	}
	args = append(args, strings.Fields(f.o.directives)...)
	return append(args, extra...)
}

func (f *fleet) waitReady(s *server) error {
	deadline := time.Now().Add(readyTimeout)
	for {
		if c, err := dial(s.port); err == nil {
			_, err = c.do("PING")
			c.close()
			if err == nil {
				return nil
			}
		}
		select {
		case <-f.ctx.Done():
			return f.ctx.Err()
		case <-s.done:
			return fmt.Errorf("%w %s ended at start:\n%s", errServer, s.name, s.log)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w %s does not answer", errServer, s.name)
		}
	}
}

// startAll starts every program; those that are ours get further directives.
func (f *fleet) startAll(ours ...string) ([]*server, error) {
	var all []*server
	for _, p := range f.programs {
		var extra []string
		if p.ours {
			extra = ours
		}
		s, err := f.start(p, extra...)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// explain adds the end of a server's log to an error where the server has ended by itself.
func (s *server) explain(err error) error {
	if err == nil || refusal(err) != "" {
		return err
	}
	select {
	case <-s.done:
		text := s.log.String()
		return fmt.Errorf("%w; %s has ended, its log:\n%s", err, s.name, text[max(0, len(text)-maxLogBytes):])
	case <-time.After(endTimeout): // connections of a process that ends are closed before it is gone
		return err
	}
}

// stop ends one server and waits for its end.
func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

func (f *fleet) stopAll() {
	for _, s := range f.running {
		s.stop()
	}
	f.running = nil
}

func (f *fleet) cleanUp() {
	f.stopAll()
	_ = os.RemoveAll(f.tmp)
}

// progress shows what is going on: on a terminal in one line, else only when it is something else than a further round.
func (f *fleet) progress(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\033[K%s ", text)
	} else if !strings.Contains(text, "round") {
		fmt.Fprintln(os.Stderr, text)
	}
}

// endProgress makes room for a table.
func (f *fleet) endProgress() {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "\r\033[K")
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

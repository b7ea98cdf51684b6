package servertest_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"datastore/server/servertest"
)

// get returns the present value of a directive.
func get(s *servertest.Server, directive string) string {
	return s.Must("CONFIG", "GET", directive).Elems[1].Str
}

// TestDropInCommandLine starts servers with every form that redis-server understands.
func TestDropInCommandLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, directive, want string
		args                  []string
	}{
		{"one value", "maxmemory", "104857600", []string{"--maxmemory", "100mb"}},
		{"in one word", "maxmemory", "734003200", []string{"--maxmemory 700mb"}},
		{"several values", "save", "100 100 60 1000", []string{"--save", "100", "100", "--save", "60", "1000"}},
		{"values in one word", "save", "100 100", []string{"--save", "100 100"}},
		{"empty", "save", "", []string{"--save", "100 100", "--save", ""}},
		{"negative value", "list-max-listpack-size", "-3", []string{"--list-max-listpack-size", "-3"}},
		{"old name", "replica-read-only", "no", []string{"--slave-read-only", "no"}},
		{"no effect", "activerehashing", "no", []string{"--activerehashing", "no"}},
		{"four values", "client-output-buffer-limit",
			"normal 1048576 0 0", []string{"--client-output-buffer-limit", "normal", "1mb", "0", "0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, tc.args...)
			if got := get(s, tc.directive); !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
				t.Errorf("%q: %s is %q, want %q", tc.args, tc.directive, got, tc.want)
			}
		})
	}
}

// TestDropInVersionAndHelp: what installers and supervisors run first.
func TestDropInVersionAndHelp(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"-v", "--version"} {
		if code, out := runDaemon(t, "", arg); code != 0 || !strings.Contains(out, "v=7.0.15") {
			t.Errorf("%s: code %d\n%s", arg, code, out)
		}
	}
	for _, arg := range []string{"-h", "--help"} {
		if code, out := runDaemon(t, "", arg); code != 0 || !strings.HasPrefix(out, "Usage: ") {
			t.Errorf("%s: code %d\n%s", arg, code, out)
		}
	}
}

// TestDropInBadConfiguration compares the complaint on standard error with that of redis-server, line by line; ours names
// the file besides.
func TestDropInBadConfiguration(t *testing.T) {
	t.Parallel()
	oracle := servertest.RedisPath(t)
	conf := filepath.Join(t.TempDir(), "bad.conf")
	mustWrite(t, conf, []byte("# a comment\nport 0\n\nappendonly maybe\n"))
	for _, args := range [][]string{
		{"--port", "abc"}, {"--frobnicate", "yes"}, {"--save", "100"}, {"--port", "1", "2"}, {"--maxmemory", "10zb"},
		{"--appendfsync", "sometimes"}, {"--dir", "/does/not/exist"}, {"--port", "0", "--logfile", "/does/not/exist"},
		{conf}, {conf, "--port", "1"},
	} {
		theirs, _ := exec.Command(oracle, args...).CombinedOutput()
		code, ours := runDaemon(t, "", args...)
		if code != 1 {
			t.Errorf("%q: exit code %d", args, code)
		}
		want := strings.TrimSpace(string(theirs))
		if !strings.Contains(want, "FATAL CONFIG FILE ERROR") {
			t.Fatalf("%q: redis-server says %q", args, want)
		}
		if got := strings.TrimSpace(ours); !strings.HasPrefix(got, want) {
			t.Errorf("%q:\n%s\nredis-server:\n%s", args, got, want)
		}
	}
	if code, out := runDaemon(t, "", "/does/not/exist.conf"); code != 1 ||
		!strings.Contains(out, "can't open config file '/does/not/exist.conf': No such file or directory") {
		t.Errorf("missing file: code %d\n%s", code, out)
	}
}

// TestDropInConfigFile reads a file with quotes, comments and includes, and takes the command line after it.
func TestDropInConfigFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.conf": "# main\nmaxmemory 100mb\n  timeout 30  \n\ninclude " + dir + "/extra-*.conf\nmaxclients 77\n" +
			"requirepass \"a b\\x41\"\n",
		"extra-1.conf": "hz 50\n",
		"extra-2.conf": "hz 20\ntcp-keepalive 60\n",
	} {
		mustWrite(t, filepath.Join(dir, name), []byte(content))
	}
	s := servertest.StartWith(t, servertest.Options{ConfigFile: filepath.Join(dir, "main.conf"),
		Directives: []string{"--timeout", "31"}})
	s.Must("AUTH", "a bA")
	for directive, want := range map[string]string{"maxmemory": "104857600", "timeout": "31", "hz": "20", "tcp-keepalive": "60",
		"maxclients": "77"} {
		if got := get(s, directive); got != want {
			t.Errorf("%s is %q, want %q", directive, got, want)
		}
	}
	if want := "config_file:" + dir; !strings.Contains(s.Must("INFO", "server").Str, want) {
		t.Errorf("INFO lacks %s", want)
	}
}

// daemon is a server that a test starts in its own way.
type daemon struct {
	t   *testing.T
	dir string
	out *strings.Builder
	cmd *exec.Cmd
}

// startDaemon runs the daemon in a directory with exactly these arguments.
func startDaemon(t *testing.T, stdin string, env []string, args ...string) *daemon {
	t.Helper()
	path, err := servertest.DaemonPath()
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, dir: t.TempDir(), cmd: exec.Command(path, args...), out: &strings.Builder{}}
	d.cmd.Dir, d.cmd.Env = d.dir, append(os.Environ(), env...)
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = strings.NewReader(stdin), d.out, d.out
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			_ = d.cmd.Process.Kill()
			_ = d.cmd.Wait()
		}
	})
	return d
}

// end waits for the process and returns its exit code; its output is complete then.
func (d *daemon) end() int {
	d.t.Helper()
	timer := time.AfterFunc(15*time.Second, func() { _ = d.cmd.Process.Kill() })
	defer timer.Stop()
	_ = d.cmd.Wait() // the code tells
	return d.cmd.ProcessState.ExitCode()
}

func (d *daemon) path(name string) string { return filepath.Join(d.dir, name) }

// dialUntil connects once the server listens.
func dialUntil(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial(network, addr)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// ask sends an inline command and returns the first bytes of its reply.
func ask(t *testing.T, c net.Conn, line string) string {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(line + "\r\n")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(buf[:n])
}

// shutdown ends the server over a connection.
func shutdown(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("SHUTDOWN NOSAVE\r\n")); err != nil {
		t.Error(err)
	}
}

// TestDropInStandardInput reads the configuration from there, with - as the first or the last argument.
func TestDropInStandardInput(t *testing.T) {
	t.Parallel()
	const conf = "port 0\nunixsocket one.sock\nmaxclients 55\n"
	for _, args := range [][]string{{"-", "--save", ""}, {"--save", "", "-"}} {
		d := startDaemon(t, conf, nil, args...)
		c := dialUntil(t, "unix", d.path("one.sock"))
		if got := ask(t, c, "CONFIG GET maxclients"); !strings.Contains(got, "55") {
			t.Errorf("%q: maxclients: %q", args, got)
		}
		shutdown(t, c)
		if code := d.end(); code != 0 {
			t.Errorf("exit code %d\n%s", code, d.out)
		}
	}
}

// TestDropInUnixSocket: permissions as asked for, no TCP with port 0, and no socket left behind.
func TestDropInUnixSocket(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		d := startDaemon(t, "", nil, "--port", "0", "--unixsocket", "u.sock", "--unixsocketperm", "700", "--save", "",
			"--event-loop", driver)
		c := dialUntil(t, "unix", d.path("u.sock"))
		if got := ask(t, c, "PING"); got != "+PONG\r\n" {
			t.Errorf("PING: %q", got)
		}
		info, err := os.Stat(d.path("u.sock"))
		if err != nil {
			t.Fatal(err)
		}
		if perm := info.Mode().Perm(); perm != 0o700 {
			t.Errorf("permissions %o", perm)
		}
		if got := ask(t, c, "CONFIG GET port"); !strings.HasSuffix(got, "$1\r\n0\r\n") {
			t.Errorf("port: %q", got)
		}
		shutdown(t, c)
		if code := d.end(); code != 0 {
			t.Errorf("exit code %d\n%s", code, d.out)
		}
		if _, err := os.Stat(d.path("u.sock")); err == nil {
			t.Errorf("%s: the socket is left behind", driver)
		}
		if want := "ready to accept connections at u.sock"; !strings.Contains(d.out.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, d.out)
		}
	}
}

// TestDropInBind listens on several addresses; one with a minus may be missing.
func TestDropInBind(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"epoll", "goroutines"} {
		s := servertest.Start(t, "--bind", "127.0.0.1 127.0.0.2 -::1 -192.0.2.1", "--event-loop", driver)
		for _, host := range []string{"127.0.0.1", "127.0.0.2", "::1"} {
			c, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(s.Port)))
			if err != nil && host == "::1" {
				continue // a machine without IPv6, for which the minus is
			}
			if err != nil {
				t.Errorf("%s: %v", driver, err)
				continue
			}
			if got := ask(t, c, "PING"); got != "+PONG\r\n" {
				t.Errorf("%s: PING: %q", host, got)
			}
			_ = c.Close()
		}
	}
}

// TestDropInPortTaken: the words that test frameworks look for to try another port.
func TestDropInPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := l.Addr().(*net.TCPAddr).Port
	for _, driver := range []string{"epoll", "goroutines"} {
		code, out := runDaemon(t, "", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", t.TempDir(),
			"--event-loop", driver)
		if want := fmt.Sprintf("Failed listening on port %d (TCP), aborting.", port); code != 1 || !strings.Contains(out, want) {
			t.Errorf("code %d, want 1 and %q:\n%s", code, want, out)
		}
		if want := fmt.Sprintf("Could not create server TCP listening socket 127.0.0.1:%d: bind: Address already in use",
			port); !strings.Contains(out, want) {
			t.Errorf("%s: the log lacks %q:\n%s", driver, want, out)
		}
	}
}

// TestDropInDaemonize: the parent ends at once, the child has no terminal, writes its pid file and its log, and removes the
// former at its end.
func TestDropInDaemonize(t *testing.T) {
	t.Parallel()
	for name, stdin := range map[string]string{"flags": "", "standard input": "maxclients 55\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--daemonize", "yes", "--pidfile", "d.pid", "--logfile", "d.log", "--port", "0",
				"--unixsocket", "d.sock", "--save", ""}
			if stdin != "" {
				args = append([]string{"-"}, args...)
			}
			d := startDaemon(t, stdin, nil, args...)
			if code := d.end(); code != 0 {
				t.Fatalf("the parent ended with %d\n%s", code, d.out)
			}
			c := dialUntil(t, "unix", d.path("d.sock"))
			pid, err := strconv.Atoi(strings.TrimSpace(string(mustRead(t, d.path("d.pid")))))
			if err != nil || pid == d.cmd.ProcessState.Pid() {
				t.Fatalf("pid file: %d %v", pid, err)
			}
			if got := ask(t, c, "INFO server"); !strings.Contains(got, fmt.Sprintf("process_id:%d\r\n", pid)) {
				t.Errorf("INFO does not have pid %d: %q", pid, got)
			}
			if stat := strings.Fields(string(mustRead(t, fmt.Sprintf("/proc/%d/stat", pid)))); stat[5] != strconv.Itoa(pid) {
				t.Errorf("the daemon is in session %s, want one of its own", stat[5])
			}
			if stdin != "" && !strings.Contains(ask(t, c, "CONFIG GET maxclients"), "55") {
				t.Error("the configuration from standard input did not reach the daemon")
			}
			rotateLog(t, d, c)
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil && !zombie(pid); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("SIGTERM does not end the daemon")
				}
			}
			if _, err := os.Stat(d.path("d.pid")); err == nil {
				t.Error("the pid file is left behind")
			}
		})
	}
}

// zombie reports whether a process has ended and nobody has asked for its exit code, as in containers without an init.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// rotateLog renames the log as log rotation does: the next line begins a new file.
func rotateLog(t *testing.T, d *daemon, c net.Conn) {
	t.Helper()
	if log := string(mustRead(t, d.path("d.log"))); !strings.Contains(log, "Server initialized") {
		t.Errorf("log file: %q", log)
	}
	if err := os.Rename(d.path("d.log"), d.path("d.log.1")); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, c, "SAVE"); got != "+OK\r\n" {
		t.Fatalf("SAVE: %q", got)
	}
	if log := string(mustRead(t, d.path("d.log"))); !strings.Contains(log, "DB saved on disk") {
		t.Errorf("log file after a rotation: %q", log)
	}
}

// TestDropInSystemd tells a supervisor when clients can connect and when the server ends, and does not go to the
// background then.
func TestDropInSystemd(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	d := startDaemon(t, "", []string{"NOTIFY_SOCKET=" + name}, "--supervised", "systemd", "--daemonize", "yes", "--port", "0",
		"--unixsocket", "s.sock", "--save", "")
	receive := func() string {
		buf := make([]byte, 4096)
		_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	if got := receive(); !strings.Contains(got, "READY=1\n") {
		t.Errorf("told %q", got)
	}
	shutdown(t, dialUntil(t, "unix", d.path("s.sock")))
	if got := receive(); got != "STOPPING=1\n" {
		t.Errorf("told %q at the end", got)
	}
	if code := d.end(); code != 0 {
		t.Errorf("exit code %d\n%s", code, d.out)
	}
}

// logWords are what tools wait for, in order, in the log of a server that starts, is told to end and saves.
var logWords = []string{
	"Redis is starting", "Redis version=7.0.15", "Running mode=standalone, port=", "PID: ", "Server initialized",
	"DB loaded from disk", "Ready to accept connections", "Received SIGTERM scheduling shutdown...",
	"User requested shutdown...", "Saving the final RDB snapshot before exiting.", "DB saved on disk",
	"Redis is now ready to exit, bye bye...",
}

// orderly lets a server write a dump, start again from it and end once more, and returns the log of the second run.
func orderly(t *testing.T, directives ...string) string {
	t.Helper()
	s := servertest.Start(t, append(directives, "--save", "3600 1")...)
	s.Must("SET", "k", "v")
	if code := s.Terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	s.Restart()
	s.Must("SET", "k", "w")
	if code := s.Terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return s.Log()
}

func inOrder(t *testing.T, log string, words []string) {
	t.Helper()
	rest := log
	for _, w := range words {
		_, after, found := strings.Cut(rest, w)
		if !found {
			t.Errorf("the log lacks %q, or has it too early:\n%s", w, log)
			continue
		}
		rest = after
	}
}

// TestDropInLog checks the words and the shape of every line.
func TestDropInLog(t *testing.T) {
	t.Parallel()
	log := orderly(t)
	inOrder(t, log, logWords)
	shape := regexp.MustCompile(`^\d+:[MSCX] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [.*#-] .+$`)
	for _, line := range strings.Split(strings.TrimSuffix(log, "\n"), "\n") {
		if !shape.MatchString(line) {
			t.Errorf("line %q", line)
		}
	}
}

// TestDropInJSONLog checks that each line is an object with the same text.
func TestDropInJSONLog(t *testing.T) {
	t.Parallel()
	var texts strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(orderly(t, "--log-format", "json"), "\n"), "\n") {
		var entry struct {
			Time  time.Time
			Level string
			Msg   string
			PID   int
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if entry.Time.IsZero() || entry.Msg == "" || entry.PID == 0 || !strings.Contains("debug verbose notice warning", entry.Level) {
			t.Errorf("%q", line)
		}
		texts.WriteString(entry.Msg + "\n")
	}
	inOrder(t, texts.String(), logWords)
}

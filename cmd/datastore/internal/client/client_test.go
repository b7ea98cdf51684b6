package client

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/server/resp"
	"datastore/server/servertest/freeport"
)

// startRedis runs the reference server on a free port.
func startRedis(t *testing.T, args ...string) (host string, port int) {
	t.Helper()
	for _, program := range []string{"redis-server", "redis-cli"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s (Debian package redis)", program)
		}
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: freeport.Get()}
	cmd := exec.Command("redis-server", append([]string{"--port", strconv.Itoa(addr.Port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", t.TempDir()}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", addr.String()); err == nil {
			c.Close()
			return "127.0.0.1", addr.Port
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("redis-server does not listen")
	return "", 0
}

// redisCLI returns what redis-cli prints.
func redisCLI(t *testing.T, port int, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("redis-cli", append([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(port)}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, _ := cmd.Output()
	return string(out)
}

var commands = [][]string{
	{"set", "s", "a \"b\"\\\n\r\t\a\b\x01\xff~"}, {"get", "s"}, {"get", "none"}, {"strlen", "s"},
	{"nosuch", "command"}, {"get"}, {"get", ""}, {"set", "empty", ""}, {"get", "empty"},
	{"eval", "return {1,'a',{2,{},false,{'x',{'y'}}},{},redis.error_reply('E1')}", "0"},
	{"eval", "return redis.error_reply('OOPS why')", "0"},
	{"eval", "return -9223372036854775808", "0"},
	{"eval", "local t={} for i=1,120 do t[i]={i,'v'} end return t", "0"},
	{"lrange", "none", "0", "-1"}, {"blpop", "none", "0.01"}, {"ping"}, {"echo", "--raw"}, {"mget", "s", "none"},
	{"select", "1"}, {"multi"}, {"select", "99"},
}

func TestPrintsLikeRedisCLI(t *testing.T) {
	host, port := startRedis(t)
	for _, formatted := range []bool{true, false} {
		flag := "--raw"
		if formatted {
			flag = "--no-raw"
		}
		for _, args := range commands {
			var out bytes.Buffer
			c := New(Options{Host: host, Port: port, Formatted: formatted, Out: &out, Err: &out})
			err := c.Run(args)
			c.Close()
			if want := redisCLI(t, port, "", append([]string{flag}, args...)...); out.String() != want {
				t.Errorf("%s %q prints\n%q\nredis-cli\n%q", flag, args, out.String(), want)
			}
			failed := strings.HasPrefix(out.String(), "(error)") || !formatted && strings.HasSuffix(out.String(), "\n\n") && out.Len() > 2
			if formatted && failed != errors.Is(err, ErrFailed) {
				t.Errorf("%q: error %v after %q", args, err, out.String())
			}
		}
	}
}

func TestPipeLikeRedisCLI(t *testing.T) {
	host, port := startRedis(t)
	script := "flushall\nset k \"a b\\n\\x41\"\r\n\n   \nget 'k'\nget \"unb\nnosuch\nselect 1\nget k\nselect 0\nget k\nQUIT\nget k"
	for _, formatted := range []bool{true, false} {
		flag := "--raw"
		if formatted {
			flag = "--no-raw"
		}
		var out, errs bytes.Buffer
		c := New(Options{Host: host, Port: port, Formatted: formatted, In: strings.NewReader(script), Out: &out, Err: &errs})
		if err := c.RunLines(); err != ErrFailed || errs.Len() != 0 {
			t.Errorf("error %v, stderr %q", err, errs.String())
		}
		c.Close()
		if want := redisCLI(t, port, script, flag); out.String() != want {
			t.Errorf("%s prints\n%q\nredis-cli\n%q", flag, out.String(), want)
		}
	}
}

func TestLogin(t *testing.T) {
	host, port := startRedis(t, "--requirepass", "secret")
	var out, errs bytes.Buffer
	good := New(Options{Host: host, Port: port, User: "default", Password: "secret", DB: 3, Out: &out, Err: &errs})
	defer good.Close()
	if err := good.Run([]string{"client", "list"}); err != nil || !strings.Contains(out.String(), " db=3 ") || errs.Len() != 0 {
		t.Errorf("error %v, out %q, stderr %q", err, out.String(), errs.String())
	}
	out.Reset()
	bad := New(Options{Host: host, Port: port, Password: "wrong", Out: &out, Err: &errs})
	defer bad.Close()
	if err := bad.Run([]string{"ping"}); err != ErrFailed || !strings.HasPrefix(errs.String(), "AUTH failed: WRONGPASS") ||
		!strings.HasPrefix(out.String(), "NOAUTH") {
		t.Errorf("error %v, out %q, stderr %q", err, out.String(), errs.String())
	}
}

// scripted accepts connections one after the other and answers each command of
// the n-th with the n-th list of replies, then closes it.
func scripted(t *testing.T, conversations ...[]string) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for _, replies := range conversations {
			c, err := l.Accept()
			if err != nil {
				return
			}
			converse(c, replies)
		}
		l.Close()
	}()
	return "127.0.0.1", l.Addr().(*net.TCPAddr).Port
}

func converse(c net.Conn, replies []string) {
	defer c.Close()
	var p resp.Parser
	lim := resp.DefaultLimits()
	var unread []byte
	for len(replies) > 0 {
		args, n, err := p.Next(unread, nil, &lim)
		unread = unread[n:]
		if err != nil {
			return
		}
		if len(args) > 0 {
			fmt.Fprint(c, replies[0])
			replies = replies[1:]
			continue
		}
		chunk := make([]byte, 4096)
		n, err = c.Read(chunk)
		if err != nil {
			return
		}
		unread = append(unread, chunk[:n]...)
	}
}

// slowLines gives one line per Read, and waits before each for the server's
// close to arrive.
type slowLines struct{ lines []string }

func (s *slowLines) Read(b []byte) (int, error) {
	time.Sleep(50 * time.Millisecond)
	if len(s.lines) == 0 {
		return 0, errors.New("input broke")
	}
	n := copy(b, s.lines[0]+"\n")
	s.lines = s.lines[1:]
	return n, nil
}

func TestPromptAndReconnect(t *testing.T) {
	host, port := scripted(t,
		[]string{"+OK\r\n", "+OK\r\n", "*0\r\n", "+OK\r\n"},
		[]string{"+OK\r\n", "$1\r\nv\r\n", ""})
	var out, errs bytes.Buffer
	c := New(Options{Host: host, Port: port, Formatted: true, Prompt: true,
		In: &slowLines{lines: []string{"select 2", "multi", "exec", "multi", "get k", "incr k", "ping", "hello 3"}}, Out: &out, Err: &errs})
	defer c.Close()
	if err := c.RunLines(); err == nil || !strings.Contains(err.Error(), "input broke") {
		t.Errorf("error %v", err)
	}
	p := fmt.Sprintf("%s:%d", host, port)
	want := p + "> OK\n" + p + "[2]> OK\n" + p + "[2](TX)> (empty array)\n" + p + "[2]> OK\n" +
		p + "[2](TX)> \"v\"\n" + p + "[2]> not connected> not connected> not connected> \n"
	if out.String() != want {
		t.Errorf("out\n%q\nwant\n%q", out.String(), want)
	}
	wantErrs := "Error: Server closed the connection\nCould not connect to datastore at " + p + ": connection refused\n" +
		"Error: this client speaks RESP2 only\n"
	if errs.String() != wantErrs {
		t.Errorf("stderr\n%q\nwant\n%q", errs.String(), wantErrs)
	}
}

func TestShutdownHasNoReply(t *testing.T) {
	host, port := scripted(t, []string{""}, []string{"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"})
	for i, want := range []error{nil, ErrFailed} {
		var out, errs bytes.Buffer
		c := New(Options{Host: host, Port: port, Out: &out, Err: &errs})
		if err := c.Run([]string{"shutdown", "nosave"}); err != want || errs.Len() > 0 || (out.Len() == 0) != (want == nil) {
			t.Errorf("connection %d: error %v, out %q, stderr %q", i, err, out.String(), errs.String())
		}
		c.Close()
	}
}

func TestFollowsSubscription(t *testing.T) {
	host, port := scripted(t, []string{"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n"})
	var out, errs bytes.Buffer
	c := New(Options{Host: host, Port: port, Formatted: true, Out: &out, Err: &errs})
	defer c.Close()
	if err := c.Run([]string{"SUBSCRIBE", "x"}); err != ErrFailed {
		t.Errorf("error %v", err)
	}
	want := "1) \"subscribe\"\n2) \"x\"\n3) (integer) 1\nReading messages... (press Ctrl-C to quit)\n1) \"message\"\n2) \"x\"\n3) \"hi\"\n"
	if out.String() != want || errs.String() != "Error: Server closed the connection\n" {
		t.Errorf("out %q, stderr %q", out.String(), errs.String())
	}
}

func TestUnixSocket(t *testing.T) {
	path := t.TempDir() + "/s"
	startRedis(t, "--unixsocket", path)
	var out, errs bytes.Buffer
	c := New(Options{Socket: path, Prompt: true, In: strings.NewReader("ping\nexit\n"), Out: &out, Err: &errs})
	defer c.Close()
	if err := c.RunLines(); err != nil || out.String() != "datastore "+path+"> PONG\ndatastore "+path+"> " {
		t.Errorf("error %v, out %q, stderr %q", err, out.String(), errs.String())
	}
}

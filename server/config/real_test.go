package config

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest/freeport"
)

// realServer returns the path of the redis-server that is the specification.
func realServer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server 7.0 to compare with")
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil || !bytes.Contains(version, []byte("v=7.0.")) {
		t.Skip("needs redis-server 7.0 to compare with")
	}
	return path
}

func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(freeport.Get())
}

// startReal runs a real server in a directory of its own and connects to it.
// The arguments must make it listen on port.
func startReal(t *testing.T, port string, args ...string) *realClient {
	t.Helper()
	cmd := exec.Command(realServer(t), args...)
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 200 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return &realClient{t, conn, bufio.NewReader(conn)}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("real server does not listen: %q", args)
	return nil
}

// runReal runs a real server that does not listen, so that it ends at once, and
// returns what it wrote to standard error: empty when it accepted its
// configuration.
func runReal(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, realServer(t), args...)
	cmd.Dir = t.TempDir()
	var out bytes.Buffer
	cmd.Stderr = &out
	_ = cmd.Run()
	return out.String()
}

type realClient struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// do sends a command; the reply is its strings, an error has its text alone.
func (c *realClient) do(args ...string) []string {
	c.t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := c.conn.Write(b.Bytes()); err != nil {
		c.t.Fatal(err)
	}
	return c.reply()
}

func (c *realClient) reply() []string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	line = strings.TrimSpace(line)
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '$':
		buf := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, buf); err != nil {
			c.t.Fatal(err)
		}
		return []string{string(buf[:n])}
	case '*':
		var out []string
		for range n {
			out = append(out, c.reply()...)
		}
		return out
	}
	return []string{line[1:]}
}

func (c *realClient) get(name string) string {
	reply := c.do("CONFIG", "GET", name)
	if len(reply) != 2 {
		return ""
	}
	return reply[1]
}

func get(c *Config, name string) string {
	_, values := c.Get([]string{name})
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

func setReply(c *Config, from Origin, args ...string) string {
	var pairs [][2]string
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, [2]string{args[i], args[i+1]})
	}
	if err := c.Set(pairs, from); err != nil {
		return err.Error()
	}
	return "OK"
}

func inDir(t *testing.T, content string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = dir + "/test.conf"
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, which is 100 on every Linux that reports /proc/PID/stat.
const ticksPerSecond = 100

// cpuSeconds is the time that a process has spent in user and system mode (proc(5), stat fields 14 and 15).
func cpuSeconds(pid int) (float64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(stat), ") ") // the name before it may contain spaces
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("%w: stat of %d: %q", errServer, pid, stat)
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("%w: stat of %d: %q", errServer, pid, stat)
	}
	return (user + system) / ticksPerSecond, nil
}

// residentBytes is the resident set of a process (proc(5), status VmRSS).
func residentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("%w: no VmRSS of %d", errServer, pid)
}

// client is a connection for set-up work: simple replies only.
type client struct {
	sock net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
}

func dial(port int) (*client, error) {
	sock, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return nil, err
	}
	return &client{sock, bufio.NewReaderSize(sock, 1<<16), bufio.NewWriterSize(sock, 1<<16)}, nil
}

func (c *client) close() { _ = c.sock.Close() }

func (c *client) send(args ...string) {
	_, _ = fmt.Fprintf(c.w, "*%d\r\n", len(args)) // bufio keeps the error for Flush
	for _, a := range args {
		_, _ = fmt.Fprintf(c.w, "$%d\r\n%s\r\n", len(a), a)
	}
}

func (c *client) do(args ...string) (string, error) {
	c.send(args...)
	if err := c.w.Flush(); err != nil {
		return "", err
	}
	_ = c.sock.SetReadDeadline(time.Now().Add(60 * time.Second))
	return c.reply()
}

// reply reads a status, an integer or a bulk string.
func (c *client) reply() (string, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch {
	case strings.HasPrefix(line, "-"):
		return "", fmt.Errorf("%w answered %s", errServer, line)
	case strings.HasPrefix(line, "$") && line != "$-1":
		n, err := strconv.Atoi(line[1:])
		if err != nil {
			return "", err
		}
		body := make([]byte, n+2)
		_, err = io.ReadFull(c.r, body)
		return string(body[:max(n, 0)]), err
	}
	return line[1:], nil
}

// fill sends n commands in pipelines and waits for all replies.
func (c *client) fill(n int, command func(i int) []string) error {
	const batch = 1000
	for done := 0; done < n; {
		size := min(batch, n-done)
		for i := range size {
			c.send(command(done + i)...)
		}
		if err := c.w.Flush(); err != nil {
			return err
		}
		_ = c.sock.SetReadDeadline(time.Now().Add(60 * time.Second))
		for range size {
			if _, err := c.reply(); err != nil {
				return err
			}
		}
		done += size
	}
	return nil
}

// usedMemory is INFO's used_memory, 0 where the server has none.
func (c *client) usedMemory() (int64, error) {
	info, err := c.do("INFO", "memory")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(info, "\r\n") {
		if value, ok := strings.CutPrefix(line, "used_memory:"); ok {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, nil
}

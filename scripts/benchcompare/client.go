package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// replyTimeout is how long a server may take for one batch of commands; FLUSHALL of millions of keys is the longest.
const replyTimeout = 120 * time.Second

// Batches of the filler. A small one leaves other connections their turn, so that a prober sees the server's own stops.
const (
	fillBatch  = 1000
	probeBatch = 50
)

// replyError is an error reply: the server works, but does not do this.
type replyError string

func (e replyError) Error() string { return "answered " + string(e) }

// refusal is the text of an error reply in err, "" where it is another error or none.
func refusal(err error) string {
	var e replyError
	if errors.As(err, &e) {
		return string(e)
	}
	return ""
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

// send writes to the buffer; bufio keeps an error for Flush.
func (c *client) send(args ...string) {
	b := append(c.w.AvailableBuffer(), '*')
	b = append(strconv.AppendInt(b, int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		b = strconv.AppendInt(append(b, '$'), int64(len(a)), 10)
		b = append(append(append(b, "\r\n"...), a...), "\r\n"...)
		_, _ = c.w.Write(b)
		b = c.w.AvailableBuffer()
	}
}

func (c *client) do(args ...string) (string, error) {
	c.send(args...)
	if err := c.w.Flush(); err != nil {
		return "", err
	}
	_ = c.sock.SetReadDeadline(time.Now().Add(replyTimeout))
	return c.reply()
}

// number does a command that answers an integer.
func (c *client) number(args ...string) (int, error) {
	text, err := c.do(args...)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// reply reads one reply: the text of a status, an integer or a bulk string; "" for an array, whose elements it skips.
func (c *client) reply() (string, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	if len(line) < 3 {
		return "", fmt.Errorf("%w: reply %q", errServer, line)
	}
	kind, text := line[0], string(line[1:len(line)-2])
	switch kind {
	case '-':
		return "", replyError(text)
	case '$', '*':
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return "", err
		}
		if kind == '$' {
			body := make([]byte, n+2)
			_, err = io.ReadFull(c.r, body)
			return string(body[:n]), err
		}
		for range n {
			if _, err := c.reply(); err != nil {
				return "", err
			}
		}
		return "", nil
	}
	return text, nil
}

// fill sends n commands, batch by batch, and waits for all replies. It ends at the first error.
func (c *client) fill(n, batch int, command func(i int) []string) error {
	for done := 0; done < n; {
		size := min(batch, n-done)
		for i := range size {
			c.send(command(done + i)...)
		}
		if err := c.w.Flush(); err != nil {
			return err
		}
		_ = c.sock.SetReadDeadline(time.Now().Add(replyTimeout))
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
	for line := range strings.SplitSeq(info, "\r\n") {
		if value, ok := strings.CutPrefix(line, "used_memory:"); ok {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, nil
}

// padded is a name of prefix and number, as redis-benchmark writes it: 12 digits.
func padded(prefix string, i int) string {
	b := make([]byte, 0, 32)
	b = append(append(b, prefix...), "000000000000"...)
	for at := len(b) - 1; i > 0; at-- {
		b[at] = byte('0' + i%10)
		i /= 10
	}
	return string(b)
}

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"datastore/cmd/datastore/internal/client"
	"datastore/server/resp"
)

// answerOnce accepts one connection, answers every command with reply, and
// returns what the client sent when it has gone.
func answerOnce(t *testing.T, reply string) (port string, requests <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan string, 1)
	go func() {
		defer l.Close()
		var got bytes.Buffer
		defer func() { sent <- got.String() }()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		chunk := make([]byte, 4096)
		for {
			n, err := c.Read(chunk)
			if err != nil {
				return
			}
			got.Write(chunk[:n])
			io.WriteString(c, reply)
		}
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), sent
}

func TestCLICommand(t *testing.T) {
	t.Setenv(passwordVariable, "secret")
	for _, c := range []struct {
		args   []string
		stdin  string
		reply  string
		sent   [][]string
		out    string
		failed bool
	}{
		{[]string{"get", "-h", "--raw"}, "", "$1\r\nv\r\n", [][]string{{"AUTH", "secret"}, {"get", "-h", "--raw"}}, "v\n", false},
		{[]string{"--no-raw", "-n", "2", "-a", "other", "get", "k"}, "", ":7\r\n",
			[][]string{{"AUTH", "other"}, {"SELECT", "2"}, {"get", "k"}}, "(integer) 7\n", false},
		{[]string{"--user", "u", "get", "k"}, "", "-ERR no\r\n", [][]string{{"AUTH", "u", "secret"}, {"get", "k"}}, "ERR no\n\n", true},
		{nil, "get 'a b'\n", "+x\r\n", [][]string{{"AUTH", "secret"}, {"get", "a b"}}, "x\n", false},
	} {
		port, requests := answerOnce(t, c.reply)
		cmd := newCLICommand()
		var out, errs bytes.Buffer
		cmd.SetIn(strings.NewReader(c.stdin))
		cmd.SetOut(&out)
		cmd.SetErr(&errs)
		cmd.SetArgs(append([]string{"-h", "127.0.0.1", "-p", port}, c.args...))
		err := cmd.Execute()
		if errors.Is(err, client.ErrFailed) != c.failed || err != nil && !c.failed || out.String() != c.out {
			t.Errorf("%q: error %v, out %q, stderr %q", c.args, err, out.String(), errs.String())
		}
		var want []byte
		for _, request := range c.sent {
			want = resp.AppendCommandStrings(want, request...)
		}
		if got := <-requests; got != string(want) {
			t.Errorf("%q: sent %q, want %q", c.args, got, want)
		}
	}
}

func TestCLIReportsFlagErrors(t *testing.T) {
	cmd := newCLICommand()
	var errs bytes.Buffer
	cmd.SetErr(&errs)
	cmd.SetArgs([]string{"--port", "x"})
	if err := cmd.Execute(); err == nil || !strings.Contains(errs.String(), "invalid argument") {
		t.Errorf("error %v, stderr %q", err, errs.String())
	}
}

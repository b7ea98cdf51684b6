package servertest

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ports matches what differs between the addresses of two clients.
var ports = regexp.MustCompile(`:\d+$`)

// slowEntries renders SLOWLOG GET without times and ports, which it checks.
func slowEntries(t *testing.T, c *Conn, least time.Duration) []string {
	t.Helper()
	var list []string
	for _, e := range c.Must("SLOWLOG", "GET", "-1").Elems {
		if age := time.Now().Unix() - e.Elems[1].Int; age < 0 || age > 60 {
			t.Errorf("%v: time is wrong", e)
		}
		if e.Elems[2].Int < least.Microseconds() || e.Elems[2].Int > 10_000_000 {
			t.Errorf("%v: duration is wrong", e)
		}
		list = append(list, fmt.Sprintf("%d %q %s %q", e.Elems[0].Int, e.Elems[3].Strings(), ports.ReplaceAllString(e.Elems[4].Str, ""), e.Elems[5].Str))
	}
	return list
}

// TestSlowLog runs the same commands on both servers, with a log that remembers everything.
func TestSlowLog(t *testing.T) {
	p := NewPair(t)
	long := strings.Repeat("x", 200)
	many := strings.Fields("DEL" + strings.Repeat(" k", 40))
	for _, proto := range []int{2, 3} {
		var got [2][]string
		for i, s := range []*Server{p.Ours, p.Theirs} {
			c := s.Dial()
			c.Must("CONFIG", "SET", "slowlog-log-slower-than", "-1")
			if proto == 3 {
				c.Resp3()
			}
			c.Must("SLOWLOG", "RESET")
			c.Must("CONFIG", "SET", "slowlog-log-slower-than", "0")
			for _, args := range [][]string{
				{"CLIENT", "SETNAME", "who"}, {"set", "k", long}, many, {"GET", "k"}, many[:32], {"LPUSH", "l", "a"}, {"GET", "l"},
				{"GET"}, {"NOSUCH"}, {"INCR", "l"}, {"MULTI"}, {"SET", "a", "1"}, {"GET", "a"}, {"EXEC"}, {"SLOWLOG", "LEN"},
				{"WATCH", "a"}, {"MULTI"}, {"DISCARD"}, {"SELECT", "3"}, {"SELECT", "0"}, {"DEBUG", "SLEEP", "0"}, {"PING"}, {"ECHO", "a\x00\r\n\xff"},
				{"AUTH", "secret"}, {"AUTH", "me", "secret"}, {"HELLO", strconv.Itoa(proto), "AUTH", "default", "secret", "SETNAME", "x"},
				{"CONFIG", "SET", "masterauth", "secret", "maxmemory", "0", "requirepass", ""},
				{"CONFIG", "SET", "nosuch", "visible"}, {"CONFIG", "GET", "maxmemory"}, {"INFO", "server"}, {"WAIT", "0", "1"}, {"WAIT", "5", "30"},
				{"APPEND", "a", long + long}, {"EXPIRE", "a", "100"}, {"INCRBYFLOAT", "f", "1.5"}, {"SPOP", "none"}, {"COMMAND", "COUNT"},
				{"SLOWLOG", "GET", "0"}, {"SLOWLOG", "GET", "x"}, {"SLOWLOG", "GET", "-2"}, {"SLOWLOG", "GET", "1", "2"}, {"SLOWLOG", "NOSUCH"},
				{"SLOWLOG", "GET", "99999999999999999999"}, {"SLOWLOG", "LEN", "1"}, {"SLOWLOG", "RESET", "1"}, {"SLOWLOG"},
			} {
				r := c.Do(args...)
				got[i] = append(got[i], fmt.Sprintf("%v", args)+" → "+r.String())
				if len(args) > 1 && args[1] == "GET" || args[0] == "INFO" || args[0] == "HELLO" || args[0] == "COMMAND" {
					got[i][len(got[i])-1] = fmt.Sprintf("%v → %v", args, r.IsError())
				}
				if r.IsError() {
					got[i][len(got[i])-1] = fmt.Sprintf("%v → %v", args, r)
				}
			}
			list := slowEntries(t, c, 0)
			for j := range list { // ids go on after RESET: those of the first protocol differ by what came before
				_, list[j], _ = strings.Cut(list[j], " ")
			}
			got[i] = append(got[i], list...)
			for _, line := range list {
				if strings.Contains(line, "secret") {
					t.Errorf("%s shows a password: %s", s.Program, line)
				}
			}
		}
		sameLines(t, got)
	}
}

// TestSlowLogHidesPasswords also of commands that fail, which Redis shows.
func TestSlowLogHidesPasswords(t *testing.T) {
	s := Start(t, "--slowlog-log-slower-than", "0")
	for _, command := range []string{"AUTH secret x secret", "HELLO x AUTH me secret", "HELLO 3 SETNAME n AUTH me secret x", "hello 3 auth me secret",
		"HELLO 3 AUTH auth secret SETNAME n", "CONFIG SET requirepass secret maxmemory x", "config set MASTERAUTH secret masterauth secret"} {
		s.Do(strings.Fields(command)...)
	}
	if n := len(s.Must("SLOWLOG", "GET", "-1").Elems); n < 7 {
		t.Errorf("%d entries", n)
	}
	for _, line := range slowEntries(t, s.Dial(), 0) {
		if strings.Contains(line, "secret") {
			t.Error(line)
		}
	}
}

// sameLines compares what two servers did, line by line.
func sameLines(t *testing.T, got [2][]string) {
	t.Helper()
	for i := range max(len(got[0]), len(got[1])) {
		var ours, want string
		if i < len(got[0]) {
			ours = got[0][i]
		}
		if i < len(got[1]) {
			want = got[1][i]
		}
		if ours != want {
			t.Errorf("line %d\nours %s\nwant %s", i, ours, want)
		}
	}
}

// TestSlowLogLimits changes both directives while the log is filled.
func TestSlowLogLimits(t *testing.T) {
	p := NewPair(t)
	var got [2][]string
	for i, s := range []*Server{p.Ours, p.Theirs} {
		c := s.Dial()
		note := func(what string) {
			got[i] = append(got[i], what)
			got[i] = append(got[i], slowEntries(t, c, 0)...)
		}
		c.Must("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "3")
		for k := range 5 {
			c.Do("GET", fmt.Sprint(k))
		}
		note("three of five")
		c.Must("CONFIG", "SET", "slowlog-max-len", "10")
		for k := range 20 {
			c.Do("GET", fmt.Sprint(k))
		}
		note("ten of twenty")
		c.Must("CONFIG", "SET", "slowlog-max-len", "2", "slowlog-log-slower-than", "-1")
		note("off, shorter")
		c.Must("CONFIG", "SET", "slowlog-log-slower-than", "0")
		note("on, shorter")
		c.Must("SLOWLOG", "RESET")
		note("reset")
		c.Must("CONFIG", "SET", "slowlog-max-len", "0")
		c.Do("GET", "x")
		note("no room")
		c.Must("CONFIG", "SET", "slowlog-max-len", "128", "slowlog-log-slower-than", "20000")
		c.Must("SLOWLOG", "RESET")
		c.Pipeline([]string{"GET", "before"}, []string{"DEBUG", "SLEEP", "0.001"}, []string{"DEBUG", "SLEEP", "0.03"}, []string{"GET", "after"},
			[]string{"MULTI"}, []string{"DEBUG", "SLEEP", "0.04"}, []string{"EXEC"})
		got[i] = append(got[i], "longer than 20 ms")
		got[i] = append(got[i], slowEntries(t, c, 20*time.Millisecond)...)
		for _, n := range []string{"0", "1", "2", "3"} {
			got[i] = append(got[i], fmt.Sprint(len(c.Must("SLOWLOG", "GET", n).Elems)))
		}
		c.Must("CONFIG", "RESETSTAT")
		got[i] = append(got[i], c.Must("SLOWLOG", "LEN").String())
		c.Must("CONFIG", "SET", "slowlog-log-slower-than", "9223372036854775807")
		c.Must("PING")
		got[i] = append(got[i], c.Must("SLOWLOG", "LEN").String())
		for _, pair := range [][2]string{{"slowlog-log-slower-than", "-2"}, {"slowlog-max-len", "-1"}, {"slowlog-max-len", "x"}} {
			got[i] = append(got[i], c.Do("CONFIG", "SET", pair[0], pair[1]).String())
		}
		for k := range 30 { // ten are shown unless it is told otherwise
			c.Must("CONFIG", "SET", "slowlog-log-slower-than", "0")
			c.Do("GET", fmt.Sprint(k))
		}
		got[i] = append(got[i], fmt.Sprint(len(c.Must("SLOWLOG", "GET").Elems)))
	}
	sameLines(t, got)
}

// TestSlowLogOfReplicas: what a replica runs for its primary is in its log, under the primary's address; what the append only
// file brings is in none.
func TestSlowLogOfReplicas(t *testing.T) {
	primary := Start(t, "--appendonly", "yes")
	replica := Start(t, "--slowlog-log-slower-than", "0", "--replicaof", "127.0.0.1 "+strconv.Itoa(primary.Port))
	replica.Eventually("link is up", 20*time.Second, func() bool { return replica.Info("master_link_status") == "up" })
	primary.Must("SET", "k", "v")
	want := fmt.Sprintf("%q %s", []string{"SET", "k", "v"}, primary.Addr)
	replica.Eventually("the replica shows what it has applied", 10*time.Second, func() bool {
		for _, e := range replica.Must("SLOWLOG", "GET", "-1").Elems {
			if fmt.Sprintf("%q %s", e.Elems[3].Strings(), e.Elems[4].Str) == want {
				return true
			}
		}
		return false
	})
	primary.Restart("--appendonly", "yes", "--slowlog-log-slower-than", "0")
	for _, line := range slowEntries(t, primary.Dial(), 0) {
		if strings.Contains(line, "SET") {
			t.Errorf("the load is in the log: %s", line)
		}
	}
}

// TestSlowLogOfUnixSockets compares the addresses that are shown for them.
func TestSlowLogOfUnixSockets(t *testing.T) {
	for _, start := range []func(testing.TB, ...string) *Server{Start, StartRedis} {
		path := filepath.Join(t.TempDir(), "s")
		s := start(t, "--slowlog-log-slower-than", "0", "--unixsocket", path)
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write(Encode("PING")); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		e := s.Must("SLOWLOG", "GET", "1").Elems[0]
		if got := e.Elems[4].Str; got != path+":0" || e.Elems[3].String() != `["PING"]` {
			t.Errorf("%s: %v", s.Program, e)
		}
	}
}

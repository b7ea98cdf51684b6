package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// differences are the directives whose default is not that of Redis 7.0, or
// that Redis 7.0 does not have, with the reason.
var differences = map[string]string{
	"aof-load-corrupt-tail-max-size": "of a later version",
	"bind":                           "only loopback by default: an unprotected server is not for the network",
	"client-output-buffer-limit":     "normal clients have a finite default",
	"compaction":                     "our own: moving records out of sparse memory",
	"event-loop":                     "our own: what moves the bytes of connections",
	"log-format":                     "our own: JSON log",
	"prefetch":                       "our own: to measure what touching keys ahead is worth",
}

func TestNamesAndDefaultsAreThoseOfRedis(t *testing.T) {
	port := freePort(t)
	redis := startReal(t, port, "--port", port)
	reply := redis.do("CONFIG", "GET", "*")
	want := make(map[string]string)
	for i := 0; i < len(reply); i += 2 {
		want[reply[i]] = reply[i+1]
	}
	delete(want, "port")
	delete(want, "dir")
	names, values := New().Get([]string{"*"})
	for i, name := range names {
		value, ok := want[name]
		if name == "port" || name == "dir" {
			continue
		}
		delete(want, name)
		if ok && value == values[i] {
			continue
		}
		if differences[name] == "" {
			t.Errorf("%s: default %q, Redis has %q (known there: %v)", name, values[i], value, ok)
		}
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

// Every directive set to the value it has: the reply shows whether it is
// immutable or protected.
func TestFlagsAreThoseOfRedis(t *testing.T) {
	port := freePort(t)
	redis := startReal(t, port, "--port", port, "--save", "")
	c := New()
	names, _ := c.Get([]string{"*"})
	for _, name := range append(names, "rdb-key-save-delay", "key-load-delay", "watchdog-period", "use-exit-on-panic",
		"include", "loadmodule", "user", "rename-command", "list-max-ziplist-entries", "nope") {
		if strings.HasPrefix(differences[name], "our own") || name == "aof-load-corrupt-tail-max-size" {
			continue
		}
		value := redis.get(name)
		want := redis.do("CONFIG", "SET", name, value)[0]
		c.text[c.byName[name]] = value
		if got := setReply(c, Local, name, value); got != want {
			t.Errorf("%s %q: %q, Redis %q", name, value, got, want)
		}
	}
}

func TestSetRepliesAreThoseOfRedis(t *testing.T) {
	port := freePort(t)
	redis := startReal(t, port, "--port", port, "--save", "", "--enable-protected-configs", "yes",
		"--bind", "127.0.0.1 -::1", "--client-output-buffer-limit", "normal 1gb 0 0")
	c, err := Load([]string{"--enable-protected-configs", "yes", "--save", ""}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range setCases() {
		for _, value := range set.values {
			want := redis.do("CONFIG", "SET", set.name, value)[0]
			if got := setReply(c, Remote, set.name, value); got != want {
				t.Errorf("CONFIG SET %s %q: %q, Redis %q", set.name, value, got, want)
			}
			want = redis.get(set.name)
			if got := get(c, set.name); got != want {
				t.Errorf("CONFIG GET %s after %q: %q, Redis %q", set.name, value, got, want)
			}
		}
	}
	for _, args := range [][]string{
		{"hz", "7", "maxmemory", "abc"}, {"hz", "7", "bogus", "abc"}, {"hz", "7", "databases", "5"},
		{"abc", "1", "databases", "5"}, {"DATABASES", "5", "abc", "1"}, {"hz", "7", "HZ", "5"},
		{"replica-priority", "7", "slave-priority", "5"}, {"hz", "abc", "Bogus", "1"}, {"HZ", "abc"},
		{"Slave-Priority", "x"}, {"hz", "9", "hz", "x", "dir", "/nope"}, {"include", "x"}, {"rename-command", "x"},
		{"maxmemory-policy", "allkeys-lru", "maxmemory-samples", "0"},
	} {
		want := redis.do(append([]string{"CONFIG", "SET"}, args...)...)[0]
		if got := setReply(c, Remote, args...); got != want {
			t.Errorf("CONFIG SET %q: %q, Redis %q", args, got, want)
		}
	}
	for _, name := range []string{"hz", "slave-priority", "replica-priority", "maxmemory-policy", "maxmemory"} {
		if got, want := get(c, name), redis.get(name); got != want {
			t.Errorf("%s: %q, Redis %q", name, got, want)
		}
	}
}

type setCase struct {
	name   string
	values []string
}

// setCases are values of each kind. Redis applies some at once and may fail at
// that (bind, port, maxclients beyond the limit on files); those are not here.
func setCases() []setCase {
	sizes := []string{"1gb", "1GB", "1g", "1k", "1kB", "1b", "1B", "1.5gb", "1%", "", "+5", " 5", "5 ", "kb", "-1",
		"99999999999999999999", "18446744073709551615", "9223372036854775808", "0x10", "1m b", "-0", "007", "1024"}
	numbers := []string{"+5", " 5", "5 ", "0x10", "005", "0", "-1", "-2", "501", "7", "-0", "", "x", "1kb", "5000000000",
		"99999999999999999999", "1.5"}
	return []setCase{
		{"maxmemory", sizes}, {"proto-max-bulk-len", sizes}, {"client-query-buffer-limit", sizes},
		{"hash-max-listpack-value", sizes}, {"cluster-link-sendbuf-limit", sizes}, {"active-defrag-ignore-bytes", sizes},
		{"maxmemory-clients", []string{"1gb", "", "kb", "-1", "x", "5%", "05%", "0%", "%", "5 %", "100%", "101%", "-5%"}},
		{"repl-backlog-size", []string{"0", "1", "20000", "9223372036854775808", "1mb"}},
		{"hz", numbers}, {"timeout", numbers}, {"lua-time-limit", numbers}, {"slowlog-log-slower-than", numbers},
		{"list-max-ziplist-size", numbers}, {"rdb-key-save-delay", []string{"5", "x", "0"}},
		{"appendfsync", []string{"Always", "x", "", " no", "no always", "everysec"}},
		{"rdbcompression", []string{"YES", "No", "1", "", "yes "}},
		{"loglevel", []string{"DEBUG", "", "notice debug", "notice"}},
		{"maxmemory-policy", []string{"lru", "ALLKEYS-LRU", "noeviction"}},
		{"shutdown-on-sigterm", []string{"now force", "force now", "NOW", "save save", "", "default now", "save nosave",
			"now  force", "x", "default"}},
		{"save", []string{"", "1 1", "1 1 2 2", "1  1", "1 1 ", " 1 1", "a", "1 1 1", "0 1", "1 0", "-1 1", "1 -1",
			`"1 1"`, "99999999999 1", "1 1 1 1", "100 5"}},
		{"client-output-buffer-limit", []string{"replica 1mb 1kb 5", "slave 1 2 3", "normal 1 1 1 pubsub 2mb 2 2",
			"NORMAL 0 0 0", "master 1 1 1", "normal 1 1 -1", "normal -1 1 1", "normal x 1 1", "normal 1 1 x", "normal 1 1",
			"", "normal 1.5 1 1", "normal 1  1 1"}},
		{"oom-score-adj-values", []string{"1 2", "1 2 3", "3 2 1", "1 2 a", "-2001 1 1", "1 2 2001", "0 200 800", ""}},
		{"notify-keyspace-events", []string{"KEA", "AKE", "Kg", "K", "Ex", "Q", "", "nKEA", "A", "Kdm", "KEAmn",
			"g$lshzxetd", "KEg$lshzxetd"}},
		{"latency-tracking-info-percentiles", []string{"", "50", "50.5 99.999", "50 100", "abc", "100.1", "-1", "50 50",
			"1e1", " 50", "50  99", "nan", "0.1", "99.99999999"}},
		{"proc-title-template", []string{"{title}", "{x}", "", "{title", "title}", "{port}", "{listen-addr} {{",
			"{title} {listen-addr} {server-mode} {port} {tls-port} {unixsocket} {config-file}"}},
		{"cluster-announce-hostname", []string{"a_b", "a.b-c", "", strings.Repeat("x", 256), strings.Repeat("x", 255)}},
		{"dir", []string{"/", "/nope", "", "/etc/passwd", "/usr/../etc"}},
		{"dbfilename", []string{"", "a/b", "x.rdb"}}, {"masterauth", []string{"a b", `"x"`, "a\tb\x01", ""}},
		{"acl-pubsub-default", []string{"x", "allchannels"}}, {"syslog-ident", []string{"x"}}, {"databases", []string{"4"}},
	}
}

func TestGetIsThatOfRedis(t *testing.T) {
	port := freePort(t)
	redis := startReal(t, port, "--port", port, "--save", "")
	c, err := Load([]string{"--port", port, "--save", ""}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, patterns := range [][]string{
		{"port"}, {"PORT", "port"}, {"port", "PORT"}, {"nope"}, {"h[z]", "HZ", "hz*"}, {"*slave*"}, {"*ziplist*", "hash-*"},
		{"rdb-key*"}, {"rdb-key-save-delay"}, {"include"}, {"loadmodule"}, {"user"}, {"*AOF*"}, {"[^a-y]*"}, {"[z-a]set*"},
		{`po\rt`}, {`*po\rt`}, {"maxmemory?policy"}, {"**hz**"}, {"[h"}, {"h[z"}, {""}, {"list-max-ziplist-entries"},
	} {
		names, values := c.Get(patterns)
		var got []string
		for i := range names {
			got = append(got, names[i]+" "+values[i])
		}
		var want []string
		reply := redis.do(append([]string{"CONFIG", "GET"}, patterns...)...)
		for i := 0; i+1 < len(reply); i += 2 {
			want = append(want, reply[i]+" "+reply[i+1])
		}
		got = slices.DeleteFunc(got, func(line string) bool { return strings.HasPrefix(line, "aof-load-corrupt-tail-max-size ") })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("CONFIG GET %q:\n%q\nRedis:\n%q", patterns, got, want)
		}
	}
}

func TestFileErrorsAreThoseOfRedis(t *testing.T) {
	realServer(t)
	for _, content := range strings.Split(strings.TrimSpace(badFiles), "\n---\n") {
		_, file := inDir(t, content)
		want := runReal(t, file, "--port", "0", "--logfile", "/dev/null")
		checkBlock(t, content, want, []string{file, "--port", "0"})
	}
}

// checkBlock compares the block of Load with what the real server wrote.
func checkBlock(t *testing.T, what, want string, args []string) {
	t.Helper()
	_, err := Load(args, strings.NewReader(""))
	got := ""
	if parse, ok := err.(*ParseError); ok {
		block := parse.Block("7.0.15")
		last := strings.LastIndex(strings.TrimSuffix(block, "\n"), "\n")
		got = block[:last+1]
	} else if err != nil {
		t.Fatalf("%q: %v is no ParseError", what, err)
	}
	if got != want {
		t.Errorf("%q:\n%s\nRedis:\n%s", what, got, want)
	}
}

const badFiles = `foo bar
---
port
---
port 1 2
---
# c

  save 1
---
port abc
---
port 1.5
---
port ""
---
"port" "0"
---
PORT 0
---
maxmemory 1x
---
maxmemory -1
---
maxmemory-clients 101%
---
appendfsync foo
---
requirepass "abc
---
requirepass 'a'b
---
requirepass "a"b"
---
requirepass a"b"
---
requirepass ab'c d'
---
client-output-buffer-limit foo 1 1 1
---
client-output-buffer-limit normal 1 1
---
client-output-buffer-limit
---
include
---
loadmodule
---
rename-command a
---
user
---
replicaof a
---
replicaof a b
---
replicaof a 70000
---
replicaof a 0
---
replicaof a -1
---
replicaof no one
---
replicaof
---
replicaof ""
---
replicaof "a 1"
---
slaveof a 1 2
---
dir /nope
---
dir /etc/passwd
---
unixsocketperm 999
---
unixsocketperm 1777
---
unixsocketperm -1
---
unixsocketperm ""
---
unixsocketperm 0700
---
oom-score-adj-values 1 2
---
oom-score-adj-values a 2 3
---
save
---
save a b
---
save 0 1
---
save 1 1 2
---
save 1 -1
---
save ""
---
bind
---
bind ""
---
bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
---
notify-keyspace-events Q
---
dbfilename a/b
---
appendfilename a/b
---
appenddirname a/b
---
appendfilename ""
---
appenddirname ""
---
list-max-ziplist-entries 1
---
list-max-ziplist-entries
---
loglevel debug verbose
---
shutdown-on-sigterm save nosave
---
shutdown-on-sigterm
---
shutdown-on-sigint foo
---
latency-tracking-info-percentiles 101
---
latency-tracking-info-percentiles
---
latency-tracking-info-percentiles "50 x"
---
hz 10000000000
---
cluster-announce-hostname a_b
---
databases 0
---
maxclients 0
---
tcp-backlog 1 \
---
x.y
---
""
---
enable-module-command maybe
---
port 0 # comment
---
syslog-facility foo`

func TestCommandLineErrorsAreThoseOfRedis(t *testing.T) {
	realServer(t)
	_, file := inDir(t, "port 0\nhz 7\nsave 5 5\n")
	_, unterminated := inDir(t, "port 0\nhz 7")
	for _, args := range [][]string{
		{"--port", "0", "--maxmemory"}, {"--port", "0", "--maxmemory", "--hz", "5"}, {"--port", "0", "foo"},
		{"--port", "0", "--foo", "bar"}, {"--port", "0", "--hz", "5", "6"}, {"--port", "0", "-hz", "5"}, {"-x"},
		{"--port", "0", "--shutdown-on-sigterm", ""}, {"--port", "0", "--", "--dir", "/"}, {file, "foo"}, {file, "z.conf"},
		{file, "--hz"}, {file, "-", "--hz", "5"}, {"--port", "0", file}, {unterminated, "--hz", "x"},
		{"--port", "0", "--hz x"}, {"--port", "0", "--masterauth \"a", "x"}, {"--port", "0", "--loglevel", "debug", "verbose"},
		{"--port", "0", "--replicaof", "a", "b"}, {"--port", "0", "--save", "--hz", "x"},
	} {
		want := runReal(t, append(slices.Clone(args), "--logfile", "/dev/null")...)
		checkBlock(t, strings.Join(args, " "), want, append(slices.Clone(args), "--logfile", "/dev/null"))
	}
}

func TestCommandLineIsThatOfRedis(t *testing.T) {
	_, file := inDir(t, "hz 7\nsave 5 5\n")
	for _, args := range [][]string{
		{"--save", ""}, {"--save", "100", "100"}, {"--save", "1 1 2 2"}, {"--save", "1", "1", "--save", "2", "2"}, {"--save"},
		{"--save", "--appendonly", "yes"}, {"--maxmemory 700mb"}, {"--maxmemory", ""}, {"--shutdown-on-sigterm", "now", "force"},
		{"--shutdown-on-sigterm", "now force"}, {"--masterauth", "--port"}, {"--masterauth", ` a"b`}, {"--masterauth", `a\nb`},
		{"--masterauth", "x\nhz 7"}, {"--maxmemory", "1", "--maxmemory", "2"}, {"--replicaof", "127.0.0.1 1"},
		{"--replicaof", "127.0.0.1", "1"}, {"--slaveof no one"}, {"--hz \"8\""},
		{file}, {file, "--save", "1", "1"}, {file, "--save", ""}, {file, "hz", "5"}, {file, "--save"},
	} {
		port := freePort(t)
		args = append(args, "--port", port)
		redis := startReal(t, port, args...)
		c, err := Load(args, nil)
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		for _, name := range []string{"save", "appendonly", "maxmemory", "shutdown-on-sigterm", "masterauth", "hz", "replicaof"} {
			if got, want := get(c, name), redis.get(name); got != want {
				t.Errorf("%q: %s %q, Redis %q", args, name, got, want)
			}
		}
	}
}

// What we rewrite, the real server reads as the values we have.
func TestRedisReadsWhatWeRewrite(t *testing.T) {
	port := freePort(t)
	_, file := inDir(t, sampleFile)
	c, err := Load([]string{file, "--port", port}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"hz", "12"}, {"masterauth", "a \"b\n\x01é"}, {"save", "5 5 6 6"}, {"maxmemory", "3gb"},
		{"client-output-buffer-limit", "pubsub 1 1 1"}, {"maxmemory-clients", "7%"}, {"notify-keyspace-events", "KEx"},
		{"latency-tracking-info-percentiles", ""}} {
		if got := setReply(c, Local, pair[0], pair[1]); got != "OK" {
			t.Fatal(pair, got)
		}
	}
	if err := c.Rewrite(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(string(content), "log-format json\n", "")
	if err := os.WriteFile(file, []byte(plain), 0o644); err != nil {
		t.Fatal(err)
	}
	redis := startReal(t, port, file)
	names, values := c.Get([]string{"*"})
	for i, name := range names {
		if got := redis.get(name); got != values[i] && differences[name] == "" {
			t.Errorf("%s: Redis reads %q, we have %q", name, got, values[i])
		}
	}
}

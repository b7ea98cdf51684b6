package servertest

import (
	"bufio"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestScripts(t *testing.T) {
	Compare(t, "testdata/diff/*.txt")
}

func TestScriptsHoldForTheOracle(t *testing.T) {
	redis := RedisPath(t)
	NewPairOf(t, redis, redis).RunAll(t, "testdata/diff/*.txt")
}

func TestServerLifecycle(t *testing.T) {
	s := StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	s.Must("SET", "k", "v")
	if pid := s.Info("process_id"); pid == "" {
		t.Error("INFO has no process_id")
	}
	s.Kill()
	s.Restart()
	if got := s.Must("GET", "k").Str; got != "v" {
		t.Errorf("after kill and restart k is %q", got)
	}
	if code := s.Terminate(); code != 0 {
		t.Errorf("orderly shutdown ended with code %d", code)
	}
	if !strings.Contains(s.Log(), "bye bye") {
		t.Errorf("log was not captured: %s", s.Log())
	}
}

func TestSurvive(t *testing.T) {
	s := StartRedis(t, "--appendonly", "yes", "--enable-debug-command", "yes")
	s.Must("RPUSH", "l", "a", "b")
	s.MustSurviveReload()
	s.MustSurviveLoadAOF()
	s.MustSurviveRestart()
	if n := s.Must("LLEN", "l").Int; n != 2 {
		t.Errorf("%d elements", n)
	}
}

func TestPairRevivesOurs(t *testing.T) {
	redis := RedisPath(t)
	p := NewPairOf(t, redis, redis)
	p.Ours.Kill()
	if !p.Ours.Ended(0) {
		t.Error("killed, but not ended")
	}
	p.Ours.Restart()
	p.Run(t, "testdata/diff/strings.txt")
}

func TestServerThatFails(t *testing.T) {
	s := StartWith(t, Options{Program: RedisPath(t), Directives: []string{"--nonsense", "1"}, NoWait: true})
	if code := s.WaitExit(stopTimeout); code != 1 {
		t.Errorf("code %d, want 1", code)
	}
	if err := s.WaitReady(stopTimeout); !errors.Is(err, ErrNotReady) {
		t.Errorf("WaitReady of an ended server: %v", err)
	}
}

func TestConnPushes(t *testing.T) {
	s := StartRedis(t)
	c := s.Dial()
	c.Resp3()
	c.Must("CLIENT", "TRACKING", "on")
	c.Must("SET", "k", "1")
	c.Must("GET", "k")
	s.Must("SET", "k", "2")
	if got := c.Must("GET", "k").Str; got != "2" {
		t.Errorf("the push took the place of the reply: %q", got)
	}
	if len(c.Pushes) != 1 || c.Pushes[0].Elems[0].Str != "invalidate" {
		t.Errorf("pushes %v", c.Pushes)
	}
}

func TestReadReply(t *testing.T) {
	for raw, want := range map[string]string{
		"+OK\r\n":                                "OK",
		"-ERR x\r\n":                             "(error) ERR x",
		":-7\r\n":                                "(integer) -7",
		"$-1\r\n":                                "(nil)",
		"_\r\n":                                  "(nil)",
		"*-1\r\n":                                "(nil)",
		"$4\r\na\r\nb\r\n":                       `"a\r\nb"`,
		"*2\r\n:1\r\n*1\r\n$0\r\n\r\n":           `[(integer) 1 [""]]`,
		"%1\r\n+k\r\n,1.5\r\n":                   "%[k (double) 1.5]",
		"~1\r\n#t\r\n":                           "~[(boolean) t]",
		"=7\r\ntxt:abc\r\n":                      `"abc"`,
		"|1\r\n+a\r\n:1\r\n+OK\r\n":              "OK",
		">2\r\n+m\r\n(123456789012345678901\r\n": ">[m (big number) 123456789012345678901]",
	} {
		reply, err := readReply(bufio.NewReader(strings.NewReader(raw)))
		if err != nil || reply.String() != want || string(reply.Raw) != raw {
			t.Errorf("%q: got %s (raw %q), %v; want %s", raw, reply, reply.Raw, err, want)
		}
	}
	for _, raw := range []string{"\r\n", "?x\r\n", ":x\r\n", "$5\r\nab\r\n", "$2\r\nabcd", "*x\r\n", "#y\r\n", "+a\n", "$-2\r\n"} {
		if _, err := readReply(bufio.NewReader(strings.NewReader(raw))); err == nil {
			t.Errorf("%q was accepted", raw)
		}
	}
}

func TestEqualReplies(t *testing.T) {
	for _, tc := range []struct {
		name         string
		st           step
		ours, theirs string
		want         bool
	}{
		{"exact", step{}, "+a\r\n", "+b\r\n", false},
		{"exact type", step{}, "+a\r\n", "$1\r\na\r\n", false},
		{"ignored", step{mode: ignored}, "+a\r\n", ":1\r\n", true},
		{"unordered", step{mode: unordered}, "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n", true},
		{"unordered counts", step{mode: unordered}, "*2\r\n:1\r\n:1\r\n", "*2\r\n:2\r\n:1\r\n", false},
		{"unordered nested", step{mode: unordered}, "*1\r\n*2\r\n:1\r\n:2\r\n", "*1\r\n*2\r\n:2\r\n:1\r\n", true},
		{"map entries", step{mode: unordered}, "%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "%2\r\n:1\r\n:4\r\n:3\r\n:2\r\n", false},
		{"pairs", step{mode: pairs}, "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "*4\r\n:3\r\n:4\r\n:1\r\n:2\r\n", true},
		{"pairs torn", step{mode: pairs}, "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "*4\r\n:3\r\n:2\r\n:1\r\n:4\r\n", false},
		{"kind", step{mode: kind}, ":1\r\n", ":2\r\n", true},
		{"kind null", step{mode: kind}, "$-1\r\n", "$0\r\n\r\n", false},
		{"shape", step{mode: shape}, "*1\r\n+a\r\n", "*1\r\n+b\r\n", true},
		{"shape count", step{mode: shape}, "*1\r\n+a\r\n", "*2\r\n+b\r\n+c\r\n", false},
		{"error", step{mode: errorCode}, "-ERR a\r\n", "-ERR b\r\n", true},
		{"error code", step{mode: errorCode}, "-ERR a\r\n", "-WRONGTYPE a\r\n", false},
		{"error missing", step{mode: errorCode}, "+OK\r\n", "-ERR b\r\n", false},
		{"approx", step{mode: approx, tolerance: 2}, ":10\r\n", ":8\r\n", true},
		{"approx far", step{mode: approx, tolerance: 2}, ":11\r\n", ":8\r\n", false},
	} {
		if got := equalReplies(tc.st, decode(t, tc.ours), decode(t, tc.theirs)); got != tc.want {
			t.Errorf("%s: %q and %q: equal is %v", tc.name, tc.ours, tc.theirs, got)
		}
	}
}

func decode(t *testing.T, raw string) Reply {
	t.Helper()
	reply, err := readReply(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestSplitArgs(t *testing.T) {
	for line, want := range map[string][]string{
		`SET  k v `:               {"SET", "k", "v"},
		`"a b" 'c d'`:             {"a b", "c d"},
		`"\x00\n\"\\" ''`:         {"\x00\n\"\\", ""},
		`'it\'s' "it's" a\n`:      {"it's", "it's", `a\n`},
		`"\xzz" "\x4" "tab\tend"`: {"xzz", "x4", "tab\tend"},
	} {
		got, err := SplitArgs(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`"open`, `'open`, `"a"b`, `'a'b`} {
		if _, err := SplitArgs(line); !errors.Is(err, ErrQuoting) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestParseScript(t *testing.T) {
	s, err := parseScript("#resp3\n# comment\n\n#unordered\nA 1\n#approx=5 #resp2 B\n#repeat 3 C {i}\n#read 2\n#raw \"x\\r\\n\"\nD")
	if err != nil {
		t.Fatal(err)
	}
	if s.onlyProto != 3 || len(s.steps) != 6 {
		t.Fatalf("%+v", s)
	}
	if a := s.steps[0]; a.mode != unordered || a.line != 5 || !slices.Equal(a.args, []string{"A", "1"}) {
		t.Errorf("a directive alone does not hold for the next command: %+v", a)
	}
	if b := s.steps[1]; b.mode != approx || b.tolerance != 5 || b.onlyProto != 2 {
		t.Errorf("two directives on one line: %+v", b)
	}
	if d := s.steps[5]; d.mode != exact || d.onlyProto != 0 || d.count != 0 {
		t.Errorf("directives leak into the next command: %+v", d)
	}
	for _, text := range []string{"#nonsense A", "#repeat x A", "#conn", "#sleep x", "#read x", "A \"", "#approx=x A"} {
		if _, err := parseScript(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

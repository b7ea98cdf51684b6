package server_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"datastore/server/servertest"
)

// matrixModules are the modules that run together: folders by name, those with a native type marked.
var matrixModules = map[string]struct {
	folder string
	typed  bool
}{
	"helloworld": {"plugins/helloworld", false}, "helloblock": {"plugins/helloblock", false}, "ratelimit": {"plugins/ratelimit", false},
	"hellotype": {"plugins/hellotype", true}, "bloom": {"plugins/bloom", true},
	"aggregates": {"server/testdata/modules/aggregates", false}, "blocker": {"server/testdata/modules/blocker", false},
	"calls": {"server/testdata/modules/calls", false}, "faulty": {"server/testdata/modules/faulty", false},
	"typed": {"server/testdata/modules/typed", true},
}

// TestModuleMatrix loads every module of this tree into one daemon and runs every command of each of them in RESP2 and in RESP3.
// What they have written must be the same after kill -9 and a restart from the append only file, on replicas, and in RDB files,
// with the modules and without, as far as the commands are replicated by effects or the values are kept as they are; and modules
// can be unloaded and loaded again. testdata/matrix has the commands with their replies.
//
// Rules: INIT-10, TYP-6, TYP-7, DIG-1.
func TestModuleMatrix(t *testing.T) {
	m := newMatrix(t)
	with := fmt.Sprint("127.0.0.1 ", m.s.Port)
	follower := servertest.Start(t, append(m.load, "--replicaof", with, "--enable-debug-command", "yes")...)
	plain := servertest.Start(t, "--replicaof", with, "--enable-debug-command", "yes")
	for _, r := range []*servertest.Server{follower, plain} {
		r.Eventually("the link is up", 20*time.Second, func() bool { return r.Info("master_link_status") == "up" })
	}

	effects := readMatrix(t, "effects")
	m.run(effects)
	m.caughtUp(2)
	m.same("a replica with modules", follower, true)
	m.same("a replica without modules", plain, false)
	plain.Must("REPLICAOF", "NO", "ONE")

	aof := []string{"--appendonly", "yes", "--enable-debug-command", "yes", "--enable-module-command", "local"}
	m.restart("kill -9 and the append only file, without modules", false, aof...)
	m.restart("the same with modules", true, append(aof, m.load...)...)

	verbatim := readMatrix(t, "verbatim")
	m.run(verbatim)
	m.everyCommand(append(effects, verbatim...))
	m.caughtUp(1)
	m.same("a replica with modules", follower, true)
	plain.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(m.s.Port))
	m.caughtUp(2)
	m.same("a full synchronization without modules", plain, false)
	refuses := servertest.StartWith(t, servertest.Options{Dir: copyDir(t, m.s.Dir), Directives: aof, NoWait: true})
	if code := refuses.WaitExit(20 * time.Second); code != 1 || !strings.Contains(refuses.Log(), "Unknown command") {
		t.Errorf("without the modules it ends with code %d\n%s", code, refuses.Log())
	}
	m.restart("kill -9 and the append only file, with everything", true, append(aof, m.load...)...)

	m.caughtUp(2) // their links are up again, and do not disturb what follows
	follower.Kill()
	plain.Kill()
	rdb := []string{"--enable-debug-command", "yes", "--enable-module-command", "local"}
	m.s.Must("SAVE")
	m.restart("an RDB file, without modules", false, rdb...)
	m.s.Must("SAVE")
	m.restart("an RDB file of a server without modules, with modules", true, append(rdb, m.load...)...)
	m.reload(append(effects, verbatim...))
}

// matrix is the primary of the test with the state it is to keep.
type matrix struct {
	t     *testing.T
	s     *servertest.Server
	paths map[string]string // files of the modules
	load  []string          // directives that load them
	want  matrixState
}

func newMatrix(t *testing.T) *matrix {
	m := &matrix{t: t, paths: map[string]string{}}
	if _, err := servertest.DaemonPath(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var builds sync.WaitGroup
	for name, x := range matrixModules {
		builds.Go(func() {
			path := servertest.BuildModule(t, x.folder)
			mu.Lock()
			defer mu.Unlock()
			m.paths[name] = path
		})
	}
	builds.Wait()
	for _, name := range slices.Sorted(maps.Keys(matrixModules)) {
		if m.paths[name] == "" {
			t.FailNow() // its build has failed
		}
		m.load = append(m.load, "--loadmodule", m.paths[name])
	}
	m.s = servertest.Start(t, append(m.load, "--appendonly", "yes", "--enable-debug-command", "yes")...)
	return m
}

// matrixStep is one line of a script: a command with its reply in RESP2 and RESP3, on the connection with a number.
type matrixStep struct {
	module string
	text   string
	conn   string
	args   []string
	want   [2]string // "" for no expectation
	send   bool      // the reply is read later
	read   bool      // the reply of a command that was sent
}

// readMatrix reads a script. A line is COMMAND [-> REPLY [| REPLY in RESP3]]; "*" at the end of a reply stands for anything. N> sends
// a command on a connection of its own, which waits there, and N< reads its reply. "module NAME" says whose commands follow.
func readMatrix(t *testing.T, name string) (steps []matrixStep) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "matrix", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	module := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "module "); ok {
			module = rest
			continue
		}
		st := matrixStep{module: module, text: line}
		if len(line) > 1 && (line[1] == '>' || line[1] == '<') {
			st.conn, st.send, st.read = line[:1], line[1] == '>', line[1] == '<'
			line = strings.TrimSpace(line[2:])
		}
		command, replies, _ := strings.Cut(line, " -> ")
		if st.read {
			command, replies = "", line
		}
		two, three, differ := strings.Cut(replies, " | ")
		if !differ {
			three = two
		}
		st.want = [2]string{two, three}
		if st.args, err = servertest.SplitArgs(command); err != nil {
			t.Fatalf("%s: %v", st.text, err)
		}
		steps = append(steps, st)
	}
	return steps
}

// run runs a script in RESP2 in database 0, and in RESP3 in database 1, and notes the state that it leads to.
func (m *matrix) run(steps []matrixStep) {
	m.t.Helper()
	for db := range 2 {
		conns := map[string]*servertest.Conn{}
		for _, st := range steps {
			c := conns[st.conn]
			if c == nil {
				c = m.dial(db)
				conns[st.conn] = c
			}
			m.step(c, st, db)
		}
	}
	m.want = stateOf(m.s)
}

func (m *matrix) dial(db int) *servertest.Conn {
	c := m.s.Dial()
	if db == 1 {
		c.Resp3()
	}
	c.Must("SELECT", strconv.Itoa(db))
	return c
}

func (m *matrix) step(c *servertest.Conn, st matrixStep, db int) {
	m.t.Helper()
	args := slices.Clone(st.args)
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "{db}", strconv.Itoa(db))
	}
	var r servertest.Reply
	switch {
	case st.send:
		id := strconv.FormatInt(c.Must("CLIENT", "ID").Int, 10)
		c.Send(args...)
		m.s.Eventually(st.text+" waits", 5*time.Second, func() bool {
			return strings.Contains(m.s.Must("CLIENT", "LIST", "ID", id).Str, " flags=b ")
		})
		return
	case st.read:
		var err error
		if r, err = c.TryReceive(10 * time.Second); err != nil {
			m.t.Fatalf("%s, RESP%d: %s: %v", st.module, db+2, st.text, err)
		}
	default:
		r = c.Do(args...)
	}
	want := st.want[db]
	prefix, anything := strings.CutSuffix(want, "*")
	switch got := r.String(); {
	case want == got || anything && strings.HasPrefix(got, prefix) && (prefix != "" || !r.IsError()):
	case want == "" && !r.IsError():
	default:
		m.t.Errorf("%s, RESP%d: %s\n replies %s", st.module, db+2, st.text, got)
	}
}

// everyCommand checks that the scripts have each command and subcommand of each module.
func (m *matrix) everyCommand(steps []matrixStep) {
	m.t.Helper()
	ran := map[string]bool{}
	for _, st := range steps {
		for n := 1; n <= min(2, len(st.args)); n++ {
			ran[strings.ToLower(strings.Join(st.args[:n], "|"))] = true
		}
	}
	for name := range matrixModules {
		commands := m.s.Must("COMMAND", "LIST", "FILTERBY", "MODULE", name).Strings()
		if len(commands) == 0 {
			m.t.Errorf("%s has no commands", name)
		}
		for _, info := range m.s.Must(append([]string{"COMMAND", "INFO"}, commands...)...).Elems {
			names := []string{info.Elems[0].Str}
			for _, sub := range info.Elems[9].Elems {
				names = append(names, sub.Elems[0].Str)
			}
			for _, command := range names {
				if !ran[command] {
					m.t.Errorf("no line in testdata/matrix runs %s of %s", command, name)
				}
			}
		}
	}
}

func (m *matrix) caughtUp(replicas int) {
	m.t.Helper()
	m.s.Eventually("the replicas follow", 20*time.Second, func() bool {
		return m.s.Must("WAIT", strconv.Itoa(replicas), "100").Int == int64(replicas)
	})
}

// restart kills the primary, starts it again and compares its state with the one before.
func (m *matrix) restart(what string, modules bool, directives ...string) {
	m.t.Helper()
	m.s.Restart(directives...)
	m.same(what, m.s, modules)
}

// same compares what a server has with what it is to have, and if it has the modules, also by the digests of their types.
func (m *matrix) same(what string, s *servertest.Server, modules bool) {
	m.t.Helper()
	got := stateOf(s)
	for key, want := range m.want.values {
		if got.values[key] != want {
			m.t.Errorf("%s: %s is %q, want %q", what, key, got.values[key], want)
		}
	}
	for key := range got.values {
		if _, ok := m.want.values[key]; !ok {
			m.t.Errorf("%s: %s is there: %q", what, key, got.values[key])
		}
	}
	if modules && got.digest != m.want.digest {
		m.t.Errorf("%s: digest %s, want %s", what, got.digest, m.want.digest)
	}
}

// matrixState is what a server has: for each key its type, its expiry, and a digest of its value, or the dump of a native one, which
// a server without the module can tell, too.
type matrixState struct {
	values map[string]string
	digest string
}

func stateOf(s *servertest.Server) matrixState {
	state := matrixState{values: map[string]string{}, digest: s.Digest()}
	c := s.Dial()
	defer c.Close()
	for db := range 16 {
		c.Must("SELECT", strconv.Itoa(db))
		for _, key := range c.Must("KEYS", "*").Strings() {
			kind, value := c.Must("TYPE", key).Str, ""
			switch kind {
			case "string", "list", "set", "zset", "hash":
				value = c.Must("DEBUG", "DIGEST-VALUE", key).String()
			default:
				value = c.Must("DUMP", key).String()
			}
			state.values[fmt.Sprintf("%d:%s", db, key)] = fmt.Sprint(kind, " until ", c.Must("PEXPIRETIME", key).Int, ": ", value)
		}
	}
	return state
}

// reload unloads the modules that can be, loads them again, and runs their commands once more.
func (m *matrix) reload(steps []matrixStep) {
	m.t.Helper()
	c := m.s.Dial()
	for _, name := range slices.Sorted(maps.Keys(matrixModules)) {
		if matrixModules[name].typed {
			wantReply(m.t, c, "MODULE UNLOAD "+name,
				"(error) ERR Error unloading module: the module exports one or more module-side data types, can't unload")
			continue
		}
		first := c.Must("COMMAND", "LIST", "FILTERBY", "MODULE", name).Strings()[0]
		wantReply(m.t, c, "MODULE UNLOAD "+name, "OK")
		wantReply(m.t, c, "COMMAND INFO "+first, "[(nil)]")
		wantReply(m.t, c, "COMMAND LIST FILTERBY MODULE "+name, "[]")
		if list := c.Must("MODULE", "LIST").String(); strings.Contains(list, fmt.Sprintf("%q", name)) {
			m.t.Errorf("%s is unloaded, MODULE LIST: %s", name, list)
		}
		m.same(name+" is unloaded", m.s, true)
		wantReply(m.t, c, "MODULE LOAD "+m.paths[name], "OK")
	}
	c.Must("FLUSHALL")
	m.run(slices.DeleteFunc(slices.Clone(steps), func(st matrixStep) bool { return matrixModules[st.module].typed }))
}

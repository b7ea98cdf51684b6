package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"datastore/plugin"
	"datastore/server/servertest"
)

func callsModule(t *testing.T) string {
	return servertest.BuildModule(t, "server/testdata/modules/calls")
}

// TestModuleReplyBytes: what a module replies is on the wire what Redis sends, in both protocols.
//
// Rules: REP-2, REP-3, REP-4.
func TestModuleReplyBytes(t *testing.T) {
	ours := servertest.Start(t, "--loadmodule", callsModule(t))
	redis := servertest.StartRedis(t, "--enable-debug-command", "yes")
	for _, proto := range []string{"2", "3"} {
		a, b := ours.Dial(), redis.Dial()
		a.Must("HELLO", proto)
		b.Must("HELLO", proto)
		for _, kind := range []string{"string", "integer", "double", "null", "array", "set", "map", "attrib", "verbatim", "true", "false", "bignum"} {
			if kind == "attrib" && proto == "2" {
				continue
			}
			if got, want := a.Do("CALLS.REPLY", kind), b.Do("DEBUG", "PROTOCOL", kind); string(got.Raw) != string(want.Raw) {
				t.Errorf("%s in RESP%s: %q, Redis sends %q", kind, proto, got.Raw, want.Raw)
			}
		}
		wantReply(t, a, "CALLS.REPLY", "(error) ERR wrong number of arguments for 'calls.reply' command")
		wantReply(t, a, "CALLS.BOX ARITY", "(error) ERR wrong number of arguments for 'calls.box|arity' command")
		wantReply(t, a, "CALLS.REPLY error", "(error) ODDCODE told to fail")
	}
	ours.Must("SET", "k", "v")
	ours.Must("CALLS.QUIET", "LPOP", "k") // the module keeps the error to itself
	if got := ours.Info("errorstat_WRONGTYPE"); got != "" {
		t.Errorf("errorstats: %s", got)
	}
	if got := ours.Info("cmdstat_lpop"); !strings.Contains(got, "failed_calls=1") {
		t.Errorf("commandstats: %s", got)
	}
	if r := ours.Do("CALLS.RUN", "-", "LPOP", "k"); !r.IsError() || ours.Info("errorstat_WRONGTYPE") != "count=1" {
		t.Errorf("%s, errorstats: %s", r, ours.Info("errorstat_WRONGTYPE"))
	}
	if got := ours.Info("errorstat_ODDCODE"); got != "count=2" {
		t.Errorf("errorstats: %s", got)
	}
	if got := ours.Info("cmdstat_calls.reply"); !strings.Contains(got, "failed_calls=4") {
		t.Errorf("commandstats: %s", got)
	}
}

// TestModuleCallReplies passes replies of built-in commands on through Call.
//
// Rules: CALL-3, CALL-5, CALL-8, REP-8.
func TestModuleCallReplies(t *testing.T) {
	path := callsModule(t)
	s := servertest.Start(t, "--loadmodule", path)
	for _, proto := range []string{"2", "3"} {
		direct, through := s.Dial(), s.Dial()
		direct.Must("HELLO", proto)
		through.Must("HELLO", proto)
		for _, command := range []string{
			"HSET h f v g w", "HGETALL h", "SADD s x", "SMEMBERS s", "ZADD z 1.5 m", "ZSCORE z m", "ZRANGE z 0 -1 WITHSCORES",
			"GET missing", "GET h", "INFO server", "CONFIG GET maxmemory", "MEMORY USAGE h", "COMMAND DOCS get",
		} {
			words := strings.Fields(command)
			got := through.Do(append([]string{"CALLS.RUN", "-0"}, words...)...)
			want := direct.Do(words...)
			if words[0] == "INFO" || strings.Contains(words[0], "ADD") || words[0] == "HSET" {
				if got.Type != want.Type {
					t.Errorf("%s in RESP%s: %s, want %s", command, proto, got, want)
				}
				continue
			}
			if string(got.Raw) != string(want.Raw) {
				t.Errorf("%s in RESP%s: %q, want %q", command, proto, got.Raw, want.Raw)
			}
		}
		for _, command := range []string{"nope a b", "CONFIG nope", "get", "config get"} {
			words := strings.Fields(command)
			got, want := through.Do(append([]string{"CALLS.RUN", "E"}, words...)...), direct.Do(words...)
			if string(got.Raw) != string(want.Raw) {
				t.Errorf("%s: %s, want %s", command, got, want)
			}
		}
	}
	c := s.Dial()
	wantReply(t, c, "CALLS.RUN 3 HGETALL h", "(error) ERR the client speaks RESP2, which cannot say this")
	wantReply(t, c, "CALLS.RUN ES MULTI", "(error) ERR command 'multi' is not allowed on script mode")
	wantReply(t, c, "CALLS.RUN S MULTI", "(error) ERR command is not allowed in script mode")
	wantReply(t, c, "CALLS.RUN EW SET k v", "(error) ERR Write command 'set' was called while write is not allowed.")
	wantReply(t, c, "CALLS.RUN D SET k v", "none")
	wantReply(t, c, "CALLS.RUN DM SET k v", "none")
	wantReply(t, c, "CALLS.RUN C SET k v", "OK")
	wantReply(t, c, "CALLS.RUN -x GET k", "(error) ERR unrecognised format specifier")
	c.Must("CONFIG", "SET", "maxmemory", "1")
	wantReply(t, c, "CALLS.RUN EM SET k v", "(error) OOM command not allowed when used memory > 'maxmemory'.")
	wantReply(t, c, "CALLS.RUN DM SET k v", "(error) OOM command not allowed when used memory > 'maxmemory'.")
	wantReply(t, c, "CALLS.RUN - SET k w", "OK")
	wantReply(t, c, "CALLS.MEMORY", "(error) OOM command not allowed when used memory > 'maxmemory'.")
	c.Must("CONFIG", "SET", "maxmemory", "0", "min-replicas-to-write", "1")
	wantReply(t, c, "CALLS.READ ESW GET k", `"w"`)
	wantReply(t, c, "CALLS.READ ES SET k v", "(error) NOREPLICAS Not enough good replicas to write.")
	wantReply(t, c, "CALLS.READ S SET k v", "(error) ERR command is not allowed in script mode")
	c.Must("CONFIG", "SET", "min-replicas-to-write", "0")
	c.Must("REPLICAOF", "127.0.0.1", "1")
	c.Must("CONFIG", "SET", "replica-read-only", "no")
	wantReply(t, c, "CALLS.RUN ES SET k v", "OK")
	c.Must("CONFIG", "SET", "replica-serve-stale-data", "no")
	wantReply(t, c, "CALLS.FAST", "(integer) 1") // allow-stale
	wantReply(t, c, "CALLS.USER", "(error) MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
}

// aofCommands returns the commands of the append-only file since the last SET of the key "marker".
func aofCommands(t *testing.T, s *servertest.Server) (commands []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no append-only file: %v", err)
	}
	slices.Sort(paths)
	text, err := os.ReadFile(paths[len(paths)-1])
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimRight(line, "\r\n"); {
		case line == "" || line[0] == '#' || line[0] == '$':
		case line[0] == '*':
			commands = append(commands, "")
		default:
			last := len(commands) - 1
			commands[last] = strings.TrimPrefix(commands[last]+" "+line, " ")
		}
	}
	for i := len(commands) - 1; i >= 0; i-- {
		if strings.HasPrefix(commands[i], "SET marker") {
			return commands[i+1:]
		}
	}
	return commands
}

// TestModuleReplicates: what a module replicates goes to the append-only file in this order and in one block, replicas without
// the module and the replay have the same data, and so has a Redis.
//
// Rules: RPL-1, RPL-2, RPL-3.
func TestModuleReplicates(t *testing.T) {
	path := callsModule(t)
	const write, end = "MULTI", "EXEC"
	orders := map[string][]string{
		"1": {write, "INCR using-call", "INCR after-call", "INCR counter-1", "INCR counter-2", end},
		"2": {write, "INCR using-call", "INCR counter-1", "INCR counter-2", "INCR after-call", end},
	}
	for api, mixed := range orders {
		t.Run("APIVer"+api, func(t *testing.T) {
			s := startPrimary(t, "--loadmodule", path, api, "--appendonly", "yes")
			plain, redis := servertest.Start(t, "--enable-debug-command", "yes"), servertest.StartRedis(t, "--enable-debug-command", "yes")
			replicate(plain, s)
			replicate(redis, s)
			c := s.Dial()
			several := []string{write, "SET a 1", "SET b 2", "SADD c 3 4", "SELECT 9", "SET d 5", end}
			for command, want := range map[string][]string{
				"CALLS.MIXED": mixed, "CALLS.SEVERAL": several, "CALLS.ONE": {"INCR one"}, "CALLS.NESTED": mixed,
				"CALLS.RUN -! INCR n": {"INCR n"}, "CALLS.RUN - INCR n": {"INCR n"}, "CALLS.RUN -! SPOP set": {"SREM set x"},
				"CALLS.RUN -!ED SET n 1": nil,
			} {
				c.Must("SADD", "set", "x")
				c.Must("SET", "marker", command)
				c.Must(strings.Fields(command)...)
				if got := aofCommands(t, s); !slices.Equal(got, want) {
					t.Errorf("%s:\n  logged %q\n  want   %q", command, got, want)
				}
				c.Must("SET", "back", "in database 0")
			}
			c.Must("SET", "marker", "transaction")
			c.Must("MULTI")
			for _, name := range []string{"CALLS.ONE", "CALLS.MIXED", "CALLS.ONE"} {
				wantReply(t, c, name, "QUEUED")
			}
			c.Must("EXEC")
			want := slices.Concat([]string{write, "INCR one"}, mixed[1:len(mixed)-1], []string{"INCR one", end})
			if got := aofCommands(t, s); !slices.Equal(got, want) {
				t.Errorf("in a transaction:\n  logged %q\n  want   %q", got, want)
			}
			// What was replicated and did not happen here is there after a replay.
			digest := func(s *servertest.Server) string { return s.Must("DEBUG", "DIGEST").Str }
			wantReply(t, c, "EXISTS counter-1 one a b c", "(integer) 0")
			wantReply(t, c, "WAIT 2 10000", "(integer) 2")
			if a, b := digest(plain), digest(redis); a != b || plain.Must("EXISTS", "one").Int != 1 {
				t.Errorf("the replicas have %s and %s", a, b)
			}
			s.Restart(replicaTestDirectives("--appendonly", "yes")...)
			if a, b := digest(s), digest(plain); a != b {
				t.Errorf("after the replay %s, the replica has %s", a, b)
			}
		})
	}
}

// TestModuleChanges: every command that a module replicates is a change that save points count.
//
// Rules: RPL-9.
func TestModuleChanges(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", callsModule(t))
	for _, step := range []struct {
		command string
		changes int64
	}{{"CALLS.ONE", 1}, {"CALLS.SEVERAL", 4}, {"CALLS.MIXED", 4}, {"CALLS.VERBATIM k v", 2}, {"CALLS.RUN -! SET k v", 1}, {"CALLS.FLAGS", 0}} {
		before, err := strconv.ParseInt(s.Info("rdb_changes_since_last_save"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s.Must(strings.Fields(step.command)...)
		if got := s.Info("rdb_changes_since_last_save"); got != fmt.Sprint(before+step.changes) {
			t.Errorf("%s: %s changes, %d before", step.command, got, before)
		}
	}
	if got := s.Must("SAVE"); got.Str != "OK" || s.Info("rdb_changes_since_last_save") != "0" {
		t.Errorf("after SAVE, %s, %s changes", got, s.Info("rdb_changes_since_last_save"))
	}
}

// TestModuleReplicatesVerbatim: the command itself is replicated as it was sent, and does on a replica and at the replay what
// it did.
//
// Rules: RPL-4.
func TestModuleReplicatesVerbatim(t *testing.T) {
	path := callsModule(t)
	s := startPrimary(t, "--loadmodule", path, "--appendonly", "yes")
	replica := servertest.Start(t, "--loadmodule", path, "--enable-debug-command", "yes")
	replicate(replica, s)
	c := s.Dial()
	c.Must("SELECT", "5")
	c.Must("SET", "marker", "x")
	c.Must("Calls.VERBATIM", "k", "one")
	if got := aofCommands(t, s); !slices.Equal(got, []string{"Calls.VERBATIM k one"}) {
		t.Errorf("logged %q", got)
	}
	c.Must("calls.verbatim", "k", "two")
	sameData(t, s, replica)
	s.Restart()
	sameData(t, s, replica)
	c = s.Dial()
	c.Must("SELECT", "5")
	wantReply(t, c, "GET k", `"onetwo"`)
}

// TestModuleTargets: what is kept from the append-only file or from replicas does not disturb what is not: offsets, databases, a
// partial resynchronisation and the replay.
//
// Rules: RPL-5.
func TestModuleTargets(t *testing.T) {
	path := callsModule(t)
	s := startPrimary(t, "--loadmodule", path, "--appendonly", "yes")
	replica := servertest.Start(t)
	replicate(replica, s)
	c := s.Dial()
	step := func(db int) {
		c.Must("SELECT", strconv.Itoa(db))
		c.Must("SET", "both", "1")
		c.Must("CALLS.RUN", "-!A", "INCR", "replica-only")
		c.Must("INCR", "both")
		c.Must("CALLS.RUN", "-!R", "INCR", "file-only")
		c.Must("INCR", "both")
	}
	step(0)
	step(4)
	if got := c.Must("WAIT", "1", "5000").Int; got != 1 {
		t.Errorf("WAIT: %d replicas", got)
	}
	replica.Must("CLIENT", "KILL", "TYPE", "master")
	waitUp(replica)
	step(0)
	if got := c.Must("WAIT", "1", "5000").Int; got != 1 || s.Info("sync_full") != "1" {
		t.Errorf("after a reconnection WAIT says %d, sync_full is %s", got, s.Info("sync_full"))
	}
	values := func(s *servertest.Server) string {
		text := ""
		for _, db := range []string{"0", "4"} {
			s.Must("SELECT", db)
			text += s.Must("MGET", "both", "replica-only", "file-only").String()
		}
		return text
	}
	const here = `["3" "2" "2"]["3" "1" "1"]`
	if got := values(s); got != here {
		t.Errorf("the primary has %s", got)
	}
	if got := values(replica); got != `["3" "2" (nil)]["3" "1" (nil)]` {
		t.Errorf("the replica has %s", got)
	}
	s.Restart()
	if got := values(s); got != `["3" (nil) "2"]["3" (nil) "1"]` {
		t.Errorf("after the replay there is %s", got)
	}
}

// TestModuleKeyPositions: COMMAND GETKEYS and GETKEYSANDFLAGS ask the module, in its order.
//
// Rules: POS-1, POS-2, POS-3.
func TestModuleKeyPositions(t *testing.T) {
	c := servertest.Start(t, "--loadmodule", callsModule(t)).Dial()
	for command, want := range map[string]string{
		"GETKEYS calls.keys r a w b":                `["b" "a"]`,
		"GETKEYSANDFLAGS calls.keys k a r b w c":    `[["c" [OW insert delete]] ["b" [RO access]] ["a" [RW access update]]]`,
		"GETKEYS calls.keys x a":                    "(error) ERR Invalid arguments specified for command",
		"GETKEYS calls.keys x":                      "(error) ERR Invalid number of arguments specified for command",
		"GETKEYS calls.fast x":                      "(error) ERR The command has no key arguments",
		"GETKEYSANDFLAGS calls.fast x":              "(error) ERR The command has no key arguments",
		"GETKEYS calls.box arity x":                 `["x"]`,
		"GETKEYSANDFLAGS calls.sum d 2 a b":         `[["d" [OW update]] ["a" [RO access]] ["b" [RO access]]]`,
		"GETKEYSANDFLAGS calls.sum d 1 a x STORE b": `[["d" [OW update]] ["a" [RO access]] ["b" [RW insert]]]`,
		"GETKEYS calls.sum d 9 a b":                 "(error) ERR Invalid arguments specified for command",
	} {
		wantReply(t, c, "COMMAND "+command, want)
	}
	wantReply(t, c, "CALLS.KEYS k a", "(integer) 3")
	if r := c.Do("COMMAND", "GETKEYS", "calls.keys", "exit", "x"); !r.IsError() {
		t.Errorf("a handler that ends its goroutine: %s", r)
	}
	wantReply(t, c, "COMMAND GETKEYS calls.keys k a", `["a"]`)
}

// TestModuleCommandInfo: COMMAND tells everything that the module said about a command.
//
// Rules: CMD-3, CMD-4, CMD-5.
func TestModuleCommandInfo(t *testing.T) {
	c := servertest.Start(t, "--loadmodule", callsModule(t)).Dial()
	spec := func(flags, begin, find string) string {
		return "[" + flags + ` "begin_search" ` + begin + ` "find_keys" ` + find + "]"
	}
	for name, want := range map[string]string{
		"CALLS.Sum": `[["calls.sum" (integer) -5 [write module movablekeys] (integer) 1 (integer) 1 (integer) 1 [@write @sortedset @slow] ["nondeterministic_output"] [` +
			spec(`"flags" [OW update]`, `["type" "index" "spec" ["index" (integer) 1]]`, `["type" "range" "spec" ["lastkey" (integer) 0 "keystep" (integer) 1 "limit" (integer) 0]]`) + " " +
			spec(`"notes" "read" "flags" [RO access]`, `["type" "index" "spec" ["index" (integer) 2]]`, `["type" "keynum" "spec" ["keynumidx" (integer) 0 "firstkey" (integer) 1 "keystep" (integer) 1]]`) + " " +
			spec(`"flags" [RW insert]`, `["type" "keyword" "spec" ["keyword" "STORE" "startfrom" (integer) 4]]`, `["type" "range" "spec" ["lastkey" (integer) 0 "keystep" (integer) 1 "limit" (integer) 0]]`) + "] []]]",
		"calls.keys": `[["calls.keys" (integer) -3 [readonly module movablekeys] (integer) 0 (integer) 0 (integer) 0 [@read @slow] [] [] []]]`,
		"calls.fast": `[["calls.fast" (integer) 1 [readonly module loading stale fast no_auth] (integer) 0 (integer) 0 (integer) 0 [@read @fast] [] [] []]]`,
		"calls.box": `[["calls.box" (integer) -2 [module] (integer) 0 (integer) 0 (integer) 0 [@slow] [] [] [` +
			`["calls.box|name" (integer) 2 [readonly module] (integer) 0 (integer) 0 (integer) 0 [@read @slow] [] [] []] ` +
			`["calls.box|arity" (integer) -1 [module] (integer) 2 (integer) 2 (integer) 1 [@slow] [] [` +
			spec(`"flags" [RW access update]`, `["type" "index" "spec" ["index" (integer) 2]]`, `["type" "range" "spec" ["lastkey" (integer) 0 "keystep" (integer) 1 "limit" (integer) 0]]`) + `] []]]]]`,
	} {
		wantReply(t, c, "COMMAND INFO "+name, want)
	}
	wantReply(t, c, "COMMAND DOCS calls.sum", `["calls.sum" ["summary" "Sums." "since" "1.2.0" "group" "module" "complexity" "O(N)" "module" "calls" `+
		`"history" [["1.3.0" "More."]] "arguments" [["name" "destination" "type" "key" "key_spec_index" (integer) 0] `+
		`["name" "numkeys" "type" "integer"] ["name" "key" "type" "key" "key_spec_index" (integer) 1 "summary" "What to sum." "flags" [multiple]] `+
		`["name" "store" "type" "key" "key_spec_index" (integer) 2 "token" "STORE" "since" "1.3.0" "flags" [optional]]]]]`)
	wantReply(t, c, "COMMAND DOCS calls.box|name", `["calls.box|name" ["summary" "Its name." "group" "module" "module" "calls"]]`)
	wantReply(t, c, "CALLS.BOX name", `"calls.box|name"`)
	wantReply(t, c, "CALLS.BOX name x", "(error) ERR wrong number of arguments for 'calls.box|name' command")
	wantReply(t, c, "CALLS.BOX", "(error) ERR wrong number of arguments for 'calls.box' command")
	wantReply(t, c, "CALLS.BOX nope", "(error) ERR unknown subcommand 'nope'. Try CALLS.BOX HELP.")
	c.Must("CONFIG", "SET", "requirepass", "secret")
	fresh := servertest.DialAddr(t, c.Net.RemoteAddr().String())
	wantReply(t, fresh, "CALLS.FAST", "(integer) 1") // no-auth
	wantReply(t, fresh, "CALLS.ONE", "(error) NOAUTH Authentication required.")
}

// TestModuleMemory: memory of a module is in INFO within the same command, counts for maxmemory, and is told when the module
// goes.
//
// Rules: MEM-1, AM-3.
func TestModuleMemory(t *testing.T) {
	s := servertest.Start(t, "--enable-module-command", "local", "--loadmodule", callsModule(t))
	c := s.Dial()
	number := func(field string) int64 {
		n, err := strconv.ParseInt(s.Info(field), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		return n
	}
	before := number("used_memory")
	const size = 50 << 20
	if n := c.Must("CALLS.ALLOC", fmt.Sprint(size)).Int; n != size {
		t.Errorf("used_memory_modules grew by %d bytes in the command", n)
	}
	if n := number("used_memory") - before; n < size || n > size+size/10 {
		t.Errorf("used_memory grew by %d bytes", n)
	}
	if got := s.Info("module_calls"); !strings.Contains(got, fmt.Sprintf("bytes=%d,blocks=1,accounted=%d", size, size)) {
		t.Errorf("INFO: %s", got)
	}
	c.Must("CONFIG", "SET", "maxmemory", fmt.Sprint(before+size/2))
	wantReply(t, c, "SET k v", "(error) OOM command not allowed when used memory > 'maxmemory'.")
	c.Must("FLUSHALL")
	c.Must("CALLS.FREE")
	wantReply(t, c, "SET k v", "OK")
	if n := number("used_memory_modules"); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	wantReply(t, c, "CALLS.ALLOC -1", "(error) MODULEPANIC calls: invalid argument")
	c.Must("CALLS.LEAK")
	c.Must("CALLS.LEAK", "auto")
	if n := number("module_calls_leaked_handles"); n < 2 {
		t.Errorf("%d leaked handles", n)
	}
	leaked := number("module_calls_leaked_handles")
	c.Must("CALLS.LEAK", "auto")
	if n := number("module_calls_leaked_handles"); n != leaked {
		t.Errorf("AutoMemory leaks %d handles", n-leaked)
	}
	c.Must("CALLS.ALLOC", "1000")
	c.Must("MODULE", "UNLOAD", "calls")
	if !strings.Contains(s.Log(), "Module calls has not freed 1024 bytes in 1 blocks") {
		t.Errorf("log:\n%s", s.Log())
	}
}

// TestModuleMemorySurvivesFullSync: a full synchronisation exchanges the dataset, but not the memory of modules.
func TestModuleMemorySurvivesFullSync(t *testing.T) {
	replica := servertest.Start(t, "--loadmodule", callsModule(t))
	replica.Must("CALLS.ALLOC", "1000000")
	primary := startPrimary(t)
	primary.Must("SET", "k", "v")
	replicate(replica, primary)
	if got := replica.Info("used_memory_modules"); got == "" || got == "0" {
		t.Errorf("used_memory_modules: %s", got)
	}
	replica.Must("CONFIG", "SET", "replica-read-only", "no")
	replica.Must("CALLS.FREE")
	if got := replica.Info("used_memory_modules"); got != "0" {
		t.Errorf("used_memory_modules: %s", got)
	}
}

// TestModuleFlags: GetContextFlags' counterpart in the states that the server can be in.
//
// Rules: CLI-2.
func TestModuleFlags(t *testing.T) {
	path := callsModule(t)
	s := servertest.Start(t, "--loadmodule", path, "--appendonly", "yes", "--save", "100 1")
	c := s.Dial()
	flags := func(c *servertest.Conn) plugin.CtxFlags { return plugin.CtxFlags(c.Must("CALLS.FLAGS").Elems[0].Int) }
	want := func(what string, got, want plugin.CtxFlags) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %b, want %b", what, got, want)
		}
	}
	const base = plugin.FlagMaster | plugin.FlagAOF | plugin.FlagRDB
	want("plain", flags(c), base)
	if got := plugin.CtxFlags(c.Must("CALLS.FLAGS").Elems[1].Int); got&plugin.FlagServerStartup == 0 || got&plugin.FlagMulti != 0 {
		t.Errorf("in OnLoad: %b", got)
	}
	r3 := s.Dial()
	r3.Resp3()
	want("RESP3", flags(r3), base|plugin.FlagRESP3)
	c.Must("MULTI")
	c.Must("CALLS.FLAGS")
	got := c.Must("EXEC").Elems[0].Elems[0].Int
	want("MULTI", plugin.CtxFlags(got), base|plugin.FlagMulti|plugin.FlagDenyBlocking)
	want("called", plugin.CtxFlags(c.Must("CALLS.RUN", "-", "CALLS.FLAGS").Elems[0].Int), base|plugin.FlagDenyBlocking)
	c.Must("CONFIG", "SET", "maxmemory", "100gb", "appendonly", "no", "save", "")
	want("maxmemory", flags(c), plugin.FlagMaster|plugin.FlagMaxmemory)
	c.Must("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "1")
	full := plugin.FlagMaxmemory | plugin.FlagEvict | plugin.FlagOOM | plugin.FlagOOMWarning
	want("out of memory", flags(c), plugin.FlagMaster|full)
	c.Must("CONFIG", "SET", "maxmemory", "0")
	primary := startPrimary(t)
	c.Must("REPLICAOF", "127.0.0.1", "1")
	c.Must("CONFIG", "SET", "replica-read-only", "no")
	want("replica", flags(c), plugin.FlagReplica|plugin.FlagReplicaStale|plugin.FlagReplicaConnecting)
	replicate(s, primary)
	want("online", flags(c), plugin.FlagReplica|plugin.FlagReplicaOnline)
}

// TestModuleFlagsOfStreams: what a command sees that comes from the primary or from the append-only file.
//
// Rules: CLI-2.
func TestModuleFlagsOfStreams(t *testing.T) {
	path := callsModule(t)
	s := servertest.Start(t, "--loadmodule", path, "--appendonly", "yes")
	replica := servertest.Start(t, "--loadmodule", path)
	replicate(replica, s)
	stored := func(s *servertest.Server) plugin.CtxFlags {
		n, err := strconv.ParseUint(s.Must("HGET", "key", "flags").Str, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return plugin.CtxFlags(n)
	}
	c := s.Dial()
	c.Must("CALLS.ID", "key")
	wantReply(t, c, "WAIT 1 10000", "(integer) 1")
	const stream = plugin.FlagReplicated | plugin.FlagDenyBlocking
	if got, want := stored(replica), plugin.FlagReplica|plugin.FlagReadOnly|plugin.FlagReplicaOnline|stream; got != want {
		t.Errorf("on a replica: %b, want %b", got, want)
	}
	if got, want := stored(s), plugin.FlagMaster|plugin.FlagAOF; got != want {
		t.Errorf("on the primary: %b, want %b", got, want)
	}
	s.Restart()
	if got, want := stored(s), plugin.FlagMaster|plugin.FlagLoading|stream; got&^plugin.FlagAOF != want {
		t.Errorf("at the replay: %b, want %b", got, want)
	}
	r := replica.Dial() // and what its role does to commands that write
	wantReply(t, r, "CALLS.ONE", "(error) READONLY You can't write against a read only replica.")
	wantReply(t, r, "CALLS.READ ES SET k v", "(error) READONLY You can't write against a read only replica.")
	wantReply(t, r, "CALLS.READ S EXISTS k", "(integer) 0")
}

// TestModuleLogLines: the daemon's log has the module's name, its levels, and "verbose" for an unknown one; the latency monitor
// has what took long enough.
//
// Rules: MSC-3.
func TestModuleLogLines(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", callsModule(t), "--loglevel", "debug")
	for level, mark := range map[string]string{"debug": ".", "verbose": "-", "notice": "*", "warning": "#", "shout": "-"} {
		s.Must("CALLS.LOG", level, level)
		if line := mark + " <calls> said " + level; !strings.Contains(s.Log(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
	if !strings.Contains(s.Log(), "* <module> no name yet") {
		t.Error("the log has no line of before Init")
	}
	s.Must("CALLS.LATENCY", "before", "5000")
	s.Must("CONFIG", "SET", "latency-monitor-threshold", "200")
	s.Must("CALLS.LATENCY", "short", "199")
	s.Must("CALLS.LATENCY", "long", "200")
	s.Must("CALLS.LATENCY", "long", "5001")
	latest := s.Must("LATENCY", "LATEST")
	if len(latest.Elems) != 1 || latest.Elems[0].Elems[0].Str != "long" || latest.Elems[0].Elems[3].Int != 5001 {
		t.Errorf("LATENCY LATEST: %s", latest)
	}
}

// TestTwoModulesOneCommand: the second module with a command in common is not loaded, and the first one keeps working.
//
// Rules: INIT-2, INIT-4, CMD-1.
func TestTwoModulesOneCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clash")
	source := `package main

import "datastore/plugin"

func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
	name := "clash"
	if len(args) > 0 {
		name = args[0].String()
	}
	if err := ctx.Init(name, 1, plugin.APIVer2); err != nil {
		return err
	}
	noop := func(ctx plugin.Ctx, _ []plugin.String) error { return ctx.ReplyText("clash") }
	if err := ctx.CreateCommand("clash.own", noop); err != nil {
		return err
	}
	return ctx.CreateCommand("CALLS.ONE", noop)
}

func main() {}
`
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module example.org/clash\n\ngo 1.26\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	clash := servertest.BuildModuleAt(t, dir)
	s := servertest.Start(t, "--enable-module-command", "local", "--loadmodule", callsModule(t))
	c := s.Dial()
	count := c.Must("COMMAND", "COUNT").Int
	for args, reason := range map[string]string{"": "command CALLS.ONE: name is already taken", "calls": "module calls: name is already taken"} {
		r := c.Do(append([]string{"MODULE", "LOAD", clash}, strings.Fields(args)...)...)
		if !strings.HasPrefix(r.Str, loadFailed) || !strings.Contains(r.Str, reason) {
			t.Errorf("MODULE LOAD %s: %s", args, r)
		}
	}
	if n := c.Must("COMMAND", "COUNT").Int; n != count {
		t.Errorf("%d commands, %d before", n, count)
	}
	wantReply(t, c, "CALLS.ONE", "OK")
	wantReply(t, c, "clash.own", "(error) ERR unknown command 'clash.own', with args beginning with: ")
	c.Must("MODULE", "UNLOAD", "calls")
	wantReply(t, c, "MODULE LOAD "+clash, "OK")
	wantReply(t, c, "CALLS.ONE", `"clash"`)
}

// TestLoadsThatFail: an API version that the daemon does not know, a failure after everything was registered, and files that are
// no modules leave nothing; LOADEX passes arguments; an execute bit is not asked for; the command needs permission.
//
// Rules: INIT-2, INIT-4, INIT-12.
func TestLoadsThatFail(t *testing.T) {
	path := callsModule(t)
	s := servertest.Start(t, "--enable-module-command", "yes")
	c := s.Dial()
	count := c.Must("COMMAND", "COUNT").Int
	locked := filepath.Join(t.TempDir(), "locked.so")
	if err := os.WriteFile(locked, []byte("no module"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"LOAD " + path + " 99", "LOAD " + path + " 0", "LOAD " + path + " 2 late", "LOADEX " + path + " ARGS 2 late",
		"LOADEX " + path + " CONFIG calls.x 1 ARGS 2", "LOADEX " + path + " ARG 2", "LOADEX " + path + " CONFIG x", "LOAD " + locked,
		"LOAD /nonexistent/x.so",
	} {
		r := c.Do(append([]string{"MODULE"}, strings.Fields(command)...)...)
		if !strings.HasPrefix(r.Str, loadFailed) || !r.IsError() {
			t.Errorf("MODULE %s: %s", command, r)
		}
		if n := c.Must("COMMAND", "COUNT").Int; n != count || len(c.Must("MODULE", "LIST").Elems) != 0 {
			t.Errorf("MODULE %s left something", command)
		}
		wantReply(t, c, "CALLS.ONE", "(error) ERR unknown command 'CALLS.ONE', with args beginning with: ")
	}
	for _, line := range []string{"Module " + path + " initialization failed. Module not loaded", "Module " + locked + " failed to load: "} {
		if !strings.Contains(s.Log(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copied.so")
	if err := os.WriteFile(copied, code, 0o400); err != nil { // no execute bit, and nobody can write it
		t.Fatal(err)
	}
	wantReply(t, c, "MODULE LOAD "+copied, "OK")
	wantReply(t, c, "MODULE UNLOAD calls", "OK")
	if os.Geteuid() != 0 {
		if err := os.Chmod(copied, 0); err != nil {
			t.Fatal(err)
		}
		if r := c.Do("MODULE", "LOAD", copied); !strings.HasPrefix(r.Str, loadFailed) || !strings.Contains(r.Str, "permission denied") {
			t.Errorf("a file that cannot be read: %s", r)
		}
	}
	wantReply(t, c, "MODULE LOADEX "+path+" ARGS 1", "OK")
	wantReply(t, c, "CALLS.ONE", "OK")
	if got := c.Must("MODULE", "LIST").String(); got != fmt.Sprintf(`[["name" "calls" "ver" (integer) 7 "path" %q "args" ["1"]]]`, path) {
		t.Errorf("MODULE LIST: %s", got)
	}
	refused := servertest.Start(t, "--loadmodule", path).Dial()
	const text = `(error) ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a ` +
		`local connection, otherwise you need to set this option in the configuration file, and then restart the server.`
	for _, command := range []string{"LOAD " + path, "LOADEX " + path, "UNLOAD calls"} {
		wantReply(t, refused, "MODULE "+command, text)
	}
	if r := refused.Do("CONFIG", "SET", "enable-module-command", "yes"); !strings.Contains(r.Str, "immutable") {
		t.Errorf("CONFIG SET enable-module-command: %s", r)
	}
	wantReply(t, refused, "CALLS.ONE", "OK")
}

// TestModuleClientIDs: ids grow from 1, OnLoad has none, nested calls keep that of the client, and the append-only file has one of
// its own.
//
// Rules: CLI-1.
func TestModuleClientIDs(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", callsModule(t), "--appendonly", "yes")
	a, b := s.Dial(), s.Dial()
	id := func(c *servertest.Conn) int64 { return c.Must("CLIENT", "ID").Int }
	for _, c := range []*servertest.Conn{a, b} {
		wantReply(t, c, "CALLS.USER", fmt.Sprintf(`["%d" (integer) 0 "0"]`, id(c)))
		wantReply(t, c, "CALLS.RUN - CALLS.USER", fmt.Sprintf(`["%d" (integer) 0 "0"]`, id(c)))
	}
	if id(b) <= id(a) || id(a) < 1 {
		t.Errorf("ids %d, %d", id(a), id(b))
	}
	a.Must("CALLS.ID", "key")
	wantReply(t, a, "HGET key id", fmt.Sprintf(`"%d"`, id(a)))
	s.Restart()
	wantReply(t, s.Dial(), "HGET key id", `"18446744073709551615"`)
}

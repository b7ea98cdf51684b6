package main

import (
	"fmt"
	"strings"
	"testing"

	"datastore/plugin"
	"datastore/plugin/plugintest"
)

// everything is a server whose append-only file and replica, without the module, are compared with it.
func everything(t *testing.T) *plugintest.Server {
	t.Helper()
	return plugintest.New(t, OnLoad, plugintest.Options{AOF: true, Replica: true})
}

// do runs a command that is given as words.
func do(t *testing.T, s *plugintest.Server, command string) plugintest.Reply {
	t.Helper()
	var args []any
	for _, word := range strings.Fields(command) {
		args = append(args, word)
	}
	return s.Do(args...)
}

func TestCommands(t *testing.T) {
	const (
		wrongType = plugin.ErrWrongType
		errNumber = plugin.ReplyError("ERR value is not an integer or out of range")
	)
	s := everything(t)
	for _, tt := range []struct {
		command string
		want    any
	}{
		{"SELECT 5", "OK"},
		{"HELLO.SIMPLE", 5},
		{"HELLO.PUSH.NATIVE l 1", 1},
		{"HELLO.PUSH.CALL l twenty", 2},
		{"hello.push.native l 300", 3},
		{"HELLO.LIST.SUM.LEN l", 10},
		{"HELLO.LIST.SUM.LEN missing", 0},
		{"HELLO.LIST.SPLICE l l2 2", 1},
		{"LRANGE l2 0 -1", []string{"twenty", "300"}},
		{"HELLO.LIST.SPLICE.AUTO l2 l2 1", 2},
		{"LRANGE l2 0 -1", []string{"300", "twenty"}},
		{"HELLO.LIST.SPLICE l l2 99", 0},
		{"EXISTS l", 0},
		{"HELLO.LIST.SPLICE l l2 -1", errCount},
		{"HELLO.PUSH.CALL2 l2 x", 4},
		{"HELLO.RAND.ARRAY 0", []any{}},
		{"HELLO.RAND.ARRAY x", errCount},
		{"SET s aBc-1", "OK"},
		{"HELLO.TOGGLE.CASE s", "OK"},
		{"GET s", "AbC-1"},
		{"HELLO.TOGGLE.CASE missing", "OK"},
		{"EXISTS missing", 0},
		{"HELLO.COUNTER n", []any{1, "2"}},
		{"HELLO.COUNTER n 4", []any{5, "10"}},
		{"HELLO.COUNTER s", errNumber},
		{"HELLO.COUNTER n x", errNumber},
		{"HELLO.COUNTER n 1 2", plugin.ReplyError("ERR wrong number of arguments for 'hello.counter' command")},
		{"HELLO.LEFTPAD x 4 -", "---x"},
		{"HELLO.LEFTPAD long 2 -", "long"},
		{"HELLO.LEFTPAD x y -", plugin.ReplyError("ERR invalid padding length")},
		{"HELLO.LEFTPAD x 4 ab", plugin.ReplyError("ERR padding must be a single char")},
		{"HELLO.PUSH.NATIVE s 1", wrongType},
		{"HELLO.PUSH.CALL s 1", wrongType},
		{"HELLO.PUSH.CALL2 s 1", wrongType},
		{"HELLO.LIST.SUM.LEN s", wrongType},
		{"HELLO.TOGGLE.CASE l2", wrongType},
		{"HELLO.PUSH.NATIVE s", plugin.ReplyError("ERR wrong number of arguments for 'hello.push.native' command")},
	} {
		do(t, s, tt.command).Want(tt.want)
	}
	s.Do3("HELLO.COUNTER", "n3", 2).Want([]any{2, 4.0})
	if list := s.Do("HELLO.RAND.ARRAY", 1000).Elems(); len(list) != 1000 || list[0].Int() == list[999].Int() {
		t.Errorf("HELLO.RAND.ARRAY: %d elements, the first is %s", len(list), list[0])
	}
	s.Do("HELLOWORLD.RAND").Int()
	s.ReplicaEquals()
	s.Reload()
	s.ReplayAOF(nil)
}

func TestSortedSets(t *testing.T) {
	s := everything(t)
	s.Do("ZADD", "z", 1, "a", 2, "b", 2.5, "c", 4, "d", "inf", "e")
	s.Do("HELLO.ZSUMRANGE", "z", 2, 4).Want([]string{"8.5", "8.5"})
	s.Do3("HELLO.ZSUMRANGE", "z", "-inf", 1.5).Want([]float64{1, 1})
	s.Do("HELLO.ZSUMRANGE", "z", 5, 4).Want([]string{"0", "0"})
	s.Do("HELLO.ZSUMRANGE", "missing", 1, 2).Want([]string{"0", "0"})
	s.Do("HELLO.ZSUMRANGE", "z", "x", 2).Want(plugin.ReplyError("ERR invalid range"))
	s.Do("HELLO.ZSUMRANGE", "z", 1, "nan").Want(plugin.ReplyError("ERR invalid range"))

	s.Do("ZADD", "people", 0, "Ann:52", 0, "Bea:30", 0, "Carl:31", 0, "Dora", 0, "Emil:x", 0, "Fay:90")
	s.Do("HELLO.LEXRANGE", "people", "-", "+", 31, 60).Want([]string{"Ann:52", "Carl:31"})
	s.Do("HELLO.LEXRANGE", "people", "[B", "(Carl:31", 0, 100).Want([]string{"Bea:30"})
	s.Do("HELLO.LEXRANGE", "people", "[Carl:31", "[Carl:31", 31, 31).Want([]string{"Carl:31"})
	s.Do("HELLO.LEXRANGE", "people", "+", "-", 0, 100).Want([]string{})
	s.Do("HELLO.LEXRANGE", "missing", "-", "+", 0, 100).Want([]string{})
	s.Do("HELLO.LEXRANGE", "people", "B", "+", 0, 100).Want(plugin.ReplyError("ERR invalid range"))
	s.Do("HELLO.LEXRANGE", "people", "-", "+", "x", 100).Want(plugin.ReplyError("ERR invalid age"))
	s.Do("SET", "text", "x")
	for _, command := range []string{"HELLO.ZSUMRANGE text 1 2", "HELLO.LEXRANGE text - + 0 1", "HELLO.HCOPY text a b"} {
		do(t, s, command).Want(plugin.ErrWrongType)
	}
}

func TestHashes(t *testing.T) {
	s := everything(t)
	s.Do("HSET", "h", "from", "va lue", "other", 1)
	s.Stream()
	s.Do("HELLO.HCOPY", "h", "from", "to").Want(1)
	s.Do("HELLO.HCOPY", "h", "other", "to").Want(1)
	s.Do("HELLO.HCOPY", "h", "from", "from").Want(1)
	s.Do("HELLO.HCOPY", "h", "nothing", "to").Want(0)
	s.Do("HELLO.HCOPY", "missing", "a", "b").Want(0)
	s.WantStream(`HSET h to "va lue"`, "HSET h to 1", `HSET h from "va lue"`)
	s.Do("EXISTS", "missing").Want(0)
	s.Do3("HGETALL", "h").Want(map[string]string{"from": "va lue", "other": "1", "to": "1"})
	s.ReplayAOF(nil)
}

func TestMoreExpire(t *testing.T) {
	s := everything(t)
	s.Do("SET", "s", "x")
	s.Do("HELLO.MORE.EXPIRE", "s", 1000).Want("OK")
	s.Do("PTTL", "s").Want(-1)
	s.Do("PEXPIRE", "s", 1000)
	s.Do("HELLO.MORE.EXPIRE", "s", 500).Want("OK")
	s.Do("PTTL", "s").Want(1500)
	s.Do("HELLO.MORE.EXPIRE", "s", -1).Want(plugin.ReplyError("ERR invalid expire time"))
	s.Do("HELLO.MORE.EXPIRE", "missing", 1).Want("OK")
	at := s.Now().UnixMilli()
	s.WantStream("SET s x", fmt.Sprint("PEXPIREAT s ", at+1000), fmt.Sprint("PEXPIREAT s ", at+1500))
	s.ReplayAOF(nil)
}

// TestPropagation: what each of the commands tells replicas and the append-only file.
func TestPropagation(t *testing.T) {
	s := everything(t)
	s.Do("HELLO.PUSH.NATIVE", "l", "a b")
	s.Do("HELLO.PUSH.CALL", "l", "c")
	s.WantStream(`RPUSH l "a b"`, "RPUSH l c")
	s.Do("HELLO.LIST.SPLICE", "l", "m", 1)
	s.WantStream("MULTI", "RPOP l", "LPUSH m c", "EXEC")
	s.Do("HELLO.COUNTER", "n", 3)
	s.WantStream("INCRBY n 3")
	s.Do("SET", "s", "x")
	s.Do("HELLO.TOGGLE.CASE", "s")
	s.WantStream("SET s x", "SET s X KEEPTTL")
	s.Do("HELLO.REPL1").Want(0)
	s.WantStream("MULTI", "ECHO foo", "ECHO bar", "ECHO 1234", "EXEC")
	for _, command := range []string{"HELLO.LIST.SUM.LEN l", "HELLO.LEFTPAD x 4 -", "HELLO.SIMPLE", "HELLO.PUSH.CALL s x"} {
		do(t, s, command)
		s.WantStream()
	}
}

// TestVerbatim: a command that is replicated as it was sent needs its module on the replica and for the replay.
func TestVerbatim(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{AOF: true, Replica: true, ReplicaModule: OnLoad})
	s.Do("RPUSH", "l", 1, "x", 40)
	s.Do("HELLO.REPL2", "l").Want(44)
	s.Do("LRANGE", "l", 0, -1).Want([]string{"2", "1", "41"})
	s.WantStream("RPUSH l 1 x 40", "HELLO.REPL2 l")
	s.ReplicaEquals()
	s.ReplayAOF(OnLoad)
}

func TestArguments(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{Args: []string{"an argument"}})
	if log := s.Log(); !strings.Contains(log, "<helloworld> loaded with argument 0: an argument") {
		t.Errorf("the log does not have the argument:\n%s", log)
	}
	if err := s.Unload(); err != nil {
		t.Error(err)
	}
	s.Do("HELLO.SIMPLE").WantErr("unknown command")
}

// TestAllocations: on the way of a command through an open key, or through a command it calls, nothing is allocated.
func TestAllocations(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{})
	s.Do("RPUSH", "l", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	s.Do("SET", "s", "some text")
	s.Do("ZADD", "z", 1, "a", 2, "b", 2.5, "c", 4, "d", 5, "e")
	s.Do("ZADD", "people", 0, "Ann:52", 0, "Bea:30", 0, "Carl:31")
	s.Do("HSET", "h", "from", "value")
	for _, command := range []string{
		"HELLO.SIMPLE", "HELLO.LIST.SUM.LEN l", "HELLO.COUNTER n 5", "HELLO.TOGGLE.CASE s", "HELLO.ZSUMRANGE z 1 4",
		"HELLO.LEXRANGE people - + 30 60", "HELLO.HCOPY h from to",
	} {
		var args []any
		for _, word := range strings.Fields(command) {
			args = append(args, word)
		}
		if n := s.Allocs(args...); n != 0 {
			t.Errorf("%s allocates %d times", command, n)
		}
	}
}

func FuzzCommands(f *testing.F) {
	plugintest.Fuzz(f, OnLoad, plugintest.Options{ReplicaModule: OnLoad}) // HELLO.REPL2 replicates itself
}

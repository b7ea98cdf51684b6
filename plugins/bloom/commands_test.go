package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/plugin/plugintest"
)

// start runs the module with a replica that has it too, and an append-only file.
func start(t *testing.T) *plugintest.Server {
	t.Helper()
	return plugintest.New(t, OnLoad, plugintest.Options{Replica: true, ReplicaModule: OnLoad, AOF: true})
}

func TestCommands(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		command string
		want    any
	}{
		{"BF.RESERVE f 0.01 1000", "OK"},
		{"BF.RESERVE f 0.01 1000", errExists},
		{"BF.ADD f a", 1},
		{"BF.ADD f a", 0},
		{"BF.MADD f a b c", []any{0, 1, 1}},
		{"BF.EXISTS f a", 1},
		{"BF.EXISTS f z", 0},
		{"BF.EXISTS missing a", 0},
		{"BF.MEXISTS f a z b", []any{1, 0, 1}},
		{"BF.MEXISTS missing a z", []any{0, 0}},
		{"BF.CARD f", 3},
		{"BF.CARD missing", 0},
		{"BF.INSERT g NOCREATE ITEMS a", errNotFound},
		{"BF.INSERT g CAPACITY 10 ERROR 0.001 EXPANSION 4 ITEMS a b a", []any{1, 1, 0}},
		{"BF.INSERT g NOCREATE ITEMS c", []any{1}},
		{"BF.INFO g CAPACITY", []any{10}},
		{"BF.INFO g items", []any{3}},
		{"BF.INFO g EXPANSION", []any{4}},
		{"BF.INFO g FILTERS", []any{1}},
		{"BF.INFO g COLOUR", errField},
		{"BF.INFO missing", errNotFound},
		{"BF.RESERVE n 0.01 2 NONSCALING", "OK"},
		{"BF.MADD n a b", []any{1, 1}},
		{"BF.INFO n EXPANSION", []any{nil}},
		{"BF.ADD n c", plugin.ReplyError("ERR non scaling filter is full")},
		{"BF.MADD n a c d", []any{0, plugin.ReplyError("ERR non scaling filter is full")}},
		{"BF.RESERVE x 0.01 10 EXPANSION 2 NONSCALING", errNoExpansion},
		{"BF.RESERVE x 0 10", errRateRange},
		{"BF.RESERVE x 1 10", errRateRange},
		{"BF.RESERVE x nan 10", errRate},
		{"BF.RESERVE x much 10", errRate},
		{"BF.RESERVE x 0.01 0", errCapacityZero},
		{"BF.RESERVE x 0.01 ten", errCapacity},
		{"BF.RESERVE x 0.01 10 EXPANSION -1", errExpansion},
		{"BF.RESERVE x 0.01 10 EXPANSION", errUnknown},
		{"BF.RESERVE x 0.01 10 ITEMS a", errUnknown},
		{"BF.RESERVE x 0.01 9223372036854775807", plugin.ReplyError("ERR filter would be too large")},
		{"BF.INSERT x ITEMS", plugin.ReplyError("ERR wrong number of arguments for 'bf.insert' command")},
		{"BF.INSERT x CAPACITY 10 ERROR 0.1", plugin.ReplyError("ERR wrong number of arguments for 'bf.insert' command")},
		{"SET text x", "OK"},
		{"BF.ADD text a", plugin.ErrWrongType},
		{"BF.EXISTS text a", plugin.ErrWrongType},
		{"BF.CARD text", plugin.ErrWrongType},
		{"GET f", plugin.ErrWrongType},
		{"TYPE f", "bloomfltr"},
		{"EXISTS x", 0},
	} {
		var args []any
		for _, word := range strings.Fields(tt.command) {
			args = append(args, word)
		}
		s.Do(args...).Want(tt.want)
	}
	s.Do3("BF.ADD", "f", "new").Want(true)
	s.Do3("BF.MADD", "f", "new", "newer").Want([]any{false, true})
	s.Reload()
	s.Do("BF.CARD", "f").Want(5)
	replay := s.ReplayAOF(OnLoad)
	replay.Do("BF.MEXISTS", "f", "a", "newer", "newest").Want([]any{1, 1, 0})
}

// fillKey adds n items.
func fillKey(s *plugintest.Server, key string, n int) {
	for from := 0; from < n; from += 500 {
		args := []any{"BF.MADD", key}
		for i := from; i < min(n, from+500); i++ {
			args = append(args, fmt.Sprint("item:", i))
		}
		s.Do(args...).Must()
	}
}

func TestReplication(t *testing.T) {
	s := start(t)
	s.Do("BF.ADD", "f", "a").Must()
	s.WantStream("BF.ADD f a")
	s.Do("BF.ADD", "f", "a").Want(0)
	s.WantStream() // it has changed nothing
	s.Do("BF.RESERVE", "g", "0.5", "3").Must()
	s.WantStream("BF.RESERVE g 0.5 3")
}

// TestDumpAndLoad moves a filter of several layers in chunks.
func TestDumpAndLoad(t *testing.T) {
	s := start(t)
	fillKey(s, "f", 3000)
	iter := int64(0)
	for n := 0; ; n++ {
		reply := s.Do("BF.SCANDUMP", "f", iter).Elems()
		if iter = reply[0].Int(); iter == 0 {
			if n < 3 {
				t.Errorf("%d chunks for several layers", n)
			}
			break
		}
		s.Do("BF.LOADCHUNK", "copy", iter, reply[1].Text()).Want("OK")
	}
	s.Do("BF.CARD", "copy").Want(s.Do("BF.CARD", "f").Int())
	for i := range 100 {
		s.Do("BF.EXISTS", "copy", fmt.Sprint("item:", i*29)).Want(1)
	}
	s.Do("BF.LOADCHUNK", "copy", 1, "x").Want(errData)
	s.Do("BF.LOADCHUNK", "other", 1, "x").Want(errData)
	s.Do("BF.LOADCHUNK", "other", 9, "12345678").Want(errData)
	s.Do("BF.LOADCHUNK", "copy", "x", "").Want(errIter)
	s.Do("BF.LOADCHUNK", "copy", 3, "123").Want(errData)
	s.Do("BF.SCANDUMP", "f", "x").Want(errIter)
	s.Do("BF.SCANDUMP", "f", 1<<40).Want([]any{0, ""})
	s.Do("BF.SCANDUMP", "missing", 0).Want(errNotFound)
	s.Do("EXISTS", "other").Want(0)
}

// TestValue does with a filter what is done with any value.
func TestValue(t *testing.T) {
	s := start(t)
	fillKey(s, "f", 1000)
	before := s.Do("MEMORY", "USAGE", "f").Int()
	fillKey(s, "f", 20000)
	if after := s.Do("MEMORY", "USAGE", "f").Int(); after < before+20_000 {
		t.Errorf("MEMORY USAGE went from %d to %d with 19,000 items", before, after)
	}
	s.Do("COPY", "f", "g").Want(1)
	s.Do("BF.ADD", "g", "only here").Want(1)
	s.Do("BF.EXISTS", "f", "only here").Want(0)
	dump := s.Do("DUMP", "f").Text()
	s.Do("RESTORE", "h", 0, dump).Want("OK")
	s.Do("BF.EXISTS", "h", "item:7").Want(1)
	s.Do("PEXPIRE", "h", 1000).Want(1)
	s.Advance(2 * time.Second)
	s.Do("BF.EXISTS", "h", "item:7").Want(0)
	s.Do("RENAME", "f", "i").Want("OK")
	s.Do("BF.EXISTS", "i", "item:7").Want(1)
	s.Reload()
	s.Do("BF.EXISTS", "i", "item:7").Want(1)
	s.Do("BF.EXISTS", "g", "only here").Want(1)
}

func TestAllocations(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{})
	s.Do("BF.RESERVE", "f", "0.01", "1000000").Must()
	for _, command := range []string{"BF.ADD", "BF.EXISTS"} {
		if n := s.Allocs(command, "f", "item"); n != 0 {
			t.Errorf("%s allocates %d times", command, n)
		}
	}
}

func Fuzz(f *testing.F) {
	plugintest.Fuzz(f, OnLoad, plugintest.Options{Replica: true, ReplicaModule: OnLoad, AOF: true, Words: []string{
		"CAPACITY", "ERROR", "EXPANSION", "NOCREATE", "NONSCALING", "ITEMS", "0.01", "100", "SIZE",
	}})
}

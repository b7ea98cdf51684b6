package main

import (
	"math"
	"testing"

	"datastore/plugin"
	"datastore/plugin/plugintest"
)

// TestList: values are kept in order, on the replica and in the append-only file, which both need the module, and in RDB
// files, which do not.
func TestList(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{AOF: true, Replica: true, ReplicaModule: OnLoad})
	for i, n := range []int64{5, math.MaxInt64, -7, 5, math.MinInt64} {
		s.Do("HELLOTYPE.INSERT", "l", n).Want(i + 1)
	}
	inOrder := []int64{math.MinInt64, -7, 5, 5, math.MaxInt64}
	s.Do("HELLOTYPE.RANGE", "l", 0, 100).Want(inOrder)
	s.Do("HELLOTYPE.RANGE", "l", 1, 2).Want(inOrder[1:3])
	s.Do("HELLOTYPE.RANGE", "l", 9, 2).Want([]int{})
	s.Do("HELLOTYPE.LEN", "l").Want(5)
	s.Do("HELLOTYPE.LEN", "missing").Want(0)
	s.Do("TYPE", "l").Want("hellotype")
	s.WantStream("HELLOTYPE.INSERT l 5", "HELLOTYPE.INSERT l 9223372036854775807", "HELLOTYPE.INSERT l -7",
		"HELLOTYPE.INSERT l 5", "HELLOTYPE.INSERT l -9223372036854775808")

	s.Do("COPY", "l", "copy").Want(1)
	s.Do("HELLOTYPE.INSERT", "copy", 1).Want(6)
	s.Do("HELLOTYPE.LEN", "l").Want(5)
	s.Reload()
	s.ReplicaEquals()
	s.ReplayAOF(OnLoad).Do("HELLOTYPE.RANGE", "l", 0, 100).Want(inOrder)
}

func TestErrors(t *testing.T) {
	s := plugintest.New(t, OnLoad, plugintest.Options{})
	s.Do("SET", "text", "x")
	s.Do("HELLOTYPE.INSERT", "text", 1).Want(plugin.ErrWrongType)
	s.Do("HELLOTYPE.LEN", "text").Want(plugin.ErrWrongType)
	s.Do("HELLOTYPE.INSERT", "l", "x").Want(errValue)
	s.Do("EXISTS", "l").Want(0)
	s.Do("HELLOTYPE.INSERT", "l", 1).Want(1)
	s.Do("LPUSH", "l", "x").Want(plugin.ErrWrongType)
	for _, args := range [][]any{{"l", -1, 1}, {"l", 0, -1}, {"l", "x", 1}, {"missing", 0, "x"}} {
		s.Do(append([]any{"HELLOTYPE.RANGE"}, args...)...).Want(errRange)
	}
	if err := s.Unload(); err == nil {
		t.Error("a module with a type can be unloaded")
	}
}

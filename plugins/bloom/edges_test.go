package main

import (
	"strings"
	"testing"

	"datastore/plugin/plugintest"
)

// TestItemsOfAnyBytes: an item is bytes: none of them, those that are no text, and a million of them.
func TestItemsOfAnyBytes(t *testing.T) {
	s := start(t)
	long := strings.Repeat("long ", 200_000)
	for _, item := range []string{"", "\x00", "\xff\xfe\x00", "\r\n", long} {
		s.Do("BF.EXISTS", "f", item).Want(0)
		s.Do("BF.ADD", "f", item).Want(1)
		s.Do("BF.ADD", "f", item).Want(0)
		s.Do("BF.EXISTS", "f", item).Want(1)
	}
	s.Do("BF.EXISTS", "f", long[1:]).Want(0)
	s.Do("BF.MADD", "g", "", "", "a").Want([]any{1, 0, 1})
	s.Do("BF.CARD", "f").Want(5)
	s.Reload()
	s.Do("BF.MEXISTS", "f", "", "\xff\xfe\x00", "\xff\xfe", long).Want([]any{1, 1, 0, 1})
}

// TestNoExpansion: EXPANSION 0 is NONSCALING in other words.
func TestNoExpansion(t *testing.T) {
	s := start(t)
	s.Do("BF.RESERVE", "a", "0.01", 2, "EXPANSION", 0).Want("OK")
	s.Do("BF.RESERVE", "b", "0.01", 2, "NONSCALING", "EXPANSION", 0).Want("OK")
	s.Do("BF.INSERT", "c", "EXPANSION", 0, "CAPACITY", 2, "ITEMS", "x").Want([]any{1})
	for _, key := range []string{"a", "b", "c"} {
		s.Do("BF.INFO", key, "EXPANSION").Want([]any{nil})
		s.Do("BF.MADD", key, "x", "y")
		s.Do("BF.ADD", key, "z").WantErr("non scaling filter is full")
	}
}

// TestInsertOptions: they may come in any order and any case; ITEMS is the last one, whatever the items look like.
func TestInsertOptions(t *testing.T) {
	s := start(t)
	options := []string{"CAPACITY 7", "error 0.25", "Expansion 3"}
	for i, key := range []string{"a", "b", "c"} {
		args := []any{"BF.INSERT", key}
		for j := range options {
			for _, word := range strings.Fields(options[(i+j)%len(options)]) {
				args = append(args, word)
			}
		}
		s.Do(append(args, "items", "x")...).Want([]any{1})
		s.Do("BF.INFO", key, "CAPACITY").Want([]any{7})
		s.Do("BF.INFO", key, "EXPANSION").Want([]any{3})
	}
	s.Do("BF.INSERT", "d", "ITEMS", "ITEMS", "NOCREATE").Want([]any{1, 1})
	s.Do("BF.MEXISTS", "d", "NOCREATE", "ITEMS").Want([]any{1, 1})
	s.Do("BF.INSERT", "e", "NOCREATE", "CAPACITY", 10, "ITEMS", "x").Want(errNotFound)
	s.Do("BF.INSERT", "e", "CAPACITY", "ITEMS", "x").Want(errCapacity)
	s.Do("BF.INSERT", "e", "CAPACITY", 10, "x").Want(errUnknown)
	s.Do("BF.INSERT", "d", "ERROR", 5, "ITEMS", "x").Want(errRateRange) // also for a filter that is there
	s.Do("EXISTS", "e").Want(0)
}

// TestDumpToAnotherServer: a dump is the same filter there, in chunks that come in order.
func TestDumpToAnotherServer(t *testing.T) {
	s := start(t)
	fillKey(s, "f", 3000)
	s.Do("BF.RESERVE", "large", "0.001", 10_000_000).Want("OK") // more than one chunk
	fillKey(s, "large", 1000)
	s.Do("BF.RESERVE", "n", "0.01", 10, "NONSCALING").Want("OK")
	for _, key := range []string{"f", "large", "n"} {
		other := plugintest.New(t, OnLoad, plugintest.Options{})
		for iter := int64(0); ; {
			chunk := s.Do("BF.SCANDUMP", key, iter).Elems()
			if iter = chunk[0].Int(); iter == 0 {
				break
			}
			other.Do("BF.LOADCHUNK", key, iter, chunk[1].Text()).Want("OK")
		}
		for _, question := range [][]any{{"DEBUG", "DIGEST-VALUE", key}, {"BF.INFO", key}, {"BF.MEXISTS", key, "item:1", "item:999", "x"}} {
			other.Do(question...).WantRaw(s.Do(question...).Raw)
		}
		if key != "n" {
			other.Do("BF.ADD", key, "item:1").Want(0)
		}
		other.Do("BF.ADD", key, "new").Want(1)
	}
}

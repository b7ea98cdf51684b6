// Package plugintest tests modules with go test: it runs the real daemon inside the test's process, with the module
// linked in, so that a test needs no .so file, no build of the daemon and no port.
//
//	package main
//
//	import (
//		"testing"
//
//		"datastore/plugin"
//		"datastore/plugin/plugintest"
//	)
//
//	func TestPush(t *testing.T) {
//		s := plugintest.New(t, OnLoad, plugintest.Options{Replica: true})
//		s.Do("HELLO.PUSH", "list", "a").Want(1)
//		s.Do("SET", "text", "x").Want("OK")
//		s.Do("HELLO.PUSH", "text", "a").Want(plugin.ErrWrongType)
//		s.WantStream("RPUSH list a", "SET text x")
//		s.Reload()
//	}
//
// It owns what an author cannot see from outside: what a command propagated (Stream), whether a replica and a replay of
// the append-only file without the module arrive at the same data (ReplicaEquals, ReplayAOF), whether the data survives
// a save and a load (Reload), what a command allocates (Allocs), and time, which stands still until Advance. Fuzz feeds
// all commands of a module random arguments and checks all of this after each of them.
//
// Checks are on unless Options turns them off: a test fails when the module breaks a rule of the SDK that the host
// notices, or panics, and, with Options.Replica, when the replica differs at the end.
//
// It refuses to simulate: what answers is the server's own code, so a test passes here if and only if it passes against
// the daemon, except for what makes a plugin a plugin. That the .so builds and loads is for a test with the daemon.
//
// # Isolation
//
// A Server belongs to the test that made it. Subtests start their own, which takes a few milliseconds.
//
// Every Server has its own keyspace, directory and clock, and tests may run in parallel. Package variables of the module
// are shared by all servers of the test's process, as they are by several loads in the daemon: OnLoad must set them, and
// tests of a module that has some must not run in parallel. os.Exit, a panic in a goroutine that the module started, and
// a stack overflow end the test's process, as they end the daemon.
//
// Propagation (Stream, Replica, Fuzz) needs Linux.
package plugintest

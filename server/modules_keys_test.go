package server_test

import (
	"fmt"
	"testing"

	"datastore/server/servertest"
)

// What a module writes through keys of every type comes back from the append-only file without the module.
func TestModuleWritesAreReplayedWithoutTheModule(t *testing.T) {
	path := servertest.BuildModule(t, "server/testdata/modules/aggregates")
	s := servertest.Start(t, "--loadmodule", path, "--appendonly", "yes", "--enable-debug-command", "yes")
	for _, n := range []string{"1", "20", "1000"} {
		if got := s.Must("AGGREGATES.WRITE", n); fmt.Sprint(got.Int) != n {
			t.Errorf("AGGREGATES.WRITE %s: %s", n, got)
		}
	}
	for command, key := range map[string]string{"LLEN": "list", "SCARD": "set", "HLEN": "hash", "ZCARD": "zset"} {
		if a, b := s.Must("AGGREGATES.READ", key).Int, s.Must(command, key).Int; a != b || a < 600 {
			t.Errorf("%s: a loop finds %d elements, there are %d", key, a, b)
		}
	}
	s.MustSurviveReload()
	digest := s.Digest()
	s.Restart("--appendonly", "yes", "--enable-debug-command", "yes")
	if got := s.Digest(); got != digest {
		t.Errorf("digest %s after a restart without the module, %s before", got, digest)
	}
	if got := s.Must("MODULE", "LIST").String(); got != "[]" {
		t.Errorf("modules after the restart: %s", got)
	}
}

// Rules: KEY-2, KEY-3.
func TestModulesAndAccesses(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", servertest.BuildModule(t, "server/testdata/modules/aggregates"))
	c, other := s.Dial(), s.Dial()
	for _, key := range []string{"missing", "k"} {
		c.Must("WATCH", key)
		c.Must("MULTI")
		c.Must("PING")
		other.Must("AGGREGATES.SIGNAL", key)
		if r := c.Do("EXEC"); !r.Null {
			t.Errorf("EXEC after a signal for %s: %s", key, r)
		}
		c.Must("SET", "k", "v")
	}
	c.Must("CONFIG", "RESETSTAT")
	c.Must("DEL", "k")
	c.Must("SADD", "k", "1", "2")
	wantReply(t, c, "AGGREGATES.READ k", "(integer) 2")
	wantReply(t, c, "AGGREGATES.READ missing", "(integer) 0")
	c.Must("AGGREGATES.WRITE", "5")
	if hits, misses := s.Info("keyspace_hits"), s.Info("keyspace_misses"); hits != "1" || misses != "1" {
		t.Errorf("%s hits, %s misses", hits, misses)
	}
}

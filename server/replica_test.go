package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"datastore/server/servertest"
)

const syncTimeout = 20 * time.Second

// replicaTestDirectives make replication quick to test.
func replicaTestDirectives(more ...string) []string {
	return append([]string{"--enable-debug-command", "yes", "--repl-ping-replica-period", "1"}, more...)
}

func startPrimary(t *testing.T, more ...string) *servertest.Server {
	t.Helper()
	return servertest.Start(t, replicaTestDirectives(more...)...)
}

func startRedisPrimary(t *testing.T, more ...string) *servertest.Server {
	t.Helper()
	return servertest.StartRedis(t, replicaTestDirectives(append([]string{"--repl-diskless-sync-delay", "0"}, more...)...)...)
}

// replicate makes one server the replica of another and waits for the link.
func replicate(replica, primary *servertest.Server) {
	replica.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(primary.Port))
	waitUp(replica)
}

func waitUp(replica *servertest.Server) {
	replica.Eventually("master_link_status:up", syncTimeout, func() bool {
		return replica.Info("master_link_status") == "up"
	})
}

// sameData waits until the replica has everything that the primary has, by offset and then by digest.
func sameData(t *testing.T, primary *servertest.Server, replicas ...*servertest.Server) {
	t.Helper()
	want := primary.Must("DEBUG", "DIGEST").Str
	for _, r := range replicas {
		r.Eventually("digest of the primary", syncTimeout, func() bool { return r.Must("DEBUG", "DIGEST").Str == want })
	}
}

// fillAll writes every type, small and large, into two databases.
func fillAll(c *servertest.Server, tag string) {
	for db := range 2 {
		c.Must("SELECT", strconv.Itoa(db*3))
		for i := range 300 {
			n := strconv.Itoa(i)
			c.Must("SET", tag+"s"+n, strings.Repeat(n, i))
			c.Must("RPUSH", tag+"list", "e"+n)
			c.Must("SADD", tag+"ints", n)
			c.Must("SADD", tag+"set", "m"+n)
			c.Must("HSET", tag+"hash", "f"+n, "v"+n)
			c.Must("ZADD", tag+"zset", n+".25", "z"+n)
		}
		c.Must("HSET", tag+"small", "a", "1")
		c.Must("SET", tag+"volatile", "v", "EX", "1000")
	}
	c.Must("SELECT", "0")
}

// change writes through every way that resolves something before it is logged.
func change(c *servertest.Server, tag string) {
	c.Must("INCRBYFLOAT", tag+"float", "0.1")
	c.Must("SPOP", tag+"set", "3")
	c.Must("EXPIRE", tag+"s7", "500")
	c.Must("LPOP", tag+"list", "2")
	c.Must("SELECT", "3")
	c.Must("MULTI")
	c.Must("INCR", tag+"n")
	c.Must("HINCRBYFLOAT", tag+"hash", "f1x", "1.5")
	c.Must("SELECT", "0")
	c.Must("DEL", tag+"s9", tag+"s10")
	c.Must("EXEC")
	c.Must("SELECT", "0")
	c.Must("SETEX", tag+"late", "900", "x")
}

// TestReplicationBothWays replicates between our servers and redis-server 7.0 in every combination that has one of ours.
func TestReplicationBothWays(t *testing.T) {
	ours := func(t *testing.T) *servertest.Server { return startPrimary(t) }
	goroutines := func(t *testing.T) *servertest.Server { return startPrimary(t, "--event-loop", "goroutines") }
	redis := func(t *testing.T) *servertest.Server { return startRedisPrimary(t) }
	for _, tc := range []struct {
		name             string
		primary, replica func(*testing.T) *servertest.Server
	}{
		{"ours to ours", ours, ours},
		{"ours to ours without epoll", goroutines, goroutines},
		{"ours to redis", ours, redis},
		{"redis to ours", redis, ours},
		{"redis from disk to ours", func(t *testing.T) *servertest.Server {
			return startRedisPrimary(t, "--repl-diskless-sync", "no")
		}, ours},
	} {
		t.Run(tc.name, func(t *testing.T) {
			primary, replica := tc.primary(t), tc.replica(t)
			fillAll(primary, "before:")
			replica.Must("SET", "own", "data that the snapshot replaces")
			replicate(replica, primary)
			sameData(t, primary, replica)
			change(primary, "before:")
			fillAll(primary, "after:")
			change(primary, "after:")
			sameData(t, primary, replica)
			if n := primary.Must("WAIT", "1", "5000").Int; n != 1 {
				t.Errorf("WAIT 1 gave %d", n)
			}
			if reply := replica.Do("SET", "a", "b"); !strings.HasPrefix(reply.Str, "READONLY") {
				t.Errorf("write to the replica: %s", reply.Str)
			}
			replica.Eventually("equal offsets", syncTimeout, func() bool {
				return replica.Info("slave_repl_offset") == primary.Info("master_repl_offset")
			})
			if a, b := replica.Info("master_replid"), primary.Info("master_replid"); a != b {
				t.Errorf("replication IDs %s and %s", a, b)
			}
			replica.Must("REPLICAOF", "NO", "ONE")
			replica.Must("SET", "promoted", "yes")
			if id2, id := replica.Info("master_replid2"), primary.Info("master_replid"); id2 != id {
				t.Errorf("second replication ID %s, want %s", id2, id)
			}
		})
	}
}

// TestReplicationInfo compares the fields of INFO and the forms of ROLE with redis-server's.
func TestReplicationInfo(t *testing.T) {
	fields := func(s *servertest.Server) string {
		var names []string
		for _, line := range strings.Split(s.Must("INFO", "replication").Str, "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			names = append(names, name)
		}
		return strings.Join(names, "\n")
	}
	ours, theirs := [2]*servertest.Server{startPrimary(t), startPrimary(t)}, [2]*servertest.Server{startRedisPrimary(t), startRedisPrimary(t)}
	compare := func(what string) {
		t.Helper()
		for i := range ours {
			if a, b := fields(ours[i]), fields(theirs[i]); a != b {
				t.Errorf("%s, server %d: ours\n%s\nwant\n%s", what, i, a, b)
			}
			a, b := ours[i].Must("ROLE"), theirs[i].Must("ROLE")
			if len(a.Elems) != len(b.Elems) || a.Elems[0].Str != b.Elems[0].Str {
				t.Errorf("%s, server %d: ROLE %v, want %v", what, i, a, b)
			}
		}
	}
	compare("alone")
	for _, pair := range [][2]*servertest.Server{ours, theirs} {
		replicate(pair[1], pair[0])
		pair[0].Eventually("state=online", syncTimeout, func() bool {
			return strings.Contains(pair[0].Info("slave0"), ",state=online,")
		})
	}
	compare("connected")
	for _, pair := range [][2]*servertest.Server{ours, theirs} {
		pair[0].Must("CONFIG", "SET", "min-replicas-to-write", "1")
	}
	compare("with min-replicas-to-write")
	want := fmt.Sprintf("ip=127.0.0.1,port=%d,state=online,offset=", ours[1].Port)
	if got := ours[0].Info("slave0"); !strings.HasPrefix(got, want) {
		t.Errorf("slave0:%s, want %s…", got, want)
	}
	for _, pair := range [][2]*servertest.Server{ours, theirs} {
		pair[0].Kill()
		pair[0].Restart()
		pair[1].Must("REPLICAOF", "127.0.0.1", "1")
		pair[1].Eventually("link is down", syncTimeout, func() bool { return pair[1].Info("master_link_status") == "down" })
	}
	compare("link down")
}

// TestReplicationChain has changes go through a middle server, with the bytes and offsets of the first.
func TestReplicationChain(t *testing.T) {
	a, b, c := startPrimary(t), startPrimary(t), startPrimary(t)
	fillAll(a, "x")
	replicate(b, a)
	a.Must("SELECT", "5")
	a.Must("SET", "selects", "database 5")
	sameData(t, a, b)
	replicate(c, b) // the stream stands in database 5 and will not say so again
	a.Must("SET", "after", "c joined")
	sameData(t, a, b, c)
	change(a, "x")
	sameData(t, a, b, c)
	for _, s := range []*servertest.Server{b, c} {
		s.Eventually("equal offsets", syncTimeout, func() bool {
			return s.Info("master_repl_offset") == a.Info("master_repl_offset")
		})
	}
	if a.Info("master_replid") != c.Info("master_replid") {
		t.Error("replication IDs differ along the chain")
	}
	if reply := b.Do("WAIT", "1", "1"); !strings.HasPrefix(reply.Str, "ERR WAIT cannot be used with replica") {
		t.Errorf("WAIT on a replica: %s", reply.Str)
	}
	a.Kill()
	b.Eventually("link is down", syncTimeout, func() bool { return b.Info("master_link_status") == "down" })
	b.Must("REPLICAOF", "NO", "ONE")
	waitUp(c)
	b.Must("SET", "new", "primary")
	sameData(t, b, c)
}

// TestReplicationKill kills either side again and again under writes.
func TestReplicationKill(t *testing.T) {
	primary := startPrimary(t, "--appendonly", "yes")
	replica := startPrimary(t, "--appendonly", "yes", "--replicaof", "127.0.0.1", strconv.Itoa(primary.Port))
	for round := range 4 {
		waitUp(replica)
		fillAll(primary, fmt.Sprintf("round%d:", round))
		victim := primary
		if round%2 == 0 {
			victim = replica
		}
		victim.Signal(syscall.SIGKILL)
		victim.Restart()
	}
	waitUp(replica)
	sameData(t, primary, replica)
	want := primary.Must("DEBUG", "DIGEST").Str
	change(primary, "round3:")
	sameData(t, primary, replica)
	if want == primary.Must("DEBUG", "DIGEST").Str {
		t.Error("nothing has changed")
	}
	want = replica.Must("DEBUG", "DIGEST").Str
	primary.Kill()
	replica.Signal(syscall.SIGKILL)
	replica.Restart("--enable-debug-command", "yes", "--appendonly", "yes")
	if got := replica.Must("DEBUG", "DIGEST").Str; got != want {
		t.Errorf("the replica's own AOF gives digest %s, want %s", got, want)
	}
}

// TestReplicationWait checks WAIT with none, one and two replicas.
func TestReplicationWait(t *testing.T) {
	primary := startPrimary(t)
	expect := func(want int64, args ...string) {
		t.Helper()
		if reply := primary.Must(append([]string{"WAIT"}, args...)...); reply.Int != want {
			t.Errorf("WAIT %v gave %d, want %d", args, reply.Int, want)
		}
	}
	expect(0, "0", "0")
	begin := time.Now()
	expect(0, "1", "200")
	if d := time.Since(begin); d < 150*time.Millisecond {
		t.Errorf("WAIT 1 200 came back after %v", d)
	}
	one, two := startPrimary(t), startPrimary(t)
	replicate(one, primary)
	primary.Must("SET", "a", "1")
	expect(1, "1", "5000")
	expect(1, "0", "0")
	replicate(two, primary)
	primary.Must("SET", "a", "2")
	expect(2, "2", "5000")
	one.Signal(syscall.SIGSTOP)
	one.Eventually("it has stopped", 5*time.Second, func() bool { return stopped(t, one.PID()) })
	primary.Must("SET", "a", "3")
	expect(1, "2", "300")
	one.Signal(syscall.SIGCONT)
	expect(2, "2", "5000")
	primary.Must("MULTI")
	primary.Must("SET", "a", "4")
	primary.Must("WAIT", "2", "1000")
	if reply := primary.Must("EXEC"); len(reply.Elems) != 2 || reply.Elems[1].Type != ':' {
		t.Errorf("WAIT in a transaction: %v", reply)
	}
}

// stopped reports whether all threads of a process have taken notice of SIGSTOP, which they do one by one.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads of process %d: %v", pid, err)
	}
	for _, name := range tasks {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// TestReplicationExpiry checks that a replica hides what has expired and leaves its deletion to the primary.
func TestReplicationExpiry(t *testing.T) {
	primary, replica := startPrimary(t), startPrimary(t)
	primary.Must("DEBUG", "SET-ACTIVE-EXPIRE", "0")
	primary.Must("SET", "k", "v", "PX", "300")
	primary.Must("RPUSH", "list", "a")
	primary.Must("PEXPIRE", "list", "300")
	replicate(replica, primary)
	sameData(t, primary, replica)
	time.Sleep(400 * time.Millisecond)
	if n := replica.Must("EXISTS", "k").Int; n != 0 {
		t.Error("the replica shows an expired key")
	}
	if n := replica.Must("DBSIZE").Int; n != 2 {
		t.Errorf("the replica has %d keys, want 2: it must not delete by itself", n)
	}
	primary.Must("GET", "k") // deletes it
	primary.Must("RPUSH", "list", "b")
	sameData(t, primary, replica)
	if n := replica.Must("DBSIZE").Int; n != 1 {
		t.Errorf("the replica has %d keys, want 1", n)
	}
}

// TestReplicationMinReplicas checks min-replicas-to-write.
func TestReplicationMinReplicas(t *testing.T) {
	primary := startPrimary(t, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "2")
	if reply := primary.Do("SET", "a", "b"); reply.Str != "NOREPLICAS Not enough good replicas to write." {
		t.Errorf("without replicas: %s", reply.Str)
	}
	replica := startPrimary(t)
	replicate(replica, primary)
	primary.Eventually("writes are accepted", syncTimeout, func() bool { return !primary.Do("SET", "a", "b").IsError() })
	replica.Signal(syscall.SIGSTOP)
	primary.Eventually("writes are refused", syncTimeout, func() bool { return primary.Do("SET", "a", "b").IsError() })
	primary.Must("GET", "a")
	replica.Signal(syscall.SIGCONT)
	primary.Eventually("writes are accepted", syncTimeout, func() bool { return !primary.Do("SET", "a", "b").IsError() })
}

// TestReplicationAuth checks masterauth, right and wrong.
func TestReplicationAuth(t *testing.T) {
	primary := startPrimary(t, "--requirepass", "secret")
	primary.Must("AUTH", "secret")
	primary.Must("SET", "a", "b")
	replica := startPrimary(t, "--masterauth", "wrong")
	replica.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(primary.Port))
	replica.WaitLog("Unable to AUTH to MASTER", syncTimeout)
	replica.Must("CONFIG", "SET", "masterauth", "secret")
	waitUp(replica)
	if v := replica.Must("GET", "a").Str; v != "b" {
		t.Errorf("GET a: %q", v)
	}
}

// TestReplicaOfArguments checks the refusals of REPLICAOF and what CONFIG tells.
func TestReplicaOfArguments(t *testing.T) {
	s := startPrimary(t)
	for _, tc := range [][3]string{
		{"127.0.0.1", "99999", "ERR Invalid master port"},
		{"127.0.0.1", "x", "ERR Invalid master port"},
		{"localhost", strconv.Itoa(s.Port), "ERR REPLICAOF would make this server a replica of itself"},
		{"127.0.0.1", strconv.Itoa(s.Port), "ERR REPLICAOF would make this server a replica of itself"},
		{"169.254.169.254", "80", "ERR REPLICAOF a link-local address is not allowed"},
	} {
		if reply := s.Do("REPLICAOF", tc[0], tc[1]); reply.Str != tc[2] {
			t.Errorf("REPLICAOF %s %s: %s", tc[0], tc[1], reply.Str)
		}
	}
	s.Must("REPLICAOF", "127.0.0.1", "1")
	if v := s.Must("CONFIG", "GET", "replicaof").Elems[1].Str; v != "127.0.0.1 1" {
		t.Errorf("replicaof is %q", v)
	}
	if reply := s.Must("REPLICAOF", "127.0.0.1", "1"); reply.Str != "OK Already connected to specified master" {
		t.Errorf("again: %s", reply.Str)
	}
	s.Must("CONFIG", "SET", "replica-serve-stale-data", "no")
	if reply := s.Do("GET", "a"); !strings.HasPrefix(reply.Str, "MASTERDOWN") {
		t.Errorf("stale read: %s", reply.Str)
	}
	s.Must("CONFIG", "SET", "replica-serve-stale-data", "yes")
	other := startPrimary(t)
	other.Must("REPLICAOF", "127.0.0.1", strconv.Itoa(s.Port))
	other.WaitLog("NOMASTERLINK", syncTimeout)
	s.Must("REPLICAOF", "NO", "ONE")
	waitUp(other)
	if v := s.Must("CONFIG", "GET", "replicaof").Elems[1].Str; v != "" {
		t.Errorf("replicaof is %q", v)
	}
}

package server_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"datastore/server/servertest"
)

func blocker(t *testing.T) string {
	return servertest.BuildModule(t, "server/testdata/modules/blocker")
}

func startBlocker(t *testing.T, more ...string) *servertest.Server {
	t.Helper()
	return servertest.Start(t, append([]string{"--enable-module-command", "local", "--loadmodule", blocker(t)}, more...)...)
}

const blockedTimeout = 20 * time.Second

// blockedClients waits until so many clients are blocked.
func blockedClients(s *servertest.Server, n int) {
	s.Eventually(fmt.Sprint("blocked_clients:", n), blockedTimeout, func() bool { return s.Info("blocked_clients") == strconv.Itoa(n) })
}

func wantReceived(t *testing.T, c *servertest.Conn, want string) {
	t.Helper()
	if got := c.Receive().String(); got != want {
		t.Errorf("received %s, want %s", got, want)
	}
}

// eachDriver runs a test with the event loop and with a goroutine per connection.
func eachDriver(t *testing.T, f func(t *testing.T, directives ...string)) {
	t.Run("epoll", func(t *testing.T) { f(t) })
	t.Run("goroutines", func(t *testing.T) { f(t, "--event-loop", "goroutines") })
}

// TestModuleBlocks: replies, their order in a pipeline, both protocols, the timeout and CLIENT UNBLOCK.
//
// Rules: BLK-1, BLK-2, BLK-3, CALL-4.
func TestModuleBlocks(t *testing.T) {
	eachDriver(t, func(t *testing.T, directives ...string) {
		s := startBlocker(t, directives...)
		c, other := s.Dial(), s.Dial()
		c.Resp3()
		other.Send("BLOCKER.WAIT")
		blockedClients(s, 1)
		c.Send("BLOCKER.WAIT", "100000")
		c.Send("PING")
		blockedClients(s, 2)
		if got := s.Info("clients_in_timeout_table"); got != "1" {
			t.Errorf("clients_in_timeout_table %s", got)
		}
		if !c.Silent(50 * time.Millisecond) {
			t.Error("a blocked client is served")
		}
		if got := s.Do("BLOCKER.RELEASE", "text").Int; got != 2 {
			t.Errorf("released %d", got)
		}
		wantReceived(t, other, `["0.5" "text"]`)
		wantReceived(t, c, `[(double) 1 "text"]`)
		wantReceived(t, c, "PONG")
		got := c.Pipeline([]string{"ECHO", "1"}, []string{"BLOCKER.NOW", "2"}, []string{"ECHO", "3"}, []string{"BLOCKER.NOW", "4"}, []string{"BLOCKER.DO", "k"},
			[]string{"ECHO", "6"})
		if text := fmt.Sprint(got); text != `["1" "2" "3" "4" (integer) 2 "6"]` {
			t.Errorf("pipeline: %s", text)
		}
		wantReply(t, c, "BLOCKER.WAIT 20", "TIMEOUT")
		id := c.Do("CLIENT", "ID").Int
		for how, reply := range map[string]string{"TIMEOUT": "TIMEOUT", "ERROR": "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK"} {
			c.Send("BLOCKER.WAIT", "100000")
			blockedClients(s, 1)
			wantReply(t, other, fmt.Sprint("CLIENT UNBLOCK ", id, " ", how), "(integer) 1")
			wantReply(t, other, fmt.Sprint("CLIENT UNBLOCK ", id, " ", how), "(integer) 0")
			wantReceived(t, c, reply)
		}
		s.Do("BLOCKER.RELEASE", "x") // the handle of the one that got the error
		c.Send("BLOCKER.WAIT")
		blockedClients(s, 1)
		for _, how := range []string{"TIMEOUT", "ERROR"} { // no timeout callback
			wantReply(t, other, fmt.Sprint("CLIENT UNBLOCK ", id, " ", how), "(integer) 0")
		}
		s.Do("BLOCKER.RELEASE", "y")
		wantReceived(t, c, `[(double) 0.5 "y"]`)

		c.Must("MULTI")
		c.Must("BLOCKER.WAIT")
		wantReply(t, c, "EXEC", "[(error) ERR Blocking module command called from transaction]")
		wantReply(t, c, "BLOCKER.CALL BLOCKER.WAIT", "(error) ERR Blocking module command called where its client cannot wait")
		wantReply(t, c, "BLOCKER.WAIT -5", "(error) ERR timeout is out of range")
		wantReply(t, c, "BLOCKER.DEADLOCK", "(error) ERR a callback has the execution lock already")
		if r := s.Info("module_blocker"); !strings.HasSuffix(r, "blocked=0,goroutines=0") || !strings.Contains(r, "misuses=0,") {
			t.Errorf("INFO: %s", r)
		}
	})
}

// TestModuleBlockedClientGoes: CLIENT KILL and the end of a connection, CLIENT LIST and INFO, output limits, WAIT.
//
// Rules: BLK-4, BLK-10.
func TestModuleBlockedClientGoes(t *testing.T) {
	eachDriver(t, func(t *testing.T, directives ...string) {
		s := startBlocker(t, directives...)
		c := s.Dial()
		id := fmt.Sprint(c.Do("CLIENT", "ID").Int)
		c.Send("BLOCKER.WAIT")
		blockedClients(s, 1)
		if list := s.Do("CLIENT", "LIST", "ID", id).Str; !strings.Contains(list, " flags=b ") || !strings.Contains(list, "cmd=blocker.wait ") {
			t.Errorf("CLIENT LIST: %s", list)
		}
		wantReply(t, s.Dial(), "CLIENT KILL ID "+id, "(integer) 1")
		if _, err := c.ReadAll(); err != nil {
			t.Error(err)
		}
		s.WaitLog("<blocker> client gone", blockedTimeout)
		s.WaitLog("<blocker> freed, gone: true", blockedTimeout)
		blockedClients(s, 0)
		closed := s.Dial()
		closed.Send("BLOCKER.WAIT", "100000")
		blockedClients(s, 1)
		closed.Close()
		blockedClients(s, 0)
		s.Eventually("both were told", blockedTimeout, func() bool { return strings.Count(s.Log(), "<blocker> client gone") == 2 })
		if r := s.Info("module_blocker"); !strings.Contains(r, "blocked=0,") {
			t.Errorf("INFO: %s", r)
		}

		s.Must("CONFIG", "SET", "client-output-buffer-limit", "normal 100000 0 0")
		greedy := s.Dial()
		greedy.Send("BLOCKER.BIG", "20000000")
		if b, err := greedy.ReadAll(); err == nil && len(b) > 10000000 {
			t.Errorf("got %d bytes in spite of the limit", len(b))
		}
		s.Eventually("the limit is counted", blockedTimeout, func() bool { return s.Info("client_output_buffer_limit_disconnections") == "1" })

		after := s.Dial()
		got := after.Pipeline([]string{"BLOCKER.DO", "k"}, []string{"WAIT", "0", "0"}, []string{"WAIT", "1", "20"})
		if text := fmt.Sprint(got); text != "[(integer) 2 (integer) 0 (integer) 0]" {
			t.Errorf("WAIT: %s", text)
		}
	})
}

// TestModuleBlocksOnKeys: by every way in which a key comes and goes.
//
// Rules: BLK-7, BLK-8.
func TestModuleBlocksOnKeys(t *testing.T) {
	eachDriver(t, func(t *testing.T, directives ...string) {
		s := startBlocker(t, directives...)
		list := []*servertest.Conn{s.Dial(), s.Dial(), s.Dial()}
		other := s.Dial()
		for i, c := range list {
			c.Send("BLOCKER.LONG", "l", fmt.Sprint(1+2*i))
			blockedClients(s, i+1)
		}
		other.Must("ZADD", "l", "1", "m") // of another type: tried in vain
		other.Must("DEL", "l")
		other.Must("MULTI")
		other.Must("RPUSH", "l", "1")
		other.Must("RPUSH", "l", "2", "3")
		other.Must("EXEC")
		wantReceived(t, list[0], "(integer) 3")
		wantReceived(t, list[1], "(integer) 3")
		other.Must("RPUSH", "l", "4", "5")
		if !list[2].Silent(50 * time.Millisecond) {
			t.Error("a key that had a value was tried without a signal")
		}
		other.Must("BLOCKER.SIGNAL", "l")
		wantReceived(t, list[2], "(integer) 5")

		for _, command := range []string{"DEL l", "FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "RENAME l m", "SET l v", "PEXPIRE l 10"} {
			other.Must("FLUSHALL")
			other.Must("RPUSH", "l", "x")
			list[0].Send("BLOCKER.GONE", "l")
			blockedClients(s, 1)
			other.Must(strings.Fields(command)...)
			if strings.HasPrefix(command, "SET") {
				other.Must("UNLINK", "l")
			}
			wantReceived(t, list[0], "GONE")
		}
		other.Must("FLUSHALL")
		list[0].Send("BLOCKER.LONG", "l", "1")
		blockedClients(s, 1)
		other.Must("SELECT", "1")
		other.Must("RPUSH", "l", "x")
		other.Must("SWAPDB", "0", "1")
		wantReceived(t, list[0], "(integer) 1")
		blockedClients(s, 0)
	})
}

// TestModuleMeasures: what a goroutine has measured is time of the command, in statistics and in the slow log, and one sample.
//
// Rules: BLK-9.
func TestModuleMeasures(t *testing.T) {
	s := startBlocker(t, "--slowlog-log-slower-than", "70000")
	c := s.Dial()
	c.Must("CLIENT", "SETNAME", "who")
	usec := func() int {
		fields := s.Info("cmdstat_blocker.measure")
		_, text, _ := strings.Cut(fields, "usec=")
		text, _, _ = strings.Cut(text, ",")
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Errorf("%q: %v", fields, err)
		}
		return n
	}
	wantReply(t, c, "BLOCKER.MEASURE 0 100", "OK")
	if n := usec(); n > 60_000 {
		t.Errorf("%d µs without a measurement", n)
	}
	wantReply(t, c, "BLOCKER.MEASURE 100 0", "OK")
	if n := usec(); n < 100_000 || n > 600_000 {
		t.Errorf("%d µs of 100 ms measured", n)
	}
	if fields := s.Info("cmdstat_blocker.measure"); !strings.HasPrefix(fields, "calls=2,") {
		t.Errorf("commandstats: %s", fields)
	}
	histogram := c.Must("LATENCY", "HISTOGRAM", "blocker.measure")
	if text := histogram.String(); !strings.Contains(text, `"calls" (integer) 2`) {
		t.Errorf("LATENCY HISTOGRAM: %s", text)
	}
	if p := s.Info("latency_percentiles_usec_blocker.measure"); !strings.Contains(p, "p99=1") {
		t.Errorf("latency: %s", p)
	}
	slow := c.Must("SLOWLOG", "GET").Elems
	if len(slow) != 1 || fmt.Sprint(slow[0].Elems[3].Strings()) != "[BLOCKER.MEASURE 100 0]" || slow[0].Elems[2].Int < 100_000 ||
		slow[0].Elems[4].Str != c.Net.LocalAddr().String() || slow[0].Elems[5].Str != "who" {
		t.Errorf("SLOWLOG GET: %v", slow)
	}
	c.Must("CONFIG", "SET", "slowlog-log-slower-than", "0")
	c.Must("SLOWLOG", "RESET")
	wantReply(t, c, "BLOCKER.MEASURE 0 1", "OK")
	if slow := c.Must("SLOWLOG", "GET").Elems; len(slow) != 2 || fmt.Sprint(slow[0].Elems[3].Strings()) != "[BLOCKER.MEASURE 0 1]" {
		t.Errorf("one execution is not one entry: %v", slow)
	}
	c.Must("SLOWLOG", "RESET")
	wantReply(t, c, "BLOCKER.DO x", "(integer) 2")
	var shown []string
	for _, e := range c.Must("SLOWLOG", "GET").Elems {
		shown = append(shown, strings.Join(e.Elems[3].Strings(), " "))
	}
	if got := strings.Join(shown, ", "); got != "BLOCKER.DO x, INCR x2, INCR x1, SLOWLOG RESET" {
		t.Errorf("calls for a blocked client: %s", got)
	}
}

// TestModuleCallbacksThatDoNotReturn: the client gets one error, and the server goes on.
func TestModuleCallbacksThatDoNotReturn(t *testing.T) {
	eachDriver(t, func(t *testing.T, directives ...string) {
		s := startBlocker(t, append(directives, "--appendonly", "yes")...)
		c := s.Dial()
		for range 3 {
			wantReply(t, c, "BLOCKER.BAD panic", "(error) MODULEPANIC blocker: told to panic")
			wantReply(t, c, "BLOCKER.BAD goexit", "(error) MODULEPANIC blocker: runtime.Goexit")
			wantReply(t, c, "BLOCKER.GOPANIC", "OK")
			wantReply(t, c, "PING", "PONG")
		}
		s.Eventually("panics are counted", blockedTimeout, func() bool { return strings.Contains(s.Info("module_blocker"), "panics=18,") })
		if !strings.Contains(s.Log(), "blocker/main.go") {
			t.Error("the log has no stack")
		}
		s.Restart(append(directives, "--appendonly", "yes")...) // what was written before the panic is there
		wantReply(t, s.Dial(), "GET bad", `"6"`)
	})
}

// TestHandlersThatBlockAndFail: the client gets what it would get otherwise, and the handle ends.
//
// Rules: BLK-2.
func TestHandlersThatBlockAndFail(t *testing.T) {
	eachDriver(t, func(t *testing.T, directives ...string) {
		s := startBlocker(t, directives...)
		c := s.Dial()
		got := c.Pipeline([]string{"BLOCKER.HALF", "error"}, []string{"BLOCKER.HALF", "panic"}, []string{"BLOCKER.HALF", "goexit"},
			[]string{"BLOCKER.HALF", "reply"}, []string{"PING"})
		want := "[(error) ERR told to fail (error) MODULEPANIC blocker: told to panic (error) MODULEPANIC blocker: runtime.Goexit replied PONG]"
		if text := fmt.Sprint(got); text != want {
			t.Errorf("%s, want %s", text, want)
		}
		wantReply(t, c, "BLOCKER.HANDLES", "[(integer) 4 (integer) 4]")
		s.Eventually("goroutines have ended", blockedTimeout, func() bool {
			return strings.HasSuffix(s.Info("module_blocker"), "blocked=0,goroutines=0")
		})
		wantReply(t, c, "BLOCKER.HANDLES", "[(integer) 4 (integer) 4]")
	})
}

// TestBlockedClientsUnderLoad: goroutines, timeouts, CLIENT UNBLOCK and CLIENT KILL race for the end of each wait. Every
// command gets one reply, in its place, and Free runs once for every handle.
//
// Rules: BLK-2, BLK-3, BLK-10.
func TestBlockedClientsUnderLoad(t *testing.T) {
	eachDriver(t, func(t *testing.T, directives ...string) {
		s := startBlocker(t, directives...)
		end := time.Now().Add(1500 * time.Millisecond)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for time.Now().Before(end) {
					if err := blockUntilKilled(s, fmt.Sprint("client", i), end); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		c := s.Dial()
		unblocked, killed := int64(0), int64(0)
		for n := 0; time.Now().Before(end); n++ {
			for i, id := range blockedIDs(c) {
				if i == 0 && n%20 == 0 {
					killed += c.Do("CLIENT", "KILL", "ID", id).Int
				}
				unblocked += c.Do("CLIENT", "UNBLOCK", id, []string{"TIMEOUT", "ERROR"}[n%2]).Int
			}
		}
		wg.Wait()
		if unblocked == 0 || killed == 0 {
			t.Errorf("%d clients were unblocked, %d killed", unblocked, killed)
		}
		blockedClients(s, 0)
		s.Eventually("all handles have ended", blockedTimeout, func() bool {
			return strings.HasSuffix(s.Info("module_blocker"), "blocked=0,goroutines=0")
		})
		r := c.Do("BLOCKER.HANDLES")
		if r.Elems[0].Int != r.Elems[1].Int || r.Elems[0].Int < 100 {
			t.Errorf("handles and calls of Free: %s", r)
		}
		if info := s.Info("module_blocker"); !strings.Contains(info, "panics=0,misuses=0") {
			t.Errorf("INFO: %s", info)
		}
		t.Logf("%s, %d unblocked, %d killed", r, unblocked, killed)
	})
}

// blockedIDs returns the clients that are blocked now.
func blockedIDs(c *servertest.Conn) (ids []string) {
	for line := range strings.Lines(c.Do("CLIENT", "LIST").Str) {
		if fields := strings.Fields(line); strings.Contains(line, " flags=b ") {
			ids = append(ids, strings.TrimPrefix(fields[0], "id="))
		}
	}
	return ids
}

// blockUntilKilled blocks again and again on one connection, each time with another command behind, until its end.
func blockUntilKilled(s *servertest.Server, name string, end time.Time) error {
	c, err := servertest.TryDial(fmt.Sprint("127.0.0.1:", s.Port))
	if err != nil {
		return err
	}
	defer c.Close()
	for n := 0; time.Now().Before(end); n++ {
		text := fmt.Sprint(name, " ", n)
		if c.TryWrite(append(servertest.Encode("BLOCKER.RANDOM", text), servertest.Encode("ECHO", text)...)) != nil {
			return nil
		}
		r, err := c.TryReceive(blockedTimeout)
		if err != nil {
			return nil // killed
		}
		if r.Str != text && !strings.HasPrefix(r.Str, "UNBLOCKED") {
			return fmt.Errorf("BLOCKER.RANDOM %s: %s", text, r)
		}
		if r, err = c.TryReceive(blockedTimeout); err == nil && r.Str != text {
			return fmt.Errorf("ECHO %s: %s", text, r)
		}
	}
	return nil
}

// TestGoroutinesAndTheDataset: a goroutine of a module that is loaded at the start works on the dataset of the files, and what
// it wrote is in them.
func TestGoroutinesAndTheDataset(t *testing.T) {
	path := blocker(t)
	directives := []string{"--appendonly", "yes", "--loadmodule", path, "go"}
	s := servertest.Start(t, directives...)
	ticks := func() int64 {
		n, err := strconv.ParseInt(s.Do("GET", "ticks").Str, 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	last := int64(0)
	for range 3 {
		s.Eventually("the goroutine counts", blockedTimeout, func() bool { return ticks() > last+20 })
		last = ticks()
		s.Restart(directives...)
		if n := ticks(); n < last {
			t.Errorf("%d ticks after the restart, %d before", n, last)
		}
	}
	last = ticks()
	s.Restart("--appendonly", "yes")
	if n := ticks(); n < last {
		t.Errorf("%d ticks without the module, %d before", n, last)
	}
}

// TestModuleBlockingReplicates: what callbacks and goroutines write is replicated in units, to servers without the module.
//
// Rules: BLK-10, THR-2.
func TestModuleBlockingReplicates(t *testing.T) {
	s := startBlocker(t, replicaTestDirectives("--appendonly", "yes")...)
	replica := servertest.Start(t, replicaTestDirectives()...)
	redis := servertest.StartRedis(t, replicaTestDirectives()...)
	replicate(replica, s)
	replicate(redis, s)
	c, other := s.Dial(), s.Dial()
	for i := range 10 {
		other.Send("BLOCKER.WAIT")
		blockedClients(s, 1)
		wantReply(t, c, "BLOCKER.RELEASE "+fmt.Sprint(i), "(integer) 1")
		other.Receive()
		wantReply(t, c, "BLOCKER.DO k", fmt.Sprintf("(integer) %d", 2*(i+1)))
	}
	if r := c.Pipeline([]string{"BLOCKER.DO", "k"}, []string{"WAIT", "2", "20000"}); r[1].Int != 2 {
		t.Errorf("WAIT after a blocked command: %s", r[1])
	}
	sameData(t, s, replica, redis)
	want := s.Digest()
	s.Restart("--appendonly", "yes", "--enable-debug-command", "yes") // without the module
	if got := s.Digest(); got != want {
		t.Errorf("digest after the restart %s, before %s", got, want)
	}
}

// TestModuleUnloadRefused: blocked clients and goroutines that do not return keep the module; queued commands fail.
//
// Rules: INIT-9, INIT-13.
func TestModuleUnloadRefused(t *testing.T) {
	const refused = "(error) ERR Error unloading module: "
	s := servertest.Start(t, "--enable-module-command", "local")
	c, other := s.Dial(), s.Dial()
	c.Must("MODULE", "LOAD", blocker(t), "go")
	s.Eventually("the goroutine works", blockedTimeout, func() bool { return s.Do("GET", "ticks").Str != "" })
	other.Send("BLOCKER.WAIT")
	blockedClients(s, 1)
	wantReply(t, c, "MODULE UNLOAD blocker", refused+"the module has blocked clients. Please wait for them to be unblocked and try again")
	c.Must("BLOCKER.RELEASE", "x")
	other.Receive()
	c.Must("BLOCKER.STUCK", "3500")
	wantReply(t, c, "MODULE UNLOAD blocker", refused+"operation not possible.")
	s.WaitLog("1 of its goroutines have not returned after 2s", blockedTimeout)
	c.Must("MULTI")
	c.Must("MODULE", "UNLOAD", "blocker")
	if r := c.Do("EXEC"); r.String() != "["+refused+"operation not possible.]" {
		t.Errorf("in a transaction: %s", r)
	}
	other.Must("MULTI")
	other.Must("BLOCKER.WAIT")
	other.Must("PING")
	wantReply(t, c, "MODULE UNLOAD blocker", "OK")
	wantReply(t, other, "EXEC", `[(error) ERR unknown command 'BLOCKER.WAIT', with args beginning with:  PONG]`)
	wantReply(t, c, "MODULE UNLOAD blocker", refused+"no such module with that name")
	ticks := s.Do("GET", "ticks").Str
	time.Sleep(20 * time.Millisecond)
	if again := s.Do("GET", "ticks").Str; again != ticks {
		t.Errorf("the goroutine goes on: %s, %s", ticks, again)
	}
}

// TestBlockingAndUnloadUnderLoad: clients block and work while their module comes and goes a hundred times, twenty under the race
// detector.
//
// Rules: INIT-9, INIT-13.
func TestBlockingAndUnloadUnderLoad(t *testing.T) {
	path := blocker(t)
	s := servertest.Start(t, "--enable-module-command", "local")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	commands := [][]string{{"BLOCKER.DO", "k"}, {"BLOCKER.NOW", "x"}, {"BLOCKER.WAIT", "1"}, {"BLOCKER.MEASURE", "0", "1"}, {"INCR", "n"}}
	for i := range 3 {
		c := s.Dial()
		wg.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r, err := c.TryDo(commands[n%len(commands)]...)
				if err != nil || r.IsError() && !strings.HasPrefix(r.Str, "ERR unknown command") && !strings.Contains(r.Str, "being unloaded") {
					t.Errorf("%v: %s, %v", commands[n%len(commands)], r, err)
					return
				}
			}
		})
	}
	c := s.Dial()
	refused, rounds := 0, 100
	if servertest.RaceEnabled {
		rounds = 20
	}
	for range rounds {
		c.Must("MODULE", "LOAD", path, "go")
		for until := time.Now().Add(blockedTimeout); ; {
			r := c.Do("MODULE", "UNLOAD", "blocker")
			if !r.IsError() {
				break
			}
			if refused++; !strings.Contains(r.Str, "blocked clients") && !strings.Contains(r.Str, "operation not possible") || time.Now().After(until) {
				t.Fatalf("MODULE UNLOAD: %s", r)
			}
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("%d unloads were refused", refused)
	blockedClients(s, 0)
	wantReply(t, c, "PING", "PONG")
}

// TestBlockedOnReplica: a primary that becomes a replica lets blocked clients go, and keys from the stream wake others.
func TestBlockedOnReplica(t *testing.T) {
	primary := startPrimary(t)
	s := startBlocker(t, replicaTestDirectives("--replica-read-only", "no")...)
	c := s.Dial()
	c.Send("BLOCKER.LONG", "l", "1")
	blockedClients(s, 1)
	replicate(s, primary)
	wantReceived(t, c, "(error) UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)")
	blockedClients(s, 0)
	c = s.Dial()
	c.Send("BLOCKER.LONG", "l", "1")
	blockedClients(s, 1)
	primary.Must("RPUSH", "l", "x")
	wantReceived(t, c, "(integer) 1")
}

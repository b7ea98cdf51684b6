package servertest_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"datastore/server/servertest"
)

// worker sends random pipelines on keys of its own and knows every reply.
type worker struct {
	id     int
	rand   *rand.Rand
	count  int               // value of its counter
	values map[string]string // its strings
	list   int               // length of its list
	waits  bool              // also blocks now and then
	right  int               // replies that were as they must be
}

// pipeline returns the bytes of some commands and the replies that they must get.
func (w *worker) pipeline() (raw []byte, want []string) {
	add := func(reply string, args ...string) {
		raw = append(raw, servertest.Encode(args...)...)
		want = append(want, reply)
	}
	for range 1 + w.rand.IntN(40) {
		key := fmt.Sprintf("w%d:%d", w.id, w.rand.IntN(8))
		switch w.rand.IntN(9) {
		case 0, 1:
			w.values[key] = strings.Repeat(string(rune('a'+w.rand.IntN(26))), w.rand.IntN(1<<w.rand.IntN(13)))
			add("+OK", "SET", key, w.values[key])
		case 2, 3:
			v, ok := w.values[key]
			if !ok {
				add("$-1", "GET", key)
			} else {
				add("$"+v, "GET", key)
			}
		case 4:
			w.count++
			add(":"+strconv.Itoa(w.count), "INCR", fmt.Sprintf("n%d", w.id))
		case 5:
			w.list++
			add(":"+strconv.Itoa(w.list), "RPUSH", fmt.Sprintf("l%d", w.id), "x")
		case 6:
			w.count++
			add("+OK", "MULTI")
			add("+QUEUED", "INCR", fmt.Sprintf("n%d", w.id))
			add("*:"+strconv.Itoa(w.count), "EXEC")
		case 7:
			add("-ERR unknown command 'NOSUCH', with args beginning with: '"+key+"' ", "NOSUCH", key)
		case 8:
			if w.waits {
				add(":0", "WAIT", "1", strconv.Itoa(1+w.rand.IntN(3)))
			} else {
				add("$"+key, "ECHO", key)
			}
		}
	}
	return raw, want
}

// run works on a connection until it ends or the time is over; it returns what is wrong with a reply.
func (w *worker) run(s *servertest.Server, until time.Time) error {
	c, err := servertest.TryDial(s.Addr)
	if err != nil {
		return nil
	}
	defer c.Close()
	for time.Now().Before(until) {
		raw, want := w.pipeline()
		for cut := 0; len(raw) > 0; raw = raw[cut:] {
			if cut = len(raw); w.rand.IntN(4) == 0 {
				cut = 1 + w.rand.IntN(len(raw))
			}
			if c.TryWrite(raw[:cut]) != nil {
				return nil
			}
		}
		for i, text := range want {
			r, err := c.TryReceive(10 * time.Second)
			if err != nil {
				if strings.Contains(err.Error(), "timeout") {
					return fmt.Errorf("worker %d: reply %d of %d does not come", w.id, i, len(want))
				}
				return nil
			}
			if got := flat(r); got != text {
				return fmt.Errorf("worker %d: reply %d is %.80q, want %.80q", w.id, i, got, text)
			}
			w.right++
		}
	}
	return nil
}

// flat renders a reply as its type byte and its text.
func flat(r servertest.Reply) string {
	switch {
	case r.Null:
		return "$-1"
	case r.Type == ':':
		return ":" + strconv.FormatInt(r.Int, 10)
	case r.Type == '*' && len(r.Elems) == 1:
		return "*" + flat(r.Elems[0])
	}
	return string(r.Type) + r.Str
}

// load runs steady workers, whose every reply is checked, beside ones that come, go and are killed.
func load(t *testing.T, s *servertest.Server, steady int, length time.Duration) {
	var wg sync.WaitGroup
	var next, right atomic.Int64
	until := time.Now().Add(length)
	fresh := func() *worker {
		id := int(next.Add(1))
		return &worker{id: id, rand: rand.New(rand.NewPCG(uint64(id), 1)), values: map[string]string{}, waits: id%16 == 0}
	}
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	for range steady {
		w := fresh()
		wg.Go(func() {
			check(w.run(s, until))
			right.Add(int64(w.right))
		})
	}
	for range 8 { // come and go, some without reading their replies
		wg.Go(func() {
			for time.Now().Before(until) {
				w := fresh()
				check(w.run(s, time.Now().Add(time.Duration(w.rand.IntN(20))*time.Millisecond)))
				if c, err := servertest.TryDial(s.Addr); err == nil {
					raw, _ := w.pipeline()
					_ = c.TryWrite(raw[:w.rand.IntN(len(raw))]) // it may be killed meanwhile
					c.Close()
				}
			}
		})
	}
	wg.Go(func() { // kills the youngest connections
		k, err := servertest.TryDial(s.Addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer k.Close()
		for time.Now().Before(until) {
			r, err := k.TryDo("CLIENT", "LIST")
			if err != nil {
				t.Error(err)
				return
			}
			lines := strings.Split(strings.TrimSpace(r.Str), "\n")
			for i := steady + 2; i < len(lines); i++ {
				id := strings.TrimPrefix(strings.Fields(lines[i])[0], "id=")
				if _, err := k.TryDo("CLIENT", "KILL", "ID", id); err != nil {
					t.Error(err)
					return
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	wg.Wait()
	if n := right.Load(); n < int64(10*steady) {
		t.Errorf("only %d replies to %d connections", n, steady)
	} else {
		t.Logf("%d replies are right", n)
	}
}

// TestManyConnections checks the replies of a thousand connections under each driver, while others come, go and are killed.
func TestManyConnections(t *testing.T) {
	for _, driver := range []string{"epoll", "goroutines"} {
		for _, fsync := range []string{"no", "always"} {
			t.Run(driver+"-"+fsync, func(t *testing.T) {
				s := servertest.Start(t, "--event-loop", driver, "--appendonly", "yes", "--appendfsync", fsync)
				load(t, s, 1000, 2*time.Second)
				s.Eventually("all are gone", 10*time.Second, func() bool { return s.Info("connected_clients") == "1" })
				if got := s.Info("blocked_clients"); got != "0" {
					t.Errorf("%s clients are blocked", got)
				}
				if log := s.Log(); strings.Contains(log, "Panic") || strings.Contains(log, "DATA RACE") {
					t.Error(s.Log())
				}
			})
		}
	}
}

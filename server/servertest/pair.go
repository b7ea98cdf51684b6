package servertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	maxDifferences = 15                     // per script and protocol; then the rest is noise
	silence        = 100 * time.Millisecond // how long #silent listens
)

// deathNotice is how long a crash may take to become visible as the process's end.
const deathNotice = 300 * time.Millisecond

// pairDirectives give both servers the same abilities.
const pairDirectives = "--enable-debug-command yes --enable-module-command yes"

// Pair is two servers that are to answer alike: ours and the oracle.
type Pair struct {
	Ours, Theirs *Server
}

// NewPair starts the daemon of this tree and redis-server 7.0 with the same directives.
func NewPair(t testing.TB, directives ...string) *Pair {
	t.Helper()
	path, err := DaemonPath()
	if err != nil {
		t.Fatal(err)
	}
	return NewPairOf(t, path, RedisPath(t), directives...)
}

// NewPairOf starts any two programs with the same directives.
func NewPairOf(t testing.TB, ours, theirs string, directives ...string) *Pair {
	t.Helper()
	directives = append(strings.Fields(pairDirectives), directives...)
	return &Pair{
		Ours:   StartWith(t, Options{Program: ours, Directives: directives}),
		Theirs: StartWith(t, Options{Program: theirs, Directives: directives}),
	}
}

// Compare runs every script that the pattern matches, each as a subtest in RESP2 and in RESP3, against one pair of
// servers. The language of the scripts is described in testdata/diff/README.md.
func Compare(t *testing.T, pattern string) {
	t.Helper()
	NewPair(t).RunAll(t, pattern)
}

// RunAll is Compare on servers that run already.
func (p *Pair) RunAll(t *testing.T, pattern string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts match %s (%v)", pattern, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { p.Run(t, path) })
	}
}

// Run runs one script in both protocols, each on flushed servers and fresh connections.
func (p *Pair) Run(t *testing.T, path string) {
	t.Helper()
	s, err := readScript(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, proto := range []int{2, 3} {
		if s.onlyProto != 0 && s.onlyProto != proto {
			continue
		}
		t.Run(fmt.Sprintf("resp%d", proto), func(t *testing.T) {
			r := &run{t: t, pair: p, script: s, proto: proto, conns: map[int]both{}}
			defer r.close()
			defer p.revive(t)
			r.all()
		})
	}
}

// revive reports a server that died during a script and starts it again, so that the scripts after it are judged on
// their own.
func (p *Pair) revive(t *testing.T) {
	t.Helper()
	wait := time.Duration(0)
	if t.Failed() {
		wait = deathNotice
	}
	if !p.Ours.Ended(wait) {
		return
	}
	t.Errorf("our server ended with code %d\n%s", p.Ours.proc.exitCode(), tail(p.Ours.Log()))
	p.Ours.Restart()
}

// both is one connection of the script: to each server.
type both struct{ ours, theirs *Conn }

// run is one script in one protocol.
type run struct {
	t       *testing.T
	pair    *Pair
	script  script
	proto   int
	conns   map[int]both
	current both
	failed  int
}

func (r *run) all() {
	r.use(0)
	r.flush()
	for _, st := range r.script.steps {
		if st.onlyProto != 0 && st.onlyProto != r.proto {
			continue
		}
		if err := r.step(st); err != nil {
			r.t.Fatalf("%s:%d [resp%d] %s\n\t%v", r.script.path, st.line, r.proto, st.text, err)
		}
		if r.failed >= maxDifferences {
			r.t.Fatalf("%d differences, the rest of %s is not run", r.failed, r.script.path)
		}
	}
}

func (r *run) close() {
	for _, c := range r.conns {
		c.ours.Close()
		c.theirs.Close()
	}
}

// use makes connection n the current one and opens it in the run's protocol at its first use.
func (r *run) use(n int) {
	c, ok := r.conns[n]
	if !ok {
		c = both{r.pair.Ours.dialFor(r.t), r.pair.Theirs.dialFor(r.t)}
		if r.proto == 3 {
			c.ours.Resp3()
			c.theirs.Resp3()
		}
		r.conns[n] = c
	}
	r.current = c
}

// dialFor opens a connection that lives as long as the given (sub)test.
func (s *Server) dialFor(t testing.TB) *Conn {
	t.Helper()
	return DialAddr(t, s.Addr)
}

// flush empties both servers over connections of its own, so that it disturbs no MULTI or subscription.
func (r *run) flush() {
	for _, s := range []*Server{r.pair.Ours, r.pair.Theirs} {
		c := s.dialFor(r.t)
		c.Must("FLUSHALL")
		c.Do("FUNCTION", "FLUSH")
		c.Do("SCRIPT", "FLUSH")
		c.Close()
	}
}

// step runs one step on both servers. Its error means that the script cannot go on; differences are counted.
func (r *run) step(st step) error {
	switch st.verb {
	case useConn:
		r.use(st.count)
	case flushAll:
		r.flush()
	case reload:
		r.reload(st)
	case sleepMs:
		time.Sleep(time.Duration(st.count) * time.Millisecond)
	case expectClosed:
		return r.expectClosed(st)
	case expectSilent:
		r.expectSilent(st)
	case readReplies:
		return r.receive(st, st.count)
	case rawBytes:
		if err := r.write([]byte(strings.Join(st.args, ""))); err != nil {
			return err
		}
		return r.receive(st, 1)
	case doCommand, sendCommand:
		return r.command(st)
	}
	return nil
}

// command sends the step's command as often as it asks, with {i} replaced by the number of the repetition.
func (r *run) command(st step) error {
	for i := range max(st.count, 1) {
		args := st.args
		if st.count > 0 {
			args = make([]string, len(st.args))
			for j, a := range st.args {
				args[j] = strings.ReplaceAll(a, "{i}", strconv.Itoa(i))
			}
		}
		if err := r.write(Encode(args...)); err != nil {
			return err
		}
		if st.verb == sendCommand {
			continue
		}
		if err := r.receive(st, 1); err != nil || r.failed >= maxDifferences {
			return err
		}
	}
	return nil
}

func (r *run) write(raw []byte) error {
	return errors.Join(r.current.ours.TryWrite(raw), r.current.theirs.TryWrite(raw))
}

// receive reads and compares n replies. The oracle is read first: if it does not answer, the script is wrong.
func (r *run) receive(st step, n int) error {
	for range n {
		theirs, err := r.current.theirs.TryReceive(replyTimeout)
		if err != nil {
			return fmt.Errorf("the oracle gave no reply, the script is wrong: %w", err)
		}
		ours, err := r.current.ours.TryReceive(replyTimeout)
		if err != nil {
			return fmt.Errorf("no reply from our server: %w after %q\n\twant %s\n%s",
				err, ours.Raw, explain(theirs), tail(r.pair.Ours.Log()))
		}
		if !equalReplies(st, ours, theirs) {
			r.failed++
			r.t.Errorf("%s:%d [resp%d] %s\n\tours %s\n\twant %s",
				r.script.path, st.line, r.proto, st.text, explain(ours), explain(theirs))
		}
	}
	return nil
}

// expectClosed reads both connections to their end and compares what came before it.
func (r *run) expectClosed(st step) error {
	want, err := r.current.theirs.ReadAll()
	if err != nil {
		return fmt.Errorf("the oracle did not close the connection, the script is wrong: %w", err)
	}
	got, err := r.current.ours.ReadAll()
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("our server did not close the connection: %w", err)
	}
	if st.mode == exact && !bytes.Equal(got, want) {
		r.failed++
		r.t.Errorf("%s:%d [resp%d] before the close\n\tours %q\n\twant %q", r.script.path, st.line, r.proto, got, want)
	}
	return nil
}

// reload makes both servers save and load back; each must hold afterwards what it held before.
func (r *run) reload(st step) {
	for _, s := range []*Server{r.pair.Ours, r.pair.Theirs} {
		c := s.dialFor(r.t)
		before := c.Must("DEBUG", "DIGEST").Str
		c.Must("DEBUG", "RELOAD")
		if after := c.Must("DEBUG", "DIGEST").Str; after != before {
			r.failed++
			r.t.Errorf("%s:%d [resp%d] digest of %s was %s, after the reload %s",
				r.script.path, st.line, r.proto, s.Program, before, after)
		}
		c.Close()
	}
}

func (r *run) expectSilent(st step) {
	if !r.current.theirs.Silent(silence) {
		r.t.Errorf("%s:%d the oracle is not silent, the script is wrong", r.script.path, st.line)
	}
	if !r.current.ours.Silent(silence) {
		r.failed++
		r.t.Errorf("%s:%d [resp%d] our server sent something where the oracle is silent", r.script.path, st.line, r.proto)
	}
}

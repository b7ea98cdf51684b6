package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// fill makes a list of a thousand elements.
func fill(t *testing.T, s *Server, b *batch, c *conn) {
	t.Helper()
	turn(s, b, []*conn{c}, [][]byte{[]byte("RPUSH list" + strings.Repeat(" e", 1000) + "\r\n")})
}

// TestLongPipelineIsCut executes many expensive commands of one connection: it takes many turns, all are executed once and
// in order, and what is parsed in vain stays a small part.
func TestLongPipelineIsCut(t *testing.T) {
	const n = 3000
	s := newBench(t)
	b := newBatch(s, nil)
	c := client(t, s)
	fill(t, s, b, c)
	var in []byte
	for i := range n {
		in = fmt.Appendf(in, "LRANGE list 0 999\r\nECHO %d\r\n", i)
	}
	var echoes []byte
	turns, parsed, before := 0, 0, s.stats.commands
	for len(in) > 0 {
		b.add(c, in)
		turns, parsed = turns+1, parsed+len(b.cmds)
		s.beginTurn()
		b.begin(1)
		if !b.goOn() {
			t.Fatal("a batch with one connection was not executed at once")
		}
		f := &b.feeds[0]
		if f.more != (f.used < len(in)) || f.cut && !c.greedy {
			t.Fatalf("turn %d: %+v", turns, f)
		}
		in = in[f.used:]
		for _, line := range bytes.Split(b.out, []byte("\r\n")) {
			if len(line) > 0 && line[0] >= '0' && line[0] <= '9' {
				echoes = append(append(echoes, line...), ' ')
			}
		}
		b.resume()
		b.reset()
	}
	var want []byte
	for i := range n {
		want = fmt.Appendf(want, "%d ", i)
	}
	ran := int(s.stats.commands - before)
	if ran != 2*n || !bytes.Equal(echoes, want) {
		t.Errorf("%d commands were executed, want %d", ran, 2*n)
	}
	if turns < 10 {
		t.Errorf("%d commands took %d turns", ran, turns)
	}
	if parsed > 2*ran+maxFeedCommands {
		t.Errorf("%d commands were parsed to execute %d in %d turns", parsed, ran, turns)
	}
	if c.greedy {
		t.Error("the connection counts as greedy although it has been served")
	}
}

// TestOthersAreAnsweredFirst has a greedy connection behind one that asks for little, whose reply is there before the
// greedy part begins.
func TestOthersAreAnsweredFirst(t *testing.T) {
	s := newBench(t)
	b := newBatch(s, nil)
	modest, greedy := client(t, s), client(t, s)
	fill(t, s, b, greedy)
	for range 3 { // the flag is that of the turn before
		greedy.greedy = true
		b.add(modest, []byte("PING\r\n"))
		b.add(greedy, bytes.Repeat([]byte("LRANGE list 0 999\r\n"), 1000))
		s.beginTurn()
		b.begin(2)
		if b.goOn() || len(b.outputs) != 1 || b.outputs[0].c != modest || string(b.out) != "+PONG\r\n" {
			t.Fatalf("first part: %d outputs, %d bytes", len(b.outputs), len(b.out))
		}
		b.resume()
		b.begin(2)
		if !b.goOn() || len(b.outputs) != 1 || b.outputs[0].c != greedy || b.feeds[1].used == 0 {
			t.Fatalf("second part: %d outputs, %d bytes", len(b.outputs), len(b.out))
		}
		b.resume()
		b.reset()
	}
}

// TestShareMakesProgress wants one command at least to be executed, even if the share is over at once.
func TestShareMakesProgress(t *testing.T) {
	s := newBench(t)
	b := newBatch(s, nil)
	c := client(t, s)
	in := bytes.Repeat([]byte("PING\r\n"), 100)
	for turns := 0; len(in) > 0; turns++ {
		b.add(c, in)
		s.beginTurn()
		b.begin(1)
		b.share = 0
		b.goOn()
		used := b.feeds[0].used
		if used == 0 || turns > 200 {
			t.Fatalf("%d bytes left after %d turns", len(in), turns)
		}
		in = in[used:]
		b.resume()
		b.reset()
	}
}

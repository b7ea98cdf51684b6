package server

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"datastore/server/config"
)

// idleDriver is a driver for connections that only tests feed.
type idleDriver struct{}

func (idleDriver) run()       {}
func (idleDriver) wake()      {}
func (idleDriver) mark(*conn) {}

// bench is a server without sockets.
func newBench(t testing.TB) *Server {
	t.Helper()
	cfg, err := config.Load([]string{"--save", ""}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Config: cfg})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client enters a connection.
func client(t testing.TB, s *Server) *conn {
	t.Helper()
	c := &conn{srv: s, driver: idleDriver{}, local: true}
	if refusal := s.register(c); refusal != "" {
		t.Fatal(refusal)
	}
	return c
}

// turn runs a batch of what the connections have sent.
func turn(s *Server, b *batch, conns []*conn, inputs [][]byte) {
	for i, c := range conns {
		b.add(c, inputs[i])
	}
	s.beginTurn()
	b.prefetch()
	for done := false; !done; {
		b.begin(len(conns))
		done = b.goOn()
		b.resume()
	}
	b.reset()
}

// TestTouchesElements: the fields and members of collections are touched from the second command in a row on.
func TestTouchesElements(t *testing.T) {
	s := newBench(t)
	b, c := newBatch(s, nil), client(t, s)
	big, small := "HSET big", "HSET small"
	for i := range 600 {
		big += fmt.Sprintf(" f%d v", i)
	}
	small += " a 1 b 2"
	turn(s, b, []*conn{c}, [][]byte{[]byte(big + "\r\n" + small + "\r\nSADD set 1 2 3\r\n")})
	for _, tt := range []struct {
		commands string
		elements int // touched
		keys     int
	}{
		{"HGET big f1\r\nHGET big f2\r\nHGET big f3\r\n", 2, 1},
		{"HGET big f1\r\nHMGET big f2 f3 f4\r\nHSET big f5 v f6 v\r\nHDEL big x y\r\n", 7, 1},
		{"HGET big f1\r\nGET k\r\nHGET big f1\r\n", 1, 2},
		{"HGET big f1\r\nHGET small a\r\nHGET big f2\r\nHGET small b\r\nHGET small b\r\n", 0, 4},
		{"HGET none a\r\nHGET none b\r\nSADD set 4\r\nSADD set 5\r\n", 0, 2},
		{"HMGET big 1 2 3 4 5 6 7\r\nPING\r\n", 0, 1},
		{"HMGET big 1 2 3 4 5 6 7 8\r\n", 8, 0},
		{"HSET small 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\r\nHGET small 1\r\n", 0, 0},
		{"LPUSH l a\r\nLPUSH l b\r\nRPOP l\r\nSADD l a\r\nLPUSH m a\r\nGET k\r\nGET k\r\n", 0, 4},
		{"SPOP set\r\nSPOP set\r\nSET set x\r\nSPOP set\r\n", 0, 2},
		{"HGET big f1\r\nSELECT 1\r\nHGET big f2\r\n", 1, 1},
		{"HSET big f\r\nHSET big\r\nHGET big\r\nHSET big a\r\n", 1, 1},
	} {
		b.add(c, []byte(tt.commands))
		s.beginTurn()
		b.prefetch()
		elements, keys := 0, 0
		for _, e := range b.touched {
			if e.of != 0 {
				elements++
			} else {
				keys++
			}
		}
		if elements != tt.elements || keys != tt.keys {
			t.Errorf("%q: %d elements and %d keys, want %d and %d", tt.commands, elements, keys, tt.elements, tt.keys)
		}
		b.reset()
		if b.repeated.key != nil {
			t.Error("the batch refers to an input that it has done with")
		}
	}
	hmget := "HGET big f\r\nHMGET big" + strings.Repeat(" f", 5000) + "\r\n"
	b.add(c, []byte(hmget))
	b.prefetch()
	if n := len(b.touched); n != 1+maxTouched {
		t.Errorf("%d touched", n)
	}
}

// BenchmarkBatch executes batches of 50 connections with 64 commands each, without the network.
func BenchmarkBatch(b *testing.B) {
	const keys, clients, depth, inputs = 1_000_000, 50, 64, 400
	s := newBench(b)
	batch := newBatch(s, nil)
	one := client(b, s)
	for i := range keys {
		turn(s, batch, []*conn{one}, [][]byte{fmt.Appendf(nil, "SET key:%012d xxx\r\n", i)})
	}
	for _, name := range []string{"GET", "SET"} {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			sent := make([][]byte, inputs)
			for i := range sent {
				for range depth {
					key := fmt.Sprintf("key:%012d", r.IntN(keys))
					if name == "GET" {
						sent[i] = fmt.Appendf(sent[i], "*2\r\n$3\r\nGET\r\n$16\r\n%s\r\n", key)
					} else {
						sent[i] = fmt.Appendf(sent[i], "*3\r\n$3\r\nSET\r\n$16\r\n%s\r\n$3\r\nxxx\r\n", key)
					}
				}
			}
			conns := make([]*conn, clients)
			for i := range conns {
				conns[i] = client(b, s)
			}
			n := 0
			for i := 0; b.Loop(); i++ {
				from := i * clients % inputs
				turn(s, batch, conns, sent[from:from+clients])
				n += clients * depth
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/command")
		})
	}
}

package server

import (
	"fmt"
	"math/rand/v2"
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

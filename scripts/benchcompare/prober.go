package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	probePeriod = time.Millisecond
	// maxUnanswered bounds what a prober sends to a server that answers nothing: a minute's worth.
	maxUnanswered = 60_000
	pong          = "+PONG\r\n"
)

// prober sees a server's stops: it sends a PING every millisecond, whether the earlier ones are answered or not, and
// keeps how long each reply took. A stop of 500 ms is thus in 500 of the latencies, 500, 499, …; a prober that waited for
// the reply would have it once, and p99.9 would not show it. A latency counts from when the PING was really sent, not from
// when it should have been: that the prober itself got no processor is not the server's stop.
type prober struct {
	sock      net.Conn
	stop      chan struct{}
	sent      chan time.Time // of the PINGs without a reply, in order
	workers   sync.WaitGroup
	latencies []time.Duration
	errs      [2]error // of the sender and the receiver
}

func startProber(port int) (*prober, error) {
	sock, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return nil, err
	}
	p := &prober{sock: sock, stop: make(chan struct{}), sent: make(chan time.Time, maxUnanswered)}
	p.workers.Go(func() { p.errs[0] = p.send() })
	p.workers.Go(func() { p.errs[1] = p.receive() })
	return p, nil
}

// finish ends the sending, waits for the replies that are due and returns all latencies in ascending order.
func (p *prober) finish() ([]time.Duration, error) {
	close(p.stop)
	p.workers.Wait()
	_ = p.sock.Close()
	for _, err := range p.errs {
		if err != nil {
			return nil, fmt.Errorf("prober: %w", err)
		}
	}
	slices.Sort(p.latencies)
	return p.latencies, nil
}

func (p *prober) send() error {
	defer close(p.sent)
	ticker := time.NewTicker(probePeriod)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return nil
		case <-ticker.C:
		}
		select {
		case p.sent <- time.Now():
		default:
			return fmt.Errorf("%w: %d PINGs without a reply", errServer, maxUnanswered)
		}
		if _, err := p.sock.Write([]byte("PING\r\n")); err != nil {
			return err
		}
	}
}

func (p *prober) receive() error {
	r := bufio.NewReader(p.sock)
	reply := make([]byte, len(pong))
	for at := range p.sent {
		_ = p.sock.SetReadDeadline(time.Now().Add(replyTimeout))
		if _, err := io.ReadFull(r, reply); err != nil {
			return err
		}
		p.latencies = append(p.latencies, time.Since(at))
		if string(reply) != pong {
			return fmt.Errorf("%w: PING answered %q", errServer, reply)
		}
	}
	return nil
}

// control answers PINGs inside this process. A prober that watches it at the same time as another one watches a server
// shows the stops that are the machine's: those of its neighbours, and of too few processors.
type control struct {
	listener net.Listener
	workers  sync.WaitGroup
}

func startControl() (*control, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &control{listener: listener}
	k.workers.Go(k.answer)
	return k, nil
}

func (k *control) port() int { return k.listener.Addr().(*net.TCPAddr).Port }

// answer serves one connection until it ends.
func (k *control) answer() {
	sock, err := k.listener.Accept()
	if err != nil {
		return
	}
	defer func() { _ = sock.Close() }()
	for lines := bufio.NewScanner(sock); lines.Scan(); {
		if _, err := sock.Write([]byte(pong)); err != nil {
			return
		}
	}
}

func (k *control) close() {
	_ = k.listener.Close()
	k.workers.Wait()
}

// probed turns latencies, in ascending order, into a sample.
func probed(sorted []time.Duration) sample {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	return sample{P50Ms: ms(quantile(sorted, 0.5)), P99Ms: ms(quantile(sorted, 0.99)), P999Ms: ms(quantile(sorted, 0.999)),
		MaxMs: ms(quantile(sorted, 1))}
}

// quantile is the smallest value that at least the share q of the sorted values does not exceed, 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q * float64(len(sorted)))
	if float64(rank) < q*float64(len(sorted)) {
		rank++
	}
	return sorted[min(max(rank, 1), len(sorted))-1]
}

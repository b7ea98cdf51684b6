package main

import (
	"bufio"
	"errors"
	"net"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	var sorted []time.Duration
	for i := range 1000 {
		sorted = append(sorted, time.Duration(i+1))
	}
	for _, tc := range []struct {
		q    float64
		want time.Duration
	}{{0, 1}, {0.001, 1}, {0.5, 500}, {0.5001, 501}, {0.99, 990}, {0.999, 999}, {1, 1000}} {
		if got := quantile(sorted, tc.q); got != tc.want {
			t.Errorf("share %g: %d, want %d", tc.q, got, tc.want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestProberSeesAStop: a server that answers nobody for a while is in the percentiles, not only in the maximum.
func TestProberSeesAStop(t *testing.T) {
	const stop = 300 * time.Millisecond
	port := serve(t, func(sock net.Conn) {
		start, stopped := time.Now(), false
		for lines := bufio.NewScanner(sock); lines.Scan(); {
			if !stopped && time.Since(start) > 50*time.Millisecond {
				time.Sleep(stop)
				stopped = true
			}
			_, _ = sock.Write([]byte(pong))
		}
	})
	p, err := startProber(port)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * stop)
	latencies, err := p.finish()
	if err != nil {
		t.Fatal(err)
	}
	sm := probed(latencies)
	if sm.MaxMs < 299 || sm.P99Ms < 200 || sm.P99Ms > sm.P999Ms || sm.P999Ms > sm.MaxMs {
		t.Errorf("a stop of %v: %+v of %d PINGs", stop, sm, len(latencies))
	}
}

func TestProberReportsWhatIsNoPong(t *testing.T) {
	p, err := startProber(serve(t, func(sock net.Conn) {
		for lines := bufio.NewScanner(sock); lines.Scan(); {
			_, _ = sock.Write([]byte("-ERR x\r\n"))
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if _, err := p.finish(); !errors.Is(err, errServer) {
		t.Errorf("%v", err)
	}
}

func TestControlAnswers(t *testing.T) {
	k, err := startControl()
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	p, err := startProber(k.port())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if latencies, err := p.finish(); err != nil || len(latencies) == 0 {
		t.Errorf("%d latencies, %v", len(latencies), err)
	}
}

// serve lets a function answer one connection until the test ends, and returns its port.
func serve(t *testing.T, answer func(net.Conn)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if sock, err := listener.Accept(); err == nil {
			answer(sock)
			_ = sock.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().(*net.TCPAddr).Port
}

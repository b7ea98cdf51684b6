//go:build linux

package sockio

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// pair returns two connected sockets that do not block.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	})
	return fds[0], fds[1]
}

func TestSendAndRecv(t *testing.T) {
	for _, size := range []int{1, 4096, maxRaw, maxRaw + 1} {
		a, b := pair(t)
		data, got := bytes.Repeat([]byte("datastore"), size/9+1)[:size], make([]byte, 0, size)
		buf := make([]byte, size)
		for sent := 0; len(got) < size; {
			if n, err := Send(a, data[sent:]); n > 0 {
				sent += n
			} else if sent < size && !errors.Is(err, unix.EAGAIN) {
				t.Fatalf("%d bytes: Send: %d, %v", size, n, err)
			}
			if n, err := Recv(b, buf); n > 0 {
				got = append(got, buf[:n]...)
			} else if !errors.Is(err, unix.EAGAIN) {
				t.Fatalf("%d bytes: Recv: %d, %v", size, n, err)
			}
		}
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes came differently", size)
		}
	}
}

func TestErrors(t *testing.T) {
	a, b := pair(t)
	buf := make([]byte, 100)
	if n, err := Recv(a, buf); n != -1 || !errors.Is(err, unix.EAGAIN) {
		t.Errorf("Recv of nothing: %d, %v", n, err)
	}
	for full := false; !full; {
		n, err := Send(a, make([]byte, 4096))
		if full = n < 0; full && !errors.Is(err, unix.EAGAIN) {
			t.Errorf("Send to a full socket: %v", err)
		}
	}
	if err := unix.Shutdown(a, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 1<<20)
	for n := 1; n > 0; {
		var err error
		if n, err = Recv(b, big[:4096]); err != nil {
			t.Errorf("Recv until the end: %v", err)
		}
	}
	if n, err := Send(a, buf); n != -1 || !errors.Is(err, unix.EPIPE) { // and no signal ends the test
		t.Errorf("Send after the end: %d, %v", n, err)
	}
	if n, err := Recv(-1, buf); n != -1 || !errors.Is(err, unix.EBADF) {
		t.Errorf("Recv from nothing: %d, %v", n, err)
	}
}

func TestPoll(t *testing.T) {
	a, b := pair(t)
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(epfd)
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, b, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(b)}); err != nil {
		t.Fatal(err)
	}
	events := make([]unix.EpollEvent, 4)
	if n, err := Poll(epfd, events); n != 0 || err != nil {
		t.Errorf("Poll with nothing to report: %d, %v", n, err)
	}
	if _, err := Send(a, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if n, err := Poll(epfd, events); n != 1 || err != nil || int(events[0].Fd) != b {
		t.Errorf("Poll: %d, %v, events of descriptor %d", n, err, events[0].Fd)
	}
}

func TestNothingAllocates(t *testing.T) {
	a, b := pair(t)
	buf := make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = Send(a, buf)
		_, _ = Recv(b, buf)
		_, _ = Recv(b, buf) // EAGAIN
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

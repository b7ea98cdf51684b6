// Package sockio owns the system calls that the event loop makes for every batch of commands: it receives from, sends to and
// polls sockets that never block. It refuses to know what the bytes mean and to wait.
//
// The runtime is told of an ordinary system call before and after it, so that other goroutines can have the processor if it
// takes long; the monitor that gives it to them also wakes more often while there are such calls. What is done here is over
// in microseconds. Without that the loop keeps its thread, and a command at a time costs about 3 % less processor. recv and
// send also save what the kernel does for files in read and write. Longer transfers go the usual way, so that a collection
// of garbage need not wait for them.
package sockio

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxRaw is the most bytes that are copied without telling the runtime, some ten microseconds' worth.
const maxRaw = 64 << 10

// Recv reads from a socket in non-blocking mode into p and returns how many bytes came, 0 at the end of the stream, or -1 and
// the error: EAGAIN when there are none, EINTR.
func Recv(fd int, p []byte) (int, error) {
	if len(p) > maxRaw || len(p) == 0 {
		return unix.Read(fd, p)
	}
	n, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), 0, 0, 0)
	return result(n, e)
}

// Send writes p to a socket in non-blocking mode and returns how many bytes it took, or -1 and the error: EAGAIN when it takes
// none now, EINTR, EPIPE when the peer has gone.
func Send(fd int, p []byte) (int, error) {
	if len(p) > maxRaw || len(p) == 0 {
		return unix.Write(fd, p)
	}
	n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), syscall.MSG_NOSIGNAL, 0, 0)
	return result(n, e)
}

// Poll tells what has happened to the descriptors of an epoll instance, without waiting: it fills events, which must not be
// empty, from the start and returns how many there are.
func Poll(epfd int, events []unix.EpollEvent) (int, error) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epfd),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	return result(n, e)
}

// result makes the results of a system call Go's. Numbers of errors are small enough to become interfaces for free.
func result(n uintptr, e syscall.Errno) (int, error) {
	if e != 0 {
		return -1, e
	}
	return int(n), nil
}

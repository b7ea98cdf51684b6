package server

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// multiplexing is how the event loop waits.
const multiplexing = "epoll"

// systemName is the operating system as uname tells it.
func systemName() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "Linux"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " +
		unix.ByteSliceToString(u.Machine[:])
}

// residentBytes is the process's resident memory, 0 when the system does not tell.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// systemMemoryBytes is the memory of the machine, 0 when the system does not tell.
func systemMemoryBytes() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// infoCPU reports processor time in seconds: of the process, of its ended children, and of the thread that runs commands
// now, which is the event loop's.
func infoCPU(t *infoText) {
	for _, part := range [...]struct {
		who    int
		suffix string
	}{{unix.RUSAGE_SELF, ""}, {unix.RUSAGE_CHILDREN, "_children"}, {unix.RUSAGE_THREAD, "_main_thread"}} {
		var u unix.Rusage
		if err := unix.Getrusage(part.who, &u); err != nil {
			u = unix.Rusage{}
		}
		t.line("used_cpu_sys"+part.suffix, seconds(u.Stime))
		t.line("used_cpu_user"+part.suffix, seconds(u.Utime))
	}
}

func seconds(v unix.Timeval) string { return fmt.Sprintf("%d.%06d", v.Sec, v.Usec) }

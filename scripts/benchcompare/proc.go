package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cpuSeconds is the processor time that a process has used, in user and system mode, all its threads together. It reads
// the process's CPU clock: the same sum as utime + stime of /proc/PID/stat, which counts in hundredths of a second only,
// 2 % of what a fast server needs for a run at P64.
func cpuSeconds(pid int) (float64, error) {
	const perProcess = 2 // CPUCLOCK_SCHED, without the per-thread bit; clock_getcpuclockid(3) makes the same number
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|perProcess), &ts); err != nil {
		return 0, fmt.Errorf("cpu clock of process %d: %w", pid, err)
	}
	return float64(ts.Nano()) / 1e9, nil
}

// waitSeconds is how long the threads of a process have been ready to run without a processor (schedstats, second field):
// what the neighbours, and the client beside it, took from it. A thread that has ended takes its share along.
func waitSeconds(pid int) (float64, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has just ended
		}
		var ran, waited float64
		if _, err := fmt.Sscan(string(text), &ran, &waited); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		sum += waited / 1e9
	}
	return sum, nil
}

// residentBytes is the resident set of a process (proc(5), status VmRSS).
func residentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("%w: no VmRSS of %d", errServer, pid)
}

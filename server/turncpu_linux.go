package server

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// threadUse is what a thread has used of the processor so far. The difference between the beginning and the end of a turn is
// the part of it that is the daemon's own doing; the rest is the machine's, which gave the processor to others, or a lock's.
type threadUse struct {
	thread int // the system's number for it
	nanos  int64
}

// threadUseNow reads it for the thread that the caller runs on. It costs half a microsecond.
func threadUseNow() threadUse {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		return threadUse{}
	}
	return threadUse{unix.Gettid(), ts.Nano()}
}

// until is how many nanoseconds of processor time lie between u and now, or 0 if u is of no thread or of another one.
func (u threadUse) until(now threadUse) int64 {
	if u.thread == 0 || u.thread != now.thread {
		return 0
	}
	return now.nanos - u.nanos
}

// noteUseBefore counts what the turn before the present one used. Under the execution lock. While events are measured the
// loop stays on one thread, or nothing would be known of just the turns that are long enough to be preempted.
func (l *loop) noteUseBefore() {
	st := &l.srv.stats
	st.longestTurnCPU = max(st.longestTurnCPU, l.usedNanos)
	l.usedNanos = 0
	switch on := l.srv.timing.monitoring(); {
	case on == l.measureUse:
	case on:
		l.measureUse = true
		runtime.LockOSThread()
	default:
		l.measureUse, l.used = false, threadUse{}
		runtime.UnlockOSThread()
	}
}

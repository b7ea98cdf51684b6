package server

import "golang.org/x/sys/unix"

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

// until is how many nanoseconds of processor time lie between u and now, or 0 if the goroutine has moved to another thread
// meanwhile: what it used there is not known then.
func (u threadUse) until(now threadUse) int64 {
	if u.thread == 0 || u.thread != now.thread {
		return 0
	}
	return now.nanos - u.nanos
}

// noteUseBefore counts what the turn before the present one used. Under the execution lock.
func (l *loop) noteUseBefore() {
	st := &l.srv.stats
	st.longestTurnCPU = max(st.longestTurnCPU, l.usedNanos)
	l.usedNanos = 0
	if l.measureUse = l.srv.timing.monitoring(); !l.measureUse {
		l.used = threadUse{}
	}
}

package aof

import (
	"fmt"

	"datastore/server/vfs"
)

// maxIdleBuffer is how much room of the write buffer is kept between flushes.
const maxIdleBuffer = 4 << 20

// writer is the file that is appended to, with what is not written yet.
type writer struct {
	file vfs.File
	name string
	sum  *checksummer
	buf  []byte
	// sizeBytes is the length of the file as written; the next unit will begin at sizeBytes+len(buf).
	sizeBytes int64
}

// Append puts one unit (complete encoded commands, in MULTI/EXEC when there are several) and its annotation into the
// buffer and returns the logical offset behind them. The bytes are copied. Start must have succeeded.
func (l *Log) Append(unit []byte) int64 {
	w := l.cur
	before := len(w.buf)
	crc := w.sum.unit(w.sizeBytes+int64(before), unit)
	w.buf = append(w.buf, unit...)
	w.buf = appendAnnotation(w.buf, crc, int64(len(unit)))
	l.appended += int64(len(w.buf) - before)
	return l.appended
}

// Flush writes everything appended. After an error the bytes stay buffered for the next Flush, and what a short write
// left in the file is cut off again, so that the file always ends with a whole unit. A reply for a unit that is
// not covered by Written must not leave. After a failed fsync Flush writes nothing and returns an error that wraps
// ErrSync until a new base is committed.
func (l *Log) Flush() error {
	w := l.cur
	if w == nil {
		return ErrNotRunning
	}
	if err := l.Err(); err != nil && !l.replacing() {
		return err
	}
	if len(w.buf) > 0 {
		if err := l.write(w); err != nil {
			l.writeErr = fmt.Errorf("write %s: %w", w.name, err)
			return l.writeErr
		}
	}
	l.writeErr = nil
	return l.Err()
}

// Err is the sticky state: nil, or why nothing may be acknowledged until a new base is committed.
func (l *Log) Err() error {
	if l.broken != nil {
		return l.broken
	}
	return l.sync.failed()
}

// replacing says that a fresh rewrite has opened a file that the sticky failure of the old one does not concern.
func (l *Log) replacing() bool {
	return l.rewrite != nil && l.rewrite.fresh && l.sync.failed() == nil
}

func (l *Log) write(w *writer) error {
	n, err := w.file.Write(w.buf)
	if err != nil && n > 0 && w.file.Truncate(w.sizeBytes) == nil {
		n = 0
	}
	w.sizeBytes += int64(n)
	l.sync.wrote(int64(n))
	if n < len(w.buf) {
		// What could neither be finished nor cut off is finished by the next Flush.
		w.buf = w.buf[:copy(w.buf, w.buf[n:])]
		return err
	}
	w.buf = w.buf[:0]
	if cap(w.buf) > maxIdleBuffer {
		w.buf = nil
	}
	return nil
}

package aof

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"datastore/server/vfs"
)

const (
	// everySecInterval is the time between the starts of two fsyncs under everysec.
	everySecInterval = time.Second
	// maxSyncAge is how long an fsync may run before writers are held back (Redis's own two seconds).
	maxSyncAge = 2 * time.Second
)

// syncer is the one goroutine that calls fsync, and group commit by offset: callers raise want, the goroutine takes
// the written offset as its target, fsyncs, and everything up to the target is durable at once, however many asked.
//
// written is raised under the execution lock only; synced by the goroutine only. mu guards the rest. A failure is
// sticky: after it no fsync is started for this file again (see DESIGN.md).
type syncer struct {
	now      func() time.Time
	onSynced func(int64, error)

	written   atomic.Int64
	synced    atomic.Int64
	want      atomic.Int64
	startedAt atomic.Int64 // nanoseconds since epoch of now, 0 when no fsync runs
	epoch     time.Time

	mu      sync.Mutex
	changed *sync.Cond
	file    vfs.File
	busy    bool
	closing bool
	running bool
	err     error
	done    chan struct{}
	count   int64
	longest time.Duration // see LongestSync
}

func newSyncer(now func() time.Time, onSynced func(int64, error)) *syncer {
	s := &syncer{now: now, onSynced: onSynced, epoch: now().Add(-time.Second), done: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// use makes f the file to fsync from now on, after the running fsync has ended, and begins the goroutine when it does
// not run yet. A new file clears the failure of the old one; nil ends the syncing and leaves it.
func (s *syncer) use(f vfs.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy {
		s.changed.Wait()
	}
	s.file = f
	if f == nil {
		return
	}
	s.err = nil
	if !s.running {
		s.running = true
		go s.run()
	}
}

// wrote counts bytes handed to the kernel and starts an fsync that was asked for before they were written.
func (s *syncer) wrote(n int64) {
	s.written.Add(n)
	if s.want.Load() > s.synced.Load() {
		s.wake()
	}
}

// covered says that everything up to offset is in a base that was written from memory.
func (s *syncer) covered(offset int64) { s.written.Store(offset) }

func (s *syncer) request(offset int64) {
	if offset > s.want.Load() {
		s.want.Store(offset)
	}
	s.wake()
}

func (s *syncer) wake() {
	s.mu.Lock()
	s.changed.Broadcast()
	s.mu.Unlock()
}

func (s *syncer) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// wait asks for an fsync up to offset, which must be written, and waits for it.
func (s *syncer) wait(offset int64) error {
	s.request(offset)
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil && s.synced.Load() < offset && s.running {
		s.changed.Wait()
	}
	return s.err
}

// due is called under mu.
func (s *syncer) due() bool {
	return s.err == nil && s.file != nil && min(s.want.Load(), s.written.Load()) > s.synced.Load()
}

func (s *syncer) run() {
	defer close(s.done)
	for {
		s.mu.Lock()
		for !s.closing && !s.due() {
			s.changed.Wait()
		}
		if s.closing {
			s.running = false
			s.changed.Broadcast()
			s.mu.Unlock()
			return
		}
		file := s.file
		s.busy = true
		s.mu.Unlock()
		s.round(file)
	}
}

func (s *syncer) round(file vfs.File) {
	target, began := s.written.Load(), s.now()
	s.startedAt.Store(int64(began.Sub(s.epoch)))
	err := file.Sync()
	took := s.now().Sub(began)
	s.startedAt.Store(0)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrSync, err)
	} else {
		s.synced.Store(target)
	}
	s.mu.Lock()
	s.busy = false
	s.err = err
	s.longest = max(s.longest, took)
	s.count++
	s.changed.Broadcast()
	s.mu.Unlock()
	s.onSynced(target, err)
}

// close ends the goroutine after the fsync that runs; it does not start another.
func (s *syncer) close() {
	s.mu.Lock()
	s.closing = true
	running := s.running
	s.changed.Broadcast()
	s.mu.Unlock()
	if running {
		<-s.done
	}
}

// SyncTo asks for an fsync that covers the logical offset and returns at once; OnSynced tells when it is done. Bytes
// that are not written yet are covered by the first fsync after their Flush.
func (l *Log) SyncTo(offset int64) { l.sync.request(offset) }

// Syncing reports whether an fsync is running.
func (l *Log) Syncing() bool { return l.sync.startedAt.Load() != 0 }

// LongestSync returns how long the longest fsync took that has ended since it was asked last.
func (l *Log) LongestSync() time.Duration {
	s := l.sync
	s.mu.Lock()
	defer s.mu.Unlock()
	longest := s.longest
	s.longest = 0
	return longest
}

// Tick does the periodic work and is called about ten times a second: under everysec it starts an fsync when a second
// has passed since the start of the last one, and it finishes the removal of history files.
func (l *Log) Tick(now time.Time) {
	if l.cur != nil && l.o.Policy == EverySec && now.Sub(l.lastSyncStart) >= everySecInterval && l.Written() > l.Synced() {
		l.lastSyncStart = now
		l.sync.request(l.Written())
	}
	l.Delayed()
	if err := l.forgetRemoved(false); err != nil {
		l.logf(Warning, "AOF: %v", err)
	}
}

// Delayed reports that the running fsync is older than two seconds: replies to writes must then wait, or the bytes at
// risk would grow beyond what everysec promises. Each such fsync is counted once for Status.
func (l *Log) Delayed() bool {
	started := l.sync.startedAt.Load()
	if started == 0 || int64(l.o.Now().Sub(l.sync.epoch))-started < int64(maxSyncAge) {
		return false
	}
	if l.delayedMark != started {
		l.delayedMark = started
		l.delayed++
	}
	return true
}

package aof

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"datastore/server/vfs/vfstest"
)

func withPolicy(p Policy) func(*Options) { return func(o *Options) { o.Policy = p } }

func TestAppendAllocatesNothing(t *testing.T) {
	b := open(t, newMem(t)).start()
	unit := set(1)
	b.append(unit)
	got := testing.AllocsPerRun(500, func() {
		b.log.Append(unit)
		b.log.cur.buf = b.log.cur.buf[:0]
	})
	if got != 0 {
		t.Fatalf("%v allocations", got)
	}
	b.close()
}

// Everything acknowledged under a policy is compared with what a power loss leaves, for many seeds.
func TestF03PowerLoss(t *testing.T) {
	for seed := range int64(300) {
		policy := Always
		if seed%2 == 1 {
			policy = EverySec
		}
		m := newMem(t)
		b := open(t, m, withPolicy(policy)).start()
		durable, appended := 0, 0
		for round := range 6 {
			for range 1 + (int(seed)+round)%4 {
				b.append(set(appended))
				appended++
			}
			if policy == Always || round%3 == 1 {
				if err := b.log.sync.wait(b.log.Written()); err != nil {
					t.Fatal(err)
				}
				durable = appended
			}
			if seed%5 == 0 && round == 3 {
				b.rewriteTo(appended)
				durable = appended
			}
		}
		crash := m.CrashClone(seed)
		b.close()
		after := open(t, crash)
		got, err := after.load()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got = expandBase(got)
		if len(got) < durable || len(got) > appended {
			t.Fatalf("seed %d %v: %d loaded, %d durable, %d appended", seed, policy, len(got), durable, appended)
		}
		same(t, got, sets(len(got)))
	}
}

// rewriteTo replaces the parts by a base that stands for the first n sets.
func (b *bench) rewriteTo(n int) {
	b.t.Helper()
	r, err := b.log.BeginRewrite()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := r.WriteBase(rdb(fmt.Sprint(n))); err != nil {
		b.t.Fatal(err)
	}
	if err := r.Commit(); err != nil {
		b.t.Fatal(err)
	}
}

// expandBase puts the sets that a base of rewriteTo stands for in its place.
func expandBase(got []string) []string {
	if len(got) == 0 || !strings.HasPrefix(got[0], "RDB ") {
		return got
	}
	var n int
	if _, err := fmt.Sscanf(got[0], "RDB %d", &n); err != nil {
		return got
	}
	return append(sets(n), got[1:]...)
}

// recorder collects what OnSynced announces.
type recorder struct {
	mu   sync.Mutex
	cond *sync.Cond
	upTo int64
	errs []error
	n    int
}

func newRecorder() *recorder {
	r := &recorder{}
	r.cond = sync.NewCond(&r.mu)
	return r
}

func (r *recorder) onSynced(offset int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	if err != nil {
		r.errs = append(r.errs, err)
	} else {
		r.upTo = offset
	}
	r.cond.Broadcast()
}

func (r *recorder) wait(offset int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.upTo < offset && len(r.errs) == 0 {
		r.cond.Wait()
	}
	if len(r.errs) > 0 {
		return r.errs[0]
	}
	return nil
}

// While one fsync runs, all that is written waits for one more, not for one each.
func TestGroupCommit(t *testing.T) {
	faults := vfstest.NewFaults(newMem(t))
	rec := newRecorder()
	b := open(t, faults, withPolicy(Always), func(o *Options) { o.OnSynced = rec.onSynced }).start()
	release, reached := make(chan struct{}), make(chan struct{})
	faults.Add(vfstest.Rule{Op: vfstest.OpSync, Contains: "incr", Nth: 1, Block: release, Hook: func() { close(reached) }})
	b.append(set(0))
	b.log.SyncTo(b.log.Written())
	<-reached
	for i := 1; i <= 50; i++ {
		b.append(set(i))
		b.log.SyncTo(b.log.Written())
	}
	if b.log.Synced() != 0 {
		t.Fatal("synced before the fsync ended")
	}
	close(release)
	if err := rec.wait(b.log.Written()); err != nil {
		t.Fatal(err)
	}
	if rec.n != 2 || b.log.Synced() != b.log.Written() {
		t.Fatalf("%d fsyncs", rec.n)
	}
	b.close()
}

func TestEverySecTick(t *testing.T) {
	rec := newRecorder()
	b := open(t, newMem(t), func(o *Options) { o.OnSynced = rec.onSynced }).start()
	b.append(set(0))
	b.log.Tick(b.clock.t)
	if err := rec.wait(b.log.Written()); err != nil {
		t.Fatal(err)
	}
	b.append(set(1))
	b.log.Tick(b.clock.t.Add(900 * time.Millisecond))
	if b.log.sync.want.Load() == b.log.Written() {
		t.Fatal("fsync before a second has passed")
	}
	b.log.Tick(b.clock.t.Add(time.Second))
	if err := rec.wait(b.log.Written()); err != nil {
		t.Fatal(err)
	}
	b.close()
}

func TestF11NoSpace(t *testing.T) {
	for space := range int64(120) {
		m := newMem(t)
		faults := vfstest.NewFaults(m)
		b := open(t, faults).start()
		b.append(set(0))
		size := len(read(t, m, firstIncr))
		faults.SetSpace(space)
		acked := 1
		var failure error
		for i := 1; i < 5 && failure == nil; i++ {
			b.log.Append(set(i))
			before := b.log.Written()
			if failure = b.log.Flush(); failure == nil {
				acked++
			} else if b.log.Written() != before {
				t.Fatal("a failed flush counts as written")
			}
		}
		if failure == nil {
			continue
		}
		if !errors.Is(failure, syscall.ENOSPC) || b.log.Status().WriteErr == nil || b.log.Err() != nil {
			t.Fatal(failure, b.log.Err())
		}
		if data := read(t, m, firstIncr); len(data) < size || !strings.HasSuffix(string(data), "\r\n") {
			t.Fatalf("short write left in the file: %q", data)
		}
		killed, err := open(t, m.Clone()).load()
		if err != nil {
			t.Fatal(err)
		}
		same(t, killed, sets(acked))
		faults.Clear()
		if err := b.log.Flush(); err != nil || b.log.Status().WriteErr != nil {
			t.Fatal(err)
		}
		b.close()
		got, err := open(t, m).load()
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, sets(acked+1))
	}
}

// When even cutting the short write off fails, the next flush goes on behind it.
func TestF11TruncateFails(t *testing.T) {
	m := newMem(t)
	faults := vfstest.NewFaults(m)
	b := open(t, faults).start()
	faults.Add(vfstest.Rule{Op: vfstest.OpWrite, Nth: 1, Err: syscall.ENOSPC, ShortBytes: 20})
	faults.Add(vfstest.Rule{Op: vfstest.OpTruncate, Nth: 1, Err: syscall.EIO})
	b.log.Append(set(0))
	if err := b.log.Flush(); err == nil {
		t.Fatal("no error")
	}
	b.append(set(1))
	b.close()
	got, err := open(t, m).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, sets(2))
}

func TestF13FailedSyncIsSticky(t *testing.T) {
	m := newMem(t)
	faults := vfstest.NewFaults(m)
	rec := newRecorder()
	b := open(t, faults, withPolicy(Always), func(o *Options) { o.OnSynced = rec.onSynced }).start()
	faults.Add(vfstest.Rule{Op: vfstest.OpSync, Nth: 1, Err: syscall.EIO})
	b.append(set(0))
	b.log.SyncTo(b.log.Written())
	if err := rec.wait(b.log.Written()); !errors.Is(err, ErrSync) || !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	size := len(read(t, m, firstIncr))
	for i := range 5 {
		b.log.Append(set(1 + i))
		if err := b.log.Flush(); !errors.Is(err, ErrSync) {
			t.Fatal(err)
		}
		b.log.SyncTo(b.log.Written())
	}
	if b.log.Synced() != 0 || len(read(t, m, firstIncr)) != size || b.log.Status().Syncs != 1 {
		t.Fatal("the log pretends")
	}
	// The way out: a base from memory and a new file.
	r, err := b.log.BeginRewrite()
	if err != nil {
		t.Fatal(err)
	}
	b.log.Append(set(6))
	if err := b.log.Flush(); !errors.Is(err, ErrSync) {
		t.Fatal("acknowledged before the base is in force:", err)
	}
	if err := r.WriteBase(rdb("6")); err != nil {
		t.Fatal(err)
	}
	if err := r.Commit(); err != nil {
		t.Fatal(err)
	}
	b.append(set(7))
	b.close()
	got, err := open(t, m).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, expandBase(got), sets(8))
}

func TestF15SlowSync(t *testing.T) {
	faults := vfstest.NewFaults(newMem(t))
	rec := newRecorder()
	b := open(t, faults, func(o *Options) { o.OnSynced = rec.onSynced }).start()
	release, reached := make(chan struct{}), make(chan struct{})
	faults.Add(vfstest.Rule{Op: vfstest.OpSync, Nth: 1, Block: release, Hook: func() { close(reached) }})
	b.append(set(0))
	b.log.Tick(b.clock.t)
	<-reached
	if b.log.Delayed() {
		t.Fatal("delayed at once")
	}
	b.clock.t = b.clock.t.Add(2 * time.Second)
	if first, second := b.log.Delayed(), b.log.Delayed(); !first || !second || b.log.Status().DelayedSyncs != 1 {
		t.Fatal("not delayed, or counted twice")
	}
	b.append(set(1))
	close(release)
	if err := rec.wait(1); err != nil {
		t.Fatal(err)
	}
	if b.log.Delayed() {
		t.Fatal("still delayed")
	}
	b.close()
}

// Every mutating operation of a rewrite is a place to be killed at, or to lose power.
func TestF10KilledDuringRewrite(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		for step := 1; ; step++ {
			m := newMem(t)
			faults := vfstest.NewFaults(m)
			b := open(t, faults, withPolicy(Always)).start()
			b.append(set(0), set(1))
			if err := b.log.sync.wait(b.log.Written()); err != nil {
				t.Fatal(err)
			}
			var clones []*vfstest.Mem
			faults.Add(vfstest.Rule{Op: vfstest.OpAny, Nth: step, Hook: func() {
				clones = append(clones, m.Clone())
				for seed := range int64(40) {
					clones = append(clones, m.CrashClone(seed))
				}
			}})
			b.replace(fresh)
			b.close()
			for i, clone := range clones {
				b := open(t, clone).start()
				b.append(cmd("PING"))
				b.close()
				got, err := open(t, clone).load()
				if err != nil {
					t.Fatalf("fresh %v step %d clone %d: %v", fresh, step, i, err)
				}
				same(t, expandBase(got), append(sets(2), "PING"))
			}
			if len(clones) == 0 {
				if step < 8 {
					t.Fatalf("only %d steps", step)
				}
				break
			}
		}
	}
}

func (b *bench) replace(fresh bool) {
	b.t.Helper()
	if !fresh {
		b.rewriteTo(2)
		return
	}
	if err := b.log.Start(rdb("2")); err != nil {
		b.t.Fatal(err)
	}
}

// The last units before a rewrite may be lost while units after it survive only if the old file was not synced first.
func TestF10PowerLossOfUnsyncedBytesDuringRewrite(t *testing.T) {
	for seed := range int64(300) {
		m := newMem(t)
		b := open(t, m).start()
		b.append(set(0), set(1), set(2))
		r, err := b.log.BeginRewrite()
		if err != nil {
			t.Fatal(err)
		}
		b.append(set(3), set(4))
		crash := m.CrashClone(seed)
		if err := r.Abort(); err != nil {
			t.Fatal(err)
		}
		b.close()
		got, err := open(t, crash).load()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(got) < 3 {
			t.Fatalf("seed %d: %q", seed, got)
		}
		same(t, got, sets(len(got)))
	}
}

// After Commit of a replacement everything appended is durable: the old files are gone.
func TestF10CommitOfAReplacementIsDurable(t *testing.T) {
	m := newMem(t)
	b := open(t, m).start()
	b.append(set(0))
	r, err := b.log.begin(true)
	if err != nil {
		t.Fatal(err)
	}
	b.append(set(1))
	b.log.Append(set(2))
	if err := errors.Join(r.WriteBase(rdb("1")), r.Commit()); err != nil {
		t.Fatal(err)
	}
	for seed := range int64(50) {
		got, err := open(t, m.CrashClone(seed)).load()
		if err != nil {
			t.Fatal(err)
		}
		same(t, expandBase(got), sets(3))
	}
	b.close()
}

// Every operation of a rewrite fails in turn: the data stays whole, appending goes on or the failure is sticky.
func TestF12FailedRewrite(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		for step := 1; ; step++ {
			m := newMem(t)
			faults := vfstest.NewFaults(m)
			b := open(t, faults).start()
			b.append(set(0), set(1))
			faults.Add(vfstest.Rule{Op: vfstest.OpAny, Nth: step, Err: syscall.ENOSPC})
			err := b.tryReplace(fresh)
			faults.Clear()
			if err == nil && b.log.Err() == nil {
				b.append(set(2))
			} else {
				checkAfterFailure(t, b, step)
			}
			want := 3
			if b.log.Err() != nil {
				want = 2
			}
			_ = b.log.Close()
			got, loadErr := open(t, m).load()
			if loadErr != nil {
				t.Fatalf("fresh %v step %d: %v, then %v", fresh, step, err, loadErr)
			}
			same(t, expandBase(got), sets(want))
			if err == nil && step > 20 {
				break
			}
		}
	}
}

func checkAfterFailure(t *testing.T, b *bench, step int) {
	t.Helper()
	if b.log.Err() == nil {
		b.append(set(2))
	} else if err := b.log.Flush(); err == nil {
		t.Fatalf("step %d: sticky failure, and Flush succeeds", step)
	}
	if names, _ := b.fs.List(inAOF("")); strings.Contains(strings.Join(names, " "), tempPrefix) {
		t.Fatalf("step %d: temporary files left: %q", step, names)
	}
}

func (b *bench) tryReplace(fresh bool) error {
	if fresh {
		return b.log.Start(rdb("2"))
	}
	r, err := b.log.BeginRewrite()
	if err != nil {
		return err
	}
	if err := r.WriteBase(rdb("2")); err != nil {
		return errors.Join(err, r.Abort())
	}
	return r.Commit()
}

func TestF12BaseFunctionFails(t *testing.T) {
	m := newMem(t)
	b := open(t, m).start()
	b.append(set(0))
	boom := errors.New("boom")
	err := b.log.Start(func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 3<<20)); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	b.append(set(1))
	b.close()
	got, err := open(t, m).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, sets(2))
}

// Units appended while the base is being written belong behind it; the old files go away.
func TestRewriteWhileAppending(t *testing.T) {
	m := newMem(t)
	b := open(t, m).start()
	b.append(set(0), set(1))
	r, err := b.log.BeginRewrite()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.log.BeginRewrite(); !errors.Is(err, ErrRewriteRunning) {
		t.Fatal(err)
	}
	b.append(set(2))
	killed, err := open(t, m.Clone()).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, killed, sets(3))
	if err := r.WriteBase(rdb("2")); err != nil {
		t.Fatal(err)
	}
	b.append(set(3))
	if err := r.Commit(); err != nil {
		t.Fatal(err)
	}
	b.append(set(4))
	b.close()
	got, err := open(t, m).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, expandBase(got), sets(5))
	names, err := m.List(inAOF(""))
	if err != nil {
		t.Fatal(err)
	}
	same(t, names, []string{"appendonly.aof.1.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"})
}

// Appendonly switched on at run time: until Commit nothing is in force, a failure leaves nothing behind.
func TestStartWithBase(t *testing.T) {
	m := newMem(t)
	b := open(t, m)
	if err := b.log.Start(func(io.Writer) error { return io.ErrShortWrite }); !errors.Is(err, io.ErrShortWrite) {
		t.Fatal(err)
	}
	if b.log.Running() || b.log.Exists() {
		t.Fatal("running after a failed start")
	}
	if err := b.log.Start(rdb("0")); err != nil {
		t.Fatal(err)
	}
	b.append(set(0))
	b.close()
	got, err := open(t, m).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, expandBase(got), sets(1))
}

func TestAbortOfAReplacementIsSticky(t *testing.T) {
	m := newMem(t)
	b := open(t, m).start()
	b.append(set(0))
	r, err := b.log.begin(true)
	if err != nil {
		t.Fatal(err)
	}
	b.append(set(1))
	if err := r.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := b.log.Flush(); !errors.Is(err, ErrAborted) {
		t.Fatal(err)
	}
	_ = b.log.Close()
	got, err := open(t, m).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, sets(1))
}

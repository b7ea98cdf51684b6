package host

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/server/command"
)

// rigBlocking is the part of a rig that suspends clients and lets goroutines in.
type rigBlocking struct {
	mu        sync.Mutex // the execution lock
	logging   sync.Mutex // guards rig.log
	due       atomic.Bool
	woken     chan struct{}
	suspended map[*command.Client]Waiting
	timeoutMs int64             // given to Suspend last
	replies   map[uint64]string // that resumed clients have got, by ID
	spent     [2]time.Duration  // measured and callback, given to Resume last
	loading   atomic.Bool
}

func (r *rig) TryLocked(f func()) bool {
	if !r.mu.TryLock() {
		return false
	}
	r.mu.Unlock() // no test lets another one in here
	r.Locked(f)
	return true
}

func (r *rig) Loading() bool { return r.loading.Load() }

func (r *rig) Unit(f func()) {
	r.finish()
	r.begin()
	f()
	r.finish()
}

func (r *rig) Suspend(cl *command.Client, _ *command.Command, timeoutMs int64, w Waiting) {
	if r.suspended == nil {
		r.suspended, r.replies = map[*command.Client]Waiting{}, map[uint64]string{}
	}
	r.suspended[cl], r.timeoutMs = w, timeoutMs
}

func (r *rig) Resume(cl *command.Client, begin int, measured, callback time.Duration) {
	if r.suspended[cl] == nil {
		r.t.Errorf("client %d is not suspended", cl.ID)
	}
	delete(r.suspended, cl)
	r.replies[cl.ID] += string(r.ctx.W.Buf[begin:])
	r.ctx.W.Buf = r.ctx.W.Buf[:begin]
	r.spent = [2]time.Duration{measured, callback}
}

func (r *rig) ObserveKeys(on bool) {
	if on {
		r.ctx.Store.OnChange(r.h.KeyChanging)
	} else {
		r.ctx.Store.OnChange(nil)
	}
}

func (r *rig) BlockedDue() { r.due.Store(true) }

func (r *rig) Wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// serveBlocked is called with the lock.
func (r *rig) serveBlocked() {
	if r.due.Swap(false) {
		r.h.ServeBlocked()
	}
}

// turn is what a driver does when it was woken.
func (r *rig) turn() {
	r.mu.Lock()
	r.serveBlocked()
	r.mu.Unlock()
}

// await turns until the condition, which is read under the lock, holds.
func (r *rig) await(what string, holds func() bool) {
	r.t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		r.mu.Lock()
		r.serveBlocked()
		ok := holds()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.woken:
		case <-time.After(10 * time.Millisecond):
		}
	}
	r.t.Fatalf("waited in vain: %s", what)
}

// lost closes the connection of a suspended client.
func (r *rig) lost(cl *command.Client) {
	r.mu.Lock()
	w := r.suspended[cl]
	delete(r.suspended, cl)
	w.Gone()
	r.serveBlocked()
	r.mu.Unlock()
}

// timeout lets the time of a suspended client run out.
func (r *rig) timeout(cl *command.Client) {
	r.mu.Lock()
	r.suspended[cl].TimedOut()
	r.serveBlocked()
	r.mu.Unlock()
}

// got compares the reply that a resumed client has got, "" for none, since the last look.
func (r *rig) got(cl *command.Client, want string) {
	r.t.Helper()
	if got := r.replies[cl.ID]; got != want {
		r.t.Errorf("client %d was replied %q, want %q", cl.ID, got, want)
	}
	delete(r.replies, cl.ID)
	if want == "" != (r.suspended[cl] != nil) {
		r.t.Errorf("client %d: suspended is %v", cl.ID, r.suspended[cl] != nil)
	}
}

// blocks runs a command that must suspend its client.
func (r *rig) blocks(cl *command.Client, args ...string) {
	r.t.Helper()
	if got := r.doAs(cl, args...); got != "" || r.suspended[cl] == nil {
		r.t.Errorf("%q of client %d replied %q, suspended %v", args, cl.ID, got, r.suspended[cl] != nil)
	}
}

// blockedCount compares the number of handles that are not ended.
func (r *rig) blockedCount(want int) {
	r.t.Helper()
	if got := r.h.find("test").blocked; got != want {
		r.t.Errorf("the module has %d blocked clients, want %d", got, want)
	}
}

// quiet fails on misuses and on panics.
func (r *rig) quiet() {
	r.t.Helper()
	if m := r.h.find("test"); m.misuses.Load() != 0 || m.panics.Load() != 0 {
		r.t.Errorf("%d misuses, %d panics: %q", m.misuses.Load(), m.panics.Load(), r.log)
	}
}

func rigClients(n int) []*command.Client {
	list := make([]*command.Client, n)
	for i := range list {
		list[i] = &command.Client{ID: uint64(100 + i), Proto: 2, Authed: true}
	}
	return list
}

// freed counts calls of Free.
type freed struct {
	n     int
	privs []any
	gone  []bool
}

func (f *freed) free(ctx plugin.Ctx, priv any) {
	f.n++
	f.privs, f.gone = append(f.privs, priv), append(f.gone, ctx.BlockedDisconnected())
}

func (f *freed) times(t *testing.T, want int) {
	t.Helper()
	if f.n != want {
		t.Errorf("Free ran %d times, want %d", f.n, want)
	}
}

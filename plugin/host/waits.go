package host

import (
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"

	"datastore/plugin"
	"datastore/server/command"
)

// maxServed bounds ServeBlocked, so that it takes about a millisecond besides what the callbacks do: the rest of many clients
// that are unblocked at once, and callbacks that make keys ready for each other without end, are for the driver's next turn.
const maxServed = 512

// waits are the blocked clients of all modules, and what has happened to them that their callbacks have not been told.
type waits struct {
	mu    sync.Mutex
	queue []wakeup // guarded by mu

	keys    map[dbKey]*keyWait // by the execution lock, as what follows
	ready   []*keyWait
	trials  []trial // that were not finished
	left    int     // of maxServed
	serving bool
}

// wakeup is why a blocked client is looked at.
type wakeup struct {
	b   *blocked
	why wakeReason
}

type wakeReason uint8

const (
	wakeEnd       wakeReason = iota // Unblock or Abort
	wakeTimeout                     // the deadline, or CLIENT UNBLOCK id TIMEOUT
	wakeGone                        // the connection was closed
	wakeUnblocked                   // the server has answered itself
)

// rouse has a blocked client looked at soon. It may be called from any goroutine.
func (h *Modules) rouse(b *blocked, why wakeReason) {
	w := &h.waits
	w.mu.Lock()
	w.queue = append(w.queue, wakeup{b, why})
	w.mu.Unlock()
	h.server.BlockedDue()
	h.server.Wake()
}

// ServeBlocked runs the callbacks of blocked clients for which there is a reason. The server calls it under the execution
// lock, outside of a unit, soon after BlockedDue was called.
func (h *Modules) ServeBlocked() {
	if h.serveSome() {
		h.server.BlockedDue()
		h.server.Wake()
	}
}

// serveSome runs a bounded number of callbacks and reports whether there is more to do.
func (h *Modules) serveSome() (more bool) {
	w := &h.waits
	if w.serving {
		return false
	}
	w.serving = true
	defer func() { w.serving = false }()
	for w.left = maxServed; w.left > 0; {
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		trials, ready := w.trials, w.ready
		w.trials, w.ready = nil, nil
		if len(queue)+len(trials)+len(ready) == 0 {
			return false
		}
		for ; len(queue) > 0 && w.left > 0; queue = queue[1:] {
			w.left--
			h.settleWait(queue[0].b, queue[0].why)
		}
		for ; len(trials) > 0 && w.left > 0; trials = trials[1:] {
			h.goOn(trials[0])
		}
		for ; len(ready) > 0 && w.left > 0; ready = ready[1:] {
			w.left--
			h.try(ready[0])
		}
		w.putBack(queue, trials, ready)
	}
	return true
}

// putBack leaves what was not done for the next round, before what has come meanwhile.
func (w *waits) putBack(queue []wakeup, trials []trial, ready []*keyWait) {
	if len(queue) > 0 {
		w.mu.Lock()
		w.queue = append(queue, w.queue...)
		w.mu.Unlock()
	}
	if len(trials) > 0 {
		w.trials = append(trials, w.trials...)
	}
	if len(ready) > 0 {
		w.ready = append(ready, w.ready...)
	}
}

// settleWait does what follows from the end of a wait.
func (h *Modules) settleWait(b *blocked, why wakeReason) {
	switch why {
	case wakeTimeout:
		if b.waiting && b.live() {
			h.answer(b, phaseTimeout, b.o.OnTimeout, nil)
		}
		return
	case wakeGone:
		if b.deserted && b.o.Disconnect != nil {
			h.tell(b, phaseDisconnect, func(f *frame) { b.o.Disconnect(f, &b.handle) })
		}
	case wakeEnd:
		switch {
		case !b.waiting:
		case b.wasAborted():
			h.answer(b, phaseReply, nil, nil)
		case b.onKeys:
			h.answer(b, phaseTimeout, b.o.OnTimeout, nil)
		default:
			h.answer(b, phaseReply, b.o.Reply, nil)
		}
		h.free(b)
		return
	}
	b.delist()
	h.endKeys(b)
}

// endKeys ends the handle of a wait for keys that is over.
func (h *Modules) endKeys(b *blocked) {
	if b.onKeys && b.end(false) {
		h.free(b)
	}
}

// free ends the life of a handle.
func (h *Modules) free(b *blocked) {
	b.detach()
	if b.o.Free != nil {
		h.tell(b, phaseFree, func(f *frame) { b.o.Free(f, b.private()) })
	}
	b.module.blocked--
}

// TimedOut implements Waiting.
func (b *blocked) TimedOut() {
	if b.MayTimeOut() {
		b.late = true
		b.host.rouse(b, wakeTimeout)
	}
}

// MayTimeOut implements Waiting.
func (b *blocked) MayTimeOut() bool { return b.waiting && !b.late && b.o.OnTimeout != nil && b.live() }

// Gone implements Waiting.
func (b *blocked) Gone() { b.leave(wakeGone) }

// Unblocked implements Waiting.
func (b *blocked) Unblocked() { b.leave(wakeUnblocked) }

// leave ends a wait without an answer of the module. It is queued first: once the context ends, a goroutine may call
// Unblock, and Free comes last.
func (b *blocked) leave(why wakeReason) {
	b.waiting, b.gone = false, why == wakeGone
	b.deserted = b.gone && b.live()
	b.host.rouse(b, why)
	b.detach()
}

// visit is one entry into module code outside of a command: a callback, or BlockedClient.Do and its like. It runs under
// the execution lock.
type visit struct {
	module   *module
	self     *moduleCommand
	cmd      *command.Command
	client   *command.Client
	args     [][]byte
	noClient bool
	at       blocking

	err     error
	crashed bool
	crash   any // what it panicked with
}

// visitOf returns an entry in the name of a blocked client.
func (b *blocked) visitOf(p phase) *visit {
	v := &visit{module: b.module, self: b.self, cmd: b.cmd, client: b.client, args: b.args, at: blocking{of: b, phase: p}}
	if p == phaseDisconnect || p == phaseFree || p == phaseDo && !b.waiting {
		v.noClient, v.client = true, &command.Client{DB: b.client.DB, Proto: 2, Authed: true}
	} else if p == phaseDo {
		own := *b.client // SelectDB is for f only
		v.client = &own
	}
	return v
}

// what names the entry for the log.
func (v *visit) what() string {
	what := [...]string{
		phaseReply: "reply callback", phaseTimeout: "timeout callback", phaseDisconnect: "disconnect callback",
		phaseFree: "free callback", phaseDo: "Do",
	}[v.at.phase]
	if v.cmd == nil {
		return what + " of a goroutine"
	}
	return what + " of command '" + v.cmd.FullName() + "'"
}

// callback runs a callback as a unit. It gets a goroutine of its own, for runtime.Goexit must not end the caller's, which may
// be that of the event loop.
func (h *Modules) callback(v *visit, run func(f *frame) error) {
	h.server.Unit(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			pprof.SetGoroutineLabels(v.module.goroutines.labels)
			debug.SetPanicOnFault(true)
			h.visit(v, run)
		}()
		<-done
	})
}

// visit runs module code with a frame of its own and puts the context back as it was.
func (h *Modules) visit(v *visit, run func(f *frame) error) {
	cc := h.server.Context()
	args, cmd, db, client, proto := cc.Args, cc.Cmd, cc.DB, cc.Client, cc.W.Proto
	defer func() { cc.Args, cc.Cmd, cc.DB, cc.Client, cc.W.Proto = args, cmd, db, client, proto }()
	cc.Args, cc.Cmd, cc.DB, cc.Client, cc.W.Proto = v.args, v.cmd, cc.Store.DB(v.client.DB), v.client, v.client.Proto
	f := h.enter(v.self, cc)
	f.noClient, f.blocking = v.noClient, v.at
	defer func() {
		if p := recover(); p != nil || !f.returned {
			v.err, v.crashed, v.crash = f.stopped(v.what(), p), true, p
		}
		if v.crashed && (v.at.phase == phaseReply || v.at.phase == phaseTimeout) {
			f.writeError(command.Errorf(PanicText(v.module.name, v.crash)))
		}
		f.leave()
	}()
	v.err = run(f)
	f.returned = true
}

// stopped logs and counts module code that did not return.
func (f *frame) stopped(what string, v any) error {
	err := error(ErrGoexit)
	if v != nil {
		err = newPanicError(v)
	}
	f.module.panics.Add(1)
	f.host.logStack(f.module, err)
	f.logf(plugin.Warning, "%s did not return: %v", what, err)
	f.dropBlocked()
	return fmt.Errorf("%w: %w", plugin.ErrPanic, err)
}

// tell runs a callback that has no client.
func (h *Modules) tell(b *blocked, p phase, run func(f *frame)) {
	h.callback(b.visitOf(p), func(f *frame) error {
		run(f)
		return nil
	})
}

// answer runs the callback that answers a waiting client, nil for none, and lets the client go on, unless the callback says
// that it was not served.
func (h *Modules) answer(b *blocked, p phase, callback plugin.Handler, ready []byte) {
	cc := h.server.Context()
	begin, began := len(cc.W.Buf), time.Now()
	v := b.visitOf(p)
	v.at.ready = ready
	unserved := false
	h.callback(v, func(f *frame) error {
		result := error(nil)
		if callback != nil {
			result = callback(f, f.args)
		}
		f.returned = true
		if unserved = ready != nil && errors.Is(result, plugin.ErrNotServed); unserved {
			f.takeBack(v)
			return nil
		}
		f.answerKept(b, result)
		return nil
	})
	switch {
	case unserved:
		return
	case !b.waiting: // the callback has called CLIENT UNBLOCK
		cc.W.Buf = cc.W.Buf[:begin]
		return
	}
	b.waiting = false
	b.delist()
	b.detach()
	h.server.Resume(b.client, begin, b.measured(), time.Since(began))
	h.endKeys(b)
}

// takeBack removes what a callback wrote for a client that it did not serve.
func (f *frame) takeBack(v *visit) {
	if f.Replied() {
		f.misuse("%s replied to a client that was not served", v.what())
		f.cc.W.Buf = f.cc.W.Buf[:f.begin]
	}
	f.dropBlocked()
}

// answerKept completes the reply of a callback. One that neither wrote anything nor failed leaves the client with what was
// written before.
func (f *frame) answerKept(b *blocked, result error) {
	if reply, counted := b.kept(); result == nil && reply != nil && !f.Replied() {
		f.cc.W.Raw(reply)
		for _, text := range counted {
			f.countError(text)
		}
		return
	}
	f.writeError(f.answer(result))
}

// measured returns the time that the module has measured.
func (b *blocked) measured() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

package host

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"datastore/plugin"
	"datastore/server/command"
	"datastore/server/resp"
)

// blocked is the host's side of one plugin.BlockedClient, the wait of one client.
//
// A wait begins when the handler that asked for it has returned (frame.park): only then is it certain that the client has
// to wait. It ends with the first of these: the module's Unblock or Abort, a key that is ready, the deadline, the end of the
// connection, the server's own answer. None of them runs module code where it happens. It is noted, and at the end of the
// running unit, or in the driver's next turn, ServeBlocked runs the callbacks: there no handler is running, no key is
// open, and each callback is a unit of its own.
//
// The handle outlives the wait: that of Block until Unblock or Abort, that of BlockOnKeys until the wait ends. Then Free
// runs, once.
//
// Everything is guarded by the execution lock, but what goroutines of the module touch: that is guarded by mu.
type blocked struct {
	handle plugin.BlockedClient
	host   *Modules
	module *module
	self   *moduleCommand
	cmd    *command.Command
	o      plugin.BlockOptions
	client *command.Client
	proto  int
	args   [][]byte // of the command, its own copy
	links  []keyLink
	onKeys bool
	flags  plugin.BlockFlags

	waiting  bool // the client is suspended for this
	late     bool // its time is over, and OnTimeout is to be called
	gone     bool // the connection was closed meanwhile
	deserted bool // before Unblock and Abort

	mu       sync.Mutex
	ended    bool // Unblock or Abort was called, or the host has ended the handle
	aborted  bool
	attached bool // somebody waits, or will when the handler has returned
	priv     any
	writing  bool
	reply    []byte   // nil for none
	counted  []string // errors in reply, which are counted when it is sent
	since    time.Time
	spent    time.Duration
	ctx      context.Context
	cancel   context.CancelFunc
}

// phase is where in the life of a blocked client a callback is.
type phase uint8

const (
	phaseNone phase = iota
	phaseReply
	phaseTimeout
	phaseDisconnect
	phaseFree
	phaseDo
)

// blocking is what a frame knows of blocked clients.
type blocking struct {
	made   []*blocked // by this handler, denied ones included
	own    *blocked   // of these, the one that is to wait
	denied bool

	phase   phase
	of      *blocked // whose callback this is
	ready   []byte   // the key
	counted *[]string
}

// Texts of the replies to a command that cannot block its client.
const (
	deniedInReply = "ERR Blocking module command called from a Reply callback context"
	deniedInExec  = "ERR Blocking module command called from transaction"
	deniedHere    = "ERR Blocking module command called where its client cannot wait"
	deniedTwice   = "ERR Blocking module command blocks its client twice"
	deniedTimeout = "ERR timeout is out of range"
)

// Block implements plugin.Blocking.
func (f *frame) Block(o plugin.BlockOptions) (*plugin.BlockedClient, error) {
	b, err := f.block(o)
	if b == nil {
		return nil, err
	}
	return &b.handle, err
}

// BlockOnKeys implements plugin.Blocking.
func (f *frame) BlockOnKeys(o plugin.BlockOptions, flags plugin.BlockFlags, keys ...plugin.String) (*plugin.BlockedClient, error) {
	if len(keys) == 0 || o.Reply == nil {
		return nil, plugin.ErrInvalid
	}
	b, err := f.block(o)
	if b == nil {
		return nil, err
	}
	b.onKeys, b.flags = true, flags
	for _, k := range keys {
		b.links = append(b.links, keyLink{at: dbKey{f.db.Index(), k.String()}})
	}
	return &b.handle, err
}

// block makes the handle, and denies it with an error reply where the client cannot wait.
func (f *frame) block(o plugin.BlockOptions) (*blocked, error) {
	at := &f.blocking
	switch {
	case f.noClient || at.phase == phaseDo:
		return nil, plugin.ErrNoClient
	case o.Timeout > 0 && o.OnTimeout == nil:
		return nil, plugin.ErrInvalid
	}
	b := &blocked{
		host: f.host, module: f.module, self: f.self, cmd: f.cmd, o: o, client: f.client, proto: f.cc.W.Proto, priv: o.Priv,
	}
	b.handle.Impl = b
	f.module.blocked++
	at.made = append(at.made, b)
	if why := f.denied(o.Timeout); why != "" {
		at.denied = true
		if err := f.ReplyError(why); err != nil {
			return b, err
		}
		return b, plugin.ErrBlockDenied
	}
	b.attached, at.own = true, b
	b.args = copyArgs(f.raw)
	return b, nil
}

// denied returns why the client of this frame cannot wait, "" if it can.
func (f *frame) denied(timeout time.Duration) string {
	switch cl := f.client; {
	case f.blocking.phase != phaseNone:
		return deniedInReply
	case cl.InExec:
		return deniedInExec
	case cl.DenyBlock || cl.FromStream:
		return deniedHere
	case f.blocking.own != nil:
		return deniedTwice
	case timeout < 0:
		return deniedTimeout
	}
	return ""
}

// copyArgs copies a command out of the input buffer.
func copyArgs(args [][]byte) [][]byte {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	buf, own := make([]byte, 0, n), make([][]byte, len(args))
	for i, a := range args {
		from := len(buf)
		buf = append(buf, a...)
		own[i] = buf[from:len(buf):len(buf)]
	}
	return own
}

// park lets the client of a handler wait that has blocked it and returned. It returns what is left of the handler's result.
func (f *frame) park(result error) (rest error, parked bool) {
	b := f.blocking.own
	if errors.Is(result, plugin.ErrBlockDenied) && f.blocking.denied {
		f.dropBlocked()
		return nil, false // replied
	}
	replied := f.Replied()
	switch {
	case result != nil:
		f.dropBlocked()
		return result, false
	case b == nil:
		return nil, false
	case replied:
		if !b.wasAborted() {
			f.misuse("command '%s' has blocked its client and replied", f.cmd.FullName())
			b.abort()
		}
		return nil, false
	}
	b.waiting = true
	b.enlist()
	timeoutMs := b.o.Timeout.Milliseconds()
	if b.o.Timeout%time.Millisecond != 0 {
		timeoutMs++
	}
	f.host.server.Suspend(b.client, b.cmd, timeoutMs, b)
	return nil, true
}

// dropBlocked aborts what a handler that has failed has blocked.
func (f *frame) dropBlocked() {
	for _, b := range f.blocking.made {
		b.abort()
	}
}

// endBlocking forgets the handles when the frame ends.
func (f *frame) endBlocking() {
	at := &f.blocking
	clear(at.made)
	*at = blocking{made: at.made[:0]}
}

// IsBlockedReply implements plugin.Blocking.
func (f *frame) IsBlockedReply() bool { return f.blocking.phase == phaseReply }

// IsBlockedTimeout implements plugin.Blocking.
func (f *frame) IsBlockedTimeout() bool { return f.blocking.phase == phaseTimeout }

// BlockedClient implements plugin.Blocking.
func (f *frame) BlockedClient() *plugin.BlockedClient {
	if b := f.blocking.of; b != nil {
		return &b.handle
	}
	return nil
}

// BlockedPriv implements plugin.Blocking.
func (f *frame) BlockedPriv() any {
	b := f.blocking.of
	if b == nil {
		return nil
	}
	return b.private()
}

// BlockedReadyKey implements plugin.Blocking.
func (f *frame) BlockedReadyKey() plugin.String { return plugin.StringOf(f.blocking.ready) }

// BlockedDisconnected implements plugin.Blocking.
func (f *frame) BlockedDisconnected() bool {
	return f.blocking.phase == phaseFree && f.blocking.of.gone
}

func (b *blocked) private() any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.priv
}

func (b *blocked) wasAborted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.aborted
}

// live reports whether nothing has ended the handle.
func (b *blocked) live() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.ended
}

// end ends the handle, if nothing has before.
func (b *blocked) end(aborted bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	b.ended, b.aborted = true, aborted
	return true
}

// detach notes that nobody waits any more.
func (b *blocked) detach() {
	b.mu.Lock()
	b.attached = false
	if b.cancel != nil {
		b.cancel()
	}
	b.mu.Unlock()
}

// Unblock implements plugin.BlockedImpl.
func (b *blocked) Unblock(priv any) error {
	b.mu.Lock()
	switch {
	case b.ended:
		b.mu.Unlock()
		return plugin.ErrStale
	case b.onKeys && b.attached && b.o.OnTimeout == nil:
		b.mu.Unlock()
		return plugin.ErrInvalid
	}
	b.ended = true
	if priv != nil {
		b.priv = priv
	}
	b.mu.Unlock()
	b.host.rouse(b, wakeEnd)
	return nil
}

// Abort implements plugin.BlockedImpl.
func (b *blocked) Abort() error {
	if !b.abort() {
		return plugin.ErrStale
	}
	return nil
}

func (b *blocked) abort() bool {
	if !b.end(true) {
		return false
	}
	b.host.rouse(b, wakeEnd)
	return true
}

// MeasureStart implements plugin.BlockedImpl.
func (b *blocked) MeasureStart() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return plugin.ErrStale
	}
	b.since = time.Now()
	return nil
}

// MeasureEnd implements plugin.BlockedImpl.
func (b *blocked) MeasureEnd() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ended:
		return plugin.ErrStale
	case b.since.IsZero():
		return plugin.ErrInvalid
	}
	b.spent += time.Since(b.since)
	b.since = time.Time{}
	return nil
}

// Context implements plugin.BlockedImpl.
func (b *blocked) Context() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx == nil {
		b.ctx, b.cancel = context.WithCancel(b.module.goroutines.context())
		if !b.attached {
			b.cancel()
		}
	}
	return b.ctx
}

// replyWriter is what f of BlockedClient.Reply gets: the methods of a frame that write replies, and no others.
type replyWriter struct{ plugin.Replies }

// Reply implements plugin.BlockedImpl. The reply is written into a buffer of its own, by a frame of its own, so that the
// goroutine needs no lock.
func (b *blocked) Reply(f func(r plugin.Replies) error) error {
	b.mu.Lock()
	err := b.writable()
	b.writing = b.writing || err == nil
	b.mu.Unlock()
	if err != nil {
		return err
	}
	var counted []string
	cc := &command.Ctx{W: resp.Writer{Proto: b.proto}, Cmd: b.cmd}
	w := &frame{host: b.host, module: b.module, self: b.self, cc: cc, cmd: b.cmd, client: &command.Client{}}
	w.blocking = blocking{of: b, phase: phaseDo, counted: &counted}
	defer func() {
		w.noClient = true // r is dead
		b.mu.Lock()
		b.writing = false
		b.mu.Unlock()
	}()
	err = b.fill(w, f)
	b.keep(w.cc.W.Buf, counted)
	return err
}

// writable returns why there can be no reply. mu is held.
func (b *blocked) writable() error {
	switch {
	case b.ended:
		return plugin.ErrStale
	case !b.attached:
		return plugin.ErrNoClient
	case b.reply != nil || b.writing:
		return plugin.ErrReplyShape
	}
	return nil
}

// fill runs f and makes one complete reply of what it wrote.
func (b *blocked) fill(w *frame, f func(r plugin.Replies) error) (failed error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var result error
	defer func() {
		if v := recover(); v != nil || !w.returned {
			failed, result = plugin.ErrPanic, w.crashed(v)
		}
		w.writeError(result)
	}()
	result = f(replyWriter{w})
	w.returned = true
	result = w.answer(result)
	return nil
}

// writeError puts an error in the place of what was written, nil for none.
func (f *frame) writeError(err error) {
	if err == nil {
		return
	}
	w := &f.cc.W
	w.Buf = w.Buf[:f.begin]
	w.Error(err.Error())
	f.countError(err.Error())
}

// keep stores the reply for the moment in which the client is unblocked.
func (b *blocked) keep(reply []byte, counted []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.attached && b.reply == nil {
		b.reply, b.counted = bytes.Clone(reply), counted
	}
}

// kept returns the reply that was written before the client is unblocked, nil for none.
func (b *blocked) kept() (reply []byte, counted []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reply, b.counted
}

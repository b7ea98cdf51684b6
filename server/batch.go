package server

import (
	"slices"
	"time"

	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/resp"
	"datastore/server/ticks"
)

// batch carries the work of one turn of a driver: the commands parsed from all its ready connections, and the replies.
// One batch is reused turn after turn, so that a turn allocates nothing.
//
// A turn has four parts: read and parse without the lock; touch the index slots and records of all keys, so that cache
// misses overlap instead of queueing; execute under the lock and hand the effects to the AOF; write the replies, without
// the lock again. Replies of one connection are contiguous in out, because its commands are executed together.
type batch struct {
	srv     *Server
	feeds   []feed
	cmds    []parsed
	args    [][]byte
	out     []byte
	outputs []output
	touched []touched
	far     int // commands before this one had their buckets touched
	near    int // and their records
	nearKey int // next of touched
	repeated

	last     *command.Command // parsed last, unless its subcommand matters
	lastName []byte

	cur  int // feed being executed
	at   int // next of cmds, so that a panic resumes behind the command that caused it
	from int // where the current feed's replies begin in out

	modest   int        // feeds before the first one of a greedy connection
	share    ticks.Tick // of a connection in this turn
	first    int        // command of the current feed
	began    ticks.Tick // with the current feed
	until    ticks.Tick // when it has had its share; 0 before it begins
	extended bool       // it has got more

	pins  bool // the driver sends pinned strings (see keyspace.Pin)
	large bool // an input of this turn is not worth keeping: nothing may refer to it afterwards

	exited func() // starts a goroutine that calls goOn and then what follows it, when this one is being ended
}

// feed is one connection's share of a batch.
type feed struct {
	c      *conn
	in     []byte // its unread bytes, in the driver's buffer or in c.rbuf
	used   int    // bytes consumed by execution
	parsed int    // bytes consumed by the parser
	cmds   int    // end of its commands in batch.cmds
	err    error  // protocol error behind the parsed commands
	more   bool   // in holds more commands than were parsed
	cut    bool   // parsed commands were left for the next turn
	wrote  int    // where in out the reply of its first command with effects begins, -1 for none
}

// parsed is one command: args[from:to], ending at byte end of its feed's input.
type parsed struct {
	from, to int32
	end      int
	cmd      *command.Command
	db       int   // when it was parsed
	keys     int32 // end of its keys in batch.touched
}

// output is what a connection has to be sent: out[from:to], then tail.
type output struct {
	c        *conn
	from, to int
	wrote    int // as in feed
	tail     string
	pins     []command.Pinned // strings that belong into out[from:to]
}

// touched is a key or an element whose index slots are on their way.
type touched struct {
	hash uint64
	db   int32
	of   keyspace.Elements // of an element
}

const (
	maxBatchOutputBytes = 4 << 20  // replies beyond which a batch is cut: written before the rest is executed
	maxFeedOutputBytes  = 1 << 20  // replies to one connection beyond which the rest of its commands waits for the next turn
	keepInputBytes      = 64 << 10 // an input buffer that is larger is freed when it is empty
	touchStride         = 32       // commands between two looks ahead, and from touching a bucket to touching its records
	minTouched          = 8        // arguments from which a single command is worth it
	maxTouched          = 256      // keys of one command that are touched ahead
	keepArgs            = 1 << 18  // arguments beyond which their table is freed after the turn
)

func newBatch(s *Server, exited func()) *batch { return &batch{srv: s, exited: exited} }

func (b *batch) reset() {
	if b.large || len(b.args) > keepArgs {
		b.large = false
		clear(b.feeds)
		clear(b.args)
	}
	if len(b.args) > keepArgs {
		b.args = nil
	}
	b.feeds, b.cmds, b.args, b.outputs = b.feeds[:0], b.cmds[:0], b.args[:0], b.outputs[:0]
	b.cur, b.at, b.from, b.last, b.lastName = 0, 0, 0, nil, nil
	b.modest, b.until, b.repeated = 0, 0, repeated{}
	if cap(b.out) > 4*maxBatchOutputBytes {
		b.out = nil
	}
	b.out = b.out[:0]
}

// add parses a connection's unread bytes. It runs without the lock.
func (b *batch) add(c *conn, in []byte) {
	f := feed{c: c, in: in, more: true, wrote: -1}
	limits := resp.Limits{
		MaxBulkBytes: int(b.srv.maxBulk.Load()), MaxArgs: maxArgs, MaxInlineBytes: maxInlineBytes,
		Unauthenticated: !c.Authed,
	}
	b.large = b.large || len(in) > keepInputBytes
	table := b.srv.table.Load()
	most := maxFeedCommands
	if c.parseMost > 0 {
		most = c.parseMost
	}
	for range most {
		from := len(b.args)
		args, used, err := c.parser.Next(in[f.parsed:], b.args, &limits)
		f.parsed += used
		b.args = args
		if err != nil || len(args) == from {
			f.err, f.more = err, false
			break
		}
		p := b.next()
		p.from, p.to, p.end, p.db, p.keys = int32(from), int32(len(args)), f.parsed, c.DB, 0
		p.cmd = b.resolve(table, args[from:])
		if !c.Authed {
			break // the next command may be read under other limits
		}
	}
	f.more = f.more && f.parsed < len(in)
	f.cmds = len(b.cmds)
	b.feeds = append(b.feeds, f)
	if !c.greedy {
		b.modest = len(b.feeds)
	}
}

// next returns room for one more command, to be filled in place: a copy of what was just written waits until that has reached
// the cache.
func (b *batch) next() *parsed {
	n := len(b.cmds)
	if n == cap(b.cmds) {
		b.cmds = slices.Grow(b.cmds, 1)
	}
	b.cmds = b.cmds[:n+1]
	return &b.cmds[n]
}

// resolve looks a command up, unless its name is that of the one before, as it mostly is in a pipeline.
func (b *batch) resolve(table *command.Table, args [][]byte) *command.Command {
	if b.last != nil && string(args[0]) == string(b.lastName) {
		return b.last
	}
	c := table.Resolve(args)
	if b.last = c; c != nil && (c.HasSubs() || c.Parent() != nil) {
		b.last = nil // the next argument decides
	}
	b.lastName = args[0]
	return c
}

// prefetch starts touching what the commands will read: first the index buckets, then the records that they refer to, so
// that the misses of many keys overlap. It stays a little ahead of execution (see ahead) rather than going through the whole
// batch first, since what is touched too early has left the first-level cache again. A single command with many keys is
// worth it too. It runs under the lock.
func (b *batch) prefetch() {
	b.near, b.far, b.nearKey = len(b.cmds), len(b.cmds), 0
	b.touched, b.repeated = b.touched[:0], repeated{}
	if (len(b.cmds) < 2 && len(b.args) < minTouched) || !b.srv.values.Prefetch {
		return
	}
	b.near, b.far = b.at, b.at
	b.ahead()
}

// ahead touches the buckets of commands up to two strides away and the records of those up to one stride away.
func (b *batch) ahead() {
	near, far := min(b.at+touchStride, len(b.cmds)), min(b.at+2*touchStride, len(b.cmds))
	for ; b.far < far; b.far++ {
		if p := &b.cmds[b.far]; p.cmd != nil {
			b.touch(b.srv.store.DB(p.db), p)
		}
		b.cmds[b.far].keys = int32(len(b.touched))
	}
	for ; b.near < near; b.near++ {
		for end := int(b.cmds[b.near].keys); b.nearKey < end; b.nearKey++ {
			if t := &b.touched[b.nearKey]; t.of == 0 {
				b.srv.store.DB(int(t.db)).PrefetchRecord(t.hash)
			} else {
				b.srv.store.PrefetchElementRecord(t.of, t.hash)
			}
		}
	}
}

// touch begins to load the index buckets of a command's keys.
func (b *batch) touch(db *keyspace.DB, p *parsed) {
	first, last, step := p.cmd.KeyRange()
	args := b.args[p.from:p.to]
	if first <= 0 || first >= len(args) {
		return
	}
	if p.cmd.OnCollection() && b.touchElements(db, p.cmd, args, args[first]) {
		return
	}
	b.touched = append(b.touched, touched{hash: db.Prefetch(args[first]), db: int32(db.Index())})
	if last == first || step <= 0 {
		return
	}
	if last < 0 {
		last += len(args)
	}
	most := len(b.touched) + maxTouched
	for k := first + step; k <= min(last, len(args)-1) && len(b.touched) < most; k += step {
		b.touched = append(b.touched, touched{hash: db.Prefetch(args[k]), db: int32(db.Index())})
	}
}

// repeated is the key of the collection that the last command on one was about.
type repeated struct {
	key   []byte
	db    int
	known bool // elements have been looked up
	of    keyspace.Elements
}

// touchElements begins to load the index slots of a command's fields or members, if there are many or the command before was
// about the same collection: only then is looking that up worth it. It returns false if keys are still to be touched.
func (b *batch) touchElements(db *keyspace.DB, cmd *command.Command, args [][]byte, key []byte) bool {
	r := &b.repeated
	if db.Index() != r.db || string(key) != string(r.key) {
		*r = repeated{key: key, db: db.Index()}
		if cmd.ElementStep == 0 || len(args) < cmd.Element+minTouched*cmd.ElementStep {
			return false
		}
	}
	if cmd.Element == 0 {
		return cmd.OnOneKey()
	}
	if !r.known {
		r.of, r.known = db.Elements(key), true
	}
	if r.of == 0 {
		return true
	}
	most := min(len(args), cmd.Element+maxTouched*max(cmd.ElementStep, 1))
	for i := cmd.Element; i < most; i += cmd.ElementStep {
		b.touched = append(b.touched, touched{hash: b.srv.store.PrefetchElement(r.of, args[i]), of: r.of})
		if cmd.ElementStep == 0 {
			break
		}
	}
	return true
}

// begin lets the replies go to the batch, and divides the turn among so many connections. The lock is held from here to the
// end of goOn.
func (b *batch) begin(among int) {
	b.share = b.srv.timing.clock.Ticks(max(min(turnTime/time.Duration(max(among, 1)), maxShare), minShare))
	b.srv.ctx.W.Buf, b.srv.ctx.MayPin, b.srv.unitWrote = b.out, b.pins, false
	b.prefetch()
}

// goOn executes the batch, or a part of it: it returns false when the replies must be written before the rest is executed.
// A module's command can end the goroutine that runs it (runtime.Goexit), which nothing stops; another one calls goOn again
// then, with the lock still held, and the batch goes on behind that command.
func (b *batch) goOn() (done bool) {
	s := b.srv
	for !b.guarded() {
		b.noteWrite()
	}
	b.out = s.ctx.W.Buf
	s.ctx.W.Buf, s.ctx.Args, s.ctx.MayPin = nil, nil, false
	s.flushAOF(b)
	return b.cur == len(b.feeds)
}

// guarded executes commands until the batch is through or replies are to be written first; a panic in a handler ends it, is
// answered with an error, and the caller goes on with the next command.
func (b *batch) guarded() (through bool) {
	s := b.srv
	s.beginLaps()
	began := s.timing.lap
	defer func() {
		s.stats.commandNanos += s.timing.clock.Nanos(s.timing.lap - began)
		if !through {
			cause := recover()
			s.recoverCommand(cause)
			if cause == nil {
				b.exited() // the last thing here: another goroutine has the lock from now on
			}
		}
	}()
	for b.cur < len(b.feeds) {
		if len(s.ctx.W.Buf) > maxBatchOutputBytes || b.greedyNext() {
			return true
		}
		f := &b.feeds[b.cur]
		b.beginShare()
		for b.at < f.cmds {
			if s.timing.lap >= b.until && b.spent(f) || f.c.stopped() || b.replyBytes() > maxFeedOutputBytes {
				b.cut(f)
				break
			}
			if b.near-b.at < touchStride/2 && b.near < len(b.cmds) {
				b.ahead()
			}
			p := &b.cmds[b.at]
			b.at++
			f.used = p.end
			if len(f.c.received) > 0 {
				b.serveLarge(f.c, p)
			} else {
				s.serve(f.c, b.args[p.from:p.to:p.to], p.cmd)
			}
			b.noteWrite()
		}
		b.endShare()
		b.finish(f)
		b.emit(f)
		b.cur++
	}
	return true
}

// serveLarge is serve for a command with arguments that were received in buffers of their own.
func (b *batch) serveLarge(c *conn, p *parsed) {
	c.offer()
	defer b.srv.store.Retract()
	b.srv.serve(c, b.args[p.from:p.to:p.to], p.cmd)
}

// replyBytes returns the length of the replies to the present connection so far.
func (b *batch) replyBytes() int {
	n := len(b.srv.ctx.W.Buf) - b.from
	for _, p := range b.srv.ctx.Pinned {
		n += len(p.Bytes)
	}
	return n
}

// restore puts a command with arguments that were received elsewhere, and that was not executed, into the input as if it
// had come the usual way.
func (b *batch) restore(f *feed) {
	first := 0
	if b.cur > 0 {
		first = b.feeds[b.cur-1].cmds
	}
	p := &b.cmds[first]
	f.in = append(resp.AppendCommand(nil, b.args[p.from:p.to]...), f.in[p.end:]...)
	f.c.dropLarge()
}

// noteWrite remembers the first reply of the connection being executed that claims an effect.
func (b *batch) noteWrite() {
	s := b.srv
	if s.unitWrote {
		s.unitWrote = false
		if f := &b.feeds[b.cur]; f.wrote < 0 {
			f.wrote = s.cmdStart
		}
	}
}

// stopped reports whether a connection must not execute further commands now.
func (c *conn) stopped() bool { return c.closing.Load() || c.dead.Load() || c.blocked.Load() != nil }

// finish settles a connection after its last command.
func (b *batch) finish(f *feed) {
	if f.used == 0 && len(f.c.received) > 0 && (f.cut || f.c.stopped()) && f.parsed > 0 {
		b.restore(f)
	}
	switch {
	case f.cut:
		f.c.parser.Reset() // the rest is parsed again when the connection goes on
		f.more = true
	case f.err != nil && !f.c.stopped():
		b.srv.protocolError(f.c, f.err)
		f.used = len(f.in)
	case f.c.stopped() && f.used < f.parsed:
		f.c.parser.Reset()
	default:
		f.used = f.parsed // empty requests behind the last command as well
		b.whole(f)
	}
	b.srv.stats.netIn += int64(f.used)
}

// emit closes the replies of a connection. One that is to be closed at once gets none.
func (b *batch) emit(f *feed) {
	if f.c.dead.Load() {
		b.srv.cutReply(b.from)
	}
	if n := len(b.srv.ctx.W.Buf); n > b.from {
		o := output{c: f.c, from: b.from, to: n, wrote: f.wrote}
		if pins := b.srv.ctx.Pinned; len(pins) > 0 {
			o.pins = slices.Clone(pins)
			b.srv.ctx.Pinned = pins[:0]
		}
		b.outputs = append(b.outputs, o)
		b.from, f.wrote = n, -1
	}
}

// resume prepares the batch for its rest after the replies so far were written.
func (b *batch) resume() {
	b.outputs, b.out, b.from = b.outputs[:0], b.out[:0], 0
}

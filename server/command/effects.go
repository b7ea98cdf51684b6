package command

import "datastore/server/resp"

// Effects collects the effects of one unit: the canonical write commands that reproduce its changes, encoded once and
// handed to AOF and replicas as the same bytes.
//
// A handler that changed the keyspace and says nothing is reproduced by its own arguments (verbatim). One whose
// arguments do not determine the change (a relative time, a random choice, a float sum) calls Replace with commands that
// do, or Drop when there is nothing to reproduce.
//
// The buffer begins with room for MULTI so that wrapping a unit of several effects moves no bytes.
//
// An effect may be for one of the two only. Such effects stand in the buffer as well, each with a SELECT of its own and
// followed by another one, so that a stream without them selects the same databases; Split leaves them out.
type Effects struct {
	buf     []byte
	n       int
	db      int  // database the stream has selected, -1 unknown
	on      bool // somebody listens
	settled bool // the running command has said what its effects are

	firstDB int      // database of the first effect in buf, -1 when that begins with a SELECT of its own
	first   int      // where it begins, behind another SELECT
	divert  *Effects // takes what Add is given, nil for none
	swaps   [][2]int // databases exchanged by what was diverted and is not appended yet

	partial []part // of buf, for one target or none, in order
}

// Target says who gets an effect.
type Target uint8

// Targets.
const (
	ToAOF Target = 1 << iota
	ToReplicas
	ToAll = ToAOF | ToReplicas
)

// part is buf[from:to], which holds n effects that not everybody gets.
type part struct {
	from, to, n int
	target      Target
}

const multiPrefix = "*1\r\n$5\r\nMULTI\r\n"
const execSuffix = "*1\r\n$4\r\nEXEC\r\n"

// Listen switches encoding on or off; without AOF and replicas effects cost nothing.
func (e *Effects) Listen(on bool) { e.on = on }

// Listening reports whether effects are encoded. When they are not, nothing needs to be collected.
func (e *Effects) Listening() bool { return e.on }

// Forget makes the next effect select its database again, for a new file or a new replica.
func (e *Effects) Forget() { e.db = -1 }

// Begin starts the effects of one command within the unit.
func (e *Effects) Begin() { e.settled = false }

// Settled reports whether the running command has declared its effects.
func (e *Effects) Settled() bool { return e.settled }

// Drop declares that the running command has no effects.
func (e *Effects) Drop() { e.settled = true }

// Replace declares an effect of the running command instead of its own arguments; it may be called several times.
func (e *Effects) Replace(db int, args ...[]byte) {
	e.settled = true
	e.Add(db, args...)
}

// Add appends an effect without settling the running command: a DEL of an expired key, or the command itself.
func (e *Effects) Add(db int, args ...[]byte) {
	if e.divert != nil {
		e.divert.AddNow(db, args...)
		return
	}
	e.AddNow(db, args...)
}

// AddFor is Add for a target.
func (e *Effects) AddFor(target Target, db int, args ...[]byte) {
	if e.divert != nil {
		e = e.divert
	}
	if target == ToAll || !e.on {
		e.AddNow(db, args...)
		return
	}
	begin := len(e.buf) == 0
	e.db = -1
	if begin {
		e.buf = append(e.buf, multiPrefix...)
	}
	from := len(e.buf)
	e.AddNow(db, args...)
	e.partial = append(e.partial, part{from, len(e.buf), 1, target})
	e.db = -1
	if begin {
		e.firstDB, e.first = -1, from
	}
}

// AddNow is Add that no Divert redirects, for what happens to the keyspace whoever is running: the deletion of a key
// whose time has come.
func (e *Effects) AddNow(db int, args ...[]byte) {
	e.n++
	if !e.on {
		return
	}
	for i := len(e.swaps) - 1; i >= 0; i-- { // it comes before them
		switch db {
		case e.swaps[i][0]:
			db = e.swaps[i][1]
		case e.swaps[i][1]:
			db = e.swaps[i][0]
		}
	}
	begin := len(e.buf) == 0
	if begin {
		e.buf = append(e.buf, multiPrefix...)
		e.firstDB = db
	}
	e.selectDB(db)
	if begin {
		e.first = len(e.buf)
	}
	e.buf = resp.AppendCommand(e.buf, args...)
}

// selectDB makes db the database of the effects that follow.
func (e *Effects) selectDB(db int) {
	if db == e.db {
		return
	}
	var num [20]byte
	e.buf = resp.AppendCommand(e.buf, selectName[:], resp.AppendInt(num[:0], int64(db)))
	e.db = db
}

// Divert sends what Add is given from now on to another collection, nil to this one again, and returns the collection
// that took it before.
func (e *Effects) Divert(to *Effects) (before *Effects) {
	before, e.divert = e.divert, to
	return before
}

// Swapped notes that two databases have been exchanged: AddNow goes before what is diverted, where a key is still in the other
// one.
func (e *Effects) Swapped(a, b int) {
	if e.divert != nil {
		e.swaps = append(e.swaps, [2]int{a, b})
	}
}

// Adopt empties e and makes it listen as other does, so that it can collect for it.
func (e *Effects) Adopt(other *Effects) {
	e.Reset()
	e.on = other.on
}

// Reset forgets the effects collected so far, without having sent them.
func (e *Effects) Reset() {
	e.n, e.buf, e.db, e.settled = 0, e.buf[:0], -1, false
	e.partial = e.partial[:0]
}

// Append adds the effects collected in from, which keeps them. Like Add it settles nothing and respects Divert.
func (e *Effects) Append(from *Effects) { e.AppendFor(ToAll, from) }

// AppendFor is Append for a target; an effect that is for another one is for nobody then.
func (e *Effects) AppendFor(target Target, from *Effects) {
	if e.divert != nil {
		e = e.divert
	}
	e.swaps = e.swaps[:0]
	e.n += from.n
	if from.n == 0 || !e.on || len(from.buf) == 0 {
		return
	}
	begin := len(e.buf) == 0
	if begin {
		e.buf = append(e.buf, multiPrefix...)
	}
	start := len(e.buf)
	if target != ToAll {
		e.db = -1
	}
	if from.firstDB >= 0 {
		e.selectDB(from.firstDB)
	}
	copied := len(e.buf)
	if begin {
		e.first, e.firstDB = copied, from.firstDB
		if target != ToAll {
			e.first, e.firstDB = start, -1
		}
	}
	e.buf = append(e.buf, from.buf[from.first:]...)
	e.db = from.db
	for _, p := range from.partial {
		e.partial = append(e.partial, part{p.from + copied - from.first, p.to + copied - from.first, p.n, p.target})
	}
	if target != ToAll {
		e.restrict(target, start, from)
	}
}

// restrict makes what was appended from start on an effect for a target.
func (e *Effects) restrict(target Target, start int, from *Effects) {
	e.db = -1
	old := len(e.partial) - len(from.partial)
	at, n := start, from.n
	for _, p := range e.partial[old:] { // the parts between those there are already
		e.partial = append(e.partial, part{at, p.from, 0, target}, part{p.from, p.to, p.n, p.target & target})
		at, n = p.to, n-p.n
	}
	e.partial = append(e.partial, part{at, len(e.buf), n, target})
	e.partial = append(e.partial[:old], e.partial[old+len(from.partial):]...)
}

var selectName = [...]byte{'S', 'E', 'L', 'E', 'C', 'T'}

// Count returns how many effects the unit has so far.
func (e *Effects) Count() int { return e.n }

// Finish ends the unit and returns its bytes, wrapped in MULTI and EXEC when there are several effects; nil when there
// are none or nobody listens. The bytes are valid until the next Add.
func (e *Effects) Finish() []byte {
	n, b := e.n, e.buf
	e.n, e.buf, e.settled, e.partial, e.swaps = 0, e.buf[:0], false, e.partial[:0], e.swaps[:0]
	if n == 0 || len(b) == 0 {
		return nil
	}
	if n == 1 {
		return b[len(multiPrefix):]
	}
	b = append(b, execSuffix...)
	e.buf = b[:0]
	return b
}

// Split is Finish for two readers who do not get the same: each is wrapped, or nil, by itself.
func (e *Effects) Split() (aof, replicas []byte) {
	if len(e.partial) == 0 {
		all := e.Finish()
		return all, all
	}
	aof, replicas = e.only(ToAOF), e.only(ToReplicas)
	e.Finish()
	return aof, replicas
}

// only returns the effects for a target.
func (e *Effects) only(target Target) []byte {
	b, at, n := append([]byte{}, multiPrefix...), len(multiPrefix), e.n
	for _, p := range e.partial {
		if p.target&target == 0 {
			b = append(b, e.buf[at:p.from]...)
			at, n = p.to, n-p.n
		}
	}
	b = append(b, e.buf[at:]...)
	switch n {
	case 0:
		return nil
	case 1:
		return b[len(multiPrefix):]
	}
	return append(b, execSuffix...)
}

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
type Effects struct {
	buf     []byte
	n       int
	db      int  // database the stream has selected, -1 unknown
	on      bool // somebody listens
	settled bool // the running command has said what its effects are
}

const multiPrefix = "*1\r\n$5\r\nMULTI\r\n"
const execSuffix = "*1\r\n$4\r\nEXEC\r\n"

// Listen switches encoding on or off; without AOF and replicas effects cost nothing.
func (e *Effects) Listen(on bool) { e.on = on }

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
	e.n++
	if !e.on {
		return
	}
	if len(e.buf) == 0 {
		e.buf = append(e.buf, multiPrefix...)
	}
	if db != e.db {
		var num [20]byte
		e.buf = resp.AppendCommand(e.buf, selectName[:], resp.AppendInt(num[:0], int64(db)))
		e.db = db
	}
	e.buf = resp.AppendCommand(e.buf, args...)
}

var selectName = [...]byte{'S', 'E', 'L', 'E', 'C', 'T'}

// Count returns how many effects the unit has so far.
func (e *Effects) Count() int { return e.n }

// Finish ends the unit and returns its bytes, wrapped in MULTI and EXEC when there are several effects; nil when there
// are none or nobody listens. The bytes are valid until the next Add.
func (e *Effects) Finish() []byte {
	n, b := e.n, e.buf
	e.n, e.buf, e.settled = 0, e.buf[:0], false
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

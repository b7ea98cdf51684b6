package latency

import (
	"slices"
	"strconv"
)

// Limits of what the slow log shows of a command; they are those of Redis.
const (
	slowArgs     = 32  // arguments with the name
	slowArgBytes = 128 // of one argument
)

// Redacted stands in the slow log for an argument that is nobody's business.
const Redacted = "(redacted)"

// Execution is one execution of a command that took long.
type Execution struct {
	ID   int64 // grows by one with each, also across Reset
	Sec  int64 // Unix time of its end
	Usec int64
	Args []string // as Abridge makes them
	Addr string   // of the client
	Name string   // of the client, as CLIENT SETNAME gave it
}

// SlowLog remembers the executions that took long. The zero value is ready for use; the owner guards it.
type SlowLog struct {
	list   []Execution // oldest first, from live on
	live   int
	nextID int64
}

// Add remembers an execution, whose ID it sets, and forgets the oldest beyond limit, which may be 0.
func (l *SlowLog) Add(e Execution, limit int64) {
	e.ID = l.nextID
	l.nextID++
	if l.live > len(l.list)/2 { // as many are moved as were forgotten since
		l.list = slices.Delete(l.list, 0, l.live)
		l.live = 0
	}
	l.list = append(l.list, e)
	for int64(l.Len()) > limit {
		l.list[l.live] = Execution{}
		l.live++
	}
}

// Len returns how many executions are remembered.
func (l *SlowLog) Len() int { return len(l.list) - l.live }

// Newest returns the n executions that were added last, or all, the last one last. They are valid until the next call of Add
// or Reset.
func (l *SlowLog) Newest(n int) []Execution { return l.list[len(l.list)-min(n, l.Len()):] }

// Reset forgets all executions.
func (l *SlowLog) Reset() { l.list, l.live = nil, 0 }

// Abridge copies the arguments of a command as the slow log shows them: long ones and those beyond a number are cut, which
// the text says, and those that hidden reports are replaced. hidden may be nil.
func Abridge(args [][]byte, hidden func(args [][]byte, i int) bool) []string {
	show := args
	if len(args) > slowArgs {
		show = args[:slowArgs-1]
	}
	out := make([]string, 0, min(len(args), slowArgs))
	for i, a := range show {
		switch {
		case hidden != nil && hidden(args, i):
			out = append(out, Redacted)
		case len(a) > slowArgBytes:
			out = append(out, string(a[:slowArgBytes])+"... ("+strconv.Itoa(len(a)-slowArgBytes)+" more bytes)")
		default:
			out = append(out, string(a))
		}
	}
	if left := len(args) - len(show); left > 0 {
		out = append(out, "... ("+strconv.Itoa(left)+" more arguments)")
	}
	return out
}

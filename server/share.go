package server

import (
	"time"

	"datastore/server/ticks"
)

// A turn is shared among the connections that have something to execute. One that has sent a hundred thousand commands, or
// a hundred expensive ones, must not make the others wait until they are done, so that its part of a turn ends after a
// share of time; what it has sent beyond is executed in later turns, in order. Only a single command cannot be divided, nor
// a transaction.
//
// A connection whose part was cut, or that sends more commands than are read at a time, is greedy until it has been served
// in full. Greedy connections come last in a turn, after the replies to the others are written, as many as will take about
// turnTime by the pace of their commands so far, and in rotation: so a client that asks for little waits for the greedy part
// of one turn at most, however many greedy clients there are. What they lose is only their place: a share is long against
// what it costs to change from one connection to the next.
//
// Parsing is in proportion to executing, since what was parsed and cut is parsed again: the number of commands that are
// parsed ahead follows the number that a share sufficed for.
const (
	turnTime = 2 * time.Millisecond   // of commands in a turn, where connections can be cut
	maxShare = time.Millisecond       // of it for one connection
	minShare = 100 * time.Microsecond // and with many of them

	maxTurnCommands = 16384 // parsed in a turn, beyond which connections wait for the next
	maxFeedCommands = 4096  // of one connection
	minFeedCommands = 8
	greedyCommands  = 64 // in a full read, which make a connection greedy
)

// beginShare begins the part of the connection that is executed next, unless it has begun.
func (b *batch) beginShare() {
	if b.until == 0 {
		b.first, b.began, b.until = b.at, b.srv.timing.lap, b.srv.timing.lap+b.share
	}
}

// endShare ends it.
func (b *batch) endShare() {
	s := b.srv
	s.stats.longestShare = max(s.stats.longestShare, s.timing.clock.Nanos(s.timing.lap-b.began))
	b.until, b.extended = 0, false
}

// spent reports whether the present connection has had its share. One with less left than half of what it has done may go
// on for half a share: another turn for so little costs more.
func (b *batch) spent(f *feed) bool {
	ran, left := b.at-b.first, f.cmds-b.at
	if ran > 0 && (left > ran/2 || b.extended) {
		return true
	}
	if ran > 0 {
		b.extended = true
		b.until += b.share / 2
	}
	return false
}

// cut leaves the commands of the present connection from b.at on for a later turn.
func (b *batch) cut(f *feed) {
	if c := f.c; !c.stopped() {
		ran := b.at - b.first
		c.greedy, c.parseMost = true, max(ran+ran/8, minFeedCommands)
		c.pace = (b.srv.timing.lap - b.began) / ticks.Tick(max(ran, 1))
	}
	f.cut = true
	b.at = f.cmds
	if b.far < b.at { // their keys are not touched
		b.far, b.near, b.nearKey = b.at, b.at, len(b.touched)
	}
}

// whole notes that a connection's commands were all executed. It stays greedy while it has more of them, or fills what is
// read at a time with them.
func (b *batch) whole(f *feed) {
	c, ran := f.c, b.at-b.first
	c.greedy = f.more || c.readable && ran >= greedyCommands
	if c.greedy {
		c.pace = (b.srv.timing.lap - b.began) / ticks.Tick(max(ran, 1))
	}
	if f.more {
		c.parseMost = min(c.parseMost*3/2, maxFeedCommands)
	}
}

// greedyNext reports whether what is left of the batch is of greedy connections, and replies to others are to be written
// first.
func (b *batch) greedyNext() bool { return b.cur == b.modest && len(b.outputs) > 0 }

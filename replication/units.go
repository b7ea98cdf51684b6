package replication

import (
	"fmt"
	"io"
	"math"

	"datastore/server/command"
	"datastore/server/resp"
)

const (
	streamReadBytes = 256 << 10
	keepStreamBytes = 1 << 20 // a larger buffer is given up once it is empty
	maxUnitBytes    = 4 << 30 // of one transaction
	maxUnits        = 256     // handed on at a time, so that the lock is not held for long
)

// Unit is one unit of the stream: a command, or the commands between MULTI and EXEC.
type Unit struct {
	// Commands are what to run, MULTI and EXEC left out; none for PING and REPLCONF.
	Commands [][][]byte
	// Raw are the bytes of the whole unit, which count for the offset and are forwarded to replicas of the replica.
	Raw []byte
	// Ack asks for an acknowledgement of everything before and including this unit.
	Ack bool
}

// unitReader cuts the stream into units. What it returns aliases its buffer until the next read.
type unitReader struct {
	src    io.Reader
	buf    []byte
	start  int // of the unit at hand
	pos    int // parsed up to here
	multi  bool
	count  int // commands in the transaction at hand
	parser resp.Parser
	args   [][]byte
	units  []Unit
	err    error // found behind units; the stream has no meaning after it
}

// limits are those of a trusted peer; a line is never longer than an argument's header.
func (u *unitReader) limits() resp.Limits {
	return resp.Limits{MaxBulkBytes: math.MaxInt, MaxArgs: math.MaxInt32, MaxInlineBytes: 64 << 10}
}

// next returns the complete units that have arrived, reading when there are none. It returns what was complete before an
// error together with none; the error comes with the next call.
func (u *unitReader) next() ([]Unit, error) {
	for {
		if u.err != nil {
			return nil, u.err
		}
		if u.err = u.collect(); len(u.units) > 0 {
			return u.units, nil
		}
		if u.err != nil {
			continue
		}
		if err := u.read(); err != nil {
			return nil, err
		}
	}
}

// read makes room and reads once. The unit at hand stays.
func (u *unitReader) read() error {
	if u.start > 0 {
		n := copy(u.buf, u.buf[u.start:])
		u.buf, u.pos, u.start = u.buf[:n], u.pos-u.start, 0
	}
	if len(u.buf) >= maxUnitBytes {
		return fmt.Errorf("%w: a transaction of more than %d bytes", ErrProtocol, int64(maxUnitBytes))
	}
	if len(u.buf) == 0 && cap(u.buf) > keepStreamBytes {
		u.buf = nil
	}
	if free := cap(u.buf) - len(u.buf); free < streamReadBytes/2 {
		grown := make([]byte, len(u.buf), max(2*len(u.buf), streamReadBytes))
		copy(grown, u.buf)
		u.buf = grown
	}
	n, err := u.src.Read(u.buf[len(u.buf):cap(u.buf)])
	u.buf = u.buf[:len(u.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// collect gathers the complete units in the buffer.
func (u *unitReader) collect() error {
	lim := u.limits()
	u.units, u.args = u.units[:0], u.args[:0]
	for len(u.units) < maxUnits {
		from := len(u.args)
		args, n, err := u.parser.Next(u.buf[u.pos:], u.args, &lim)
		u.pos += n
		if err != nil {
			return fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		if len(args) == from {
			u.flushBlank()
			return nil
		}
		u.args = args
		if err := u.take(args[from:len(args):len(args)]); err != nil {
			return err
		}
	}
	return nil
}

// flushBlank makes a unit of line ends between commands, which count for the offset.
func (u *unitReader) flushBlank() {
	if u.pos > u.start && !u.multi {
		u.units = append(u.units, Unit{Raw: u.buf[u.start:u.pos:u.pos]})
		u.start = u.pos
	}
}

// take adds a command to the unit at hand and ends the unit when it is complete.
func (u *unitReader) take(args [][]byte) error {
	isMulti, isExec := command.IsKeyword(args[0], "MULTI"), command.IsKeyword(args[0], "EXEC")
	switch {
	case isMulti && u.multi, isExec && !u.multi:
		return fmt.Errorf("%w: %s in the wrong place", ErrProtocol, args[0])
	case isMulti:
		u.multi, u.count = true, 0
		return nil
	case u.multi && !isExec:
		u.count++
		return nil
	}
	unit := Unit{Raw: u.buf[u.start:u.pos:u.pos]}
	u.start = u.pos
	switch {
	case isExec:
		u.multi = false
		var err error
		if unit.Commands, err = u.commandsOf(unit.Raw); err != nil {
			return err
		}
	case command.IsKeyword(args[0], "PING"):
	case command.IsKeyword(args[0], "REPLCONF"):
		unit.Ack = len(args) > 1 && command.IsKeyword(args[1], "GETACK")
	default:
		unit.Commands = [][][]byte{args}
	}
	u.units = append(u.units, unit)
	return nil
}

// commandsOf parses a whole transaction again, because its parts may have moved since they arrived.
func (u *unitReader) commandsOf(raw []byte) ([][][]byte, error) {
	lim := u.limits()
	list := make([][][]byte, 0, u.count)
	var p resp.Parser
	for skip := true; len(raw) > 0; skip = false {
		args, n, err := p.Next(raw, nil, &lim)
		if err != nil || len(args) == 0 {
			return nil, fmt.Errorf("%w: a transaction that was complete is not: %v", ErrProtocol, err)
		}
		if raw = raw[n:]; !skip && len(raw) > 0 {
			list = append(list, args)
		}
	}
	return list, nil
}

package aof

import (
	"fmt"
	"io"
)

// CommandWriter writes a base that consists of commands: a header and units with their checksums, like an incr file. Its first
// error stays: what is written afterwards is dropped.
type CommandWriter struct {
	w   io.Writer
	sum *checksummer
	buf []byte
	at  int64
	err error
}

// NewCommandWriter begins a base on w.
func NewCommandWriter(w io.Writer) *CommandWriter {
	c := &CommandWriter{w: w, sum: newChecksummer()}
	c.emit([]byte(headerLine))
	return c
}

// Unit writes a unit; see Log.Append.
func (c *CommandWriter) Unit(unit []byte) {
	crc := c.sum.unit(c.at, unit)
	c.emit(unit)
	c.buf = appendAnnotation(c.buf[:0], crc, int64(len(unit)))
	c.emit(c.buf)
}

// Err returns the first error of the writer.
func (c *CommandWriter) Err() error { return c.err }

func (c *CommandWriter) emit(b []byte) {
	if c.err != nil {
		return
	}
	n, err := c.w.Write(b)
	c.at += int64(n)
	if err != nil {
		c.err = fmt.Errorf("write the base: %w", err)
	}
}

// SetCommandBase says whether the bases that are written from now on are commands rather than RDB files, which their names
// tell.
func (l *Log) SetCommandBase(on bool) { l.commandBase = on }

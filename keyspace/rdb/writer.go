package rdb

import (
	"fmt"
	"io"
)

const (
	writerBufferBytes = 64 << 10
	maxIdleBytes      = 1 << 20 // a buffer that one long string made larger is not kept
)

// WriterOptions are the choices of a Writer.
type WriterOptions struct {
	Compress bool // LZF for strings longer than 20 bytes that gain by it ("rdbcompression")
	Checksum bool // keep the running CRC64 ("rdbchecksum")
}

// Writer encodes primitives to an io.Writer through a buffer of about 64 KB, or to memory. An error of the io.Writer stays:
// what is written after it is dropped, and Flush and Err give it. It is for one goroutine.
type Writer struct {
	dst     io.Writer // nil: everything stays in buf
	opts    WriterOptions
	buf     []byte
	summed  int   // buf[:summed] is in crc
	flushed int64 // bytes that left buf
	crc     uint64
	tables  *crcTables
	err     error
}

// NewWriter makes a Writer to dst. When dst is nil all output is kept in memory, to be had from Bytes.
func NewWriter(dst io.Writer, opts WriterOptions) *Writer {
	return &Writer{dst: dst, opts: opts, tables: jonesTables()}
}

// Reset starts over with another destination and the same options, keeping the buffer's memory: what Bytes gave before is
// overwritten.
func (w *Writer) Reset(dst io.Writer) {
	*w = Writer{dst: dst, opts: w.opts, buf: w.buf[:0], tables: w.tables}
}

// WriteOpcode writes one byte: an opcode or a value type.
func (w *Writer) WriteOpcode(c byte) {
	w.buf = append(w.buf, c)
	w.settle()
}

// WriteLen writes a length.
func (w *Writer) WriteLen(n uint64) {
	w.buf = AppendLen(w.buf, n)
	w.settle()
}

// WriteString writes a string in its shortest form; see AppendString.
func (w *Writer) WriteString(s []byte) {
	if len(s) >= writerBufferBytes && !w.opts.Compress {
		w.WriteLen(uint64(len(s)))
		w.WriteRaw(s)
		return
	}
	w.buf = AppendString(w.buf, s, w.opts.Compress)
	w.settle()
}

// WriteInt writes the string that is n's decimal text.
func (w *Writer) WriteInt(n int64) {
	w.buf = AppendInt(w.buf, n)
	w.settle()
}

// WriteMillis writes a time in milliseconds since 1970.
func (w *Writer) WriteMillis(ms int64) {
	w.buf = AppendMillis(w.buf, ms)
	w.settle()
}

// WriteDouble writes f in 8 bytes.
func (w *Writer) WriteDouble(f float64) {
	w.buf = AppendDouble(w.buf, f)
	w.settle()
}

// WriteFloat writes f in 4 bytes.
func (w *Writer) WriteFloat(f float32) {
	w.buf = AppendFloat(w.buf, f)
	w.settle()
}

// WriteTextDouble writes f as text.
func (w *Writer) WriteTextDouble(f float64) {
	w.buf = AppendTextDouble(w.buf, f)
	w.settle()
}

// WriteRaw writes p without a length. A large p is passed on rather than copied.
func (w *Writer) WriteRaw(p []byte) {
	if len(p) < writerBufferBytes || w.dst == nil {
		w.buf = append(w.buf, p...)
		w.settle()
		return
	}
	if w.Flush() != nil {
		return
	}
	if w.opts.Checksum {
		w.crc = w.tables.update(w.crc, p)
	}
	w.emit(p)
}

// WriteSum writes the running checksum, or 0 when none is kept, as the last 8 bytes of a file.
func (w *Writer) WriteSum() {
	w.WriteMillis(int64(w.Sum()))
}

// Sum is the CRC64 of all that was written; 0 without WriterOptions.Checksum.
func (w *Writer) Sum() uint64 {
	if w.opts.Checksum {
		w.crc = w.tables.update(w.crc, w.buf[w.summed:])
		w.summed = len(w.buf)
	}
	return w.crc
}

// Offset is the number of bytes written so far, including those still in the buffer.
func (w *Writer) Offset() int64 {
	return w.flushed + int64(len(w.buf))
}

// Bytes is what has not been flushed: all output of a Writer to memory. It is valid until the next write or Reset.
func (w *Writer) Bytes() []byte {
	return w.buf
}

// Err is the first error of the destination.
func (w *Writer) Err() error {
	return w.err
}

// Fail makes err the Writer's error, unless it has one.
func (w *Writer) Fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Flush hands everything to the destination and gives the first error there was. A Writer to memory has nothing to do.
func (w *Writer) Flush() error {
	if w.dst == nil {
		return nil
	}
	w.Sum()
	w.emit(w.buf)
	w.summed = 0
	if w.buf = w.buf[:0]; cap(w.buf) > maxIdleBytes {
		w.buf = nil
	}
	return w.err
}

// settle flushes a full buffer.
func (w *Writer) settle() {
	if len(w.buf) >= writerBufferBytes && w.dst != nil {
		w.Flush()
	}
}

// emit counts p as written and hands it to the destination unless that has failed.
func (w *Writer) emit(p []byte) {
	w.flushed += int64(len(p))
	if w.err != nil || len(p) == 0 {
		return
	}
	if _, err := w.dst.Write(p); err != nil {
		w.err = fmt.Errorf("write rdb: %w", err)
	}
}

package resp

// Writer appends replies to Buf, which belongs to the caller. Proto is 2 or 3;
// replies that only RESP3 has take their RESP2 form when it is 2. Nothing is
// allocated except when Buf grows.
type Writer struct {
	Buf   []byte
	Proto int
}

const (
	// shortHeaders is the number of lengths whose header line is ready-made.
	shortHeaders = 32
	headerBytes  = 5
)

// arrayHeaders and bulkHeaders hold "*n\r\n" and "$n\r\n" in five bytes each;
// those of one digit end one byte earlier.
const (
	arrayHeaders = "*0\r\n *1\r\n *2\r\n *3\r\n *4\r\n *5\r\n *6\r\n *7\r\n *8\r\n *9\r\n " +
		"*10\r\n*11\r\n*12\r\n*13\r\n*14\r\n*15\r\n*16\r\n*17\r\n*18\r\n*19\r\n*20\r\n" +
		"*21\r\n*22\r\n*23\r\n*24\r\n*25\r\n*26\r\n*27\r\n*28\r\n*29\r\n*30\r\n*31\r\n"
	bulkHeaders = "$0\r\n $1\r\n $2\r\n $3\r\n $4\r\n $5\r\n $6\r\n $7\r\n $8\r\n $9\r\n " +
		"$10\r\n$11\r\n$12\r\n$13\r\n$14\r\n$15\r\n$16\r\n$17\r\n$18\r\n$19\r\n$20\r\n" +
		"$21\r\n$22\r\n$23\r\n$24\r\n$25\r\n$26\r\n$27\r\n$28\r\n$29\r\n$30\r\n$31\r\n"
)

// header appends a type byte, a number and the end of the line.
func header(dst []byte, kind byte, n int64) []byte {
	dst = append(dst, kind)
	dst = AppendInt(dst, n)
	return append(dst, '\r', '\n')
}

func bulkHeader(dst []byte, n int) []byte {
	switch {
	case n < 10:
		return append(dst, bulkHeaders[n*headerBytes:n*headerBytes+headerBytes-1]...)
	case n < shortHeaders:
		return append(dst, bulkHeaders[n*headerBytes:n*headerBytes+headerBytes]...)
	}
	return header(dst, '$', int64(n))
}

func arrayHeader(dst []byte, n int) []byte {
	switch {
	case n < 0:
	case n < 10:
		return append(dst, arrayHeaders[n*headerBytes:n*headerBytes+headerBytes-1]...)
	case n < shortHeaders:
		return append(dst, arrayHeaders[n*headerBytes:n*headerBytes+headerBytes]...)
	}
	return header(dst, '*', int64(n))
}

// Raw appends bytes that are RESP already.
func (w *Writer) Raw(reply []byte) { w.Buf = append(w.Buf, reply...) }

// RawString is Raw for a string.
func (w *Writer) RawString(reply string) { w.Buf = append(w.Buf, reply...) }

// Int appends an integer reply.
func (w *Writer) Int(n int64) {
	if uint64(n) < 10 {
		w.Buf = append(w.Buf, ':', byte('0'+n), '\r', '\n')
		return
	}
	w.Buf = header(w.Buf, ':', n)
}

// Bulk appends a bulk string. A nil slice is an empty string, not a null.
func (w *Writer) Bulk(b []byte) {
	buf := bulkHeader(w.Buf, len(b))
	buf = append(buf, b...)
	w.Buf = append(buf, '\r', '\n')
}

// BulkHeader begins a bulk string of n bytes, which the caller has to see to: they and a line end follow.
func (w *Writer) BulkHeader(n int) { w.Buf = bulkHeader(w.Buf, n) }

// BulkString is Bulk for a string.
func (w *Writer) BulkString(s string) {
	buf := bulkHeader(w.Buf, len(s))
	buf = append(buf, s...)
	w.Buf = append(buf, '\r', '\n')
}

// BulkInt appends a bulk string that holds n in decimal.
func (w *Writer) BulkInt(n int64) {
	buf := bulkHeader(w.Buf, IntLen(n))
	buf = AppendInt(buf, n)
	w.Buf = append(buf, '\r', '\n')
}

// Status appends a simple string, in which a line end would end the reply: CR
// and LF become spaces.
func (w *Writer) Status(s string) { w.line('+', s) }

// Error appends an error reply; text begins with the error code and has no
// leading dash. CR and LF become spaces, so that text that quotes a client's
// argument cannot forge further replies.
func (w *Writer) Error(text string) { w.line('-', text) }

// OK appends the status OK.
func (w *Writer) OK() { w.Buf = append(w.Buf, "+OK\r\n"...) }

func (w *Writer) line(kind byte, s string) {
	buf := append(w.Buf, kind)
	start := len(buf)
	buf = append(buf, s...)
	for i := start; i < len(buf); i++ {
		if buf[i] == '\r' || buf[i] == '\n' {
			buf[i] = ' '
		}
	}
	w.Buf = append(buf, '\r', '\n')
}

// Null appends the absence of a value: a null bulk string in RESP2.
func (w *Writer) Null() {
	if w.Proto >= 3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "$-1\r\n"...)
}

// NullArray appends the absence of an array: RESP2 tells it from that of a
// value, RESP3 does not.
func (w *Writer) NullArray() {
	if w.Proto >= 3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "*-1\r\n"...)
}

// Array begins an array of n replies.
func (w *Writer) Array(n int) { w.Buf = arrayHeader(w.Buf, n) }

// Map begins a map of n pairs, in RESP2 an array of 2n replies.
func (w *Writer) Map(n int) { w.Buf = w.aggregate(w.Buf, '%', n) }

// Set begins a set of n replies, in RESP2 an array.
func (w *Writer) Set(n int) { w.Buf = w.aggregate(w.Buf, '~', n) }

// Push begins an out-of-band message of n replies, in RESP2 an array.
func (w *Writer) Push(n int) { w.Buf = w.aggregate(w.Buf, '>', n) }

// Attribute begins n pairs that annotate the reply that follows them. RESP2 has
// no attributes: the caller must not write one there.
func (w *Writer) Attribute(n int) { w.Buf = header(w.Buf, '|', int64(n)) }

func (w *Writer) aggregate(dst []byte, kind byte, n int) []byte {
	if w.Proto >= 3 && kind != '*' {
		return header(dst, kind, int64(n))
	}
	if kind == '%' {
		n *= 2
	}
	return arrayHeader(dst, n)
}

// Bool appends a boolean, in RESP2 the integer 1 or 0.
func (w *Writer) Bool(b bool) {
	switch {
	case w.Proto >= 3 && b:
		w.Buf = append(w.Buf, "#t\r\n"...)
	case w.Proto >= 3:
		w.Buf = append(w.Buf, "#f\r\n"...)
	case b:
		w.Buf = append(w.Buf, ":1\r\n"...)
	default:
		w.Buf = append(w.Buf, ":0\r\n"...)
	}
}

// maxDoubleBytes is the length of the longest text of AppendDouble:
// -d.dddddddddddddddde-ddd.
const maxDoubleBytes = 24

// Double appends a floating point number, in RESP2 a bulk string, in the format
// of AppendDouble.
func (w *Writer) Double(f float64) {
	if w.Proto >= 3 {
		buf := AppendDouble(append(w.Buf, ','), f)
		w.Buf = append(buf, '\r', '\n')
		return
	}
	var text [maxDoubleBytes]byte
	w.Bulk(AppendDouble(text[:0], f))
}

// HumanDouble is Double in the format of AppendHumanDouble.
func (w *Writer) HumanDouble(f float64) {
	mark := w.Deferred()
	if w.Proto >= 3 {
		w.Buf = append(w.Buf, ',')
	}
	w.Buf = AppendHumanDouble(w.Buf, f)
	length := len(w.Buf) - int(mark)
	w.Buf = append(w.Buf, '\r', '\n')
	if w.Proto < 3 {
		w.insert(mark, '$', length)
	}
}

// BigNumber appends an integer of any size, given in decimal; in RESP2 a bulk
// string.
func (w *Writer) BigNumber(decimal []byte) {
	if w.Proto < 3 {
		w.Bulk(decimal)
		return
	}
	buf := append(w.Buf, '(')
	buf = append(buf, decimal...)
	w.Buf = append(buf, '\r', '\n')
}

// Verbatim appends a text with a format of exactly three letters, "txt" or
// "mkd"; in RESP2 a bulk string without the format.
func (w *Writer) Verbatim(format string, text []byte) {
	if w.Proto < 3 {
		w.Bulk(text)
		return
	}
	buf := header(w.Buf, '=', int64(len(text)+4))
	buf = append(buf, format...)
	buf = append(buf, ':')
	buf = append(buf, text...)
	w.Buf = append(buf, '\r', '\n')
}

// Mark is a place in a reply where the header of an aggregate is to be.
type Mark int

// Deferred returns the place where an aggregate begins whose number of elements
// is not known yet. Write the elements, then call one SetDeferred method. Marks
// nest, the inner ones being set first; Buf must not be flushed or shortened to
// before the mark meanwhile.
func (w *Writer) Deferred() Mark { return Mark(len(w.Buf)) }

// SetDeferredArray makes what was written since mark an array of n replies.
func (w *Writer) SetDeferredArray(mark Mark, n int) { w.insert(mark, '*', n) }

// SetDeferredMap makes what was written since mark a map of n pairs.
func (w *Writer) SetDeferredMap(mark Mark, n int) { w.insert(mark, '%', n) }

// SetDeferredSet makes what was written since mark a set of n replies.
func (w *Writer) SetDeferredSet(mark Mark, n int) { w.insert(mark, '~', n) }

// SetDeferredPush makes what was written since mark an out-of-band message of n
// replies.
func (w *Writer) SetDeferredPush(mark Mark, n int) { w.insert(mark, '>', n) }

// SetDeferredAttribute makes what was written since mark n pairs that annotate the
// reply that follows them; see Attribute.
func (w *Writer) SetDeferredAttribute(mark Mark, n int) { w.insert(mark, '|', n) }

// Rollback forgets what was written since mark, for instance to answer with an
// error instead.
func (w *Writer) Rollback(mark Mark) { w.Buf = w.Buf[:mark] }

// insert puts a header at mark and moves what follows it.
func (w *Writer) insert(mark Mark, kind byte, n int) {
	var space [maxIntDigits + 4]byte
	var head []byte
	if kind == '$' {
		head = bulkHeader(space[:0], n)
	} else {
		head = w.aggregate(space[:0], kind, n)
	}
	end := len(w.Buf)
	w.Buf = append(w.Buf, head...)
	copy(w.Buf[int(mark)+len(head):], w.Buf[mark:end])
	copy(w.Buf[mark:], head)
}
